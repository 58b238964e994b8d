"""How a call with a remote teller goes: Chromium as the teller's browser, the terminal's call process, a real hub.

    python -m bench call --json - [--only connect,quality,screen,turn,tcp,lossy,resume] [--calls 20] [--seconds 20]

Everything is on this machine's loopback. `connect_ms`: from the teller's acceptance to the first picture on both
sides. Delays are from the moment a picture is drawn or a sound is said to the moment the other side has it (decoded, in
a browser's frame callback or on the shared board; a sound at the input of the browser's sound graph, or played by the
terminal's loudspeaker), by one clock. A terminal's sound device adds its own delay (`docs/hearing.md`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bench.bad_line import HOST, Line, bad_datagrams, breakable_connections
from bench.call_house import House, coturn, delays, house, spread
from bench.call_terminal import BEEP_EVERY_MS, Stand, terminal, wall_ms

PIECES: Final = ("connect", "quality", "screen", "turn", "tcp", "lossy", "resume")
FIRST_PICTURE_S: Final = 30.0
OVER_S: Final = 5.0
CUT_S: Final = 30.0
LOSS, DELAY_S = 0.05, 0.100
GOALS: Final = {"connect_p95_ms": 1500, "delay_p95_ms": 200, "core_share": 0.35, "face_fps": 30, "resume_s": 5.0}


async def connected(place: House, stand: Stand, relay: str = "") -> tuple[str, float]:
    """One call up to the first picture on both sides: its case, and the milliseconds that took."""
    case, began_ms = await place.accept(stand, relay)
    await place.until(f"bench.first['{case}']", FIRST_PICTURE_S, "no picture came to the teller")
    await stand.until(lambda: case in stand.first_picture_ms, FIRST_PICTURE_S, "no picture came to the visitor")
    theirs = float(await place.page.evaluate(f"bench.first['{case}']"))
    return case, max(theirs, stand.first_picture_ms[case]) - began_ms


async def over(place: House, stand: Stand) -> float:
    """The terminal hangs up; the seconds until the page says so."""
    began_s = time.monotonic()
    stand.calls.hang_up("done")
    await place.until("callNow().standing === 'over'", OVER_S, "the teller was not told of the end")
    return time.monotonic() - began_s


async def many(place: House, stand: Stand, calls: int, relay: str = "") -> dict[str, Any]:
    took, ended = [], []
    for _ in range(calls):
        _, ms = await connected(place, stand, relay)
        took.append(ms)
        ended.append(1000 * await over(place, stand))
    return {"connect_ms": spread(took), "told_of_the_end_ms": spread(ended)}


async def talk(place: House, stand: Stand, seconds: float, relay: str = "") -> dict[str, Any]:
    """One call of `seconds`: delays each way, what the call process uses."""
    case, _ = await connected(place, stand, relay)
    await asyncio.sleep(3.0)  # the first pictures are key pictures, jitter buffers settle
    await place.page.evaluate("Object.assign(bench, {video: [], heard: [], beeped: bench.beeped.slice(-3)})")
    for seen in (stand.pictures, stand.beeps_ms, stand.speaker.beeps_ms):
        del seen[:]
    pid, came = stand.process.pid, await _came(place, case)
    cpu_s, began_s = cpu_of(pid), time.monotonic()
    await asyncio.sleep(seconds)
    cpu, wall_s = cpu_of(pid) - cpu_s, time.monotonic() - began_s
    seen = await place.page.evaluate("bench")
    to_teller = [ago for _, ago in seen["video"]]
    to_visitor = [ago for _, ago in stand.pictures]
    heard = delays(stand.beeps_ms, seen["heard"]), delays(seen["beeped"], stand.speaker.beeps_ms)
    now = await place.now()
    result = {
        "video_delay_ms": spread([*to_teller, *to_visitor]),
        "video_to_teller_ms": spread(to_teller),
        "video_to_visitor_ms": spread(to_visitor),
        "audio_delay_ms": spread([*heard[0], *heard[1]]),
        "audio_to_teller_ms": spread(heard[0]),
        "audio_to_visitor_ms": spread(heard[1]),
        "core_share": round(cpu / wall_s, 3),
        "fps_to_teller": round((await _came(place, case) - came) / wall_s, 1),
        "fps_decoded_by_browser": now["stats"].get("fps"),
        "fps_to_visitor": round(len(to_visitor) / wall_s, 1),
        "rss_mb": rss_mb(pid),
        "way": now["stats"].get("way", ""),
        "sound_share": _share(len(heard[0]), seconds), "sound_share_to_visitor": _share(len(heard[1]), seconds),
        "holes": stand.calls.tallies["voice_dropped"],
    }  # fmt: skip
    await over(place, stand)
    return result


def cpu_of(pid: int) -> float:
    """Seconds of processor that a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> int:
    """Memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def _share(heard: int, seconds: float) -> float:
    return round(min(1.0, heard / (seconds * 1000 / BEEP_EVERY_MS)), 3)


async def _came(place: House, case: str) -> int:
    return int(await place.page.evaluate(f"bench.came['{case}'] || 0"))


@contextlib.asynccontextmanager
async def set_up(
    folder: Path, *, relay: str = "", line: Line | None = None, fps: int = 15, screen: bool = False
) -> AsyncIterator[tuple[House, Stand]]:
    """A teller's browser and a terminal. `relay`: 'udp' or 'tcp' through coturn; `line`: between them and the world."""
    async with contextlib.AsyncExitStack() as closing:
        into, urls, secret = closing.enter_async_context, "", ""
        if relay:
            port, secret = await into(coturn(folder / "turn", udp=relay == "udp"))
            near = await into(bad_datagrams(line, (HOST, port))) if line is not None else port
            urls = f"turn:{HOST}:{near}?transport=udp" + (f",turn:{HOST}:{port}?transport=tcp" * (relay == "tcp"))
        place = await into(house(folder / "house", turn=urls, secret=secret))
        broker = place.broker
        if line is not None:
            broker = HOST, await into(breakable_connections(line, broker))
        yield place, await into(terminal(folder / "kiosk", broker, fps=fps, screen=screen))


# ------------------------------------------------------------------ the pieces
async def connect(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    async with set_up(folder) as (place, stand):
        await many(place, stand, 1)  # the browser's own first call loads its codecs
        return await many(place, stand, options.calls)


async def quality(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    async with set_up(folder) as (place, stand):
        return await talk(place, stand, options.seconds)


async def screen(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """With the screen process beside it, drawing her and the teller's picture."""
    async with set_up(folder, screen=True) as (place, stand):
        await stand.until(lambda: len(stand.paces) > 5, 60, "the screen did not come up")
        await connected(place, stand)
        await asyncio.sleep(4.0)
        del stand.paces[:]
        await asyncio.sleep(options.seconds)
        fps = sorted(pace.frames / pace.seconds for pace in stand.paces)
        shares = [pace.core_share for pace in stand.paces]
        await over(place, stand)
        return {
            "face_fps_p5": round(fps[int(len(fps) * 0.05)], 1),
            "face_fps_p50": round(fps[len(fps) // 2], 1),
            "screen_core_share": round(sum(shares) / len(shares), 3),
            "screen_frame_p95_ms": max(pace.frame_p95_ms for pace in stand.paces),
        }


async def turn(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    async with set_up(folder, relay="udp") as (place, stand):
        found = await many(place, stand, max(options.calls // 2, 5), "only")
        return found | await talk(place, stand, options.seconds, "only")


async def tcp(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """UDP to the TURN server is blocked: the terminal finds that out and goes over TCP, as the browser does."""
    async with set_up(folder, relay="tcp") as (place, stand):
        found = await many(place, stand, max(options.calls // 4, 3), "only")
        return found | await talk(place, stand, options.seconds, "only")


async def lossy(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """5 % of the datagrams lost and 100 ms more each way between both sides and the TURN server."""
    line = Line(loss=LOSS, delay_s=DELAY_S)
    async with set_up(folder, relay="udp", line=line, fps=30) as (place, stand):
        found = await talk(place, stand, options.seconds, "only")
        share = line.lost / max(line.lost + line.passed, 1)
        stayed = not any(media == "lost" for _, media in stand.changes(stand.news[-1][1].case))
        return found | {"stayed_connected": stayed, "lost_share": round(share, 3), "delay_each_way_s": DELAY_S}


async def resume(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The terminal's whole line is cut for half a minute: media and broker. Then: how long until sound and picture."""
    line = Line()
    async with set_up(folder, relay="udp", line=line) as (place, stand):
        took, told = [], []
        for _ in range(options.cuts):
            case, _ = await connected(place, stand, "only")
            await asyncio.sleep(3.0)
            one, other = await _cut(place, stand, line, case)
            took.append(one)
            told.append(other)
            await over(place, stand)
        return {"resume_s": max(took), "each_s": took, "lost_told_after_s": told, "cut_s": CUT_S}


async def _cut(place: House, stand: Stand, line: Line, case: str) -> tuple[float, float]:
    began_s = time.monotonic()
    line.cut = True
    await stand.until(lambda: stand.calls.standing == "lost", CUT_S, "the terminal did not notice the cut")
    told_s = time.monotonic() - began_s
    await asyncio.sleep(max(0.0, CUT_S - told_s))
    line.cut = False
    back_ms = wall_ms()
    seen = await _came(place, case)
    shown = len(stand.pictures)
    heard = stand.speaker.blocks
    await stand.until(
        lambda: len(stand.pictures) > shown + 2 and stand.speaker.blocks > heard + 5,
        60,
        "the visitor's side stayed dark",
    )
    await place.until(f"bench.came['{case}'] > {seen + 2}", 60, "the teller's side stayed dark")
    return round((wall_ms() - back_ms) / 1000, 2), round(told_s, 2)


WORK: Final[dict[str, Callable[[Path, argparse.Namespace], Awaitable[dict[str, Any]]]]] = {
    "connect": connect, "quality": quality, "screen": screen, "turn": turn, "tcp": tcp, "lossy": lossy,
    "resume": resume,
}  # fmt: skip
NAMES: Final = {"turn": "through_turn", "tcp": "through_tcp", "lossy": "lossy"}


async def run(options: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {"load_at_begin": os.getloadavg()[0], "goals": GOALS}
    for piece in options.only:
        with tempfile.TemporaryDirectory(prefix="yb-call-") as folder:
            found = await WORK[piece](Path(folder), options)
        if piece in NAMES:
            result[NAMES[piece]] = found
        else:
            result |= found
    return result | {"load_at_end": os.getloadavg()[0], "cores": os.cpu_count()}


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Run the pieces that are asked for, all of them otherwise. Raises ValueError for an unknown one."""
    parser = argparse.ArgumentParser(prog="python -m bench call", description=__doc__)
    parser.add_argument("--only", default=",".join(PIECES), help="pieces, after commas")
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each talk")
    parser.add_argument("--cuts", type=int, default=2)
    options = parser.parse_args(list(argv))
    options.only = options.only.split(",")
    if unknown := [piece for piece in options.only if piece not in WORK]:
        raise ValueError(f"no piece {unknown[0]!r}; pieces: {', '.join(PIECES)}")
    return asyncio.run(run(options))
