"""Keys that a default of the database makes, and enums whose values differ by case or accent only."""

from __future__ import annotations

import enum
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from servers import Server

from oxyde import Field, Model, create_tables, db, drop_tables, execute_raw

pytestmark = pytest.mark.asyncio(loop_scope="module")

UUIDS = {
    "postgres": "gen_random_uuid()",
    "mysql": "(UUID())",
    "sqlite": "(lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4000-8000-' "
    "|| lower(hex(randomblob(6))))",
}


class Grade(enum.Enum):
    """To a collation that sees neither case nor accents all of them are one."""

    SMALL = "e"
    LARGE = "E"
    ACUTE = "é"


class Mark(Model):
    id: int | None = Field(default=None, db_pk=True)
    grade: Grade

    class Meta:
        is_table = True
        table_name = "made_marks"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with db.connect(fresh_database.url) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crate(database: db.AsyncDatabase) -> type[Model]:
    class Crate(Model):
        id: uuid.UUID | None = Field(default=None, db_pk=True, db_default=UUIDS[database.backend])
        label: str

        class Meta:
            is_table = True
            table_name = f"made_crates_{database.backend}"

    await create_tables(database, models=[Crate])
    return Crate


async def test_a_key_made_by_the_database_is_known_at_once(crate: type[Model]) -> None:
    made = await crate.objects.create(label="one")
    saved = crate(label="two")
    await saved.save()
    first, *more = await crate.objects.bulk_create([crate(label=f"many {n}") for n in range(3)])
    keys = [row.id for row in (made, saved, first, *more)]
    assert all(isinstance(key, uuid.UUID) for key in keys)
    assert len(set(keys)) == 5
    for row in (made, saved, first, *more):
        assert (await crate.objects.get(id=row.id)).label == row.label
        row.label += "!"
        await row.save()
    assert await crate.objects.filter(label__endswith="!").count() == 5


async def test_a_key_that_is_given_is_kept(crate: type[Model]) -> None:
    key = uuid.UUID(int=7)
    assert (await crate.objects.create(id=key, label="given")).id == key


async def test_values_that_differ_by_case_or_accent_are_different(database: db.AsyncDatabase) -> None:
    await create_tables(database, models=[Mark])
    try:
        for grade in Grade:
            await Mark.objects.create(grade=grade)
        for grade in Grade:
            (found,) = await Mark.objects.filter(grade=grade).all()
            assert found.grade is grade
        rows = await execute_raw("SELECT grade FROM made_marks ORDER BY id")
        assert [row["grade"] for row in rows] == ["e", "E", "é"]
    finally:
        await drop_tables(database, models=[Mark])
