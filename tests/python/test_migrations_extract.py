"""Models as snapshots: what they say, and that the files made of it give the tables of `create_tables`."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import enum
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import servers
from schemas import Dict
from shown import run, shown

from oxyde import AsyncDatabase, Check, Field, Index, Model, create_tables
from oxyde.migrations import SchemaError, compute_diff, extract_current_schema, render_operations
from oxyde.models.registry import registered_tables, unregister_table


class Ripeness(enum.Enum):
    GREEN = "green"
    RIPE = "ripe"


@pytest.fixture(autouse=True)
def own_models() -> Iterator[None]:
    before = set(registered_tables().values())
    yield
    for model in set(registered_tables().values()) - before:
        unregister_table(model)


def orchard_and_crate() -> list[type[Any]]:
    class Orchard(Model):
        code: str = Field(db_pk=True, max_length=8)
        town: str = Field(db_unique=True, db_comment="where it is")

        class Meta:
            is_table = True

    class Crate(Model):
        id: int | None = Field(default=None, db_pk=True)
        label: str = Field(default="it's new", max_length=40, db_index=True)
        kg: decimal.Decimal = Field(default=decimal.Decimal("1.50"), max_digits=8, decimal_places=2)
        state: Ripeness = Ripeness.GREEN
        sold: bool = False
        marks: list[int] = [1, 2]  # Pydantic copies it
        note: str | None = Field(default=None, db_type="TEXT")
        picked: datetime.datetime = Field(db_default="CURRENT_TIMESTAMP")
        seal: uuid.UUID | None = None
        data: bytes = b"\x01\xff"
        orchard: Orchard = Field(db_on_delete="CASCADE")

        class Meta:
            is_table = True
            table_name = "crates"
            comment = "what is picked"
            unique_together = [("label", "orchard")]
            indexes = [Index(("kg", "sold"))]
            constraints = [Check("kg > 0")]

    return [Orchard, Crate]


def test_a_model_as_a_snapshot() -> None:
    shown_ = extract_current_schema("postgres", models=orchard_and_crate())
    crate, orchard = shown_["tables"]["crates"], shown_["tables"]["orchard"]
    fields = {field["name"]: field for field in crate["fields"]}
    assert list(fields) == [
        *("id", "label", "kg", "state", "sold", "marks", "note", "picked", "seal", "data", "orchard_code")
    ]
    flags: Dict = {"nullable": False, "primary_key": False, "unique": False}
    assert fields["id"] == {
        **flags,
        "name": "id",
        "column_type": {"kind": "big_integer"},
        "nullable": True,  # as annotated; keys are compared without it
        "primary_key": True,
        "auto_increment": True,
    }
    assert fields["label"]["column_type"] == {"kind": "string", "length": 40}
    assert fields["kg"]["column_type"] == {"kind": "decimal", "precision": 8, "scale": 2}
    assert fields["marks"]["column_type"] == {"kind": "array", "item": {"kind": "big_integer"}}
    assert fields["state"]["column_type"] == {
        "kind": "enum",
        "name": "ripeness_enum",
        "values": ["green", "ripe"],
    }
    assert fields["orchard_code"]["column_type"] == {"kind": "string", "length": 8}
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field}
    assert defaults == {
        "label": "'it''s new'",
        "kg": "1.50",
        "state": "'green'",
        "sold": "FALSE",
        "marks": "'[1,2]'",
        "picked": "CURRENT_TIMESTAMP",
        "data": "'\\x01ff'",
    }
    assert fields["note"]["db_type"] == "TEXT" and fields["note"]["nullable"]
    assert crate["comment"] == "what is picked" and orchard["fields"][1]["comment"] == "where it is"
    assert [index["name"] for index in crate["indexes"]] == [
        *("crates_kg_sold_idx", "crates_label_idx", "crates_label_orchard_code_key")
    ]
    assert crate["indexes"][2]["constraint"] and crate["indexes"][2]["unique"]
    (fk,) = crate["foreign_keys"]
    assert fk == {
        "name": "fk_crates_orchard_code",
        "columns": ["orchard_code"],
        "ref_table": "orchard",
        "ref_columns": ["code"],
        "on_delete": "CASCADE",
        "on_update": "CASCADE",
    }
    assert crate["checks"] == [{"name": "chk_crates_0", "expression": "kg > 0"}]
    assert shown_["enums"] == {"ripeness_enum": ["green", "ripe"]}


async def test_files_make_the_tables_that_create_tables_makes(empty_database: servers.Server) -> None:
    models = orchard_and_crate()
    dialect = empty_database.name
    async with AsyncDatabase(empty_database.url, auto_register=False) as database:
        await create_tables(database, models=models)
    with contextlib.closing(servers.Admin(empty_database)) as admin:
        made = shown(admin)
    servers.drop_everything(empty_database)
    # Written for another database: a default is spelt for the one that it meets.
    written_for = "sqlite" if dialect == "postgres" else "postgres"
    operations = compute_diff({}, extract_current_schema(written_for, models=models))
    with contextlib.closing(servers.Admin(empty_database)) as admin:
        run(admin, render_operations(operations, dialect))
        migrated = shown(admin)
    assert [x for x in migrated if x not in made] == [x for x in made if x not in migrated]


def test_what_contradicts_is_refused_by_name() -> None:
    class One(Model):
        id: int = Field(db_pk=True)
        a: int

        class Meta:
            is_table = True
            table_name = "shared"

    class Other(Model):
        id: int = Field(db_pk=True)
        a: str

        class Meta:
            is_table = True
            table_name = "shared"

    class Part(Model):
        id: int = Field(db_pk=True)

        class Meta:
            is_table = True
            table_name = "shared"

    with pytest.raises(SchemaError, match=r"One and .*Other describe the table 'shared' differently"):
        extract_current_schema(models=[One, Other])
    shared = extract_current_schema(models=[Part, One])["tables"]["shared"]
    assert [field["name"] for field in shared["fields"]] == ["id", "a"]


def test_an_enum_name_has_one_list_of_values() -> None:
    def with_enum(values: list[str], table: str) -> type[Any]:
        Level = enum.Enum("Level", {value: value for value in values})

        class Holder(Model):
            id: int = Field(db_pk=True)
            level: Level  # type: ignore[valid-type]

            class Meta:
                is_table = True
                table_name = table

        return Holder

    models = [with_enum(["a"], "one"), with_enum(["a", "b"], "two")]
    with pytest.raises(SchemaError, match=r"'level_enum' has conflicting value sets: \['a'\].*\['a', 'b'\]"):
        extract_current_schema(models=models)


def test_an_unfinished_model_stops_it() -> None:
    class Waiting(Model):
        id: int = Field(db_pk=True)
        other: "NobodyHasIt"  # type: ignore[name-defined]  # noqa: F821, UP037

        class Meta:
            is_table = True

    with pytest.raises(SchemaError, match=r"Waiting.*NobodyHasIt"):
        extract_current_schema()
    with pytest.raises(SchemaError, match="unknown dialect 'oracle'"):
        extract_current_schema("oracle", models=[])
