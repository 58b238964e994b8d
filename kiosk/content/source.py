"""A pack as its writers keep it: a folder of YAML files, read whole, or refused naming file, line and key.

`pack.yaml` says whose it is, `figures.yaml` holds every figure once, `answers.yaml` answers wishes, `entries/*.yaml`
answer questions, `asked.tsv` holds further ways of asking them, `products.yaml` says what a service needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import yaml
from pydantic import Field, ValidationError

from config.intents import IntentRow
from config.load import MAX_CONFIG_BYTES, ConfigError, load_yaml, yaml_lines
from config.schema import CONFIG_DIR, Section
from kiosk.content.figures import Figure
from kiosk.content.pack import Entry, Head, Id, KeyPath, Pack, Product, Thing, Variant, problems

CONTENT_DIR: Final = CONFIG_DIR / "content"
MAX_FILES: Final = 100
MAX_ASKED_BYTES: Final = 4_000_000
Model = TypeVar("Model", bound=Section)


# Half a megabyte of YAML takes the Python reader seconds, the C one a tenth of one.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # either is a SafeLoader
    """YAML in which a key stands once: of two values of a figure the last would win unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' stands twice", key.start_mark)
            seen.add(key.value)
        return cast("dict[Any, Any]", super().construct_mapping(node, deep))


class FiguresFile(Section):
    figures: dict[Id, Figure] = Field(max_length=2000)


class AnswersFile(Section):
    answers: dict[Id, tuple[Variant, ...]] = Field(min_length=1, max_length=400)


class EntriesFile(Section):
    entries: tuple[Entry, ...] = Field(min_length=1, max_length=400)


class ProductsFile(Section):
    documents: dict[Id, Thing] = Field(default_factory=dict, max_length=400)
    products: dict[Id, Product] = Field(default_factory=dict, max_length=400)


def load_source(folder: Path, intents: Mapping[str, IntentRow]) -> Pack:
    """Read a pack's folder. Raises `ConfigError` naming file, line, key and what is allowed."""
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder of a content pack")
    head = _read(folder / "pack.yaml", Head)
    figures = _read(folder / "figures.yaml", FiguresFile)
    answers = _read(folder / "answers.yaml", AnswersFile)
    products = _read(folder / "products.yaml", ProductsFile) if (folder / "products.yaml").exists() else ProductsFile()
    files = sorted((folder / "entries").glob("*.yaml"))
    if len(files) > MAX_FILES:
        raise ConfigError(f"{folder / 'entries'}: more than {MAX_FILES} files")
    further = _further(folder / "asked.tsv")
    entries = [
        (path, number, _asked_so(entry, further.pop(entry.id, {})))
        for path in files
        for number, entry in enumerate(_read(path, EntriesFile).entries)
    ]
    if further:
        raise ConfigError(f"{folder / 'asked.tsv'}: no such entry: {', '.join(sorted(further)[:5])}")
    try:
        pack = Pack(
            **head.model_dump(),
            figures=figures.figures,
            answers=answers.answers,
            entries=tuple(entry for _, _, entry in entries),
            documents=products.documents,
            products=products.products,
        )
    except ValidationError as err:
        raise ConfigError(f"{folder}: {err.errors()[0]['msg']}") from err
    wrong = []
    for key, problem in problems(pack, intents):
        path, inside = _where(folder, key, [(path, number) for path, number, _ in entries])
        wrong.append(f"{path}:{_line(path, inside)}: {'.'.join(map(str, inside))}: {problem}")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return pack


def _further(path: Path) -> dict[str, dict[str, list[str]]]:
    """Questions by entry and language, of lines `entry<TAB>zh|en<TAB>question`; none where there is no such file."""
    found: dict[str, dict[str, list[str]]] = {}
    if not path.exists():
        return found
    if path.stat().st_size > MAX_ASKED_BYTES:
        raise ConfigError(f"{path}: more than {MAX_ASKED_BYTES} bytes")
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != 3 or cells[1] not in ("zh", "en") or not cells[2].strip():
            raise ConfigError(f"{path}:{number}: want entry<TAB>zh|en<TAB>question")
        found.setdefault(cells[0], {}).setdefault(cells[1], []).append(cells[2])
    return found


def _asked_so(entry: Entry, further: dict[str, list[str]]) -> Entry:
    if not further:
        return entry
    asks = {language: (*entry.expected(language), *further.get(language, ())) for language in ("zh", "en")}
    return Entry.model_validate({**entry.model_dump(), "asks": asks})


def _read(path: Path, model: type[Model]) -> Model:
    try:
        if path.stat().st_size <= MAX_CONFIG_BYTES:
            return model.model_validate(yaml.load(path.read_text("utf-8"), _Loader))  # noqa: S506
    except yaml.constructor.ConstructorError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        raise ConfigError(f"{path}:{line}: {err.problem}") from err
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError):
        pass  # read again, slowly, by the reader that knows what to say
    return load_yaml(path, model)


def _where(folder: Path, key: KeyPath, entries: list[tuple[Path, int]]) -> tuple[Path, KeyPath]:
    part = key[0]
    if part == "entries" and isinstance(key[1], int):
        path, number = entries[key[1]]
        return path, ("entries", number, *key[2:])
    return folder / ("answers.yaml" if part == "answers" else "products.yaml"), key


def _line(path: Path, key: KeyPath) -> int:
    lines = yaml_lines(path.read_text("utf-8"))
    return next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), 1)
