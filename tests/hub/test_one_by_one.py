"""Acts of a desk's page: none is done twice by a held key, and none is lost because another is not over yet."""

from __future__ import annotations

import asyncio

import pytest

from hub.desk.frame import OneByOne

pytestmark = pytest.mark.unit


async def test_another_act_waits_and_the_same_one_does_nothing() -> None:
    acting, done, go = OneByOne(), list[str](), asyncio.Event()

    async def accept() -> None:
        await go.wait()
        done.append("accept")

    async def begin() -> None:
        done.append("begin")

    async def drawn() -> None:
        done.append("drawn")

    presses = [asyncio.create_task(acting.do("accept", accept, drawn)) for _ in range(3)]
    await asyncio.sleep(0)
    presses.append(asyncio.create_task(acting.do("begin", begin, drawn)))
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*presses)
    assert done == ["accept", "drawn", "begin", "drawn"]


async def test_an_act_that_fails_leaves_the_page_able_to_act() -> None:
    acting, done = OneByOne(), list[str]()

    async def fails() -> None:
        raise RuntimeError("the database is away")

    async def works() -> None:
        done.append("works")

    async def drawn() -> None:
        done.append("drawn")

    with pytest.raises(RuntimeError):
        await acting.do("next", fails, drawn)
    await acting.do("next", works, drawn)
    assert done == ["works", "drawn"]
