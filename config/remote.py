"""What of a site may be changed from afar: the one list, and the one way to lay such settings over a local file.

Nothing secret, no path, no address, no name of a device and nothing that tickets depend on is in it. The hub checks
with it before it sends, the terminal before it takes: both by the schema that local files are read with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ValidationError

from config.schema import Site

Takes = Literal["live", "restart"]
Value: TypeAlias = bool | int | float | str | dict[str, Any]
Settings: TypeAlias = Mapping[str, Any]

# setting → when it is in force: at once (between two visits), or after the terminal's next start
REMOTE: Final[Mapping[str, Takes]] = {
    "addressing.looks_hz": "live",
    "addressing.leniency": "restart",
    "branch.hours": "live",
    "hearing.barge_in_ms": "restart",
    "hearing.elder_times": "live",
    "hearing.partial_ms": "restart",
    "hearing.pause_brisk_ms": "live",
    "hearing.pause_finished_ms": "live",
    "hearing.pause_longest_ms": "live",
    "hearing.pause_ms": "live",
    "hearing.pause_shortest_ms": "live",
    "hearing.pause_unfinished_ms": "live",
    "hearing.speech_without_camera": "live",
    "seeing.arrive_ms": "live",
    "seeing.leave_ms": "live",
    "seeing.looks_hz": "live",
    "talking.forget_after_s": "live",
    "talking.misunderstood_limit": "live",
    "talking.prompt_after_s": "live",
    "voice.elder_gain_db": "live",
    "voice.elder_times": "live",
    "voice.filler_after_ms": "restart",
    "voice.gain_max_db": "live",
    "voice.persona": "restart",
    "voice.quiet_dbfs": "live",
    "voice.small": "restart",
    "voice.small_after_ms": "restart",
    "voice.speed": "restart",
}
Why = Literal["unknown", "wrong_type", "out_of_range", "conflict"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one setting: a stable code, and a sentence for people that may quote the value."""

    setting: str
    why: Why
    text: str


class RemoteRefused(ValueError):
    """Settings that cannot be laid over a site, all of them or none. `str()` is for people."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{one.setting}: {one.text}" for one in problems))
        self.problems = problems


def overlay(site: Site, settings: Settings) -> Site:
    """`site` with `settings` in place of its own. Raises `RemoteRefused` naming every setting that is wrong."""
    unknown = tuple(
        Problem(name, "unknown", "not one that may be changed from afar") for name in sorted(settings.keys() - REMOTE)
    )
    if unknown:
        raise RemoteRefused(unknown)
    raw = site.model_dump()
    for name, value in settings.items():
        *sections, last = name.split(".")
        place = raw
        for section in sections:
            place = place[section]
        place[last] = value
    try:
        made = Site.model_validate(raw)
    except ValidationError as err:
        raise RemoteRefused(_problems(err, settings)) from err
    # pydantic reads '700' as 700, as it may for a person's file; a program that sends text for a number is wrong
    shown = values(made)
    odd = [name for name, value in settings.items() if _kind(value) != _kind(shown[name])]
    if odd:
        raise RemoteRefused(tuple(Problem(name, "wrong_type", _wanted(shown[name])) for name in sorted(odd)))
    return made


def values(site: Site) -> dict[str, Value]:
    """Every setting of the list as this site has it, in the form that travels."""
    found: dict[str, Value] = {}
    for name in REMOTE:
        part: Any = site
        for step in name.split("."):
            part = getattr(part, step)
        found[name] = _plain(part)
    return found


def normal(site: Site, settings: Settings) -> dict[str, Value]:
    """`settings` as `values` would give them back (a time with its seconds). Raises `RemoteRefused`."""
    shown = values(overlay(site, settings))
    return {name: shown[name] for name in sorted(settings)}


def digest(settings: Settings) -> str:
    """SHA-256 of the settings in a canonical form: two terminals with the same one behave the same."""
    text = json.dumps(dict(settings), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def described() -> list[dict[str, Any]]:
    """The list for people and programs: setting, when it is taken, its default and its JSON schema."""
    rows = []
    for name, takes in REMOTE.items():
        *sections, last = name.split(".")
        owner: Any = Site
        for section in sections:
            owner = owner.model_fields[section].annotation
        assert issubclass(owner, BaseModel)
        schema = owner.model_json_schema()
        rows.append({"setting": name, "takes": takes, "schema": _whole(schema["properties"][last], schema)})
    return rows


def _whole(part: Any, schema: Mapping[str, Any]) -> Any:
    """A JSON schema without references, so that one row can be read alone."""
    if isinstance(part, list):
        return [_whole(one, schema) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _whole(schema["$defs"][part["$ref"].rpartition("/")[2]], schema)
    return {key: _whole(one, schema) for key, one in part.items()}


def _problems(err: ValidationError, settings: Settings) -> tuple[Problem, ...]:
    found: dict[str, Problem] = {}
    for detail in err.errors():
        where = ".".join(str(part) for part in detail["loc"])
        exact = next((name for name in settings if where == name or where.startswith(f"{name}.")), None)
        if exact is not None:
            limits = detail.get("ctx", {}).keys() & {"ge", "gt", "le", "lt"}
            why: Why = "out_of_range" if limits or detail["type"] in ("value_error", "literal_error") else "wrong_type"
            found[exact] = Problem(exact, why, _said(detail["msg"]))
            continue
        for name in sorted(settings):  # two settings that do not go together: every one of that section is named
            if not where or name.startswith(f"{where}."):
                found.setdefault(name, Problem(name, "conflict", _said(detail["msg"])))
    return tuple(found.values())


def _said(text: str) -> str:
    return text.removeprefix("Value error, ")


def _plain(part: Any) -> Value:
    if isinstance(part, dict):
        return {str(key): one.model_dump(mode="json") for key, one in part.items()}
    if isinstance(part, float) and part.is_integer():  # 6 and 6.0 are one value, and have one hash
        return int(part)
    plain: Value = part
    return plain


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "switch"
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "map"


def _wanted(value: object) -> str:
    return {"switch": "true or false", "number": "a number", "text": "a text", "map": "a table"}[_kind(value)]
