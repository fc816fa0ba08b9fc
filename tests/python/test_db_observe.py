"""Logs, hooks and captures of statements; transactions that are left alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from parcels import Parcel, filled

from oxyde import PoolSettings, TransactionTimeoutError, UniqueViolationError, atomic, db, execute_raw


@pytest_asyncio.fixture
async def database() -> AsyncIterator[db.AsyncDatabase]:
    async with filled() as opened:
        yield opened


async def test_captures_hold_the_statements_of_their_context(database: db.AsyncDatabase) -> None:
    async def elsewhere() -> None:
        await Parcel.objects.count()

    other = asyncio.create_task(elsewhere())
    with db.capture_queries() as log:
        await Parcel.objects.filter(ref="A1").all()
        await other
        with db.capture_queries(using="ledger") as nothing:
            await asyncio.create_task(elsewhere())
    await Parcel.objects.count()
    assert [event.operation for event in log] == ["SELECT", "SELECT"]
    first = log[0]
    assert (first.alias, first.backend, first.role, first.table) == (
        "default",
        "sqlite",
        "primary",
        "parcels",
    )
    assert (first.rows, first.params, first.error, first.transaction_id) == (1, None, None, None)
    assert first.duration > 0
    assert nothing == []


async def test_hooks_see_errors_and_transactions(database: db.AsyncDatabase) -> None:
    events: list[db.QueryEvent] = []

    def broken(event: db.QueryEvent) -> None:
        raise ZeroDivisionError

    db.add_query_hook(broken)
    db.add_query_hook(events.append)
    db.add_query_hook(events.append, using="ledger")
    try:
        async with atomic() as block:
            number = block.id
            with pytest.raises(UniqueViolationError):
                await Parcel.objects.create(ref="A1")
    finally:
        db.remove_query_hook(broken)
        db.remove_query_hook(events.append)
    await Parcel.objects.count()
    assert [event.operation for event in events] == ["BEGIN", "INSERT", "COMMIT"]
    assert isinstance(events[1].error, UniqueViolationError)
    assert events[1].transaction_id == number
    with pytest.raises(TypeError):
        db.add_query_hook("print")  # type: ignore[arg-type]


async def test_the_log_has_a_record_per_statement(
    database: db.AsyncDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "oxyde.sql"):
        await Parcel.objects.filter(ref="A1").all()
    await Parcel.objects.count()
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith("SELECT")
    assert (record.rows, record.alias, record.params) == (1, "default", None)  # type: ignore[attr-defined]
    assert "A1" not in record.getMessage()


async def test_echo_and_slow_statements(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = PoolSettings(echo=True, log_parameters=True, slow_query_threshold=0)
    with caplog.at_level(logging.INFO, "oxyde.sql"):
        async with db.connect(f"sqlite:///{tmp_path}/s.db", settings=settings):
            await execute_raw("SELECT ?", ["shown"])
    info, slow = caplog.records
    assert (info.levelno, slow.levelno) == (logging.INFO, logging.WARNING)
    assert "shown" in info.getMessage()
    assert slow.getMessage().startswith("slow query")
    assert Path(__file__).name in slow.getMessage()


async def test_an_abandoned_transaction_is_rolled_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = PoolSettings(transaction_timeout=0.05, transaction_cleanup_interval=0.01)
    async with db.connect(f"sqlite:///{tmp_path}/s.db", settings=settings) as database:
        await execute_raw("CREATE TABLE t (n)")
        with pytest.raises(TransactionTimeoutError, match="idle"):
            async with atomic() as block:
                await execute_raw("INSERT INTO t VALUES (1)")
                await asyncio.sleep(0.15)
                assert database.stats().busy == 0
                assert block.status == "rolled back"
                with pytest.raises(TransactionTimeoutError):
                    await execute_raw("INSERT INTO t VALUES (2)")
        assert await execute_raw("SELECT * FROM t") == []
        async with atomic():
            for n in range(8):
                await execute_raw("INSERT INTO t VALUES (?)", [n])
                await asyncio.sleep(0.02)
        assert len(await execute_raw("SELECT * FROM t")) == 8
    assert "is rolled back" in caplog.text


async def test_a_running_statement_is_never_abandoned(tmp_path: Path) -> None:
    settings = PoolSettings(transaction_timeout=0.02, transaction_cleanup_interval=0.01)
    numbers = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000000)"
    async with db.connect(f"sqlite:///{tmp_path}/s.db", settings=settings), atomic():
        assert await execute_raw(f"{numbers} SELECT max(x) AS m FROM c") == [{"m": 2000000}]


async def test_cancelled_writers_leave_the_pool_usable(tmp_path: Path) -> None:
    async with db.connect(f"sqlite:///{tmp_path}/s.db") as database:
        await execute_raw("CREATE TABLE t (n)")

        async def write(n: int) -> None:
            async with atomic():
                await execute_raw("INSERT INTO t VALUES (?)", [n])
                await asyncio.sleep(0)

        tasks = [asyncio.create_task(write(n)) for n in range(50)]
        await asyncio.sleep(0.005)
        for task in tasks[::3]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        kept = sum(outcome is None for outcome in done)
        (row,) = await execute_raw("SELECT count(*) AS n FROM t")
        # A task cancelled during its COMMIT has its row as well.
        assert kept <= row["n"] <= len(tasks)
        assert database.stats().busy == 0
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
