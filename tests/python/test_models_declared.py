"""Declared models: lists of their own, inherited settings and hooks, the registry's part, metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pydantic
import pytest
from fleet import Depot, Truck

import oxyde
from oxyde import Field, Model, create_tables, db
from oxyde.db.schema import describe_tables
from oxyde.migrations.extract import extract_current_schema
from oxyde.models import clear_registry, iter_tables
from oxyde.models import registry as registry_module
from oxyde.models.metadata import ColumnMeta


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    tables, pending = dict(registry_module._tables), dict(registry_module._pending)
    clear_registry()
    yield
    clear_registry()
    registry_module._tables.update(tables)
    registry_module._pending.update(pending)


def test_unloaded_lists_belong_to_their_instance() -> None:
    one, other = Depot(code="A"), Depot(code="B")
    assert one.trucks == [] and one.trucks is not other.trucks
    one.trucks.append(Truck(plate="P", home_code="A"))
    assert other.trucks == []
    assert Truck(plate="P", home_code="A").licence is None


def test_the_dots_mean_required() -> None:
    class Named(Model):
        name: str = Field(...)

    with pytest.raises(pydantic.ValidationError, match="name"):
        Named()
    assert Named.model_fields["name"].is_required()


def test_only_columns_are_selected_inserted_and_updated() -> None:
    class Box(Model):
        id: int | None = Field(default=None, db_pk=True)
        side: int = 1
        _secret: int = 3

        @pydantic.computed_field  # type: ignore[prop-decorator]
        @property
        def volume(self) -> int:
            return self.side**3

        class Meta:
            is_table = True

    assert Box.objects.sql(dialect="sqlite")[0] == 'SELECT "id", "side" FROM "box"'
    assert Box().model_dump() == {"id": None, "side": 1, "volume": 1}
    assert list(Box._db_meta.field_metadata) == ["id", "side"]


def test_constraints_and_index_flags_of_a_table_carry_over() -> None:
    class Base(Model):
        id: int | None = Field(default=None, db_pk=True)
        code: str = Field(max_length=8, db_unique=True)
        rank: int = Field(default=0, db_index=True, ge=0, db_comment="rank")

        class Meta:
            is_table = True

    class Child(Base):
        rank: int = Field(default=5, db_index=True, le=9)  # takes the place of the other

        class Meta:
            is_table = True

    (table,) = describe_tables([Child])
    columns = {column["name"]: column for column in table["columns"]}
    assert table["name"] == "child"
    assert (columns["code"]["unique"], columns["code"]["size"]) == (True, 8)
    assert [index["name"] for index in table["indexes"]] == ["child_rank_idx"]
    assert columns["rank"]["comment"] == ""
    with pytest.raises(pydantic.ValidationError):
        Child(code="x", rank=10)
    assert Child(code="x", rank=-1).rank == -1
    with pytest.raises(pydantic.ValidationError):
        Child(code="much too long")


async def test_hooks_are_ordinary_methods() -> None:
    calls: list[str] = []

    class Base(Model):
        id: int | None = Field(default=None, db_pk=True)

        async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
            calls.append(f"base {is_create}")

    class Child(Base):
        async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
            await super().pre_save(is_create=is_create, update_fields=update_fields)
            calls.append(f"child {update_fields}")

        class Meta:
            is_table = True

    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[Child])
        await Child().save()
    assert calls == ["base True", "child None"]


async def test_a_class_works_without_its_place_in_the_registry() -> None:
    class Known(Model):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True

    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database)
        clear_registry()
        assert iter_tables() == ()
        assert await Known.objects.create(instance=Known()) == await Known.objects.get()

        class Late(Model):
            id: int | None = Field(default=None, db_pk=True)
            known: Known | None = None

            class Meta:
                is_table = True

        clear_registry()  # before the first use
        await create_tables(database, models=[Late])
        await Late.objects.create(known=await Known.objects.get())
        assert (await Late.objects.join("known").get()).known == Known(id=1)


async def test_tables_are_not_made_while_a_model_waits() -> None:
    class Lost(Model):
        id: int | None = Field(default=None, db_pk=True)
        place: Nowhere | None = None  # type: ignore[name-defined]  # noqa: F821

        class Meta:
            is_table = True

    async with db.connect("sqlite://:memory:") as database:
        with pytest.raises(RuntimeError, match=r"Lost.*Nowhere"):
            await create_tables(database)
        with pytest.raises(oxyde.FieldError, match="Nowhere"):
            await Lost.objects.all()
    with pytest.raises(oxyde.MigrationError, match=r"unresolved annotations: .*Lost.*Nowhere"):
        extract_current_schema()


def test_metadata_name_every_setting() -> None:
    class Item(Model):
        id: int | None = Field(default=None, db_pk=True)
        name: str = Field(
            default="x", max_length=7, db_column="title", db_type="TEXT", db_default="'y'", db_comment="what",
            db_index=True, db_index_name="by_name", db_index_method="hash", db_unique=True, db_nullable=True,
        )  # fmt: skip
        price: pydantic.condecimal(max_digits=6, decimal_places=2) | None = None  # type: ignore[valid-type]
        tags: list[str] = Field(default_factory=list, max_length=3)

        class Meta:
            is_table = True

    column = Item._db_meta.field_metadata["name"]
    assert {field.name for field in dataclasses.fields(ColumnMeta)} >= {
        "name", "db_column", "python_type", "nullable", "db_type", "index", "index_name", "index_method",
        "unique", "primary_key", "comment", "default", "default_factory", "db_default", "max_length",
        "max_digits", "decimal_places", "foreign_key", "extra",
    }  # fmt: skip
    assert (column.name, column.db_column, column.python_type, column.nullable, column.db_type) == (
        "name", "title", str, True, "TEXT",
    )  # fmt: skip
    assert (column.index, column.index_name, column.index_method, column.unique) == (
        True,
        "by_name",
        "hash",
        True,
    )
    assert (column.comment, column.default, column.db_default, column.max_length) == ("what", "x", "'y'", 7)
    assert (column.primary_key, column.foreign_key, column.extra) == (False, None, {})
    price: Any = Item._db_meta.field_metadata["price"]
    assert (price.max_digits, price.decimal_places, price.nullable, price.default) == (6, 2, True, None)
    assert price.python_type is Decimal
    tags = Item._db_meta.field_metadata["tags"]
    assert (tags.python_type, tags.default, tags.default_factory) == (list[str], None, list)
    assert tags.max_length == 3
    assert Item._db_meta.field_metadata["id"].primary_key
