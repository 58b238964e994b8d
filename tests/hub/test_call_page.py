"""A whole call in a real browser: hub, broker, Chromium as the teller, the terminal's call process."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("aiortc")

from bench.bad_line import HOST, Line, bad_datagrams, breakable_connections
from bench.call import connected
from bench.call_house import CHROMIUM, House, coturn, house
from bench.call_terminal import Stand, terminal
from kiosk.call.calls import TellerAway, TellerWrote

pytestmark = pytest.mark.e2e
WAIT_S = 40.0
if not Path(CHROMIUM).exists():
    pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium", allow_module_level=True)


async def press(place: House, act: str) -> None:
    await place.page.click(f"[data-act={act}]")


async def up_again(place: House, stand: Stand, case: str) -> None:
    """Pictures and sound on both sides from now on."""
    shown, heard = len(stand.pictures), stand.speaker.blocks
    seen = int(await place.page.evaluate(f"bench.came['{case}'] || 0"))
    await stand.until(lambda: len(stand.pictures) > shown + 3, WAIT_S, "no picture for the visitor")
    await stand.until(lambda: stand.speaker.blocks > heard + 10, WAIT_S, "no sound for the visitor")
    await place.until(f"bench.came['{case}'] > {seen + 3}", WAIT_S, "no picture for the teller")


async def test_a_call_from_acceptance_to_its_end_with_everything_a_teller_does(tmp_path: Path) -> None:
    async with house(tmp_path / "house") as place, terminal(tmp_path / "kiosk", place.broker) as stand:
        problems: list[str] = []
        place.page.on("pageerror", lambda error: problems.append(str(error)))
        case, _ = await connected(place, stand)
        await stand.until(lambda: stand.speaker.blocks > 10, WAIT_S, "the teller was not heard")
        await place.until("bench.blocks && bench.blocks[0] > 100", WAIT_S, "the visitor was not heard")
        assert "通话中" in await place.page.inner_text(".standing")
        assert "Connected" in await place.page.inner_text(".standing")

        await press(place, "mute")
        assert await place.page.evaluate(
            "!document.querySelector('[data-call]').call.stream.getAudioTracks()[0].enabled"
        )
        assert await place.page.get_attribute("[data-act=mute]", "aria-pressed") == "true"
        await press(place, "blank")
        hidden = "getComputedStyle(document.querySelector('[data-call] video.remote')).visibility"
        assert await place.page.evaluate(hidden) == "hidden"
        await press(place, "blank")
        assert await place.page.evaluate(hidden) == "visible"

        await place.page.fill("form.write input", "请把身份证放在下面")
        await place.page.press("form.write input", "Enter")
        await stand.until(
            lambda: any(isinstance(one, TellerWrote) and one.text == "请把身份证放在下面" for _, one in stand.news),
            WAIT_S, "the line of text did not come",
        )  # fmt: skip
        stand.calls.works("camera", False)
        await place.until("document.querySelector('.hint').textContent.includes('no camera')", WAIT_S, "not told")

        again = """() => { const old = document.querySelector("[data-call]"), next = document.createElement("div");
                   Object.assign(next.dataset, {call: old.dataset.call, branch: old.dataset.branch});
                   old.replaceWith(next); }"""
        await place.page.evaluate(again)  # a desk draws its page anew
        await up_again(place, stand, case)
        assert not stand.ended(case) and await place.page.evaluate("callNow().leg") == 1

        await press(place, "hangUp")
        await stand.until(lambda: stand.ended(case) == "done", WAIT_S, "the terminal was not told")
        await place.until("callNow().legs.length === 0", WAIT_S, "a connection stayed open in the browser")
        assert not stand.calls.active and not problems

        case, _ = await connected(place, stand)
        stand.calls.hang_up("left")  # the visitor walks away
        await place.until("callNow().reason === 'left'", WAIT_S, "the teller was not told")

        case, _ = await connected(place, stand)
        await place.page.evaluate("document.querySelector('[data-call]').remove()")  # the teller went to another page
        await stand.until(lambda: stand.ended(case) == "page_closed", WAIT_S, "a call without an element went on")


async def test_a_page_loaded_anew_goes_on_with_the_call_and_a_closed_one_is_told(tmp_path: Path) -> None:
    async with house(tmp_path / "house") as place, terminal(tmp_path / "kiosk", place.broker) as stand:
        case, _ = await connected(place, stand)
        await place.page.reload()
        await stand.until(lambda: any(one == TellerAway(case) for _, one in stand.news), WAIT_S, "not told")
        await place.page.evaluate("([id, branch]) => beginCall(id, branch, '')", [case, "binjiang"])
        await place.until("callNow().standing === 'up'", WAIT_S, "the call did not go on")
        await up_again(place, stand, case)
        assert not stand.ended(case)
        await place.page.goto("about:blank")
        await stand.until(lambda: stand.calls.standing == "lost", WAIT_S, "the closed page was not noticed")


async def test_a_call_survives_a_cut_of_media_and_broker(tmp_path: Path) -> None:
    line = Line()
    async with coturn(tmp_path / "turn") as (port, secret), bad_datagrams(line, (HOST, port)) as bad:
        url = f"turn:{HOST}:{bad}?transport=udp"
        async with house(tmp_path / "house", turn=url, secret=secret) as place:  # noqa: SIM117
            async with breakable_connections(line, place.broker) as broker:
                async with terminal(tmp_path / "kiosk", (HOST, broker), fps=15) as stand:
                    case, _ = await connected(place, stand, "only")
                    line.cut = True
                    await stand.until(lambda: stand.calls.standing == "lost", WAIT_S, "the cut was not noticed")
                    line.cut = False
                    await up_again(place, stand, case)
                    assert not stand.ended(case)
