"""Statements on servers: waiting, cancelling, limits, lost connections, loops, company."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import threading
import time
import weakref
from typing import Any

import pytest
import uvloop
from proxy import Plan, Proxy
from runtime_support import changed, is_quiet, run, until, value
from wire_support import NAMES, configured, kill, mark, opened, own_id, settings_of, sleep

from oxyde import Field, Model, _core
from oxyde.exceptions import (
    CommitUnknownError,
    ConnectionLostError,
    DataError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    QueryCanceled,
    StatementTimeout,
    TransactionAbortedError,
    TransactionTimeoutError,
)
from oxyde.queries import RawSQL

pytestmark = [pytest.mark.parametrize("name", NAMES)]


ENDLESS_JOIN = "SELECT count(*) FROM " + ", ".join(f"information_schema.columns {a}" for a in "abcd")


async def ids(database: _core.Database, name: str) -> list[int]:
    rows = await asyncio.gather(*(run(database, own_id(name)) for _ in range(3)))
    return [row[0]["id"] for row in rows]


async def is_running(database: _core.Database, name: str, number: int) -> bool:
    """Whether the session runs a statement."""
    if name == "postgres":
        sql = f"SELECT state = 'active' AS a FROM pg_stat_activity WHERE pid = {number}"
    else:
        sql = f"SELECT command <> 'Sleep' AS a FROM information_schema.processlist WHERE id = {number}"
    rows = await run(database, sql)
    return bool(rows and rows[0]["a"])


# --- waiting ------------------------------------------------------------------------------


async def test_statements_run_at_the_same_time(name: str) -> None:
    async with opened(name) as database:
        started = time.monotonic()
        await asyncio.gather(*(run(database, sleep(name, 0.5)) for _ in range(3)))
        assert time.monotonic() - started < 1.2
        assert database._stats()["size"] == 3
        assert await value(database, "SELECT 1 AS n") == 1


async def test_large_results_and_values(name: str) -> None:
    async with opened(name) as database:
        text = "x" * 3_000_000
        cast = "CAST({} AS text)" if name == "postgres" else "CAST({} AS char(4000000))"
        assert await value(database, "SELECT 1 AS n") == 1
        (row,) = await run(database, f"SELECT length({cast.format(mark(name))}) AS n", [text])
        assert row == {"n": 3_000_000}
        numbers = "SELECT a.n FROM (" + " UNION ALL ".join(f"SELECT {i} AS n" for i in range(100)) + ") a, "
        numbers += "(" + " UNION ALL ".join(f"SELECT {i} AS m" for i in range(100)) + ") b"
        assert len(await run(database, numbers)) == 10_000


async def test_an_error_leaves_the_connection_usable(name: str) -> None:
    async with opened(name, max=1) as database:
        with pytest.raises(ProgrammingError) as caught:
            await run(database, "SELECT nothing_of_that_name")
        assert caught.value.code == ("42703" if name == "postgres" else 1054)
        assert caught.value.alias == name
        assert await value(database, "SELECT 2 AS n") == 2
        assert database._stats()["opened"] == 1


async def test_the_server_is_known(name: str) -> None:
    database = configured(name)
    assert database._server is None
    await database._open()
    server = database._server
    assert server["flavor"] == name
    assert server["version"] >= (10,) if name != "mysql" else server["version"] >= (8,)
    assert 0 < await database._ping() < 5
    await database._close(5)
    assert database._server is None


# --- cancelling ----------------------------------------------------------------------------


async def test_a_cancelled_statement_stops_on_the_server(name: str) -> None:
    async with opened(name, max=1) as database, opened(name) as other:
        number = await value(database, own_id(name))
        task = asyncio.ensure_future(run(database, sleep(name, 30)))
        await asyncio.sleep(0.1)
        assert await is_running(other, name, number)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 0.1
        # The same connection serves the next, whom the cancel does not hit.
        assert await value(database, own_id(name)) == number
        assert time.monotonic() - started < 1.5
        await is_quiet(database)
        assert database._stats()["closed"] == 0


async def test_cancelling_at_any_time_hits_nobody_else(name: str) -> None:
    async with opened(name, max=2) as database:
        for turn in range(60):
            task = asyncio.ensure_future(run(database, sleep(name, 0.002)))
            await asyncio.sleep(turn * 0.0001)
            task.cancel()
            assert await value(database, f"SELECT {turn} AS n") == turn
            await asyncio.gather(task, return_exceptions=True)
        await is_quiet(database)


async def test_a_dropped_statement_lets_go(name: str) -> None:
    async with opened(name, max=1) as database:
        operation = run(database, sleep(name, 30))
        operation.send(None)
        del operation
        gc.collect()
        assert await value(database, "SELECT 1 AS n") == 1


async def test_a_cancelled_statement_in_a_session(name: str) -> None:
    async with opened(name, max=1) as database:
        session = await database._acquire("any", None)
        session._begin_with(("BEGIN",))
        assert session._pending
        assert session._status == "intrans"
        assert await value(session, "SELECT 1 AS n") == 1
        assert not session._pending
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(run(session, sleep(name, 30)), 0.1)
        started = time.monotonic()
        await session._run("ROLLBACK")
        assert time.monotonic() - started < 1.5
        assert session._status == "idle"
        session._release()
        await is_quiet(database)
        assert database._stats()["opened"] == 1


# --- transactions ---------------------------------------------------------------------------


async def test_begin_travels_with_the_first_statement(name: str) -> None:
    async with opened(name, max=1) as database, opened(name) as other:
        table = f"wire_begin_{os.getpid()}"
        await run(database, f"CREATE TABLE {table} (n int)")
        try:
            session = await database._acquire("any", None)
            session._begin_with(("BEGIN",))
            assert await changed(session, f"INSERT INTO {table} VALUES (1)") == 1
            assert session._status == "intrans"
            assert await run(other, f"SELECT n FROM {table}") == []
            await session._commit()
            assert session._status == "idle"
            assert await run(other, f"SELECT n FROM {table}") == [{"n": 1}]
            session._begin_with(("BEGIN",))
            session._drop_pending()
            assert session._status == "idle"
            session._release()
        finally:
            await run(other, f"DROP TABLE {table}")
        assert database._stats()["transactions"] == 1


async def test_what_goes_first_may_fail(name: str) -> None:
    async with opened(name, max=1) as database:
        session = await database._acquire("any", None)
        session._begin_with(("BEGIN NOTHING OF THAT KIND",))
        with pytest.raises(ProgrammingError):
            await run(session, "SELECT 1")
        with pytest.raises(TransactionAbortedError):
            await run(session, "SELECT 1")
        await session._run("ROLLBACK")
        session._release()
        assert await value(database, "SELECT 1 AS n") == 1


async def test_left_open_it_is_rolled_back(name: str) -> None:
    async with opened(name, max=1) as database:
        session = await database._acquire("any", None)
        session._begin_with(("BEGIN",))
        await run(session, "SELECT 1")
        session._release()
        await is_quiet(database)
        session = await database._acquire("any", None)
        assert session._status == "idle"
        session._release()
        assert database._stats()["opened"] == 1


async def test_a_lost_connection_ends_the_transaction(name: str) -> None:
    async with opened(name, max=1) as database, opened(name) as other:
        session = await database._acquire("any", None)
        session._begin_with(("BEGIN",))
        number = (await run(session, own_id(name)))[0]["id"]
        await run(other, kill(name, number))
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionLostError):
            await run(session, "SELECT 1")
        with pytest.raises(TransactionAbortedError):
            await run(session, "SELECT 1")
        await session._run("ROLLBACK")
        session._release()
        assert await value(database, "SELECT 1 AS n") == 1
        assert database._stats()["opened"] == 2


async def test_a_commit_without_an_answer_is_unknown(name: str) -> None:
    table = f"wire_commit_{os.getpid()}"
    port = int(settings_of(name)["port"])
    async with opened(name) as other, Proxy(port) as proxy:
        await run(other, f"CREATE TABLE {table} (n int)")
        try:
            async with opened(name, max=1, settings=settings_of(name, port=str(proxy.port))) as database:
                session = await database._acquire("any", None)
                for n in (0, 1):  # the second time everything is prepared
                    session._begin_with(("BEGIN",))
                    await run(session, f"INSERT INTO {table} VALUES ({n})")
                    if n == 0:
                        await session._commit()
                proxy.plan = Plan(after=0, towards="client", act="cut")
                with pytest.raises(CommitUnknownError):
                    await session._commit()
                assert session._status in ("broken", "inerror")
                session._release()
                proxy.plan = None
                assert await value(database, "SELECT 1 AS n") == 1
            await comes(lambda: run(other, f"SELECT n FROM {table} WHERE n = 1"), [{"n": 1}])
        finally:
            await run(other, f"DROP TABLE {table}")


async def comes(ask: Any, wanted: Any) -> None:
    for _ in range(200):
        if await ask() == wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


# --- limits -----------------------------------------------------------------------------------


async def test_the_servers_limit(name: str) -> None:
    more = {"oxy.statement_timeout_ms": "150"}
    settings = settings_of(name, **more)
    async with opened(name, max=1, settings=settings, statement_timeout=0.15) as database:
        started = time.monotonic()
        with pytest.raises((StatementTimeout, QueryCanceled)):
            if name == "postgres":
                await run(database, sleep(name, 20))
            else:
                await run(
                    database,
                    ENDLESS_JOIN,
                )
        assert time.monotonic() - started < 2
        assert await value(database, "SELECT 1 AS n") == 1


async def test_this_sides_limit_cancels(name: str) -> None:
    async with opened(name, max=1, statement_timeout=0.1, cancel_timeout=0.4) as database:
        started = time.monotonic()
        if name == "postgres":
            with pytest.raises(StatementTimeout):
                await run(database, sleep(name, 20))
        else:  # sleep() is interrupted without an error
            with contextlib.suppress(StatementTimeout):
                await run(database, sleep(name, 20))
        assert time.monotonic() - started < 1
        assert await value(database, "SELECT 1 AS n") == 1
        assert database._stats()["opened"] == 1


async def test_the_deadline_of_a_transaction(name: str) -> None:
    async with opened(name, max=1) as database:
        session = await database._acquire("any", None)
        session._begin_with(("BEGIN",))
        session._deadline = time.monotonic() + 0.15
        started = time.monotonic()
        if name == "postgres":
            with pytest.raises(TransactionTimeoutError):
                await run(session, sleep(name, 20))
        else:
            with contextlib.suppress(TransactionTimeoutError):
                await run(session, sleep(name, 20))
        assert time.monotonic() - started < 1
        with pytest.raises(TransactionTimeoutError):
            await run(session, "SELECT 1")
        await session._run("ROLLBACK")
        session._release()
        assert await value(database, "SELECT 1 AS n") == 1


async def test_nobody_answers(name: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings = settings_of(name, port=str(silent.getsockname()[1]))
        database = configured(name, settings=settings, connect_timeout=0.2)
        started = time.monotonic()
        with pytest.raises(OperationalError, match="timed out"):
            await database._open()
        assert time.monotonic() - started < 2


async def test_nobody_listens(name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
    database = configured(name, settings=settings_of(name, port=port))
    with pytest.raises(OperationalError):
        await database._open()
    again = configured(name, settings=settings_of(name, port=port), connect_retry=0.3)
    started = time.monotonic()
    with pytest.raises(OperationalError):
        await again._open()
    assert time.monotonic() - started > 0.25


async def test_unknown_hosts_do_not_block(name: str) -> None:
    database = configured(name, settings=settings_of(name, host="nothing.invalid"))
    with pytest.raises(OperationalError):
        await database._open()


# --- idle connections -----------------------------------------------------------------------------


async def test_idle_connections_that_died_are_replaced(name: str) -> None:
    async with opened(name, min=3) as database, opened(name) as other:
        for number in set(await ids(database, name)):
            await run(other, kill(name, number))
        await asyncio.sleep(0.1)  # what is sent before the server has closed may be lost
        for n in range(5):
            assert await value(database, f"SELECT {n} AS n") == n


async def test_a_dead_idle_connection_is_noticed(name: str) -> None:
    async with opened(name, min=1, max=1) as database, opened(name) as other:
        await run(other, kill(name, await value(database, own_id(name))))
        await until(lambda: database._stats()["closed"] == 1)
        await until(lambda: database._stats()["size"] == 1)


async def test_pings(name: str) -> None:
    async with opened(name, ping_after=0, max=1) as database:
        for n in range(5):
            assert await value(database, f"SELECT {n} AS n") == n
        assert database._stats()["opened"] == 1


async def test_sessions_are_reset(name: str) -> None:
    async with opened(name, max=1) as database:
        session = await database._acquire("any", None)
        if name == "postgres":
            await session._script("SET application_name = 'me'; SELECT 1")
            assert (await session._fetch("SHOW application_name")) == [{"application_name": "me"}]
            assert session._parameter("application_name") == "me"
        else:
            await session._script("SET @a = 5; SELECT 1")
            assert (await session._fetch("SELECT @a AS a")) == [{"a": 5}]
        assert session._info["pid"] > 0
        assert session._info["flavor"] == name
        session._release()
        if name == "postgres":
            assert await value(database, "SHOW application_name") != "me"
        else:
            assert await value(database, "SELECT @a AS a") is None
        assert database._stats()["opened"] == 1


async def test_an_invalidated_connection_is_closed(name: str) -> None:
    async with opened(name, max=1) as database:
        session = await database._acquire("any", None)
        session._invalidate()
        session._release()
        assert await value(database, "SELECT 1 AS n") == 1
        assert database._stats()["opened"] == 2


async def test_init_has_each_new_connection_first(name: str) -> None:
    seen: list[int] = []

    async def init(session: _core.Session) -> None:
        await asyncio.sleep(0)
        seen.append((await session._fetch(own_id(name)))[0]["id"])

    async with opened(name, init=init, min=2) as database:
        assert len(seen) == 2
        assert set(await ids(database, name)) <= set(seen)

    async def bad(session: _core.Session) -> None:
        raise ValueError("not today")

    broken = configured(name, init=bad)
    with pytest.raises(OperationalError, match="not today"):
        await broken._open()


# --- loops ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_loops_one_after_the_other(name: str, runner: Any) -> None:
    database = configured(name, max=1)

    async def first() -> None:
        await database._open()
        assert await value(database, "SELECT 1 AS n") == 1

    async def again() -> None:
        assert await value(database, "SELECT 2 AS n") == 2
        assert database._stats()["opened"] == 1

    async def last() -> None:
        await database._close(5)

    runner(first())
    runner(again())
    runner(last())


def test_a_loop_that_is_closed_under_a_statement(name: str) -> None:
    database = configured(name, max=1)

    async def first() -> None:
        await database._open()

    asyncio.run(first())
    loop = asyncio.new_event_loop()
    task = loop.create_task(_endless(database, name))
    loop.run_until_complete(asyncio.sleep(0.1))
    loop.close()
    del loop

    async def after() -> None:
        assert await value(database, "SELECT 1 AS n") == 1
        await database._close(5)

    asyncio.run(after())
    del task
    gc.collect()


async def _endless(database: _core.Database, name: str) -> None:
    await run(database, sleep(name, 30))


def test_loops_in_threads(name: str) -> None:
    database = configured(name, max=3)
    asyncio.run(_open(database))
    failures: list[BaseException] = []

    async def work(n: int) -> None:
        for i in range(40):
            assert await value(database, f"SELECT {n * 1000 + i} AS n") == n * 1000 + i

    def thread(n: int) -> None:
        try:
            (uvloop.run if n % 2 else asyncio.run)(work(n))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=thread, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert not failures
    asyncio.run(_close(database))


async def _open(database: _core.Database) -> None:
    await database._open()


async def _close(database: _core.Database) -> None:
    await database._close(5)


def test_a_forked_child_keeps_its_hands_off(name: str) -> None:
    database = configured(name, max=2)
    with asyncio.Runner() if hasattr(asyncio, "Runner") else _Runner() as runner:
        runner.run(_open(database))
        number = runner.run(_id(database, name))
        child = os.fork()
        if child == 0:
            try:
                assert not database._is_open
                asyncio.run(_open(database))
                assert asyncio.run(_id(database, name)) != number
                os._exit(0)
            except BaseException:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert runner.run(_id(database, name)) == number
        runner.run(_close(database))


async def _id(database: _core.Database, name: str) -> int:
    number: int = await value(database, own_id(name))
    return number


class _Runner:
    """asyncio.Runner of Python 3.11, as far as it is needed."""

    def __enter__(self) -> _Runner:
        self.loop = asyncio.new_event_loop()
        return self

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    def __exit__(self, *exc: object) -> None:
        self.loop.close()


# --- values -----------------------------------------------------------------------------------------


async def test_values_that_python_cannot_hold(name: str) -> None:
    if name != "postgres":
        pytest.skip("PostgreSQL's dates reach further")
    async with opened(name, max=1) as database:
        with pytest.raises(DataError, match="d"):
            await run(database, "SELECT 'infinity'::date AS d")
        assert await value(database, "SELECT 1 AS n") == 1


async def test_parameters_take_the_servers_type(name: str) -> None:
    if name != "postgres":
        pytest.skip("MySQL has no such types")
    async with opened(name, max=1) as database:
        assert await run(database, "SELECT 1 AS n WHERE 2 = ANY($1)", [[1, 2]]) == [{"n": 1}]
        assert await run(database, "SELECT $1::jsonb AS j", [[1, {"a": 2}]]) == [{"j": [1, {"a": 2}]}]
        assert await run(database, "SELECT $1::text AS t, $2::numeric AS n", [5, 2**70]) == [
            {"t": "5", "n": 2**70}
        ]


# --- errors -----------------------------------------------------------------------------------------


async def test_begin_with_needs_a_connection(name: str) -> None:
    async with opened(name, max=1) as database:
        session = await database._acquire("any", None)
        with pytest.raises(TypeError):
            session._begin_with(["BEGIN"])  # type: ignore[arg-type]
        session._release()
        with pytest.raises(InterfaceError):
            session._begin_with(("BEGIN",))
    with pytest.raises((ValueError, NotSupportedError)):
        _core.Database()._configure(backend="nothing", settings={}, pool={}, alias="x", gate=None)


async def test_closing_stops_what_runs(name: str) -> None:
    database = configured(name, max=1)
    await database._open()
    task = asyncio.ensure_future(run(database, sleep(name, 30)))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    await database._close(0.1)
    assert time.monotonic() - started < 3
    assert task.done() or (await asyncio.wait({task}, timeout=1))[0]
    await asyncio.gather(task, return_exceptions=True)


# --- company ------------------------------------------------------------------------------------------


class Parcel(Model):
    id: int = Field(db_pk=True)
    ref: str

    class Meta:
        is_table = True
        table_name = "wire_parcels"


async def test_reads_share_a_connection(name: str) -> None:
    if name != "postgres":
        pytest.skip("only PostgreSQL answers several requests in order")
    async with opened(name, max=1, share_max=8) as database, opened(name) as other:
        await run(other, "DROP TABLE IF EXISTS wire_parcels")
        await run(other, "CREATE TABLE wire_parcels (id bigint PRIMARY KEY, ref text NOT NULL)")
        await run(other, "INSERT INTO wire_parcels SELECT i, 'p' || i FROM generate_series(1, 100) i")

        def read(n: int) -> _core.Operation[Any]:
            return _core.operation(
                _core.DO_SELECT, Parcel.objects.filter(id=n), _core.SINK_LIST, client=database
            )

        try:
            for _ in range(20):
                found = await asyncio.gather(*(read(n) for n in range(1, 30)))
                assert [rows[0].ref for rows in found] == [f"p{n}" for n in range(1, 30)]
            # One that is cancelled, and one that fails, do not touch their neighbours.
            for turn in range(50):
                tasks = [asyncio.ensure_future(_one(read(n))) for n in range(1, 12)]
                await asyncio.sleep(0.0001 * (turn % 5))
                tasks[turn % 11].cancel()
                found = await asyncio.gather(*tasks, return_exceptions=True)
                for n, rows in enumerate(found, start=1):
                    if n - 1 != turn % 11 or not isinstance(rows, asyncio.CancelledError):
                        assert rows[0].ref == f"p{n}"  # type: ignore[index]
            await is_quiet(database)
            assert database._stats()["opened"] == 1
            # A write waits for the readers, and they for it.
            results = await asyncio.gather(read(1), run(database, "SELECT pg_sleep(0.05)"), read(2))
            assert results[2][0].ref == "p2"
        finally:
            await run(other, "DROP TABLE wire_parcels")


def test_answers_of_a_closed_loop_are_nobodys(name: str) -> None:
    """Reads that shared a connection were dropped with their loop: the next one there has its own rows."""
    if name != "postgres":
        pytest.skip("only PostgreSQL answers several requests in order")
    database = configured(name, max=1, share_max=8)

    def read(n: int, seconds: float = 0) -> _core.Operation[Any]:
        query = Parcel.objects.filter(id=n)
        if seconds:
            query = query.annotate(slept=RawSQL(f"pg_sleep({seconds})::text"))
        return _core.operation(_core.DO_SELECT, query, _core.SINK_LIST, client=database)

    async def begin() -> list[asyncio.Task[Any]]:
        await database._open()
        await run(database, "DROP TABLE IF EXISTS wire_parcels")
        await run(database, "CREATE TABLE wire_parcels (id bigint PRIMARY KEY, ref text NOT NULL)")
        await run(database, "INSERT INTO wire_parcels SELECT i, 'p' || i FROM generate_series(1, 100) i")
        tasks = [asyncio.ensure_future(_one(read(n, 0.3))) for n in (1, 2, 3)]
        await asyncio.sleep(0.1)
        return tasks

    async def after() -> None:
        found = await asyncio.gather(*(_one(read(n)) for n in range(10, 20)))
        assert [rows[0].ref for rows in found] == [f"p{n}" for n in range(10, 20)]
        await run(database, "DROP TABLE wire_parcels")
        await database._close(5)

    loop = asyncio.new_event_loop()
    tasks = loop.run_until_complete(begin())
    loop.close()
    del loop
    for task in tasks:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task, tasks
    gc.collect()
    asyncio.run(after())


def test_what_was_gathered_on_a_closed_loop_lets_go(name: str) -> None:
    """One that was given its connection in the loop's last turn, and never came to use it."""
    database = configured(name, max=1)
    left: list[Any] = []

    async def begin() -> None:
        await database._open()
        session = await database._acquire("writer", None)
        reads = [
            _core.operation(_core.DO_SELECT, Parcel.objects.filter(id=n), _core.SINK_LIST, client=database)
            for n in range(3)
        ]
        left.append(asyncio.gather(*reads))
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 1
        asyncio.get_running_loop().stop()
        session._release()

    async def after() -> None:
        assert await asyncio.wait_for(value(database, "SELECT 1 AS n"), 5) == 1
        await is_quiet(database)
        await database._close(5)

    loop = asyncio.new_event_loop()
    gone = weakref.ref(loop)
    task = loop.create_task(begin())
    loop.run_forever()
    loop.close()
    asyncio.run(after())
    del loop, task
    left.clear()
    gc.collect()
    assert gone() is None


async def _one(operation: _core.Operation[Any]) -> Any:
    return await operation
