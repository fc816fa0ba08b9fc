"""The ends of what the protocols carry, on every server."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import servers
import torture
from memory import resident
from torture import Account, World

from oxyde import DatabaseError, PoolSettings, atomic, db, execute_raw
from oxyde.db import execute_script
from oxyde.exceptions import (
    DeadlockError,
    LockTimeout,
    ProgrammingError,
    SerializationError,
    StatementTimeout,
    TransactionAbortedError,
)


@pytest_asyncio.fixture
async def world(empty_database: servers.Server) -> AsyncIterator[World]:
    async with torture.world_of(empty_database) as world:
        yield world
        await torture.sound(world)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


# --- shapes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [1, 250, 1600])
async def test_many_columns(world: World, columns: int) -> None:
    text = "SELECT " + ", ".join(f"{number} AS c{number}" for number in range(columns))
    (row,) = await execute_raw(text)
    assert row == {f"c{number}": number for number in range(columns)}


async def test_a_table_as_wide_as_the_server_allows(world: World) -> None:
    # PostgreSQL ends at 1600 columns; InnoDB at 1017; SQLite at 2000.
    columns = 1000 if world.server.backend == "mysql" else 1600
    kind = "smallint" if world.server.backend != "mysql" else "tinyint"
    names = [f"c{number}" for number in range(columns)]
    await execute_script(f"CREATE TABLE wide ({', '.join(f'{name} {kind}' for name in names)})")
    await execute_raw(f"INSERT INTO wide (c0, c{columns - 1}) VALUES (1, 2)")
    (row,) = await execute_raw("SELECT * FROM wide")
    assert (len(row), row["c0"], row[f"c{columns - 1}"]) == (columns, 1, 2)
    assert sum(value is None for value in row.values()) == columns - 2


async def test_parameters_up_to_the_limit_and_one_more(world: World) -> None:
    most = 32_766 if world.server.backend == "sqlite" else 65_535
    values = list(range(most))
    marks = (f"${n + 1}" for n in values) if world.server.backend == "postgres" else ("?" for _ in values)
    kinds = "::int" if world.server.backend == "postgres" else ""
    text = f"SELECT count(*) AS n FROM accounts WHERE id IN ({', '.join(mark + kinds for mark in marks)})"
    assert await execute_raw(text, values) == [{"n": torture.ACCOUNTS}]
    if world.server.backend == "sqlite":
        return  # its limit is the build's
    extra = f"${most + 1}::int" if world.server.backend == "postgres" else "?"
    with pytest.raises(DatabaseError):
        await execute_raw(text.replace("IN (", f"IN ({extra}, "), [*values, 0])
    assert await Account.objects.count() == torture.ACCOUNTS


async def test_bulk_create_beyond_the_limit_of_parameters(world: World) -> None:
    made = [torture.Item(token=f"b{number}", note="bulk") for number in range(30_000)]
    await torture.Item.objects.bulk_create(made)
    assert await torture.Item.objects.filter(note="bulk").count() == 30_000


async def test_no_rows_and_no_columns(world: World) -> None:
    assert await execute_raw("SELECT id FROM accounts WHERE id < 0") == []
    assert await execute_raw("UPDATE accounts SET balance = balance WHERE id < 0") == []
    assert await execute_raw("") == []
    assert await execute_raw("  -- nothing\n") == []
    if world.server.backend == "postgres":
        assert await execute_raw("SELECT") == [{}]
        assert await execute_raw("SELECT FROM accounts WHERE id < 3") == [{}, {}, {}]
    with pytest.raises(ProgrammingError, match="execute_script"):
        await execute_raw("SELECT 1; SELECT 2")
    world.answer(await execute_raw(world.echo(), ["x"]), "x")


async def test_of_equal_column_names_the_last_wins(world: World) -> None:
    assert await execute_raw("SELECT 1 AS a, 2 AS b, 3 AS a") == [{"a": 3, "b": 2}]


async def test_names_and_values_of_any_letters(world: World) -> None:
    quote = "`" if world.server.backend == "mysql" else '"'
    for value in ("", "'", "\\", "%s %d ?", "$1", "漢字🙂", "a\nb\tc", "é" * 70):
        assert await execute_raw(f"SELECT {world.mark}{'::text' * (world.mark == '$1')} AS v", [value]) == [
            {"v": value}
        ]
    assert await execute_raw(f"SELECT 1 AS {quote}größe 漢{quote}") == [{"größe 漢": 1}]


# --- sizes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 1 << 20, (1 << 24) - 1, 1 << 24, 17_000_000])
async def test_values_around_the_sizes_of_packets(world: World, size: int) -> None:
    """MySQL's packets end at 2^24 - 1 bytes; larger values travel in several."""
    with large_packets(world.server):
        async with db.connect(world.server.url, name="large"):
            data = random.Random(size).randbytes(size)
            text = {"postgres": "SELECT $1::bytea AS v", "sqlite": "SELECT ? AS v"}.get(
                world.server.backend, "SELECT CAST(? AS BINARY) AS v"
            )
            (row,) = await execute_raw(text, [data], using="large")
            assert row["v"] == data


async def test_values_of_a_hundred_megabytes(world: World) -> None:
    size = 100_000_000
    with large_packets(world.server):
        async with db.connect(world.server.url, name="large"):
            data = b"0123456789" * (size // 10)
            length, echo = {
                "postgres": ("SELECT length($1::bytea) AS n", "SELECT $1::bytea AS v"),
                "mysql": ("SELECT length(?) AS n", "SELECT CAST(? AS BINARY) AS v"),
                "sqlite": ("SELECT length(?) AS n", "SELECT ? AS v"),
            }[world.server.backend]
            assert await execute_raw(length, [data], using="large") == [{"n": size}]
            (row,) = await execute_raw(echo, [data], using="large")
            assert row["v"] == data
            del row
            assert await execute_raw("SELECT 1 AS one", using="large") == [{"one": 1}]


class large_packets:
    """MariaDB's server takes 16 MiB at most unless it is told otherwise, for new connections."""

    def __init__(self, server: servers.Server) -> None:
        self.server = server
        self.before: int | None = None

    def __enter__(self) -> None:
        if self.server.backend == "mysql":
            self.before = self.server.rows("SELECT @@global.max_allowed_packet")[0][0]
            self.server.rows(f"SET GLOBAL max_allowed_packet = {max(self.before, 256 << 20)}")

    def __exit__(self, *_: object) -> None:
        if self.before is not None:
            self.server.rows(f"SET GLOBAL max_allowed_packet = {self.before}")


async def test_a_value_the_server_refuses_leaves_a_working_pool(world: World) -> None:
    if world.server.backend != "mysql":
        pytest.skip("only MySQL's servers have a limit below memory")
    limit = world.server.rows("SELECT @@global.max_allowed_packet")[0][0]
    with pytest.raises(DatabaseError):
        await execute_raw("SELECT length(?) AS n", [b"x" * (limit + 1000)])
    world.answer(await execute_raw(world.echo(), ["after"]), "after")


async def test_many_rows(world: World) -> None:
    count = 200_000
    text = {
        "postgres": f"SELECT n, 'row ' || n AS t FROM generate_series(1, {count}) AS n",
        "mysql": "SELECT seq.n, concat('row ', seq.n) AS t FROM (SELECT a.i + 10 * b.i + 100 * c.i"
        " + 1000 * d.i + 10000 * e.i + 100000 * f.i + 1 AS n FROM "
        f"{', '.join(digits(name) for name in 'abcdef')}) AS seq WHERE seq.n <= {count} ORDER BY seq.n",
        "sqlite": f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count}) "
        "SELECT n, 'row ' || n AS t FROM c",
    }[world.server.backend]
    rows = await execute_raw(text)
    assert len(rows) == count
    assert rows[0] == {"n": 1, "t": "row 1"}
    assert rows[-1] == {"n": count, "t": f"row {count}"}


def digits(name: str) -> str:
    return "(" + " UNION ALL ".join(f"SELECT {number} AS i" for number in range(10)) + f") AS {name}"


# --- NULL in every type -------------------------------------------------------------------------------

TYPES = {
    "postgres": "bool int2 int4 int8 float4 float8 numeric money text varchar(5) char(5) name bytea date "
    "time timetz timestamp timestamptz interval uuid json jsonb xml inet cidr macaddr bit(3) varbit "
    "point box tsvector oid int4range int4[] text[] numeric[] uuid[] jsonb[] timestamptz[]",
    "mysql": "tinyint smallint mediumint int bigint bigint_unsigned float double decimal(10,2) bit(9) "
    "char(5) varchar(5) binary(5) varbinary(5) text longtext blob longblob date time(6) datetime(6) "
    "timestamp year enum('a','b') set('a','b') json",
    "sqlite": "integer real text blob numeric boolean date datetime",
}


async def test_null_in_every_type(world: World) -> None:
    kinds = [kind.replace("_", " ") for kind in TYPES[world.server.backend].split()]
    nullable = " NULL" if world.server.backend == "mysql" else ""
    columns = ", ".join(f"c{number} {kind}{nullable}" for number, kind in enumerate(kinds))
    await execute_script(f"CREATE TABLE blanks ({columns})")
    marks = ", ".join(
        f"${number + 1}" if world.server.backend == "postgres" else "?" for number in range(len(kinds))
    )
    await execute_raw(f"INSERT INTO blanks VALUES ({marks})", [None] * len(kinds))
    (row,) = await execute_raw("SELECT * FROM blanks")
    assert row == {f"c{number}": None for number in range(len(kinds))}
    for number in range(len(kinds)):  # and one by one, after a value has been there
        assert await execute_raw(f"SELECT c{number} AS v FROM blanks") == [{"v": None}]


# --- notices -----------------------------------------------------------------------------------------


async def test_notices_disturb_nobody(world: World) -> None:
    if world.server.backend == "postgres":
        await execute_script(
            "CREATE FUNCTION loud(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..200 LOOP "
            "RAISE NOTICE 'notice % %', i, repeat('x', 500); END LOOP; RETURN n; END $$"
        )
        assert await execute_raw("SELECT loud($1) AS v", [7]) == [{"v": 7}]
        await execute_raw("DROP TABLE IF EXISTS never_was")
    elif world.server.backend == "mysql":
        await execute_raw("DROP TABLE IF EXISTS never_was")
        assert await execute_raw("SELECT CAST('12abc' AS SIGNED) AS v") == [{"v": 12}]
    world.answer(await execute_raw(world.echo(), ["x"]), "x")


# --- limits and conflicts ------------------------------------------------------------------------------


async def test_statement_timeouts_come_from_the_server(empty_database: servers.Server) -> None:
    async with torture.world_of(empty_database, statement_timeout=0.3) as world:
        began = time.monotonic()
        with pytest.raises(StatementTimeout) as caught:
            await execute_raw(slow_select(world))
        assert 0.2 < time.monotonic() - began < 3
        assert caught.value.backend == world.server.backend
        assert isinstance(caught.value, TimeoutError)
        world.answer(await execute_raw(world.echo(), ["x"]), "x")
        await torture.sound(world)


def slow_select(world: World) -> str:
    if world.server.backend == "postgres":
        return "SELECT pg_sleep(20)::text"
    if world.server.backend == "sqlite":
        return world.echo(20).replace("?", "1")
    heavy = ", ".join(digits(name) for name in "abcdefgh")
    return f"SELECT sum(a.i * b.i * c.i * d.i * e.i * f.i * g.i + h.i) AS v FROM {heavy}"


async def two_blocks(first: Any, second: Any) -> list[BaseException | None]:
    return await asyncio.gather(first, second, return_exceptions=True)


async def test_serialization_failures_are_told_and_retried(world: World) -> None:
    if world.server.backend == "sqlite":
        pytest.skip("SQLite has one writer: nothing to fail")
    level = "serializable"
    attempts: list[int] = []
    both_read = asyncio.Event()

    async def add(number: int) -> None:
        total = await Account.objects.sum("balance")
        attempts.append(number)
        if len(attempts) == 2:
            both_read.set()
        await asyncio.wait_for(both_read.wait(), 5)
        await Account.objects.filter(id=number).update(balance=total)

    outcomes = await two_blocks(atomic(isolation=level).run(add, 0), atomic(isolation=level).run(add, 1))
    (failure,) = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(failure, SerializationError | DeadlockError)
    assert failure.retryable
    attempts.clear()
    both_read.clear()
    outcomes = await two_blocks(
        atomic(isolation=level, retries=5).run(add, 2), atomic(isolation=level, retries=5).run(add, 3)
    )
    assert outcomes == [None, None]
    assert len(attempts) == 3
    world.server.rows(f"UPDATE accounts SET balance = {torture.START}")


async def test_deadlocks_are_told_and_retried(world: World) -> None:
    if world.server.backend == "sqlite":
        pytest.skip("SQLite has one writer: no deadlock")
    attempts: list[int] = []
    first_locks = asyncio.Event()

    async def lock(one: int, other: int) -> None:
        attempts.append(one)
        await Account.objects.filter(id=one).increment("balance", 1)
        if len(attempts) >= 2:
            first_locks.set()
        await asyncio.wait_for(first_locks.wait(), 5)
        await asyncio.sleep(0.05)
        await Account.objects.filter(id=other).increment("balance", -1)

    outcomes = await two_blocks(atomic().run(lock, 0, 1), atomic().run(lock, 1, 0))
    (failure,) = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(failure, DeadlockError), failure
    assert failure.retryable
    attempts.clear()
    first_locks.clear()
    outcomes = await two_blocks(atomic(retries=3).run(lock, 2, 3), atomic(retries=3).run(lock, 3, 2))
    assert outcomes == [None, None]
    assert len(attempts) == 3
    world.server.rows(f"UPDATE accounts SET balance = {torture.START}")


async def test_lock_waits_end(empty_database: servers.Server) -> None:
    if empty_database.backend == "sqlite":
        pytest.skip("inside a process nobody waits for SQLite's lock")
    seconds = 1.0
    async with torture.world_of(empty_database, lock_timeout=seconds) as world:
        async with atomic():
            await Account.objects.filter(id=0).increment("balance", 0)

            async def other() -> None:
                await Account.objects.filter(id=0).increment("balance", 0)

            began = time.monotonic()
            with pytest.raises(LockTimeout) as caught:
                await asyncio.create_task(other())
            assert 0.7 < time.monotonic() - began < 4
            assert isinstance(caught.value, TimeoutError)
        await torture.sound(world)


async def test_after_an_error_in_a_block(world: World) -> None:
    duplicate = "INSERT INTO items (token, note, hits) VALUES ('known', '', 0)"
    if world.server.backend == "postgres":
        with pytest.raises(TransactionAbortedError):
            async with atomic():
                with pytest.raises(DatabaseError) as caught:
                    await execute_raw(duplicate)
                assert (caught.value.sqlstate, caught.value.table) == ("23505", "items")
                with pytest.raises(TransactionAbortedError):
                    await execute_raw("SELECT 1")
    else:
        async with atomic():
            with pytest.raises(DatabaseError):
                await execute_raw(duplicate)
            assert await Account.objects.count() == torture.ACCOUNTS


# --- many -------------------------------------------------------------------------------------------


async def test_a_thousand_tasks_share_ten_connections_fairly(empty_database: servers.Server) -> None:
    async with torture.world_of(empty_database, max_connections=10) as world:
        order: list[int] = []
        most = 0

        async def one(number: int) -> None:
            nonlocal most
            async with world.database.connection() as connection:
                order.append(number)
                most = max(most, world.database.stats().busy)
                world.answer(await connection.fetch(world.echo(0.001), [f"task {number}"]), f"task {number}")

        before = resident()
        await asyncio.gather(*(one(number) for number in range(1000)))
        assert most <= 10
        assert sorted(order) == list(range(1000))
        late = max(abs(place - number) for place, number in enumerate(order))
        assert late <= 20, "first come, first served"
        assert resident() - before < 64 << 20
        order.clear()

        async def read(number: int) -> None:
            account = await Account.objects.get(id=number % torture.ACCOUNTS)
            torture.same(account.id, number % torture.ACCOUNTS)
            order.append(number)

        await asyncio.gather(*(read(number) for number in range(1000)))
        assert sorted(order) == list(range(1000))
        await torture.sound(world)


async def test_a_thousand_times_connect_query_close(empty_database: servers.Server) -> None:
    async with torture.world_of(empty_database) as world:

        async def cycle(number: int) -> None:
            # TLS has its own tests; here it would cost a fifth of a second each time.
            settings = PoolSettings(max_connections=2, ssl_mode="disable")
            database = db.AsyncDatabase(world.server.url, auto_register=False, settings=settings)
            async with database:
                world.answer(await execute_raw(world.echo(), [str(number)], client=database), str(number))

        for number in range(100):
            await cycle(number)
        gc.collect()
        files, objects, memory = open_files(), len(gc.get_objects()), resident()
        for number in range(1000):
            await cycle(number)
        gc.collect()
        assert open_files() <= files + 2
        assert len(gc.get_objects()) - objects < 1500
        assert resident() - memory < 6 << 20
        if world.server.backend != "sqlite":
            for pause in torture.until(lambda: len(world.server.sessions()) <= torture.POOL + 1, 5):
                await asyncio.sleep(pause)
