"""Lists over a million rows: bounded statements, bounded rows, plans that use indexes (contract, 14)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import depots
import pytest
import servers
from client import Answer, Client
from reading import rights_on

from oxyde import create_tables, db, execute_raw
from oxyde.db import PoolSettings, QueryEvent
from oxyde_admin.rows.lists import order_of
from oxyde_admin.site import AdminSite

ROWS = 1_000_000
_NUMBERS = {
    "sqlite": f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
    "SELECT {} FROM n",
    "postgres": f"SELECT {{}} FROM generate_series(1, {ROWS}) AS n(i)",
}
# 50,000 cities of 20 depots; every tenth depot has no manager; names do not follow the keys.
_VALUES = {
    "sqlite": "i, printf('depot %07d', (i * 7919) % 1000003), printf('city %05d', i % 50000), "
    "CASE WHEN i % 10 THEN i % 1000 END",
    "postgres": "i, 'depot ' || lpad(((i * 7919::bigint) % 1000003)::text, 7, '0'), "
    "'city ' || lpad((i % 50000)::text, 5, '0'), CASE WHEN i % 10 <> 0 THEN i % 1000 END",
}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def million(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    """A database whose depots are a million."""
    name = request.param
    with servers.fresh_database(name) as place:
        asyncio.run(_make_tables(place.url))
        filled = f"INSERT INTO depots (id, name, city, manager_id) {_NUMBERS[name].format(_VALUES[name])}"
        with place.admin(120) as admin:
            admin.rows(filled)
            admin.rows("CREATE INDEX by_manager ON depots (manager_id, id)")
            admin.rows("ANALYZE")
        yield place


async def _make_tables(url: str) -> None:
    await db.init(default=url)
    try:
        await create_tables(await db.get_connection(), models=[depots.Depot])
    finally:
        await db.close()


@pytest.fixture
async def client(million: servers.Server) -> AsyncIterator[Client]:
    """A client of a panel over the million."""
    await db.init(default=million.url, settings=PoolSettings(log_parameters=True))
    site = AdminSite()
    site.register(depots.Depot, search_fields=["name"], list_filter=["city", "manager_id", "id"])
    yield Client(site)
    await db.close()


async def asked(client: Client, path: str) -> tuple[Any, list[QueryEvent]]:
    """The answer and its statements, each of which read few rows."""
    with db.capture_queries() as log:
        answer: Answer = await client.get(path)
    assert answer.status == 200, answer.text
    log = [event for event in log if event.sql.startswith("SELECT")]
    assert len(log) <= 4
    for event in log:
        assert event.rows <= 101, event.sql
    return answer.json(), log


async def touched(event: QueryEvent) -> int:
    """How many rows the server looked at for a statement; on SQLite 0 if by index, else all."""
    assert event.params is not None
    if event.backend == "sqlite":
        plan = [
            row["detail"] for row in await execute_raw(f"EXPLAIN QUERY PLAN {event.sql}", list(event.params))
        ]
        sorts = any("TEMP B-TREE FOR ORDER BY" in line for line in plan)
        scans = " WHERE " in event.sql and any(line.startswith("SCAN depots") for line in plan)
        return ROWS if sorts or scans else 0
    found = await execute_raw(f"EXPLAIN (ANALYZE, FORMAT JSON) {event.sql}", list(event.params))
    plan = found[0]["QUERY PLAN"]
    return _rows(json.loads(plan)[0]["Plan"] if isinstance(plan, str) else plan[0]["Plan"])


def _rows(plan: dict[str, Any]) -> int:
    own = (
        plan["Actual Rows"]
        + plan.get("Rows Removed by Filter", 0)
        + plan.get("Rows Removed by Index Recheck", 0)
    )
    return max([int(own * plan["Actual Loops"]), *(_rows(part) for part in plan.get("Plans", []))])


ORDERS = ["", "-id", "name", "-name", "city", "-city", "manager_id", "-manager_id"]


@pytest.mark.parametrize("ordering", ORDERS)
async def test_pages_by_position_read_a_page(client: Client, ordering: str) -> None:
    path = f"/api/depots?ordering={ordering}&count=none&per_page=50"
    seen: list[int] = []
    answer, _ = await asked(client, path)
    for _ in range(3):
        seen += [item["id"] for item in answer["items"]]
        answer, log = await asked(client, f"{path}&after={answer['next']}")
        for event in log:
            # A city has 20 depots, which have to be sorted.
            assert await touched(event) <= 2_000, event.sql
    assert len(set(seen)) == len(seen) == 150
    back, log = await asked(client, f"{path}&before={answer['prev']}")
    assert [item["id"] for item in back["items"]] == seen[-50:]


@pytest.mark.parametrize("ordering", ORDERS)
async def test_the_middle_is_as_near_as_the_start(client: Client, ordering: str) -> None:
    order = await order_of(rights_on(client.site, depots.Depot), ordering)
    row = {"id": 500_000, "name": "depot 0500000", "city": "city 25000", "manager_id": 500}
    cursor = order.cursor(tuple(row[term.text] for term in order.terms))
    for direction in ("after", "before"):
        path = f"/api/depots?ordering={ordering}&count=none&per_page=50&{direction}={cursor}"
        answer, log = await asked(client, path)
        assert len(answer["items"]) == 50
        for event in log:
            assert await touched(event) <= 2_000, event.sql


async def test_rows_without_a_value_continue_by_position(client: Client) -> None:
    order = await order_of(rights_on(client.site, depots.Depot), "manager_id")
    cursor = order.cursor((None, 500_000))
    path = f"/api/depots?ordering=manager_id&count=none&per_page=50&after={cursor}"
    answer, log = await asked(client, path)
    assert [item["id"] for item in answer["items"]] == list(range(500_010, 500_510, 10))
    assert len(log) <= 2
    for event in log:
        assert await touched(event) <= 2_000, event.sql


async def test_totals_are_bounded(client: Client) -> None:
    answer, log = await asked(client, "/api/depots")
    assert not answer["total_exact"]
    assert 900_000 <= answer["total"] <= 1_100_000
    assert all("LIMIT" in event.sql for event in log if "COUNT" in event.sql)
    answer, _ = await asked(client, "/api/depots?manager_id__gte=0")
    assert (answer["total"], answer["total_exact"]) == (10_000, False)
    answer, _ = await asked(client, "/api/depots?city=city%2025000")
    assert (answer["total"], answer["total_exact"]) == (20, True)
    answer, _ = await asked(client, "/api/depots?count=exact")
    assert (answer["total"], answer["total_exact"]) == (ROWS, True)


async def test_search_and_options_answer(client: Client) -> None:
    answer, _ = await asked(client, "/api/depots?search=DEPOT%2000000&per_page=10")
    assert {item["name"][:11] for item in answer["items"]} == {"depot 00000"}
    answer, log = await asked(client, "/api/depots/options?include=500000&limit=10")
    assert len(answer) == 11
    for event in log:
        assert await touched(event) <= 20_000, event.sql
    answer, _ = await asked(client, "/api/depots/options?search=0500000")
    assert len(answer) == 1


async def test_deep_offsets_are_refused(client: Client) -> None:
    answer = await client.get("/api/depots?page=10000&per_page=100")
    assert (answer.status, answer.json()["code"]) == (400, "too_many")
