"""What all tests share: virtual time, and a check that nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import selectors
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before anything imports onnxruntime
os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")

# threads that live as long as the process by their library's design
LASTING_THREADS = ("asyncio_", "pytest", "raylet", "tokio", "lk_")


class _JumpingSelector(selectors.BaseSelector):
    """Never waits: a time-out that would be waited for moves the clock instead."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()
        self.now_s = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._inner.select(0)
        if not ready and timeout:
            self.now_s += timeout
        return ready

    def get_map(self) -> Any:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer: exact, instant, the same each time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


@pytest.fixture
def virtual() -> Iterator[VirtualTimeLoop]:
    """Run coroutines with `virtual.run_until_complete(...)`; sleeping costs nothing."""
    loop = VirtualTimeLoop()
    asyncio.set_event_loop(loop)
    yield loop
    left = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()
    asyncio.set_event_loop(None)
    assert not left, f"tasks left running: {[task.get_name() for task in left]}"


@pytest.fixture(autouse=True)
async def _no_task_left(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """A test that leaves a task running fails."""
    yield
    if "virtual" in request.fixturenames:
        return
    await asyncio.sleep(0)
    mine = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not mine and not task.done()]
    assert not left, f"tasks left running: {[task.get_name() for task in left]}"


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """A test that leaves a thread of ours running fails."""
    before = set(threading.enumerate())
    yield
    left = []
    for thread in set(threading.enumerate()) - before:
        if thread.daemon or thread.name.startswith(LASTING_THREADS):
            continue
        thread.join(2)
        if thread.is_alive():
            left.append(thread.name)
    assert not left, f"threads left running: {left}"
