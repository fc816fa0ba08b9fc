"""Schemas, long names, poolers and the directory `migrations`: where a migration runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import instances
import pytest
import servers
from migrating import connected, execute, write

from oxyde import AsyncDatabase, Field, Model, db
from oxyde.db._names import shortened
from oxyde.exceptions import IntegrityError
from oxyde.migrations import (
    MigrationLockTimeout,
    SchemaError,
    apply_migrations,
    check_schema,
    compute_diff,
    extract_current_schema,
    generate_migration_file,
    get_applied_migrations,
    replay_migrations,
    rollback_migrations,
)
from oxyde.models.registry import unregister_table

ID = '{"name": "id", "column_type": {"kind": "big_integer"}, "primary_key": True}'
CRATE = f'ctx.create_table("crate", fields=[{ID}])'


@contextlib.contextmanager
def other_place(database: servers.Server) -> Iterator[str]:
    """A schema that is not there yet; on MySQL, where it is a database, an empty one."""
    name = f"{database.database}_other" if database.backend == "mysql" else "other"
    if database.backend != "mysql":
        yield name
        return
    database.rows(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        database.rows(f"DROP DATABASE {name}")


async def test_a_table_moves_to_another_schema_and_back(
    empty_database: servers.Server, tmp_path: Path
) -> None:
    with other_place(empty_database) as place:
        write(tmp_path, "0001_crate", f'{CRATE}\nctx.execute("INSERT INTO crate (id) VALUES (7)")')
        write(
            tmp_path,
            "0002_move",
            f'ctx.create_schema("{place}")\nctx.create_schema("{place}")\n'
            f'ctx.set_schema("crate", None, "{place}")\n'
            f'ctx.add_column("{place}.crate", '
            '{"name": "kg", "column_type": {"kind": "big_integer"}, "nullable": True})',
            f'ctx.drop_column("{place}.crate", "kg")\nctx.set_schema("{place}.crate", "{place}", None)',
        )
        async with connected(empty_database):
            await apply_migrations(tmp_path, target="1")
            if empty_database.backend == "sqlite":
                with pytest.raises(SchemaError, match="schema"):
                    await apply_migrations(tmp_path)
                assert empty_database.rows("SELECT id FROM crate") == [(7,)]
                return
            await apply_migrations(tmp_path)
            assert empty_database.rows(f"SELECT id, kg FROM {place}.crate") == [(7, None)]
            await rollback_migrations(1, tmp_path)
            assert empty_database.rows("SELECT * FROM crate") == [(7,)]


LONG = "crate_of_apples_from_the_orchard_behind_the_house_on_the_hill"


async def test_names_beyond_what_servers_take_are_shortened_alike(
    empty_database: servers.Server, tmp_path: Path
) -> None:
    """The names of the files are those of the database and of the models: nothing is left to do."""

    class Orchard(Model):
        id: int = Field(db_pk=True)

        class Meta:
            is_table = True
            table_name = f"{LONG}_o"

    class Crate(Model):
        id: int = Field(db_pk=True)
        orchard_that_it_was_picked_in: Orchard | None = None
        how_many_kilograms_it_weighs: int = Field(default=0, db_index=True)
        label_that_is_glued_to_it: str = Field(default="", max_length=20)

        class Meta:
            is_table = True
            table_name = LONG
            unique_together = [("how_many_kilograms_it_weighs", "label_that_is_glued_to_it")]

    models = [Orchard, Crate]
    try:
        now = extract_current_schema(empty_database.backend, models=models)
        table = now["tables"][LONG]
        names = [each["name"] for each in (*table["indexes"], *table["foreign_keys"])]
        assert len(names) == len(set(names)) == 3 and all(len(name.encode()) <= 63 for name in names)
        # Nobody chose these names: they are no difference when the table is called otherwise.
        indexes = [
            {**each, "name": shortened(f"{LONG}_x_{'_'.join(each['fields'])}_{ending}")}
            for each, ending in zip(table["indexes"], ("idx", "key"), strict=True)
        ]
        rest = {name: each for name, each in now["tables"].items() if name != LONG}
        moved = {**table, "name": f"{LONG}_x", "indexes": indexes}
        newer = {**now, "tables": {**rest, f"{LONG}_x": moved}}
        renames = [f"{LONG}:{LONG}_x"]
        assert [op["type"] for op in compute_diff(now, newer, renames=renames)] == ["rename_table"]
        # Files of before say them whole.
        whole = [
            {**each, "name": f"{LONG}_{'_'.join(each['fields'])}_{ending}"}
            for each, ending in zip(table["indexes"], ("idx", "key"), strict=True)
        ]
        older = {**now, "tables": {**rest, LONG: {**table, "indexes": whole}}}
        assert compute_diff(older, now) == []
        generate_migration_file(compute_diff({}, now), tmp_path)
        assert compute_diff(replay_migrations(tmp_path), now) == []
        async with connected(empty_database):
            (applied,) = await apply_migrations(tmp_path)
            assert await check_schema(models=models) == []
            assert await rollback_migrations(1, tmp_path) == [applied]
            assert {op["type"] for op in await check_schema(models=models)} == {"create_table"}
    finally:
        for model in models:
            unregister_table(model)


async def test_a_column_with_a_long_name_becomes_unique_and_back(
    empty_database: servers.Server, tmp_path: Path
) -> None:
    column = '{"name": "how_many_kilograms", "column_type": {"kind": "big_integer"}, "nullable": True}'
    write(tmp_path, "0001_crate", f'ctx.create_table("{LONG}", fields=[{ID}, {column}])')
    alter = f'ctx.alter_column("{LONG}", "how_many_kilograms", unique='
    write(tmp_path, "0002_once", f"{alter}True)", f"{alter}False)")
    insert = f"INSERT INTO {LONG} (id, how_many_kilograms) VALUES "
    async with connected(empty_database) as handle:
        for _ in range(2):
            await apply_migrations(tmp_path)
            with pytest.raises(IntegrityError):
                await execute(handle, f"{insert} (1, 5), (2, 5)")
            await rollback_migrations(1, tmp_path)
        await execute(handle, f"{insert} (1, 5), (2, 5)")


async def test_the_usual_directory_when_a_database_is_opened(
    empty_database: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "migrations", "0001_crate", CRATE)
    for _ in range(2):
        await db.init(default=empty_database.url, migrate=True)
        try:
            assert await get_applied_migrations() == ["0001_crate"]
        finally:
            await db.close()
    assert empty_database.rows("SELECT * FROM crate") == []


# --- behind a pooler -------------------------------------------------------------------------


@pytest.fixture
def bouncer(empty_database: servers.Server, tmp_path: Path) -> Iterator[servers.Server]:
    """The database behind PgBouncer in transaction mode, which has two connections to it."""
    made = instances.PgBouncer(instances.folder("rules-bouncer"), instances.free_port())
    made.target, made.pool_size = empty_database.port, 2
    made.start()
    try:
        yield empty_database.at(made.port)
    finally:
        made.stop()
        made.remove()


@pytest.mark.parametrize("server", ["postgres"], indirect=True)
async def test_behind_a_pooler_the_lock_is_the_transactions(
    empty_database: servers.Server, bouncer: servers.Server, tmp_path: Path
) -> None:
    folder = tmp_path / "migrations"
    write(folder, "0001_crate", CRATE)
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1331198276"
    held = (
        "rows = await ctx.fetch(\"SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' "
        'AND objid = 1331198276 AND pid = pg_backend_pid()")\n'
        'assert ctx.mode == "collect" or rows == [{"n": 1}], rows'
    )
    write(folder, "0002_look", held)
    url = f"{bouncer.url}?pgbouncer=true"
    async with db.connect(url) as database:
        assert isinstance(database, AsyncDatabase)
        with empty_database.admin() as admin:
            admin.rows("SELECT pg_advisory_lock(1331198276)")
            with pytest.raises(MigrationLockTimeout, match="session"):
                await apply_migrations(folder, lock_timeout=0.2)
        assert await apply_migrations(folder) == ["0001_crate", "0002_look"]
        assert empty_database.rows(locks) == [(0,)]
        assert await rollback_migrations(2, folder) == ["0002_look", "0001_crate"]
