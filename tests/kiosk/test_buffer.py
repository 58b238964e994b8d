"""Buffers between stages: bounded, counted, and closed without losing anybody's wait."""

from __future__ import annotations

import asyncio

import pytest

from kiosk.runtime.buffer import Buffer, Closed

pytestmark = pytest.mark.unit


async def test_a_full_microphone_buffer_drops_its_oldest_frame_and_counts_it() -> None:
    buffer: Buffer[int] = Buffer(3, "drop_oldest")
    for frame in range(5):
        buffer.offer(frame)
    assert buffer.tally_dropped == 2
    assert [await buffer.get() for _ in range(3)] == [2, 3, 4]


async def test_a_camera_buffer_keeps_only_the_latest() -> None:
    buffer: Buffer[int] = Buffer(9, "latest_only")
    for frame in range(4):
        buffer.offer(frame)
    assert await buffer.get() == 3
    assert buffer.tally_dropped == 3


async def test_a_waiting_buffer_makes_its_writer_wait_and_loses_nothing() -> None:
    buffer: Buffer[int] = Buffer(2, "wait")

    async def write() -> None:
        for item in range(20):
            await buffer.put(item)
        buffer.close()

    writer = asyncio.create_task(write())
    assert [item async for item in buffer] == list(range(20))
    await writer
    assert buffer.tally_dropped == 0


async def test_closing_wakes_reader_and_writer() -> None:
    empty: Buffer[int] = Buffer(1, "wait")
    full: Buffer[int] = Buffer(1, "wait")
    full.offer(1)
    reader, writer = asyncio.create_task(empty.get()), asyncio.create_task(full.put(2))
    await asyncio.sleep(0)
    empty.close()
    full.close()
    for task in (reader, writer):
        with pytest.raises(Closed):
            await task


def test_a_bound_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Buffer(0, "wait")
