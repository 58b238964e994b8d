"""Free memory goes back to the system after a visit."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from kiosk import chores
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.supervisor import CORE_ALLOCATOR

pytestmark = pytest.mark.contract

# Blocks below the size that has pages of its own, freed but for each hundredth: the heap cannot shrink by itself.
HOLES = """
import ctypes, os, sys
sys.path.insert(0, os.getcwd())
from kiosk.runtime.memory import give_back
def mine():
    text = open("/proc/self/smaps_rollup").read()
    return sum(int(l.split()[1]) for l in text.splitlines() if l.startswith("Private_Dirty")) / 1024
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
blocks = [libc.malloc(100_000) for _ in range(1_000)]
for block in blocks:
    ctypes.memset(block, 1, 100_000)
for number, block in enumerate(blocks):
    if number % 100 != 99:
        libc.free(block)
before = mine()
given = give_back()
print(int(given), before - mine())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="malloc_trim is glibc's")
def test_holes_in_the_heap_go_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOLES], capture_output=True, text=True, timeout=60, check=True,
        env={"MALLOC_MMAP_THRESHOLD_": str(512 * 1024), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    given, megabytes = done.stdout.split()
    assert given == "1" and float(megabytes) > 60


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libraries are put before others by Linux's loader")
def test_so_they_do_by_what_the_core_allocates_with() -> None:
    never = CORE_ALLOCATOR["MALLOC_CONF"].replace("dirty_decay_ms:1000", "dirty_decay_ms:-1")  # not by itself
    done = subprocess.run(
        [sys.executable, "-c", HOLES], capture_output=True, text=True, timeout=60, check=True,
        env={**CORE_ALLOCATOR, "MALLOC_CONF": never, "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    given, megabytes = done.stdout.split()
    assert "cannot be preloaded" not in done.stderr, "apt-get install libjemalloc2"
    assert given == "1" and float(megabytes) > 60


def test_it_goes_back_once_after_each_visit_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []

    def counted() -> bool:
        called.append(True)
        return True

    monkeypatch.setattr(chores, "give_back", counted)
    monkeypatch.setattr(chores, "SETTLED_S", 0.05)

    async def visits() -> chores.GivesBack:
        gives = chores.GivesBack(SystemClock())
        work = asyncio.create_task(gives.run())
        await asyncio.sleep(0.2)
        assert not called
        for count in (1, 2):
            gives.visit_ended()
            async with asyncio.timeout(20):  # a large process searches long for cycles before it
                while len(called) < count:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            assert len(called) == count
        work.cancel()
        return gives

    assert asyncio.run(visits()).tally_given == 2


SETTLED = """
import gc, os, sys, time
sys.path.insert(0, os.getcwd())
from kiosk.runtime.memory import settle
entries = [{"asked": [str(n)], "answer": {n: [n]}} for n in range(200_000)]
def searched():
    began = time.perf_counter()
    gc.collect()
    return time.perf_counter() - began
searched()
before = searched()
settle()
print(before / searched())
class Knot: ...
knot = Knot()
knot.itself, gone = knot, __import__("weakref").ref(knot)
del knot
searched()
print(gone() is None)
"""


def test_what_was_loaded_at_the_start_is_not_searched_again_and_a_visits_cycles_are() -> None:
    done = subprocess.run([sys.executable, "-c", SETTLED], capture_output=True, text=True, timeout=60, check=True)
    times, gone = done.stdout.split()
    assert float(times) > 5 and gone == "True"
