"""Every message on the wire, as typed structures; JSON, schema version in each.

No visitor's words, but for `Handover`: it is for the person who comes to help, and is forgotten soon after; and
`CaseHeard` (`contracts/call_help.py`), for the teller in a call, and what visitors gave for keeping
(`contracts/opinions.py`).

A field that could carry free text is bound to a narrow pattern, so that a name, a number or a
sentence of a visitor cannot travel in it by accident. Unknown fields are ignored by the reader
(a newer sender may add some); wrong types are refused. Times on the wire are UTC; `mono_ns` is the
sender's monotonic clock, only good for differences within one start of the sender.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from contracts.appointments import MOST as MOST_APPOINTMENTS
from contracts.handover import HandoverPacket
from contracts.queueing import Lane, Priority
from contracts.shadow import (
    REASONS_LIMIT,
    SETTINGS_LIMIT,
    Setting,
    SettingName,
    SettingValue,
    ShadowReason,
    ShadowState,
)
from contracts.tickets import TicketState

SCHEMA: Final = 1
NAME_PATTERN: Final = r"^[a-z0-9-]{1,40}$"

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
"""A branch or a device: no dots, no slashes, so that it can be a subject in other engines."""
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,40}$")]
"""An identifier of ours: intent, service, outcome. Never a visitor's word."""
Counted = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
"""What is counted, 'part.name'; names are ours."""
TALLIES_LIMIT: Final = 80
MOST_TROUBLES: Final = 12
TargetId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.:-]{1,60}$")]
VisitId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$")]
"""Random, new for each visit; says nothing about who the visitor is."""
TicketNumber = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][0-9](0[1-9]|[1-9][0-9]{1,3})$")]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
"""The business day in the branch's own time zone."""
Utc = Annotated[datetime, msgspec.Meta(tz=True)]
Language = Literal["zh", "en"]
MAX_INTEGER: Final = 2**53  # what every JSON reader and every database takes
Sequence = Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]
Tally = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=600_000)]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope that every message carries."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]  # unique, random
    at: Utc
    mono_ns: int
    v: int = SCHEMA


class Numbered(Message, frozen=True, kw_only=True):
    """A message from the outbox: kept and resent until the hub has acknowledged its number.

    `log` names the outbox that counts (a new disk begins a new log at 1). `follows` is the number
    of the message kept before this one; numbers between the two were dropped by policy. The hub may
    apply this message once everything up to `follows` was applied.
    """

    log: VisitId
    seq: Sequence
    follows: Tally


# --- the visit's moments ------------------------------------------------------------------------


class VisitStarted(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="visit_started"):
    """Somebody came: the camera saw them, or they touched the screen."""

    visit: VisitId
    noticed_by: Literal["camera", "touch", "voice"]


class Greeted(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="greeted"):
    """The receptionist's greeting began."""

    visit: VisitId
    language: Language


class LatencyParts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of one answer went, in milliseconds from the end of the visitor's speech."""

    endpoint: Milliseconds
    recognise: Milliseconds
    understand: Milliseconds
    answer: Milliseconds
    first_sample: Milliseconds
    total: Milliseconds


class Understood(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="understood"):
    """One turn was understood as `intent`. `latency_ms` is absent where the visitor touched instead."""

    visit: VisitId
    turn: Annotated[int, msgspec.Meta(ge=0, le=10_000)]
    intent: Code
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]
    decision: Literal["act", "ask", "unsure"]
    language: Language
    latency_ms: LatencyParts | None = None


class Touched(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="touched"):
    """A target on the screen was pressed."""

    visit: VisitId
    target: TargetId


class TicketTaken(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ticket_taken"):
    """The visit led to a ticket. The ticket itself travels as an operation."""

    visit: VisitId
    number: TicketNumber
    service: Code


class OpinionGiven(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="opinion_given"):
    """One touch on the five faces: 1 (poor) to 5 (very good)."""

    visit: VisitId
    score: Annotated[int, msgspec.Meta(ge=1, le=5)]


class StaffCalled(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="staff_called"):
    """Somebody of the branch is asked to come to this terminal. `reason`: the wish that led to it."""

    visit: VisitId
    reason: Code


class FaceChecked(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="face_checked"):
    """A face that was consented to was compared; nothing of it stays. `none`: it did not come to that."""

    visit: VisitId
    face: Literal["same", "other", "unsure", "none"]
    liveness: Literal["live", "spoof", "unclear", "none"]
    tries: Annotated[int, msgspec.Meta(ge=0, le=20)]


class VisitEnded(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="visit_ended"):
    """The visitor left or was done, and was forgotten."""

    visit: VisitId
    outcome: Literal["answered", "ticket", "handed_over", "cancelled", "left", "unknown"]
    duration_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)]
    turns: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0


DeviceKind = Literal["microphone", "camera", "speaker", "printer", "screen", "card_reader"]


class DeviceMissing(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="device_missing"):
    """A device that should be there is not; the terminal works on with the rest."""

    device: DeviceKind
    reason: Code


class DeviceFound(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="device_found"):
    """A device works (again)."""

    device: DeviceKind


class SelfTested(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="self_tested"):
    """The opening self-test of the day: what would make tickets fail, by codes; none: ready."""

    day: Day
    failed: Annotated[tuple[Code, ...], msgspec.Meta(max_length=20)]


Moment: TypeAlias = (
    VisitStarted
    | Greeted
    | Understood
    | Touched
    | TicketTaken
    | OpinionGiven
    | StaffCalled
    | FaceChecked
    | VisitEnded
    | DeviceMissing
    | DeviceFound
    | SelfTested
)


class Event(Numbered, frozen=True, kw_only=True):
    """One moment of a visit or of a device."""

    body: Moment


# --- whoever takes over --------------------------------------------------------------------------


class Handover(Numbered, frozen=True, kw_only=True):
    """What the person needs who takes a visitor over. The terminal drops it when it is old before it could be sent;
    the hub keeps it for those who serve visitors, and deletes it after `HANDOVER_KEPT_S`."""

    body: HandoverPacket


HANDOVER_UNSENT_S: Final = 3_600  # on the terminal: later nobody waits any more
HANDOVER_KEPT_S: Final = 8 * 3_600  # on the hub: a working day


# --- tickets ------------------------------------------------------------------------------------


class ClockReading(msgspec.Struct, frozen=True, kw_only=True):
    """The sender's clock against the hub's: add `offset_ms` to `at`, and it is true within `within_ms`.

    Measured at the last contact; `within_ms` has grown since by what a quartz may drift.
    """

    offset_ms: Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
    within_ms: Tally


class DayNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of some day."""

    day: Day
    number: TicketNumber


PromisedMinutes = Annotated[int, msgspec.Meta(ge=0, le=1_440)]


class TicketIssued(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ticket_issued"):
    """The kiosk took a number and owes it to the hub."""

    number: TicketNumber
    day: Day
    service: Code
    visit: VisitId
    language: Language
    priority: Priority = Priority.NONE
    due: Utc | None = None  # of the appointment, on the hub's clock
    appointment: Code | None = None  # its `ref` in the branch's list: the first ticket of one keeps its head start
    instead_of: DayNumber | None = None  # `carried`: the ticket that was not served by closing
    clock: ClockReading | None = None  # absent: this terminal has never been in contact with a hub
    zone_min: Annotated[int, msgspec.Meta(ge=-720, le=840)] | None = None  # minutes that local time is ahead of UTC
    promised_min: tuple[PromisedMinutes, PromisedMinutes] | None = None  # what stands on the paper: half, nine of ten


class TicketGivenBack(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ticket_given_back"):
    """The visitor does not want the number any more."""

    number: TicketNumber
    day: Day


StaffEvent = Literal["called", "recalled", "serving_began", "parked", "requeued", "transferred", "missed", "finished"]
Counter = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{0,20}$")]


class TicketHandled(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ticket_handled"):
    """Staff did something with a ticket at a terminal that could not reach the hub; merged when it can.

    `service` and `lane`: where a transferred ticket waits next, when that changes.
    """

    number: TicketNumber
    day: Day
    event: StaffEvent
    counter: Counter = ""
    service: Code | None = None
    lane: Lane | None = None
    clock: ClockReading | None = None


class TicketPrioritised(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ticket_prioritised"):
    """The visitor said, after taking the ticket, why they should not wait long. Nothing says who they are."""

    number: TicketNumber
    day: Day
    priority: Priority


class DayClosed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="day_closed"):
    """An hour after closing: who still waits was told, and is settled. The first terminal to say so settles all."""

    day: Day


DayMoment: TypeAlias = SelfTested | DayClosed
TicketOperation: TypeAlias = TicketIssued | TicketGivenBack | TicketHandled | TicketPrioritised | DayClosed


class TicketOp(Numbered, frozen=True, kw_only=True):
    """One operation on a ticket, from the kiosk's outbox."""

    body: TicketOperation


class LiveTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as this terminal knows it. `at`, `seq`: of its issue; `through`: its last operation's number."""

    seq: Sequence
    through: Sequence
    at: Utc
    state: TicketState
    issued: TicketIssued
    counter: Counter = ""
    service: Code | None = None  # where it waits now, when that is not the one it was issued for
    lane: Lane = Lane.COUNTER
    rejoins: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    priority: Priority = Priority.NONE


class KioskQueue(Message, frozen=True, kw_only=True):
    """What the hub may not know yet, ahead of the backlog: this terminal's tickets of today with something owed.

    The operations themselves follow, numbered; those up to `through` of a ticket are in its `state` already.
    `owed` counts all tickets with something owed; `tickets` holds the latest up to the size bound.
    """

    log: VisitId
    day: Day
    tickets: tuple[LiveTicket, ...]
    owed: Tally


Minutes = Annotated[int, msgspec.Meta(ge=0, le=1_440)]
WaitMinutes = tuple[Minutes, Minutes]
"""A wait from now on: half of all people wait no longer than the first, nine of ten no longer than the second."""
Offer = Literal["self_service", "video", "later"]
"""What a branch proposes instead of a counter while its line is long."""


class TicketLine(msgspec.Struct, frozen=True, kw_only=True):
    """One open ticket. `ahead` counts those who wait before it for the same service; no `wait_min`: nobody can say."""

    number: TicketNumber
    service: Code
    state: TicketState
    ahead: Tally = 0
    counter: str = ""
    lane: Lane = Lane.COUNTER
    priority: Priority = Priority.NONE
    wait_min: WaitMinutes | None = None


class ServiceQueue(msgspec.Struct, frozen=True, kw_only=True):
    """How one service stands.

    `foreseen`: the hub looked ahead; `wait_min` is then a newcomer's, and None says that it cannot be said yet.
    `delayed`: those in line wait longer than they were told. `offers`: what is proposed instead, `later_at` when.
    """

    service: Code
    waiting: Tally
    last_called: str = ""
    foreseen: bool = False
    wait_min: WaitMinutes | None = None
    delayed: bool = False
    offers: tuple[Offer, ...] = ()
    later_at: Utc | None = None


class TicketsState(Message, frozen=True, kw_only=True):
    """The branch's queue, whole. Replaces the one before it when `revision` is higher.

    `store` names the hub's database: revisions of another store are not comparable. `issued` is the
    highest running number by letter and kiosk digit, so that a kiosk with a new disk does not give
    numbers twice. `open_tickets` counts all; `tickets` holds the first of them up to the size bound.
    `arrived`: the appointments of the day that have given a ticket at any terminal, and that ticket.
    """

    branch: Name
    store: VisitId
    revision: Tally
    day: Day
    services: tuple[ServiceQueue, ...]
    tickets: tuple[TicketLine, ...]
    open_tickets: Tally
    issued: dict[str, int]
    arrived: Annotated[dict[Code, TicketNumber], msgspec.Meta(max_length=MOST_APPOINTMENTS)] = {}


class NumberCalled(Message, frozen=True, kw_only=True):
    """A number was called to a counter. The board and one loudspeaker of the branch show and say it.

    `show_at` is after the announcement before it has had its time: nobody's number is overwritten or talked
    over. Who receives it late (`show_at` + `show_ms` is over) says nothing. `order` grows by one each in a branch's
    store; the words are made of the number and the counter by `contracts.announcements`.
    """

    branch: Name
    order: Sequence
    day: Day
    number: TicketNumber
    counter: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{0,20}$")]
    again: bool
    show_at: Utc
    show_ms: Annotated[int, msgspec.Meta(ge=1_000, le=60_000)]


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """One appointment. `code` and `tail` (the end of a document's number, or '') are hashes under the list's salt,
    made by `contracts.appointments`."""

    ref: Code
    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    tail: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?$")] = ""
    service: Code
    due: Utc


class Appointments(Message, frozen=True, kw_only=True):
    """The branch's appointments of today and the next days, whole. Replaces the list before when `revision` is higher.

    With it a terminal without a network knows who comes; no name and no number of anybody is in it.
    """

    branch: Name
    revision: Tally
    salt: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    appointments: Annotated[tuple[Appointment, ...], msgspec.Meta(max_length=MOST_APPOINTMENTS)]


# --- the link itself ----------------------------------------------------------------------------


class Ack(Message, frozen=True, kw_only=True):
    """Everything of `log` up to and including `applied` is in the hub's database."""

    log: VisitId
    applied: Tally


class Availability(Message, frozen=True, kw_only=True):
    """Retained; the broker publishes the offline one when the device vanishes (last will)."""

    online: bool
    since: Utc
    versions: dict[str, str]


class HubPresence(Message, frozen=True, kw_only=True):
    """Retained, and the hub's last will: whether somebody is there to acknowledge."""

    online: bool
    since: Utc
    version: str


class ModelTiming(msgspec.Struct, frozen=True, kw_only=True):
    """How long one model takes, over the last calls: milliseconds."""

    calls: Tally
    p50_ms: Milliseconds
    p95_ms: Milliseconds


class Telemetry(Message, frozen=True, kw_only=True):
    """How the terminal is, twice a minute. Not kept: the next one replaces it."""

    uptime_s: Annotated[float, msgspec.Meta(ge=0)]
    pending: Tally  # messages the outbox still owes
    dropped: Tally  # messages the outbox dropped by policy, ever
    free_disk_bytes: Tally
    rss_bytes: Tally = 0
    cpu_share: Annotated[float, msgspec.Meta(ge=0, le=64)] = 0.0  # of one core
    frame_p95_ms: Annotated[float, msgspec.Meta(ge=0)] | None = None  # None: no screen says so
    missing: tuple[DeviceKind, ...] = ()
    troubles: Annotated[tuple[Counted, ...], msgspec.Meta(max_length=MOST_TROUBLES)] = ()  # 'device.reason'
    # what was counted since the start, 'part.name': how sounds and utterances ended, devices, the staff's page
    hearing: Annotated[dict[Counted, Tally], msgspec.Meta(max_length=TALLIES_LIMIT)] = {}
    temperature_c: Annotated[float, msgspec.Meta(ge=-60, le=200)] | None = None  # None: no sensor
    waiting: Tally | None = None  # people in the branch's queue as this terminal knows it; None: it does not
    clock: ClockReading | None = None
    models: dict[Code, ModelTiming] = {}  # msgspec copies an empty default
    versions: dict[Code, str] = {}


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One kept look at the terminal, as a JSON array: compact. UTC seconds, then as in `Telemetry`."""

    at_s: Tally
    pending: Tally
    free_disk_bytes: Tally
    rss_bytes: Tally
    cpu_share: float
    temperature_c: float | None
    waiting: Tally | None
    missing: tuple[DeviceKind, ...] = ()


class TelemetryBatch(Message, frozen=True, kw_only=True):
    """What could not be told while the hub was away: latest first, thinned with age. Each is kept once by its time."""

    samples: Annotated[tuple[Sample, ...], msgspec.Meta(max_length=120)]
    thinned: Tally  # samples that the terminal let go, ever


# --- the shadow of the configuration --------------------------------------------------------------


class ShadowDesired(Message, frozen=True, kw_only=True):
    """What the hub wants one terminal to be set to, whole: a setting that is missing is the local file's again.

    The terminal takes it when it is addressed to it and `version` is higher than any it decided on, all of it or none.
    """

    branch: Name
    device: Name
    version: Sequence
    settings: Annotated[dict[SettingName, SettingValue], msgspec.Meta(max_length=SETTINGS_LIMIT)]


class ShadowReported(Message, frozen=True, kw_only=True):
    """What a terminal is set to. Said after every connection and every change; replaces the one before.

    `version`: the newest that was decided on, and `state` what was decided; `in_force`: the version that it works by
    (0: its own file alone). `on_trial`: in force, watched, and rolled back by itself if the terminal gets worse.
    `waits`: settings that are in force after the next start. `hash`: SHA-256 over the values of `settings`, by
    `config.remote.digest`. `refused` counts what came and was not taken, by code, since `since`, the start.
    """

    since: Utc
    version: Tally
    in_force: Tally
    state: ShadowState
    hash: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    settings: Annotated[dict[SettingName, Setting], msgspec.Meta(max_length=SETTINGS_LIMIT)]
    on_trial: bool = False
    waits: Annotated[tuple[SettingName, ...], msgspec.Meta(max_length=SETTINGS_LIMIT)] = ()
    reasons: Annotated[tuple[ShadowReason, ...], msgspec.Meta(max_length=REASONS_LIMIT)] = ()
    refused: Annotated[dict[Code, Tally], msgspec.Meta(max_length=REASONS_LIMIT)] = {}
