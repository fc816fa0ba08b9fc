"""UPDATE and DELETE of rows by long lists of keys, on every server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import MODELS, Parcel, served
from servers import Server

from oxyde import atomic, db, execute_raw

pytestmark = pytest.mark.asyncio(loop_scope="module")
N = 400


class Undone(Exception):
    pass


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, MODELS) as opened:
        await Parcel.objects.bulk_create([{"id": n, "ref": f"r{n:04}", "weight": n} for n in range(1, N + 1)])
        yield opened


@pytest.mark.parametrize("field", ["id", "ref", "weight"])
@pytest.mark.parametrize("length", [100, 101, 300])
async def test_exactly_the_listed_rows_change(field: str, length: int) -> None:
    keys: list[Any] = [n for n in range(1, N + 1) if n % 4][:length]
    listed = [f"r{n:04}" for n in keys] if field == "ref" else keys
    chosen = Parcel.objects.filter(**{f"{field}__in": [*listed, listed[0]]})
    with pytest.raises(Undone):
        async with atomic():
            assert await chosen.update(note="x") == length
            changed = Parcel.objects.filter(note="x").order_by("id")
            assert await changed.values_list("id", flat=True).all() == keys
            assert await Parcel.objects.exclude(**{f"{field}__in": listed}).update(note="y") == N - length
            assert await chosen.delete() == length
            assert await Parcel.objects.count() == N - length
            raise Undone


async def test_lists_of_different_lengths_share_statements() -> None:
    with db.capture_queries() as log:
        for length in (129, 150, 200, 256):
            await Parcel.objects.filter(ref__in=[f"r{n:04}" for n in range(length)]).update(weight=0)
    assert len({event.sql for event in log}) == 1


@pytest.mark.parametrize("field", ["id", "ref"])
async def test_mariadb_has_no_subquery_to_ask_for_each_row(fresh_database: Server, field: str) -> None:
    if fresh_database.name != "mariadb":
        return
    listed: list[Any] = [f"r{n}" if field == "ref" else n for n in range(150)]
    query = Parcel.objects.filter(**{f"{field}__in": listed})
    for what, arg in (("update", {"weight": 1}), ("delete", None)):
        text, params = query._compile_write(what, arg, None, "mariadb")
        plan = await execute_raw(f"EXPLAIN {text}", params)
        assert [row["select_type"] for row in plan] == ["SIMPLE"]
