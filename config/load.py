"""Reads a configuration file into its typed schema, or says which line is wrong and what is allowed.

Nothing here guesses: unknown keys are refused, and every error names file, line and key.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

KeyPath = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
MAX_CONFIG_BYTES: Final = 4 * 1024 * 1024

# what pydantic calls its limits, and how people say them
_LIMITS: Final = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


class ConfigError(ValueError):
    """A configuration file is missing, malformed or says something that is not allowed. `str()` is for people."""


def load_toml(path: Path, model: type[Model]) -> Model:
    """Read a TOML file into `model`. Raises `ConfigError` with file, line, key and the allowed range."""
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"{path}: {err}") from err
    return _validated(path, model, raw, toml_lines(text))


def load_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into `model`. Raises `ConfigError` with file, line, key and the allowed range."""
    text = _read(path)
    try:
        raw = yaml.safe_load(text)
        lines = yaml_lines(text)
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else f"{path}"
        raise ConfigError(f"{where}: {getattr(err, 'problem', None) or 'not YAML'}") from err
    if raw is None:
        raise ConfigError(f"{path}: the file is empty")
    return _validated(path, model, raw, lines)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_CONFIG_BYTES} bytes")
        return path.read_text("utf-8")
    except FileNotFoundError as err:
        raise ConfigError(f"{path}: no such file") from err
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path}: not UTF-8 text (byte {err.start})") from err
    except OSError as err:
        raise ConfigError(f"{path}: {err.strerror}") from err


def _validated(path: Path, model: type[Model], raw: object, lines: dict[KeyPath, int]) -> Model:
    try:
        return model.model_validate(raw)
    except ValidationError as err:
        raise ConfigError("\n".join(_sentence(path, lines, detail, model) for detail in err.errors())) from err


def _sentence(path: Path, lines: dict[KeyPath, int], detail: ErrorDetails, model: type[BaseModel]) -> str:
    key: KeyPath = tuple(detail["loc"])
    line = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), 1)
    name = ".".join(str(part) for part in key) or "(file)"
    if detail["type"] == "extra_forbidden":
        return f"{path}:{line}: {name}: unknown key; allowed here: {_siblings(model, key)}"
    got = detail.get("input")
    shown = "" if isinstance(got, dict | list) or detail["type"] == "missing" else f" (got {got!r})"
    limits = [f"{word} {detail['ctx'][limit]}" for limit, word in _LIMITS.items() if limit in detail.get("ctx", {})]
    allowed = _allowed(model, key)
    hint = f"; allowed: {allowed}" if allowed and allowed not in detail["msg"] else ""
    what = ", ".join(limits) if limits and not allowed else detail["msg"]
    return f"{path}:{line}: {name}: {what}{shown}{hint}"


def _field_owner(model: type[BaseModel], key: KeyPath) -> type[BaseModel] | None:
    """The schema that holds the last part of `key`, as far as it can be followed."""
    owner: Any = model
    for part in key[:-1]:
        if isinstance(part, int):
            continue
        field = owner.model_fields.get(part) if isinstance(owner, type) and issubclass(owner, BaseModel) else None
        if field is None:
            return None
        owner = _schema_in(field.annotation)
        if owner is None:
            return None
    return owner if isinstance(owner, type) and issubclass(owner, BaseModel) else None


def _schema_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _schema_in(inner)
        if found is not None:
            return found
    return None


def _siblings(model: type[BaseModel], key: KeyPath) -> str:
    owner = _field_owner(model, key)
    return ", ".join(sorted(owner.model_fields)) if owner else "nothing"


def _allowed(model: type[BaseModel], key: KeyPath) -> str:
    """The range of a bounded field, e.g. 'between 0.1 and 3'."""
    owner = _field_owner(model, key)
    field = owner.model_fields.get(str(key[-1])) if owner and key else None
    if field is None:
        return ""
    low = _limit(field.metadata, "ge", "gt")
    high = _limit(field.metadata, "le", "lt")
    if low is None or high is None:
        return ""
    return f"between {low} and {high}"


def _limit(metadata: list[Any], *names: str) -> Any:
    return next((getattr(m, name) for m in metadata for name in names if getattr(m, name, None) is not None), None)


_TABLE: Final = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY: Final = re.compile(r"""^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_.-]+)\s*=""")


def toml_lines(text: str) -> dict[KeyPath, int]:
    """Where each key of a TOML text stands: key path → line, counted from 1.

    tomllib keeps no positions; tables, arrays of tables and their keys are enough to point at a mistake.
    """
    found: dict[KeyPath, int] = {}
    base: KeyPath = ()
    seen: dict[KeyPath, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if table := _TABLE.match(line):
            name = tuple(part.strip().strip("\"'") for part in table[2].split("."))
            if table[1] == "[[":
                seen[name] = seen.get(name, -1) + 1
                base = (*name, seen[name])
            else:
                base = name
            found.setdefault(base, number)
        elif key := _KEY.match(line):
            parts = tuple(part.strip("\"'") for part in key[1].split("."))
            for depth in range(1, len(parts) + 1):
                found.setdefault((*base, *parts[:depth]), number)
    return found


def yaml_lines(text: str) -> dict[KeyPath, int]:
    """Where each key and item of a YAML text stands: key path → line, counted from 1."""
    found: dict[KeyPath, int] = {}

    def walk(node: yaml.Node, path: KeyPath) -> None:
        found.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*path, str(key.value))
                found[here] = key.start_mark.line + 1
                walk(value, here)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                walk(value, (*path, index))

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        walk(root, ())
    return found
