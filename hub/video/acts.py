"""What tellers and their supervisor do. Rights are asked for before (`hub/desk/video_acts.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts.video import CaseEvent, CaseState, Refusal, TellerEvent, TellerState, WrapCode
from contracts.video_messages import Need
from hub.store import upsert
from hub.video.pool import NotNow, Pool, Row, duty, free_of, waiting_of
from hub.video.rule import Decision, could, rarity, terms
from hub.video.tables import tellers

MAX_NOTE: Final = 300
MAX_SUMMARY: Final = 1_000
PROFILE: Final = ("services", "languages", "dialects", "sign", "calm", "licence", "level")


_SEEN: Final = sa.update(tellers).where(tellers.c.person == sa.bindparam("k_person")).values(seen=sa.bindparam("at"))

_HEARD: Final = _SEEN.returning(tellers.c.state, tellers.c.video_case)


def enrol(pool: Pool, person: str, **profile: Any) -> None:
    """Make somebody a teller, or change what one can do: the columns of `PROFILE`."""
    row = {
        "person": person, "version": 1, "state": TellerState.OFFLINE, "since": pool.now, "seen": pool.now,
        "deadline": None, "video_case": "", "then_break": False, "branches": [], "services": ["*"],
        "languages": ["zh"], "dialects": [], "sign": False, "calm": False, "licence": False, "level": 1, **profile,
    }  # fmt: skip
    upsert(pool.db, tellers, [row], update=[name for name in PROFILE if name in profile])
    pool.bump()


def ready(pool: Pool, person: str, branches: Iterable[str]) -> None:
    """Free for a visitor from now on. A teller who is busy only takes back the wish for a break."""
    row = _present(pool, person)
    if row["state"] in (TellerState.BUSY, TellerState.OFFERED):
        pool.set_teller(row, then_break=False, branches=sorted(branches))
        return
    if row["state"] == TellerState.READY:
        return
    if row["state"] == TellerState.AFTER_WORK:
        raise NotNow("transition")  # first the account
    pool.move_teller(row, TellerEvent.READIED, branches=sorted(branches), then_break=False)
    pool.match()


def rest(pool: Pool, person: str) -> None:
    """A break: now, or after the visitor who is there. An offer that was not answered goes to the next."""
    row = _present(pool, person)
    match TellerState(row["state"]):
        case TellerState.BUSY | TellerState.AFTER_WORK:
            pool.set_teller(row, then_break=True)
        case TellerState.OFFERED:
            case = pool.case(row["video_case"])
            pool.move_case(case, CaseEvent.OFFER_LAPSED, person=person, reason="break", teller="")
            pool.move_teller(row, TellerEvent.LAPSED)
            pool.match()
        case TellerState.BREAK:
            return
        case _:
            pool.move_teller(row, TellerEvent.RESTED)


def off(pool: Pool, person: str) -> None:
    """The day is over. Raises `NotNow` in the middle of a talk."""
    row = pool.teller(person)
    if row["state"] == TellerState.BUSY:
        raise NotNow("transition")
    if row["state"] != TellerState.OFFLINE:
        lose(pool, row, "signed_off")
        pool.match()


def heard(pool: Pool, person: str) -> None:
    """The teller's desk is there. A talk that paused because it was not goes on."""
    row = pool.db.execute(_HEARD, {"k_person": person, "at": pool.now}).first()
    if row is None:
        raise NotNow("unknown")
    if row.state != TellerState.BUSY:
        return
    case = pool.case(row.video_case)
    if case["state"] == CaseState.RECONNECTING and case["reason"] == "teller":
        until = pool.after(pool.rules.limits.talk_most_s)
        pool.move_case(case, CaseEvent.RESUMED, person=person, deadline=until)


def accept(pool: Pool, person: str, case: str) -> None:
    """The offer is taken: the media may be set up."""
    row, held = _holding(pool, person, case)
    until = pool.after(pool.rules.limits.connect_s)
    pool.move_case(held, CaseEvent.ACCEPTED, person=person, accepted_at=pool.now, deadline=until)
    pool.move_teller(row, TellerEvent.ACCEPTED)


def refuse(pool: Pool, person: str, case: str, why: Refusal) -> None:
    """Not this one: it goes back to its old place and to the next teller; this teller is free for others."""
    row, held = _holding(pool, person, case)
    if row["state"] != TellerState.OFFERED:
        raise NotNow("transition")
    pool.move_case(held, CaseEvent.REFUSED, person=person, reason=why, teller="", refused=resting(pool, held, person))
    pool.move_teller(row, TellerEvent.DECLINED)
    pool.match()


def connected_by_desk(pool: Pool, person: str, case: str) -> None:
    """Both see and hear each other, as the desk says it (the terminal may say so, too)."""
    _, held = _holding(pool, person, case)
    until = pool.after(pool.rules.limits.talk_most_s)
    pool.move_case(held, CaseEvent.CONNECTED, person=person, talk_at=held["talk_at"] or pool.now, deadline=until)


def transfer(pool: Pool, person: str, case: str, need: Need, note: str) -> None:
    """Somebody with another skill is needed: back in line at the old place, with a note for who comes next."""
    row, held = _holding(pool, person, case)
    wanted: dict[str, Any] = {
        "service": need.service, "language": need.language, "dialect": need.dialect, "sign": need.sign,
        "calm": need.calm, "licence": need.licence or need.service in pool.rules.licence_for,
    }  # fmt: skip
    pool.move_case(
        held, CaseEvent.TRANSFERRED, person=person, teller="", note=note.strip()[:MAX_NOTE],
        refused=resting(pool, held, person), talk_s=_talked(pool, held), **wanted,
    )  # fmt: skip
    _freed(pool, row)
    pool.match()


def hang_up(pool: Pool, person: str, case: str) -> None:
    """The talk is over; the account is to be written."""
    _, held = _holding(pool, person, case)
    release(pool, held, CaseEvent.HUNG_UP, person=person)


def file(pool: Pool, person: str, case: str, code: WrapCode, summary: str) -> None:
    """The account is written: the teller is free, or has the break that was wanted."""
    row, held = _holding(pool, person, case)
    pool.move_case(held, CaseEvent.FILED, person=person, reason=code, wrap_code=code, summary=summary[:MAX_SUMMARY])
    _after_work(pool, row)
    pool.match()


def assign(pool: Pool, supervisor: str, case: str, person: str) -> None:
    """A supervisor gives a case that waits, or is offered to somebody else, to a free teller who can serve it."""
    held, row = pool.case(case), pool.teller(person)
    if held["state"] == CaseState.OFFERED and held["teller"] != person:
        before = pool.teller(held["teller"])
        held = pool.move_case(held, CaseEvent.OFFER_LAPSED, person=supervisor, reason="supervisor", teller="")
        pool.move_teller(before, TellerEvent.DECLINED)
    if held["state"] != CaseState.WAITING or row["state"] != TellerState.READY:
        raise NotNow("transition")
    free, waiting = free_of(row), waiting_of({**held, "refused": {}}, pool.rules)
    on_duty = [free_of(one) for one in duty(pool.db, pool.rules, pool.now)]
    if not could(free, waiting, pool.now):
        raise NotNow("cannot")
    told = terms(waiting, free, pool.rules, pool.now, rarity(on_duty or [free]))
    pool.offer(held, row, Decision(case, person, "assigned", told), supervisor)
    pool.match()


# --- what follows for whoever held a case -------------------------------------------------------


def release(pool: Pool, case: Row, event: CaseEvent, *, person: str = "", reason: str = "") -> None:
    """A talk ends: the account follows, within its time."""
    until = pool.after(pool.rules.limits.after_work_s)
    pool.move_case(case, event, person=person, reason=reason, deadline=until, talk_s=_talked(pool, case))
    pool.move_teller(pool.teller(case["teller"]), TellerEvent.RELEASED, deadline=until)


def unhand(pool: Pool, case: Row) -> None:
    """Whoever was offered the case, or was connecting, is free: it is over without them."""
    if not case["teller"]:
        return
    row = pool.teller(case["teller"])
    if row["video_case"] != case["video_case"]:
        return
    if row["state"] == TellerState.OFFERED:
        pool.move_teller(row, TellerEvent.DECLINED)
    elif row["state"] == TellerState.BUSY:
        _freed(pool, row)


def lose(pool: Pool, row: Row, why: str) -> None:
    """A teller is not heard any more, or signed off: what was held goes on without this one, or waits for a moment."""
    case = pool.case(row["video_case"]) if row["video_case"] else None
    match TellerState(row["state"]), case:
        case TellerState.OFFERED, dict():
            pool.move_case(case, CaseEvent.TELLER_LOST, reason=why, teller="")
        case TellerState.AFTER_WORK, dict():
            pool.move_case(case, CaseEvent.FILED, reason="not_filed", wrap_code="not_filed")
        case TellerState.BUSY, dict() if case["state"] == CaseState.CONNECTING:
            pool.move_case(case, CaseEvent.TELLER_LOST, reason=why, teller="")
        case TellerState.BUSY, dict() if case["state"] == CaseState.TALKING:
            until = pool.after(pool.rules.limits.reconnect_s)
            pool.move_case(case, CaseEvent.DROPPED, reason="teller", deadline=until)
            return  # still theirs: a desk that comes back goes on
        case TellerState.BUSY, dict():
            return  # it pauses already; its deadline decides
    pool.move_teller(row, TellerEvent.LOST)


def resting(pool: Pool, case: Row, person: str) -> dict[str, str]:
    """Who refused a case, and until when that counts; what is over is left out."""
    kept = {name: until for name, until in case["refused"].items() if until > pool.now.isoformat()}
    until = pool.now + timedelta(seconds=pool.rules.limits.refused_rest_s)
    return {**kept, person: until.isoformat()}


def free_again(pool: Pool, person: str) -> None:
    """The case went on without this teller."""
    _freed(pool, pool.teller(person))


def _freed(pool: Pool, row: Row) -> None:
    after = pool.move_teller(row, TellerEvent.FREED)
    if row["then_break"]:
        pool.move_teller(after, TellerEvent.RESTED, then_break=False)


def _after_work(pool: Pool, row: Row) -> None:
    event = TellerEvent.RESTED if row["then_break"] else TellerEvent.READIED
    pool.move_teller(row, event, then_break=False)


def written_off(pool: Pool, case: Row) -> None:
    """The time for the account is over: it is filed as it is."""
    pool.move_case(case, CaseEvent.FILED, reason="not_filed", wrap_code="not_filed")
    row = pool.teller(case["teller"])
    if row["state"] == TellerState.AFTER_WORK and row["video_case"] == case["video_case"]:
        _after_work(pool, row)


def _talked(pool: Pool, case: Row) -> int:
    return max(0, int((pool.now - case["talk_at"]).total_seconds())) if case["talk_at"] else 0


def _present(pool: Pool, person: str) -> Row:
    """The teller, heard just now."""
    row = pool.teller(person)
    pool.db.execute(_SEEN, {"k_person": person, "at": pool.now})
    return {**row, "seen": pool.now}


def _holding(pool: Pool, person: str, case: str) -> tuple[Row, Row]:
    """The teller and the case that this teller holds. Raises `NotNow`: it is not, or no more, theirs."""
    row = _present(pool, person)
    if row["video_case"] != case:
        raise NotNow("foreign")
    return row, pool.case(case)
