"""The installer, into a scratch root: what it puts there, twice the same, the other session, and gone again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.image import check
from bench.rollout_world import NEW, OLD, make_world
from kiosk.rollout.slots import Place

pytestmark = pytest.mark.contract
ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("systemd-sysusers", "systemd-tmpfiles", "systemd-analyze")
WANTS = "etc/systemd/system/multi-user.target.wants"
if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
    pytest.skip(f"{', '.join(missing)} not installed: apt-get install systemd", allow_module_level=True)


def run(root: Path, *words: str, status: int = 0) -> str:
    done = subprocess.run(
        [str(ROOT / "systemd" / "install"), *words, "--root", str(root)], capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    return done.stderr


def tree(root: Path) -> dict[str, tuple[int, bytes | str]]:
    """Every file, link and folder with its rights and content; the tools' own lock files aside."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(root.rglob("*")):
        if path.name == ".pwd.lock" or path.name.endswith("-"):
            continue
        mode = path.lstat().st_mode
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[str(path.relative_to(root))] = (mode, content)
    return found


def test_a_terminal_is_installed_twice_the_same_changes_its_session_and_goes(tmp_path: Path) -> None:
    root, trust = tmp_path / "root", tmp_path / "root.json"
    root.mkdir()
    trust.write_text("{}")
    site = ROOT / "config" / "sites" / "qinghe-binjiang.toml"
    options = ("terminal", "--site", str(site), "--trust", str(trust))
    assert "missing" not in run(root, *options)
    first = tree(root)
    (root / "etc" / "yingbin" / "site.toml").write_text("# changed on the spot\n")
    run(root, *options)
    assert (root / "etc" / "yingbin" / "site.toml").read_text() == "# changed on the spot\n"
    (root / "etc" / "yingbin" / "site.toml").write_bytes(site.read_bytes())
    assert tree(root) == first

    enabled = {path.name for path in (root / WANTS).iterdir()}
    parts = {f"yingbin-restart@{part}.path" for part in ("core", "screen", "call", "updater")}
    assert {"yingbin-core.service", "yingbin-updater.service", "yingbin-switch.path", *parts} <= enabled
    assert "yingbin-switch.service" not in enabled  # the path unit starts it
    assert "dialout" in (root / "etc" / "group").read_text()
    identity = root / "var" / "lib" / "yingbin-identity"
    assert identity.stat().st_mode & 0o7777 == 0o2750 and (root / "var/lib/yingbin").stat().st_mode & 0o777 == 0o700
    assert (root / "opt" / "yingbin").is_symlink()
    for prompt in ("getty@tty1.service", "ctrl-alt-del.target"):  # no way out by keys
        assert str((root / "etc/systemd/system" / prompt).readlink()) == "/dev/null"
    xorg = (root / "etc/X11/xorg.conf.d/10-yingbin.conf").read_text()
    assert all(f'"{option}" "true"' in xorg for option in ("DontVTSwitch", "DontZap"))
    found = check(root / "etc" / "systemd" / "system")
    assert found["good"], found

    run(root, "terminal", "--display", "cage")
    assert not (root / "etc/X11/xorg.conf.d/10-yingbin.conf").exists()
    assert not [path for path in (root / WANTS).iterdir() if "display" in path.name]
    cage = (root / "etc/systemd/system/yingbin-screen.service.d/cage.conf").read_text()
    assert "cage -- " in cage and "cage -s" not in cage.split("[Service]")[1]

    (root / "var/lib/yingbin/outbox.sqlite").write_text("owed to the hub")
    run(root, "remove")
    left = [name for name in tree(root) if "yingbin" in name]
    assert sorted(left) == ["etc/yingbin", "etc/yingbin/root.json", "etc/yingbin/site.toml", "var/lib/yingbin",
                            "var/lib/yingbin-identity", "var/lib/yingbin-updater",
                            "var/lib/yingbin/outbox.sqlite"]  # fmt: skip
    assert not (root / "etc/systemd/system/getty@tty1.service").is_symlink()
    run(root, "remove", "--purge")
    assert [name for name in tree(root) if "yingbin" in name] == []
    run(root, "remove", "--purge")  # what is not there cannot be in the way


def test_the_first_release_is_put_into_its_slot_with_the_same_trust(tmp_path: Path) -> None:
    world = make_world(tmp_path / "world", {NEW: "good"}, seed=1, ballast_bytes=60_000)
    root, trust, stranger = tmp_path / "root", tmp_path / "root.json", tmp_path / "stranger.json"
    root.mkdir()
    trust.write_bytes(world.root)
    stranger.write_bytes(world.root.replace(b'"threshold":2', b'"threshold":1').replace(b"2048", b"4096")[:-9] + b"}")
    options = ("terminal", "--display", "none", "--repository", str(world.repository), "--release")
    assert "first release" in run(tmp_path / "other", *options, NEW, "--trust", str(stranger), status=1)
    assert "first release" in run(root, *options, "9.9.9", "--trust", str(trust), status=1)
    for release in (NEW, OLD):  # the second time there is one already
        run(root, *options, release)
        place = Place(root / "var" / "lib" / "yingbin-updater")
        assert place.pointed(place.link) == "a" and NEW in place.record.read_text("utf-8")
    owners = {path.lstat().st_uid for path in place.slots.rglob("*")}
    assert owners == {(root / "var/lib/yingbin-updater").stat().st_uid} and (os.getuid() == 0) is (0 not in owners)
    assert (root / "var/lib/yingbin-updater/current/software/terminal.py").exists()


def test_a_hub_is_installed_and_what_is_not_understood_does_nothing(tmp_path: Path) -> None:
    run(tmp_path, "hub")
    assert {path.name for path in (tmp_path / WANTS).iterdir()} == {
        "yingbin-broker.service", "yingbin-hub.service", "yingbin-releases.service",
    }  # fmt: skip
    before = tree(tmp_path)
    assert "is not known" in run(tmp_path, "terminal", "--colour", status=2)
    assert "cannot be read" in run(tmp_path, "terminal", "--site", "/nowhere.toml", status=2)
    assert "--display" in run(tmp_path, "terminal", "--display", "lcd", status=2)
    assert "systemd/install terminal" in run(tmp_path, "everything", status=2)
    assert tree(tmp_path) == before
