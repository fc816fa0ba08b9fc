"""A call that is cancelled, wherever it waits, leaves a working pool and no open transaction."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from runtime_support import ENDLESS, SLOW, changed, collected, configured, is_quiet, opened, run, until, value

from oxyde import _core
from oxyde.exceptions import QueryCanceled


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[_core.Database]:
    async with opened(tmp_path / "parcels.db") as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER PRIMARY KEY, ref TEXT)")
        yield database


async def works(database: _core.Database) -> None:
    """The pool is quiet, can write, and holds no transaction open."""
    await is_quiet(database)
    before = await value(database, "SELECT count(*) FROM parcel")
    await changed(database, "INSERT INTO parcel (ref) VALUES ('after')")
    assert await value(database, "SELECT count(*) FROM parcel") == before + 1


async def cancelled(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancel_before_the_start(database: _core.Database) -> None:
    task = asyncio.create_task(changed(database, "INSERT INTO parcel (ref) VALUES ('never')"))
    await cancelled(task)
    assert await value(database, "SELECT count(*) FROM parcel") == 0
    await works(database)


async def test_cancel_of_a_task_that_is_the_operation_itself(database: _core.Database) -> None:
    task = asyncio.create_task(run(database, ENDLESS))
    await asyncio.sleep(0.01)
    await cancelled(task)
    await works(database)


async def test_cancel_while_a_worker_runs_is_immediate(database: _core.Database) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(run(database, ENDLESS))
    await asyncio.sleep(0.02)
    began = loop.time()
    await cancelled(task)
    assert loop.time() - began < 0.1
    await works(database)


async def test_cancel_while_a_worker_writes(database: _core.Database) -> None:
    many = (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000000000) "
        "INSERT INTO parcel (ref) SELECT n FROM c"
    )
    task = asyncio.create_task(changed(database, many))
    await asyncio.sleep(0.05)
    await cancelled(task)
    await is_quiet(database)
    assert await value(database, "SELECT count(*) FROM parcel") == 0
    await works(database)


async def test_cancel_while_waiting_for_the_pool(database: _core.Database) -> None:
    session = await database._acquire("writer", None)
    task = asyncio.create_task(changed(database, "INSERT INTO parcel (ref) VALUES ('never')"))
    await until(lambda: database._stats()["waiting"] == 1)
    await cancelled(task)
    assert database._stats()["waiting"] == 0
    session._release()
    await works(database)


async def test_cancel_after_the_grant_and_before_the_task_ran(database: _core.Database) -> None:
    session = await database._acquire("writer", None)
    task = asyncio.create_task(changed(database, "INSERT INTO parcel (ref) VALUES ('never')"))
    await until(lambda: database._stats()["waiting"] == 1)
    session._release()  # grants at once; the task runs at the loop's next turn
    await cancelled(task)
    await is_quiet(database)
    assert await value(database, "SELECT count(*) FROM parcel") == 0
    await works(database)


async def test_cancel_while_acquiring_a_session(database: _core.Database) -> None:
    session = await database._acquire("writer", None)

    async def acquire() -> None:
        await database._acquire("writer", None)

    waiting = asyncio.create_task(acquire())
    await until(lambda: database._stats()["waiting"] == 1)
    session._release()
    await cancelled(waiting)
    await works(database)


async def test_cancel_inside_a_transaction_leaves_it_open_and_usable(database: _core.Database) -> None:
    session = await database._acquire("writer", None)
    await session._run("BEGIN IMMEDIATE")
    await changed(session, "INSERT INTO parcel (ref) VALUES ('kept')")
    task = asyncio.create_task(run(session, ENDLESS))
    await asyncio.sleep(0.02)
    await cancelled(task)
    await changed(session, "INSERT INTO parcel (ref) VALUES ('kept too')")
    await session._run("COMMIT")
    session._release()
    assert await value(database, "SELECT count(*) FROM parcel") == 2
    await works(database)


async def test_rollback_waits_for_the_cancelled_statement(database: _core.Database) -> None:
    session = await database._acquire("writer", None)
    await session._run("BEGIN IMMEDIATE")
    await changed(session, "INSERT INTO parcel (ref) VALUES ('never')")
    task = asyncio.create_task(run(session, ENDLESS))
    await asyncio.sleep(0.02)
    await cancelled(task)
    await session._run("ROLLBACK")
    assert session._status == "idle"
    session._release()
    assert await value(database, "SELECT count(*) FROM parcel") == 0


async def test_release_while_the_cancelled_statement_still_runs(database: _core.Database) -> None:
    session = await database._acquire("writer", None)
    await session._run("BEGIN IMMEDIATE")
    await changed(session, "INSERT INTO parcel (ref) VALUES ('never')")
    task = asyncio.create_task(run(session, ENDLESS))
    await asyncio.sleep(0.02)
    await cancelled(task)
    session._release()
    await is_quiet(database)
    assert await value(database, "SELECT count(*) FROM parcel") == 0
    await works(database)


async def test_cancel_while_waiting_for_ones_turn_in_a_session(database: _core.Database) -> None:
    session = await database._acquire("writer", None)
    await session._run("BEGIN IMMEDIATE")
    first = asyncio.create_task(run(session, SLOW.format(500_000)))
    await asyncio.sleep(0.005)
    second = asyncio.create_task(changed(session, "INSERT INTO parcel (ref) VALUES ('never')"))
    third = asyncio.create_task(changed(session, "INSERT INTO parcel (ref) VALUES ('kept')"))
    await asyncio.sleep(0)
    await cancelled(second)
    await first
    await third
    await session._run("COMMIT")
    session._release()
    assert [row["ref"] for row in await run(database, "SELECT ref FROM parcel")] == ["kept"]


async def test_cancel_of_opening(tmp_path: Path) -> None:
    database = configured(tmp_path / "other.db")
    task = asyncio.create_task(database._open())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        assert not database._is_open
    await database._open()
    assert await value(database, "SELECT 1") == 1
    await database._close(1)


async def test_cancel_of_closing_still_closes(database: _core.Database) -> None:
    task = asyncio.create_task(run(database, ENDLESS))
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(database._close(60))
    await asyncio.sleep(0.01)
    await cancelled(closing)
    with pytest.raises(QueryCanceled):
        await task
    assert not database._is_open
    await database._open()
    await works(database)


async def test_timeouts_at_every_moment_of_a_statement(database: _core.Database) -> None:
    async def work() -> None:
        await changed(database, "INSERT INTO parcel (ref) VALUES ('maybe')")
        await run(database, SLOW.format(20_000))

    outcomes = set()
    for microseconds in range(0, 6000, 60):
        try:
            await asyncio.wait_for(work(), microseconds / 1e6)
            outcomes.add("done")
        except asyncio.TimeoutError:
            outcomes.add("timed out")
    assert "timed out" in outcomes
    await works(database)


async def test_a_storm_of_cancellations(database: _core.Database) -> None:
    async def one(n: int) -> None:
        await changed(database, "INSERT INTO parcel (ref) VALUES (?)", [str(n)])
        await run(database, SLOW.format(5000))
        session = await database._acquire("writer", None)
        try:
            await session._run("BEGIN IMMEDIATE")
            await changed(session, "INSERT INTO parcel (ref) VALUES (?)", [str(n)])
            await run(session, SLOW.format(5000))
            await session._run("ROLLBACK")
        finally:
            session._release()

    for _ in range(5):
        tasks = [asyncio.create_task(one(n)) for n in range(40)]
        for n, task in enumerate(tasks):
            await asyncio.sleep(0.001 * (n % 3))
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await works(database)
    assert await value(database, "SELECT count(*) FROM parcel GROUP BY ref ORDER BY 1 DESC LIMIT 1") <= 5


async def test_dropped_coroutines_leak_no_connection(database: _core.Database) -> None:
    for _ in range(20):
        operation = run(database, SLOW.format(1_000_000))
        operation.send(None)
        del operation
    gc.collect()
    await works(database)


async def test_closing_a_generator_half_way_leaks_no_connection(database: _core.Database) -> None:
    for _ in range(20):
        operation = run(database, SLOW.format(1_000_000))
        operation.send(None)
        operation.close()
    await works(database)


async def test_cancelled_statements_leave_no_memory_behind(database: _core.Database) -> None:
    async def work() -> None:
        for _ in range(20):
            task = asyncio.create_task(run(database, ENDLESS))
            await asyncio.sleep(0.002)
            await cancelled(task)
        await is_quiet(database)

    await work()
    collected()
    tracemalloc.start()
    await work()
    collected()
    before = tracemalloc.get_traced_memory()[0]
    await work()
    collected()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000
