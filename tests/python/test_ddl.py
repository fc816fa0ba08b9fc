"""The engine's DDL as the package calls it: dicts in, statements out."""

from __future__ import annotations

import datetime
import decimal
import ipaddress
import sqlite3
import uuid
from typing import Any

import pytest

from oxyde import _core


def column(name: str, kind: str, **changes: Any) -> dict[str, Any]:
    """A NOT NULL column without anything special."""
    return {
        "name": name,
        "kind": _core.KIND_NAMES[kind],
        "elem": _core.KIND_NAMES["unknown"],
        "ndim": 0,
        "size": 0,
        "scale": -1,
        "db_type": "",
        "enum_name": "",
        "enum_schema": "",
        "enum_values": (),
        "nullable": False,
        "primary_key": False,
        "unique": False,
        "python_int": False,
        "db_default": None,
        "has_default": False,
        "default": None,
        "comment": "",
        "is_foreign_key": False,
    } | changes


def with_default(name: str, kind: str, value: Any, **changes: Any) -> dict[str, Any]:
    return column(name, kind, has_default=True, default=value, **changes)


def table(name: str, *columns: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "schema": "",
        "comment": "",
        "columns": list(columns),
        "primary_key": (),
        "foreign_keys": [],
        "indexes": [],
        "checks": [],
    } | changes


INDEX: dict[str, Any] = {"method": "", "where": "", "unique": False, "constraint": False}
KEY = column("id", "big_integer", primary_key=True, python_int=True)


def test_every_part_of_a_table_arrives() -> None:
    truck = table(
        "truck",
        KEY,
        column("state", "enum", enum_name="state_enum", enum_schema="s", enum_values=("new", "old")),
        column("price", "decimal", size=8, scale=2, nullable=True, unique=True, comment="net"),
        column("tags", "array", elem=_core.KIND_NAMES["string"], ndim=1, size=20),
        column("depot_id", "big_integer", is_foreign_key=True, db_default="7"),
        schema="s",
        comment="wheels",
        primary_key=("id",),
        foreign_keys=[
            {
                "name": "fk_truck_depot_id",
                "columns": ("depot_id",),
                "target_table": "depot",
                "target_schema": "s",
                "target_columns": ("id",),
                "on_delete": "CASCADE",
                "on_update": "RESTRICT",
            }
        ],
        indexes=[
            INDEX
            | {"name": "i", "columns": ("price",), "method": "btree", "where": "price > 0", "unique": True},
            INDEX | {"name": "u", "columns": ("state", "price"), "constraint": True},
        ],
        checks=[{"name": "c", "expression": "price >= 0"}],
    )
    assert _core.ddl_create([truck], "postgres", False) == [
        """CREATE TYPE "s"."state_enum" AS ENUM ('new', 'old')""",
        'CREATE TABLE "s"."truck" ("id" BIGSERIAL PRIMARY KEY, "state" "s"."state_enum" NOT NULL, '
        '"price" NUMERIC(8,2) UNIQUE, "tags" VARCHAR(20)[] NOT NULL, "depot_id" BIGINT NOT NULL DEFAULT 7, '
        'CONSTRAINT "u" UNIQUE ("state", "price"))',
        'CREATE UNIQUE INDEX "i" ON "s"."truck" USING btree ("price") WHERE price > 0',
        'ALTER TABLE "s"."truck" ADD CONSTRAINT "fk_truck_depot_id" FOREIGN KEY ("depot_id") '
        'REFERENCES "s"."depot" ("id") ON DELETE CASCADE ON UPDATE RESTRICT',
        'ALTER TABLE "s"."truck" ADD CONSTRAINT "c" CHECK (price >= 0)',
        """COMMENT ON TABLE "s"."truck" IS 'wheels'""",
        """COMMENT ON COLUMN "s"."truck"."price" IS 'net'""",
    ]
    assert _core.ddl_drop([truck], "postgres", True) == [
        'DROP TABLE IF EXISTS "s"."truck" CASCADE',
        'DROP TYPE IF EXISTS "s"."state_enum"',
    ]


DEFAULTS: list[tuple[str, Any, Any]] = [
    ("boolean", True, 1),
    ("big_integer", -(2**63), -(2**63)),
    ("double", 0.1, 0.1),
    ("string", "it's", "it's"),
    ("blob", b"\0'", b"\0'"),
    ("date_time", datetime.datetime(1, 1, 1, microsecond=1), "0001-01-01 00:00:00.000001"),
    (
        "date_time_utc",
        datetime.datetime(2024, 2, 29, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        "2024-02-28 23:00:00",
    ),
    ("date", datetime.date(9999, 12, 31), "9999-12-31"),
    ("time", datetime.time(1, 2), "01:02:00"),
    ("timedelta", datetime.timedelta(microseconds=-1), -1),
    ("uuid", uuid.UUID(int=5), str(uuid.UUID(int=5))),
    ("decimal", decimal.Decimal("1.50"), "1.50"),
    ("inet", ipaddress.ip_interface("10.0.0.1/8"), "10.0.0.1/8"),
    ("json", ("json", '{"a":"it\'s"}'), '{"a":"it\'s"}'),
]


@pytest.mark.parametrize(("kind", "default", "stored"), DEFAULTS, ids=[kind for kind, _, _ in DEFAULTS])
def test_python_defaults_reach_sqlite(kind: str, default: Any, stored: Any) -> None:
    db = sqlite3.connect(":memory:")
    for statement in _core.ddl_create([table("t", with_default("c", kind, default))], "sqlite", False):
        db.execute(statement)
    db.execute("INSERT INTO t DEFAULT VALUES")
    assert db.execute("SELECT c FROM t").fetchone() == (stored,)
    db.close()


def test_values_without_sql_form_give_no_default() -> None:
    columns = [with_default("a", "text", None), with_default("b", "double", float("nan"))]
    assert _core.ddl_create([table("t", *columns)], "sqlite", False) == [
        'CREATE TABLE "t" ("a" TEXT NOT NULL, "b" REAL NOT NULL)'
    ]


def test_arguments_have_names_and_any_sequence_will_do() -> None:
    statements = _core.ddl_create(tables=(table("t", KEY),), dialect="sqlite", if_not_exists=True)
    assert statements == ['CREATE TABLE IF NOT EXISTS "t" ("id" INTEGER PRIMARY KEY)']
    assert _core.ddl_drop(tables=(), dialect="mysql", if_exists=False) == []


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="unknown dialect 'oracle'"):
        _core.ddl_create([], "oracle", False)
    with pytest.raises(KeyError, match="name"):
        _core.ddl_create([{}], "sqlite", False)
    with pytest.raises(ValueError, match="table t has no columns"):
        _core.ddl_create([table("t")], "sqlite", False)
    with pytest.raises(ValueError, match="kind is out of range: 99"):
        _core.ddl_create([table("t", KEY | {"kind": 99})], "sqlite", False)
    with pytest.raises(TypeError, match="json"):
        _core.ddl_create([table("t", with_default("c", "json", ("yaml", "")))], "sqlite", False)
    with pytest.raises(ValueError, match="cannot be written"):
        _core.ddl_create([table("t\0", KEY)], "sqlite", False)
