"""Transactions where a server has its say: isolation, aborted blocks, deadlocks, limits, lost lines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import servers
from parcels import MODELS, Parcel
from proxy import Plan, Proxy

from oxyde import (
    CommitUnknownError,
    ConnectionLostError,
    DatabaseError,
    DeadlockError,
    IntegrityError,
    InterfaceError,
    LockTimeout,
    NotSupportedError,
    PoolSettings,
    SerializationError,
    StatementTimeout,
    TransactionAbortedError,
    TransactionTimeoutError,
    UniqueViolationError,
    atomic,
    create_tables,
    db,
    execute_raw,
)
from oxyde.db import AsyncTransaction

NETWORK = [name for name in servers.chosen() if name != "sqlite"]
SLEEP = {"postgres": "SELECT pg_sleep(20)", "mysql": "SELECT SLEEP(20)"}


@pytest.fixture(scope="module", params=NETWORK)
def place(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    with servers.fresh_database(request.param) as found:
        yield found


@pytest_asyncio.fixture
async def database(place: servers.Server) -> AsyncIterator[db.AsyncDatabase]:
    servers.drop_everything(place)
    async with db.connect(place.url, settings=PoolSettings(max_connections=5)) as opened:
        await create_tables(opened, models=MODELS)
        yield opened
        await settle(opened)


@pytest.fixture
def on_postgres(database: db.AsyncDatabase) -> None:
    if database.backend != "postgres":
        pytest.skip("about PostgreSQL")


@pytest.fixture
def on_mysql(database: db.AsyncDatabase) -> None:
    if database.backend != "mysql":
        pytest.skip("about MySQL and MariaDB")


async def settle(database: db.AsyncDatabase) -> None:
    """Connections on their way home arrive."""
    loop = asyncio.get_running_loop()
    until = loop.time() + 3
    while database.stats().busy:
        assert loop.time() < until, database.stats()
        await asyncio.sleep(0.01)


async def refs(**options: Any) -> list[str]:
    return list(await Parcel.objects.order_by("ref").values_list("ref", flat=True).all(**options))


async def add(ref: str, **options: Any) -> None:
    await Parcel.objects.create(ref=ref, **options)


async def weight(ref: str) -> int:
    return (await Parcel.objects.get(ref=ref)).weight


async def bump(ref: str) -> int:
    return await Parcel.objects.filter(ref=ref).increment("weight")


def through(place: servers.Server, proxy: Proxy) -> str:
    """The URL of the database behind the proxy."""
    parts = urlsplit(place.url)
    user = (parts.netloc.rpartition("@")[0] + "@") if "@" in parts.netloc else ""
    return parts._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()


# --- beginning -----------------------------------------------------------------------------------


async def test_a_block_without_statements_sends_nothing(place: servers.Server) -> None:
    seen: list[str] = []
    async with Proxy(place.port) as proxy, db.connect(through(place, proxy)) as handle:
        await handle.ping()
        (line,) = proxy.lines
        carried = dict(line.carried)
        async with atomic() as block:
            block.on_commit(lambda: seen.append("committed"))
            assert block.status == "active"
        with pytest.raises(ZeroDivisionError):
            async with atomic():
                raise ZeroDivisionError
        assert (block.status, seen, line.carried) == ("committed", ["committed"], carried)


async def test_begin_travels_with_the_first_statement(
    place: servers.Server, database: db.AsyncDatabase
) -> None:
    if place.backend != "postgres":
        pytest.skip("one flight is PostgreSQL's")
    settings = PoolSettings(max_connections=1)
    async with Proxy(place.port) as proxy, db.connect(through(place, proxy), settings=settings, name="p"):
        for _ in range(3):
            await refs(using="p")
        proxy.delay = 0.1
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with atomic(using="p"):
            await refs(using="p")
            # There and back: four delays would be two round trips.
            assert loop.time() - started < 0.35
            proxy.delay = 0.0


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
async def test_isolation_levels_differ_in_what_they_see(database: db.AsyncDatabase, level: str) -> None:
    if level == "serializable" and database.backend == "mysql":
        pytest.skip("there every read locks")
    await add("a")
    async with atomic(isolation=level, readonly=True):
        assert await refs() == ["a"]
        writing = asyncio.create_task(add("b"))
        await asyncio.wait([writing], timeout=0.5)
        assert await refs() == (["a", "b"] if level == "read committed" else ["a"])
    await writing
    assert await refs() == ["a", "b"]


async def test_isolation_holds_for_one_transaction(database: db.AsyncDatabase) -> None:
    await add("a")
    async with atomic(isolation="repeatable read"):
        assert await refs() == ["a"]
    async with atomic(isolation="read committed"):
        assert await refs() == ["a"]
        await asyncio.create_task(add("b"))
        assert await refs() == ["a", "b"]


async def test_deferrable_is_for_postgres(database: db.AsyncDatabase) -> None:
    block = atomic(isolation="serializable", readonly=True, deferrable=True)
    if database.backend == "postgres":
        async with block:
            rows = await execute_raw("SHOW transaction_deferrable")
        assert rows == [{"transaction_deferrable": "on"}]
        return
    with pytest.raises(NotSupportedError, match="PostgreSQL"):
        async with block:
            pass


# --- after errors ------------------------------------------------------------------------------------


async def test_an_error_ends_the_block_on_postgres(on_postgres: None) -> None:
    with pytest.raises(TransactionAbortedError):
        async with atomic() as block:
            await add("a")
            with pytest.raises(UniqueViolationError):
                await add("a")
            assert block.status == "failed"
            with pytest.raises(TransactionAbortedError):
                await refs()
            with pytest.raises(TransactionAbortedError):
                async with atomic():
                    pass
    assert await refs() == []


async def test_a_nested_block_mends_it(on_postgres: None) -> None:
    async with atomic() as block:
        await add("a")
        with pytest.raises(UniqueViolationError):
            async with atomic():
                await add("a")
        with pytest.raises(TransactionAbortedError):
            async with atomic():  # the error is swallowed inside
                with pytest.raises(UniqueViolationError):
                    await add("a")
        point = await block.savepoint()
        with pytest.raises(UniqueViolationError):
            await add("a")
        await point.rollback()
        await add("b")
        assert block.status == "active"
    assert await refs() == ["a", "b"]


async def test_retrying_calls_protect_themselves(database: db.AsyncDatabase) -> None:
    await add("a", weight=1)
    async with atomic() as block:
        parcel, created = await Parcel.objects.get_or_create(ref="a", defaults={"weight": 5})
        assert (parcel.weight, created) == (1, False)
        # The lookup finds nothing, but the row is there: the insert fails inside.
        with pytest.raises(UniqueViolationError):
            await Parcel.objects.get_or_create(ref="a", weight=77)
        await add("b")

        async def other() -> None:
            with pytest.raises(UniqueViolationError):
                await Parcel.objects.get_or_create(ref="a", weight=78, client=block)

        await asyncio.create_task(other())
        parcel, created = await Parcel.objects.update_or_create(ref="b", defaults={"weight": 9})
        assert (parcel.weight, created) == (9, False)
    assert await refs() == ["a", "b"]


async def test_a_deferred_constraint_fails_the_commit(on_postgres: None) -> None:
    await db.execute_script(
        "CREATE TABLE owners (id int PRIMARY KEY);"
        "CREATE TABLE things (owner int REFERENCES owners DEFERRABLE INITIALLY DEFERRED)"
    )
    done: list[int] = []
    with pytest.raises(IntegrityError):
        async with atomic() as block:
            block.on_commit(lambda: done.append(1))
            await execute_raw("INSERT INTO things VALUES (1)")
    assert (block.status, done) == ("rolled back", [])
    assert await execute_raw("SELECT * FROM things") == []


async def meet_in_the_middle(first: str, second: str, barrier: Any) -> None:
    await bump(first)
    await barrier()
    await bump(second)


class Meeting:
    """Two tasks go on together, the first time."""

    def __init__(self) -> None:
        self.there = 0
        self.both = asyncio.Event()

    async def __call__(self) -> None:
        self.there += 1
        if self.there >= 2:
            self.both.set()
        await self.both.wait()


async def test_a_deadlock_ends_the_block_everywhere(database: db.AsyncDatabase) -> None:
    await add("a")
    await add("b")
    meeting = Meeting()
    outcomes: list[str] = []

    async def work(first: str, second: str) -> None:
        try:
            async with atomic():
                try:
                    await meet_in_the_middle(first, second, meeting)
                except DeadlockError as error:
                    assert error.retryable
                    with pytest.raises(TransactionAbortedError):
                        await bump(first)
                    raise
            outcomes.append("committed")
        except DeadlockError:
            outcomes.append("deadlock")

    await asyncio.gather(work("a", "b"), work("b", "a"))
    assert sorted(outcomes) == ["committed", "deadlock"]
    assert (await weight("a"), await weight("b")) == (1, 1)


async def test_a_swallowed_deadlock_is_not_committed(database: db.AsyncDatabase) -> None:
    await add("a")
    await add("b")
    meeting = Meeting()

    async def work(first: str, second: str) -> None:
        async with atomic():
            await add(f"by {first}")
            with contextlib.suppress(DeadlockError):
                await meet_in_the_middle(first, second, meeting)

    outcomes = await asyncio.gather(work("a", "b"), work("b", "a"), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "TransactionAbortedError"]
    assert len(await refs()) == 3


async def test_retries_get_through_deadlocks(database: db.AsyncDatabase) -> None:
    await add("a")
    await add("b")
    meeting = Meeting()
    runs: list[str] = []

    @atomic(retries=5)
    async def work(first: str, second: str) -> None:
        runs.append(first)
        await meet_in_the_middle(first, second, meeting)

    await asyncio.gather(work("a", "b"), work("b", "a"))
    assert len(runs) >= 3
    assert (await weight("a"), await weight("b")) == (2, 2)


async def test_retries_get_through_serialization_failures(on_postgres: None) -> None:
    await add("a")
    runs: list[int] = []

    @atomic(retries=10, isolation="repeatable read")
    async def work() -> None:
        runs.append(1)
        parcel = await Parcel.objects.get(ref="a")
        await asyncio.sleep(0.01)
        await Parcel.objects.filter(ref="a").update(weight=parcel.weight + 1)

    await asyncio.gather(*(work() for _ in range(4)))
    assert await weight("a") == 4
    assert len(runs) > 4
    with pytest.raises(SerializationError):
        async with atomic(isolation="serializable"):
            await weight("a")
            await asyncio.create_task(bump("a"))
            await bump("a")


# --- limits ---------------------------------------------------------------------------------------------


async def current_limits(database: db.AsyncDatabase) -> list[Any]:
    if database.backend == "postgres":
        return [
            (await execute_raw(f"SHOW {name}"))[0][name] for name in ("statement_timeout", "lock_timeout")
        ]
    name = "max_statement_time" if database.flavor == "mariadb" else "max_execution_time"
    (row,) = await execute_raw(f"SELECT @@SESSION.{name} AS a, @@SESSION.innodb_lock_wait_timeout AS b")
    return list(row.values())


async def test_a_block_limits_its_statements(place: servers.Server) -> None:
    async with db.connect(place.url, settings=PoolSettings(max_connections=1)) as database:
        before = await current_limits(database)
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(StatementTimeout):
            async with atomic(statement_timeout=0.1):
                if database.backend == "mysql" and database.flavor == "mysql":
                    # SLEEP() ends early there, without an error.
                    await execute_raw(
                        "SELECT COUNT(*) AS n FROM information_schema.columns a, "
                        "information_schema.columns b, information_schema.columns c"
                    )
                await execute_raw(SLEEP[database.backend])
        assert loop.time() - started < 3
        assert await current_limits(database) == before
        async with atomic(statement_timeout=7, lock_timeout=9):
            changed = await current_limits(database)
            async with atomic(lock_timeout=3):
                inner = await current_limits(database)
            assert await current_limits(database) == changed
            with pytest.raises(ZeroDivisionError):
                async with atomic(statement_timeout=2):
                    raise ZeroDivisionError
            assert await current_limits(database) == changed
        assert await current_limits(database) == before
        assert (changed[0], inner[0]) == (changed[0], changed[0])
        assert len({str(before[1]), str(changed[1]), str(inner[1])}) == 3


async def test_a_block_limits_its_waits_for_locks(database: db.AsyncDatabase) -> None:
    await add("a")
    async with atomic():
        await bump("a")

        async def other() -> None:
            async with atomic(lock_timeout=1):
                await bump("a")

        with pytest.raises(LockTimeout):
            await asyncio.create_task(other())
    assert await weight("a") == 1


# --- MySQL's DDL ----------------------------------------------------------------------------------


async def test_ddl_commits_and_a_new_transaction_begins(
    on_mysql: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "oxyde.transaction"), pytest.raises(ZeroDivisionError):
        async with atomic() as block:
            await add("a")
            await execute_raw("CREATE TABLE one (n int)")
            assert block.status == "active"
            await add("b")
            await execute_raw("CREATE TABLE two (n int)")
            await add("c")
            raise ZeroDivisionError
    assert await refs() == ["a", "b"]
    assert caplog.text.count("commits") == 1


async def test_ddl_ends_savepoints(on_mysql: None) -> None:
    async with atomic() as block:
        point = await block.savepoint()
        async with atomic():
            await add("a")
            await execute_raw("CREATE TABLE one (n int)")
            await add("b")
        with pytest.raises(InterfaceError):
            await point.rollback()
        await add("c")
    assert await refs() == ["a", "b", "c"]


# --- lost lines -----------------------------------------------------------------------------------


async def test_a_lost_connection_ends_the_block(place: servers.Server, database: db.AsyncDatabase) -> None:
    ask = "pg_backend_pid()" if place.backend == "postgres" else "connection_id()"
    kill = "SELECT pg_terminate_backend({})" if place.backend == "postgres" else "KILL {}"
    with pytest.raises(TransactionAbortedError):
        async with atomic() as block:
            await add("a")
            (row,) = await execute_raw(f"SELECT {ask} AS pid")
            with place.admin() as admin:
                admin.rows(kill.format(row["pid"]))
            with pytest.raises(ConnectionLostError):
                await add("b")
            assert block.status == "failed"
            with pytest.raises(DatabaseError):
                await add("c")
    assert await refs() == []


async def test_a_commit_without_an_answer_is_unknown(
    place: servers.Server, database: db.AsyncDatabase
) -> None:
    hooks: list[int] = []
    settings = PoolSettings(max_connections=1)
    async with Proxy(place.port) as proxy, db.connect(through(place, proxy), name="p", settings=settings):
        async with atomic(using="p"):  # so that COMMIT is prepared, and cut off when it runs
            await refs(using="p")
        with pytest.raises(CommitUnknownError) as caught:
            async with atomic(using="p") as block:
                block.on_commit(lambda: hooks.append(1))
                await add("a", using="p")
                proxy.plan = Plan(after=0, towards="client", act="cut", once=True)
        assert not caught.value.retryable
        assert (block.status, hooks) == ("failed", [])
        runs: list[int] = []

        proxy.plan = None
        async with atomic(using="p"):
            await refs(using="p")

        async def work() -> None:
            runs.append(1)
            await add("b", using="p")
            proxy.plan = Plan(after=0, towards="client", act="cut", once=True)

        with pytest.raises(CommitUnknownError):
            await atomic(using="p", retries=5).run(work)
        assert len(runs) == 1
    assert await refs() == ["a", "b"]  # the server had them, as it happens


async def test_a_line_lost_before_the_commit_is_no_doubt(
    place: servers.Server, database: db.AsyncDatabase
) -> None:
    async with Proxy(place.port) as proxy, db.connect(through(place, proxy), name="p"):
        with pytest.raises(DatabaseError) as caught:
            async with atomic(using="p"):
                await add("a", using="p")
                proxy.drop()
                await asyncio.sleep(0.1)
        assert not isinstance(caught.value, CommitUnknownError)
    assert await refs() == []


async def test_a_cancelled_block_waits_a_bounded_time_for_its_rollback(
    place: servers.Server, database: db.AsyncDatabase
) -> None:
    settings = PoolSettings(cancel_timeout=0.3, shutdown_timeout=1)
    async with (
        Proxy(place.port) as proxy,
        db.connect(through(place, proxy), name="p", settings=settings) as handle,
    ):
        entered = asyncio.Event()

        async def work(statement: str | None) -> None:
            async with atomic(using="p"):
                # The server keeps what a line that fell silent has locked.
                await add("a" if statement is None else "b", using="p")
                entered.set()
                if statement is None:
                    await asyncio.sleep(60)
                else:
                    await execute_raw(statement, using="p")

        for statement in (None, SLEEP[place.backend]):
            entered.clear()
            task = asyncio.create_task(work(statement))
            await entered.wait()
            await asyncio.sleep(0.05)
            proxy.stall()
            loop = asyncio.get_running_loop()
            started = loop.time()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert loop.time() - started < 2
            while handle.stats().busy:
                assert loop.time() - started < 4
                await asyncio.sleep(0.02)


async def test_an_abandoned_transaction_frees_its_connection(
    place: servers.Server, database: db.AsyncDatabase
) -> None:
    settings = PoolSettings(transaction_timeout=0.05, transaction_cleanup_interval=0.01)
    async with db.connect(place.url, name="p", settings=settings) as handle:
        with pytest.raises(TransactionTimeoutError, match="idle"):
            async with atomic(using="p"):
                await add("a", using="p")
                await asyncio.sleep(0.3)
                assert handle.stats().busy == 0
        tx = AsyncTransaction(handle)
        await tx.__aenter__()
        await Parcel.objects.create(ref="b", client=tx)
        del tx
        await asyncio.sleep(0.1)
        assert handle.stats().busy == 0
    assert await refs() == []


async def test_blocks_of_other_tasks_are_independent(database: db.AsyncDatabase) -> None:
    async with atomic():
        await add("a")

        async def child() -> list[str]:
            async with atomic():
                await add("b")
            return await refs()

        assert await asyncio.create_task(child()) == ["b"]
        assert await refs() == ["a", "b"]


async def test_a_snapshot_does_not_hide_the_row_that_was_in_the_way(database: db.AsyncDatabase) -> None:
    if database.backend == "postgres":
        pytest.skip("there a snapshot hides it: the error is the answer")
    async with atomic(isolation="repeatable read"):
        assert await refs() == []
        await asyncio.create_task(add("a", weight=5))
        parcel, created = await Parcel.objects.get_or_create(ref="a")
        assert (parcel.weight, created) == (5, False)
