"""Raw SQL on PostgreSQL: parameters take the type that the server expects, or keep their own where
it would read text or cannot tell; results arrive as the column's type says."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from servers import Server, chosen, drop_everything

from oxyde import atomic, db, execute_raw

pytestmark = pytest.mark.parametrize(
    "server", [name for name in chosen() if name == "postgres"], indirect=True
)


@pytest_asyncio.fixture
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    drop_everything(fresh_database)
    async with db.connect(fresh_database.url) as handle:
        yield handle


async def one(sql: str, *params: Any) -> Any:
    rows = await execute_raw(sql, list(params))
    assert len(rows) == 1
    return rows[0]["x"]


async def test_a_value_alone_keeps_its_type(database: db.AsyncDatabase) -> None:
    values: list[Any] = [
        5,
        2**62,
        1.5,
        True,
        Decimal("1.50"),
        uuid.UUID(int=5),
        date(2020, 1, 2),
        time(1, 2, 3),
        datetime(2020, 1, 2, 3),
        datetime(2020, 1, 2, 3, tzinfo=timezone.utc),
        timedelta(days=1, seconds=5),
        b"\x00\xff",
        {"a": [1]},
        [1, 2],
        ["a", None],
        [[1, 2], [3, 4]],
        [Decimal("1.0"), Decimal("2")],
        "text",
        None,
    ]
    for _ in range(3):
        for value in values:
            found = await one("SELECT $1 AS x", value)
            assert found == value
            assert type(found) is type(value)


async def test_the_server_tells_the_type(database: db.AsyncDatabase) -> None:
    await execute_raw(
        "CREATE FUNCTION loud(n int) RETURNS text LANGUAGE sql AS $$SELECT n || '!'$$",
    )
    for _ in range(3):
        assert await one("SELECT loud($1) AS x", 3) == "3!"
        assert await one("SELECT date '2020-01-01' + $1 AS x", 7) == date(2020, 1, 8)
        assert await one("SELECT substr('abcdef', $1) AS x", 4) == "def"
        assert await one("SELECT 2 = ANY($1) AS x", [1, 2]) is True
        assert await one("SELECT 1.50 = $1 AS x", Decimal("1.5")) is True
        assert await one("SELECT pg_typeof($1 + 1)::text AS x", 2) == "integer"
        assert await one("SELECT pg_typeof($1 + 1)::text AS x", 2**40) == "bigint"
        assert await one("SELECT json_build_array($1, $2, $3) AS x", 1, "a", None) == [1, "a", None]
        assert await one("SELECT $1 IS NULL AS x", None) is True


async def test_a_question_about_a_type_does_not_cost_the_block(database: db.AsyncDatabase) -> None:
    await execute_raw("CREATE TABLE kept (n int)")
    async with atomic():
        await execute_raw("INSERT INTO kept VALUES (1)")
        assert await one("SELECT json_build_array($1) AS x", 1) == [1]
        async with atomic():
            assert await one("SELECT json_build_array($1, n) AS x FROM kept", "a") == ["a", 1]
    assert await one("SELECT n AS x FROM kept") == 1


async def test_arrays_and_networks_are_lists_and_networks(database: db.AsyncDatabase) -> None:
    await execute_raw("DROP TYPE IF EXISTS raw_mood CASCADE")
    await execute_raw("DROP DOMAIN IF EXISTS raw_small CASCADE")
    await execute_raw("CREATE TYPE raw_mood AS ENUM ('glad', 'sad')")
    await execute_raw("CREATE DOMAIN raw_small AS int CHECK (value < 10)")
    network = ipaddress.ip_network("10.0.0.0/8")
    assert await one("SELECT '{glad,NULL}'::raw_mood[] AS x") == ["glad", None]
    assert await one("SELECT $1::raw_mood[] AS x", ["sad"]) == ["sad"]
    assert await one("SELECT '{1,2}'::raw_small[] AS x") == [1, 2]
    assert await one("SELECT '10.0.0.0/8'::cidr AS x") == network
    assert await one("SELECT '{10.0.0.0/8}'::cidr[] AS x") == [network]
    assert await one("SELECT '{10.0.0.0/8}'::inet[] AS x") == [ipaddress.ip_interface("10.0.0.0/8")]
