"""save, delete, refresh and hooks, on every server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Field, Model, atomic, db, execute_raw, is_loaded, is_saved
from oxyde.db import AsyncTransaction
from oxyde.exceptions import FieldError, ManagerError, NotFoundError, UniqueViolationError


class Item(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=10)
    count: int = Field(default=0, ge=0)
    at: datetime = Field(db_default="CURRENT_TIMESTAMP")

    class Meta:
        is_table = True
        table_name = "row_items"


class Country(Model):
    """A key that the caller chooses."""

    code: str = Field(db_pk=True, max_length=2)
    name: str = ""

    class Meta:
        is_table = True
        table_name = "row_countries"


class Seat(Model):
    """A key of two parts."""

    row: int = Field(db_pk=True)
    number: int = Field(db_pk=True)
    taken: bool = False

    class Meta:
        is_table = True
        table_name = "row_seats"


class Office(Model):
    """A key with a default, the same for all."""

    code: str = Field(default="main", db_pk=True, max_length=9)
    note: str = ""

    class Meta:
        is_table = True
        table_name = "row_offices"


class Line(Model):
    """No key."""

    text: str

    class Meta:
        is_table = True
        table_name = "row_lines"


class Fixed(Model, frozen=True):
    id: int | None = Field(default=None, db_pk=True)
    name: str = ""

    class Meta:
        is_table = True
        table_name = "row_fixed"


class Hooked(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = ""
    slug: str = ""
    _calls: list[Any] = pydantic.PrivateAttr(default_factory=list)

    async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        self._calls.append(("pre_save", is_create, update_fields))
        if self.name == "stop":
            raise RuntimeError("stopped before")
        self.slug = self.name.lower()

    async def post_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        self._calls.append(("post_save", is_create, update_fields))
        if self.name == "late":
            raise RuntimeError("stopped after")

    async def pre_delete(self) -> None:
        self._calls.append("pre_delete")

    async def post_delete(self) -> None:
        self._calls.append("post_delete")

    class Meta:
        is_table = True
        table_name = "row_hooked"


MODELS = [Item, Country, Seat, Office, Line, Fixed, Hooked]


@pytest_asyncio.fixture(autouse=True)
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, MODELS) as handle:
        yield handle


async def rows(table: str) -> list[dict[str, Any]]:
    return await execute_raw(f"SELECT * FROM {table}")


# --- save ---------------------------------------------------------------------------------


async def test_save_inserts_what_has_no_key_and_fills_it_from_the_row() -> None:
    item = Item(name="a")
    same = await item.save()
    assert same is item
    assert item.id == 1
    assert isinstance(item.at, datetime)
    assert is_saved(item)
    assert (await Item.objects.get(id=1)) == item


async def test_save_updates_what_was_saved_and_never_the_key() -> None:
    item = await Item(name="a").save()
    item.name = "b"
    item.count = 3
    with db.capture_queries() as queries:
        await item.save()
    (update,) = [query.sql for query in queries if query.sql.startswith("UPDATE")]
    assert "id" not in update.partition(" SET ")[2].partition(" WHERE ")[0]
    assert [(r["id"], r["name"], r["count"]) for r in await rows("row_items")] == [(1, "b", 3)]


async def test_a_saved_instance_without_its_row_is_not_found() -> None:
    item = await Item(name="a").save()
    await Item.objects.delete()
    with pytest.raises(NotFoundError, match="Item with id=1 not found"):
        await item.save()
    item = Item(id=7, name="x")
    with pytest.raises(NotFoundError, match="Item with id=7 not found"):
        await item.save()


async def test_a_given_key_that_the_database_does_not_make_decides_by_existence() -> None:
    await Country(code="NZ", name="one").save()
    await Country(code="NZ", name="two").save()
    assert await rows("row_countries") == [{"code": "NZ", "name": "two"}]


async def test_composite_keys_use_all_parts() -> None:
    await Seat(row=1, number=2).save()
    await Seat(row=1, number=3, taken=True).save()
    seat = await Seat(row=1, number=2, taken=True).save()
    assert sorted(tuple(r.values()) for r in await rows("row_seats")) == [(1, 2, 1), (1, 3, 1)]
    assert await seat.delete() == 1
    assert [tuple(r.values()) for r in await rows("row_seats")] == [(1, 3, 1)]
    with pytest.raises(NotFoundError, match="Seat with row=1, number=2 not found"):
        await seat.refresh()


async def test_force_insert_and_force_update_do_what_they_say() -> None:
    await Country(code="NZ").save(force_insert=True)
    with pytest.raises(UniqueViolationError):
        await Country(code="NZ").save(force_insert=True)
    with pytest.raises(NotFoundError):
        await Country(code="FJ").save(force_update=True)
    with pytest.raises(ValueError, match="force_insert or force_update"):
        await Country(code="NZ").save(force_insert=True, force_update=True)


async def test_a_model_without_key_can_be_inserted_once() -> None:
    line = await Line(text="a").save()
    assert is_saved(line)
    for call in (line.save, line.delete, line.refresh):
        with pytest.raises(ManagerError):
            await call()


async def test_a_partial_update_writes_only_what_it_names() -> None:
    item = await Item(name="a", count=1).save()
    item.name, item.count = "b", 2
    await item.save(update_fields=["count"])
    assert [(r["name"], r["count"]) for r in await rows("row_items")] == [("a", 2)]
    with pytest.raises(FieldError, match=r"Invalid update_fields for Item: cuont; did you mean 'count'\?"):
        await item.save(update_fields={"cuont"})
    with pytest.raises(TypeError, match="not a string"):
        await item.save(update_fields="count")
    await item.save(update_fields=["id"])
    await item.save(update_fields=[])
    assert [(r["name"], r["count"]) for r in await rows("row_items")] == [("a", 2)]


async def test_assigned_values_are_validated_before_they_are_written() -> None:
    item = await Item(name="a").save()
    item.count = "5"  # type: ignore[assignment]
    await item.save()
    assert item.count == 5
    item.count = -5
    with pytest.raises(pydantic.ValidationError, match="greater than or equal to 0"):
        await item.save()
    fresh = Item(name="b")
    fresh.name = "much too long a name"
    with pytest.raises(pydantic.ValidationError):
        await fresh.save()
    assert [(r["name"], r["count"]) for r in await rows("row_items")] == [("a", 5)]


async def test_frozen_models_are_filled_past_the_guard() -> None:
    fixed = await Fixed(name="a").save()
    assert fixed.id == 1
    await execute_raw("UPDATE row_fixed SET name = 'b'")
    await fixed.refresh()
    assert fixed.name == "b"
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        fixed.name = "c"


# --- delete and refresh --------------------------------------------------------------------


async def test_delete_tells_how_many_rows_there_were() -> None:
    item = await Item(name="a").save()
    assert await item.delete() == 1
    assert not is_saved(item)
    assert (item.id, item.name) == (1, "a")
    assert await item.delete() == 0


async def test_delete_and_refresh_need_a_key_value() -> None:
    for call in (Item(name="a").delete, Item(name="a").refresh):
        with pytest.raises(ManagerError, match="requires the instance to have a primary key value"):
            await call()
    hooked = Hooked(name="a")
    with pytest.raises(ManagerError):
        await hooked.delete()
    assert hooked._calls == []


async def test_refresh_reads_all_fields_or_the_named_ones() -> None:
    item = await Item(name="a").save()
    await execute_raw("UPDATE row_items SET name = 'b', count = 9")
    same = await item.refresh(["count"])
    assert same is item
    assert (item.name, item.count) == ("a", 9)
    await item.refresh()
    assert item.name == "b"
    with pytest.raises(FieldError, match="nmae"):
        await item.refresh(["nmae"])
    await Item.objects.delete()
    with pytest.raises(NotFoundError, match="Item with id=1 not found"):
        await item.refresh()


async def test_refresh_of_an_unsaved_instance_makes_it_stand_for_the_row() -> None:
    await Item(name="a").save()
    item = Item(id=1, name="x")
    await item.refresh()
    assert is_saved(item)
    assert item.name == "a"


async def test_partial_instances_write_only_what_they_loaded() -> None:
    await Item(name="a", count=4).save()
    item = await Item.objects.only("name").get()
    assert not is_loaded(item, "count")
    item.name = "b"
    await item.save()
    assert [(r["name"], r["count"]) for r in await rows("row_items")] == [("b", 4)]
    assert not is_loaded(item, "count")
    await item.refresh(["count"])
    assert is_loaded(item, "count")
    assert item.count == 4


# --- hooks --------------------------------------------------------------------------------------


async def test_hooks_surround_the_statement_and_their_changes_are_written() -> None:
    hooked = await Hooked(name="Ab").save()
    assert hooked._calls == [("pre_save", True, None), ("post_save", True, None)]
    hooked._calls.clear()
    hooked.name = "Cd"
    await hooked.save(update_fields=["name"])
    assert hooked._calls == [("pre_save", False, {"name"}), ("post_save", False, {"name"})]
    assert await rows("row_hooked") == [{"id": 1, "name": "Cd", "slug": "ab"}]
    await hooked.save()
    assert await rows("row_hooked") == [{"id": 1, "name": "Cd", "slug": "cd"}]
    hooked._calls.clear()
    await hooked.delete()
    await hooked.delete()
    assert hooked._calls == ["pre_delete", "post_delete"] * 2


async def test_an_exception_before_prevents_and_one_after_propagates() -> None:
    with pytest.raises(RuntimeError, match="before"):
        await Hooked(name="stop").save()
    assert await rows("row_hooked") == []
    late = Hooked(name="late")
    with pytest.raises(RuntimeError, match="after"):
        await late.save()
    assert late.id == 1
    assert is_saved(late)
    assert len(await rows("row_hooked")) == 1


async def test_no_hook_runs_where_there_is_no_row_to_update() -> None:
    hooked = Hooked(id=9, name="x")
    with pytest.raises(NotFoundError):
        await hooked.save()
    assert hooked._calls == [("pre_save", False, None)]
    hooked._calls.clear()
    await Hooked(name="y").save()
    other = await Hooked.objects.get(name="y")
    await other.refresh()
    assert other._calls == []


# --- transactions ---------------------------------------------------------------------------------


async def test_saves_take_part_in_the_task_s_transaction() -> None:
    with pytest.raises(RuntimeError, match="undo"):
        async with atomic():
            await Country(code="NZ").save()
            await Item(name="a").save()
            raise RuntimeError("undo")
    assert await rows("row_countries") == await rows("row_items") == []


async def test_a_client_can_be_named(database: db.AsyncDatabase) -> None:
    await Country(code="NZ").save(client=database)
    await Item(name="a").save(using="default")
    with pytest.raises(ManagerError, match="either 'client' or 'using'"):
        await Item(name="a").save(client=database, using="default")
    assert len(await rows("row_items")) == len(await rows("row_countries")) == 1


async def test_the_named_client_writes_and_reads_an_instance(database: db.AsyncDatabase) -> None:
    item, country = Item(name="a"), Country(code="NZ")
    for row in (item, country):
        await row.save()
    async with AsyncTransaction(database) as tx:
        item.name = "b"
        await item.save(client=tx)
        await item.refresh(client=tx)
        assert item.name == "b"
        assert await country.delete(client=tx) == 1
        tx.set_rollback(True)
    await item.refresh()
    assert item.name == "a"
    assert len(await rows("row_countries")) == 1


async def test_a_key_that_is_a_default_is_a_new_row() -> None:
    await Office(note="a").save()
    with pytest.raises(UniqueViolationError):
        await Office(note="b").save()
    await Office(code="main", note="c").save()
    assert [row["note"] for row in await rows("row_offices")] == ["c"]


async def test_a_key_of_none_is_a_new_row() -> None:
    await Item(id=None, name="a").save()
    assert len(await rows("row_items")) == 1
