"""Accounts, sessions, and the slowing down of those who guess.

Passwords are argon2 hashes; a session is a random token in a cookie whose hash is kept. Blocking: called from the
web server's threads.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.accounts import record
from hub.accounts.rights import Grant, Person, Role
from hub.accounts.tables import grants, guesses, people, sessions
from hub.store import Store, upsert

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)  # a working day; then one signs in again
NOTE_SEEN: Final = timedelta(minutes=1)
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 200
FREE_GUESSES: Final = 5  # by account
FREE_GUESSES_FROM: Final = 20  # by address: a branch's clerks may share one
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGET_GUESSES: Final = timedelta(hours=24)
AT_ONCE: Final = 2  # argon2 takes 64 MiB and both cores: no crowd of guessers gets more
_NAME: Final = re.compile(r"^[A-Za-z0-9._@-]{1,80}$")


class SignInFailed(PermissionError):
    """`code`: wrong, wait or busy. `wait_s` says how long, where it is known."""

    def __init__(self, code: str, wait_s: float = 0.0) -> None:
        super().__init__(code)
        self.code, self.wait_s = code, wait_s


class Accounts:
    """Who may sign in at this hub."""

    def __init__(self, store: Store, *, hasher: PasswordHasher | None = None) -> None:
        self._store = store
        self._hasher = hasher or PasswordHasher()
        self._at_once = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe())  # checked for names that are not there

    # --- accounts -------------------------------------------------------------------------------

    def add(self, name: str, password: str, granted: Iterable[Grant], *, by: str) -> None:
        """A new local account. Raises ValueError: bad name, taken, or a password that is too short."""
        check_name(name)
        check_password(password)
        hashed = self._hasher.hash(password)
        with self._store.write() as db:
            if db.execute(sa.select(people.c.person).where(people.c.person == name)).first() is not None:
                raise ValueError(f"there is an account {name!r} already")
            values = {"password": hashed, "issuer": "", "subject": "", "disabled": False, "since": datetime.now(UTC)}
            db.execute(sa.insert(people).values(person=name, **values))
            self._grant(db, name, granted)
            record.note(db, by, "account_added", subject=name)

    def set_password(self, name: str, password: str, *, by: str) -> None:
        """Raises ValueError: no such account, or too short. Ends the account's sessions."""
        check_password(password)
        hashed = self._hasher.hash(password)
        with self._store.write() as db:
            if not db.execute(sa.update(people).where(people.c.person == name).values(password=hashed)).rowcount:
                raise ValueError(f"there is no account {name!r}")
            db.execute(sa.delete(sessions).where(sessions.c.person == name))
            record.note(db, by, "password_set", subject=name)

    def set_grants(self, name: str, granted: Iterable[Grant], *, by: str) -> None:
        """What the account may do from now on, also in its open sessions. Raises ValueError: no such account."""
        with self._store.write() as db:
            self._must_be_there(db, name)
            self._grant(db, name, granted)
            record.note(db, by, "grants_set", subject=name)

    def disable(self, name: str, *, by: str) -> None:
        """Nobody signs in with it any more; its sessions end. Raises ValueError: no such account."""
        with self._store.write() as db:
            self._must_be_there(db, name)
            db.execute(sa.update(people).where(people.c.person == name).values(disabled=True))
            db.execute(sa.delete(sessions).where(sessions.c.person == name))
            record.note(db, by, "account_disabled", subject=name)

    def names(self) -> dict[str, list[str]]:
        """Every account and its grants."""
        found: dict[str, list[str]] = {row["person"]: [] for row in self._store.rows(sa.select(people.c.person))}
        for row in self._store.rows(sa.select(grants).order_by(grants.c.role, grants.c.branch)):
            found[row["person"]].append(f"{row['role']}:{row['branch']}")
        return dict(sorted(found.items()))

    # --- signing in -----------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, address: str) -> str:
        """The token of a new session. Raises `SignInFailed`."""
        keys = (f"name:{name[:80]}", f"from:{address[:80]}")
        self._check_waits(keys)
        hashed = self._hash_of(name)
        if not self._at_once.acquire(timeout=1.0):
            raise SignInFailed("busy", 1.0)
        try:
            right = self._matches(hashed or self._nobody, password[:LONGEST_PASSWORD])
        finally:
            self._at_once.release()
        if hashed is None or not right:
            self._note_failure(keys)
            raise SignInFailed("wrong")
        with self._store.write() as db:
            db.execute(sa.delete(guesses).where(guesses.c.who == keys[0]))
        return self.open_session(name)

    def sign_in_elsewhere(self, issuer: str, subject: str, name: str, granted: Iterable[Grant]) -> str:
        """A session for somebody the bank's own sign-in vouches for; what they may do is what it says, each time.

        Raises `SignInFailed` for a disabled account.
        """
        person = f"{check_name(name)[:60]}@oidc"
        here = sa.and_(people.c.issuer == issuer[:200], people.c.subject == subject[:200])
        with self._store.write() as db:
            known = db.execute(sa.select(people.c.person, people.c.disabled).where(here)).first()
            if known is not None and known.disabled:
                raise SignInFailed("wrong")
            if known is not None:
                person = known.person
            elif db.execute(sa.select(people.c.person).where(people.c.person == person)).first() is not None:
                person = f"{person}-{hashlib.sha256((issuer + subject).encode()).hexdigest()[:8]}"
            if known is None:
                values = {"password": "", "issuer": issuer[:200], "subject": subject[:200], "disabled": False}
                db.execute(sa.insert(people).values(person=person, since=datetime.now(UTC), **values))
            self._grant(db, person, granted)
        return self.open_session(person, how="oidc")

    def open_session(self, name: str, how: str = "password") -> str:
        """A new session's token; old ones of everybody are swept out on the way."""
        token, now = secrets.token_urlsafe(32), datetime.now(UTC)
        with self._store.write() as db:
            old = sa.or_(sessions.c.since < now - LONGEST, sessions.c.seen < now - IDLE)
            db.execute(sa.delete(sessions).where(old))
            csrf = secrets.token_urlsafe(24)
            db.execute(sa.insert(sessions).values(token=_hashed(token), person=name, csrf=csrf, since=now, seen=now))
            record.note(db, name, "signed_in", outcome=how)
        return token

    def find(self, token: str) -> Person | None:
        """Who holds this token; None when it is not valid (any more)."""
        return self.find_session(_hashed(token)) if token else None

    def find_session(self, hashed: str) -> Person | None:
        """As `find`, from the hash that `Person.session` carries."""
        now = datetime.now(UTC)
        with self._store.read() as db:
            row = db.execute(
                sa.select(sessions, people.c.disabled)
                .join(people, people.c.person == sessions.c.person)
                .where(sessions.c.token == hashed)
            ).first()
            if row is None or row.disabled or now - row.since > LONGEST or now - row.seen > IDLE:
                return None
            granted = db.execute(sa.select(grants.c.role, grants.c.branch).where(grants.c.person == row.person)).all()
        if now - row.seen > NOTE_SEEN:
            with self._store.write() as db:
                db.execute(sa.update(sessions).where(sessions.c.token == hashed).values(seen=now))
        known = frozenset(Grant(Role(one.role), one.branch) for one in granted if one.role in set(Role))
        return Person(row.person, known, hashed, row.csrf)

    def sign_out(self, person: Person) -> None:
        """End this session."""
        with self._store.write() as db:
            if db.execute(sa.delete(sessions).where(sessions.c.token == person.session)).rowcount:
                record.note(db, person.name, "signed_out")

    # --- guessing -------------------------------------------------------------------------------

    def _check_waits(self, keys: Iterable[str]) -> None:
        now = datetime.now(UTC)
        for row in self._store.rows(sa.select(guesses).where(guesses.c.who.in_(list(keys)))):
            wait = _wait(row["who"], row["failed"]) - (now - row["since"])
            if wait > timedelta():
                raise SignInFailed("wait", wait.total_seconds())

    def _note_failure(self, keys: tuple[str, str]) -> None:
        now = datetime.now(UTC)
        with self._store.write() as db:
            db.execute(sa.delete(guesses).where(guesses.c.since < now - FORGET_GUESSES))
            for key in sorted(keys):
                upsert(db, guesses, [{"who": key, "failed": 0, "since": now}])
                more = {"failed": guesses.c.failed + 1, "since": now}
                db.execute(sa.update(guesses).where(guesses.c.who == key).values(more))
            record.note(db, "", "sign_in_refused")

    def _hash_of(self, name: str) -> str | None:
        wanted = sa.select(people.c.password).where(people.c.person == name, ~people.c.disabled)
        rows = self._store.rows(wanted)
        return str(rows[0]["password"]) if rows and rows[0]["password"] else None

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _must_be_there(self, db: sa.Connection, name: str) -> None:
        if db.execute(sa.select(people.c.person).where(people.c.person == name)).first() is None:
            raise ValueError(f"there is no account {name!r}")

    def _grant(self, db: sa.Connection, name: str, granted: Iterable[Grant]) -> None:
        db.execute(sa.delete(grants).where(grants.c.person == name))
        rows = [{"person": name, "role": one.role.value, "branch": one.branch} for one in sorted(set(granted))]
        if rows:
            db.execute(sa.insert(grants), rows)


def check_name(name: str) -> str:
    """`name`, where it may be an account's. Raises ValueError."""
    if not _NAME.match(name):
        raise ValueError(f"{name[:40]!r} is not an account's name: letters, digits, . _ @ -")
    return name


def check_password(password: str) -> None:
    """Raises ValueError for one that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")


def _wait(who: str, failed: int) -> timedelta:
    """How long after the last failure nobody may try: nothing at first, then doubling."""
    free = FREE_GUESSES if who.startswith("name:") else FREE_GUESSES_FROM
    if failed < free:
        return timedelta()
    doubled: timedelta = FIRST_WAIT * 2 ** min(failed - free, 10)
    return min(doubled, LONGEST_WAIT)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
