"""Hands out a model's folder, and only after every byte in it was compared with the catalogue.

A damaged or truncated file is named before any library parses it. Nothing is downloaded here: what
is missing is said together with the command that fetches it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from models.catalogue import File, Model, load_catalogue

NAME_MANIFEST: Final = "manifest.json"
_BLOCK_BYTES: Final = 1 << 20


class StoreError(Exception):
    """A model cannot be handed out."""

    def __init__(self, model_id: str, message: str) -> None:
        super().__init__(message)
        self.model_id = model_id


class ModelUnknown(StoreError):
    """No such id in the catalogue."""


class ModelMissing(StoreError):
    """It was not fetched yet; the message holds the command to run."""


class ModelDamaged(StoreError):
    """A file is not what the catalogue says; `path` names it, the message says how to mend it."""

    def __init__(self, model_id: str, message: str, path: Path) -> None:
        super().__init__(model_id, message)
        self.path = path


def cache_root(environ: Mapping[str, str] | None = None) -> Path:
    """Folder of everything fetched: $YINGBIN_CACHE, else $XDG_CACHE_HOME/yingbin, else ~/.cache/yingbin."""
    env = os.environ if environ is None else environ
    if env.get("YINGBIN_CACHE"):
        return Path(env["YINGBIN_CACHE"]).expanduser().absolute()
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]).expanduser().absolute() / "yingbin"
    return Path.home() / ".cache" / "yingbin"


def models_root(environ: Mapping[str, str] | None = None) -> Path:
    """Folder that holds `models/`: $YINGBIN_MODELS, where a release brought some, else the cache."""
    env = os.environ if environ is None else environ
    brought = env.get("YINGBIN_MODELS", "")
    if brought and (Path(brought) / "models").is_dir():
        return Path(brought).absolute()
    return cache_root(env)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


class Store:
    """The fetched models under one cache folder."""

    def __init__(self, root: Path | None = None, catalogue: Mapping[str, Model] | None = None) -> None:
        self.root = models_root() if root is None else root
        self.catalogue = load_catalogue() if catalogue is None else catalogue

    @property
    def usual(self) -> list[str]:
        """What a terminal is set up with: every model that is not optional, and those of the others that are there."""
        return [name for name, model in self.catalogue.items() if not model.optional or self.is_stamped(name)]

    def model(self, model_id: str) -> Model:
        """The catalogue's entry. Raises ModelUnknown."""
        try:
            return self.catalogue[model_id]
        except KeyError:
            known = ", ".join(self.catalogue)
            raise ModelUnknown(model_id, f"no model {model_id!r} in the catalogue; there are: {known}") from None

    def folder(self, model_id: str) -> Path:
        """Where the model is, or will be. Nothing is checked."""
        return self.root / "models" / self.model(model_id).key

    def open(self, model_id: str) -> Path:
        """The model's folder, every file hashed just now. Raises ModelUnknown, ModelMissing, ModelDamaged."""
        model = self.model(model_id)
        folder = self.folder(model_id)
        if not folder.is_dir():
            raise ModelMissing(
                model_id, f"model {model_id} is not in {self.root}; run: python -m models fetch {model_id}"
            )
        try:
            for file in model.results:
                self._check(model, folder, file)
        except ModelDamaged:
            # Bytes can rot under an unchanged time; without its stamp the next fetch makes it anew.
            with contextlib.suppress(OSError):
                (folder / NAME_MANIFEST).unlink()
            raise
        return folder

    def is_stamped(self, model_id: str) -> bool:
        """Whether each file still has the size and time of change recorded when it was verified: quick, not proof."""
        model = self.model(model_id)
        folder = self.folder(model_id)
        try:
            stamps = json.loads((folder / NAME_MANIFEST).read_text("utf-8"))["files"]
            for file in model.results:
                stat = (folder / file.path).stat()
                if [stat.st_size, stat.st_mtime_ns] != stamps[file.path]:
                    return False
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return True

    def _check(self, model: Model, folder: Path, file: File) -> None:
        path = folder / file.path
        again = f"run: python -m models fetch {model.model_id}"
        try:
            size_bytes = path.stat().st_size
            if size_bytes != file.size_bytes:
                said = f"is {size_bytes} bytes long instead of {file.size_bytes}"
                raise ModelDamaged(model.model_id, f"model {model.model_id}: {path} {said}; {again}", path)
            found = sha256_of(path)
        except OSError as err:
            raise ModelDamaged(
                model.model_id, f"model {model.model_id}: {path}: {err.strerror}; {again}", path
            ) from err
        if found != file.sha256:
            said = f"has SHA-256 {found} instead of {file.sha256}"
            raise ModelDamaged(model.model_id, f"model {model.model_id}: {path} {said}; {again}", path)


def write_manifest(model: Model, folder: Path) -> None:
    """Record size and time of change of each verified file, so that the next run need not hash it again."""
    stamps = {}
    for file in model.results:
        stat = (folder / file.path).stat()
        stamps[file.path] = [stat.st_size, stat.st_mtime_ns]
    text = json.dumps({"model": model.model_id, "key": model.key, "files": stamps}, indent=1)
    (folder / NAME_MANIFEST).write_text(text, "utf-8")
