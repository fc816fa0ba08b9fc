"""Lookups of arrays and JSON, each by itself, over rows that tell them apart; the same on every server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Field, Model

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    marks: list[int] | None = None
    extra: dict[str, Any] | None = None

    class Meta:
        is_table = True
        table_name = "container_crates"


MARKS: dict[int, list[int] | None] = {1: [], 2: [1], 3: [1, 2], 4: [2, 3], 5: [1, 2, 3], 6: None}
EXTRAS: dict[int, dict[str, Any] | None] = {
    1: {},
    2: {"a": True},
    3: {"a": 1},
    4: {"b": None, "c": "x"},
    5: {"a": None, "b": 2},
    6: None,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def crates(fresh_database: Server) -> AsyncIterator[None]:
    async with served(fresh_database, [Crate]):
        await Crate.objects.bulk_create([Crate(id=n, marks=MARKS[n], extra=EXTRAS[n]) for n in MARKS])
        yield


async def found(**conditions: Any) -> list[int]:
    return await Crate.objects.filter(**conditions).order_by("id").values_list("id", flat=True).all()


@pytest.mark.parametrize(
    ("lookup", "value", "ids"),
    [
        ("contains", [1], [2, 3, 5]),
        ("contains", [1, 2], [3, 5]),
        ("contains", [], [1, 2, 3, 4, 5]),
        ("contained_by", [1, 2], [1, 2, 3]),
        ("contained_by", [], [1]),
        ("overlap", [1, 3], [2, 3, 4, 5]),
        ("overlap", [3, 9], [4, 5]),
        ("overlap", [], []),
        ("len", 2, [3, 4]),
        ("len__gt", 2, [5]),
        ("len", 0, [1]),
        ("isnull", True, [6]),
        ("exact", [2, 3], [4]),
        ("0", 1, [2, 3, 5]),
        ("1__gte", 3, [4]),
    ],
)
async def test_arrays(lookup: str, value: Any, ids: list[int]) -> None:
    assert await found(**{f"marks__{lookup}": value}) == ids


@pytest.mark.parametrize(
    ("lookup", "value", "ids"),
    [
        ("has_key", "a", [2, 3, 5]),
        ("has_keys", ["a", "b"], [5]),
        ("has_keys", ["a"], [2, 3, 5]),
        ("has_any_keys", ["a", "b"], [2, 3, 4, 5]),
        ("has_any_keys", ["c", "d"], [4]),
        ("contains", {"b": 2}, [5]),
        ("contains", {"a": 1}, [3]),
        ("contained_by", {"a": 1, "b": 2}, [1, 3]),
        ("a", True, [2]),
        ("a", 1, [3]),
        ("a__isnull", True, [1, 4, 6]),
        ("a", None, [5]),
    ],
)
async def test_documents(lookup: str, value: Any, ids: list[int]) -> None:
    assert await found(**{f"extra__{lookup}": value}) == ids
