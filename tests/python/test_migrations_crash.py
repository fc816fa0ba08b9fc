"""Processes that migrate at once, and processes that die in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import servers
from migrating import connected, execute, write
from shown import shown

from oxyde.exceptions import DatabaseError
from oxyde.migrations import (
    MigrationError,
    MigrationLockTimeout,
    apply_migrations,
    get_applied_migrations,
    rollback_migrations,
)

HERE = Path(__file__).parent
INT = {"kind": "big_integer"}
ID = {"name": "id", "column_type": INT, "primary_key": True}


def started(database: servers.Server, folder: Path, *more: object) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(HERE), *(path for path in sys.path if path)])
    return subprocess.Popen(
        [sys.executable, "-m", "migrating_apart", database.url, str(folder), *map(str, more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def column(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "column_type": INT, "nullable": True, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "migrations"
    keys = [
        {
            "name": "fk_b_a_id",
            "columns": ["a_id"],
            "ref_table": "a",
            "ref_columns": ["id"],
            "on_delete": "CASCADE",
        }
    ]
    write(
        made,
        "0001_first",
        f'ctx.create_table("a", fields=[{ID}, {column("x")}])\n'
        f'ctx.create_table("b", fields=[{ID}, {column("a_id")}], foreign_keys={keys})\n'
        'ctx.execute("INSERT INTO a (id, x) VALUES (1, 5)")\n'
        'ctx.execute("INSERT INTO b (id, a_id) VALUES (1, 1)")',
    )
    write(
        made,
        "0002_second",
        f'ctx.add_column("a", {column("y")})\n'
        'ctx.execute("UPDATE a SET y = coalesce(y, 0) + x")\n'
        'ctx.alter_column("a", "x", nullable=False, default="7")\n'
        'ctx.drop_foreign_key("b", "fk_b_a_id")\n'
        'ctx.rename_column("b", "a_id", "other")\n'
        'ctx.create_index("b", {"name": "b_other_idx", "fields": ["other"]})\n'
        'ctx.execute("UPDATE a SET y = y + 1")',
    )
    return made


def looks(database: servers.Server) -> list[object]:
    with database.admin() as admin:
        return [row for row in shown(admin) if "oxyde_migration" not in str(row)]


async def test_two_processes_migrate_at_once(empty_database: servers.Server, folder: Path) -> None:
    both = [started(empty_database, folder) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    applied = sorted((json.loads(out) for out, _ in outputs), key=len)
    # On SQLite they may take turns, file by file.
    assert sorted(applied[0] + applied[1]) == ["0001_first", "0002_second"]
    assert empty_database.rows("SELECT x, y FROM a") == [(5, 6)]


async def test_a_killed_process_leaves_a_database_that_can_go_on(
    empty_database: servers.Server, folder: Path
) -> None:
    async with connected(empty_database):
        await apply_migrations(folder)
    whole = looks(empty_database)
    # Every second statement: a process for each takes a while.
    for at in range(2, 30, 2):
        servers.drop_everything(empty_database)
        dying = started(empty_database, folder, at)
        _, error = dying.communicate(timeout=60)
        if dying.returncode == 0:
            assert at > 9, "there are more statements than that"
            break
        assert dying.returncode == -signal.SIGKILL, error
        async with connected(empty_database):
            if empty_database.backend != "mysql":
                done = await get_applied_migrations()
                tables = {"0002_second": 2, "0001_first": 2}.get(done[-1] if done else "", 0)
                assert len({name for name in ("a", "b") if has_table(empty_database, name)}) == tables
            await apply_migrations(folder)
        assert looks(empty_database) == whole, at
        assert empty_database.rows("SELECT x, y FROM a") == [(5, 6)], at
        assert empty_database.rows("SELECT id, other FROM b") == [(1, 1)]
    else:
        raise AssertionError("it never ended")


def has_table(database: servers.Server, name: str) -> bool:
    return f"'{name}'" in str(looks(database))


async def test_a_failure_on_mysql_is_taken_up_where_it_stopped(
    empty_database: servers.Server, folder: Path
) -> None:
    if empty_database.backend != "mysql":
        return
    unique = {"name": "a_x_key", "fields": ["x"], "unique": True}
    write(
        folder,
        "0003_third",
        f'ctx.add_column("a", {column("z")})\nctx.create_index("a", {unique})\n'
        f'ctx.add_column("a", {column("last")})',
        'ctx.drop_column("a", "last")\nctx.drop_index("a", "a_x_key")\nctx.drop_column("a", "z")',
    )
    async with connected(empty_database) as handle:
        await apply_migrations(folder, target="0002")
        await execute(handle, "INSERT INTO a (id, x) VALUES (2, 5)")
        with pytest.raises(DatabaseError) as caught:
            await apply_migrations(folder)
        assert "MySQL has committed these statements" in caught.value.__notes__[1]
        assert "ADD COLUMN `z`" in caught.value.__notes__[1]
        # The same again: nothing runs twice.
        with pytest.raises(DatabaseError, match=r"(?i)duplicate|unique"):
            await apply_migrations(folder)
        text = (folder / "0003_third.py").read_text()
        (folder / "0003_third.py").write_text(text.replace('"z"', '"zz"'))
        with pytest.raises(MigrationError, match=r"interrupted at its statement 2: CREATE UNIQUE INDEX.*"):
            await apply_migrations(folder)
        (folder / "0003_third.py").write_text(text)
        await execute(handle, "DELETE FROM a WHERE id = 2")
        assert await apply_migrations(folder) == ["0003_third"]
        assert await rollback_migrations(1, folder) == ["0003_third"]
        assert "progress" not in str(shown_names(empty_database))


def shown_names(database: servers.Server) -> list[tuple[object, ...]]:
    return database.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = database()")


async def test_the_lock_is_waited_for_and_its_holder_named(
    empty_database: servers.Server, folder: Path
) -> None:
    take = {
        "postgres": "SELECT pg_advisory_lock(1331198276)",
        "mysql": "SELECT GET_LOCK(concat('oxyde_migration:', database()), 5)",
        "sqlite": "BEGIN IMMEDIATE",
    }
    async with connected(empty_database):
        with empty_database.admin() as admin:
            admin.rows(take[empty_database.backend])
            named = "session [0-9]+" if empty_database.backend != "sqlite" else "was not free"
            with pytest.raises(MigrationLockTimeout, match=named):
                await apply_migrations(folder, lock_timeout=0.2)
            if empty_database.backend == "sqlite":
                admin.rows("ROLLBACK")
    async with connected(empty_database):
        assert await apply_migrations(folder) == ["0001_first", "0002_second"]
