"""Transactions: commit, roll back, nest, time out, get cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
import servers
from parcels import MODELS, Parcel

from oxyde import (
    DatabaseError,
    InterfaceError,
    PoolSettings,
    PoolTimeoutError,
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
from oxyde.db import AsyncTransaction, get_active_transaction, on_commit


@pytest.fixture(scope="module", params=[*servers.chosen(), "memory"])
def place(request: pytest.FixtureRequest) -> Iterator[servers.Server | None]:
    """A database on each server; None: in memory."""
    if request.param == "memory":
        yield None
        return
    with servers.fresh_database(request.param) as found:
        yield found


@pytest_asyncio.fixture(autouse=True)
async def database(place: servers.Server | None) -> AsyncIterator[db.AsyncDatabase]:
    if place is not None:
        servers.drop_everything(place)
    url = "sqlite://:memory:" if place is None else place.url
    async with db.connect(url, settings=PoolSettings(acquire_timeout=5)) as opened:
        await create_tables(opened, models=MODELS)
        yield opened
        assert opened.stats().busy == 0


@pytest.fixture
def on_sqlite(database: db.AsyncDatabase) -> None:
    if database.backend != "sqlite":
        pytest.skip("about SQLite")


@pytest.fixture
def errors_undo_statements(database: db.AsyncDatabase) -> None:
    if database.backend == "postgres":
        pytest.skip("there an error ends the block")


SLOW = {
    "sqlite": (
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c WHERE x < 0"
    ),
    "postgres": "SELECT pg_sleep(20)",
    "mysql": "SELECT SLEEP(20)",
}
SLOW_WRITE = {
    "sqlite": (
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
        "INSERT INTO berths SELECT 'N', x, 0 FROM c"
    ),
    "postgres": "INSERT INTO berths SELECT 'N', x, 0 FROM generate_series(1, 100) AS x, pg_sleep(20)",
    "mysql": "INSERT INTO berths SELECT 'N', SLEEP(20), 0",
}
ROLLING_BACK = (
    "INSERT OR ROLLBACK INTO parcels (ref, weight, state, extra, marks) VALUES ('a', 1, 'new', '{}', '[]')"
)


async def refs() -> list[str]:
    return list(await Parcel.objects.order_by("ref").values_list("ref", flat=True).all())


async def add(ref: str, **options: Any) -> None:
    await Parcel.objects.create(ref=ref, **options)


# --- commit and roll back ------------------------------------------------------------------


async def test_a_block_commits_or_rolls_back() -> None:
    async with atomic() as block:
        await add("a")
        assert get_active_transaction() is block.transaction
        assert block.status == "active"
    assert (block.status, block.transaction.status) == ("committed", "committed")
    assert get_active_transaction() is None
    with pytest.raises(ZeroDivisionError):
        async with atomic() as block:
            await add("b")
            raise ZeroDivisionError
    assert block.status == "rolled back"
    assert await refs() == ["a"]


async def test_a_nested_block_is_a_savepoint() -> None:
    async with atomic() as outer:
        await add("a")
        with pytest.raises(ZeroDivisionError):
            async with atomic() as inner:
                assert inner.transaction is outer.transaction
                await add("b")
                async with atomic():
                    await add("c")
                raise ZeroDivisionError
        async with atomic():
            await add("d")
    assert await refs() == ["a", "d"]


async def test_set_rollback_undoes_everything_silently() -> None:
    async with atomic():
        await add("a")
        async with atomic() as inner:
            inner.set_rollback()
    assert await refs() == []
    async with atomic() as block:
        await add("a")
        block.set_rollback()
        block.set_rollback(False)
    assert await refs() == ["a"]


async def test_a_context_can_be_entered_again_after_it_was_left() -> None:
    block = atomic()
    with pytest.raises(InterfaceError, match="not entered"):
        _ = block.transaction
    with pytest.raises(InterfaceError, match="Transaction not started"):
        _ = block.id
    async with block:
        first = block.id
        with pytest.raises(InterfaceError, match="entered already"):
            await block.__aenter__()
        await add("a")
    async with block:
        assert block.id > first
        await add("b")
    assert await refs() == ["a", "b"]


async def test_a_statement_error_leaves_the_block_usable(errors_undo_statements: None) -> None:
    async with atomic():
        await add("a")
        with pytest.raises(UniqueViolationError):
            await add("a")
        await add("b")
    assert await refs() == ["a", "b"]


async def test_a_transaction_that_the_database_ended_is_never_committed(on_sqlite: None) -> None:
    with pytest.raises(TransactionAbortedError):
        async with atomic() as block:
            await add("a")
            with pytest.raises(UniqueViolationError):
                await execute_raw(ROLLING_BACK)
            assert block.status == "failed"
            with pytest.raises(TransactionAbortedError):
                await add("b")
    assert await refs() == []


# --- decorator and run ----------------------------------------------------------------------


async def test_the_decorator_opens_a_block_per_call() -> None:
    @atomic
    async def plain(ref: str) -> str:
        await add(ref)
        return ref

    @atomic(using="default")
    async def failing(ref: str) -> None:
        await add(ref)
        raise ZeroDivisionError

    assert await asyncio.gather(plain("a"), plain("b")) == ["a", "b"]
    with pytest.raises(ZeroDivisionError):
        await failing("c")
    assert await refs() == ["a", "b"]
    assert plain.__name__ == "plain"
    for wrong in (len, lambda: None, 5):
        with pytest.raises(TypeError):
            atomic(wrong)  # type: ignore[call-overload]


async def test_run_repeats_after_conflicts() -> None:
    tries: list[int] = []

    async def conflicting(limit: int) -> int:
        tries.append(1)
        await add(f"a{len(tries)}")
        await on_commit(lambda: done.append(len(tries)))
        if len(tries) < limit:
            raise SerializationError("conflict")
        return len(tries)

    done: list[int] = []
    assert await atomic(retries=3).run(conflicting, 3) == 3
    assert await refs() == ["a3"]
    assert done == [3]
    tries.clear()
    with pytest.raises(SerializationError):
        await atomic(retries=1).run(conflicting, 5)
    assert len(tries) == 2
    tries.clear()
    async with atomic():
        with pytest.raises(SerializationError):
            await atomic(retries=3).run(conflicting, 5)
    assert len(tries) == 1
    with pytest.raises(InterfaceError, match="retries"):
        async with atomic(retries=1):
            pass


# --- options ---------------------------------------------------------------------------------


async def test_options_are_checked_at_the_call() -> None:
    for wrong in (
        {"isolation": "chaos"},
        {"deferrable": True},
        {"deferrable": True, "readonly": True},
        {"retries": -1},
        {"timeout": -1},
        {"timeout": math.nan},
    ):
        with pytest.raises(ValueError):
            atomic(**wrong)  # type: ignore[call-overload]
    for wrong in ({"timeout": "3"}, {"retries": 1.5}, {"isolation": 3}, {"using": None}, {"colour": 1}):
        with pytest.raises(TypeError):
            atomic(**wrong)  # type: ignore[call-overload]
    async with atomic(isolation="READ_COMMITTED"), atomic(isolation="read-committed"):
        for options in ({"isolation": "serializable"}, {"readonly": True}, {"durable": True}):
            with pytest.raises(InterfaceError):
                async with atomic(**options):  # type: ignore[call-overload]
                    pass
        await add("a")
    assert await refs() == ["a"]


async def test_a_readonly_block_refuses_writes() -> None:
    await add("a")
    async with atomic(readonly=True):
        assert await refs() == ["a"]
        with pytest.raises(DatabaseError, match=r"read-?only|READ ONLY"):
            async with atomic():
                await add("b")
    await add("c")
    assert await refs() == ["a", "c"]


async def test_a_readonly_block_sees_one_state(database: db.AsyncDatabase) -> None:
    if database.stats().max_size == 1:
        pytest.skip("one connection: nobody else can write meanwhile")
    await add("a")
    async with atomic(readonly=True, isolation="repeatable read"):
        assert await refs() == ["a"]
        await asyncio.create_task(add("b"))
        assert await refs() == ["a"]
    assert await refs() == ["a", "b"]


# --- timeouts -----------------------------------------------------------------------------------


async def test_an_overdue_block_rolls_back() -> None:
    with pytest.raises(TransactionTimeoutError, match=r"Transaction \d+ exceeded timeout"):
        async with atomic(timeout=0.02):
            await add("a")
            await asyncio.sleep(0.05)
    with pytest.raises(TransactionTimeoutError, match="exceeded timeout"):
        async with atomic(timeout=0):
            await add("b")
    assert await refs() == []


async def test_a_statement_after_the_deadline_says_so() -> None:
    with pytest.raises(TransactionTimeoutError):
        async with atomic(timeout=0.02):
            await asyncio.sleep(0.05)
            with pytest.raises(TransactionTimeoutError, match="exceeded timeout"):
                await add("a")
            with pytest.raises(TransactionTimeoutError, match="can no longer be used"):
                await add("b")
    assert await refs() == []


async def test_a_running_statement_stops_at_the_deadline(database: db.AsyncDatabase) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(TransactionTimeoutError):
        async with atomic(timeout=0.1):
            await execute_raw(SLOW[database.backend])
    assert asyncio.get_running_loop().time() - started < 2
    await add("a")


async def test_a_nested_timeout_ends_only_the_nested_block() -> None:
    async with atomic():
        await add("a")
        with pytest.raises(TransactionTimeoutError):
            async with atomic(timeout=0.01):
                await add("b")
                await asyncio.sleep(0.03)
        await add("c")
    assert await refs() == ["a", "c"]


async def test_waiting_for_the_writer_counts(on_sqlite: None) -> None:
    entered = asyncio.Event()

    async def hold() -> None:
        async with atomic():
            entered.set()
            await asyncio.sleep(0.2)

    holder = asyncio.create_task(hold())
    await entered.wait()
    with pytest.raises(TransactionTimeoutError):
        async with atomic(timeout=0.03):
            pass
    await holder


# --- savepoints ------------------------------------------------------------------------------------


async def test_savepoints_by_hand() -> None:
    async with atomic() as block:
        await add("a")
        point = await block.savepoint()
        await add("b")
        await point.rollback()
        await add("c")
        await point.release()
        with pytest.raises(InterfaceError, match="released"):
            await point.rollback()
        async with block.savepoint('odd "name"') as named:
            await add("d")
        with pytest.raises(InterfaceError):
            await named.release()
        with pytest.raises(ZeroDivisionError):
            async with block.savepoint():
                await add("e")
                raise ZeroDivisionError
    assert await refs() == ["a", "c", "d"]
    with pytest.raises(InterfaceError):
        await point.rollback()


async def test_rolling_back_ends_inner_savepoints() -> None:
    async with atomic() as block:
        outer = await block.savepoint()
        inner = await block.savepoint()
        await outer.rollback()
        with pytest.raises(InterfaceError, match="rolled back"):
            await inner.release()
        await outer.release()
        for wrong in ("", "a\0b"):
            with pytest.raises(ValueError):
                block.savepoint(wrong)


# --- hooks -------------------------------------------------------------------------------------------


async def test_hooks_run_after_the_outermost_commit_in_order() -> None:
    seen: list[Any] = []

    async def later() -> None:
        seen.append(("later", get_active_transaction(), await refs()))

    async with atomic() as block:
        await add("a")
        block.on_commit(lambda: seen.append("first"))
        async with atomic():
            await on_commit(later)
            with pytest.raises(ZeroDivisionError):
                async with atomic():
                    await on_commit(lambda: seen.append("dropped"))
                    raise ZeroDivisionError
            point = await block.savepoint()
            await block.on_commit(lambda: seen.append("dropped too"))
            await point.rollback()
        assert seen == []
    assert seen == ["first", ("later", None, ["a"])]
    await on_commit(lambda: seen.append("at once"))
    assert seen[-1] == "at once"


async def test_every_hook_runs_and_the_first_error_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError("hook")

    with pytest.raises(ZeroDivisionError):
        async with atomic() as block:
            await add("a")
            block.on_commit(fail, robust=True)
            block.on_commit(fail)
            block.on_commit(lambda: seen.append("last"))
    assert seen == ["last"]
    assert await refs() == ["a"]
    assert "on_commit hook" in caplog.text
    with pytest.raises(ZeroDivisionError):
        await on_commit(fail)
    await on_commit(fail, robust=True)


async def test_a_cancellation_ends_one_hook_and_the_others_run() -> None:
    seen: list[str] = []
    waiting = asyncio.Event()

    async def wait() -> None:
        waiting.set()
        await asyncio.sleep(60)

    async def work() -> None:
        async with atomic() as block:
            await add("a")
            block.on_commit(wait)
            block.on_commit(lambda: seen.append("last"))
        seen.append("never")

    working = asyncio.create_task(work())
    await asyncio.wait_for(waiting.wait(), 10)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert seen == ["last"] and await refs() == ["a"]


async def test_a_rolled_back_block_runs_no_hook() -> None:
    seen: list[str] = []
    async with atomic() as block:
        block.on_commit(lambda: seen.append("no"))
        block.set_rollback()
    assert seen == []


# --- tasks ---------------------------------------------------------------------------------------------


async def test_child_tasks_are_outside(database: db.AsyncDatabase) -> None:
    async def child() -> Any:
        return get_active_transaction()

    async with atomic() as block:
        assert await asyncio.create_task(child()) is None
        assert await asyncio.gather(child(), child()) == [None, None]

        async def with_client() -> None:
            await Parcel.objects.create(ref="a", client=block)

        await asyncio.create_task(with_client())
        await asyncio.gather(
            *(Parcel.objects.create(ref=f"b{n}", client=block.transaction) for n in range(5))
        )
        assert len(await refs()) == 6
        block.set_rollback()
    assert await refs() == []


async def test_only_the_task_that_entered_may_leave() -> None:
    block = atomic()
    await block.__aenter__()
    await add("a")

    async def leave() -> None:
        await block.__aexit__(None, None, None)

    with pytest.raises(InterfaceError, match=r"transaction\.atomic context mismatch"):
        await asyncio.create_task(leave())
    await block.__aexit__(None, None, None)
    assert await refs() == ["a"]


async def test_the_manual_form_is_not_the_tasks(database: db.AsyncDatabase) -> None:
    if database.stats().max_size == 1:
        pytest.skip("one connection: reading beside the transaction would wait for it")
    tx = AsyncTransaction(database)
    with pytest.raises(InterfaceError, match="Transaction not started"):
        _ = tx.id
    async with tx:
        assert get_active_transaction() is None
        await Parcel.objects.create(ref="a", client=tx)
        assert await refs() == []
        assert await Parcel.objects.count(client=tx) == 1
    assert await refs() == ["a"]
    with pytest.raises(InterfaceError):
        await Parcel.objects.count(client=tx)
    with pytest.raises(InterfaceError):
        async with tx:
            pass
    with pytest.raises(TypeError):
        AsyncTransaction("default")  # type: ignore[arg-type]


async def test_a_finished_block_is_no_client() -> None:
    async with atomic() as block:
        await add("a")
    with pytest.raises(InterfaceError):
        await Parcel.objects.count(client=block)


# --- cancellation ------------------------------------------------------------------------------------------


async def test_cancelling_a_block_rolls_back(database: db.AsyncDatabase) -> None:
    entered = asyncio.Event()

    async def work() -> None:
        async with atomic():
            await add("a")
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await refs() == []
    assert database.stats().busy == 0


async def test_cancelling_at_any_turn_leaves_no_transaction(database: db.AsyncDatabase) -> None:
    async def work() -> None:
        async with atomic():
            await Parcel.objects.create(ref="a")
            await asyncio.sleep(0)
            async with atomic():
                await Parcel.objects.create(ref="b")
            await asyncio.sleep(0)

    for turns in range(12):
        task = asyncio.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        # Cancelled during COMMIT, the whole block stands, and the cancellation is raised all the same.
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert await refs() in ([], ["a", "b"]), turns
        assert task.cancelled() or await refs() == ["a", "b"], turns
        await Parcel.objects.delete()
        assert database.stats().busy == 0


async def test_a_cancelled_statement_stops_and_the_block_rolls_back(database: db.AsyncDatabase) -> None:

    async def work() -> None:
        async with atomic():
            await add("a")
            await execute_raw(SLOW[database.backend])

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(work(), 0.1)
    assert await refs() == []
    assert database.stats().busy == 0


async def test_a_cancelled_write_in_a_nested_block_keeps_the_cancellation(database: db.AsyncDatabase) -> None:

    async def work() -> None:
        async with atomic():
            await add("a")
            async with atomic():
                await execute_raw(SLOW_WRITE[database.backend])

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await refs() == []
    assert await execute_raw("SELECT * FROM berths") == []
    assert database.stats().busy == 0


async def test_an_aborted_transaction_lets_errors_through_nested_blocks(on_sqlite: None) -> None:
    with pytest.raises(ZeroDivisionError):
        async with atomic():
            await add("a")
            async with atomic():
                with pytest.raises(UniqueViolationError):
                    await execute_raw(ROLLING_BACK)
                raise ZeroDivisionError
    assert await refs() == []


async def test_the_loop_turns_between_blocks_that_never_wait(
    database: db.AsyncDatabase, on_sqlite: None
) -> None:
    """Blocks that end without waiting leave no gap for others, unless one is made every few ms."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(turn())
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.2
    while loop.time() < end:
        async with atomic():
            pass
    other.cancel()
    assert turns >= 2


async def test_many_blocks_take_turns(database: db.AsyncDatabase) -> None:
    await add("n", weight=0)
    # SQLite has one writer, and no locks on rows.
    rows = Parcel.objects.query() if database.backend == "sqlite" else Parcel.objects.for_update()

    async def bump() -> None:
        async with atomic():
            row = await rows.get(ref="n")
            await asyncio.sleep(0)
            await Parcel.objects.filter(ref="n").update(weight=row.weight + 1)

    await asyncio.gather(*(bump() for _ in range(200)))
    assert (await Parcel.objects.get(ref="n")).weight == 200


# --- limits, and children that wait for their parents -------------------------------------------------


async def test_a_block_limits_its_statements(database: db.AsyncDatabase) -> None:
    if database.flavor == "mysql":
        pytest.skip("SLEEP() ends early there, without an error; see test_transactions_servers")
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(pytest.raises(StatementTimeout))
        async with atomic(statement_timeout=60), atomic(statement_timeout=0.1):
            started = loop.time()
            await execute_raw(SLOW[database.backend])
    assert loop.time() - started < 2
    async with atomic(statement_timeout=0.05), atomic(statement_timeout=10):
        await asyncio.sleep(0.1)
        assert await refs() == []


async def test_a_child_that_waits_for_its_parent_is_told(
    place: servers.Server | None, on_sqlite: None
) -> None:
    url = "sqlite://:memory:" if place is None else place.url
    async with db.connect(url, name="busy", settings=PoolSettings(sqlite_busy_timeout=50)) as handle:
        await create_tables(handle, models=MODELS, if_not_exists=True)

        async def child() -> None:
            await Parcel.objects.create(ref="child", using="busy")

        async with atomic(using="busy") as block:
            await add("mine", using="busy")
            started = asyncio.get_running_loop().time()
            with pytest.raises(PoolTimeoutError, match=rf"transaction {block.id} of task .*client=tx"):
                await asyncio.create_task(child(), name="the child")
            assert asyncio.get_running_loop().time() - started < 2
            block.set_rollback()
