"""Lists of values: how many of them each database gets as one array, and that it is all the same."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from parcels import served
from pydantic import AwareDatetime
from servers import Server

from oxyde import Field, Model


class Reading(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str = Field(max_length=20)
    level: float
    price: Decimal = Field(max_digits=10, decimal_places=2)
    taken: AwareDatetime
    key: UUID

    class Meta:
        is_table = True
        table_name = "in_list_readings"


def readings() -> list[Reading]:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    return [
        Reading(
            id=n,
            label=f"n{n}",
            level=n + 0.1,
            price=Decimal(n) / 4,
            taken=start + timedelta(hours=n),
            key=UUID(int=n),
        )
        for n in range(1, 31)
    ]


@pytest.mark.parametrize("count", [1, 8, 9, 10, 20])
async def test_a_list_of_any_length_finds_its_rows(empty_database: Server, count: int) -> None:
    made = readings()
    wanted = made[:count]
    async with served(empty_database, [Reading]):
        await Reading.objects.bulk_create(made)
        await compare(made, wanted)


async def compare(made: list[Reading], wanted: list[Reading]) -> None:
    for field in ("id", "label", "level", "price", "taken", "key"):
        values = [getattr(reading, field) for reading in wanted]
        found = await Reading.objects.filter(**{f"{field}__in": values}).order_by("id").all()
        assert [reading.id for reading in found] == [reading.id for reading in wanted], field
        rest = await Reading.objects.exclude(**{f"{field}__in": values}).count()
        assert rest == len(made) - len(wanted), field


def test_postgresql_gets_nine_values_as_one_array() -> None:
    def text(count: int, dialect: str) -> str:
        return Reading.objects.filter(id__in=range(count)).sql(dialect=dialect)[0]

    assert text(8, "postgres").endswith('"id" IN ($1, $2, $3, $4, $5, $6, $7, $8)')
    assert text(9, "postgres").endswith('"id" = ANY($1)')
    assert text(9, "mysql").endswith("`id` IN (?, ?, ?, ?, ?, ?, ?, ?, ?)")
    assert text(9, "sqlite").endswith('"id" IN (?, ?, ?, ?, ?, ?, ?, ?, ?)')
