"""A stream that is cancelled, wherever it waits, gives its connection back and harms nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from cancelling import Moment, drive
from parcels import MODELS, Parcel
from servers import Server

from oxyde import PoolSettings, atomic, create_tables, db

ROWS = 3000
# Whatever is waited for is waited for in the loop, where a task can be cancelled.
WAITING: dict[str, Any] = {"sqlite_inline_budget": 0, "network_inline_budget": 0}
MOMENTS = ((0, 0.0), (1, 0.0), (2, 0.0), (0, 0.0004), (0, 0.003))


@pytest_asyncio.fixture
async def database(empty_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    settings = PoolSettings(max_connections=2, acquire_timeout=10, **WAITING)
    async with db.connect(empty_database.url, settings=settings) as opened:
        await create_tables(opened, models=MODELS)
        await Parcel.objects.bulk_create(
            [Parcel(ref=f"R{n:04}", extra={"text": "x" * 600}) for n in range(ROWS)]
        )
        yield opened


async def plain() -> int:
    return len([row async for row in Parcel.objects.iterator(chunk_size=700)])


async def asking() -> int:
    seen = 0
    async for _ in Parcel.objects.iterator(chunk_size=700):
        seen += 1
        if seen % 500 == 1:
            async with atomic():
                assert await Parcel.objects.count() == ROWS
                assert await Parcel.objects.count() == ROWS
    return seen


async def inside() -> int:
    seen = 0
    async with atomic():
        async for row in Parcel.objects.iterator(chunk_size=700):
            seen += 1
            if seen % 500 == 1:
                assert await Parcel.objects.filter(id=row.id).update(weight=9) == 1
        async for _ in Parcel.objects.iterator(chunk_size=10):
            break
        await Parcel.objects.filter(weight=9).update(weight=0)
    return seen


async def two_at_once() -> int:
    return sum(await asyncio.gather(plain(), asking())) // 2


@pytest.mark.parametrize("call", [plain, asking, inside, two_at_once])
async def test_cancelled_at_every_await_point(database: db.AsyncDatabase, call: object) -> None:
    assert callable(call)
    await drive(call())
    whole = await drive(call())
    assert whole.error is None and whole.result == ROWS
    cancelled = 0
    for point in range(1, whole.points + 1):
        for turns, seconds in MOMENTS:
            outcome = await drive(call(), Moment(point, turns, seconds))
            assert outcome.error is None, outcome.error
            cancelled += outcome.cancelled
    assert cancelled > 0
    end = asyncio.get_running_loop().time() + 5
    while database.stats().busy or database.stats().waiting:
        assert asyncio.get_running_loop().time() < end, database.stats()
        await asyncio.sleep(0.005)
    assert await Parcel.objects.filter(weight=9).count() == 0
    assert (await drive(call())).result == ROWS
