"""bulk_create() of several statements: on PostgreSQL they are sent before the first is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from servers import Server
from test_prefetch_flight import Flights

from oxyde import (
    Field,
    Model,
    OxydeError,
    PoolSettings,
    UniqueViolationError,
    atomic,
    create_tables,
    db,
)
from oxyde._core import DO_INSERT, SINK_REFILL, InsertState, flight, operation

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 10  # rows of a statement


class Stamp(Model):
    id: int | None = Field(default=None, db_pk=True)
    code: int = Field(db_unique=True)
    label: str = "-"

    class Meta:
        is_table = True
        table_name = "stamps"


def stamps(number: int, first: int = 0) -> list[Stamp]:
    return [Stamp(code=first + n, label=f"L{n}") for n in range(number)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stamped(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with db.connect(fresh_database.url, settings=PoolSettings(max_connections=3)) as opened:
        await create_tables(opened, models=[Stamp])
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def database(stamped: db.AsyncDatabase) -> AsyncIterator[db.AsyncDatabase]:
    await Stamp.objects.delete()
    yield stamped
    async with asyncio.timeout(20):
        assert await Stamp.objects.count() >= 0  # every connection still answers
    assert stamped.stats().busy == 0


async def check(rows: list[Stamp]) -> None:
    assert await Stamp.objects.order_by("code").all() == sorted(rows, key=lambda row: row.code)


@pytest.mark.parametrize("number", [SIZE + 1, 9 * SIZE, 9 * SIZE + 1, 10 * SIZE, 30 * SIZE + 3])
async def test_every_row_gets_its_own_key(database: db.AsyncDatabase, number: int) -> None:
    rows = stamps(number)
    with db.capture_queries() as log:
        assert await Stamp.objects.bulk_create(rows, batch_size=SIZE) == rows
    await check(rows)
    writes = [event for event in log if event.operation == "INSERT"]
    assert len(writes) == -(-number // SIZE)
    assert len({event.transaction_id for event in writes}) == 1
    assert all(event.error is None for event in writes)


async def test_statements_travel_together(database: db.AsyncDatabase, fresh_database: Server) -> None:
    if database.backend != "postgres":
        return  # the others answer one statement of a connection at a time
    async with Flights(fresh_database.port) as proxy:
        url = fresh_database.url.replace(f":{fresh_database.port}", f":{proxy.port}")
        async with db.connect(url, name="watched", settings=PoolSettings(max_connections=1)):
            await Stamp.objects.bulk_create(stamps(20), batch_size=SIZE, using="watched")  # prepares
            async with proxy.watched() as binds:
                await Stamp.objects.bulk_create(stamps(110, 20), batch_size=SIZE, using="watched")
            assert binds == [2, 8, 2, 1]  # with BEGIN; the last one is COMMIT
    assert await Stamp.objects.count() == 130


@pytest.mark.parametrize("place", [0, SIZE, 4 * SIZE + 3, 9 * SIZE, 12 * SIZE - 1])
async def test_an_error_takes_all_rows_back(database: db.AsyncDatabase, place: int) -> None:
    await Stamp.objects.create(code=-1)
    rows = stamps(12 * SIZE)
    rows[place].code = -1
    with db.capture_queries() as log, pytest.raises(UniqueViolationError):
        await Stamp.objects.bulk_create(rows, batch_size=SIZE)
    assert [event.error is None for event in log if event.operation == "INSERT"] == [True] * (
        place // SIZE
    ) + [False]
    assert await Stamp.objects.count() == 1
    async with atomic():
        with pytest.raises(UniqueViolationError):
            await Stamp.objects.bulk_create(rows, batch_size=SIZE)
        rows = stamps(12 * SIZE)
        await Stamp.objects.bulk_create(rows, batch_size=SIZE)
    assert await Stamp.objects.filter(code__gte=0).order_by("code").all() == rows


@pytest.mark.parametrize("place", [SIZE, 4 * SIZE + 3, 9 * SIZE])
async def test_a_value_that_cannot_be_sent(database: db.AsyncDatabase, place: int) -> None:
    """Found when those in front are under way."""
    rows = stamps(12 * SIZE)
    rows[place] = Stamp.model_construct(code=object(), label="")
    for _ in range(3):
        with pytest.raises((OxydeError, TypeError, ValueError)):
            await Stamp.objects.bulk_create(rows, batch_size=SIZE)
        assert await Stamp.objects.count() == 0
    async with atomic():
        with pytest.raises((OxydeError, TypeError, ValueError)):
            await Stamp.objects.bulk_create(rows, batch_size=SIZE)
        rows[place] = Stamp(code=place)
        await Stamp.objects.bulk_create(rows, batch_size=SIZE)
    await check(rows)


@pytest.mark.parametrize("place", [0, SIZE, 4 * SIZE + 3, 9 * SIZE])
async def test_it_can_be_cancelled(database: db.AsyncDatabase, place: int) -> None:
    if database.backend == "sqlite":
        return  # has one writer
    rows = stamps(12 * SIZE)
    async with atomic() as block:
        await Stamp.objects.create(code=place)  # whoever writes the same waits for this one

        async def others() -> None:
            await Stamp.objects.bulk_create(rows, batch_size=SIZE, client=database)

        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(others(), 0.3)
        block.set_rollback(True)
    assert await Stamp.objects.count() == 0
    await Stamp.objects.bulk_create(rows, batch_size=SIZE)
    await check(rows)


async def test_conflicts_are_skipped_in_every_statement(database: db.AsyncDatabase) -> None:
    there = [await Stamp.objects.create(code=code, label="there") for code in (3, 17, 88, 119)]
    await Stamp.objects.bulk_create(stamps(12 * SIZE), batch_size=SIZE, ignore_conflicts=True)
    stored = await Stamp.objects.order_by("code").all()
    assert [row.code for row in stored] == list(range(12 * SIZE))
    assert [row for row in stored if row.label == "there"] == there


async def test_tasks_of_one_transaction(database: db.AsyncDatabase) -> None:
    lists = [stamps(10 * SIZE + n, 1000 * n) for n in range(5)]
    async with atomic() as block:
        if database.backend == "sqlite":
            for rows in lists:
                await Stamp.objects.bulk_create(rows, batch_size=SIZE)
        else:
            await Stamp.objects.bulk_create(lists[0], batch_size=SIZE)
            await asyncio.gather(*(Stamp.objects.bulk_create(rows, client=block) for rows in lists[1:]))
    await check([row for rows in lists for row in rows])


async def test_what_may_travel_together(database: db.AsyncDatabase) -> None:
    insert: Any = operation(
        DO_INSERT, InsertState(Stamp, stamps(1)), SINK_REFILL, arg=[Stamp(code=1)], client=database
    )
    read: Any = Stamp.objects.all(client=database)
    for members in ([], [insert, read], [read], [read, insert], [insert, 7]):
        with pytest.raises(ValueError, match="linked reads or of inserts"):
            flight(members)
    await insert
    assert len(await read) == 1
    with pytest.raises(ValueError, match="not awaited yet"):
        flight([insert])
