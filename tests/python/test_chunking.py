"""Calls with far more values than a statement takes: whole, in one transaction, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from memory import resident
from servers import Server

from oxyde import Field, Model, PoolSettings, UniqueViolationError, atomic, create_tables, db

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = 200_000
CREATED = 100_000
UPDATED = 50_000


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    code: int = Field(db_unique=True)
    weight: int = 0
    label: str | None = None
    grade: int = Field(default=7, db_default="7")

    class Meta:
        is_table = True
        table_name = "crates"


def row(number: int) -> Crate:
    """Every third row leaves something else to the database."""
    values: dict[str, Any] = {"code": number}
    if number % 3 == 1:
        values["weight"] = number % 11
    if number % 3 == 2:
        values["label"] = f"L{number}"
        values["grade"] = 3
    return Crate(**values)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    settings = PoolSettings(max_connections=3)
    async with db.connect(fresh_database.url, settings=settings) as opened:
        await create_tables(opened, models=[Crate])
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crates(database: db.AsyncDatabase) -> list[Crate]:
    """Written by the first test that asks; how many statements that took is checked here."""
    rows = [row(number) for number in range(CREATED)]
    before = resident()
    with db.capture_queries() as log:
        made = await Crate.objects.bulk_create(rows)
    assert made == rows
    assert resident() - before < 160 << 20
    writes = [event for event in log if event.operation == "INSERT"]
    # 7,000 parameters at most, for five columns and some rows of each set of columns.
    assert CREATED * 2 // 7_000 <= len(writes) <= CREATED * 5 // 7_000 + 8
    assert len({event.transaction_id for event in writes}) == 1
    assert writes[0].transaction_id is not None
    return rows


async def test_bulk_create_of_rows_with_different_columns(
    database: db.AsyncDatabase, crates: list[Crate]
) -> None:
    assert await Crate.objects.count() == CREATED
    assert len({crate.id for crate in crates}) == CREATED
    assert {crate.grade for crate in crates} == {3, 7}
    stored = await Crate.objects.order_by("code").all()
    for number in (*range(0, CREATED, 997), CREATED - 1):
        assert stored[number] == crates[number]
        assert stored[number].code == number
    assert await Crate.objects.filter(grade=3).count() == CREATED // 3
    assert await Crate.objects.filter(label=None).count() == CREATED - CREATED // 3


async def test_bulk_create_is_one_transaction(database: db.AsyncDatabase, crates: list[Crate]) -> None:
    more = [row(CREATED + number) for number in range(40_000)]
    more.append(row(5))  # there already, and in the last statement
    with pytest.raises(UniqueViolationError):
        await Crate.objects.bulk_create(more)
    assert await Crate.objects.count() == CREATED


async def test_in_with_many_keys(database: db.AsyncDatabase, crates: list[Crate]) -> None:
    keys = [crate.id for crate in crates[::2]] + list(range(10_000_000, 10_000_000 + KEYS - CREATED // 2))
    assert len(keys) == KEYS
    before = resident()
    with db.capture_queries() as log:
        assert await Crate.objects.filter(id__in=keys).count() == CREATED // 2
        found = await Crate.objects.filter(id__in=keys).order_by("code").values_list("code", flat=True).all()
        assert await Crate.objects.exclude(id__in=keys).count() == CREATED // 2
    assert found == list(range(0, CREATED, 2))
    assert len(log) == 3  # however long the list, one statement each
    assert resident() - before < 160 << 20


async def test_in_bulk_with_many_keys(database: db.AsyncDatabase, crates: list[Crate]) -> None:
    found = await Crate.objects.in_bulk([crate.id for crate in crates])
    assert len(found) == CREATED
    assert found[crates[17].id] == crates[17]


async def test_bulk_update_of_many_rows(database: db.AsyncDatabase, crates: list[Crate]) -> None:
    changed = crates[:UPDATED]
    for crate in changed:
        crate.weight = crate.code % 97
        crate.label = f"U{crate.code}" if crate.code % 2 else None
    before = resident()
    with db.capture_queries() as log:
        assert await Crate.objects.bulk_update(changed, ["weight", "label"]) == UPDATED
    assert resident() - before < 160 << 20
    writes = [event for event in log if event.operation == "UPDATE"]
    assert len(writes) == UPDATED / 250
    assert len({event.transaction_id for event in writes}) == 1
    assert writes[0].transaction_id is not None
    stored = {crate.code: crate async for crate in Crate.objects.query()}
    assert all(stored[crate.code] == crate for crate in crates)


async def test_bulk_update_joins_an_open_transaction(database: db.AsyncDatabase, crates: list[Crate]) -> None:
    some = [crate.model_copy(update={"weight": 1000}) for crate in crates[:1000]]
    with pytest.raises(ZeroDivisionError):
        async with atomic():
            assert await Crate.objects.bulk_update(some, ["weight"]) == 1000
            raise ZeroDivisionError
    assert await Crate.objects.filter(weight=1000).count() == 0


async def test_update_and_delete_by_many_keys(database: db.AsyncDatabase, crates: list[Crate]) -> None:
    """The list is read once, not once for each row of the table."""
    keys = [crate.id for crate in crates[-2000:]]
    async with atomic() as block:
        assert await Crate.objects.filter(id__in=keys).update(label="D7") == 2000
        assert await Crate.objects.filter(id__in=keys, label="D7").delete() == 2000
        assert await Crate.objects.filter(id__in=keys).count() == 0
        assert await Crate.objects.exclude(id__in=keys).filter(code__lt=10).update(weight=1) == 10
        block.set_rollback()
