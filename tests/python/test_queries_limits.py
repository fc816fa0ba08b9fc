"""What the guide says that databases do in their own way: the order of new keys, lists inside lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Field, Model, db

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Leaflet(Model):
    id: int | None = Field(default=None, db_pk=True)
    title: str = Field(default="", max_length=20, db_default="'untitled'")
    extra: Any = Field(default=None, db_type="JSON")

    class Meta:
        is_table = True
        table_name = "limits_leaflets"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, [Leaflet]) as database:
        yield database


async def test_bulk_create_numbers_rows_of_the_same_columns_in_list_order(database: db.AsyncDatabase) -> None:
    alike = await Leaflet.objects.bulk_create([Leaflet(title=f"{n}") for n in range(5)])
    assert [row.id for row in alike] == sorted(row.id or 0 for row in alike)
    with db.capture_queries() as log:
        mixed = await Leaflet.objects.bulk_create(
            [Leaflet(title=f"{n}") if n % 2 else Leaflet(extra=n) for n in range(6)]
        )
    assert sum("INSERT" in event.sql for event in log) == 2
    for rows in (mixed[::2], mixed[1::2]):
        assert [row.id for row in rows] == sorted(row.id or 0 for row in rows)
    for row in mixed:
        assert (await Leaflet.objects.get(id=row.id)).extra == row.extra


@pytest.mark.parametrize(
    ("stored", "value"), [([[1]], [1]), ([[{"a": 1}]], [{"a": 1}]), ({"a": [[1]]}, {"a": [1]})]
)
async def test_mysql_looks_into_lists_that_lie_in_lists(
    database: db.AsyncDatabase, stored: Any, value: Any
) -> None:
    leaflet = await Leaflet.objects.create(extra=stored)
    found = await Leaflet.objects.filter(id=leaflet.id, extra__contains=value).exists()
    assert found is (database.backend == "mysql")
    assert await Leaflet.objects.filter(id=leaflet.id, extra__contains=stored).exists()
