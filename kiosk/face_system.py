"""Comparing faces as this site has it: composed here, beside `app.py`, from models, keystore, ledger and camera."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from config.flows import Both
from config.schema import Site
from contracts import messages as m
from contracts.screen import Caption, FaceView
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.adapters.identity import FilePhoto, LatestFrame
from kiosk.adapters.keystore import open_keystore
from kiosk.adapters.passport import PassportReader
from kiosk.adapters.screen_light import Paint, ScreenLight
from kiosk.aloud import Aloud
from kiosk.banking.ports import Held
from kiosk.dialogue.voice import Voice
from kiosk.identity.acts import FaceActs
from kiosk.identity.check import FaceCheck
from kiosk.identity.consent import ConsentLedger
from kiosk.identity.drift import ScoreHistogram
from kiosk.identity.faces import FaceReader
from kiosk.identity.remembering import Remembering
from kiosk.identity.templates import TemplateStore
from kiosk.identity.verdict import FaceFinding
from kiosk.networks import Models
from kiosk.ports import Clock
from kiosk.session.session import Session
from models.mesh import FaceMesh
from models.sface import SFace
from models.store import Store

LOOKS_HZ: Final = 8.0  # while a face is checked


class SpokenPrompter:
    """An instruction as a bubble and aloud, inside the turn that is going on."""

    def __init__(self, session: Session, voice: Voice) -> None:
        self._session = session
        self._aloud = Aloud(session, voice, "face")

    async def tell(self, said: Both, done: int, steps: int) -> None:
        visit = self._session.visit
        if visit is None or self._session.turns is None:
            return
        text, other = (said.zh, said.en) if visit.language == "zh" else (said.en, said.zh)
        visit.caption = Caption("receptionist", text, other)
        light = visit.checking.light if visit.checking else ""
        visit.checking = FaceView(text, other, done=done, steps=steps, light=light)
        self._session.show()
        await self._aloud.say(visit, said.zh, said.en)


def painter(session: Session) -> Paint:
    """Colours the page on which a face is looked at."""

    def paint(colour: str) -> int | None:
        visit = session.visit
        if visit is None or visit.checking is None:
            return None
        visit.checking = replace(visit.checking, light=colour)
        session.show()
        return session.revision

    return paint


def open_face_system(
    site: Site, state: Path, models: Models, session: Session, voice: Voice, clock: Clock,
    local_now: Callable[[], datetime], frames: LatestFrame, light: ScreenLight,
    post: Callable[[m.FaceChecked], None], reads: SimulatedCardReader | PassportReader,
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
    light.paint = painter(session)
    check = FaceCheck(
        frames, reader, models.seeing, clock, SpokenPrompter(session, voice), ScoreHistogram(folder / "scores.json"),
        wanted=working.still, flash=light if site.identity.screen_light else None,
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
        tells=lambda visit, finding: post(moment_of(visit, finding)),
        remembering=open_remembering(site, folder, ledger, reads.holding, local_now),
    )


def moment_of(visit: str, finding: FaceFinding) -> m.FaceChecked:
    """What the hub is told of a check: two codes and a count, so that a release that refuses the living is noticed."""
    return m.FaceChecked(
        visit=visit, face=finding.match.says if finding.match else "none",
        liveness=finding.liveness.outcome if finding.liveness else "none", tries=min(finding.tries, 20),
    )  # fmt: skip


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
