"""Logs, hooks and captures of statements; transactions that are left alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import servers
from parcels import MODELS, Parcel, State, filled
from servers import Server

from oxyde import (
    PoolSettings,
    TransactionTimeoutError,
    UniqueViolationError,
    atomic,
    create_tables,
    db,
    execute_raw,
)


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


async def test_events_tell_rows_and_values_on_every_server(fresh_database: Server) -> None:
    servers.drop_everything(fresh_database)
    async with db.connect(fresh_database.url, settings=PoolSettings(log_parameters=True)) as opened:
        await create_tables(opened, models=MODELS)
        with db.capture_queries() as log:
            async with atomic():
                await Parcel.objects.create(ref="A1", price=Decimal("1.5"), sent=datetime(2031, 1, 2, 12))
                await Parcel.objects.filter(ref__in=["A1", "A2"]).update(weight=3, state=State.SENT)
            await Parcel.objects.filter(ref="none").all()
            await Parcel.objects.filter(ref="none").delete()
            with pytest.raises(UniqueViolationError):
                await Parcel.objects.create(ref="A1")
        by_operation = {event.operation: event for event in log if event.operation not in ("BEGIN", "START")}
    rows = {name: event.rows for name, event in by_operation.items()}
    assert rows == {"INSERT": 0, "UPDATE": 1, "COMMIT": 0, "SELECT": 0, "DELETE": 0}
    created = next(event for event in log if event.operation == "INSERT")
    assert created.rows == 1
    assert created.params is not None
    assert {"A1", 0} <= {value for value in created.params if isinstance(value, (str, int))}
    assert any(str(value) in ("1.5", "1.50") for value in created.params)
    assert any(str(value).startswith("2031-01-02 12:00:00") for value in created.params)
    changed = by_operation["UPDATE"].params
    assert changed is not None
    assert set(changed) == {3, State.SENT.value, "A1", "A2"}


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


# --- queries beside the transaction they were meant for ---------------------------------------------


@pytest.fixture
def debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oxyde.db._debug.FORCED", True)
    monkeypatch.setattr("oxyde.db._debug._seen", set())


async def count(**options: Any) -> int:
    return await Parcel.objects.count(**options)


async def test_debugging_warns_of_queries_outside_their_parents_block(
    tmp_path: Path, debugging: None
) -> None:
    async with db.connect(f"sqlite:///{tmp_path}/s.db") as database:
        await create_tables(database, models=[Parcel])
        async with atomic() as block, atomic():
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                await count()
                await asyncio.create_task(count(client=block))
                assert seen == []
                await asyncio.gather(count(), count())  # once per place
                assert len(seen) == 1

            async def exists() -> bool:
                return await Parcel.objects.exists()

            with pytest.warns(RuntimeWarning, match=rf"outside transaction {block.id}.*client=tx") as caught:
                await asyncio.create_task(exists())
            assert caught[0].filename == __file__

            async def independent() -> None:
                async with atomic(readonly=True):
                    await Parcel.objects.all()

            await asyncio.create_task(independent())
            late = asyncio.create_task(asyncio.sleep(0.05))
            late.add_done_callback(lambda _: None)

        async def afterwards() -> int:
            await asyncio.sleep(0.01)
            return await Parcel.objects.filter(weight=1).count()

        async with atomic():
            task = asyncio.create_task(afterwards())
        assert await task == 0
        await late


async def test_without_debugging_nobody_is_warned(tmp_path: Path) -> None:
    async with db.connect(f"sqlite:///{tmp_path}/s.db") as database:
        await create_tables(database, models=[Parcel])
        async with atomic():
            assert await asyncio.create_task(count()) == 0


async def test_cancelled_statements_are_reported(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
    async with db.connect(f"sqlite:///{tmp_path}/s.db"):
        with db.capture_queries() as log, pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(execute_raw(endless), 0.05)
    (event,) = log
    assert isinstance(event.error, asyncio.CancelledError)
    assert event.duration >= 0.04


async def test_a_change_of_the_loggers_level_is_noticed(
    database: db.AsyncDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("oxyde.sql")
    await Parcel.objects.count()
    assert caplog.records == []
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        await Parcel.objects.count()
    finally:
        logger.setLevel(before)
    await Parcel.objects.count()
    assert len(caplog.records) == 1


async def test_what_begins_a_block_is_told_with_its_first_statement(empty_database: servers.Server) -> None:
    """Although it travels in front of it, in the same flight."""
    async with db.connect(empty_database.url) as handle:
        with db.capture_queries() as log:
            async with atomic(isolation="serializable"):
                await execute_raw("SELECT 1 AS n")
    begins = [event for event in log if event.operation in ("BEGIN", "START", "SET")]
    assert any(event.operation != "SET" for event in begins), [event.sql for event in log]
    assert [event.operation for event in log if event not in begins] == ["SELECT", "COMMIT"]
    assert [event.params for event in begins] == [None] * len(begins)
    assert len({event.transaction_id for event in log if event.operation == "SELECT"}) == 1
    assert handle.backend == log[0].backend
