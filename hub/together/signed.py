"""What visitors signed: kept as it came, and looked at again by anybody at any time.

Three things must hold of each: the document is the one whose hash was signed, the hand belongs to this document, and
the record of the branch (a chain) says that just this seal was put on that case. Whoever changes one character of the
document, or puts the hand under another one, breaks the first two; who also makes them fit again breaks the third.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from contracts import together as t
from contracts import topics
from hub.accounts import record
from hub.accounts.tables import audit
from hub.store import Store, upsert
from hub.together.tables import signed_documents
from hub.video.tables import cases

ACT: Final = "document_signed"
SEAL_KEPT: Final = 40  # of the seal, in the record's column
PAGE: Final = 500
Why = Literal["document", "seal", "record"]


class Unsound(ValueError):
    """A signature that does not fit its document, or its case: refused when it comes. `reason` is stable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A signed document that does not hold, and at what."""

    branch: str
    case: str
    session: str
    why: Why


def keep(db: sa.Connection, address: topics.Address, message: t.DocumentSigned, now: datetime) -> None:
    """One signature of a terminal, with its row of the record. Raises `Unsound`."""
    paper = message.body
    if why_broken(paper.document, paper.document_sha256, paper.strokes, paper.seal):
        raise Unsound("hash")
    case = db.execute(sa.select(cases).where(cases.c.video_case == paper.case)).one_or_none()
    mine = case is not None and (case.branch, case.device) == (address.branch, address.device)
    if not mine or case is None:
        raise Unsound("case")
    upsert(db, signed_documents, [{
        "branch": address.branch, "device": address.device, "log": message.log, "seq": message.seq,
        "video_case": paper.case, "session": paper.session, "form": paper.form, "teller": case.teller,
        "alias": case.alias, "document": paper.document, "document_sha256": paper.document_sha256,
        "strokes": paper.strokes, "seal": paper.seal, "signed_at": paper.signed_at, "at": now,
    }])  # fmt: skip
    record.note(db, "", ACT, branch=address.branch, subject=paper.case, outcome=paper.seal[:SEAL_KEPT])


def why_broken(document: str, document_sha256: str, strokes: str, seal: str) -> Why | None:
    """What does not fit; None: all of it does."""
    if t.sha256(document) != document_sha256:
        return "document"
    return "seal" if t.seal_of(document_sha256, strokes) != seal else None


def verify(store: Store, case: str = "") -> tuple[int, list[Broken]]:
    """Look at every signed document (or those of one case): how many there are, and which do not hold."""
    found: list[Broken] = []
    count = 0
    after: sa.ColumnElement[bool] = signed_documents.c.video_case == case if case else sa.true()
    keys = [signed_documents.c[name] for name in ("branch", "device", "log", "seq")]
    which = after
    while True:
        page = store.rows(sa.select(signed_documents).where(which).order_by(*keys).limit(PAGE))
        count += len(page)
        for row in page:
            why = why_broken(row["document"], row["document_sha256"], row["strokes"], row["seal"])
            if why is None and not _recorded(store, row):
                why = "record"
            if why is not None:
                found.append(Broken(branch=row["branch"], case=row["video_case"], session=row["session"], why=why))
        if len(page) < PAGE:
            return count, found
        last = page[-1]
        which = sa.and_(after, sa.tuple_(*keys) > (last["branch"], last["device"], last["log"], last["seq"]))


def of_session(store: Store, case: str, session: str) -> dict[str, Any] | None:
    """What was signed in this filling of a form, without document and hand."""
    columns = [signed_documents.c[name] for name in ("document_sha256", "seal", "signed_at", "at", "form")]
    mine = sa.and_(signed_documents.c.video_case == case, signed_documents.c.session == session)
    found = store.rows(sa.select(*columns).where(mine).order_by(signed_documents.c.at.desc()).limit(1))
    return found[0] if found else None


def forms_of(store: Store, case: str) -> list[str]:
    """Which forms were signed in a case, each once, in the order of signing; at most a page of them."""
    wanted = sa.select(signed_documents.c.form).where(signed_documents.c.video_case == case)
    return list(dict.fromkeys(row["form"] for row in store.rows(wanted.order_by(signed_documents.c.at).limit(PAGE))))


def listed(store: Store, since: datetime) -> list[dict[str, Any]]:
    """What was signed since then: who, when, which case; the documents themselves are not in it."""
    names = ("branch", "device", "video_case", "form", "teller", "alias", "document_sha256", "signed_at", "at")
    wanted = sa.select(*[signed_documents.c[name] for name in names]).where(signed_documents.c.at >= since)
    return store.rows(wanted.order_by(signed_documents.c.at).limit(PAGE))


def _recorded(store: Store, row: dict[str, Any]) -> bool:
    mine = sa.and_(
        audit.c.branch == row["branch"], audit.c.act == ACT, audit.c.subject == row["video_case"],
        audit.c.outcome == row["seal"][:SEAL_KEPT],
    )  # fmt: skip
    return bool(store.rows(sa.select(audit.c.n).where(mine).limit(1)))
