"""A disk as a power cut leaves it: the recorded writes up to a moment, without what no fsync has made sure of.

Every file and folder has what programs see and what the disk surely has. `sync` of a file makes sure of its bytes, of a
folder of its names; neither of the other. What was not made sure of is dropped, or, torn: each name and each file by
itself is dropped, half there, or there.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kiosk.rollout.disk import Op


@dataclass(slots=True, eq=False)
class _File:
    seen: bytes
    sure: bytes
    runs: bool = False


@dataclass(slots=True, eq=False)
class _Link:
    to: str


@dataclass(slots=True, eq=False)
class _Folder:
    seen: dict[str, _Node] = field(default_factory=dict)
    sure: dict[str, _Node] = field(default_factory=dict)


_Node = _File | _Link | _Folder


class RecordedDisk:
    """The folder `root` as it was before the writes (`before` is a copy), all of it sure; then each write in turn."""

    def __init__(self, before: Path, root: Path) -> None:
        self._root = root
        self._top = _read(before)

    def apply(self, op: Op) -> None:
        if not op.path.is_relative_to(self._root) or op.kind == "half":
            return
        names = op.path.relative_to(self._root).parts
        if op.kind in ("sync_folder", "sync_all"):
            node = self._at(names)
            assert isinstance(node, _Folder)
            node.sure = dict(node.seen)
            if op.kind == "sync_all":
                _all_sure(self._top)
            return
        parent = self._at(names[:-1])
        assert isinstance(parent, _Folder)
        self._in(parent, names[-1], op)

    def _in(self, parent: _Folder, name: str, op: Op) -> None:
        match op.kind:
            case "folder":
                parent.seen[name] = _Folder()
            case "write":
                parent.seen[name] = _File(op.data, b"", op.runs)
            case "append":
                file = parent.seen[name]
                assert isinstance(file, _File)
                file.seen += op.data
            case "sync":
                file = parent.seen[name]
                assert isinstance(file, _File)
                file.sure = file.seen
            case "link":
                parent.seen[name] = _Link(op.to)
            case "remove":
                parent.seen.pop(name, None)
            case "rename":
                to = Path(op.to).relative_to(self._root).parts
                there = self._at(to[:-1])
                assert isinstance(there, _Folder)
                there.seen[to[-1]] = parent.seen.pop(name)

    def _at(self, names: Sequence[str]) -> _Node:
        node: _Node = self._top
        for name in names:
            assert isinstance(node, _Folder)
            node = node.seen[name]
        return node

    def lay_out(self, folder: Path, torn: random.Random | None = None) -> None:
        """Write what the disk has after a cut now. `torn`: chooses what of the unsure is there all the same."""
        _write(folder, self._top, torn)


def _read(path: Path) -> _Folder:
    folder = _Folder()
    for entry in os.scandir(path):
        if entry.is_symlink():
            folder.seen[entry.name] = _Link(str(Path(entry.path).readlink()))
        elif entry.is_dir():
            folder.seen[entry.name] = _read(Path(entry.path))
        else:
            data = Path(entry.path).read_bytes()
            folder.seen[entry.name] = _File(data, data, os.access(entry.path, os.X_OK))
    folder.sure = dict(folder.seen)
    return folder


def _all_sure(node: _Node) -> None:
    if isinstance(node, _File):
        node.sure = node.seen
    elif isinstance(node, _Folder):
        node.sure = dict(node.seen)
        for inner in node.seen.values():
            _all_sure(inner)


def _write(path: Path, node: _Node, torn: random.Random | None) -> None:
    match node:
        case _Folder():
            path.mkdir(exist_ok=True)
            for name in sorted(node.seen.keys() | node.sure.keys()):
                there = node.sure.get(name)
                if torn is not None and node.seen.get(name) is not there and torn.random() < 0.5:
                    there = node.seen.get(name)
                if there is not None:
                    _write(path / name, there, torn)
        case _Link():
            path.symlink_to(node.to)
        case _File():
            data = node.sure
            if torn is not None and node.seen != node.sure:
                data = torn.choice([node.sure, node.seen[: torn.randrange(len(node.seen) + 1)], node.seen])
            path.write_bytes(data)
            path.chmod(0o755 if node.runs else 0o644)
