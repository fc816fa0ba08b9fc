"""Pinned connections: statements, transactions, what they know, how they go back."""

from __future__ import annotations

import asyncio
import gc
import traceback
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import servers

from oxyde import (
    DatabaseError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    PoolSettings,
    ProgrammingError,
    UniqueViolationError,
    db,
    execute_raw,
)
from oxyde.db import AsyncDatabase, Connection

INTEGER = {"sqlite": "INTEGER", "postgres": "bigint", "mysql": "bigint"}


@pytest_asyncio.fixture
async def database(empty_database: servers.Server) -> AsyncIterator[AsyncDatabase]:
    async with db.connect(empty_database.url, settings=PoolSettings(max_connections=4)) as opened:
        await execute_raw(f"CREATE TABLE picks (id {INTEGER[opened.backend]} PRIMARY KEY)")
        yield opened
        await quiet(opened)


async def quiet(database: AsyncDatabase) -> None:
    """Every connection is back; servers are asked to reset theirs first."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 5
    while database.stats().busy:
        assert loop.time() < end
        await asyncio.sleep(0.001)


def mark(database: AsyncDatabase) -> str:
    return "$1" if database.backend == "postgres" else "?"


async def picks() -> list[Any]:
    return [row["id"] for row in await execute_raw("SELECT id FROM picks ORDER BY id")]


async def test_statements_run_on_one_connection(database: AsyncDatabase) -> None:
    async with database.connection() as conn:
        assert isinstance(conn, Connection)
        await conn.execute("CREATE TEMPORARY TABLE pick (id int)")
        assert await conn.execute(f"INSERT INTO pick VALUES ({mark(database)}), (5), (6)", [4]) == 3
        assert await conn.fetch(f"SELECT id FROM pick WHERE id > {mark(database)} ORDER BY id", (4,)) == [
            {"id": 5},
            {"id": 6},
        ]
        await conn.script("INSERT INTO picks VALUES (1); INSERT INTO picks VALUES (2);")
        assert await conn.execute("DELETE FROM picks WHERE id > 100") == 0
        assert conn.database is database
    assert await picks() == [1, 2]
    # What the session had is gone, whichever connection is next.
    for _ in range(4):
        with pytest.raises(ProgrammingError):
            await execute_raw("SELECT * FROM pick")


async def test_arguments_are_checked(database: AsyncDatabase) -> None:
    async with database.connection() as conn:
        with pytest.raises(TypeError, match="str"):
            await conn.fetch(5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="list or tuple"):
            await conn.execute("SELECT 1", {"a": 1})  # type: ignore[arg-type]
        with pytest.raises(ProgrammingError):
            await conn.fetch("SELEC 1")
        assert await conn.fetch("SELECT 1 AS n") == [{"n": 1}]


async def test_what_a_connection_knows(database: AsyncDatabase, server: servers.Server) -> None:
    async with database.connection() as conn:
        assert conn.backend == server.backend
        assert conn.flavor == database.flavor == server.name
        assert conn.server_version == database.server_version
        assert conn.transaction_status == "idle"
        if server.name == "sqlite":
            assert conn.backend_pid is None
            with pytest.raises(NotSupportedError):
                conn.fileno()
        else:
            ask = "pg_backend_pid()" if server.backend == "postgres" else "connection_id()"
            assert await conn.fetch(f"SELECT {ask} AS pid") == [{"pid": conn.backend_pid}]
            assert conn.fileno() > 2
        if server.backend == "postgres":
            assert conn.parameter("client_encoding") == "UTF8"
            assert conn.parameter("TimeZone") == "UTC"
            assert conn.parameter("no_such_thing") is None
        else:
            with pytest.raises(NotSupportedError):
                conn.parameter("client_encoding")
    assert conn.transaction_status == "unknown"


async def test_a_transaction_on_a_connection(database: AsyncDatabase) -> None:
    async with database.connection() as conn:
        async with conn.transaction() as tx:
            await conn.execute("INSERT INTO picks VALUES (1)")
            assert conn.transaction_status == "intrans"
            assert tx.status == "active"
            with pytest.raises(InterfaceError, match="savepoint"):
                async with conn.transaction():
                    pass
            with pytest.raises(ZeroDivisionError):
                async with tx.savepoint():
                    await conn.execute("INSERT INTO picks VALUES (2)")
                    raise ZeroDivisionError
        assert conn.transaction_status == "idle"
        with pytest.raises(ZeroDivisionError):
            async with conn.transaction(isolation="serializable"):
                await conn.execute("INSERT INTO picks VALUES (3)")
                raise ZeroDivisionError
        with pytest.raises(UniqueViolationError):
            async with conn.transaction():
                await conn.execute("INSERT INTO picks VALUES (1)")
        assert await conn.fetch("SELECT id FROM picks") == [{"id": 1}]
    assert await picks() == [1]
    with pytest.raises(InterfaceError):
        await conn.fetch("SELECT 1")


async def test_transactions_left_open_are_rolled_back(database: AsyncDatabase) -> None:
    async with database.connection() as conn:
        tx = conn.transaction()
        await tx.__aenter__()
        await conn.execute("INSERT INTO picks VALUES (1)")
    async with database.connection() as conn:
        await conn.execute("BEGIN")
        await conn.execute("INSERT INTO picks VALUES (2)")
        assert conn.transaction_status == "intrans"
    assert await picks() == []
    with pytest.raises(InterfaceError):
        await tx.__aexit__(None, None, None)


async def test_an_invalidated_connection_is_closed(database: AsyncDatabase, server: servers.Server) -> None:
    if server.name == "sqlite":
        pytest.skip("has no session to tell by")
    pids = set()
    for _ in range(6):
        async with database.connection() as conn:
            pids.add(conn.backend_pid)
            conn.invalidate()
    assert len(pids) == 6


async def test_a_cancelled_statement_gives_the_connection_back(database: AsyncDatabase) -> None:
    slow = {
        "sqlite": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c",
        "postgres": "SELECT pg_sleep(20)",
        "mysql": "SELECT SLEEP(20)",
    }[database.backend]

    async def work() -> None:
        async with database.connection() as conn:
            await conn.fetch(slow)

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(work(), 0.1)
    loop = asyncio.get_running_loop()
    started = loop.time()
    while database.stats().busy:
        assert loop.time() - started < 5
        await asyncio.sleep(0.01)
    assert await picks() == []


async def test_a_dropped_connection_goes_back(database: AsyncDatabase) -> None:
    manager = database.connection()
    conn = await manager.__aenter__()
    await conn.execute("INSERT INTO picks VALUES (1)")
    await manager.gen.aclose()  # type: ignore[attr-defined]
    del manager, conn
    gc.collect()
    assert database.stats().busy == 0


# --- init --------------------------------------------------------------------------------------


async def test_init_runs_once_per_connection(empty_database: servers.Server) -> None:
    seen: list[Connection] = []

    async def init(conn: Connection) -> None:
        assert await conn.fetch("SELECT 1 AS n") == [{"n": 1}]
        seen.append(conn)

    settings = PoolSettings(max_connections=3, min_connections=1, init=init)
    async with db.connect(empty_database.url, settings=settings) as database:
        for _ in range(3):
            await execute_raw("SELECT 1")
        assert len(seen) == database.stats().opened
    for conn in seen:
        with pytest.raises(InterfaceError):
            await conn.fetch("SELECT 1")


async def test_what_init_sets_survives_a_reset(empty_database: servers.Server) -> None:
    if empty_database.backend == "sqlite":
        pytest.skip("sqlite_pragmas are for that")
    text = {
        "postgres": ("SET search_path = pg_catalog", "SHOW search_path", "SET search_path = public"),
        "mysql": ("SET @kept = 'pg_catalog'", "SELECT @kept AS search_path", "SET @kept = 'other'"),
    }[empty_database.backend]

    async def init(conn: Connection) -> None:
        await conn.execute(text[0])

    settings = PoolSettings(max_connections=1, init=init)
    async with db.connect(empty_database.url, settings=settings) as database:
        async with database.connection() as conn:
            assert await conn.fetch(text[1]) == [{"search_path": "pg_catalog"}]
            await conn.execute(text[2])
        async with database.connection() as conn:
            assert await conn.fetch(text[1]) == [{"search_path": "pg_catalog"}]


async def test_an_error_in_init_is_a_connect_error(empty_database: servers.Server) -> None:
    async def init(conn: Connection) -> None:
        await conn.fetch("SELECT * FROM nowhere")

    handle = AsyncDatabase(empty_database.url, settings=PoolSettings(init=init), auto_register=False)
    with pytest.raises(OperationalError, match="init of a new connection failed") as caught:
        await handle.connect()
    assert not handle.connected
    assert isinstance(caught.value.__cause__, DatabaseError)
    assert "nowhere" in str(caught.value.__cause__)
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__cause__.__traceback__)]
    assert "init" in frames, "the place in the user's function is told"


class NoSuchRole(LookupError):
    """Unlike a built-in exception it can be referred to weakly."""


async def test_an_error_in_init_reaches_whoever_waits(empty_database: servers.Server) -> None:
    """Also later, when the pool needs another connection; and the next that opens well forgets it."""
    broken = False

    async def init(conn: Connection) -> None:
        if broken:
            raise NoSuchRole("cashier")

    settings = PoolSettings(max_connections=1, init=init)
    async with AsyncDatabase(empty_database.url, settings=settings, auto_register=False) as handle:
        async with handle.connection() as conn:
            broken = True
            conn.invalidate()
        with pytest.raises(OperationalError) as caught:
            await execute_raw("SELECT 1", client=handle)
        assert isinstance(caught.value.__cause__, NoSuchRole)
        assert isinstance(handle.stats().last_error.__cause__, NoSuchRole)  # type: ignore[union-attr]
        broken = False
        assert await handle.ping() > 0
        assert handle.stats().last_error is None
        gone = weakref.ref(caught.value.__cause__)
        del caught
        gc.collect()
        assert gone() is None


async def test_a_handle_that_failed_in_init_is_collected(empty_database: servers.Server) -> None:
    async def init(conn: Connection) -> None:
        raise NoSuchRole("cashier")

    handle = AsyncDatabase(empty_database.url, settings=PoolSettings(init=init), auto_register=False)
    with pytest.raises(OperationalError):
        await handle.connect()
    gone = weakref.ref(handle)
    del handle, init
    for _ in range(500):  # what is being closed keeps it until it is
        await asyncio.sleep(0.01)
        gc.collect()
        if gone() is None:
            return
    pytest.fail("the handle is still there")
