"""A terminal that was taken out of service: nobody new, whoever is there to the end, and words for those who come."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kiosk.events import PersonArrived
from kiosk.session.states import State
from tests.kiosk.fake_kiosk import FakeKiosk

pytestmark = pytest.mark.unit


def test_nobody_new_is_served_whoever_is_there_is_and_it_comes_back(virtual: Any, tmp_path: Path) -> None:
    async def scene() -> None:
        async with FakeKiosk(tmp_path) as kiosk:
            await kiosk.arrive()
            kiosk.session.closed = True
            kiosk.session.show()
            await kiosk.say("我想取钱", ("withdraw_cash", 0.95))
            await kiosk.until(State.LISTENING)
            assert kiosk.screen.page == "conversation" and kiosk.session.visit is not None
            kiosk.leave()
            await kiosk.until(State.IDLE)
            assert (kiosk.screen.page, kiosk.screen.headline) == ("outage", "本机暂停服务")
            assert "叫号" in kiosk.screen.note and kiosk.screen.lights.microphone is False
            assert [one.id for one in kiosk.screen.targets if one.enabled] == ["language"]
            kiosk.session.tell(PersonArrived(kiosk.clock.now_ns()))
            await kiosk.say("有人吗", ("greet", 0.9))
            await kiosk.touch("human")
            await kiosk.touch("wish_take_ticket")
            await asyncio.sleep(1)
            assert kiosk.session.state is State.IDLE and kiosk.session.visit is None
            assert kiosk.session.tally_ignored["out of service"] == 4
            await kiosk.touch("language")
            assert kiosk.screen.headline == "This terminal is out of service"
            kiosk.session.closed = False
            kiosk.session.show()
            assert kiosk.screen.page == "attract"
            await kiosk.arrive()

    virtual.run_until_complete(scene())
