"""A release is built the same twice, and what is read of one is refused unless it is within its bounds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import zstandard

from contracts import release as rel
from hub.release.build import build
from hub.release.cutting import cut
from models.store import models_root

pytestmark = pytest.mark.unit


def _sources(folder: Path, seed: int = 1) -> Path:
    chance = random.Random(seed)
    (folder / "sub").mkdir(parents=True)
    (folder / "program.py").write_text("print(1)\n", "utf-8")
    (folder / "run.sh").write_text("#!/bin/sh\n", "utf-8")
    (folder / "run.sh").chmod(0o755)
    (folder / "sub" / "large.bin").write_bytes(chance.randbytes(900_000))
    return folder


def test_the_same_sources_give_the_same_bytes_whatever_their_order_and_times(tmp_path: Path) -> None:
    first, second = _sources(tmp_path / "one"), _sources(tmp_path / "two")
    (second / "program.py").touch()
    for source, out in ((first, tmp_path / "a"), (second, tmp_path / "b")):
        build({"software": source}, "1.0", out)
    written = [{p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()} for out in
               (tmp_path / "a", tmp_path / "b")]  # fmt: skip
    assert written[0] == written[1] and len(written[0]) > 10


def test_a_release_with_one_changed_file_adds_few_chunks(tmp_path: Path) -> None:
    source = _sources(tmp_path / "source")
    whole = build({"software": source}, "1.0", tmp_path / "out")
    large = source / "sub" / "large.bin"
    data = large.read_bytes()
    large.write_bytes(data[:300_000] + b"inserted" + data[300_000:])
    after = build({"software": source}, "1.1", tmp_path / "out")
    assert after.new_bytes < whole.stored_bytes / 4


def test_a_version_is_not_built_twice_of_different_sources(tmp_path: Path) -> None:
    build({"software": _sources(tmp_path / "one")}, "1.0", tmp_path / "out")
    with pytest.raises(rel.ReleaseRefused, match="duplicate"):
        build({"software": _sources(tmp_path / "two", seed=2)}, "1.0", tmp_path / "out")


def test_a_link_among_the_sources_is_refused_by_name(tmp_path: Path) -> None:
    source = _sources(tmp_path / "source")
    (source / "shortcut").symlink_to("program.py")
    with pytest.raises(rel.ReleaseRefused, match="shortcut"):
        build({"software": source}, "1.0", tmp_path / "out")


def test_cuts_follow_the_content_and_stay_within_their_bounds() -> None:
    data = random.Random(3).randbytes(3_000_000)
    chunks = list(cut([data[:100], data[100:]]))
    assert b"".join(chunks) == data
    assert all(rel.CHUNK_LEAST_BYTES <= len(chunk) <= rel.CHUNK_MOST_BYTES for chunk in chunks[:-1])
    moved = set(cut([b"something before", data]))
    assert len(moved & set(chunks)) > 0.9 * len(chunks)


@pytest.mark.parametrize(
    "path",
    ["software/../x", "/software/x", "software//x", "software/./x", "elsewhere/x", "software", "software/a\\b",
     "software/a\nb", "software/x.", "software/" + "x" * 300, "software/e\u0301"],
)  # fmt: skip
def test_a_path_that_leaves_its_part_is_refused(path: str) -> None:
    with pytest.raises(rel.ReleaseRefused, match="path"):
        rel.check_paths([path])


def test_a_chunk_is_unpacked_only_to_what_was_signed() -> None:
    data = b"words " * 1000
    stored = rel.compress(data)
    good = rel.Chunk(rel.sha_of(data), len(data), len(stored))
    assert rel.open_chunk(stored, good) == data
    bomb = zstandard.ZstdCompressor().compress(bytes(100_000_000))
    for bad, chunk in (
        (stored[:-1], good),
        (stored + b"x", good),
        (bomb, rel.Chunk(good.sha, good.size, len(bomb))),
        (stored, rel.Chunk("0" * 64, good.size, len(stored))),
    ):
        with pytest.raises(rel.ReleaseRefused):
            rel.open_chunk(bad, chunk)


def test_models_of_a_release_are_used_where_it_brought_some(tmp_path: Path) -> None:
    env = {"YINGBIN_CACHE": str(tmp_path / "cache"), "YINGBIN_MODELS": str(tmp_path / "current")}
    assert models_root(env) == tmp_path / "cache"
    (tmp_path / "current" / "models").mkdir(parents=True)
    assert models_root(env) == tmp_path / "current"
