"""Known again next time: asked after a verified visit, kept for a year, erased whenever it is asked for.

A consent of its own, as easily refused as given, each act a line in the ledger. Whoever lies in the reader is who is
remembered or forgotten; nobody is looked for by their face. What cannot be recorded is not kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from config.flows import Action
from config.identity import load_identity_texts
from kiosk.banking.ports import Held
from kiosk.identity.consent import Act, ConsentLedger, Entry, stamp
from kiosk.identity.faces import Template
from kiosk.identity.ports import KeystoreLocked
from kiosk.identity.templates import TemplateDamaged, TemplateStore
from kiosk.identity.verdict import needs_guardian
from kiosk.ports import Clock
from kiosk.session.visit import Visit

log = logging.getLogger(__name__)

ACTIONS: Final[frozenset[Action]] = frozenset({"keep_face", "decline_face", "forget_face"})
LOOKS_FOR_OLD_S: Final = 3600.0


@dataclass(slots=True)
class Remembering:
    """`holding`: what lies in the reader. Tallies count acts by code; nobody is in them."""

    store: TemplateStore
    ledger: ConsentLedger
    holding: Callable[[], Held | None]
    local_now: Callable[[], datetime]
    ready: bool = True  # the keystore gave its keys; without them nothing is offered, read or kept
    tally: Counter[str] = field(default_factory=Counter)

    def warm(self) -> None:
        """Ask the keystore now, and not while a visitor waits: a TPM takes seconds, and one that hangs takes longer."""
        try:
            self.store.unlock()
            self.ready = True
        except KeystoreLocked as err:
            self.ready = False
            self._trouble("keystore_locked", err)

    def keeps(self, held: Held | None) -> bool:
        """Whether a template of this document's holder is kept. Nothing is decrypted for it."""
        if held is None or held.kind != "document" or not self.ready:
            return False
        try:
            return self.store.has(self.store.subject(held.number), self.local_now().date())
        except KeystoreLocked as err:
            self._trouble("keystore_locked", err)
            return False

    def find(self, held: Held) -> Template | None:
        """The template of this document's holder, to be wiped by the caller. None: none that can be read."""
        if not self.ready:
            return None
        try:
            found = self.store.find(self.store.subject(held.number), self.local_now().date())
        except (TemplateDamaged, KeystoreLocked) as err:
            self._trouble("damaged" if isinstance(err, TemplateDamaged) else "keystore_locked", err)
            return None
        return found.template if found else None

    def may_offer(self, visit: Visit) -> bool:
        """Once a visit, to whom face, document and number agreed about, while the document still lies there."""
        held, told, face = self.holding(), visit.identity, visit.face
        if (
            not self.ready
            or visit.remembering
            or told is None
            or told.outcome != "verified"
            or face is None
            or face.decides != "for"
        ):
            return False
        if held is None or held.kind != "document" or held.number != visit.checked_document:
            return False
        if needs_guardian(held.number, self.local_now().date(), held.born):
            return False
        return not self.keeps(held)

    def agree(self, visit: Visit) -> bool:
        """On record before anything is gathered. False: it could not be written, so nothing may be."""
        visit.remembering = "asked"
        return self._note(visit, "granted")

    def decline(self, visit: Visit) -> str:
        visit.remembering = "asked"
        return "done" if self._note(visit, "refused") else "failed"

    def keep(self, visit: Visit, held: Held, template: Template) -> str:
        """'done', or 'failed': then nothing is kept."""
        try:
            subject = self.store.subject(held.number)
            self.store.enrol(subject, template, self.local_now().date())
        except (KeystoreLocked, OSError) as err:
            self._trouble("not_kept", err)
            return "failed"
        if not self._note(visit, "enrolled", subject):
            self.store.erase(subject)
            return "failed"
        return "done"

    def forget(self, visit: Visit) -> str:
        """'done', 'nothing_kept', 'nothing_there' (no document tells whose), 'failed'."""
        visit.remembering = "asked"
        held = self.holding()
        if held is None or held.kind != "document":
            return "nothing_there"
        if not self.ready:
            return "failed"
        try:
            subject = self.store.subject(held.number)
            gone = self.store.erase(subject)
        except (KeystoreLocked, OSError) as err:
            self._trouble("not_erased", err)
            return "failed"
        if not gone:
            return "nothing_kept"
        self._note(visit, "erased", subject)  # it is gone whether or not that can be written down
        return "done"

    def sweep(self) -> int:
        """What is past its last day goes; how many templates."""
        now = self.local_now()
        try:
            gone = self.store.sweep(now.date())
            for subject in gone:
                self.ledger.note(Entry(at=stamp(now), act="expired", purpose="keep_template", text="", subject=subject))
            self.ledger.sweep(now)
        except OSError as err:
            self._trouble("not_swept", err)
            return 0
        self.tally["expired"] += len(gone)
        return len(gone)

    async def run(self, clock: Clock) -> None:
        """Every hour, as long as the terminal runs."""
        while True:
            self.sweep()
            if not self.ready:
                await asyncio.to_thread(self.warm)
            await clock.sleep(LOOKS_FOR_OLD_S)

    def _note(self, visit: Visit, act: Act, subject: str = "") -> bool:
        entry = Entry(at=stamp(self.local_now()), act=act, purpose="keep_template", subject=subject,
                      text=load_identity_texts().consent_version, visit=visit.id, language=visit.language)  # fmt: skip
        try:
            self.ledger.note(entry)
        except OSError as err:
            self._trouble("not_recorded", err)
            return False
        return True

    def _trouble(self, code: str, err: Exception) -> None:
        """Counted, and in the log by its kind: a path names a pseudonym, which no log needs."""
        self.tally[code] += 1
        log.warning("faces that are kept: %s (%s)", code, type(err).__name__)
