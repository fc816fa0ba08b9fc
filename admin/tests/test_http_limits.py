"""Slow statements and clients who go: what stops on the server (contract, 2 and 14)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import depots
import pytest
import servers
from client import Client, read
from everywhere import EVERYWHERE

from oxyde import AsyncDatabase, execute_raw
from oxyde_admin import ModelAdmin
from oxyde_admin.http.message import Request
from oxyde_admin.site import AdminSite

NewPanel = Callable[..., AdminSite]
SLEEP = {
    "postgres": "SELECT pg_sleep(20)",
    # MySQL's SLEEP answers early instead of failing when its time is over.
    "mysql": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
    "SELECT count(*) FROM n a, n b, n c, n d",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) "
    "SELECT count(*) FROM n",
}


class SlowAdmin(ModelAdmin):
    """Its rows take their time."""

    async def query(self, ctx: Any, q: Any) -> Any:
        database = await depots_database()
        await execute_raw(SLEEP[database.backend])
        return q


async def depots_database() -> AsyncDatabase:
    from oxyde import get_connection

    return await get_connection("default")


def slow_panel(**arguments: Any) -> AdminSite:
    site = AdminSite(**arguments)
    site.register(depots.Depot, SlowAdmin)
    return site


@EVERYWHERE
@pytest.mark.parametrize(
    "path",
    ["/api/depots", "/api/depots/1", "/api/depots/options", "/api/models/counts", "/api/-/dashboard"],
)
async def test_a_slow_statement_is_ended_by_the_server(database: AsyncDatabase, path: str) -> None:
    client = Client(slow_panel(query_timeout=0.3))
    started = time.monotonic()
    answer = await client.get(path)
    assert time.monotonic() - started < 10
    assert (answer.status, answer.json()["code"]) == (503, "timeout")
    # The connection is whole again.
    assert await depots.Depot.objects.count() == 0


@EVERYWHERE
async def test_a_slow_chart_is_ended_too(database: AsyncDatabase) -> None:
    async def load(user: Any) -> list[tuple[str, int]]:
        await execute_raw(SLEEP[database.backend])
        return []

    site = AdminSite(query_timeout=0.3)
    site.register(depots.Depot)
    site.chart("slow", "Slow", load)
    answer = await Client(site).get("/api/-/charts/slow")
    assert (answer.status, answer.json()["code"]) == (503, "timeout")


@EVERYWHERE
async def test_a_slow_statement_of_a_write_is_ended_too(database: AsyncDatabase) -> None:
    class Slow(ModelAdmin):
        async def before_save(self, ctx: Any, record: Any, created: bool) -> None:
            await execute_raw(SLEEP[database.backend])

    site = AdminSite(query_timeout=0.3)
    site.register(depots.Depot, Slow)
    answer = await Client(site).post("/api/depots", {"name": "N"})
    assert (answer.status, answer.json()["code"]) == (503, "timeout")
    assert await depots.Depot.objects.count() == 0


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_a_client_who_goes_stops_the_statement(database: AsyncDatabase) -> None:
    site = slow_panel()
    gone = asyncio.Event()
    request = Request("GET", "/api/depots", headers=(("host", "x"),), gone=gone.wait)  # type: ignore[arg-type]
    answering = asyncio.create_task(site.handle(request))
    place = servers.Server("postgres", database.url)

    def sleeping() -> int:
        return int(
            place.rows(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE state = 'active' AND query LIKE '%pg_sleep(20)%' "
                "AND pid <> pg_backend_pid() AND datname = current_database()"
            )[0][0]
        )

    async def until(number: int) -> None:
        end = time.monotonic() + 8
        while await asyncio.to_thread(sleeping) != number:
            assert time.monotonic() < end, f"not {number} sleeping statements"
            await asyncio.sleep(0.05)

    await until(1)
    gone.set()
    response = await asyncio.wait_for(answering, 5)
    assert (await read(response)).status == 499
    await until(0)


async def test_a_panel_without_a_database_says_so() -> None:
    site = AdminSite()
    site.register(depots.Depot)
    client = Client(site)
    answer = await client.get("/api/depots")
    assert (answer.status, answer.json()["code"]) == (503, "database")
    # What needs no database is there.
    assert (await client.get("/api/config")).status == 200
    assert (await client.get("/api/depots/schema")).status == 200


@EVERYWHERE
async def test_reading_leaves_no_transaction(database: AsyncDatabase, client: Client) -> None:
    for path in ("/api/depots", "/api/depots/1", "/api/models/counts", "/api/nothing"):
        await client.get(path)
    stats = database.stats()
    assert stats.busy == 0
