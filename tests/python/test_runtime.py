"""Operations, sessions, pools: one loop, one process."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import sys
import tracemalloc
import warnings
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from runtime_support import (
    ENDLESS,
    SLOW,
    changed,
    collected,
    configured,
    is_quiet,
    opened,
    run,
    until,
    value,
)

from oxyde import _core
from oxyde.exceptions import (
    DataError,
    InterfaceError,
    ManagerError,
    OperationalError,
    PoolTimeoutError,
    ProgrammingError,
    StatementTimeout,
    TransactionAbortedError,
    TransactionTimeoutError,
    UnknownAliasError,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "parcels.db"


# --- the awaitable -------------------------------------------------------------------------


async def test_an_operation_is_a_coroutine_to_asyncio() -> None:
    async with opened() as database:
        operation = run(database, "SELECT 1 AS n")
        assert asyncio.iscoroutine(operation)
        assert await asyncio.create_task(operation) == [{"n": 1}]


async def test_operations_work_with_gather_wait_for_and_timeout() -> None:
    async with opened() as database:
        rows = await asyncio.gather(*(run(database, "SELECT ? AS n", [n]) for n in range(5)))
        assert [row["n"] for (row,) in rows] == [0, 1, 2, 3, 4]
        assert await asyncio.wait_for(run(database, "SELECT 2 AS n"), 5) == [{"n": 2}]
        if sys.version_info >= (3, 11):
            async with asyncio.timeout(5):
                assert await run(database, "SELECT 3 AS n") == [{"n": 3}]


def test_asyncio_run_takes_an_operation() -> None:
    database = configured()
    asyncio.run(database._open())
    assert asyncio.run(run(database, "SELECT 1 AS n")) == [{"n": 1}]
    asyncio.run(database._close(1))


async def test_a_second_await_is_an_error() -> None:
    async with opened() as database:
        operation = run(database, "SELECT 1")
        await operation
        with pytest.raises(RuntimeError, match="already awaited"):
            await operation


async def test_an_operation_that_is_never_awaited_sends_nothing_and_warns() -> None:
    async with opened() as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER)")
        with pytest.warns(RuntimeWarning, match="never awaited"):
            run(database, "INSERT INTO parcel VALUES (1)")
            gc.collect()
        assert await value(database, "SELECT count(*) FROM parcel") == 0


async def test_close_before_the_start_is_silent() -> None:
    async with opened() as database:
        operation = run(database, "SELECT 1")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            operation.close()
            del operation
            gc.collect()


def test_outside_of_a_loop_the_error_names_asyncio() -> None:
    operation = _core.raw_operation("SELECT 1")
    with pytest.raises(InterfaceError, match="asyncio"):
        operation.send(None)


async def test_a_short_statement_ends_in_the_first_send() -> None:
    async with opened() as database:
        operation = run(database, "SELECT 1 AS n")
        with pytest.raises(StopIteration) as stop:
            operation.send(None)
        assert stop.value.value == [{"n": 1}]


async def test_throw_before_the_start_raises_and_sends_nothing() -> None:
    async with opened() as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER)")
        operation = run(database, "INSERT INTO parcel VALUES (1)")
        with pytest.raises(KeyError):
            operation.throw(KeyError("x"))
        assert await value(database, "SELECT count(*) FROM parcel") == 0


# --- clients -------------------------------------------------------------------------------


async def test_client_and_using_together_are_refused() -> None:
    async with opened() as database:
        with pytest.raises(ManagerError, match="Provide either 'client' or 'using', not both"):
            await _core.raw_operation("SELECT 1", using="default", client=database)


async def test_an_unknown_alias_names_the_known_ones() -> None:
    with pytest.raises(UnknownAliasError, match="is not registered") as caught:
        await _core.raw_operation("SELECT 1", using="nowhere")
    assert isinstance(caught.value, KeyError)


async def test_a_client_of_another_type_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not int"):
        await _core.raw_operation("SELECT 1", client=3)


async def test_a_closed_client_is_an_interface_error() -> None:
    with pytest.raises(InterfaceError, match="not connected"):
        await run(configured(), "SELECT 1")


async def test_the_object_of_a_block_stands_for_its_transaction() -> None:
    class Block:
        transaction: Any = None

    async with opened() as database:
        block = Block()
        block.transaction = await database._acquire("writer", None)
        await block.transaction._run("BEGIN")
        await changed(block, "CREATE TABLE parcel (id INTEGER)")
        await block.transaction._run("ROLLBACK")
        block.transaction._release()
        assert await value(database, "SELECT count(*) FROM sqlite_master") == 0


# --- raw statements ------------------------------------------------------------------------


async def test_empty_text_gives_no_rows() -> None:
    async with opened() as database:
        assert await run(database, "  -- nothing\n ;") == []


@pytest.mark.parametrize("params", ["a", {"a": 1}, 3])
def test_parameters_are_a_list_or_a_tuple(params: Any) -> None:
    with pytest.raises(TypeError, match="list or tuple"):
        _core.raw_operation("SELECT 1", params)


async def test_of_duplicate_columns_the_last_wins() -> None:
    async with opened() as database:
        assert await run(database, "SELECT 1 AS n, 2 AS n") == [{"n": 2}]


async def test_several_statements_need_a_script() -> None:
    async with opened() as database:
        with pytest.raises(ProgrammingError):
            await run(database, "CREATE TABLE a (x); CREATE TABLE b (x)")
        await run(database, "CREATE TABLE a (x); CREATE TABLE b (x)", script=True, sink=_core.SINK_AFFECTED)
        assert await value(database, "SELECT count(*) FROM sqlite_master") == 2


async def test_a_with_that_writes_reaches_the_writer(file: Path) -> None:
    async with opened(file) as database:
        await changed(database, "CREATE TABLE parcel (ref TEXT)")
        await run(database, "SELECT 1")
        assert (
            await changed(
                database, "WITH refs(r) AS (VALUES ('a'), ('b')) INSERT INTO parcel SELECT r FROM refs"
            )
            == 2
        )
        assert await value(database, "SELECT count(*) FROM parcel") == 2


async def test_an_error_carries_what_the_database_said() -> None:
    async with opened(alias="shop") as database:
        with pytest.raises(ProgrammingError, match="no such table: nowhere") as caught:
            await run(database, "SELECT * FROM nowhere")
    error = caught.value
    assert (error.sql, error.backend, error.alias, error.code) == (
        "SELECT * FROM nowhere",
        "sqlite",
        "shop",
        1,
    )
    assert str(error) == "no such table: nowhere [1]"


# --- loop ------------------------------------------------------------------------------------


async def test_a_long_statement_leaves_the_loop_running(file: Path) -> None:
    async with opened(file) as database:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.001)
                turns += 1

        counting = asyncio.create_task(count())
        assert await value(database, SLOW.format(500_000)) == 500_000
        counting.cancel()
        assert turns > 10


async def test_a_loop_of_short_statements_lets_others_run() -> None:
    async with opened() as database:
        turned = False

        def note() -> None:
            nonlocal turned
            turned = True

        asyncio.get_running_loop().call_soon(note)
        statements = 0
        while not turned:
            await run(database, "SELECT 1")
            statements += 1
            assert statements < 200_000
        assert statements > 1


async def test_an_error_after_much_inline_work_is_not_lost() -> None:
    async with opened(budget_ns=1_000_000_000) as database:
        with pytest.raises(DataError, match="UTF-8"):
            await run(database, SLOW.format(20_000) + " UNION ALL SELECT CAST(X'ff' AS TEXT)")


async def test_a_thousand_tasks_share_one_writer(file: Path) -> None:
    async with opened(file) as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER PRIMARY KEY, ref TEXT)")

        async def one(n: int) -> int:
            await changed(database, "INSERT INTO parcel (ref) VALUES (?)", [str(n)])
            return int(await value(database, "SELECT count(*) FROM parcel"))

        counts = await asyncio.gather(*map(one, range(1000)))
        assert max(counts) == 1000
        assert await value(database, "SELECT count(DISTINCT ref) FROM parcel") == 1000
        await is_quiet(database)


# --- the pool ------------------------------------------------------------------------------------


async def test_a_failed_connect_raises_the_drivers_error(tmp_path: Path) -> None:
    database = configured(tmp_path / "nowhere" / "parcels.db")
    with pytest.raises(OperationalError, match="unable to open database file"):
        await database._open()
    assert not database._is_open


async def test_opening_twice_keeps_the_pool() -> None:
    async with opened() as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER)")
        await database._open()
        assert await value(database, "SELECT count(*) FROM parcel") == 0


async def test_a_pool_can_be_opened_again(file: Path) -> None:
    database = configured(file)
    for _ in range(3):
        await database._open()
        assert await value(database, "SELECT 1") == 1
        await database._close(1)
        assert not database._is_open


async def test_the_time_out_names_holder_limit_and_alias(file: Path) -> None:
    async with opened(file, alias="shop", acquire_timeout=0.05) as database:
        session = await database._acquire("writer", None)
        await session._run("BEGIN IMMEDIATE")
        with pytest.raises(PoolTimeoutError) as caught:
            await changed(database, "CREATE TABLE a (x)")
        session._release()
    error = caught.value
    assert isinstance(error, TimeoutError)
    text = str(error)
    assert "pool timed out while waiting for an open connection" in text
    for part in ("'shop'", "limit 5", "BEGIN IMMEDIATE", asyncio.current_task().get_name()):  # type: ignore[union-attr]
        assert part in text
    assert error.last_connect_error is None
    assert error.stats is not None


async def test_a_second_handle_on_the_file_waits_for_the_first_ones_writer(file: Path) -> None:
    async with opened(file, alias="one") as one, opened(file, alias="two", acquire_timeout=0.05) as two:
        await changed(one, "CREATE TABLE parcel (id INTEGER)")
        session = await one._acquire("writer", None)
        await session._run("BEGIN IMMEDIATE")
        with pytest.raises(PoolTimeoutError, match="longest held by task"):
            await changed(two, "INSERT INTO parcel VALUES (1)")
        session._release()
        assert await changed(two, "INSERT INTO parcel VALUES (1)") == 1


async def test_waiting_is_first_come_first_served(file: Path) -> None:
    async with opened(file) as database:
        session = await database._acquire("writer", None)
        order: list[int] = []

        async def one(n: int) -> None:
            held = await database._acquire("writer", None)
            order.append(n)
            held._release()

        tasks = []
        for n in range(20):
            tasks.append(asyncio.create_task(one(n)))
            await until(lambda n=n: database._stats()["waiting"] == n + 1)  # type: ignore[misc]
        session._release()
        await asyncio.gather(*tasks)
        assert order == list(range(20))


async def test_acquire_without_waiting_fails_at_once(file: Path) -> None:
    async with opened(file) as database:
        session = await database._acquire("writer", None)
        with pytest.raises(PoolTimeoutError):
            await database._acquire("writer", 0)
        session._release()


async def test_closing_fails_those_who_wait(file: Path) -> None:
    async with opened(file) as database:
        session = await database._acquire("writer", None)
        waiting = asyncio.create_task(changed(database, "CREATE TABLE a (x)"))
        await until(lambda: database._stats()["waiting"] == 1)
        closing = asyncio.create_task(database._close(5))
        with pytest.raises(InterfaceError, match="closed pool"):
            await waiting
        assert not closing.done()
        session._release()
        await closing
        assert not database._is_open


async def test_closing_stops_who_does_not_come_back(file: Path) -> None:
    async with opened(file) as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER)")
        session = await database._acquire("writer", None)
        await session._run("BEGIN IMMEDIATE")
        await changed(session, "INSERT INTO parcel VALUES (1)")
        endless = asyncio.create_task(run(database, ENDLESS))
        await asyncio.sleep(0.02)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await database._close(0.05)
        assert loop.time() - began < 2
        with pytest.raises(OperationalError):
            await endless
        with pytest.raises(InterfaceError, match="closed pool"):
            await run(session, "SELECT 1")
        assert session._status == "released"
    async with opened(file) as database:
        assert await value(database, "SELECT count(*) FROM parcel") == 0


async def test_a_task_that_closes_inside_its_transaction_does_not_wait_for_itself(file: Path) -> None:
    async with opened(file) as database:
        session = await database._acquire("writer", None)
        await session._run("BEGIN IMMEDIATE")
        database._bind_task(asyncio.current_task(), session)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await database._close(5)
        assert loop.time() - began < 1


async def test_a_statement_timeout_stops_the_statement(file: Path) -> None:
    async with opened(file, statement_timeout=0.05) as database:
        with pytest.raises(StatementTimeout):
            await run(database, ENDLESS)
        await is_quiet(database)
        assert await value(database, "SELECT 1") == 1


async def test_figures_count_what_happened() -> None:
    async with opened() as database:
        before = database._stats()
        await run(database, "SELECT 1")
        after = database._stats()
        assert after["acquired"] == before["acquired"] + 1
        assert (after["size"], after["busy"], after["max_size"]) == (1, 0, 1)


# --- sessions ---------------------------------------------------------------------------------------


async def test_statements_of_one_session_run_in_call_order(file: Path) -> None:
    async with opened(file) as database:
        session = await database._acquire("writer", None)
        await session._run("BEGIN")
        await changed(session, "CREATE TABLE parcel (n INTEGER)")
        first = asyncio.create_task(run(session, SLOW.format(300_000)))
        rest = [
            asyncio.create_task(changed(session, "INSERT INTO parcel SELECT count(*) FROM parcel"))
            for _ in range(10)
        ]
        await asyncio.gather(first, *rest)
        assert [row["n"] for row in await run(session, "SELECT n FROM parcel ORDER BY rowid")] == list(
            range(10)
        )
        await session._run("COMMIT")
        session._release()


async def test_a_release_inside_a_transaction_rolls_back_and_says_so(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(file) as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER)")
        session = await database._acquire("writer", None)
        await session._run("BEGIN IMMEDIATE")
        await changed(session, "INSERT INTO parcel VALUES (1)")
        with caplog.at_level("WARNING", "oxyde.pool"):
            session._release()
        assert "rolled back" in caplog.text
        await is_quiet(database)
        assert await value(database, "SELECT count(*) FROM parcel") == 0


async def test_a_dropped_session_is_rolled_back(file: Path) -> None:
    async with opened(file) as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER)")
        session = await database._acquire("writer", None)
        await session._run("BEGIN IMMEDIATE")
        await changed(session, "INSERT INTO parcel VALUES (1)")
        del session
        gc.collect()
        await is_quiet(database)
        assert await value(database, "SELECT count(*) FROM parcel") == 0


async def test_the_status_is_the_connections_own() -> None:
    async with opened() as database:
        session = await database._acquire("writer", None)
        assert (session._status, session._held) == ("idle", True)
        await session._run("BEGIN")
        assert session._status == "intrans"
        await session._run("COMMIT")
        assert session._status == "idle"
        session._release()
        assert (session._status, session._held) == ("released", False)
        with pytest.raises(InterfaceError, match="no connection is held"):
            await run(session, "SELECT 1")


async def test_a_transaction_that_the_database_ended_runs_nothing_more() -> None:
    async with opened() as database:
        session = await database._acquire("writer", None)
        await changed(session, "CREATE TABLE parcel (id INTEGER UNIQUE ON CONFLICT ROLLBACK)")
        await session._run("BEGIN")
        await changed(session, "INSERT INTO parcel VALUES (1)")
        with pytest.raises(Exception, match="UNIQUE"):
            await changed(session, "INSERT INTO parcel VALUES (1)")
        assert session._status == "inerror"
        with pytest.raises(TransactionAbortedError):
            await changed(session, "INSERT INTO parcel VALUES (2)")
        await session._run("ROLLBACK")
        assert session._status == "idle"
        assert await value(session, "SELECT count(*) FROM parcel") == 0
        session._release()


async def test_a_blocked_session_raises_what_it_was_given() -> None:
    async with opened() as database:
        session = await database._acquire("writer", None)
        session._block(KeyError("finished"))
        with pytest.raises(KeyError, match="finished"):
            await run(session, "SELECT 1")
        assert await session._run("SELECT 1") == 0
        session._block(None)
        assert await value(session, "SELECT 1") == 1
        session._release()


async def test_a_sessions_deadline_stops_its_statements(file: Path) -> None:
    async with opened(file) as database:
        session = await database._acquire("writer", None)
        await session._run("BEGIN")
        session._deadline = asyncio.get_running_loop().time() + 0.05
        with pytest.raises(TransactionTimeoutError, match="exceeded timeout"):
            await run(session, ENDLESS)
        with pytest.raises(TransactionTimeoutError, match="can no longer be used"):
            await run(session, "SELECT 1")
        await session._run("ROLLBACK")
        session._release()


async def test_adopting_moves_the_connection() -> None:
    class Transaction(_core.Session):
        pass

    async with opened() as database:
        mine = Transaction()
        session = await database._acquire("any", None)
        mine._adopt(session)
        assert (mine._held, session._held) == (True, False)
        assert mine._database is database
        assert await value(mine, "SELECT 1") == 1
        mine._release()


# --- observer --------------------------------------------------------------------------------------------


@pytest.fixture
def events() -> Iterator[list[dict[str, Any]]]:
    seen: list[dict[str, Any]] = []
    _core.set_observer(lambda **event: seen.append(event))
    yield seen
    _core.set_observer(None)


async def test_an_observer_hears_of_each_statement(events: list[dict[str, Any]]) -> None:
    async with opened(alias="shop") as database:
        await run(database, "SELECT ? AS n", [7])
        with pytest.raises(ProgrammingError):
            await run(database, "SELECT * FROM nowhere")
    good, bad = events
    assert (good["sql"], good["params"], good["rows"], good["alias"]) == ("SELECT ? AS n", [7], 1, "shop")
    assert good["duration"] >= 0
    assert isinstance(bad["error"], ProgrammingError)


# --- memory ------------------------------------------------------------------------------------------------


async def test_statements_leave_no_memory_behind(file: Path) -> None:
    async with opened(file) as database:
        await changed(database, "CREATE TABLE parcel (id INTEGER PRIMARY KEY, ref TEXT)")

        async def work() -> None:
            for n in range(200):
                await changed(database, "INSERT INTO parcel (ref) VALUES (?)", ["x" * n])
                await run(database, "SELECT * FROM parcel LIMIT 10")
                with pytest.raises(ProgrammingError):
                    await run(database, "SELECT * FROM nowhere")

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


async def test_no_object_keeps_another_alive(file: Path) -> None:
    class Handle(_core.Database):
        pass

    from runtime_support import configure

    database = Handle()
    configure(database, file)
    await database._open()
    session = await database._acquire("writer", None)
    await session._run("BEGIN")
    await session._run("ROLLBACK")
    session._release()
    await database._close(1)
    gone = weakref.ref(database)
    del database, session
    gc.collect()
    assert gone() is None


async def test_a_type_is_released_by_its_objects() -> None:
    kinds = (_core.Operation, _core.Session, _core.Database)
    async with opened() as database:
        before = [sys.getrefcount(kind) for kind in kinds]
        for _ in range(1000):
            await run(database, "SELECT 1")
            _core.Session()
            _core.Database()
        after = [sys.getrefcount(kind) for kind in kinds]
    assert all(abs(a - b) < 50 for a, b in zip(before, after, strict=True))


async def test_a_dropped_open_handle_closes_with_a_warning(file: Path) -> None:
    database = configured(file)
    await database._open()
    with pytest.warns(ResourceWarning, match="unclosed database"):
        del database
        gc.collect()


# --- arguments -----------------------------------------------------------------------------------


def test_an_operation_takes_keywords_that_were_made_at_run_time() -> None:
    keyword = "".join(["lim", "it"])
    with pytest.raises(ValueError, match="unknown operation or sink"):
        _core.operation(0, object(), 10_000, **{keyword: 2})
    with pytest.raises(TypeError, match="unexpected keyword argument 'lemit'"):
        _core.operation(0, object(), 0, lemit=2)  # type: ignore[call-arg]


def test_an_operation_needs_its_arguments_once() -> None:
    with pytest.raises(TypeError, match=r"operation\(\) misses the argument 'sink'"):
        _core.operation(0, object())  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"operation\(\) got argument 'what' twice"):
        _core.operation(0, object(), 0, what=0)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="at most 3 positional arguments"):
        _core.operation(0, object(), 0, None)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        _core.operation("0", object(), 0)  # type: ignore[arg-type]
    for what in (-1, 2**70):
        with pytest.raises(ValueError, match="unknown operation or sink"):
            _core.operation(what, object(), 0)


async def test_columns_that_another_connection_changes_are_seen_by_kept_statements(tmp_path: Path) -> None:
    """A statement is prepared anew by SQLite itself, inside of its first step."""
    text = "SELECT * FROM changing"
    async with opened(tmp_path / "changing.db") as database:
        await changed(database, "CREATE TABLE changing (a INTEGER, b TEXT)")
        await changed(database, "INSERT INTO changing VALUES (1, 'x'), (2, 'y')")
        for _ in range(3):
            assert await run(database, text) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
        with closing(sqlite3.connect(tmp_path / "changing.db")) as other:
            for command, expected in (
                (
                    "ALTER TABLE changing ADD COLUMN c DEFAULT 7",
                    [{"a": 1, "b": "x", "c": 7}, {"a": 2, "b": "y", "c": 7}],
                ),
                ("ALTER TABLE changing DROP COLUMN b", [{"a": 1, "c": 7}, {"a": 2, "c": 7}]),
                ("ALTER TABLE changing RENAME COLUMN c TO d", [{"a": 1, "d": 7}, {"a": 2, "d": 7}]),
                ("DELETE FROM changing", []),
            ):
                other.execute(command)
                other.commit()
                for _ in range(2):
                    assert await run(database, text) == expected
