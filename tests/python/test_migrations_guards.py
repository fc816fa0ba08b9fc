"""Rows that stand in the way are found before anything runs, and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import servers
from migrating import connected, execute, write

from oxyde.migrations import MigrationError, apply_migrations

ID = {"name": "id", "column_type": {"kind": "big_integer"}, "primary_key": True}
VALUES = {"name": "state_enum", "values": ["a", "b"]}


def column(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": "c", "column_type": {"kind": kind, **more.pop("type", {})}, **more}


# The column before and after, values that stand in the way, and what the rest becomes on every server.
CASES: list[tuple[dict[str, Any], dict[str, Any], str, str, str]] = [
    (column("text"), {"column_type": {"kind": "big_integer"}}, "'12'", "'1x'", "big_integer"),
    (column("text"), {"column_type": {"kind": "double"}}, "'1.5'", "'1,5'", "double"),
    (column("string"), {"column_type": {"kind": "string", "length": 3}}, "'abc'", "'abcd'", r"string\(3\)"),
    (column("double"), {"column_type": {"kind": "big_integer"}}, "2", "1.5", "big_integer"),
    (
        column("decimal", type={"precision": 8, "scale": 3}),
        {"column_type": {"kind": "decimal", "precision": 4, "scale": 2}},
        "12.34",
        "12.345",
        r"decimal\(4, 2\)",
    ),
    (
        column("decimal", type={"precision": 8, "scale": 3}),
        {"column_type": {"kind": "decimal", "precision": 4, "scale": 2}},
        "12.34",
        "123.4",
        r"decimal\(4, 2\)",
    ),
    (column("big_integer"), {"column_type": {"kind": "boolean"}}, "1", "2", "boolean"),
    (column("text"), {"column_type": {"kind": "enum", **VALUES}}, "'a'", "'c'", "the enum type state_enum"),
    (column("big_integer", nullable=True), {"nullable": False}, "1", "NULL", "becomes NOT NULL"),
]


@pytest.mark.parametrize(("before", "changes", "good", "bad", "words"), CASES)
async def test_rows_that_do_not_fit(  # noqa: PLR0917
    empty_database: servers.Server,
    tmp_path: Path,
    before: dict[str, Any],
    changes: dict[str, Any],
    good: str,
    bad: str,
    words: str,
) -> None:
    write(tmp_path, "0001_t", f'ctx.create_table("t", fields=[{ID}, {before}])')
    enum = 'ctx.create_enum_type("state_enum", ["a", "b"])' if "enum" in str(changes) else "pass"
    extra = {"name": "first", "column_type": {"kind": "text"}, "nullable": True}
    write(
        tmp_path, "0002_c", f'{enum}\nctx.add_column("t", {extra})\nctx.alter_column("t", "c", **{changes})'
    )
    async with connected(empty_database) as handle:
        await apply_migrations(tmp_path, target="0001")
        await execute(handle, f"INSERT INTO t (id, c) VALUES (1, {good}), (7, {bad}), (8, {bad})")
        with pytest.raises(MigrationError, match=rf"0002_c: 2 rows of t \(id 7, 8\).*{words}"):
            await apply_migrations(tmp_path)
        assert empty_database.rows("SELECT * FROM t WHERE id = 1")[0][2:] == ()  # the new column is not there
        await execute(handle, "DELETE FROM t WHERE id > 1")
        assert await apply_migrations(tmp_path) == ["0002_c"]
        assert empty_database.rows("SELECT count(*) FROM t WHERE c IS NOT NULL") == [(1,)]


async def test_a_column_without_a_value_for_rows(empty_database: servers.Server, tmp_path: Path) -> None:
    new = {"name": "c", "column_type": {"kind": "big_integer"}}
    write(tmp_path, "0001_t", f'ctx.create_table("t", fields=[{ID}])')
    write(tmp_path, "0002_c", f'ctx.add_column("t", {new})')
    async with connected(empty_database) as handle:
        await apply_migrations(tmp_path, target="0001")
        await execute(handle, "INSERT INTO t (id) VALUES (1)")
        with pytest.raises(MigrationError, match=r"1 row of t \(id 1\) would have no value.*backfill"):
            await apply_migrations(tmp_path)
        write(tmp_path, "0002_c", f'ctx.add_column("t", {new}, backfill="id * 10")')
        if empty_database.backend == "sqlite":
            await apply_migrations(tmp_path)
            assert empty_database.rows("SELECT c FROM t") == [(10,)]
            return
        write(tmp_path, "0002_c", f'ctx.add_column("t", {new}, backfill="3")')
        await apply_migrations(tmp_path)
        assert empty_database.rows("SELECT c FROM t") == [(3,)]


async def test_rows_that_the_migration_mends_itself(empty_database: servers.Server, tmp_path: Path) -> None:
    before = column("text", nullable=True)
    write(tmp_path, "0001_t", f'ctx.create_table("t", fields=[{ID}, {before}])')
    write(
        tmp_path,
        "0002_c",
        """
        ctx.execute("UPDATE t SET c = '0' WHERE c IS NULL")
        ctx.alter_column("t", "c", nullable=False, column_type={"kind": "big_integer"})
        """,
    )
    async with connected(empty_database) as handle:
        await apply_migrations(tmp_path, target="0001")
        await execute(handle, "INSERT INTO t (id, c) VALUES (1, NULL), (2, '5')")
        await apply_migrations(tmp_path)
    assert empty_database.rows("SELECT c FROM t ORDER BY id") == [(0,), (5,)]


async def test_rows_that_hold_a_removed_value(empty_database: servers.Server, tmp_path: Path) -> None:
    state = column("enum", type=VALUES)
    write(
        tmp_path,
        "0001_t",
        f'ctx.create_enum_type("state_enum", ["a", "b"])\nctx.create_table("t", fields=[{ID}, {state}])',
    )
    fields = [{"table": "t", "field": state}]
    write(tmp_path, "0002_c", f'ctx.replace_enum_type("state_enum", ["a", "b"], ["a"], {fields})')
    async with connected(empty_database) as handle:
        await apply_migrations(tmp_path, target="0001")
        await execute(handle, "INSERT INTO t (id, c) VALUES (1, 'a'), (2, 'b')")
        with pytest.raises(MigrationError, match=r"1 row of t \(id 2\) hold.*\(b\).*mapping"):
            await apply_migrations(tmp_path)
        write(
            tmp_path,
            "0002_c",
            f'ctx.replace_enum_type("state_enum", ["a", "b"], ["a"], {fields}, {{"b": "a"}})',
        )
        await apply_migrations(tmp_path)
    assert empty_database.rows("SELECT c FROM t ORDER BY id") == [("a",), ("a",)]
