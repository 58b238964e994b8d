"""Who may do what, and where: the one place that decides. What is not written here nobody may do.

A right is asked for together with a branch. People have roles in branches ('*': in all of them). Who has not
signed in is the visitor's page: it shows the lobby's board and the ticket whose address one holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from contracts.messages import NAME_PATTERN

EVERYWHERE: Final = "*"


class Right(StrEnum):
    """One thing that somebody may do in a branch."""

    SIGN_IN = "sign_in"
    SEE_TICKET = "see_ticket"  # one ticket whose address one holds; and give it back
    SEE_BOARD = "see_board"
    BE_SIGNED_IN = "be_signed_in"
    SERVE = "serve"  # call, recall, serve, park, transfer, finish
    TALK = "talk"  # be a teller on video: be offered visitors, read their hand-over, talk, write the account
    SUPERVISE = "supervise"  # see who waits for a teller and why who was chosen, and choose otherwise
    SECOND = "second"  # approve a risky step of somebody else's; never one's own
    SEE_OPINIONS = "see_opinions"  # what visitors thought, in figures and in their scrubbed words
    HANDLE_OPINIONS = "handle_opinions"  # close what a low score opened
    TEACH = "teach"  # decide on sentences that were not understood, and make a pack of them
    SEE_FLOOR = "see_floor"
    SEE_REGION = "see_region"
    SEE_DEVICES = "see_devices"
    OFFER_KNOWLEDGE = "offer_knowledge"
    APPROVE_KNOWLEDGE = "approve_knowledge"
    PUBLISH_KNOWLEDGE = "publish_knowledge"
    READ_RECORD = "read_record"
    SEE_CONFIGURATION = "see_configuration"
    SET_CONFIGURATION = "set_configuration"
    ROLL_OUT = "roll_out"  # begin, approve, pause, abort roll-outs: everywhere or not at all
    JOIN_DEVICE = "join_device"  # claim a new terminal, revoke its certificate
    ORDER_DEVICE = "order_device"  # allow-listed commands, alarms' silence


class Role(StrEnum):
    """What somebody is in a branch."""

    VISITOR_PAGE = "visitor-page"
    CLERK = "clerk"
    TELLER = "teller"
    BRANCH_MANAGER = "branch-manager"
    FIELD_OPERATOR = "field-operator"
    AUDITOR = "auditor"


R = Right
_ANYBODY: Final = frozenset({R.SIGN_IN, R.SEE_TICKET, R.SEE_BOARD})
_STAFF: Final = _ANYBODY | {R.BE_SIGNED_IN}
RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    Role.VISITOR_PAGE: _ANYBODY,
    Role.CLERK: _STAFF | {R.SERVE},
    Role.TELLER: _STAFF | {R.SERVE, R.TALK},
    Role.BRANCH_MANAGER: _STAFF
    | {R.SERVE, R.SUPERVISE, R.SECOND, R.SEE_FLOOR, R.SEE_REGION, R.OFFER_KNOWLEDGE, R.APPROVE_KNOWLEDGE}
    | {R.SEE_CONFIGURATION, R.SEE_OPINIONS, R.HANDLE_OPINIONS, R.TEACH},
    Role.FIELD_OPERATOR: _STAFF
    | {R.SEE_FLOOR, R.SEE_DEVICES, R.SEE_REGION, R.OFFER_KNOWLEDGE, R.PUBLISH_KNOWLEDGE}
    | {R.SEE_CONFIGURATION, R.SET_CONFIGURATION, R.ROLL_OUT, R.JOIN_DEVICE, R.ORDER_DEVICE},
    Role.AUDITOR: _STAFF | {R.SEE_FLOOR, R.SEE_REGION, R.READ_RECORD},
}
_NAME: Final = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One role in one branch, or everywhere."""

    role: Role
    branch: str

    def __str__(self) -> str:
        return f"{self.role}:{self.branch}"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. `csrf` and `session` are empty where nobody signed in."""

    name: str
    grants: frozenset[Grant]
    session: str = field(default="", repr=False)
    csrf: str = field(default="", repr=False)

    @property
    def is_signed_in(self) -> bool:
        return bool(self.name)


VISITOR: Final = Person("", frozenset({Grant(Role.VISITOR_PAGE, EVERYWHERE)}))
OPERATOR: Final = Person("local", frozenset(Grant(role, EVERYWHERE) for role in Role))
"""Whoever sits at this machine, where the hub was started without signing in (loopback only)."""


class Refused(PermissionError):
    """This person has not this right there."""

    def __init__(self, right: Right, branch: str) -> None:
        super().__init__(f"{right} in {branch or 'any branch'}")
        self.right, self.branch = right, branch


def may(person: Person, right: Right, branch: str | None = None) -> bool:
    """Whether `person` has `right` in `branch`; None asks whether there is any branch at all."""
    return any(
        right in RIGHTS[grant.role] and (branch is None or grant.branch in (EVERYWHERE, branch))
        for grant in person.grants
    )


def require(person: Person, right: Right, branch: str | None = None) -> None:
    """Raises `Refused` where `may` says no."""
    if not may(person, right, branch):
        raise Refused(right, branch or "")


def where(person: Person, right: Right, branches: Iterable[str]) -> list[str]:
    """Those of `branches` in which the person has the right."""
    return [branch for branch in branches if may(person, right, branch)]


def read_grant(text: str) -> Grant:
    """'clerk:binjiang' or 'auditor:*'. Raises ValueError that names what is wrong."""
    role, _, branch = text.partition(":")
    if role not in {one.value for one in Role}:
        raise ValueError(f"{role[:40]!r} is not a role; roles: {', '.join(Role)}")
    if branch != EVERYWHERE and not _NAME.match(branch):
        raise ValueError(f"{branch[:40]!r} is not a branch ([a-z0-9-]) and not '*'")
    return Grant(Role(role), branch)
