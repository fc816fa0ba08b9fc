"""Any schema to any other, through files and back, with rows in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
from hypothesis import HealthCheck, Phase, given, settings
from migrating import connected
from schemas import Dict, any_snapshot
from shown import run, shown
from test_migrations_render import possible

from oxyde.exceptions import DatabaseError
from oxyde.migrations import (
    MigrationError,
    apply_migrations,
    compute_diff,
    generate_migration_file,
    render_operations,
    replay_migrations,
    rollback_migrations,
)
from oxyde.migrations.live import inspect_database
from oxyde.migrations.live.check import check_snapshot

# Pairs of schemas. OXYDE_TEST_EXAMPLES asks for another number, OXYDE_TEST_RANDOM=1 for other pairs.
EXAMPLES = 300

VALUES = {
    "big_integer": "1",
    "double": "1.5",
    "boolean": "TRUE",
    "text": "'a text'",
    "string": "'a string'",
    "decimal": "2",
    "date_time": "'2031-02-03 04:05:06'",
    "json": "'[1]'",
    "uuid": "'0a0b0c0d-0102-0304-0506-070809101112'",
    "enum": "'y'",
}


def without_history(found: list[Any]) -> list[Any]:
    rows = [row for row in found if "oxyde_migration" not in str(row)]
    return sorted(str(_indexes(row)) for row in rows)


def _indexes(row: Any) -> Any:
    if isinstance(row, list):  # SQLite's is one entry: a list of all
        return sorted(map(str, row))
    # MySQL names the index of a UNIQUE column after the column, an ALTER TABLE of ours after both.
    named = re.fullmatch(r"\('(\w+)', '(\w+)', 0, 1, '(\w+)'\)", str(row))
    if named is not None and named[2] == f"{named[1]}_{named[3]}_key":
        return f"('{named[1]}', '{named[3]}', 0, 1, '{named[3]}')"
    return row


def looks(database: servers.Server) -> list[Any]:
    with database.admin() as admin:
        return without_history(shown(admin))


def fill(database: servers.Server, shape: Dict) -> None:
    """One row in each table, all referring to each other."""
    checks_off = {
        "sqlite": "PRAGMA foreign_keys = OFF",
        "mysql": "SET foreign_key_checks = 0",
        "postgres": "SET session_replication_role = replica",
    }
    quote = "`" if database.backend == "mysql" else '"'
    with database.admin() as admin:
        admin.rows(checks_off[database.backend])
        for table in shape["tables"].values():
            names = ", ".join(f"{quote}{field['name']}{quote}" for field in table["fields"])
            values = ", ".join(VALUES[field["column_type"]["kind"]] for field in table["fields"])
            admin.rows(f"INSERT INTO {quote}{table['name']}{quote} ({names}) VALUES ({values})")


def rows_of(database: servers.Server, shape: Dict, columns: dict[str, list[str]]) -> Dict:
    """What stands in these columns."""
    quote = "`" if database.backend == "mysql" else '"'
    found = {}
    with database.admin() as admin:
        for table in shape["tables"]:
            names = ", ".join(f"{quote}{name}{quote}" for name in columns.get(table, []))
            if names:
                found[table] = admin.rows(f"SELECT {names} FROM {quote}{table}{quote} ORDER BY id")
    return found


def kept(old: Dict, new: Dict) -> dict[str, list[str]]:
    """Columns of both that have the same type."""
    both = {}
    for name in old["tables"].keys() & new["tables"].keys():
        after = {f["name"]: f["column_type"] for f in new["tables"][name]["fields"]}
        fields = old["tables"][name]["fields"]
        both[name] = [f["name"] for f in fields if after.get(f["name"]) == f["column_type"]]
    return both


def empty(database: servers.Server, shape: Dict) -> None:
    quote = "`" if database.backend == "mysql" else '"'
    with database.admin() as admin:
        if database.backend == "mysql":
            admin.rows("SET foreign_key_checks = 0")
        if database.backend == "postgres":
            admin.rows("SET session_replication_role = replica")
        for table in shape["tables"]:
            with contextlib.suppress(Exception):  # MySQL may have dropped it before something failed
                admin.rows(f"DELETE FROM {quote}{table}{quote}")


def without_idle_checks(shape: Dict) -> Dict:
    """MySQL and MariaDB drop a check that names no column with the next column of its table."""
    for table in shape["tables"].values():
        table["checks"] = []
    return shape


async def there_and_back(database: servers.Server, folder: Path, old: Dict, new: Dict) -> None:
    servers.drop_everything(database)
    generate_migration_file(compute_diff({}, old), folder)
    async with connected(database):
        await apply_migrations(folder)
        was = looks(database)
        fill(database, old)
        generate_migration_file(compute_diff(old, new), folder)
        columns = kept(old, new)
        before = rows_of(database, old, columns)
        everything = {name: [f["name"] for f in t["fields"]] for name, t in old["tables"].items()}
        all_rows = rows_of(database, old, everything)
        try:
            await apply_migrations(folder)
        except (MigrationError, DatabaseError):
            # Rows stand in its way: then nothing happened, and without them it goes through.
            if database.backend != "mysql":
                assert looks(database) == was
                assert rows_of(database, old, everything) == all_rows
            empty(database, {"tables": {**old["tables"], **new["tables"]}})
            await apply_migrations(folder)
        else:
            assert rows_of(database, new, columns) == before
        migrated = looks(database)
        # What the files say is where we are, and the live database says so, too.
        assert compute_diff(replay_migrations(folder), new) == []
        assert await check_snapshot(lambda _: new) == []
        assert set((await inspect_database())["tables"]) == set(new["tables"])
        try:
            await rollback_migrations(1, folder)
        except (MigrationError, DatabaseError):
            empty(database, {"tables": {**old["tables"], **new["tables"]}})
            await rollback_migrations(1, folder)
        back = looks(database)
        assert await check_snapshot(lambda _: old) == []
    servers.drop_everything(database)
    with database.admin() as admin:
        run(admin, render_operations(compute_diff({}, new), database.name))
    assert differences(migrated, looks(database)) == ([], [])
    assert differences(back, was) == ([], [])


def differences(found: list[Any], expected: list[Any]) -> tuple[list[Any], list[Any]]:
    return [x for x in found if x not in expected], [x for x in expected if x not in found]


@pytest.fixture
def folders() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


def test_any_schema_becomes_any_other_and_goes_back(fresh_database: servers.Server, folders: Path) -> None:
    @settings(
        max_examples=int(os.environ.get("OXYDE_TEST_EXAMPLES", EXAMPLES)),
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(any_snapshot(), any_snapshot())
    def example(old: Dict, new: Dict) -> None:
        folder = Path(tempfile.mkdtemp(dir=folders))
        old, new = possible(old), possible(new)
        if fresh_database.backend == "mysql":
            old, new = without_idle_checks(old), without_idle_checks(new)
        asyncio.run(there_and_back(fresh_database, folder, old, new))

    example()
