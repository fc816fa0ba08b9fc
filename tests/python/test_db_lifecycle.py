"""Handles, registry, init, close, connect and lifespan."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from parcels import MODELS, Parcel

from oxyde import (
    InterfaceError,
    OperationalError,
    PoolSettings,
    PoolTimeoutError,
    ProgrammingError,
    UnknownAliasError,
    create_tables,
    db,
    execute_raw,
)
from oxyde.db import AsyncDatabase, get_connection, register_connection, unregister_connection


@pytest_asyncio.fixture(autouse=True)
async def clean() -> AsyncIterator[None]:
    yield
    await db.close()


async def test_init_registers_and_close_forgets(tmp_path: Path) -> None:
    await db.init(
        default="sqlite://:memory:", ledger=(f"sqlite:///{tmp_path}/l.db", PoolSettings(max_connections=2))
    )
    handle, ledger = await get_connection(), await get_connection("ledger")
    assert (handle.connected, ledger.connected, ledger.settings.max_connections) == (True, True, 2)
    assert await execute_raw("SELECT 1 AS n", using="ledger") == [{"n": 1}]
    await db.close()
    assert (handle.connected, ledger.connected) == (False, False)
    with pytest.raises(KeyError, match="is not registered"):
        await execute_raw("SELECT 1")
    await db.close()
    await db.init({"settings": "sqlite://:memory:"})
    assert (await get_connection("settings")).connected


async def test_init_needs_a_database_and_knows_its_forms() -> None:
    with pytest.raises(ValueError, match="At least one database"):
        await db.init()
    await db.init(default={"primary": "sqlite://:memory:", "settings": PoolSettings(max_connections=1)})
    await db.init(default={"url": "sqlite://:memory:"})
    for wrong in ({"primry": "sqlite://"}, {"settings": None}, ("sqlite://",)):
        with pytest.raises(ValueError):
            await db.init(default=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await db.init(default=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'replica_pin'; known are primary, url, replicas, settings"):
        await db.init(default={"primary": "sqlite://", "replica_pin": 3})  # type: ignore[typeddict-unknown-key]
    with pytest.raises(TypeError, match="replicas"):
        await db.init(default={"primary": "sqlite://", "replicas": "sqlite://"})  # type: ignore[typeddict-item]
    with pytest.raises(ValueError, match=r"default\.replica\.0 is mysql, its primary sqlite"):
        await db.init(default={"primary": "sqlite://", "replicas": ["mysql://h/d"]})


async def test_a_failing_init_leaves_everything_as_it_was(tmp_path: Path) -> None:
    await db.init(default="sqlite://:memory:")
    before = await get_connection()
    with pytest.raises(OperationalError, match="unable to open database file") as caught:
        await db.init(default="sqlite://:memory:", other=f"sqlite:///{tmp_path}/no/such/shop.db")
    assert str(tmp_path) in str(caught.value)
    assert await get_connection() is before
    assert before.connected
    with pytest.raises(UnknownAliasError):
        await get_connection("other")


async def test_a_second_init_replaces_the_handles() -> None:
    await db.init(default="sqlite://:memory:")
    first = await get_connection()
    await db.init(default="sqlite://:memory:")
    assert await get_connection() is not first
    assert not first.connected


async def test_connect_hides_and_restores() -> None:
    async with db.connect("sqlite://:memory:") as outer:
        async with db.connect("sqlite://:memory:") as inner:
            assert await get_connection() is inner
        assert not inner.connected
        assert await get_connection() is outer
        with pytest.raises(ZeroDivisionError):
            async with db.connect("sqlite://:memory:"):
                raise ZeroDivisionError
        assert await get_connection() is outer
    with pytest.raises(UnknownAliasError):
        await get_connection()


async def test_lifespan_closes_its_own() -> None:
    await db.init(other="sqlite://:memory:")
    lifespan = db.lifespan(default="sqlite://:memory:")
    for _ in range(2):
        async with lifespan(object()) as state:  # type: ignore[var-annotated]
            assert state is None
            assert (await get_connection()).connected
        assert (await get_connection("other")).connected
        with pytest.raises(UnknownAliasError):
            await get_connection()
    with pytest.raises(ValueError):
        db.lifespan()


async def test_the_registry_keeps_one_handle_per_name() -> None:
    first = AsyncDatabase("sqlite://:memory:", name="a")
    with pytest.raises(ValueError, match="Connection 'a' already registered"):
        AsyncDatabase("sqlite://:memory:", name="a")
    assert register_connection(first) is first
    await first.connect()
    second = AsyncDatabase("sqlite://:memory:", name="a", overwrite=True)
    assert first.connected
    await second.connect()
    assert not first.connected
    unregister_connection("a")
    unregister_connection("a")
    with pytest.raises(UnknownAliasError):
        await get_connection("a")
    await second.disconnect()


async def test_queries_connect_a_registered_handle_on_demand() -> None:
    handle = AsyncDatabase("sqlite://:memory:")
    assert not handle.connected
    assert await execute_raw("SELECT 1 AS n") == [{"n": 1}]
    assert handle.connected
    assert (await get_connection(ensure_connected=False)) is handle


async def test_a_client_must_be_connected() -> None:
    handle = AsyncDatabase("sqlite://:memory:", auto_register=False)
    with pytest.raises(InterfaceError, match="not connected"):
        await execute_raw("SELECT 1", client=handle)


async def test_concurrent_connects_build_one_pool(tmp_path: Path) -> None:
    handle = AsyncDatabase(f"sqlite:///{tmp_path}/s.db", auto_register=False)
    await asyncio.gather(*(handle.connect() for _ in range(20)))
    opened = handle.stats().opened
    assert opened <= 2  # a writer, a reader
    await handle.connect()
    assert handle.stats().opened == opened
    await handle.disconnect()
    await handle.disconnect()
    assert not handle.connected
    async with handle as same:
        assert same is handle
        assert await handle.ping() >= 0


async def test_concurrent_connects_fail_together(tmp_path: Path) -> None:
    handle = AsyncDatabase(f"sqlite:///{tmp_path}/no/such/s.db", auto_register=False)
    outcomes = await asyncio.gather(*(handle.connect() for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OperationalError] * 5
    (tmp_path / "no" / "such").mkdir(parents=True)
    await handle.connect()
    await handle.disconnect()


async def test_an_in_memory_database_lives_until_it_is_disconnected() -> None:
    settings = PoolSettings(idle_timeout=0.01, max_lifetime=0.01, max_connections=5)
    async with db.connect("sqlite://:memory:", settings=settings) as handle:
        await create_tables(handle, models=MODELS)
        await Parcel.objects.create(ref="A")
        await asyncio.sleep(0.1)
        assert await asyncio.gather(*(Parcel.objects.count() for _ in range(10))) == [1] * 10
        await handle.disconnect()
        await handle.connect()
        with pytest.raises(ProgrammingError):
            await Parcel.objects.count()


async def test_memory_shared_by_name() -> None:
    one = AsyncDatabase("sqlite:///shared_name?mode=memory", name="one")
    two = AsyncDatabase("sqlite:///shared_name?mode=memory", name="two")
    async with one, two:
        await db.execute_script("CREATE TABLE t (n); INSERT INTO t VALUES (7)", using="one")
        assert await execute_raw("SELECT n FROM t", using="two") == [{"n": 7}]


async def test_settings_reach_the_connections(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    settings = PoolSettings(
        sqlite_synchronous="FULL",
        sqlite_cache_size=-512,
        sqlite_pragmas={"recursive_triggers": True},
        sqlite_attach={"side": str(other)},
    )
    async with db.connect(f"sqlite:///{tmp_path}/s.db", settings=settings):
        for pragma, value in {
            "journal_mode": "wal",
            "synchronous": 2,
            "cache_size": -512,
            "recursive_triggers": 1,
            "foreign_keys": 1,
        }.items():
            (row,) = await execute_raw(f"PRAGMA {pragma}")
            assert list(row.values()) == [value], pragma
        await execute_raw("CREATE TABLE side.t (n)")
    assert other.exists()


async def test_read_only_files(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with db.connect(f"sqlite:///{path}"):
        await execute_raw("CREATE TABLE t (n)")
    async with db.connect(f"sqlite:///{path}?mode=ro"):
        assert await execute_raw("SELECT * FROM t") == []
        with pytest.raises(OperationalError):
            await execute_raw("INSERT INTO t VALUES (1)")
    with pytest.raises(OperationalError, match="unable to open database file"):
        await AsyncDatabase(f"sqlite:///{tmp_path}/none.db?mode=rw", auto_register=False).connect()


async def test_stats_tell_who_holds_what(tmp_path: Path) -> None:
    async with db.connect(f"sqlite:///{tmp_path}/s.db") as handle:
        async with db.atomic():
            stats = handle.stats()
            assert (stats.busy, stats.max_size) == (1, 10)
            assert [holder["in_transaction"] for holder in stats.holders] == [True]
        assert handle.stats().busy == 0
    assert handle.stats() == db.PoolStats()


async def test_health_reports_each_alias(tmp_path: Path) -> None:
    AsyncDatabase("sqlite://:memory:")
    AsyncDatabase(f"sqlite:///{tmp_path}/no/such/s.db", name="broken")
    report = await db.health()
    assert (report["default"]["ok"], report["default"]["error"]) == (True, None)
    assert report["broken"]["ok"] is False
    assert isinstance(report["broken"]["error"], OperationalError)


async def test_acquiring_times_out_with_the_holder_named(tmp_path: Path) -> None:
    settings = PoolSettings(max_connections=1, acquire_timeout=0.05)
    async with db.connect(f"sqlite:///{tmp_path}/s.db", settings=settings):
        async with db.atomic():

            async def outside() -> None:
                await execute_raw("SELECT 1")

            with pytest.raises(
                PoolTimeoutError, match="pool timed out while waiting for an open connection"
            ) as caught:
                await asyncio.create_task(outside())
            assert caught.value.stats.busy == 1
        await execute_raw("SELECT 1")


async def test_disconnect_rolls_the_callers_transaction_back(tmp_path: Path) -> None:
    handle = AsyncDatabase(f"sqlite:///{tmp_path}/s.db")
    await db.execute_script("CREATE TABLE t (n)")
    with pytest.raises(InterfaceError):
        async with db.atomic():
            await execute_raw("INSERT INTO t VALUES (1)")
            await db.close()
    assert not handle.connected
    register_connection(handle)
    assert await execute_raw("SELECT * FROM t") == []


def test_one_handle_serves_several_loops(tmp_path: Path) -> None:
    handle = AsyncDatabase(f"sqlite:///{tmp_path}/s.db")

    async def use(n: int) -> Any:
        await execute_raw("CREATE TABLE IF NOT EXISTS t (n)")
        await execute_raw("INSERT INTO t VALUES (?)", [n])
        return await execute_raw("SELECT count(*) AS n FROM t")

    for n in range(3):
        assert asyncio.run(use(n)) == [{"n": n + 1}]
    threads = [threading.Thread(target=lambda: asyncio.run(use(9))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asyncio.run(use(10)) == [{"n": 8}]
    asyncio.run(handle.disconnect())


async def test_a_dropped_handle_closes_with_a_warning(tmp_path: Path) -> None:
    handle = AsyncDatabase(f"sqlite:///{tmp_path}/s.db", auto_register=False)
    await handle.connect()
    with pytest.warns(ResourceWarning):
        del handle
        gc.collect()


async def test_scripts_run_several_statements() -> None:
    async with db.connect("sqlite://:memory:"):
        await db.execute_script("CREATE TABLE t (n); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);")
        assert await execute_raw("SELECT n FROM t ORDER BY n") == [{"n": 1}, {"n": 2}]
        with pytest.raises(ProgrammingError, match="execute_script"):
            await execute_raw("SELECT 1; SELECT 2")
        async with db.atomic() as block:
            await db.execute_script("DELETE FROM t")
            block.set_rollback()
        assert len(await execute_raw("SELECT n FROM t")) == 2
    with pytest.raises(TypeError):
        await db.execute_script(5)  # type: ignore[arg-type]


async def test_the_absolute_choice_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "oxyde.pool"):
        async with db.connect(f"sqlite://{tmp_path}/s.db"):
            pass
    assert (tmp_path / "s.db").exists()
    assert "four slashes" in caplog.text


async def test_server_version_is_the_engines_own_library(tmp_path: Path) -> None:
    handle = AsyncDatabase(f"sqlite:///{tmp_path}/s.db", auto_register=False)
    assert handle.server_version is None
    async with handle:
        rows = await execute_raw("SELECT sqlite_version() AS v", client=handle)
        assert handle.server_version == tuple(int(part) for part in rows[0]["v"].split("."))
