"""`python -m kiosk doctor`: for each device, model, broker and display, whether it works, what was found, and what
to do if not. Opens each for a moment; leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from config.schema import Site
from kiosk.adapters.camera import VideoCamera
from kiosk.adapters.printer import open_printer
from kiosk.adapters.sound import CardMicrophone, CardSpeaker
from kiosk.adapters.webrtc_audio import open_canceller
from kiosk.audio.echo import FarEnd, TwoCancellers
from kiosk.events import SPEECH_RATE_HZ
from kiosk.ports import DeviceLost, PrinterFault
from kiosk.runtime.supervisor import CORE_ALLOCATOR
from models.store import Store, StoreError, cache_root

LOOK_S: Final = 6.0
LISTEN_FRAMES: Final = 25
PLAY_S: Final = 3.0
FREE_MIB: Final = 500
SCREEN_SCRIPT: Final = (
    "import pygame; pygame.display.init(); print(pygame.display.get_driver(), *pygame.display.get_desktop_sizes()[0])"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` is empty when it works."""

    what: str
    works: bool
    found: str
    advice: str = ""


async def examine(site: Site) -> list[Finding]:
    """Look at everything, one after the other, each within a few seconds."""
    findings = [_models(), _intent(), _font(), _disk()]
    looks: list[tuple[str, Callable[[Site], Awaitable[Finding]]]] = [
        ("microphone", _microphone),
        ("speaker", _speaker),
        ("camera", _camera),
        ("printer", _printer),
        ("display", _display),
        ("broker", _broker),
    ]
    for name, look in looks:
        try:
            async with asyncio.timeout(LOOK_S):
                findings.append(await look(site))
        except TimeoutError:
            findings.append(Finding(name, False, "does not answer", "unplug it and plug it in again, or restart"))
    findings.append(_echo())
    findings.append(_memory())
    return findings


def show(findings: list[Finding], console: Console) -> None:
    table = Table(title="What works here")
    for name in ("", "what", "found", "what to do"):
        table.add_column(name)
    for finding in findings:
        table.add_row("[green]✓[/]" if finding.works else "[red]✗[/]", finding.what, finding.found, finding.advice)
    console.print(table)


def as_dict(findings: list[Finding]) -> dict[str, Any]:
    return {"ok": all(f.works for f in findings), "findings": [asdict(finding) for finding in findings]}


# ------------------------------------------------------------------ files
def _models() -> Finding:
    store, bad = Store(), []
    names = store.usual
    for name in names:
        try:
            store.open(name)
        except StoreError as err:
            bad.append(str(err))
    if bad:
        return Finding("models", False, "; ".join(bad), "run: python -m models fetch")
    return Finding("models", True, f"{', '.join(sorted(names))}: every byte as in the catalogue")


def _intent() -> Finding:
    from models.intent import IntentModel, IntentModelError

    try:
        labels = len(IntentModel.open().labels)
    except (IntentModelError, StoreError) as err:
        return Finding("intent model", False, str(err), "run: python -m models.train.intent")
    return Finding("intent model", True, f"{labels} wishes")


def _font() -> Finding:
    import skia

    family = skia.Typeface("Noto Sans CJK SC").getFamilyName()
    if "CJK" not in family:
        return Finding("Chinese font", False, f"only {family}", "apt-get install fonts-noto-cjk")
    return Finding("Chinese font", True, family)


def _disk() -> Finding:
    folder = cache_root() if cache_root().exists() else Path.home()
    free_mib = shutil.disk_usage(folder).free // 2**20
    enough = free_mib >= FREE_MIB
    return Finding("disk", enough, f"{free_mib} MiB free at {folder}", "" if enough else f"free {FREE_MIB} MiB")


# ------------------------------------------------------------------ devices
async def _microphone(site: Site) -> Finding:
    name = site.ports.microphone
    try:
        microphone = await asyncio.to_thread(CardMicrophone, name, asyncio.get_running_loop())
    except DeviceLost as err:
        return Finding("microphone", False, str(err), "plug one in; the terminal works by touch until then")
    loudest = 0.0
    try:
        async with aclosing(microphone.frames()) as frames:  # type: ignore[type-var]
            count = 0
            async for frame in frames:
                loudest = max(loudest, float(np.sqrt(np.mean(np.square(frame.pcm, dtype=np.float64)))))
                count += 1
                if count == LISTEN_FRAMES:
                    break
    except DeviceLost as err:
        return Finding("microphone", False, str(err), "unplug it and plug it in again")
    finally:
        await microphone.close()
    level = 20 * np.log10(max(loudest, 1e-3) / 32768)
    if loudest == 0:
        return Finding("microphone", False, f"'{name}' delivers only zeros", "it is muted, or another program has it")
    return Finding("microphone", True, f"'{name}', loudest {level:.0f} dBFS in half a second")


async def _speaker(site: Site) -> Finding:
    name = site.ports.speaker
    try:
        speaker = await asyncio.to_thread(CardSpeaker, name)
    except DeviceLost as err:
        return Finding("loudspeaker", False, str(err), "plug one in; answers are shown as text until then")
    try:
        samples = 0
        silence = np.zeros(SPEECH_RATE_HZ // 5, np.int16)
        with suppress(TimeoutError):
            async with asyncio.timeout(PLAY_S):
                while samples == 0:  # a busy sound server takes its time before it reports a first sample
                    await speaker.write(silence)
                    await asyncio.sleep(0.2)
                    samples = speaker.played().samples
    except DeviceLost as err:
        return Finding("loudspeaker", False, str(err), "unplug it and plug it in again")
    finally:
        await speaker.close()
    works = samples > 0
    return Finding("loudspeaker", works, f"'{name}' played {samples} samples", "" if works else "it takes no sound")


async def _camera(site: Site) -> Finding:
    name = site.ports.camera
    try:
        camera = await asyncio.to_thread(VideoCamera, name, asyncio.get_running_loop())
    except DeviceLost as err:
        return Finding("camera", False, str(err), "plug one in; a touch or a word begins a visit until then")
    try:
        async for frame in camera.frames():
            height_px, width_px = frame.bgr.shape[:2]
            return Finding("camera", True, f"'{name}', {width_px}×{height_px}")
    except DeviceLost as err:
        return Finding("camera", False, str(err), "unplug it and plug it in again")
    finally:
        await camera.close()
    return Finding("camera", False, "no picture", "unplug it and plug it in again")


async def _printer(site: Site) -> Finding:
    address = site.ports.printer
    try:
        printer = open_printer(address)
        try:
            await printer.check()
        finally:
            await printer.close()
    except (PrinterFault, ValueError) as err:
        return Finding("printer", False, f"{address}: {err}", "numbers are shown on the screen until it works")
    kind = "tickets go to a folder as PNG and ESC/POS" if address.startswith("folder:") else "ready"
    return Finding("printer", True, f"{address}: {kind}")


async def _display(_site: Site) -> Finding:
    asked = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", SCREEN_SCRIPT],
        capture_output=True,
        text=True,
        timeout=LOOK_S - 1,
        env={**os.environ, "PYGAME_HIDE_SUPPORT_PROMPT": "1"},
    )
    driver = asked.stdout.strip().replace("(", "").replace(")", "")
    if asked.returncode or not driver or driver.startswith(("dummy", "offscreen")):
        return Finding("display", False, "none", "start a desktop session, or set DISPLAY; the demo draws off-screen")
    return Finding("display", True, driver)


async def _broker(site: Site) -> Finding:
    address = f"{site.hub.host}:{site.hub.port}"
    try:
        _, writer = await asyncio.open_connection(site.hub.host, site.hub.port)
        writer.close()
    except (OSError, socket.gaierror) as err:
        here = (
            "make run starts one on this machine"
            if site.hub.host in ("127.0.0.1", "localhost")
            else "check the network"
        )
        return Finding("broker", False, f"{address}: {err.strerror or err}", f"{here}; tickets are kept until then")
    return Finding("broker", True, address)


def _echo() -> Finding:
    canceller = open_canceller(FarEnd())
    if not canceller.full_duplex:
        return Finding("echo cancellation", False, "none", "hearing pauses while she speaks; touch interrupts her")
    if isinstance(canceller, TwoCancellers) and not canceller.words_are_intact:
        mend = "apt-get install libspeexdsp1; until then words spoken over her are recognised badly"
        return Finding("echo cancellation", False, "WebRTC alone", mend)
    return Finding("echo cancellation", True, "WebRTC and speex: she can be interrupted by voice")


def _memory(library: str = CORE_ALLOCATOR["LD_PRELOAD"]) -> Finding:
    # asked by name: it can only be loaded before everything else
    if find_library(library.removeprefix("lib").partition(".")[0]) != library:
        mend = "apt-get install libjemalloc2; until then the core's memory rises for hours"
        return Finding("memory", False, f"{library} is missing", mend)
    return Finding("memory", True, f"{library}: what is free goes back to the system")
