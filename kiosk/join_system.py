"""A terminal from its first start on: it joins where the hub wants certificates, serves, and ends where it is revoked.

Beside `app.py`, which it runs; names concrete classes as that does.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from msgspec.structs import replace

from config.schema import Site
from contracts.screen import JoinStands, JoinTrial, JoinView, Language, Ready, ScreenState, Target, Touch
from kiosk.adapters.camera import VideoCamera
from kiosk.adapters.mqtt import PahoBus
from kiosk.adapters.printer import open_printer
from kiosk.adapters.screen_socket import SocketScreen
from kiosk.adapters.sound import CardMicrophone, CardSpeaker
from kiosk.app import Places, Terminal, printer_address
from kiosk.equipment import Recording
from kiosk.events import SPEECH_RATE_HZ
from kiosk.joining.asking import Asking
from kiosk.joining.identity import Identity
from kiosk.joining.member import Member
from kiosk.joining.trust import context
from kiosk.joining.wizard import AGAIN, HERE, NO, YES, Trial, Wizard
from kiosk.networks import Models
from kiosk.ports import Clock, DeviceLost, PrinterFault
from kiosk.queueing.paper import PaperTicket, draw_ticket
from kiosk.rollout.status import tell_status
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.watchdog import keep_alive
from models.store import Store, StoreError
from models.yunet import YuNet

log = logging.getLogger(__name__)

SPOKEN_DBFS: Final = -42.0  # a voice before the screen; an empty hall is 15 dB below it
SPOKEN_FRAMES: Final = 15  # of 20 ms
TONES_HZ: Final = (523.0, 784.0)
TONE_S: Final = 0.4
LOOKS_HZ: Final = 4.0
AT_IT_S: Final = 120.0  # who is trying things out is not interrupted for so long after the terminal has joined
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "touch.here": ("点这里", "Touch here"),
    "camera.no": ("看不见我", "It does not see me"),
    "speak.no": ("听不见我", "It does not hear me"),
    "sound.yes": ("听到了", "I heard them"),
    "sound.no": ("没听到", "I did not"),
    "paper.yes": ("打出来了", "It came out"),
    "paper.no": ("没打出来", "It did not"),
    "again": ("再试一遍", "Try again"),
    "language": ("English", "中文"),
}


class FirstPage:
    """The page of a terminal that serves nobody, over the screen's socket: while it joins, or after it was revoked."""

    def __init__(self, site: Site, screen: SocketScreen) -> None:
        self._site, self._screen = site, screen
        self._language: Language = "zh"
        self._revision = 0
        self._view = JoinView("no_line")
        self._buttons: tuple[Target, ...] = ()
        self.touched: Callable[[str], None] = lambda target: None

    def show(self, view: JoinView, wizard: Wizard | None = None) -> None:
        """Draw it."""
        self._view = replace(view, tries=wizard.tries if wizard else ())
        self._buttons = self._offered(wizard) if wizard else ()
        self._send()

    async def listen(self) -> None:
        """Until cancelled: touches, and the change of language."""
        async for message in self._screen.messages():
            match message:
                case Touch(_, "language"):
                    self._language = "en" if self._language == "zh" else "zh"
                    self._send()
                case Touch(_, target):
                    self.touched(target)
                case Ready():
                    self._send()

    def _offered(self, wizard: Wizard) -> tuple[Target, ...]:
        here = wizard.here
        if here is None:
            return (self._target(AGAIN, "again", "quiet"),) if wizard.over else ()
        if here == "touch":
            return (self._target(HERE, "touch.here", "primary"),)
        yes = (self._target(YES, f"{here}.yes", "primary"),) if here in ("sound", "paper") else ()
        return (*yes, self._target(NO, f"{here}.no", "quiet"))

    def _target(self, name: str, word: str, kind: str) -> Target:
        label = _WORDS[word][self._language == "en"]
        return Target(name, label, word, kind)  # type: ignore[arg-type]

    def _send(self) -> None:
        zh = self._language == "zh"
        bank, branch = self._site.bank, self._site.branch
        said = tuple(self._worded(target) for target in (*self._buttons, self._target("language", "language", "dock")))
        self._revision += 1
        self._screen.send(
            ScreenState(
                self._revision, "join", self._language, bank.name_zh if zh else bank.name_en,
                branch.name_zh if zh else branch.name_en, join=self._view, targets=said,
                expression="concerned" if self._view.stands == "revoked" else "neutral",
            )
        )  # fmt: skip

    def _worded(self, target: Target) -> Target:
        label = _WORDS[target.spoken_label][self._language == "en"]
        return replace(target, label=label)


async def serve(
    site: Site, places: Places, identity_folder: Path, recording: Recording | None, load: Callable[[], Models]
) -> int:
    """Run a terminal until a signal, the end of its recording or its revocation; the exit status.

    Raises ConfigError, StoreError, EngineError, and OSError where the authority's certificate cannot be read.
    """
    if recording is not None or not site.fleet.certificates:
        return await Terminal(site, places, load(), recording).run()
    clock = SystemClock()
    identity = Identity(identity_folder, Path(site.fleet.authority))
    if identity.revoked:
        return await _say_revoked(site, places, clock)
    models = load() if identity.pair is not None else await _join(site, places, identity, clock, load)
    if models is None:
        return 0
    member = Member(identity, site.hub.host, site.hub.port, clock)
    status = await Terminal(named(site, identity), places, models, None, member).run()
    return await _say_revoked(site, places, clock) if member.revoked else status


def named(site: Site, identity: Identity) -> Site:
    """The site under the name that joining gave: the certificate's is the only one that the broker lets speak."""
    pair = identity.pair
    if pair is None:
        return site
    branch, _, device = pair.name.partition("/")
    if (branch, device) != (site.branch.id, site.device.id):
        log.warning("this terminal has joined as %s, not under its site's name", pair.name)
    digit = site.device.kiosk_digit if identity.digit is None else identity.digit
    return site.model_copy(
        update={
            "branch": site.branch.model_copy(update={"id": branch}),
            "device": site.device.model_copy(update={"id": device, "kiosk_digit": digit}),
        }
    )


async def _join(
    site: Site, places: Places, identity: Identity, clock: Clock, load: Callable[[], Models]
) -> Models | None:
    """Show the code until an operator has claimed it, then load the models; None: a signal came before."""
    async with AsyncExitStack() as closing:
        stop = _signals(closing)
        page = await _open_page(site, places, clock, closing)
        wizard = Wizard(_trials(site, places), lambda: page.show(view, wizard))
        view = JoinView("no_line", identity.code)

        def stands(how: JoinStands) -> None:
            nonlocal view
            view = replace(view, stands=how)
            page.show(view, wizard)

        page.touched = wizard.touched
        bus = PahoBus(
            site.hub.host, site.fleet.join_port, client_id=f"join-{identity.fingerprint[:16]}", kept_while_away=False,
            tls=context(identity.authority, None, time_known=False),
        )  # fmt: skip
        asking = asyncio.create_task(Asking(bus, identity, site.fleet.hardware, clock, stands).run(), name="join")
        trying = asyncio.create_task(wizard.run(), name="wizard")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        closing.push_async_callback(_ended, asking, trying, stopped)
        stands("no_line")
        await asyncio.wait({asking, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            return None
        answer = asking.result()
        view = replace(view, code="", name=f"{answer.branch}/{answer.device}")
        stands("joined")
        waited_s = 0.0
        while wizard.begun and waited_s < AT_IT_S and not stop.is_set():
            await clock.sleep(0.2)
            waited_s += 0.2
        tried = {one.trial: one.state for one in wizard.tries}
        log.warning("joined as %s; tried out: %s", view.name, tried)  # codes of ours, for whoever set it up
        return None if stop.is_set() else await asyncio.to_thread(load)  # the page stays until there is another


async def _say_revoked(site: Site, places: Places, clock: Clock) -> int:
    """Serve nobody any more, and say so, until a signal."""
    async with AsyncExitStack() as closing:
        stop = _signals(closing)
        page = await _open_page(site, places, clock, closing)
        page.show(JoinView("revoked"))
        await stop.wait()
    return 0


async def _open_page(site: Site, places: Places, clock: Clock, closing: AsyncExitStack) -> FirstPage:
    screen = SocketScreen(places.socket)
    await screen.open()
    closing.push_async_callback(screen.close)
    page = FirstPage(site, screen)
    works = [page.listen(), keep_alive(clock)]
    if places.status is not None:
        works.append(tell_status(places.status, lambda: False, clock))
    closing.push_async_callback(_ended, *(asyncio.create_task(work) for work in works))
    return page


def _signals(closing: AsyncExitStack) -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
        closing.callback(loop.remove_signal_handler, number)  # models are being loaded next: that may just end
    return stop


async def _ended(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# ------------------------------------------------------------------ what is tried on the spot
def _trials(site: Site, places: Places) -> dict[JoinTrial, Trial]:
    async def camera(_wizard: Wizard) -> bool:
        return await _sees_somebody(site.ports.camera)

    async def speak(_wizard: Wizard) -> bool:
        return await _hears_somebody(site.ports.microphone)

    async def sound(wizard: Wizard) -> bool:
        return await _plays_tones(site.ports.speaker) and await wizard.answer()

    async def paper(wizard: Wizard) -> bool:
        return await _prints(site, printer_address(site, places)) and await wizard.answer()

    return {"camera": camera, "speak": speak, "sound": sound, "paper": paper}


async def _sees_somebody(name: str) -> bool:
    """Until a face is seen; False: there is no camera, or nothing to see with."""
    try:
        yunet = await asyncio.to_thread(lambda: YuNet(Store().open("yunet")))
        camera = await asyncio.to_thread(VideoCamera, name, asyncio.get_running_loop())
    except (DeviceLost, StoreError):
        return False
    camera.wanted_hz = lambda: LOOKS_HZ
    with suppress(DeviceLost):
        try:
            async for frame in camera.frames():
                if await asyncio.to_thread(yunet.detect, frame.bgr):
                    return True
        finally:
            await camera.close()
    return False


async def _hears_somebody(name: str) -> bool:
    """Until there was a third of a second of a voice's loudness."""
    try:
        microphone = await asyncio.to_thread(CardMicrophone, name, asyncio.get_running_loop())
    except DeviceLost:
        return False
    loud = 0
    with suppress(DeviceLost):
        try:
            async for frame in microphone.frames():
                rms = float(np.sqrt(np.mean(np.square(frame.pcm, dtype=np.float64)))) / 32_768
                loud += 20 * np.log10(max(rms, 1e-6)) > SPOKEN_DBFS
                if loud >= SPOKEN_FRAMES:
                    return True
        finally:
            await microphone.close()
    return False


async def _plays_tones(name: str) -> bool:
    """Two tones, a fifth apart; whether the loudspeaker took them."""
    try:
        speaker = await asyncio.to_thread(CardSpeaker, name)
    except DeviceLost:
        return False
    at = np.arange(int(TONE_S * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    fade = np.minimum(1, np.minimum(at, TONE_S - at) / 0.02)
    tones = np.concatenate([np.sin(2 * np.pi * hz * at) * fade for hz in TONES_HZ])
    try:
        await speaker.write((tones * 9_000).astype(np.int16))
        await asyncio.sleep(TONE_S * len(TONES_HZ))
        return speaker.played().samples > 0
    except DeviceLost:
        return False
    finally:
        await speaker.close()


async def _prints(site: Site, address: str) -> bool:
    bank, branch = site.bank, site.branch
    paper = await asyncio.to_thread(
        draw_ticket,
        PaperTicket(
            bank=(bank.name_zh, bank.name_en), branch=(branch.name_zh, branch.name_en),
            service=("打印测试", "Printer test"), number="TEST", issued_at=datetime.now().astimezone(),
        ),
    )  # fmt: skip
    try:
        printer = open_printer(address)
        try:
            await printer.check()
            await printer.print("test", paper)
        finally:
            await printer.close()
    except (PrinterFault, ValueError):
        return False
    return True
