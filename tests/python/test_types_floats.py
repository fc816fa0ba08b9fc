"""Floats that are stored as text come back bit for bit, also beside the powers of two."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import DataError, Field, Model, execute_raw
from oxyde.models.registry import unregister_table


class Written(Model):
    id: int | None = Field(default=None, db_pk=True)
    value: float | None = Field(default=None, db_type="VARCHAR(40)")

    class Meta:
        is_table = True
        table_name = "float_texts"
        ordering = ["id"]


unregister_table(Written)


@pytest_asyncio.fixture
async def backend(fresh_database: Server) -> AsyncIterator[str]:
    async with served(fresh_database, [Written]):
        yield fresh_database.backend


async def test_powers_of_two_and_their_neighbours_come_back(backend: str) -> None:
    """The shortest digits of 2**-24, 5.960464477539063e-08, are not the nearest ones of that number."""
    powers = [math.ldexp(1.0, exponent) for exponent in range(-1074, 1024)]
    values = [
        *powers,
        *(math.nextafter(power, 0.0) for power in powers[::7]),
        *(math.nextafter(power, math.inf) for power in powers[3::7]),
    ]
    await Written.objects.bulk_create([Written(value=value) for value in values])
    assert await Written.objects.values_list("value", flat=True).all() == values


@pytest.mark.parametrize("text", ["0.12345678901234567", "9007199254740993", "1e-400", "3e-324", "1e400"])
async def test_text_that_no_float_is_written_as_is_refused(backend: str, text: str) -> None:
    await execute_raw(f"INSERT INTO float_texts (value) VALUES ('{text}')")
    with pytest.raises(DataError, match="float_texts"):
        await Written.objects.all()
