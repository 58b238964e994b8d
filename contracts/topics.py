"""The wire in one table: who says what, where, how reliably and how large. The only place with topics.

Subscriptions, access rules, docs/wire.md and tests are made from `CONTRACT`. Nothing here needs more
than MQTT 3.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from contracts import call as c
from contracts import call_help as h
from contracts import fleet as f
from contracts import messages as m
from contracts import opinions as o
from contracts import rollout as r
from contracts import together as t
from contracts import video_messages as v

M = TypeVar("M", bound=m.Message)
Sender = Literal["hub", "kiosk"]

ROOT: Final = "yb/v1/{branch}/{device}"
HUB_USER: Final = "hub"  # of the hub's workers, as their certificates say
RESERVED: Final = frozenset({"all", "hub"})  # levels of ours: no branch and no device is called so
_NAME: Final = re.compile(m.NAME_PATTERN)
_ENCODER: Final = msgspec.json.Encoder()


class WireError(ValueError):
    """Bytes that are not the message their topic promises. `code` is stable; no content is quoted."""

    def __init__(self, code: Literal["topic", "size", "json", "type", "version", "name"], where: str) -> None:
        super().__init__(f"{code} at {where}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Address:
    """Whose message it is. `device` is empty for what concerns the whole branch, both for all."""

    branch: str
    device: str


@dataclass(frozen=True, slots=True)
class Topic(Generic[M]):
    """One row of the wire contract."""

    key: str
    path: str
    message: type[M]
    sender: Sender
    limit_bytes: int
    meaning: str
    qos: Literal[0, 1] = 1
    retain: bool = False  # state is retained; an event never is
    joining: bool = False  # for those who have no certificate yet, on a listener of their own
    kiosk_end: Literal["core", "updater"] = "core"  # which of the terminal's processes speaks or listens
    hub_end: Literal["workers", "releases"] = "workers"  # which of the hub's

    def at(self, branch: str = "", device: str = "") -> str:
        """The topic of one device. Raises WireError for a name that is not `[a-z0-9-]+` or is reserved."""
        for level, name in (("{branch}", branch), ("{device}", device)):
            if level in self.path:
                check_name(name)
        return self.path.format(branch=branch, device=device)

    @property
    def everywhere(self) -> str:
        """The subscription that matches this row for every branch and device."""
        return self.path.format(branch="+", device="+")

    def address(self, topic: str) -> Address | None:
        """Whose topic it is, or None when it is not of this row."""
        pattern, levels = self.path.split("/"), topic.split("/")
        if len(pattern) != len(levels):
            return None
        found = {"{branch}": "", "{device}": ""}
        for expected, level in zip(pattern, levels, strict=True):
            if expected in found:
                if level in RESERVED or not _NAME.match(level):
                    return None
                found[expected] = level
            elif expected != level:
                return None
        return Address(branch=found["{branch}"], device=found["{device}"])

    def encode(self, message: M) -> bytes:
        """Bytes for the wire. Raises WireError over the row's size bound."""
        payload = _ENCODER.encode(message)
        if len(payload) > self.limit_bytes:
            raise WireError("size", self.key)
        return payload

    def decode(self, payload: bytes) -> M:
        """The message. Raises WireError: too large, not JSON, wrong type, or a version not known here."""
        if len(payload) > self.limit_bytes:
            raise WireError("size", self.key)
        try:
            message: M = _decoder(self.message).decode(payload)
        except msgspec.ValidationError as err:
            raise WireError("version" if version_of(payload) > m.SCHEMA else "type", self.key) from err
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise WireError("json", self.key) from err
        if message.v != m.SCHEMA:
            raise WireError("version", self.key)
        return message


class BodyTopic(Topic[M]):
    """A row whose message has a field `body` of bytes, which follow the JSON as they are: base64 would cost a third.

    Four bytes say how long the JSON is.
    """

    def encode(self, message: M) -> bytes:
        body: bytes = message.body  # type: ignore[attr-defined]
        head = _ENCODER.encode(msgspec.structs.replace(message, body=b""))
        payload = len(head).to_bytes(4, "big") + head + body
        if len(payload) > self.limit_bytes:
            raise WireError("size", self.key)
        return payload

    def decode(self, payload: bytes) -> M:
        if len(payload) > self.limit_bytes:
            raise WireError("size", self.key)
        end = 4 + int.from_bytes(payload[:4], "big")
        if len(payload) < 4 or end > len(payload):
            raise WireError("json", self.key)
        head = super().decode(payload[4:end])  # named: slots make `super()` lose its class
        return msgspec.structs.replace(head, body=payload[end:])


class _Version(msgspec.Struct):
    v: int = m.SCHEMA


# Made below for the whole contract, while only one thread is there: two threads that are the first to decode a
# type at once crash the interpreter (msgspec 0.22).
_DECODERS: Final[dict[type[Any], msgspec.json.Decoder[Any]]] = {_Version: msgspec.json.Decoder(_Version)}


def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    found = _DECODERS.get(kind)
    if found is None:
        found = _DECODERS[kind] = msgspec.json.Decoder(kind)
    return found


def version_of(payload: bytes) -> int:
    """The schema version that a payload declares; the present one when it declares none that can be read."""
    try:
        return int(_decoder(_Version).decode(payload).v)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return m.SCHEMA


def check_name(name: str) -> str:
    """`name`, when it may be a branch or a device. Raises WireError otherwise."""
    if name in RESERVED or not _NAME.match(name):
        raise WireError("name", "branch or device")
    return name


AVAILABILITY: Final = Topic(
    "availability", f"{ROOT}/availability", m.Availability, "kiosk", 2_048,
    "online or offline, since when, which versions; also the last will", retain=True,
)  # fmt: skip
TELEMETRY: Final = Topic(
    "telemetry", f"{ROOT}/telemetry", m.Telemetry, "kiosk", 8_192, "how the terminal is, every 30 s", qos=0,
)  # fmt: skip
EVENTS: Final = Topic(
    "events", f"{ROOT}/events", m.Event, "kiosk", 4_096, "the visit's moments, numbered, applied once",
)  # fmt: skip
TICKETS_OP: Final = Topic(
    "tickets/op", f"{ROOT}/tickets/op", m.TicketOp, "kiosk", 2_048, "ticket operations, numbered, applied once",
)  # fmt: skip
HANDOVER: Final = Topic(
    "handover", f"{ROOT}/handover", m.Handover, "kiosk", 20 * 1024,
    "what the person needs who takes a visitor over: numbered, applied once, deleted after a working day",
)  # fmt: skip
KIOSK_QUEUE: Final = Topic(
    "tickets/live", f"{ROOT}/tickets/live", m.KioskQueue, "kiosk", 64 * 1024,
    "the terminal's tickets that the hub may not know, ahead of the backlog",
)  # fmt: skip
CASE_OP: Final = Topic(
    "call/op", f"{ROOT}/call/op", v.CaseOp, "kiosk", 4_096,
    "a teller on video is asked for, left, or put off: numbered, applied once",
)  # fmt: skip
CASE_HERE: Final = Topic(
    "call/here", f"{ROOT}/call/here", v.CaseHere, "kiosk", 1_024, "the visitor still waits for a teller, or talks",
)  # fmt: skip
CASE_HEARD: Final = Topic(
    "call/heard", f"{ROOT}/call/heard", h.CaseHeard, "kiosk", 16 * 1024,
    "what the visitor says to the teller, masked, with feeling, risk and approved answers: deleted with the case",
)  # fmt: skip
CASE_STANDING: Final = Topic(
    "call/standing", f"{ROOT}/call/standing", v.CaseStanding, "hub", 2_048,
    "where this terminal's visitor stands: place, estimate, choices, with a teller", retain=True,
)  # fmt: skip
TELEMETRY_BATCH: Final = Topic(
    "telemetry/batch", f"{ROOT}/telemetry/batch", m.TelemetryBatch, "kiosk", 16 * 1024,
    "how the terminal was while the hub was away, latest first",
)  # fmt: skip
SHADOW_REPORTED: Final = Topic(
    "shadow/reported", f"{ROOT}/shadow/reported", m.ShadowReported, "kiosk", 16 * 1024,
    "what the terminal is set to, which version it took or why not", retain=True,
)  # fmt: skip
SHADOW_DESIRED: Final = Topic(
    "shadow/desired", f"{ROOT}/shadow/desired", m.ShadowDesired, "hub", 8 * 1024,
    "what the terminal should be set to; sent again to one that reports an older version", retain=True,
)  # fmt: skip
CALL_UP: Final = Topic(
    "call/up", f"{ROOT}/call/up", c.CallUp, "kiosk", c.MESSAGE_BYTES,
    "the terminal's side of a call's signalling: answers, how the media is, hang-up",
)  # fmt: skip
CALL_DOWN: Final = Topic(
    "call/down", f"{ROOT}/call/down", c.CallDown, "hub", c.MESSAGE_BYTES,
    "the teller's side of a call's signalling: offers, candidates, hang-up",
)  # fmt: skip
TOGETHER_STANDS: Final = Topic(
    "together/stands", f"{ROOT}/together/stands", t.TogetherStands, "kiosk", t.STANDS_BYTES,
    "what a visitor and the teller have in common: the page, the form without masked values, errands",
)  # fmt: skip
TOGETHER_ASKED: Final = Topic(
    "together/asked", f"{ROOT}/together/asked", t.TogetherAsked, "hub", t.ASKED_BYTES,
    "what the teller's desk asks of the terminal: a form, a field, a step, something to read, paper",
)  # fmt: skip
SIGNED: Final = Topic(
    "together/signed", f"{ROOT}/together/signed", t.DocumentSigned, "kiosk", t.SIGNED_BYTES,
    "a document that a visitor signed: numbered, applied once",
)  # fmt: skip
OPINION: Final = Topic(
    "opinion", f"{ROOT}/opinion", o.OpinionTold, "kiosk", 4_096,
    "an opinion was asked for, a recommendation, a scrubbed comment, a sentence given for learning: numbered",
)  # fmt: skip
RENEW_REQUEST: Final = Topic(
    "join/renew", f"{ROOT}/join/renew", f.RenewRequest, "kiosk", 6 * 1024, "a new certificate before the old one ends",
)  # fmt: skip
RENEW_ANSWER: Final = Topic(
    "join/renewed", f"{ROOT}/join/renewed", f.RenewAnswer, "hub", 10 * 1024, "the new certificate",
)  # fmt: skip
COMMAND: Final = Topic(
    "cmd", f"{ROOT}/cmd", f.Command, "hub", 8 * 1024, "a signed order: for one terminal, until a moment, once",
)  # fmt: skip
COMMAND_REPLY: Final = Topic(
    "cmd/reply", f"{ROOT}/cmd/reply", f.CommandReply, "kiosk", 2_048, "what became of an order",
)  # fmt: skip
DIAG: Final = Topic(
    "diag/chunk", f"{ROOT}/diag/chunk", f.DiagChunk, "kiosk", 32 * 1024,
    "a part of what an order asked for: scrubbed logs, a masked picture",
)  # fmt: skip
JOIN_REQUEST: Final = Topic(
    "join/request", "yb/v1/all/join/{device}/request", f.JoinRequest, "kiosk", 6 * 1024,
    "a terminal without a certificate asks for one; `device` is its key's fingerprint", joining=True,
)  # fmt: skip
JOIN_ANSWER: Final = Topic(
    "join/answer", "yb/v1/all/join/{device}/answer", f.JoinAnswer, "hub", 12 * 1024,
    "its certificate, once an operator has claimed the code that it shows", joining=True,
)  # fmt: skip
ACK: Final = Topic(
    "ack", f"{ROOT}/ack", m.Ack, "hub", 1_024, "the highest number applied without a gap",
)  # fmt: skip
TICKETS_STATE: Final = Topic(
    "tickets/state", "yb/v1/{branch}/all/tickets/state", m.TicketsState, "hub", 128 * 1024,
    "the branch's queue, whole, with a revision", retain=True,
)  # fmt: skip
ANNOUNCEMENTS: Final = Topic(
    "announcements", "yb/v1/{branch}/all/announcements", m.NumberCalled, "hub", 1_024,
    "a number was called: when it is shown and said, one after the other",
)  # fmt: skip
APPOINTMENTS: Final = Topic(
    "appointments", "yb/v1/{branch}/all/appointments", m.Appointments, "hub", 64 * 1024,
    "the branch's appointments, whole, with a revision; codes as hashes", retain=True,
)  # fmt: skip
ROLLOUT_WANTED: Final = Topic(
    "rollout/wanted", f"{ROOT}/rollout/wanted", f.RolloutWanted, "hub", 1_024,
    "which release the terminal should run; sent again until it says that it knows", retain=True, kiosk_end="updater",
)  # fmt: skip
ROLLOUT_REPORT: Final = Topic(
    "rollout/report", f"{ROOT}/rollout/report", f.RolloutReport, "kiosk", 1_024,
    "which release it runs, and what came of the one that was wanted", retain=True, kiosk_end="updater",
)  # fmt: skip
ROLLOUT_WANT: Final = Topic(
    "rollout/want", f"{ROOT}/rollout/want", r.RolloutWant, "kiosk", 4_096,
    "the updater asks for metadata or chunks; again, where no answer comes", qos=0,
    kiosk_end="updater", hub_end="releases",
)  # fmt: skip
ROLLOUT_METADATA: Final = Topic(
    "rollout/metadata", f"{ROOT}/rollout/metadata", r.RolloutMetadata, "hub", 128 * 1024,
    "what is signed about a release", qos=0, kiosk_end="updater", hub_end="releases",
)  # fmt: skip
ROLLOUT_CHUNK: Final = BodyTopic(
    "rollout/chunk", f"{ROOT}/rollout/chunk", r.RolloutChunk, "hub", r.CHUNK_MESSAGE_BYTES,
    "a chunk of a release: four bytes of length, JSON, then the chunk as it is", qos=0,
    kiosk_end="updater", hub_end="releases",
)  # fmt: skip
HUB_PRESENCE: Final = Topic(
    "hub/presence", "yb/v1/all/hub/presence", m.HubPresence, "hub", 1_024,
    "whether the hub is there to acknowledge; also its last will", retain=True,
)  # fmt: skip

CONTRACT: Final[tuple[Topic[Any], ...]] = (
    AVAILABILITY, TELEMETRY, TELEMETRY_BATCH, EVENTS, TICKETS_OP, HANDOVER, KIOSK_QUEUE, CASE_OP, CASE_HERE,
    CASE_HEARD, CALL_UP, TOGETHER_STANDS, SIGNED, OPINION, SHADOW_REPORTED, SHADOW_DESIRED, ACK, TICKETS_STATE,
    ANNOUNCEMENTS,
    APPOINTMENTS, CASE_STANDING, CALL_DOWN, TOGETHER_ASKED, ROLLOUT_WANTED, ROLLOUT_REPORT, ROLLOUT_WANT,
    ROLLOUT_METADATA, ROLLOUT_CHUNK, RENEW_REQUEST, RENEW_ANSWER, COMMAND, COMMAND_REPLY, DIAG, JOIN_REQUEST,
    JOIN_ANSWER, HUB_PRESENCE,
)  # fmt: skip
for _row in CONTRACT:
    _decoder(_row.message)
BY_KEY: Final[dict[str, Topic[Any]]] = {row.key: row for row in CONTRACT}
MAX_MESSAGE_BYTES: Final = max(row.limit_bytes for row in CONTRACT)


def find(topic: str) -> tuple[Topic[Any], Address]:
    """The row and address of a topic that arrived. Raises WireError when it is none of ours."""
    for row in CONTRACT:
        address = row.address(topic)
        if address is not None:
            return row, address
    raise WireError("topic", "no row of the contract")


def hub_subscriptions() -> tuple[tuple[str, int], ...]:
    """What the hub's workers listen to: what kiosks send, with its quality of service."""
    return tuple((row.everywhere, row.qos) for row in CONTRACT if row.sender == "kiosk" and row.hub_end == "workers")


def release_subscriptions() -> tuple[tuple[str, int], ...]:
    """What whoever serves releases listens to."""
    return tuple((row.everywhere, row.qos) for row in CONTRACT if row.sender == "kiosk" and row.hub_end == "releases")


def hub_subjects() -> tuple[str, ...]:
    """The same as `hub_subscriptions`, as subjects of NATS."""
    return tuple(as_subject(topic) for topic, _ in hub_subscriptions())


def as_subject(topic: str) -> str:
    """A topic or subscription as NATS writes it: levels parted by dots, `*` for one level."""
    return topic.replace("/", ".").replace("+", "*")


def from_subject(subject: str) -> str:
    """The topic of a subject: names have no dots, so nothing is lost."""
    return subject.replace(".", "/")


def kiosk_subscriptions(branch: str, device: str) -> tuple[tuple[str, int], ...]:
    """What one kiosk's core listens to: only what the hub sends to it, its branch or everybody."""
    return tuple(
        (row.at(branch, device), row.qos)
        for row in CONTRACT
        if row.sender == "hub" and row.kiosk_end == "core" and not row.joining
    )


def updater_subscriptions(branch: str, device: str) -> tuple[tuple[str, int], ...]:
    """What one kiosk's updater listens to."""
    return tuple(
        (row.at(branch, device), row.qos) for row in CONTRACT if row.sender == "hub" and row.kiosk_end == "updater"
    )


def access_rules(branch: str, device: str) -> tuple[str, ...]:
    """Mosquitto's access lines for one device: it writes its own topics and reads the hub's."""
    return (
        f"user {check_name(device)}",
        *(f"topic write {row.at(branch, device)}" for row in CONTRACT if row.sender == "kiosk" and not row.joining),
        *(f"topic read {row.at(branch, device)}" for row in CONTRACT if row.sender == "hub" and not row.joining),
    )


def identity(branch: str, device: str) -> str:
    """Who a device is to the broker, as its certificate's common name says. Raises WireError for a bad name."""
    return f"{check_name(branch)}/{check_name(device)}"


def client_ids(branch: str, device: str) -> tuple[str, str]:
    """What a device's two processes are called as clients of the broker: the core and the updater."""
    return f"{branch}.{device}", f"{branch}.{device}.updater"


def fleet_rules(devices: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Mosquitto's access lines for a whole fleet whose users are `identity`, the hub `HUB_USER`, and the nameless.

    Every device has its own lines and there is no pattern: who is not in `devices` reads and writes nothing, whatever
    its certificate says.
    """
    rows = [row for row in CONTRACT if not row.joining]
    nameless = [row for row in CONTRACT if row.joining]
    lines = [f"topic {'write' if row.sender == 'kiosk' else 'read'} {row.everywhere}" for row in nameless]
    lines += [f"user {HUB_USER}"]
    lines += [f"topic {'read' if row.sender == 'kiosk' else 'readwrite'} {row.everywhere}" for row in CONTRACT]
    for branch, device in devices:
        lines.append(f"user {identity(branch, device)}")
        lines += [f"topic {'write' if row.sender == 'kiosk' else 'read'} {row.at(branch, device)}" for row in rows]
    return tuple(lines)
