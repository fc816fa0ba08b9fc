"""Tables made of models are found to be what the models say, and what differs is named."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import servers
from generated import imported

from oxyde import Check, Field, Model, atomic, create_tables, db
from oxyde.db import execute_script
from oxyde.migrations import (
    check_schema,
    compute_diff,
    extract_current_schema,
    generate_models,
    inspect_database,
    render_operations,
)

FAMILIES = ["fleet", "library", "parcels", "routes", "torture", "corners", "examples.countries.models"]


def models_of(name: str) -> list[type[Any]]:
    module = importlib.import_module(name)
    found = [value for value in vars(module).values() if isinstance(value, type)]
    return [
        cls
        for cls in found
        if cls.__module__ == name and getattr(getattr(cls, "_db_meta", None), "is_table", False)
    ]


def possible(models: list[type[Any]], database: servers.Server) -> list[type[Any]]:
    """Without those that MySQL has no words for: indexes of some of the rows."""
    if database.backend != "mysql":
        return models
    return [model for model in models if not any(index.where for index in model._db_meta.indexes)]


@pytest.mark.parametrize("family", FAMILIES)
async def test_tables_just_made_lack_nothing(empty_database: servers.Server, family: str) -> None:
    models = possible(models_of(family), empty_database)
    assert models
    async with db.connect(empty_database.url) as database:
        await create_tables(database, models=models)
        assert await check_schema(models=models) == []


@pytest.mark.parametrize("family", ["corners", "fleet", "library"])
async def test_generated_models_are_what_the_snapshot_says(
    empty_database: servers.Server, family: str, tmp_path: Path
) -> None:
    models = possible(models_of(family), empty_database)
    async with db.connect(empty_database.url) as database:
        await create_tables(database, models=models)
        snapshot = await inspect_database()
        with imported(generate_models(snapshot), tmp_path):
            assert await check_schema() == []
            # A baseline made of the snapshot leaves nothing for the next migration either.
            assert compute_diff(snapshot, extract_current_schema(empty_database.backend)) == []


class Box(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str = Field(default="new", max_length=40)
    kg: float | None = None
    n: int = Field(default=0, db_index=True)

    class Meta:
        is_table = True
        table_name = "inspect_box"
        constraints = [Check("n >= 0", name="inspect_box_n")]


ALL = ("sqlite", "postgres", "mysql")
CHANGES = [
    (ALL, "ALTER TABLE inspect_box ADD COLUMN more INTEGER", [("drop_column", "more")]),
    (ALL, "ALTER TABLE inspect_box DROP COLUMN kg", [("add_column", "kg")]),
    (ALL, "CREATE INDEX by_kg ON inspect_box (kg)", [("drop_index", "by_kg")]),
    (
        ALL,
        "CREATE UNIQUE INDEX label_once ON inspect_box (label)",
        [("drop_index", "label_once")],
    ),
    (
        ("postgres", "sqlite"),
        "DROP INDEX inspect_box_n_idx",
        [("create_index", "inspect_box_n_idx")],
    ),
    (("mysql",), "DROP INDEX inspect_box_n_idx ON inspect_box", [("create_index", "inspect_box_n_idx")]),
    (
        ("postgres", "mysql"),
        "ALTER TABLE inspect_box DROP CONSTRAINT inspect_box_n",
        [("add_check", "inspect_box_n")],
    ),
    (
        ("postgres", "mysql"),
        "ALTER TABLE inspect_box ALTER COLUMN label SET DEFAULT 'old'",
        [("alter_column", "label")],
    ),
    (("postgres",), "ALTER TABLE inspect_box ALTER COLUMN n TYPE INTEGER", [("alter_column", "n")]),
    (("postgres",), "ALTER TABLE inspect_box ALTER COLUMN n DROP NOT NULL", [("alter_column", "n")]),
    (("postgres",), "ALTER TABLE inspect_box ALTER COLUMN label TYPE text", [("alter_column", "label")]),
    (("postgres",), "COMMENT ON COLUMN inspect_box.n IS 'how many'", [("alter_column", "n")]),
    (
        ("mysql",),
        "ALTER TABLE inspect_box MODIFY n BIGINT UNSIGNED NOT NULL DEFAULT 0",
        [("alter_column", "n")],
    ),
    (("mysql",), "ALTER TABLE inspect_box COMMENT 'boxes'", [("set_comment", None)]),
    (
        ("postgres", "mysql"),
        "ALTER TABLE inspect_box DROP CONSTRAINT inspect_box_n, ADD CONSTRAINT inspect_box_n CHECK (n > 0)",
        [("drop_check", "inspect_box_n"), ("add_check", "inspect_box_n")],
    ),
    (ALL, "DROP TABLE inspect_box", [("create_table", None)]),
    (ALL, "CREATE TABLE somebody_elses (id INTEGER PRIMARY KEY)", []),
]


def _named(op: dict[str, Any]) -> tuple[str, Any]:
    parts = [op.get(key) for key in ("field", "column", "index", "check", "name")]
    subject = next((part for part in parts if part is not None), None)
    return op["type"], subject["name"] if isinstance(subject, dict) else subject


async def test_each_change_is_named_and_can_be_undone(empty_database: servers.Server) -> None:
    dialect = empty_database.backend
    for dialects, change, expected in CHANGES:
        if dialect not in dialects:
            continue
        servers.drop_everything(empty_database)
        async with db.connect(empty_database.url) as database:
            await create_tables(database, models=[Box])
            await execute_script(change)
            found = await check_schema(models=[Box])
            assert [_named(op) for op in found] == expected, change
            state = await inspect_database(tables=["inspect_box"])
            for sql in render_operations(found, dialect, state=state):
                await execute_script(sql)
            assert await check_schema(models=[Box]) == [], change


SHELVES = """
class ShelfState(str, Enum):
    FULL = "full"


class Shelf(Model):
    id: int | None = Field(default=None, db_pk=True)
    state: ShelfState = ShelfState.FULL

    class Meta:
        is_table = True
        table_name = "shelf"
        schema = "SCHEMA"


class Item(Model):
    id: int | None = Field(default=None, db_pk=True)
    shelf: Shelf | None = None

    class Meta:
        is_table = True
        table_name = "item"
        schema = "SCHEMA"
"""


@pytest.mark.parametrize("server", ["postgres", "mysql", "mariadb"], indirect=True)
async def test_another_schema(empty_database: servers.Server, tmp_path: Path) -> None:
    schema = f"{empty_database.database}_b"
    word = "SCHEMA" if empty_database.backend == "postgres" else "DATABASE"
    head = "from enum import Enum\nfrom oxyde import Field, Model\n"
    empty_database.rows(f"CREATE {word} {schema}")
    try:
        async with db.connect(empty_database.url) as database:
            with imported(head + SHELVES.replace("SCHEMA", schema), tmp_path):
                await create_tables(database)
                assert await check_schema() == []
            assert (await inspect_database())["tables"] == {}
            snapshot = await inspect_database(schema=schema)
            assert sorted(snapshot["tables"]) == [f"{schema}.item", f"{schema}.shelf"]
            (fk,) = snapshot["tables"][f"{schema}.item"]["foreign_keys"]
            assert fk["ref_table"] == f"{schema}.shelf"
            with imported(generate_models(snapshot), tmp_path) as models:
                assert models.Item._db_meta.schema == schema
                assert await check_schema() == []
    finally:
        cascade = " CASCADE" if empty_database.backend == "postgres" else ""
        empty_database.rows(f"DROP {word} {schema}{cascade}")


async def test_inside_a_transaction_what_it_made_is_seen(empty_database: servers.Server) -> None:
    async with db.connect(empty_database.url) as database:
        await create_tables(database, models=[Box])
        async with atomic():
            await Box.objects.create(label="one")
            assert await check_schema(models=[Box]) == []
            assert "inspect_box" in (await inspect_database())["tables"]
            assert await Box.objects.count() == 1
