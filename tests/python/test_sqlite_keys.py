"""Keys of bulk_create on SQLite, with and without RETURNING behind it: each instance has its own row's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from oxyde import Field, IntegrityError, Model, atomic, create_tables, db, execute_raw

pytestmark = pytest.mark.asyncio

LOG = "CREATE TABLE key_log (i INTEGER PRIMARY KEY, what TEXT)"
TABLES = {
    "plain": (),
    "negative": ("INSERT INTO keyed (id, label) VALUES (-9, 'before')",),
    "logged": (
        LOG,
        "CREATE TRIGGER g AFTER INSERT ON keyed BEGIN INSERT INTO key_log (what) VALUES ('x'); END",
    ),
    "doubled": (
        "CREATE TRIGGER g AFTER INSERT ON keyed WHEN new.label NOT LIKE '+%' "
        "BEGIN INSERT INTO keyed (label) VALUES ('+' || new.label); END",
    ),
    "at random": ("INSERT INTO keyed (id, label) VALUES (9223372036854775800, 'before')",),
}


class Keyed(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str = Field(db_unique=True)

    class Meta:
        is_table = True
        table_name = "keyed"


@pytest_asyncio.fixture(params=TABLES)
async def table(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    opened = await db.init(default=f"sqlite:///{tmp_path}/keys.db")
    try:
        await create_tables(opened, models=[Keyed])
        for text in TABLES[request.param]:
            await execute_raw(text)
        yield opened
    finally:
        await db.close()


async def labels() -> dict[int | None, str]:
    return {row.id: row.label for row in await Keyed.objects.all()}


@pytest.mark.parametrize("size", [2, 3, 64, 100, 4_000])
async def test_instances_have_the_keys_of_their_rows(table: Any, size: int) -> None:
    made = []
    for start in range(0, 3 * size, size):
        rows = await Keyed.objects.bulk_create([Keyed(label=f"row {n}") for n in range(start, start + size)])
        assert [row.label for row in rows] == [f"row {n}" for n in range(start, start + size)]
        made += rows
    stored = await labels()
    assert [stored[row.id] for row in made] == [row.label for row in made]


async def test_a_failure_leaves_nothing_and_the_transaction_stands(table: Any) -> None:
    before = await labels()
    twice = ["a", "b", "c", "a"]
    with pytest.raises(IntegrityError):
        await Keyed.objects.bulk_create([Keyed(label=label) for label in twice])
    assert await labels() == before
    async with atomic():
        await Keyed.objects.create(label="first")
        with pytest.raises(IntegrityError):
            async with atomic():
                await Keyed.objects.bulk_create([Keyed(label=label) for label in twice])
        rows = await Keyed.objects.bulk_create([Keyed(label="c"), Keyed(label="d")])
    stored = await labels()
    assert [stored[row.id] for row in rows] == ["c", "d"]
    assert "first" in stored.values()
    assert not {"a", "b"} & set(stored.values())


async def test_rolled_back_with_the_block(table: Any) -> None:
    before = await labels()
    with pytest.raises(ZeroDivisionError):
        async with atomic():
            await Keyed.objects.bulk_create([Keyed(label=str(n)) for n in range(200)])
            raise ZeroDivisionError
    assert await labels() == before
