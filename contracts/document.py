"""Writes docs/wire.md from the contract, so that what people read is what the processes agree on.

`python -m contracts.document` writes it; `--check` exits with 1 when the file differs.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import messages, topics, video
from contracts.tickets import LATE, TABLE

TARGET: Final = Path(__file__).parent.parent / "docs" / "wire.md"

ROOT_TOPIC: Final = "yb/" + "v1"  # in two parts, so that this file is not a stray itself
OWNERS: Final = ("topics.py",)

INTRODUCTION: Final = """\
# The wire

Made from `contracts/` by `python -m contracts.document` (`make docs`); do not edit.

Kiosks and the hub speak MQTT 3.1.1, JSON in every message. State is retained and replaceable. What must
not be lost is numbered by the kiosk's outbox, resent until the hub has acknowledged it, and applied
once by (device, log, seq); the broker's own acknowledgement counts for nothing. Unknown fields are
ignored, wrong types are refused, counted and logged without content. No message carries a visitor's
words, name or numbers, but for these: the hand-over (what was said, with long figures masked, for the person who
comes), a message that a visitor left for a teller, the captions of a call for the teller in it, and what stands in a
form that visitor and teller fill together (never a masked field's value), with the document that was signed. Codes of
appointments and ends of documents travel as hashes (`contracts/appointments.py`).
"""


def _type_name(kind: Any) -> str:
    """A field's type as a reader wants it: structures by name, limits after the base type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        limits = [_limits(meta) for meta in arguments[1:] if isinstance(meta, msgspec.Meta)]
        return " ".join([_type_name(arguments[0]), *(limit for limit in limits if limit)])
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if part is type(None) else _type_name(part) for part in arguments)
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}"
    if origin is dict:
        return f"map of {_type_name(arguments[0])} to {_type_name(arguments[1])}"
    return {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "datetime": "UTC time"}.get(
        kind.__name__, f"`{kind.__name__}`"
    )


def _limits(meta: msgspec.Meta) -> str:
    if meta.pattern:
        return f"`{meta.pattern}`".replace("|", "\\|")
    low, high = meta.ge, meta.le
    if high == messages.MAX_INTEGER:
        high = None
    if low is not None and high is not None:
        return f"{low}–{high}"
    return f"≥ {low}" if low is not None else ""


def _structs(kind: type[msgspec.Struct], seen: dict[str, type[msgspec.Struct]]) -> None:
    """Collect a structure and everything it is made of, in reading order."""
    if kind.__name__ in seen:
        return
    seen[kind.__name__] = kind
    for hint in typing.get_type_hints(kind).values():
        for part in _parts(hint):
            _structs(part, seen)


def _parts(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for argument in typing.get_args(hint):
        yield from _parts(argument)


def _fields(kind: type[msgspec.Struct], envelope: frozenset[str]) -> Iterator[str]:
    hints = typing.get_type_hints(kind, include_extras=True)
    tag = kind.__struct_config__.tag
    if tag is not None:
        yield f"| `{kind.__struct_config__.tag_field}` | `{tag}` |"
    for field in msgspec.structs.fields(kind):
        if field.name in envelope:
            continue
        optional = "" if field.required else " (optional)"
        yield f"| `{field.encode_name}` | {_type_name(hints[field.name])}{optional} |"


def render() -> str:
    """The whole document."""
    lines = [INTRODUCTION, "## Topics", "", "| topic | from | kept | QoS | at most | what | message |"]
    lines.append("|---|---|---|---|---|---|---|")
    lines += [
        f"| `{row.path}` | {row.sender} | {'retained' if row.retain else ''} | {row.qos} | {row.limit_bytes} B "
        f"| {row.meaning} | `{row.message.__name__}` |"
        for row in topics.CONTRACT
    ]
    lines += ["", f"Names of branches and devices match `{messages.NAME_PATTERN}`; `all` and `hub` are reserved."]
    seen: dict[str, type[msgspec.Struct]] = {"Message": messages.Message, "Numbered": messages.Numbered}
    for row in topics.CONTRACT:
        _structs(row.message, seen)
    lines += ["", f"## Messages, schema version {messages.SCHEMA}"]
    for name, kind in seen.items():
        base = next((parent for parent in kind.__mro__[1:] if parent.__name__ in ("Numbered", "Message")), None)
        envelope = frozenset(field.name for field in msgspec.structs.fields(base)) if base else frozenset[str]()
        also = f" Everything of `{base.__name__}`, and:" if base else ""
        rows = list(_fields(kind, envelope))
        lines += ["", f"### {name}", "", " ".join((kind.__doc__ or "").split()) + (also if rows else "")]
        lines += ["", "| field | type |", "|---|---|", *rows] if rows else []
    lines += ["", "## Access rules", "", "For the device `kiosk-1` of the branch `binjiang`, as Mosquitto reads them:"]
    lines += ["", "```", *topics.access_rules("binjiang", "kiosk-1"), "```"]
    lines += ["", "## A ticket's life", "", "| state | event | next state |", "|---|---|---|"]
    lines += [f"| {state} | {event} | {after} |" for (state, event), after in TABLE.items()]
    lines += ["", "Only when a terminal that was cut off tells it late:", "", "| state | event | next state |"]
    lines += ["|---|---|---|", *(f"| {state} | {event} | {after} |" for (state, event), after in LATE.items())]
    lines += ["", "## A case's life (a teller on video)", "", "| state | event | next state |", "|---|---|---|"]
    lines += [f"| {state} | {event} | {after} |" for (state, event), after in video.TABLE.items()]
    lines += ["", "## A teller's day", "", "| state | event | next state |", "|---|---|---|"]
    lines += [f"| {state} | {event} | {after} |" for (state, event), after in video.TELLER_TABLE.items()]
    return "\n".join(lines) + "\n"


def strays() -> list[Path]:
    """Files of ours outside the table that write a topic: the wire would be defined twice."""
    folders = ("avatar", "bench", "config", "contracts", "hub", "kiosk", "models")
    files = [path for name in folders for path in sorted((TARGET.parents[1] / name).rglob("*.py"))]
    return [path for path in files if ROOT_TOPIC in path.read_text("utf-8") and path.name not in OWNERS]


def main(arguments: list[str]) -> int:
    """Write the document, or compare it and look for topics written elsewhere under `--check`."""
    text = render()
    if arguments == ["--check"]:
        if found := strays():
            print(f"topics are written in contracts/topics.py only: {', '.join(map(str, found))}", file=sys.stderr)
            return 1
        if TARGET.exists() and TARGET.read_text("utf-8") == text:
            return 0
        print(f"{TARGET} is not what contracts/ says: run `python -m contracts.document`", file=sys.stderr)
        return 1
    if arguments:
        print("usage: python -m contracts.document [--check]", file=sys.stderr)
        return 2
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
