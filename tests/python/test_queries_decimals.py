"""Decimals on SQLite: stored as text, compared, sorted and summed by value."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from oxyde import Field, Model, create_tables, db
from oxyde.exceptions import DataError


class Invoice(Model):
    id: int | None = Field(default=None, db_pk=True)
    total: Decimal = Field(max_digits=8, decimal_places=2)

    class Meta:
        is_table = True


@pytest_asyncio.fixture(autouse=True)
async def invoices() -> AsyncIterator[None]:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[Invoice])
        await Invoice.objects.bulk_create([{"total": Decimal(text)} for text in ("9.50", "10.05", "100.00")])
        yield


async def totals(**lookups: object) -> list[Decimal]:
    rows = await Invoice.objects.filter(**lookups).order_by("total").values_list("total", flat=True).all()
    return list(rows)


async def test_comparison_is_by_value_not_by_text() -> None:
    assert await totals(total__gt=Decimal("9.5")) == [Decimal("10.05"), Decimal("100.00")]
    assert await totals(total=Decimal("9.500")) == [Decimal("9.50")]


async def test_a_filter_may_have_more_digits_than_the_column() -> None:
    """A compared value was checked like a stored one, and refused for its third fraction digit."""
    assert await totals(total__gt=Decimal("10.049")) == [Decimal("10.05"), Decimal("100.00")]
    assert await totals(total__in=[Decimal("10.050001"), Decimal("9.5")]) == [Decimal("9.50")]
    assert await totals(total__lt=Decimal("123456789012345")) == [
        Decimal("9.50"),
        Decimal("10.05"),
        Decimal("100"),
    ]


async def test_a_stored_value_may_not() -> None:
    made = Invoice.model_construct(total=Decimal("1.005"))
    with pytest.raises(DataError, match="total"):
        await Invoice.objects.create(instance=made)


async def test_figures_are_of_values() -> None:
    assert await Invoice.objects.sum("total") == Decimal("119.55")
    assert await Invoice.objects.max("total") == Decimal(100)
    assert await Invoice.objects.min("total") == Decimal("9.5")
