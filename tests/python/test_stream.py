"""`async for` and `iterator()`: every row once, in the result mode, and the connection comes back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import MODELS, Note, Parcel, filled, memory, served
from servers import Server

from oxyde import (
    Count,
    DatabaseError,
    F,
    InterfaceError,
    PoolSettings,
    TransactionAbortedError,
    atomic,
    create_tables,
    db,
    execute_raw,
)

ROWS = 300


@pytest_asyncio.fixture
async def database(empty_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    settings = PoolSettings(max_connections=4, acquire_timeout=5)
    async with db.connect(empty_database.url, settings=settings) as opened:
        await create_tables(opened, models=MODELS)
        await Parcel.objects.bulk_create([Parcel(ref=f"R{n:04}", weight=n % 7) for n in range(ROWS)])
        yield opened
        await quiet(opened)


async def quiet(database: db.AsyncDatabase, seconds: float = 5) -> None:
    """Nobody holds a connection, and the pool gives one."""
    end = asyncio.get_running_loop().time() + seconds
    while database.stats().busy:
        assert asyncio.get_running_loop().time() < end, database.stats()
        await asyncio.sleep(0.005)
    assert await Parcel.objects.count() >= 0


REFS = [f"R{n:04}" for n in range(ROWS)]


@pytest.mark.parametrize("size", [1, 7, ROWS - 1, ROWS, ROWS + 1, 100_000])
async def test_every_row_comes_once_and_in_order(database: db.AsyncDatabase, size: int) -> None:
    rows = [row async for row in Parcel.objects.order_by("ref").iterator(chunk_size=size)]
    assert [row.ref for row in rows] == REFS
    assert rows == await Parcel.objects.order_by("ref").all()


async def test_queries_and_managers_are_async_iterable(database: db.AsyncDatabase) -> None:
    assert len([row async for row in Parcel.objects]) == ROWS
    assert [row.ref async for row in Parcel.objects.order_by("-ref")[:2]] == ["R0299", "R0298"]
    assert [row async for row in Parcel.objects.none()] == []
    assert [row async for row in Parcel.objects.filter(ref="nobody")] == []


async def test_rows_have_the_result_mode(database: db.AsyncDatabase) -> None:
    query = Parcel.objects.order_by("ref")[:3]
    assert [row async for row in query.values("ref")] == [{"ref": ref} for ref in REFS[:3]]
    assert [row async for row in query.values_list("ref", "weight")] == [
        ("R0000", 0),
        ("R0001", 1),
        ("R0002", 2),
    ]
    assert [row async for row in query.values_list("ref", flat=True)] == REFS[:3]
    annotated = [row async for row in query.annotate(twice=F("weight") * 2)]
    assert [(type(row), row.twice) for row in annotated] == [(Parcel, 0), (Parcel, 2), (Parcel, 4)]
    groups = Parcel.objects.annotate(n=Count("*")).group_by("weight").order_by("weight").values("weight", "n")
    assert [row["n"] async for row in groups.iterator(chunk_size=2)] == [43, 43, 43, 43, 43, 43, 42]


async def test_arguments_are_checked_at_the_call() -> None:
    async with memory():
        for bad in (0, -1):
            with pytest.raises(ValueError, match="chunk_size"):
                Parcel.objects.iterator(chunk_size=bad)
        for wrong in (2.0, "7", True, None):
            with pytest.raises(TypeError, match="chunk_size"):
                Parcel.objects.iterator(chunk_size=wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            for _ in Parcel.objects.query():  # type: ignore[attr-defined]
                pass


async def test_a_row_that_is_wrong_raises_and_ends_the_stream(database: db.AsyncDatabase) -> None:
    await Parcel.objects.filter(ref="R0150").update(weight=F("weight") - 100)
    stream = Parcel.objects.order_by("ref").iterator(chunk_size=100)
    seen = 0
    with pytest.raises(ValueError, match="greater than or equal"):
        async for _ in stream:
            seen += 1
    assert seen == 100
    with pytest.raises(StopAsyncIteration):
        await stream.__anext__()
    await quiet(database)


async def test_a_statement_that_fails_raises_when_it_is_awaited(database: db.AsyncDatabase) -> None:
    await execute_raw("DROP TABLE notes")
    stream = Note.objects.iterator()
    with pytest.raises(DatabaseError, match="notes"):
        await stream.__anext__()


# --- leaving early --------------------------------------------------------------------------------


async def test_break_gives_the_connection_back(database: db.AsyncDatabase) -> None:
    for _ in range(12):  # three times as many as there are connections
        async for row in Parcel.objects.order_by("ref").iterator(chunk_size=5):
            if row.ref == "R0007":
                break
    await quiet(database)


async def test_leaving_by_an_exception_gives_the_connection_back(database: db.AsyncDatabase) -> None:
    for _ in range(12):
        with pytest.raises(ZeroDivisionError):
            async for row in Parcel.objects.order_by("ref").iterator(chunk_size=5):
                assert row.weight // 0 == 1
    await quiet(database)


async def test_aclose_ends_the_stream(database: db.AsyncDatabase) -> None:
    stream = Parcel.objects.order_by("ref").iterator(chunk_size=5)
    assert (await stream.__anext__()).ref == "R0000"
    assert database.stats().busy == 1
    await stream.aclose()
    await quiet(database)
    assert [row async for row in stream] == []
    await stream.aclose()
    async with contextlib.aclosing(Parcel.objects.order_by("ref").iterator(chunk_size=5)) as rows:
        async for _ in rows:
            break
    await quiet(database)


async def test_a_stream_that_was_never_begun_holds_nothing(database: db.AsyncDatabase) -> None:
    stream = Parcel.objects.iterator()
    assert database.stats().busy == 0
    await stream.aclose()
    del stream
    Parcel.objects.iterator()


async def test_a_stream_in_a_cycle_is_collected(database: db.AsyncDatabase) -> None:
    class Holder:
        rows: Any
        self: Any

    holder = Holder()
    holder.self, holder.rows = holder, Parcel.objects.order_by("ref").iterator(chunk_size=5)
    await holder.rows.__anext__()
    assert database.stats().busy == 1
    del holder
    gc.collect()
    await quiet(database)


async def test_cancelling_the_task_ends_the_stream(database: db.AsyncDatabase) -> None:
    begun = asyncio.Event()

    async def body() -> None:
        async for _ in Parcel.objects.order_by("ref").iterator(chunk_size=5):
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(body())
    await asyncio.wait_for(begun.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    await quiet(database)


async def test_closing_the_pool_ends_a_stream(database: db.AsyncDatabase) -> None:
    stream = Parcel.objects.order_by("ref").iterator(chunk_size=5)
    await stream.__anext__()
    began = asyncio.get_running_loop().time()
    await database.disconnect(timeout=0.1)
    assert asyncio.get_running_loop().time() - began < 4
    with pytest.raises(InterfaceError, match="ended early"):
        async for _ in stream:
            pass
    await database.connect()


async def test_two_tasks_cannot_wait_for_the_same_row(database: db.AsyncDatabase) -> None:
    stream = Parcel.objects.order_by("ref").iterator(chunk_size=ROWS)
    one, other = stream.__anext__(), stream.__anext__()

    async def row(step: Any) -> Any:
        return await step

    first = asyncio.create_task(row(one))
    second = asyncio.create_task(row(other))
    done = await asyncio.gather(first, second, return_exceptions=True)
    refs = [getattr(item, "ref", None) for item in done]
    # Where the first one does not wait, the second comes after it; else it is told.
    assert refs[0] == "R0000"
    assert refs[1] == "R0001" or isinstance(done[1], RuntimeError)
    with pytest.raises(RuntimeError, match="reuse"):
        await one


async def test_a_stream_belongs_to_its_event_loop(database: db.AsyncDatabase) -> None:
    stream = Parcel.objects.order_by("ref").iterator(chunk_size=5)
    await stream.__anext__()

    def elsewhere() -> BaseException | None:
        async def body() -> None:
            async for _ in stream:
                pass

        try:
            asyncio.run(body())
        except InterfaceError as error:
            return error
        return None

    error = await asyncio.to_thread(elsewhere)
    assert error is not None and "another event loop" in str(error)
    await stream.aclose()


# --- others on the same connection -------------------------------------------------------------------


async def test_statements_of_the_body_outside_a_transaction(database: db.AsyncDatabase) -> None:
    seen = 0
    async for row in Parcel.objects.order_by("ref").iterator(chunk_size=50):
        if seen % 40 == 0:
            assert await Parcel.objects.filter(id=row.id).update(note="seen") == 1
        seen += 1
    assert seen == ROWS
    assert await Parcel.objects.filter(note="seen").count() == 8


async def test_the_body_never_waits_for_its_own_stream(fresh_database: Server) -> None:
    """With one connection, the body's statement gets it, and the stream goes on with what was read."""
    url = "sqlite://:memory:" if fresh_database.backend == "sqlite" else fresh_database.url
    settings = PoolSettings(max_connections=1, acquire_timeout=2)
    async with served(fresh_database, MODELS) as opened:
        await opened.disconnect()
        async with db.connect(url, settings=settings) as single:
            if fresh_database.backend == "sqlite":
                await create_tables(single, models=MODELS)
            await Parcel.objects.bulk_create([Parcel(ref=ref) for ref in REFS])
            refs = []
            async for row in Parcel.objects.order_by("ref").iterator(chunk_size=3):
                refs.append(row.ref)
                if len(refs) in (1, 8, 250):
                    async with atomic():
                        await Parcel.objects.filter(id=row.id).update(note="seen")
            assert refs == REFS
            assert await Parcel.objects.filter(note="seen").count() == 3
            assert single.stats().timeouts == 0


async def test_statements_inside_the_transaction(database: db.AsyncDatabase) -> None:
    async with atomic():
        refs = []
        async for row in Parcel.objects.order_by("ref").iterator(chunk_size=20):
            refs.append(row.ref)
            if len(refs) in (1, 20, 21, 155, ROWS):
                await Parcel.objects.filter(id=row.id).update(weight=50)
                assert await Parcel.objects.filter(weight=50).count() >= 1
        assert refs == REFS
    assert await Parcel.objects.filter(weight=50).count() == 5


async def test_a_stream_sees_the_rows_as_they_were_when_it_began(database: db.AsyncDatabase) -> None:
    async with atomic():
        weights = []
        async for row in Parcel.objects.filter(weight=0).order_by("ref").iterator(chunk_size=4):
            if not weights:
                await Parcel.objects.filter(weight=0).update(weight=1)
            weights.append(row.weight)
        assert weights == [0] * 43


async def test_two_streams_in_one_transaction(database: db.AsyncDatabase) -> None:
    async with atomic():
        pairs = []
        async for outer in Parcel.objects.filter(weight=6).order_by("ref").iterator(chunk_size=2):
            if len(pairs) > 40:
                break
            async for inner in (
                Parcel.objects.filter(weight=outer.weight).order_by("ref").iterator(chunk_size=3)
            ):
                pairs.append((outer.ref, inner.ref))
                if inner.ref >= outer.ref:
                    break
        assert pairs[:3] == [("R0006", "R0006"), ("R0013", "R0006"), ("R0013", "R0013")]
        left, right = (Parcel.objects.order_by("ref").iterator(chunk_size=7) for _ in range(2))
        together = [(a.ref, b.ref) async for a, b in zipped(left, right)]
        assert together == list(zip(REFS, REFS, strict=True))


async def zipped(left: AsyncIterator[Any], right: AsyncIterator[Any]) -> AsyncIterator[tuple[Any, Any]]:
    async for row in left:
        yield row, await right.__anext__()


async def test_leaving_early_leaves_the_transaction_intact(database: db.AsyncDatabase) -> None:
    async with atomic():
        await Parcel.objects.filter(ref="R0000").update(weight=99)
        async for _ in Parcel.objects.order_by("ref").iterator(chunk_size=2):
            break
        assert await Parcel.objects.filter(weight=99).count() == 1
        async for _ in Parcel.objects.order_by("ref").iterator(chunk_size=2):
            break
    async with atomic():  # a break right before the end of the block
        await Parcel.objects.filter(ref="R0001").update(weight=99)
        async for _ in Parcel.objects.order_by("ref"):
            break
    assert await Parcel.objects.filter(weight=99).count() == 2


async def test_a_stream_ends_with_its_transaction(database: db.AsyncDatabase) -> None:
    async with atomic():
        kept = Parcel.objects.order_by("ref").iterator(chunk_size=3)
        assert (await kept.__anext__()).ref == "R0000"
    assert [(await kept.__anext__()).ref for _ in range(2)] == ["R0001", "R0002"]  # those it had
    with pytest.raises(InterfaceError):
        await kept.__anext__()
    await quiet(database)


async def test_a_stream_and_a_savepoint_that_is_rolled_back(database: db.AsyncDatabase) -> None:
    async with atomic():
        with contextlib.suppress(ZeroDivisionError):
            async with atomic():
                kept = Parcel.objects.order_by("ref").iterator(chunk_size=3)
                await kept.__anext__()
                raise ZeroDivisionError
        await kept.aclose()
        assert await Parcel.objects.count() == ROWS
        outer = Parcel.objects.order_by("ref").iterator(chunk_size=3)
        refs = [(await outer.__anext__()).ref]
        with contextlib.suppress(ZeroDivisionError):
            async with atomic():
                await Parcel.objects.update(weight=3)
                raise ZeroDivisionError
        refs += [row.ref async for row in outer]
        assert refs == REFS


async def test_what_a_dropped_stream_read_can_be_altered(database: db.AsyncDatabase) -> None:
    """PostgreSQL refuses that while a cursor is open."""
    async with atomic():
        async for _ in Note.objects.iterator(chunk_size=1):
            pass
        async for _ in Parcel.objects.iterator(chunk_size=1):
            break
        await execute_raw("DROP TABLE notes")
        if database.backend == "postgres":
            await execute_raw("ALTER TABLE parcels ADD COLUMN more int")


async def test_an_error_of_the_body_fails_the_block_only_where_it_did_before(
    database: db.AsyncDatabase,
) -> None:
    seen = 0
    try:
        async with atomic():
            async for _ in Parcel.objects.order_by("ref").iterator(chunk_size=10):
                seen += 1
                if seen == 15:
                    with contextlib.suppress(RuntimeError):
                        await execute_raw("SELECT nothing FROM nowhere")
    except TransactionAbortedError:
        assert database.backend == "postgres"
        assert seen == 20
    else:
        assert database.backend != "postgres"
        assert seen == ROWS


async def test_rows_and_time_are_reported_once(database: db.AsyncDatabase) -> None:
    with db.capture_queries() as log:
        async for _ in Parcel.objects.iterator(chunk_size=50):
            if len(log) == 0:
                await asyncio.sleep(0.002)
        async for _ in Parcel.objects.iterator(chunk_size=50):
            break
        async with atomic():
            async for _ in Parcel.objects.iterator(chunk_size=50):
                pass
    reads = [event for event in log if event.operation == "SELECT"]
    assert [event.rows for event in reads] == [ROWS, 50, ROWS]
    assert all(event.error is None for event in log)
    assert reads[0].duration < 0.002 * ROWS


async def test_the_example_of_the_contract() -> None:
    async with filled():
        seen = [parcel.ref async for parcel in Parcel.objects.filter(weight__gte=4).order_by("ref")]
        assert seen == ["A2", "A3", "A4"]
