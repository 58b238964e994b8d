"""Gives free memory back to the system: between two visits, what a visitor left in freed pages goes with it.

glibc keeps what was freed in the middle of its heaps. Thirty threads that allocate at once reach a new height now and
then, and the heaps never come down by themselves: the core grew by 4 MB in an hour of conversation that way. jemalloc,
by which the core allocates where it is installed, returns pages by itself, a second later.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from functools import cache
from typing import Final

ALL_ARENAS: Final = b"arena.4096.purge"  # jemalloc's name for all of them (MALLCTL_ARENAS_ALL)


@cache
def _way() -> Callable[[], bool] | None:
    """jemalloc's `mallctl`, else `malloc_trim(3)`; None where the C library has neither."""
    library = ctypes.CDLL(None)
    for name, way in (("mallctl", _purge), ("malloc_trim", _trim)):
        if hasattr(library, name):
            return way(library)
    return None


def _purge(library: ctypes.CDLL) -> Callable[[], bool]:
    library.mallctl.argtypes = [
        ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t,
    ]  # fmt: skip
    return lambda: library.mallctl(ALL_ARENAS, None, None, None, 0) == 0


def _trim(library: ctypes.CDLL) -> Callable[[], bool]:
    library.malloc_trim.argtypes = [ctypes.c_size_t]
    return lambda: bool(library.malloc_trim(0))


def settle() -> None:
    """What is there now stays: Python's search for cycles leaves it out from now on.

    To be called when models and entries are loaded. Their 250,000 objects and more made each full search 75 ms long,
    during which nothing of the terminal moves, whenever it happened to come.
    """
    gc.freeze()


def give_back() -> bool:
    """Blocking, some milliseconds, without holding the interpreter. False: nothing was given, or nobody to ask."""
    way = _way()
    return way() if way else False
