"""How a terminal comes to belong: it shows a code, an operator claims it, its key gets a certificate; and its end.

A code is good for one claim and half an hour. A terminal whose place is taken is refused, unless it replaces the one
that stands there: then the old certificate ends in the same transaction.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from contracts import fleet as f
from contracts import topics
from hub.accounts import record
from hub.accounts.rights import Person, Right, require
from hub.bus import Outgoing
from hub.fleet.authority import Authority, Issued, Unfit, fingerprint_of, key_of
from hub.fleet.tables import fleet_certificates, fleet_claims, fleet_trust
from hub.fleet.terminals import note_terminal
from hub.store import Store, digits, upsert

CODE_GOOD: Final = timedelta(minutes=30)  # since the terminal asked last
MOST_WAITING: Final = 1_000
WRONG_CODES: Final = 10  # of one person …
WRONG_WITHIN_S: Final = 3_600.0  # … within this time; then claiming waits
SETTLE: Final = timedelta(seconds=2)  # from a claim until its answer: brokers look twice a second
TRUST: Final = 1


class JoinProblem(ValueError):
    """Why a terminal cannot join: `status` as HTTP has it; `str()` says it to the person."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Joining:
    """Claims, certificates and revocations of this hub."""

    def __init__(self, store: Store, authority: Authority) -> None:
        self._store, self._authority = store, authority
        self._wrong: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def waiting(self) -> int:
        """How many terminals show a code now. The codes themselves are read from the terminals, never from here."""
        good = sa.and_(fleet_claims.c.state == "waiting", fleet_claims.c.asked_at > datetime.now(UTC) - CODE_GOOD)
        with self._store.read() as db:
            return int(db.execute(sa.select(sa.func.count()).select_from(fleet_claims).where(good)).scalar_one())

    def claim(
        self, person: Person, code: str, branch: str, device: str, *, region: str = "", tags: Sequence[str] = (),
        replaces: bool = False,
    ) -> None:  # fmt: skip
        """Give the terminal that shows `code` a name and a certificate. It is told when it asks again, once the brokers
        know it. Raises `JoinProblem`, `Refused`."""
        require(person, Right.JOIN_DEVICE, branch)
        self._check_guesses(person.name)
        now = datetime.now(UTC)

        def work(db: sa.Connection) -> bool:
            good = sa.and_(
                fleet_claims.c.code == code, fleet_claims.c.state == "waiting",
                fleet_claims.c.asked_at > now - CODE_GOOD,
            )  # fmt: skip
            found = db.execute(sa.select(fleet_claims).where(good).with_for_update()).all()
            if len(found) != 1:
                record.note(db, person.name, "claim_refused", branch=branch, subject=device, outcome="code")
                return False
            live = _live(branch, device, now)
            there = db.execute(sa.select(fleet_certificates.c.serial).where(live)).first() is not None
            if there and not replaces:
                raise JoinProblem(409, "a terminal of that name has joined: say that the new one replaces it")
            if there:
                _revoke(db, branch, device, "replaced", now)
            try:
                issued = self._authority.issue(found[0].csr, branch, device, now)
            except Unfit as err:
                raise JoinProblem(422, f"its request cannot be answered: {err.code}") from err
            _keep(db, branch, device, issued)
            note_terminal(
                db, branch, device, now, region=region, tags=list(tags), hardware=found[0].hardware, joined=now
            )
            answer = self._answer(branch, device, issued, _digit(db, branch, device) if there else -1, there)
            values = {"state": "claimed", "branch": branch, "device": device, "person": person.name[:80],
                      "answer": msgspec.to_builtins(answer), "claimed_at": now}  # fmt: skip
            mine = fleet_claims.c.fingerprint == found[0].fingerprint
            db.execute(sa.update(fleet_claims).where(mine).values(**values))
            record.note(db, person.name, "terminal_joined", branch=branch, subject=f"{device} {issued.serial[:16]}")
            return True

        if not self._store.apply(work):
            self._note_guess(person.name)
            raise JoinProblem(404, "no terminal shows this code now")

    def revoke(self, person: Person, branch: str, device: str, reason: str) -> None:
        """End every certificate of a terminal now. Brokers learn it within a second. As `claim` it raises."""
        require(person, Right.JOIN_DEVICE, branch)

        def work(db: sa.Connection) -> bool:
            ended = _revoke(db, branch, device, reason, datetime.now(UTC))
            if ended:
                record.note(db, person.name, "certificate_revoked", branch=branch, subject=device, outcome=reason)
            return ended

        if not self._store.apply(work):
            raise JoinProblem(404, "that terminal has no certificate that is good")

    # --- from the wire ------------------------------------------------------------------------------

    def ask(self, db: sa.Connection, fingerprint: str, request: f.JoinRequest, now: datetime) -> tuple[str, Any]:
        """A terminal asks (again). Why it is refused (or an empty text), and the answer where it was claimed."""
        known = db.execute(sa.select(fleet_claims).where(fleet_claims.c.fingerprint == fingerprint)).first()
        if known is not None and known.state == "claimed":
            if known.asked_at < now - CODE_GOOD:
                return "late", None  # one claim is one certificate
            if known.claimed_at > now - SETTLE:
                return "", None  # a broker that does not know it yet would swallow its first words
            return "", _said(fingerprint, msgspec.convert(known.answer, f.JoinAnswer))
        try:
            if fingerprint_of(key_of(request.csr)) != fingerprint:
                return "fingerprint", None
        except Unfit as err:
            return err.code, None
        old = fleet_claims.c.asked_at < now - CODE_GOOD
        db.execute(sa.delete(fleet_claims).where(old))
        waiting = db.execute(sa.select(sa.func.count()).select_from(fleet_claims)).scalar_one()
        if known is None and waiting >= MOST_WAITING:
            return "many", None
        same = sa.and_(fleet_claims.c.code == request.code, fleet_claims.c.fingerprint != fingerprint)
        if db.execute(sa.select(fleet_claims.c.code).where(same)).first() is not None:
            return "code", None
        row = {"fingerprint": fingerprint, "code": request.code, "csr": request.csr, "hardware": request.hardware,
               "asked_at": now, "state": "waiting", "branch": "", "device": "", "person": ""}  # fmt: skip
        upsert(db, fleet_claims, [row], update=["code", "csr", "hardware", "asked_at"])
        return "", None

    def renew(self, db: sa.Connection, branch: str, device: str, csr: str, now: datetime) -> tuple[str, Any]:
        """The next certificate of a terminal that has one. The broker has checked that it speaks for itself."""
        if db.execute(sa.select(fleet_certificates.c.serial).where(_live(branch, device, now))).first() is None:
            return "no_certificate", None
        try:
            key = key_of(csr)
            row = fleet_certificates.c.fingerprint == fingerprint_of(key)
            known = db.execute(sa.select(fleet_certificates).where(row, _live(branch, device, now))).first()
            if known is not None:  # asked again: the answer was lost
                return "", _renewed(branch, device, known.pem, self._authority.pem)
            issued = self._authority.issue(csr, branch, device, now)
        except Unfit as err:
            return err.code, None
        _keep(db, branch, device, issued)
        record.note(db, "", "certificate_renewed", branch=branch, subject=f"{device} {issued.serial[:16]}")
        return "", _renewed(branch, device, issued.pem, self._authority.pem)

    def _answer(self, branch: str, device: str, issued: Issued, digit: int, there: bool) -> f.JoinAnswer:
        return f.JoinAnswer(
            **_envelope(), branch=branch, device=device, certificate=issued.pem, authority=self._authority.pem,
            command_key=self._authority.orders_key, kiosk_digit=digit, predecessor=there,
        )  # fmt: skip

    def _check_guesses(self, name: str) -> None:
        with self._lock:
            tries = self._wrong.get(name, deque())
            recent = [at for at in tries if time.monotonic() - at < WRONG_WITHIN_S]
        if len(recent) >= WRONG_CODES:
            raise JoinProblem(429, "too many wrong codes: wait an hour")

    def _note_guess(self, name: str) -> None:
        with self._lock:
            self._wrong.setdefault(name, deque(maxlen=WRONG_CODES)).append(time.monotonic())


def members(store: Store, now: datetime) -> list[tuple[str, str]]:
    """Every terminal that has a certificate which is good: who may speak at all."""
    query = sa.select(fleet_certificates.c.branch, fleet_certificates.c.device).where(
        fleet_certificates.c.revoked_at.is_(None), fleet_certificates.c.not_after > now
    )
    return sorted({(row["branch"], row["device"]) for row in store.rows(query)})


def revoked(store: Store, now: datetime) -> list[tuple[str, datetime]]:
    """Serials that were revoked before their time."""
    query = sa.select(fleet_certificates.c.serial, fleet_certificates.c.revoked_at).where(
        fleet_certificates.c.revoked_at.is_not(None), fleet_certificates.c.not_after > now
    )
    return sorted((row["serial"], row["revoked_at"]) for row in store.rows(query))


def revision(store: Store) -> int:
    """A number that grows with every certificate of a new terminal and every revocation."""
    rows = store.rows(sa.select(fleet_trust.c.revision))
    return int(rows[0]["revision"]) if rows else 0


def _live(branch: str, device: str, now: datetime) -> sa.ColumnElement[bool]:
    c = fleet_certificates.c
    return sa.and_(c.branch == branch, c.device == device, c.revoked_at.is_(None), c.not_after > now)


def _revoke(db: sa.Connection, branch: str, device: str, reason: str, now: datetime) -> bool:
    values = {"revoked_at": now, "reason": reason[:40]}
    ended = db.execute(sa.update(fleet_certificates).where(_live(branch, device, now)).values(**values)).rowcount
    if ended:
        _bump(db)
    return bool(ended)


def _keep(db: sa.Connection, branch: str, device: str, issued: Issued) -> None:
    row = {"serial": issued.serial, "branch": branch, "device": device, "fingerprint": issued.fingerprint,
           "pem": issued.pem, "not_before": issued.not_before, "not_after": issued.not_after, "reason": ""}  # fmt: skip
    db.execute(sa.insert(fleet_certificates).values(**row))
    _bump(db)


def _bump(db: sa.Connection) -> None:
    upsert(db, fleet_trust, [{"id": TRUST, "revision": 0}])
    db.execute(sa.update(fleet_trust).values(revision=fleet_trust.c.revision + 1))


def _digit(db: sa.Connection, branch: str, device: str) -> int:
    """The digit of the numbers that a terminal gave last."""
    of = sa.and_(digits.c.branch == branch, digits.c.device == device)
    found = db.execute(sa.select(digits.c.digit).where(of).order_by(digits.c.day.desc()).limit(1)).scalar()
    return -1 if found is None else int(found)


def _envelope() -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "at": datetime.now(UTC), "mono_ns": time.monotonic_ns()}


def _said(fingerprint: str, answer: f.JoinAnswer) -> Outgoing:
    row = topics.JOIN_ANSWER
    return Outgoing(row.at("", fingerprint), row.encode(answer), row.qos, row.retain)


def _renewed(branch: str, device: str, pem: str, authority: str) -> Outgoing:
    row = topics.RENEW_ANSWER
    answer = f.RenewAnswer(**_envelope(), certificate=pem, authority=authority)
    return Outgoing(row.at(branch, device), row.encode(answer), row.qos, row.retain)
