"""SQLite: tables made anew keep everything that the files do not know of."""

from __future__ import annotations

from pathlib import Path

import pytest
import servers
from migrating import connected, execute, write

from oxyde.exceptions import DataError, IntegrityError
from oxyde.migrations import MigrationError, apply_migrations, rollback_migrations
from oxyde.migrations._stored import parse_table

INT = {"kind": "big_integer"}
ID = f'{{"name": "id", "column_type": {INT}, "primary_key": True}}'


@pytest.fixture
def database(tmp_path: Path) -> servers.Server:
    return servers.Server("sqlite", f"sqlite:///{tmp_path}/test.db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "migrations"
    label = '{"name": "label", "column_type": {"kind": "text"}, "nullable": True}'
    depot = '{"name": "depot_id", "column_type": {"kind": "big_integer"}, "nullable": True}'
    fk = (
        '{"name": "fk_crate_depot_id", "columns": ["depot_id"], "ref_table": "depot", "ref_columns": ["id"], '
        '"on_delete": "CASCADE"}'
    )
    write(
        made,
        "0001_first",
        f'ctx.create_table("depot", fields=[{ID}, {label}])\n'
        f'ctx.create_table("crate", fields=[{ID}, {label}, {depot}], foreign_keys=[{fk}])',
    )
    return made


ALTER = 'ctx.alter_column("depot", "label", nullable=False, backfill="\'none\'")'
BACK = 'ctx.alter_column("depot", "label", nullable=True)'


async def test_children_stay_whatever_their_actions(database: servers.Server, folder: Path) -> None:
    write(folder, "0002_alter", ALTER, BACK)
    async with connected(database) as handle:
        await apply_migrations(folder, target="0001")
        await execute(handle, "INSERT INTO depot (id, label) VALUES (1, NULL), (2, 'b')")
        await execute(handle, "INSERT INTO crate (id, depot_id) VALUES (1, 1), (2, 2)")
        await apply_migrations(folder)
        assert database.rows("SELECT id, label FROM depot") == [(1, "none"), (2, "b")]
        assert database.rows("SELECT id, depot_id FROM crate") == [(1, 1), (2, 2)]
        # Enforced again afterwards.
        with pytest.raises(IntegrityError):
            await execute(handle, "INSERT INTO crate (id, depot_id) VALUES (3, 9)")
        await execute(handle, "DELETE FROM depot WHERE id = 1")
        assert database.rows("SELECT id FROM crate") == [(2,)]
        await rollback_migrations(1, folder)
        assert database.rows("SELECT id FROM crate") == [(2,)]


async def test_what_only_the_database_knows_is_carried_over(database: servers.Server, folder: Path) -> None:
    write(folder, "0002_alter", ALTER, BACK)
    async with connected(database) as handle:
        await apply_migrations(folder, target="0001")
        await execute(handle, "DROP TABLE crate")
        await execute(handle, "DROP TABLE depot")
        await execute(
            handle,
            'CREATE TABLE "depot" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "label" TEXT COLLATE NOCASE, '
            '"town (x, y)" TEXT DEFAULT \'a, b\' CHECK (length("town (x, y)") < 9), '
            "kg INTEGER, twice INTEGER GENERATED ALWAYS AS (kg * 2) STORED, "
            "CONSTRAINT kg_sane CHECK (kg < 1000), UNIQUE (kg)) STRICT",
        )
        await execute(
            handle,
            'CREATE TABLE "crate" ("id" INTEGER PRIMARY KEY, "label" TEXT, "depot_id" INTEGER, '
            'CONSTRAINT "fk_crate_depot_id" FOREIGN KEY ("depot_id") '
            'REFERENCES "depot" ("id") ON DELETE CASCADE)',
        )
        await execute(handle, 'CREATE INDEX by_town ON depot ("town (x, y)") WHERE kg > 1')
        await execute(handle, "CREATE TABLE log (text TEXT)")
        await execute(
            handle,
            "CREATE TRIGGER depot_gone AFTER DELETE ON depot BEGIN INSERT INTO log VALUES (old.label); END",
        )
        await execute(handle, "CREATE VIEW heavy AS SELECT d.label, d.twice FROM depot d WHERE kg > 1")
        await execute(handle, "INSERT INTO depot (id, label, kg) VALUES (1, 'a', 5), (9, 'b', 6)")
        await execute(handle, "DELETE FROM depot WHERE id = 9")
        with pytest.warns(UserWarning, match="carried over"):
            await apply_migrations(folder)
        assert database.rows('SELECT id, label, "town (x, y)", kg, twice FROM depot') == [
            (1, "a", "a, b", 5, 10)
        ]
        assert database.rows("SELECT * FROM heavy") == [("a", 10)]
        await execute(handle, "INSERT INTO depot (label, kg) VALUES ('c', 7)")
        assert database.rows("SELECT max(id) FROM depot") == [(10,)]  # the counter went on
        for wrong in (
            "INSERT INTO depot (label, kg) VALUES ('x', 7)",
            "INSERT INTO depot (label, kg) VALUES ('x', 2000)",
            "INSERT INTO depot (label, kg) VALUES ('x', 'text')",
            "INSERT INTO depot (label, \"town (x, y)\") VALUES ('x', 'much too long')",
            "INSERT INTO depot (label) VALUES (NULL)",
        ):
            with pytest.raises((IntegrityError, DataError)):
                await execute(handle, wrong)
        await execute(handle, "DELETE FROM depot WHERE id = 10")
        assert database.rows("SELECT text FROM log") == [("b",), ("c",)]
        assert database.rows("SELECT name FROM sqlite_master WHERE name = 'by_town'") == [("by_town",)]


async def test_an_untouched_column_stays_as_it_is_written(database: servers.Server, folder: Path) -> None:
    write(folder, "0002_check", 'ctx.add_check("depot", "chk_depot_0", "id > 0")')
    async with connected(database) as handle:
        await apply_migrations(folder, target="0001")
        await execute(handle, "DROP TABLE crate")
        await execute(handle, "DROP TABLE depot")
        await execute(handle, "CREATE TABLE depot (id INTEGER PRIMARY KEY, label TEXT COLLATE NOCASE UNIQUE)")
        await apply_migrations(folder)
    ((sql,),) = database.rows("SELECT sql FROM sqlite_master WHERE name = 'depot'")
    assert parse_table(sql).columns["label"] == "label TEXT COLLATE NOCASE UNIQUE"


async def test_rows_that_would_hang_in_the_air_stop_it(database: servers.Server, folder: Path) -> None:
    write(
        folder,
        "0002_bad",
        f'{ALTER}\nctx.execute("DELETE FROM depot WHERE id = 2")',
    )
    async with connected(database) as handle:
        await apply_migrations(folder, target="0001")
        await execute(handle, "INSERT INTO depot (id, label) VALUES (1, 'a'), (2, 'b')")
        await execute(handle, "INSERT INTO crate (id, depot_id) VALUES (1, 1), (2, 2)")
        with pytest.raises(MigrationError, match="1 of crate to depot"):
            await apply_migrations(folder)
        assert database.rows("SELECT count(*) FROM depot") == [(2,)]


@pytest.mark.parametrize(
    ("sql", "columns", "constraints", "options"),
    [
        ("CREATE TABLE t (a)", {"a": "a"}, [], ""),
        (
            'CREATE TABLE "t(" ("a,b" TEXT, c) WITHOUT ROWID',
            {"a,b": '"a,b" TEXT', "c": "c"},
            [],
            "WITHOUT ROWID",
        ),
        (
            "CREATE TABLE t (a INT CHECK (a IN (1, 2)), -- note, (\n b TEXT DEFAULT 'x'')', CHECK (a < b))",
            {"a": "a INT CHECK (a IN (1, 2))", "b": "b TEXT DEFAULT 'x'')'"},
            ["CHECK (a < b)"],
            "",
        ),
    ],
)
def test_definitions_are_taken_apart(
    sql: str, columns: dict[str, str], constraints: list[str], options: str
) -> None:
    parsed = parse_table(sql)
    assert (parsed.columns, parsed.constraints, parsed.options) == (columns, constraints, options)
