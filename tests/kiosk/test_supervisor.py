"""The small parent: restarts what died, gives up on what dies too often, ends all within its time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from kiosk.runtime.supervisor import (
    ALLOCATOR,
    BUDGET,
    CORE_ALLOCATOR,
    ROOT,
    SCREEN_ALLOCATOR,
    Child,
    ChildFailed,
    Stopped,
    Supervisor,
    unless,
)

pytestmark = pytest.mark.contract

ALLOCATORS = ("MALLOC_", "GLIBC_", "LD_PRELOAD", "NUMPY_")


def child(tmp_path: Path, name: str, code: str, **more: object) -> Child:
    return Child(name=name, argv=[sys.executable, "-c", code], log=tmp_path / f"{name}.log", **more)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_child_that_is_killed_comes_back_within_two_seconds(tmp_path: Path) -> None:
    supervisor = Supervisor()
    await supervisor.start(child(tmp_path, "lasting", "import time; time.sleep(60)"))
    first = supervisor.pid("lasting")
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(2):
        while not any(process.pid != first for _, process in supervisor._running):
            await asyncio.sleep(0.05)
    assert supervisor.tally_restarts == 1
    await supervisor.stop()


async def test_a_child_is_started_again_when_a_file_of_its_name_asks_for_it(tmp_path: Path) -> None:
    supervisor, folder = Supervisor(), tmp_path / "restart"
    folder.mkdir()
    await supervisor.start(child(tmp_path, "lasting", "import time; time.sleep(60)"))
    await supervisor.start(child(tmp_path, "beside", "import time; time.sleep(60)"))
    first, beside = supervisor.pid("lasting"), supervisor.pid("beside")
    following = asyncio.create_task(supervisor.follow(folder))
    (folder / "lasting").touch()
    (folder / "nobody").touch()
    async with asyncio.timeout(20):
        while supervisor.tally_asked == 0 or not any(child.name == "lasting" for child, _ in supervisor._running):
            await asyncio.sleep(0.05)
    assert supervisor.pid("lasting") != first and not alive(first) and supervisor.pid("beside") == beside
    assert [path.name for path in folder.iterdir()] == ["nobody"] and supervisor.ended.empty()
    assert supervisor.tally_restarts == 0  # nothing died
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await supervisor.stop()


async def test_a_signal_is_not_kept_waiting_by_a_child_that_is_still_starting(tmp_path: Path) -> None:
    supervisor, stop = Supervisor(), asyncio.Event()
    slow = child(tmp_path, "slow", "import time; time.sleep(20); print('{}', flush=True)", ready_line=True)
    asyncio.get_running_loop().call_later(0.3, stop.set)
    began = time.monotonic()
    with pytest.raises(Stopped):
        await unless(stop, supervisor.start(slow))
    pid = supervisor.pid("slow")
    await supervisor.stop()
    assert time.monotonic() - began < 3 and not alive(pid)


async def test_what_ends_before_the_signal_gives_its_result_or_its_error() -> None:
    async def fails() -> None:
        raise ChildFailed("no")

    assert await unless(asyncio.Event(), asyncio.sleep(0, "done")) == "done"
    with pytest.raises(ChildFailed):
        await unless(asyncio.Event(), fails())


async def test_a_child_that_dies_at_once_is_tried_five_times_and_then_reported(tmp_path: Path) -> None:
    supervisor = Supervisor()
    await supervisor.start(child(tmp_path, "hopeless", "raise SystemExit(3)"))
    async with asyncio.timeout(15):
        assert await supervisor.ended.get() == ("hopeless", 3)
    assert supervisor.tally_restarts == BUDGET - 1
    await supervisor.stop()


async def test_a_child_that_will_not_end_is_ended_within_three_seconds_with_the_rest(tmp_path: Path) -> None:
    supervisor = Supervisor()
    stubborn = "import signal,time; signal.signal(15, signal.SIG_IGN); print('{}', flush=True); time.sleep(60)"
    await supervisor.start(child(tmp_path, "stubborn", stubborn, ready_line=True))
    await supervisor.start(child(tmp_path, "willing", "import time; time.sleep(60)"))
    pids = [supervisor.pid("stubborn"), supervisor.pid("willing")]
    began = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - began < 3
    assert not any(alive(pid) for pid in pids)


async def test_a_child_that_never_says_it_is_ready_is_named_with_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor()
    with pytest.raises(ChildFailed, match=r"mute did not come up; its log: .*mute\.log"):
        await supervisor.start(child(tmp_path, "mute", "print('hello')", ready_line=True))
    await supervisor.stop()


async def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = (
        "import asyncio, sys, pathlib\n"
        "from kiosk.runtime.supervisor import Child, Supervisor\n"
        "async def main():\n"
        "    s = Supervisor()\n"
        "    await s.start(Child(name='c', argv=[sys.executable, '-c', 'import time; time.sleep(60)'],"
        f" log=pathlib.Path({str(tmp_path / 'c.log')!r})))\n"
        "    print(s.pid('c'), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).resolve().parents[2]
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    assert alive(pid)
    process.kill()
    await process.wait()
    async with asyncio.timeout(3):
        while alive(pid):
            await asyncio.sleep(0.05)


async def test_a_childs_allocator_has_fixed_sizes_unless_the_operator_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "3")
    supervisor = Supervisor()
    code = "import json, os; print(json.dumps(dict(os.environ)), flush=True); import time; time.sleep(60)"
    found = await supervisor.start(child(tmp_path, "told", code, ready_line=True))
    await supervisor.stop()
    assert {name: found[name] for name in ALLOCATOR} == {**ALLOCATOR, "MALLOC_ARENA_MAX": "3"}


@pytest.mark.parametrize(("unit", "sizes"), [("core", CORE_ALLOCATOR), ("screen", SCREEN_ALLOCATOR)])
def test_the_units_give_the_allocator_the_sizes_that_the_small_parent_gives(unit: str, sizes: dict[str, str]) -> None:
    text = (ROOT / "systemd" / f"yingbin-{unit}.service").read_text("utf-8")
    said = [one for line in text.splitlines() if line.startswith("Environment=") for one in line[12:].split()]
    assert {one for one in said if one.startswith(ALLOCATORS)} == {f"{name}={size}" for name, size in sizes.items()}
