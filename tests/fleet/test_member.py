"""A terminal that asks, belongs, renews, and notices its end; in virtual time, with the real authority."""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts import fleet as f
from contracts import topics
from contracts.screen import JoinStands
from hub.fleet.authority import Authority
from kiosk.joining import member as member_module
from kiosk.joining.asking import Asking
from kiosk.joining.credentials import Credentials
from kiosk.joining.identity import AuthorityMissing, Identity, forget
from kiosk.joining.member import RENEW_EVERY_S, Member
from kiosk.joining.trust import NO_CHECK_TIME
from kiosk.joining.wizard import AGAIN, HERE, LASTS_S, NO, YES, Wizard
from kiosk.ports import BusNews, Connected, Delivered, Disconnected, Will
from kiosk.runtime.clock import LoopClock
from tests.conftest import VirtualTimeLoop

pytestmark = pytest.mark.contract
BRANCH, DEVICE = "binjiang", "kiosk-1"


def envelope() -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "at": datetime.now(UTC), "mono_ns": time.monotonic_ns()}


class World:
    """An authority, and a terminal's folder."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "trust")
        self.folder = folder / "identity"
        self.identity = Identity(self.folder, folder / "trust" / "ca.pem")
        self.ca = folder / "trust" / "ca.pem"

    def answer(self, csr: str, *, digit: int = -1, authority: Authority | None = None) -> f.JoinAnswer:
        issuer = authority or self.authority
        made = issuer.issue(csr, BRANCH, DEVICE, datetime.now(UTC))
        return f.JoinAnswer(
            **envelope(), branch=BRANCH, device=DEVICE, certificate=made.pem, authority=issuer.pem,
            command_key=issuer.orders_key, kiosk_digit=digit,
        )  # fmt: skip

    def join(self, digit: int = -1) -> None:
        self.identity.joined(self.answer(self.identity.request().csr, digit=digit))

    def renewal(self, csr: str) -> f.RenewAnswer:
        made = self.authority.issue(csr, BRANCH, DEVICE, datetime.now(UTC))
        return f.RenewAnswer(**envelope(), certificate=made.pem, authority=self.authority.pem)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class JoinBus:
    """The joining listener, whose hub answers the n-th asking."""

    def __init__(self, world: World, answers: int, *, wrong: Authority | None = None) -> None:
        self.connected = False
        self.asked: list[str] = []
        self._world, self._answers, self._wrong = world, answers, wrong
        self._news: asyncio.Queue[BusNews] = asyncio.Queue()

    async def open(self, will: Will | None) -> None:
        assert will is None
        self._news.put_nowait(Disconnected("not yet"))
        asyncio.get_running_loop().call_later(4, self._find)

    def _find(self) -> None:
        self.connected = True
        self._news.put_nowait(Connected())

    async def subscribe(self, pattern: str, qos: int) -> None:
        assert pattern == topics.JOIN_ANSWER.at("", self._world.identity.fingerprint)

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        request = topics.JOIN_REQUEST.decode(payload)
        self.asked.append(request.code)
        if len(self.asked) < self._answers:
            return
        row = topics.JOIN_ANSWER
        authority = self._wrong if len(self.asked) == self._answers else None
        answer = self._world.answer(request.csr, authority=authority)
        self._news.put_nowait(Delivered(row.at("", self._world.identity.fingerprint), row.encode(answer)))

    async def news(self) -> AsyncIterator[BusNews]:
        while True:
            yield await self._news.get()

    def hurry(self, hurried: bool) -> None: ...

    async def close(self) -> None:
        self.connected = False


async def test_it_asks_until_it_is_answered_by_its_own_authority(world: World, tmp_path: Path) -> None:
    stands: list[JoinStands] = []
    bus = JoinBus(world, 3, wrong=Authority(tmp_path / "stranger"))

    class Hurried(LoopClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(seconds / 100)

    bus._find()
    async with asyncio.timeout(60):
        asking = Asking(bus, world.identity, "box-1", Hurried(), stands.append)
        answer = await asking.run()
    assert (answer.branch, answer.device) == (BRANCH, DEVICE)
    assert set(bus.asked) == {world.identity.code} and len(bus.asked) >= 4
    assert asking.tally["refused_authority"] == 1  # the first was a stranger's
    assert stands[:1] == ["asking"] and world.identity.pair is not None


class Line:
    def __init__(self) -> None:
        self.connected = True
        self.made_anew = 0

    def anew(self) -> None:
        self.made_anew += 1


async def _run(member: Member, line: Line, said: list[f.RenewRequest], now: datetime | None) -> asyncio.Task[None]:
    async def say(request: f.RenewRequest) -> None:
        said.append(request)

    return asyncio.create_task(member.run(line, say, lambda: now, lambda: None))


async def _until(what: Any) -> None:
    async with asyncio.timeout(30):
        while not what():
            await asyncio.sleep(0.01)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_asks_for_the_next_certificate_before_this_one_ends_and_shows_it(world: World) -> None:
    world.join()
    pair = world.identity.pair
    assert pair is not None
    line, said = Line(), list[f.RenewRequest]()
    member = Member(world.identity, "127.0.0.1", 9, LoopClock())
    early = await _run(member, line, said, pair.not_before + timedelta(days=20))
    await asyncio.sleep(0.6)
    await _end(early)
    assert said == []
    late = await _run(member, line, said, pair.not_after - timedelta(days=20))
    await _until(lambda: said)
    await asyncio.sleep(0.6)
    assert len(said) == 1 and RENEW_EVERY_S > 60  # not twice a second
    member.renewed(world.renewal(said[0].csr))
    await _until(lambda: member.tally["renewed"] == 1)
    await _end(late)
    after = world.identity.pair
    assert after is not None and after.name == pair.name
    assert after.path.read_bytes().count(b"CERTIFICATE-----") == 2
    member.renewed(world.renewal(said[0].csr))  # the same answer once more: its key is in use, none waits for it
    again = await _run(member, line, said, datetime.now(UTC))
    await _until(lambda: member.tally["not_ours_key"] == 1)
    await _end(again)


async def test_dates_count_once_the_hub_told_the_time_and_this_clock_agrees(world: World) -> None:
    world.join()
    line = Line()
    member = Member(world.identity, "127.0.0.1", 9, LoopClock())
    for now, strict in ((None, False), (datetime.now(UTC) - timedelta(days=900), False), (datetime.now(UTC), True)):
        running = await _run(member, line, [], now)
        await (_until(lambda: line.made_anew) if strict else asyncio.sleep(0.4))
        await _end(running)
        assert bool(member.tls.verify_flags & ssl.VerifyFlags(NO_CHECK_TIME)) is not strict
    assert line.made_anew == 1


async def test_only_a_revocation_ends_it_and_the_next_start_knows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.join()
    answers = iter(["", "other", "revoked"])
    monkeypatch.setattr(member_module, "refusal", lambda *_: next(answers))
    monkeypatch.setattr(member_module, "FIRST_PROBE_S", 0.01)
    line, ended = Line(), asyncio.Event()
    line.connected = False
    member = Member(world.identity, "127.0.0.1", 9, LoopClock())

    async def say(request: f.RenewRequest) -> None:
        raise AssertionError("nobody is there")

    credentials = Credentials(world.folder, world.ca)
    assert credentials.name == (BRANCH, DEVICE) and not credentials.changed()
    async with asyncio.timeout(30):
        await member.run(line, say, lambda: None, ended.set)
    assert ended.is_set() and member.revoked and next(answers, None) is None
    assert Identity(world.folder, world.ca).revoked and credentials.changed()
    assert forget(world.folder) and not forget(world.folder)
    anew = Identity(world.folder, world.ca)
    assert not anew.revoked and anew.pair is None and anew.orders_key is None


def test_the_updater_sees_the_name_when_there_is_one_and_a_renewed_certificate(world: World) -> None:
    before = Credentials(world.folder, world.ca)
    assert before.name is None and not before.changed()
    world.folder.chmod(0o750)  # a folder whose group may read
    world.join(digit=4)
    assert before.changed()
    after = Credentials(world.folder, world.ca)
    assert after.name == (BRANCH, DEVICE) and world.identity.digit == 4
    pair = world.identity.pair
    assert pair is not None and pair.path.stat().st_mode & 0o777 == 0o640
    world.identity.renewed(world.renewal(world.identity.renewal().csr))
    after.refresh()
    assert not after.changed()
    assert after.check_dates() and not after.check_dates()
    pair.path.write_bytes(b"cut off")
    after.refresh()
    assert after.changed()  # what cannot be read is no name


def test_a_missing_authority_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuthorityMissing, match=r"ca\.pem"):
        Identity(tmp_path, tmp_path / "ca.pem")


def test_whoever_sets_it_up_tries_one_thing_after_the_other_and_it_goes_on(virtual: VirtualTimeLoop) -> None:
    async def never(_wizard: Wizard) -> bool:
        await asyncio.sleep(10_000)
        return True

    async def sees(_wizard: Wizard) -> bool:
        await asyncio.sleep(3)
        return True

    async def asks(wizard: Wizard) -> bool:
        return await wizard.answer()

    async def scene() -> None:
        wizard = Wizard({"camera": sees, "speak": never, "sound": asks, "paper": asks}, lambda: None)
        running = asyncio.ensure_future(wizard.run())

        async def at(trial: str) -> None:
            while wizard.here != trial:
                await asyncio.sleep(0.5)

        await asyncio.sleep(100_000)  # nobody has come yet
        assert wizard.here == "touch" and not wizard.begun
        wizard.touched(HERE)
        await at("speak")
        assert wizard.begun
        wizard.touched(NO)  # 'it does not hear me'
        await at("sound")
        wizard.touched(YES)
        began_s = asyncio.get_running_loop().time()
        await at("paper")
        while not wizard.over:  # nobody says anything about paper
            await asyncio.sleep(1)
        assert asyncio.get_running_loop().time() - began_s < LASTS_S + 5
        assert [one.state for one in wizard.tries] == ["works", "works", "fails", "works", "fails"]
        wizard.touched(AGAIN)
        await at("touch")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    virtual.run_until_complete(scene())
