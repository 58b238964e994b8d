"""The form through the whole session under virtual time: filled together, masked, signed, declined, forgotten."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.forms import load_forms
from contracts import together as t
from contracts import topics
from hub.together.signed import why_broken
from kiosk.events import Stroked
from kiosk.ports import BusDown
from kiosk.sync.outbox import OutboxFull
from kiosk.together.ports import ApprovedText, Looked, NoFreshLook
from kiosk.together.together import Around, Together
from tests.kiosk.fake_kiosk import FakeKiosk

pytestmark = pytest.mark.unit
CASE, SESSION = "case-000001", "session-000001"
CARD, PIN = "6222020000000000000", "246810"
SCRAWL = tuple((20 + 12 * i, 250 + (40 if i % 2 else -40), 16 * i) for i in range(40))
Script = Callable[["Desk"], Awaitable[None]]


class Desk:
    """A teller's desk without a hub between: what it asks, what it was told, every byte of it."""

    def __init__(self, kiosk: FakeKiosk) -> None:
        self.kiosk, self.case, self.bytes, self.papers = kiosk, CASE, b"", list[t.SignedPaper]()
        self.told: list[t.TogetherStands] = []
        self.printed: list[tuple[str, ...]] = []
        self.bus_works = self.disk_works = True
        self.fresh: Any = NoFreshLook()
        self._said = itertools.count(1)
        around = Around(
            case=lambda: self.case, say=self.say, keeps=self, library=self, fresh=self, receipts=self,
            changed=kiosk.session.show, hub_now=lambda: datetime.now(UTC), note=kiosk.trace.note,
        )  # fmt: skip
        self.together = Together(load_forms(), around, kiosk.clock)
        kiosk.session.together = self.together
        kiosk.session.forgetters.append(self.together.forget)

    async def say(self, message: t.TogetherStands) -> None:
        if not self.bus_works:
            raise BusDown
        payload = topics.TOGETHER_STANDS.encode(message)
        self.bytes += payload
        self.told.append(topics.TOGETHER_STANDS.decode(payload))

    async def signed(self, paper: t.SignedPaper) -> None:
        if not self.disk_works:
            raise OutboxFull("full")
        self.papers.append(paper)
        self.kiosk.ledger.outbox.append(topics.SIGNED, paper)

    def entry(self, name: str, language: Any) -> ApprovedText | None:
        return ApprovedText(title="问", text="答", source="演示第1条") if name == "acct_class_one" else None

    def hindered(self, what: Any) -> Any:
        return self.fresh.hindered(what)

    async def look(self, what: Any) -> Any:
        return await self.fresh.look(what)

    def stop(self, what: Any) -> None:
        self.fresh.stop(what)

    def refused(self, what: Any) -> None:
        self.fresh.refused(what)

    async def print(self, title: str, lines: tuple[str, ...]) -> Any:
        self.printed.append(lines)
        return "done"

    async def ask(self, body: t.FromDesk, *, case: str = CASE, said: int = 0, late_s: float = 0) -> None:
        at = datetime.now(UTC)
        message = t.TogetherAsked(
            id="1", at=at, mono_ns=0, case=case, said=said or next(self._said),
            expires=at + timedelta(seconds=60 - late_s), body=body,
        )  # fmt: skip
        self.together.hear(topics.TOGETHER_ASKED.decode(topics.TOGETHER_ASKED.encode(message)))
        await asyncio.sleep(0.3)

    async def types(self, text: str) -> None:
        for character in text:
            await self.kiosk.touch(f"key_{character.lower()}")

    async def step(self, name: str, *, second: bool = False) -> None:
        await asyncio.sleep(0.3)
        digest = t.draft_digest(self.form) if second else ""
        await self.ask(t.OpenStep(session=SESSION, step=name, second=digest))

    async def fill(self) -> None:
        """All of the form but the signature."""
        await self.ask(t.OpenForm(form="limits", session=SESSION))
        await self.ask(t.FillField(session=SESSION, field="name", value="王小明"))
        await self.types(CARD)
        await self.kiosk.touch("form_next")
        await self.kiosk.touch("form_choice_1")
        await self.kiosk.touch("form_next")
        await self.types("50000")
        await self.step("secret")
        await self.types(PIN)
        await self.kiosk.touch("form_next")
        await self.types(PIN)

    async def draw(self, points: Any = SCRAWL) -> None:
        self.kiosk.session.tell(Stroked(points))
        await asyncio.sleep(0.3)

    @property
    def form(self) -> t.FormStands:
        form = self.told[-1].form
        assert form is not None
        return form

    def value(self, name: str) -> t.FieldStands:
        return next(one for one in self.form.fields if one.field == name)


@pytest.fixture
def play(virtual: Any, tmp_path: Path) -> Callable[[Script], Desk]:
    def run(script: Script) -> Desk:
        async def whole() -> Desk:
            async with FakeKiosk(tmp_path) as kiosk:
                desk = Desk(kiosk)
                telling = asyncio.create_task(desk.together.run())
                await kiosk.arrive()
                await script(desk)
                await asyncio.sleep(1)
                telling.cancel()
                with suppress(asyncio.CancelledError):
                    await telling
            return desk

        found: Desk = virtual.run_until_complete(whole())
        return found

    return run


def test_they_fill_it_field_by_field_and_each_sees_the_other_s_hand(play: Callable[[Script], Desk]) -> None:
    async def script(desk: Desk) -> None:
        await desk.ask(t.OpenForm(form="limits", session=SESSION))
        view = desk.kiosk.screen.form
        assert desk.kiosk.screen.page == "form" and view is not None and view.typed_at == "keys"
        await desk.ask(t.TouchField(session=SESSION, field="limit"))
        await desk.ask(t.FillField(session=SESSION, field="limit", value="两万五"))
        view = desk.kiosk.screen.form
        assert view is not None
        assert [(row.shown, row.teller) for row in view.rows if row.label.startswith("新的")] == [("25,000", True)]
        await desk.types("6222")
        assert [row.shown for row in desk.kiosk.screen.form.rows if row.here] == ["6222"]  # type: ignore[union-attr]

    desk = play(script)
    assert (desk.value("card").value, desk.value("card").by) == ("6222", "visitor")
    assert (desk.value("limit").value, desk.value("limit").by, desk.form.touched) == ("25000", "teller", "limit")
    assert desk.told[-1].heard == 3  # the desk knows that what it wrote is in there
    seen = [next(one.value for one in told.form.fields if one.field == "card") for told in desk.told if told.form]
    assert seen[-1] == "6222" and len(set(seen)) > 2  # as it is typed, not when it is done


def test_no_byte_of_a_masked_value_leaves_the_terminal(play: Callable[[Script], Desk], caplog: Any) -> None:
    async def script(desk: Desk) -> None:
        await desk.fill()
        assert desk.kiosk.screen.form is not None and desk.kiosk.screen.form.secret
        assert [row.shown for row in desk.kiosk.screen.form.rows] == ["••••••"] * 2
        await desk.ask(t.FillField(session=SESSION, field="pin", value="111111"))  # not the teller's
        await desk.ask(t.AskErrand(errand="errand-0001", errand_kind="print"))
        await desk.step("sign", second=True)
        await desk.draw()
        await desk.kiosk.touch("pad_done")

    with caplog.at_level(0):
        desk = play(script)
    assert desk.form.state == "signed" and desk.value("pin").given
    owed = b"".join(row.payload for row in desk.kiosk.ledger.outbox.pending(limit=1000))
    kept = repr(desk.kiosk.trace.moments) + caplog.text + repr(desk.printed) + repr(desk.kiosk.shown)
    assert CARD.encode() in desk.bytes + owed  # what is not masked is there: the search finds what it looks for
    for digits in (PIN, PIN[:4], PIN[2:]):
        assert digits.encode() not in desk.bytes + owed and digits not in kept
    keys = [one.facts["target"] for one in desk.kiosk.trace.moments if one.kind == "pressed"]
    assert not keys  # the session's own account has none; the terminal's notes every key of a masked field alike
    assert desk.together.tally["refused_FillField"] == 1


def test_the_visitor_signs_just_what_is_shown_and_it_is_on_disk_first(play: Callable[[Script], Desk]) -> None:
    async def script(desk: Desk) -> None:
        await desk.fill()
        await desk.step("sign")  # nobody else has seen it
        assert desk.form.state == "filling"
        await desk.step("sign", second=True)
        pad = desk.kiosk.screen.pad
        assert desk.kiosk.screen.page == "sign" and pad is not None and pad.code == desk.form.document[:8]
        assert "新的每日限额（元）: 50,000" in pad.lines and "卡密码: 已输入，不显示" in pad.lines
        await desk.draw(SCRAWL[:3])
        await desk.kiosk.touch("pad_done")  # a tick is no name
        assert desk.form.state == "signing" and not desk.papers
        await desk.kiosk.touch("pad_clear")
        assert desk.kiosk.screen.pad is not None and desk.kiosk.screen.pad.strokes == ()
        await desk.draw()
        await desk.ask(t.FillField(session=SESSION, field="limit", value="200000"))  # under the hand: refused
        await desk.kiosk.touch("pad_done")
        assert desk.kiosk.screen.page == "reading"
        await desk.kiosk.touch("form_seen")
        assert desk.kiosk.screen.page == "conversation"
        await desk.ask(t.FillField(session=SESSION, field="limit", value="200000"))  # afterwards: refused

    desk = play(script)
    (paper,) = desk.papers
    assert desk.form.state == "signed" and desk.value("limit").value == "50000"
    assert why_broken(paper.document, paper.document_sha256, paper.strokes, paper.seal) is None
    changed = paper.document.replace("50,000", "50,001")
    assert changed != paper.document
    assert why_broken(changed, paper.document_sha256, paper.strokes, paper.seal) == "document"
    assert why_broken(changed, t.sha256(changed), paper.strokes, paper.seal) == "seal"
    assert why_broken(paper.document, paper.document_sha256, paper.strokes.replace("20", "21", 1), paper.seal) == "seal"


def test_the_visitor_may_decline_and_a_full_disk_means_that_it_is_not_signed(play: Callable[[Script], Desk]) -> None:
    async def script(desk: Desk) -> None:
        await desk.fill()
        await desk.step("sign", second=True)
        await desk.draw()
        await desk.kiosk.touch("pad_decline")
        await asyncio.sleep(0.3)
        assert desk.form.state == "declined" and desk.kiosk.screen.page == "conversation"
        await desk.step("sign", second=True)
        desk.disk_works = False
        await desk.draw()
        await desk.kiosk.touch("pad_done")

    desk = play(script)
    assert desk.form.state == "not_kept" and not desk.papers and desk.form.document == ""
    assert desk.kiosk.screen.reading is not None and "没能保存" in desk.kiosk.screen.reading.text


def test_reading_looking_and_printing_each_end_in_a_stated_outcome(play: Callable[[Script], Desk]) -> None:
    class Cameras(NoFreshLook):
        said_no = stopped = 0

        def hindered(self, what: str) -> Looked | None:
            return None if what == "document" else Looked("not_available", "guardian")

        async def look(self, what: str) -> Looked:
            self.ended = asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), 1)
            return Looked("done", "doubtful")

        def stop(self, what: str) -> None:
            self.stopped += 1
            self.ended.set()

        def refused(self, what: str) -> None:
            self.said_no += 1

    cameras = Cameras()

    async def script(desk: Desk) -> None:
        await desk.ask(t.AskErrand(errand="errand-0001", errand_kind="read", about="acct_class_one"))
        reading = desk.kiosk.screen.reading
        assert reading is not None and (reading.text, reading.source) == ("答", "演示第1条")
        await desk.kiosk.touch("errand_yes")
        assert desk.kiosk.screen.page == "conversation"
        await desk.ask(t.AskErrand(errand="errand-0002", errand_kind="read", about="nothing"))
        await desk.ask(t.AskErrand(errand="errand-0003", errand_kind="face"))
        desk.fresh = cameras
        await desk.ask(t.AskErrand(errand="errand-0004", errand_kind="document"))
        await desk.kiosk.touch("errand_no")
        await desk.ask(t.AskErrand(errand="errand-0005", errand_kind="document"))
        await desk.kiosk.touch("errand_yes")
        screen = desk.kiosk.screen
        assert screen.reading is not None and screen.reading.title == "拍证件"
        await asyncio.sleep(2)
        assert desk.kiosk.screen.page == "conversation"
        await desk.ask(t.AskErrand(errand="errand-0007", errand_kind="document"))
        await desk.kiosk.touch("errand_yes")
        await desk.kiosk.touch("errand_stop")
        await desk.ask(t.AskErrand(errand="errand-0008", errand_kind="face"))
        await desk.ask(t.OpenForm(form="statement", session=SESSION))
        await desk.ask(t.AskErrand(errand="errand-0006", errand_kind="print"))
        await asyncio.sleep(2)

    desk = play(script)
    outcomes = [(one.outcome, one.found) for one in desk.told[-1].errands]
    assert outcomes == [
        ("read", ""), ("unknown", ""), ("not_available", ""), ("declined", ""), ("done", "doubtful"), ("declined", ""),
        ("not_available", "guardian"), ("done", ""),
    ]  # fmt: skip
    assert (cameras.said_no, cameras.stopped) == (1, 1)
    assert len(desk.printed) == 1


def test_what_is_of_another_case_late_or_twice_is_refused_and_counted(play: Callable[[Script], Desk]) -> None:
    async def script(desk: Desk) -> None:
        opening = t.OpenForm(form="limits", session=SESSION)
        await desk.ask(opening, case="case-999999")
        await desk.ask(opening, late_s=61)
        await desk.ask(t.OpenForm(form="nothing", session=SESSION), said=7)
        await desk.ask(opening, said=7)
        assert desk.kiosk.screen.page == "conversation"
        await desk.ask(opening, said=8)
        await desk.ask(t.CloseForm(session="session-999999"), said=9)
        assert desk.kiosk.screen.page == "form"

    tally = play(script).together.tally
    for name in ("refused_case", "refused_expired", "refused_repeated", "refused_OpenForm", "refused_CloseForm"):
        assert tally[name] == 1, name


def test_when_the_case_is_over_nothing_is_kept_and_a_bus_that_was_away_hears_the_newest(
    play: Callable[[Script], Desk],
) -> None:
    async def script(desk: Desk) -> None:
        await desk.ask(t.OpenForm(form="limits", session=SESSION))
        desk.bus_works = False
        await desk.types("62")
        await asyncio.sleep(2)
        before = len(desk.told)
        desk.bus_works = True
        await asyncio.sleep(1)
        assert desk.value("card").value == "62" and len(desk.told) == before + 1
        desk.case = ""  # the teller hung up
        desk.kiosk.session.show()
        assert desk.kiosk.screen.page == "conversation" and not desk.together.open
        before = len(desk.told)
        await desk.kiosk.touch("key_1")
        await asyncio.sleep(1)
        assert len(desk.told) == before
        desk.case = "case-000002"
        await desk.ask(t.TouchField(session=SESSION, field="card"), case="case-000002")

    desk = play(script)
    assert desk.told[-1].form is None and desk.told[-1].case == "case-000002"


def test_the_page_is_told_in_words_of_ours_without_captions(play: Callable[[Script], Desk]) -> None:
    async def script(desk: Desk) -> None:
        await desk.kiosk.say("我的卡号是六二二二零二", ("call_remote_teller", 0.2), decision="unsure")
        await asyncio.sleep(8)

    desk = play(script)
    assert desk.kiosk.screen.captions and desk.told[-1].page.page == "conversation"
    assert "六二二二零二".encode() not in desk.bytes and desk.told[-1].page.targets
