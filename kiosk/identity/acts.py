"""What a conversation can have done about a face: agreed, refused, checked. Consent first, always on record.

Outcomes are codes for the flow; the finding lies in the visit, and what follows for it is `verdict.agree`'s. Without
a document's photo, a camera or a keystore there is another way, and this says so at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from config.flows import Action
from config.identity import load_identity_texts
from kiosk.banking.ports import Held
from kiosk.dialogue.reply import Done
from kiosk.identity.check import FaceCheck
from kiosk.identity.consent import Act, ConsentLedger, Entry, stamp
from kiosk.identity.faces import Seen, Template
from kiosk.identity.ports import DocumentPhotos
from kiosk.identity.remembering import ACTIONS as REMEMBERS
from kiosk.identity.remembering import Remembering
from kiosk.identity.verdict import FaceFinding, needs_guardian
from kiosk.session.visit import Visit

OF_A_CHECK: Final[frozenset[Action]] = frozenset({"agree_face", "refuse_face", "verify_face"})
ACTIONS: Final[frozenset[Action]] = OF_A_CHECK | REMEMBERS
Offer = Literal["", "ready", "guardian"]


@dataclass(slots=True)
class FaceActs:
    """`holding`: what lies in the reader. `sees`: whether the camera works."""

    check: FaceCheck
    photos: DocumentPhotos
    ledger: ConsentLedger
    holding: Callable[[], Held | None]
    sees: Callable[[], bool]
    local_now: Callable[[], datetime]
    begins: Callable[[], None] = lambda: None  # called as a check begins, so that it is known when it is not wanted
    ends: Callable[[], None] = lambda: None  # the visitor does not want it any longer
    tells: Callable[[str, FaceFinding], None] = lambda visit, finding: None  # a check of this visit came to its end
    remembering: Remembering | None = None  # None: the site keeps no templates
    tally: Counter[str] = field(default_factory=Counter)
    _agreed: str = ""  # the visit whose consent is on record

    def facts(self, visit: Visit) -> Mapping[str, str]:
        """`face`: 'ready' where it may be offered, 'guardian' where the document's holder is too young. `face_kept`:
        this document's holder asked to be known again. `remember`: 'offer' where that may be asked; else, where the
        site does so at all, 'can'."""
        known: dict[str, str] = {"face": self._offer(visit), "face_kept": "", "remember": ""}
        if (kept := self.remembering) is not None:
            offers = self.sees() and kept.may_offer(visit)
            known |= {
                "face_kept": "yes" if kept.keeps(self.holding()) else "",
                "remember": "offer" if offers else "can",
            }
        return known

    def tallies(self) -> dict[str, int]:
        """What came of offers and checks, by code; nobody is in them."""
        kept = self.remembering.tally if self.remembering else {}
        return {**self.tally, **self.check.tally, **{f"kept {code}": count for code, count in kept.items()}}

    def _offer(self, visit: Visit) -> Offer:
        hindrance = self.hindrance()
        if hindrance == "nothing_there" or not self.sees() or visit.face is not None:
            return ""
        return "guardian" if hindrance else "ready"

    def hindrance(self) -> Literal["", "nothing_there", "guardian"]:
        """Why no face can be compared with what lies in the reader. '': it can."""
        held = self.holding()
        if held is None or held.kind != "document":
            return "nothing_there"
        return "guardian" if needs_guardian(held.number, self.local_now().date(), held.born) else ""

    def refuse(self, visit: Visit) -> str:
        """The visitor does not want it: on record, and what was found before in this visit does not count on."""
        visit.face = FaceFinding(consent=False)
        return self._record(visit, "refused")

    async def do(self, visit: Visit, action: Action) -> Done:
        """'done', 'failed' (not possible here), for `verify_face` and `keep_face` 'unclear', 'differs',
        'nothing_there', for `forget_face` 'nothing_kept'."""
        outcome = await self._do(visit, action)
        self.tally[f"{action} {outcome}"] += 1
        return Done(outcome)

    async def _do(self, visit: Visit, action: Action) -> str:
        if action == "refuse_face":
            return self.refuse(visit)
        if action in REMEMBERS:
            return await self._remember(visit, action)
        held = self.holding()
        if held is None:
            return "nothing_there"
        if needs_guardian(held.number, self.local_now().date(), held.born):
            return "guardian"
        if action == "agree_face":
            outcome = self._record(visit, "granted")
            self._agreed = visit.id if outcome == "done" else ""
            return outcome
        if self._agreed != visit.id:
            return "no_photo"
        reference = await self._reference(held)
        kept = self.remembering.find(held) if self.remembering else None
        if reference is None and kept is None:
            return "no_photo"
        self.begins()
        try:
            visit.face = await self.check.run(reference, kept)
            visit.checked_document = held.number
        finally:
            for template in (reference, kept):
                if template is not None:
                    template.fill(0)
            visit.checking = None
        self.tells(visit.id, visit.face)
        return {"for": "done", "against": "differs", "neither": "unclear"}[visit.face.decides]

    async def _remember(self, visit: Visit, action: Action) -> str:
        kept = self.remembering
        if kept is None:
            return "failed"
        if action == "decline_face":
            return kept.decline(visit)
        if action == "forget_face":
            return kept.forget(visit)
        held = self.holding()
        if held is None or not kept.may_offer(visit):  # asked again here: the flow is words
            return "nothing_there"
        if not kept.agree(visit):
            return "failed"
        reference = await self._reference(held)
        if reference is None:
            return "no_photo"
        self.begins()
        template = None
        try:
            template = await self.check.gather(reference)
            still = self.holding()
            if template is None or still is None or still.number != held.number:
                return "unclear"
            return kept.keep(visit, held, template)
        finally:
            for one in (reference, template):
                if one is not None:
                    one.fill(0)
            visit.checking = None

    async def _reference(self, held: Held) -> Template | None:
        picture = self.photos.photo(held)
        if picture is None:
            return None
        reader, thread = self.check.reader, self.check.thread
        seen = await thread.call(lambda: reader.see(picture, anywhere=True))
        if not isinstance(seen, Seen):
            return None
        template: Template = await thread.call(reader.template, seen)
        return template

    def _record(self, visit: Visit, act: Act) -> str:
        """No record, no processing: a ledger that cannot be written refuses."""
        kept = self.remembering is not None and self.remembering.keeps(self.holding())
        entry = Entry(at=stamp(self.local_now()), act=act,
                      purpose="compare_with_kept" if kept else "compare_with_document",
                      text=load_identity_texts().consent_version, visit=visit.id, language=visit.language)  # fmt: skip
        try:
            self.ledger.note(entry)
        except OSError:
            return "failed"
        return "done"
