"""Comparing faces as this site has it: composed here, beside `app.py`, from models, keystore, ledger and camera."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from config.flows import Both
from config.schema import Site
from contracts.screen import Caption, FaceView
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.adapters.identity import FilePhoto, LatestFrame
from kiosk.adapters.keystore import open_keystore
from kiosk.adapters.passport import PassportReader
from kiosk.banking.ports import Held
from kiosk.dialogue.voice import Voice
from kiosk.identity.acts import FaceActs
from kiosk.identity.check import FaceCheck
from kiosk.identity.consent import ConsentLedger
from kiosk.identity.drift import ScoreHistogram
from kiosk.identity.faces import FaceReader
from kiosk.identity.remembering import Remembering
from kiosk.identity.templates import TemplateStore
from kiosk.networks import Models
from kiosk.ports import Clock, DeviceLost
from kiosk.session.session import Session
from models.mesh import FaceMesh
from models.sface import SFace
from models.store import Store

LOOKS_HZ: Final = 8.0  # while a face is checked


class SpokenPrompter:
    """An instruction as a bubble and aloud, inside the turn that is going on."""

    def __init__(self, session: Session, voice: Voice) -> None:
        self._session = session
        self._voice = voice
        self._said = 0

    async def tell(self, said: Both) -> None:
        visit, turns = self._session.visit, self._session.turns
        if visit is None or turns is None:
            return
        text, other = (said.zh, said.en) if visit.language == "zh" else (said.en, said.zh)
        visit.caption = Caption("receptionist", text, other)
        visit.checking = FaceView(text, other)
        self._session.show()
        if turns.playback is None:
            return
        self._said += 1
        try:
            await turns.playback.play(
                f"face{self._said}", self._voice.speak(text, visit.language, keep=True), lambda progress: None
            )
        except DeviceLost:
            return  # it is on the screen


def open_face_system(
    site: Site, state: Path, models: Models, session: Session, voice: Voice, clock: Clock,
    local_now: Callable[[], datetime], frames: LatestFrame, reads: SimulatedCardReader | PassportReader,
) -> FaceActs | None:  # fmt: skip
    """None where the site does not offer it. Raises `StoreError` where it does and a model is not there."""
    if not site.identity.face:
        return None
    store = Store()
    mesh = FaceMesh(store.open("face-landmarks"), store.open("face-blendshapes"))
    reader = FaceReader(models.yunet, mesh, SFace(store.open("sface")))
    folder = state / "identity"
    folder.mkdir(parents=True, exist_ok=True)
    held = Path(site.bank_system.reader) if site.bank_system.reader else state / "card_reader.json"
    photo = Path(site.identity.photo) if site.identity.photo else held.with_name("document.png")
    ledger = ConsentLedger(folder / "consents")
    working = _Working(session)
    check = FaceCheck(
        frames, reader, models.seeing, clock, SpokenPrompter(session, voice), ScoreHistogram(folder / "scores.json"),
        wanted=working.still,
    )  # fmt: skip
    return FaceActs(
        check=check,
        photos=reads if isinstance(reads, PassportReader) else FilePhoto(photo),
        ledger=ledger,
        holding=reads.holding,
        sees=lambda: session.works.get("camera", False),
        local_now=local_now,
        begins=working.begin,
        ends=working.end,
        remembering=open_remembering(site, folder, ledger, reads.holding, local_now),
    )


def open_remembering(
    site: Site, folder: Path, ledger: ConsentLedger, holding: Callable[[], Held | None],
    local_now: Callable[[], datetime],
) -> Remembering | None:  # fmt: skip
    """None where the site keeps no templates. `folder`: where everything about faces is kept."""
    if not site.identity.remember:
        return None
    store = TemplateStore(folder / "templates", open_keystore(site.identity, folder))
    kept = Remembering(store, ledger, holding, local_now)
    kept.warm()
    return kept


class _Working:
    """Whether the turn, or the call with a teller, that began a check still goes on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn: int | None = None
        self._visit = ""  # of a check within a call, where no turn is at work

    def begin(self) -> None:
        self._turn = self._session.at_work
        self._visit = self._session.visit.id if self._session.in_call() and self._session.visit else ""

    def end(self) -> None:
        self._turn, self._visit = None, ""

    def still(self) -> bool:
        visit = self._session.visit
        if self._visit:
            return self._session.in_call() and visit is not None and visit.id == self._visit
        return self._turn is not None and self._session.at_work == self._turn
