"""Operators and methods of columns that no keyword spells, on every server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import F, Field, Model

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Case(Model):
    """Fields called like methods of columns."""

    id: int | None = Field(default=None, db_pk=True)
    lower: str = ""
    any: int = 0
    items: list[Item] = Field(db_reverse_fk="case")

    class Meta:
        is_table = True
        table_name = "operator_cases"


class Item(Model):
    id: int | None = Field(default=None, db_pk=True)
    text: str = Field(default="", max_length=40)
    count: int = 0
    case: Case | None = None

    class Meta:
        is_table = True
        table_name = "operator_items"


TEXTS = ["Alpha", "alpine", "a_b", "axb", "100%", "100 x"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def rows(fresh_database: Server) -> AsyncIterator[None]:
    async with served(fresh_database, [Case, Item]):
        case = await Case.objects.create(lower="x", any=4)
        await Item.objects.bulk_create([{"text": text, "count": 7, "case_id": case.id} for text in TEXTS])
        yield


async def texts(condition: Any) -> set[str]:
    return set(await Item.objects.filter(condition).values_list("text", flat=True).all())


async def test_patterns_are_taken_as_they_are() -> None:
    column: Any = Item.text
    assert await texts(column.like("al%")) == {"alpine"}
    assert await texts(column.ilike("AL%")) == {"Alpha", "alpine"}
    assert await texts(column.like("a_b")) == {"a_b", "axb"}
    assert await texts(column.like("a\\_b")) == {"a_b"}
    assert await texts(column.ilike("A\\_B")) == {"a_b"}
    assert await texts(column.like("100\\%")) == {"100%"}
    assert await texts(column.like("100")) == set()
    assert await texts(F("text").like("%x")) == {"100 x"}


async def test_regular_expressions_see_case_or_not() -> None:
    column: Any = Item.text
    assert await texts(column.regex("^al")) == {"alpine"}
    assert await texts(column.iregex("^AL")) == {"Alpha", "alpine"}


async def test_operators_mean_what_they_do_in_python() -> None:
    count: Any = Item.count
    for value in (3, -3):
        row = await (
            Item.objects.values(
                a=count + value, b=count - value, c=count * value, d=count / value, e=count // value,
                f=count % value, g=-count, h=value + count, i=value - count, j=value * count, k=value / count,
                l=value // count, m=value % count,
            ).first()
        )  # fmt: skip
        assert row is not None
        assert row.pop("d") == pytest.approx(7 / value)
        assert row.pop("k") == pytest.approx(value / 7)
        assert row == {
            "a": 7 + value, "b": 7 - value, "c": 7 * value, "e": 7 // value, "f": 7 % value, "g": -7,
            "h": value + 7, "i": value - 7, "j": value * 7, "l": value // 7, "m": value % 7,
        }  # fmt: skip
    mixed = (F("count") + 1) * 2 - F("count") % 4
    assert await Item.objects.annotate(mixed=mixed).values_list("mixed", flat=True).first() == 13


async def test_fields_win_over_methods() -> None:
    case: Any = Item.case
    assert len(await texts(case.lower == "x")) == len(TEXTS)
    assert await texts(case.any > 4) == set()
    assert await Item.objects.values_list(case.lower, flat=True).first() == "x"
