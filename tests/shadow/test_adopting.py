"""Every part of a terminal that takes settings while it runs really goes by them afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from config.intents import load_intents
from config.persona import load_persona
from config.remote import REMOTE, overlay, values
from config.schema import Site
from kiosk.adopting import Adopters
from kiosk.audio.ears import Ears
from kiosk.content.pack import Pack
from kiosk.conversation import _Manner
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.events import Pcm
from kiosk.late_knowledge import LateKnowledge
from kiosk.queueing.day import BusinessDay
from kiosk.session.states import State
from kiosk.session.visit import Visit
from kiosk.shadow.appliers import LIVE, Part
from kiosk.vision.faces import SeenFace
from kiosk.vision.presence import Presence
from tests.conftest import VirtualTimeLoop
from tests.kiosk.fake_kiosk import NOON, FakeKiosk
from tests.shadow.kit import SITE

pytestmark = pytest.mark.contract
FRIDAY_HOURS = {"branch.hours": {"friday": {"opens": "10:30", "closes": "20:15"}}}


class Deaf:
    """A voice that is never there; an echo that is never heard."""

    deaf, full_duplex = False, True

    def probability(self, block: Pcm) -> float:
        return 0.0

    def reset(self) -> None: ...


class Parts:
    """The real parts of a terminal around a session under virtual time."""

    def __init__(self, folder: Path, pack: Pack) -> None:
        self.loop = asyncio.get_running_loop()
        self.kiosk = FakeKiosk(folder)
        self.site = site = self.kiosk.site
        self.ears = Ears(site.hearing, Deaf(), Deaf(), lambda: False, lambda: True)  # type: ignore[arg-type]
        self.manner = _Manner(site, load_persona(), lambda: -20.0)
        self.presence = Presence(site.seeing)
        self.day = BusinessDay(self.kiosk.ledger.outbox, self.kiosk.ledger.desk, site.branch.hours, folder)
        self.knowledge, self.late = (ApprovedKnowledge(pack, site.branch.hours) for _ in range(2))
        self.table = Adopters(
            terminal=self._keep, session=self.kiosk.session, brain=self.kiosk.session._brain, ears=self.ears,
            manner=self.manner.adopt, presence=self.presence, day=self.day, knowledge=self.knowledge,
            entries=LateKnowledge(lambda: self.late),
        ).table()  # fmt: skip

    def _keep(self, site: Site) -> None:
        self.site = site

    def take(self, part: Part, settings: dict[str, Any]) -> None:
        async def take() -> None:
            self.table[part](overlay(self.kiosk.site, settings))

        if self.loop.is_running():
            self.table[part](overlay(self.kiosk.site, settings))
        else:
            self.loop.run_until_complete(take())


@pytest.fixture(scope="module")
def pack() -> Pack:
    return ApprovedKnowledge.for_site(SITE, load_intents()).pack


@pytest.fixture
def parts(virtual: VirtualTimeLoop, tmp_path: Path, pack: Pack) -> Iterator[Parts]:
    async def make() -> Parts:
        return Parts(tmp_path, pack)

    made = virtual.run_until_complete(make())
    yield made
    made.kiosk.ledger.outbox.close()


def test_each_live_setting_belongs_to_a_part_that_there_is(parts: Parts) -> None:
    assert set(LIVE.values()) == set(parts.table)
    for name, part in LIVE.items():
        parts.take(part, {name: values(parts.kiosk.site)[name]})
        assert REMOTE[name] == "live" and parts.site == parts.kiosk.site


def test_hours_are_said_shown_and_kept_as_they_are_now(parts: Parts) -> None:
    def said(knowledge: ApprovedKnowledge) -> str:
        answer = knowledge.answer("business_hours", "en", {}, NOON)
        assert answer is not None
        return answer.text

    before = said(parts.knowledge)
    parts.take("hours", FRIDAY_HOURS)
    assert "five" in before and "eight 15" in said(parts.knowledge)
    assert "20:15" in str(parts.kiosk.shown[-1]) and "17:00" not in str(parts.kiosk.shown[-1])
    late = datetime.fromisoformat("2026-11-20T20:30:00+08:00")
    assert parts.day.look(late, missing=()) == ()  # it closes at 20:15 now: an hour later it is settled
    assert [type(one).__name__ for one in parts.day.look(late.replace(hour=21, minute=20), missing=())] == ["DayClosed"]


def test_pauses_are_waited_for_as_long_as_they_are_now(parts: Parts) -> None:
    pace = parts.ears._endpointer.pace
    assert (pace.needed_ms("unknown"), pace.needed_ms("finished")) == (1300, 400)
    parts.take("pauses", {"hearing.pause_ms": 1700, "hearing.pause_finished_ms": 500})
    assert (pace.needed_ms("unknown"), pace.needed_ms("finished")) == (1700, 500)


def test_somebody_has_come_after_the_time_that_it_takes_now(parts: Parts) -> None:
    began_ms = 0

    def came_after_ms() -> int:
        nonlocal began_ms
        presence, face = parts.presence, [SeenFace(0.5, 0.5, 0.3)]
        for at_ms in range(began_ms, began_ms + 5_000, 100):  # nobody, long enough
            list(presence.step((), at_ms * 1_000_000))
        assert not presence.here
        began_ms += 5_000
        for at_ms in range(began_ms, began_ms + 6_000, 100):
            list(presence.step(face, at_ms * 1_000_000))
            if presence.here:
                took_ms, began_ms = at_ms - began_ms, at_ms + 100
                return took_ms
        raise AssertionError("nobody came")

    assert came_after_ms() == 600
    parts.take("presence", {"seeing.arrive_ms": 1500})
    assert came_after_ms() == 1500


def test_she_is_as_loud_as_she_may_be_now(parts: Parts) -> None:
    visit = Visit(0, "camera")
    for _ in range(5):
        before = parts.manner.of(visit).gain_db
    parts.take("manner", {"voice.gain_max_db": 1})
    for _ in range(5):
        after = parts.manner.of(visit).gain_db
    assert (before, after) == (6, 1)


def test_a_silence_lasts_as_long_as_it_may_now(virtual: VirtualTimeLoop, parts: Parts) -> None:
    kiosk = parts.kiosk

    async def silent_s() -> float:
        await kiosk.arrive()
        began_s, count = virtual.time(), len(kiosk.said())
        while len(kiosk.said()) == count:
            await asyncio.sleep(0.05)
        lasted_s = virtual.time() - began_s
        kiosk.leave()
        await kiosk.until(State.IDLE, 60)
        return lasted_s

    async def both() -> tuple[float, float]:
        async with kiosk:
            first = await silent_s()
            parts.take("talking", {"talking.prompt_after_s": 40})
            return first, await silent_s()

    first, then = virtual.run_until_complete(both())
    assert then - first == pytest.approx(25, abs=2)
