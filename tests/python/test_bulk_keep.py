"""What comes back from bulk_create: what the database filled; the instances keep what they held."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from servers import Server

from oxyde import Field, Model, create_tables, db, drop_tables, is_saved
from oxyde.models._instance import state_of

pytestmark = pytest.mark.asyncio


class Batch(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str
    amount: int = 0
    made: int = Field(default=7, db_default="9")
    grade: str = Field(default="x", db_default="'fine'")

    class Meta:
        is_table = True


@pytest_asyncio.fixture(autouse=True)
async def opened(fresh_database: Server) -> AsyncIterator[Any]:
    opened = await db.init(default=fresh_database.url)
    try:
        await create_tables(opened, models=[Batch])
        yield opened
        await drop_tables(opened, models=[Batch])
    finally:
        await db.close()


async def stored(row: Batch) -> dict[str, Any]:
    return dict((await Batch.objects.get(id=row.id)).__dict__)


async def statement(call: Any) -> str:
    with db.capture_queries() as log:
        await call
    return log[-1].sql


async def test_keys_and_defaults_are_filled() -> None:
    rows = await Batch.objects.bulk_create([Batch(label="a"), Batch(label="b", amount=5)])
    for row in rows:
        assert (row.made, row.grade) == (9, "fine")
        assert row.__dict__ == await stored(row)
        assert is_saved(row)
    assert [row.label for row in rows] == ["a", "b"]


async def test_only_what_the_database_fills_comes_back(server: Server) -> None:
    if server.name == "mysql":
        pytest.skip("MySQL has no RETURNING")
    text = await statement(Batch.objects.bulk_create([Batch(label="a", amount=1, made=1, grade="g")]))
    assert text.rpartition("RETURNING ")[2].strip('"`').split() == ["id"]
    text = await statement(Batch.objects.bulk_create([Batch(id=77, label="a", amount=1, made=1, grade="g")]))
    assert text.rpartition("RETURNING ")[2].strip('"`').split() == ["id"]
    text = await statement(Batch.objects.bulk_create([Batch(label="a", made=1)]))
    assert [name.strip('"` ') for name in text.rpartition("RETURNING ")[2].split(",")] == ["id", "grade"]


async def test_all_fields_count_as_set(server: Server) -> None:
    read = Batch(label="b")
    given = read.model_fields_set  # a set of its own from now on
    assert given == {"label"}
    rows = await Batch.objects.bulk_create([Batch(label="a"), read, Batch(label="c", amount=1)])
    if server.name != "mysql":
        names = set(Batch.model_fields)
        assert [row.model_fields_set for row in rows] == [names] * 3
        assert rows[0].model_fields_set is not rows[2].model_fields_set
    rows[0].model_fields_set.discard("amount")
    assert "amount" in (await Batch.objects.get(id=rows[0].id)).model_fields_set


async def test_nothing_is_left_to_validate() -> None:
    row = Batch(label="a")
    row.amount = 3
    row.label = "b"
    (made,) = await Batch.objects.bulk_create([row])
    assert made is row
    state = state_of(row)
    assert state is not None
    assert (state.saved, state.loaded, set(state.dirty)) == (True, None, set())
    assert row.__dict__ == await stored(row)


async def test_a_row_that_was_read_in_part() -> None:
    (first,) = await Batch.objects.bulk_create([Batch(label="a", amount=4)])
    part = await Batch.objects.only("label").get(id=first.id)
    part.id = None
    (again,) = await Batch.objects.bulk_create([part])
    assert again.id not in (None, first.id)
    assert again.label == "a"
    assert again.__dict__ == await stored(again)


async def test_rows_with_conflicts_come_back_whole() -> None:
    (first,) = await Batch.objects.bulk_create([Batch(label="a", amount=4)])
    (again,) = await Batch.objects.bulk_create(
        [Batch(id=first.id, label="b")], update_conflicts=True, update_fields=["label"], unique_fields=["id"]
    )
    assert (again.label, again.amount) == ("b", 4)
