"""`python -m kiosk.rollout.first`: the first release of a terminal, from a published folder into its slot.

What an installer does before the updater ever ran, with the same trust: signed, every byte read back. A terminal that
has a release already is left as it is; what comes later is the updater's business.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from contracts.release import Chunk, ReleaseRefused, join_manifest, open_chunk, read_index
from contracts.repository import chunk_path
from contracts.trust import Untrusted, check, root_version
from kiosk.rollout.disk import Disk
from kiosk.rollout.over_folder import FolderSource, read_bounded
from kiosk.rollout.ports import SourceLost
from kiosk.rollout.records import Kept
from kiosk.rollout.slots import Place, assemble


def put_first(folder: Path, raw: bytes, release: str, stored: Callable[[Chunk], bytes]) -> None:
    """The release whose index is `raw` in slot a of `folder`, both links to it, its record. Raises OSError,
    ReleaseRefused."""
    place, disk = Place(folder), Disk()
    disk.folder(place.slots)
    index = read_index(raw)
    manifest = join_manifest(index, {chunk.sha: stored(chunk) for chunk in index.manifest})
    assemble(place, disk, "a", raw, manifest, lambda chunk: open_chunk(stored(chunk), chunk))
    disk.keep(place.record, Kept(slot="a", release=release))
    disk.point(place.proved, "slots/a")
    disk.point(place.link, "slots/a")


async def install_first(folder: Path, repository: Path, root: bytes, release: str) -> None:
    """The same, after `root` has proved what the repository says. Raises Untrusted, SourceLost, OSError,
    ReleaseRefused."""
    offered = await FolderSource(repository).metadata(release, root_version(root))
    trusted = check(release, root=root, kept={}, offered=offered)
    stored = lambda chunk: read_bounded(repository / chunk_path(chunk.sha), chunk.stored)  # noqa: E731
    await asyncio.to_thread(put_first, folder, trusted.raw, release, stored)


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m kiosk.rollout.first", description=__doc__)
    options.add_argument("--place", type=Path, required=True, help="where slots, chunks and records will lie")
    options.add_argument("--repository", type=Path, required=True, help="as `python -m hub.release publish` wrote it")
    options.add_argument("--root", type=Path, required=True, help="the root of trust that comes with the terminal")
    options.add_argument("--release", required=True, help="which")
    told = options.parse_args(list(argv))
    if Place(told.place).record.exists():
        print(json.dumps({"ok": True, "installed": False}))
        return 0
    try:
        asyncio.run(install_first(told.place, told.repository, told.root.read_bytes(), told.release))
    except (Untrusted, SourceLost, ReleaseRefused, OSError) as err:
        print(f"first release: {err}", file=sys.stderr)
        return 1
    print(json.dumps({"ok": True, "installed": True}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
