"""Blocks whose connection is closed before their first statement: they begin on another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import servers
from parcels import MODELS, Parcel
from proxy import Plan, Proxy
from runtime_support import until

from oxyde import (
    ConnectionLostError,
    OperationalError,
    PoolSettings,
    TransactionAbortedError,
    TransactionTimeoutError,
    atomic,
    create_tables,
    db,
    execute_raw,
)
from oxyde.db import AsyncTransaction

NETWORK = [name for name in servers.chosen() if name != "sqlite"]


@pytest.fixture(scope="module", params=NETWORK)
def place(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    with servers.fresh_database(request.param) as found:
        yield found


@pytest_asyncio.fixture
async def proxy(place: servers.Server) -> AsyncIterator[Proxy]:
    async with Proxy(place.port) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def database(place: servers.Server, proxy: Proxy) -> AsyncIterator[db.AsyncDatabase]:
    """With one connection, so that who moves must first let go."""
    servers.drop_everything(place)
    settings = PoolSettings(max_connections=1, connect_timeout=4, acquire_timeout=8)
    async with db.connect(place.at(proxy.port).url, settings=settings) as opened:
        await create_tables(opened, models=MODELS)
        yield opened
        await until(lambda: opened.stats().busy == 0)


def refs(place: servers.Server) -> list[str]:
    return sorted(ref for (ref,) in place.rows("SELECT ref FROM parcels"))


async def add(ref: str) -> None:
    await Parcel.objects.create(ref=ref)


async def drop(proxy: Proxy) -> None:
    """The server's side ends, and there is time for that to arrive."""
    proxy.drop()
    await asyncio.sleep(0.1)


async def test_a_block_begins_on_another_connection(
    place: servers.Server, proxy: Proxy, database: db.AsyncDatabase
) -> None:
    async with atomic(isolation="serializable") as block:
        await drop(proxy)
        await add("a")
        assert block.status == "active"
        async with atomic():
            await add("b")
    assert block.status == "committed"
    assert refs(place) == ["a", "b"]
    assert database.stats().opened == 2


async def test_whatever_the_first_statement_is(
    place: servers.Server, proxy: Proxy, database: db.AsyncDatabase
) -> None:
    async with atomic(statement_timeout=5) as block:
        await drop(proxy)
        async with block.savepoint():
            await add("a")
    async with atomic():
        await drop(proxy)
        assert await execute_raw("SELECT 1 AS n") == [{"n": 1}]
    async with AsyncTransaction(database) as tx:
        await drop(proxy)
        both = Parcel.objects.create(ref="b", client=tx), Parcel.objects.create(ref="c", client=tx)
        await asyncio.gather(*both)
    assert refs(place) == ["a", "b", "c"]
    async with atomic():
        await drop(proxy)
    await execute_raw("SELECT 1")


async def test_a_block_that_has_begun_stays(
    place: servers.Server, proxy: Proxy, database: db.AsyncDatabase
) -> None:
    with pytest.raises(TransactionAbortedError):
        async with atomic():
            await add("a")
            await drop(proxy)
            with pytest.raises(ConnectionLostError):
                await add("b")
    assert refs(place) == []


async def test_a_statement_that_was_sent_is_not_sent_again(
    place: servers.Server, proxy: Proxy, database: db.AsyncDatabase
) -> None:
    sleep = "SELECT pg_sleep(5)" if place.backend == "postgres" else "SELECT SLEEP(5)"
    with pytest.raises((ConnectionLostError, TransactionAbortedError)):
        async with atomic():
            asyncio.get_running_loop().call_later(0.4, proxy.drop)
            await execute_raw(sleep)
    assert database.stats().opened == 1


async def test_a_pinned_connection_is_the_users_choice(
    place: servers.Server, proxy: Proxy, database: db.AsyncDatabase
) -> None:
    async with database.connection() as conn:
        with pytest.raises((ConnectionLostError, TransactionAbortedError)):
            async with conn.transaction() as tx:
                await drop(proxy)
                await Parcel.objects.create(ref="a", client=tx)
    assert refs(place) == []


async def test_no_other_connection_is_to_be_had(
    place: servers.Server, proxy: Proxy, database: db.AsyncDatabase
) -> None:
    with pytest.raises(OperationalError):
        async with atomic():
            proxy.refusing = True
            await drop(proxy)
            await add("a")
    proxy.refusing = False
    async with atomic():
        await add("b")
    assert refs(place) == ["b"]


@pytest.mark.parametrize("how", ["cancel", "timeout"])
async def test_nobody_waits_longer_than_he_would(
    place: servers.Server, proxy: Proxy, database: db.AsyncDatabase, how: str
) -> None:
    """The server is silent where the other connection would be opened."""

    async def work() -> None:
        async with atomic(timeout=0.5 if how == "timeout" else None):
            proxy.plan = Plan(after=0, towards="client", act="stall")
            await drop(proxy)
            await add("a")

    began = asyncio.get_running_loop().time()
    task = asyncio.create_task(work())
    await asyncio.sleep(0.5)
    if how == "cancel":
        task.cancel()
    with pytest.raises(asyncio.CancelledError if how == "cancel" else TransactionTimeoutError):
        await task
    assert asyncio.get_running_loop().time() - began < 3
    proxy.plan = None
    proxy.drop()
    async with atomic():
        await add("b")
    assert refs(place) == ["b"]
