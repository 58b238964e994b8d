"""A whole update with real signatures, slots and processes; cut, torn, forged and bad ones."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.rollout_attacks import ATTACKS, attack_all
from bench.rollout_cuts import cut_all, record
from bench.rollout_replay import RecordedDisk
from bench.rollout_world import NEW, OLD, STEADY, Order, Shared, World, live, make_world, standing
from contracts.trust import root_version
from hub.release.signing import Repository, SigningRefused, new_key, next_root, now_utc
from kiosk.rollout.__main__ import main
from kiosk.rollout.disk import Disk
from kiosk.rollout.records import Kept
from kiosk.rollout.slots import Place
from kiosk.runtime.sealed import Damaged

pytestmark = pytest.mark.e2e
BAD = "2.0.1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("rollout")
    yield make_world(folder, {NEW: "good", BAD: "does_not_recognise"}, seed=1, ballast_bytes=300_000)


def test_cut_now_and_then_it_always_gets_there_and_never_stands_on_half_a_release(world: World) -> None:
    found = cut_all(world, every=19, torn=6, seed=5, shared=Shared())
    assert found["faults"] == []
    assert (found["bricked"], found["wrong_version"], found["resumed_share"]) == (0, 0, 1.0)
    assert found["killed"] >= 5 and found["replayed"] >= 5


def test_a_replay_drops_what_was_not_synced(world: World, tmp_path: Path) -> None:
    ops, before = record(world, Shared())
    disk = RecordedDisk(before, world.folder / "recorded")
    at = next(n for n, op in enumerate(ops) if op.kind == "rename" and op.path.name == "record.json.part")
    for op in ops[: at + 1]:
        disk.apply(op)
    disk.lay_out(tmp_path / "cut")  # renamed, and the folder not synced: the old record stands
    assert Disk.read(tmp_path / "cut" / "record.json", Kept) == Kept(slot="a", release=OLD)
    disk.apply(ops[at + 1])
    disk.lay_out(tmp_path / "later")
    found = Disk.read(tmp_path / "later" / "record.json", Kept)
    assert found is not None and found.candidate is not None
    disk.lay_out(tmp_path / "torn", random.Random(1))
    assert standing(tmp_path / "torn") == OLD


def test_a_release_that_starts_and_does_not_recognise_goes_back_by_itself_and_says_why(world: World) -> None:
    place = world.fresh("bad")
    life = live(Order(place=place, repository=world.repository, root=world.root, release=BAD, limits=STEADY), Shared())
    assert life.verdict is not None, life.error
    assert (life.verdict.state, life.verdict.reason) == ("failed", "selftest_understands")
    assert standing(place) == OLD


def test_a_damaged_record_is_replaced_by_what_stands_there(world: World) -> None:
    place = world.fresh("damaged")
    (place / "record.json").write_text("{}", "utf-8")
    with pytest.raises(Damaged):
        Disk.read(place / "record.json", Kept)
    life = live(Order(place=place, repository=world.repository, root=world.root), Shared())
    assert life.kept is not None and life.kept.release == NEW, life.error


def test_every_forged_release_is_refused_and_nothing_of_it_is_applied(world: World) -> None:
    found = attack_all(world)
    assert found["applied_in_part"] == []
    assert found["refused"] == len(ATTACKS), found["refused_with"]
    assert found["honest_release_taken"]


def test_a_root_is_replaced_by_enough_of_its_keys_and_terminals_follow(world: World, tmp_path: Path) -> None:
    key = new_key(tmp_path / "new-targets.pem")
    repository = Repository(world.repository)
    with pytest.raises(SigningRefused, match="too few"):
        next_root(repository.root(), world.keys.root[:1], now_utc(), replaced={"targets": key})
    before = root_version(repository.root())
    repository.rotate(next_root(repository.root(), world.keys.root[:2], now_utc(), replaced={"targets": key}))
    repository.publish({**world.keys.online, "targets": key}, now_utc())
    assert root_version(repository.root()) == before + 1
    life = live(Order(place=world.fresh("rotated"), repository=world.repository, root=world.root), Shared())
    assert life.kept is not None and life.kept.release == NEW, life.error


def test_the_process_takes_a_release_from_a_stick(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, root, site = world.fresh("stick"), tmp_path / "root.json", tmp_path / "site.toml"
    root.write_bytes(world.root)
    text = Path("config/sites/qinghe-binjiang.toml").read_text("utf-8")
    site.write_text(f"{text}\n[updates]\nbegins = 00:00:00\nends = 23:59:59\nquiet_s = 0\ntrial_s = 0.5\n", "utf-8")
    status = main(
        ["--place", str(place), "--root", str(root), "--site", str(site), "--folder", str(world.repository),
         "--wanted", NEW, "--child", "software/terminal.py"]
    )  # fmt: skip
    assert status == 0 and json.loads(capsys.readouterr().out)["state"] == "done"
    assert standing(place) == NEW
    assert Place(place).pointed(Place(place).proved) == "b"
