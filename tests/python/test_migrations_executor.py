"""Applying files and rolling them back, on every server and over a pool of one connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import servers
from migrating import connected, execute, write

from oxyde import Field, Model, atomic, db
from oxyde.exceptions import CommitUnknownError, DatabaseError, UnknownAliasError
from oxyde.migrations import (
    DependencyError,
    IrreversibleError,
    ManualMigrationRequired,
    MigrationError,
    MigrationFileNotFoundError,
    SchemaError,
    apply_migrations,
    ensure_migrations_table,
    get_applied_migrations,
    plan_migrations,
    record_migration,
    remove_migration,
    rollback_migration,
    rollback_migrations,
)

CRATE = """
    ctx.create_table(
        "crate",
        fields=[
            {"name": "id", "column_type": {"kind": "big_integer"}, "primary_key": True},
            {"name": "label", "column_type": {"kind": "string", "length": 40}},
            {"name": "kg", "column_type": {"kind": "big_integer"}, "nullable": True},
        ],
    )
"""
NOTE = 'ctx.add_column("crate", {"name": "note", "column_type": {"kind": "text"}, "nullable": True})'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "migrations"
    write(made, "0001_create_crate_table", CRATE, 'ctx.drop_table("crate")')
    return made


async def columns(server: servers.Server, table: str = "crate") -> list[str]:
    if server.backend == "sqlite":
        return [row[0] for row in server.rows(f"SELECT name FROM pragma_table_info('{table}')")]
    place = "current_schema()" if server.backend == "postgres" else "database()"
    rows = server.rows(
        f"SELECT column_name FROM information_schema.columns WHERE table_schema = {place} "
        f"AND table_name = '{table}' ORDER BY ordinal_position"
    )
    return [row[0] for row in rows]


async def test_files_are_applied_once_and_rolled_back(empty_database: servers.Server, folder: Path) -> None:
    write(folder, "0002_note", NOTE, 'ctx.drop_column("crate", "note")')
    async with connected(empty_database):
        assert await apply_migrations(folder) == ["0001_create_crate_table", "0002_note"]
        assert await apply_migrations(folder) == []
        assert await get_applied_migrations() == ["0001_create_crate_table", "0002_note"]
        assert await columns(empty_database) == ["id", "label", "kg", "note"]
        assert await rollback_migrations(1, folder) == ["0002_note"]
        assert await columns(empty_database) == ["id", "label", "kg"]
        assert await apply_migrations(folder, target="0002") == ["0002_note"]
        assert await rollback_migrations(10, folder) == ["0002_note", "0001_create_crate_table"]
        assert await columns(empty_database) == [] and await get_applied_migrations() == []


async def test_a_target_brings_what_it_follows(empty_database: servers.Server, folder: Path) -> None:
    write(folder, "0002_note", NOTE)
    write(folder, "0003_more", 'ctx.drop_column("crate", "kg")')
    async with connected(empty_database):
        assert await apply_migrations(folder, target="0002") == ["0001_create_crate_table", "0002_note"]
        assert await apply_migrations(folder, target="0001") == []
        planned = await plan_migrations(folder)
        assert [(each["name"], each["direction"]) for each in planned] == [("0003_more", "forward")]
        back = await plan_migrations(folder, target="0001")
        assert [(each["name"], each["direction"]) for each in back] == [("0002_note", "backward")]


async def test_fake_keeps_the_books_only(empty_database: servers.Server, folder: Path) -> None:
    async with connected(empty_database):
        assert await apply_migrations(folder, fake=True) == ["0001_create_crate_table"]
        assert await columns(empty_database) == []
        await rollback_migration("0001_create_crate_table", folder, fake=True)
        assert await get_applied_migrations() == []
        await record_migration("0001_create_crate_table")
        await record_migration("0001_create_crate_table")
        assert await get_applied_migrations() == ["0001_create_crate_table"]
        await remove_migration("0001_create_crate_table")
        assert await get_applied_migrations() == []


async def test_the_history_of_earlier_versions_is_taken_over(
    empty_database: servers.Server, folder: Path
) -> None:
    rest = "name VARCHAR(255) NOT NULL UNIQUE, applied_at TIMESTAMP NOT NULL"
    types = {
        "sqlite": "id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, applied_at TIMESTAMP NOT NULL",
        "postgres": f"id SERIAL PRIMARY KEY, {rest}",
        "mysql": f"id INT AUTO_INCREMENT PRIMARY KEY, {rest}",
    }
    with empty_database.admin() as admin:
        admin.rows(f"CREATE TABLE oxyde_migrations ({types[empty_database.backend]})")
        admin.rows(
            "INSERT INTO oxyde_migrations (name, applied_at) VALUES ('0000_old', '2030-01-02 03:04:05')"
        )
    async with connected(empty_database):
        assert await get_applied_migrations() == ["0000_old"]
        await ensure_migrations_table()
        await apply_migrations(folder)
    rows = dict(empty_database.rows("SELECT name, checksum FROM oxyde_migrations"))
    assert rows["0000_old"] is None and len(rows["0001_create_crate_table"]) == 64


async def test_a_failure_undoes_its_file_where_the_database_can(
    empty_database: servers.Server, folder: Path
) -> None:
    write(folder, "0002_note", f'{NOTE}\nctx.execute("INSERT INTO nowhere VALUES (1)")')
    async with connected(empty_database):
        with pytest.raises(DatabaseError) as caught:
            await apply_migrations(folder)
        (note,) = caught.value.__notes__[:1]
        assert note.startswith("0002_note: statement 2 failed: INSERT INTO nowhere")
        assert "1 statement of this migration had been executed" in note
        assert await get_applied_migrations() == ["0001_create_crate_table"]
        stays = ["note"] if empty_database.backend == "mysql" else []
        assert await columns(empty_database) == ["id", "label", "kg", *stays]


async def test_raw_sql_code_and_models_run_in_the_migration(
    empty_database: servers.Server, folder: Path
) -> None:
    one, two = ("$1", "$2") if empty_database.backend == "postgres" else ("?", "?")
    write(
        folder,
        "0002_data",
        f"""
        ctx.execute("INSERT INTO crate (id, label) VALUES (1, 'old'); "
            "INSERT INTO crate (id, label) VALUES (2, 'new')")
        assert await ctx.execute("UPDATE crate SET kg = {one} WHERE label = {two}", [5, "old"]) == 1
        tare = {{"name": "tare", "column_type": {{"kind": "big_integer"}}, "nullable": True}}
        ctx.add_column("crate", tare)
        Crate = ctx.model("crate")
        assert await Crate.objects.filter(label="new").update(tare=3) == 1
        await Crate.objects.create(id=3, label="made", kg=9)
        rows = await ctx.fetch("SELECT id, kg, tare FROM crate ORDER BY id")
        assert [tuple(row.values()) for row in rows] == [(1, 5, None), (2, None, 3), (3, 9, None)], rows
        ctx.run(forward, reverse=back)
        """.replace("[tuple(row", "ctx.mode == 'collect' or [tuple(row").replace(
            "assert await", "assert ctx.mode == 'collect' or await"
        ),
        'ctx.run(forward, reverse=back)\nctx.drop_column("crate", "tare")',
        head="format = 2\nasync def forward(ctx):\n"
        "    await ctx.execute(\"UPDATE crate SET label = 'x' WHERE id = 1\")\n"
        "def back(ctx):\n    ctx.execute('DELETE FROM crate')\n",
    )
    async with connected(empty_database):
        await apply_migrations(folder)
        assert empty_database.rows("SELECT label FROM crate WHERE id = 1") == [("x",)]
        await rollback_migration("0002_data", folder)
        assert empty_database.rows("SELECT count(*) FROM crate") == [(0,)]


async def test_ordinary_models_take_part_in_the_transaction(
    empty_database: servers.Server, folder: Path
) -> None:
    class Crate(Model):
        id: int = Field(db_pk=True)
        label: str

        class Meta:
            is_table = True
            table_name = "crate"

    async def fill(ctx: Any) -> None:
        await Crate.objects.create(id=1, label="a")

    import builtins

    builtins.fill_crates = fill  # type: ignore[attr-defined]
    try:
        write(folder, "0002_data", 'ctx.run(fill_crates)\nctx.execute("SELECT broken")')
        async with connected(empty_database):
            with pytest.raises(DatabaseError):
                await apply_migrations(folder)
        assert empty_database.rows("SELECT count(*) FROM crate") == [(0,)]
    finally:
        del builtins.fill_crates  # type: ignore[attr-defined]
        from oxyde.models.registry import unregister_table

        unregister_table(Crate)


async def test_what_cannot_be_done_is_refused_first(empty_database: servers.Server, folder: Path) -> None:
    async with connected(empty_database):
        path = write(folder, "0002_x", f'{NOTE}\nctx.require_manual("count the crates")')
        with pytest.raises(ManualMigrationRequired, match="count the crates"):
            await apply_migrations(folder)
        write(folder, "0002_x", f'{NOTE}\nctx.drop_column("crate", "nothing")')
        with pytest.raises(SchemaError, match="no column 'nothing'"):
            await apply_migrations(folder)
        assert await columns(empty_database) == ["id", "label", "kg"]
        write(folder, "0002_x", NOTE, None)
        await apply_migrations(folder)
        with pytest.raises(IrreversibleError, match="0002_x has no downgrade"):
            await rollback_migrations(1, folder)
        with pytest.raises(DependencyError, match="0002_x is applied and depends on it"):
            await rollback_migration("0001_create_crate_table", folder)
        path.unlink()
        with pytest.raises(MigrationFileNotFoundError, match="0002_x was applied"):
            await rollback_migrations(2, folder)
        async with atomic():
            with pytest.raises(MigrationError, match="outside of atomic"):
                await apply_migrations(folder)


async def test_changed_files_are_noticed(empty_database: servers.Server, folder: Path) -> None:
    async with connected(empty_database):
        await apply_migrations(folder)
        path = folder / "0001_create_crate_table.py"
        path.write_text("# only a comment\n" + path.read_text())
        assert await apply_migrations(folder, strict=True) == []
        path.write_text(path.read_text().replace("40", "41"))
        with pytest.raises(MigrationError, match="changed since it was applied: 0001_create_crate_table"):
            await apply_migrations(folder, strict=True)
        with pytest.warns(UserWarning, match="changed since it was applied"):
            assert await apply_migrations(folder) == []


async def test_squashed_files_stand_for_those_applied_before(
    empty_database: servers.Server, folder: Path
) -> None:
    write(folder, "0002_note", NOTE)
    squash = "format = 2\nreplaces = ['0001_create_crate_table', '0002_note']\n"
    async with connected(empty_database):
        await apply_migrations(folder, target="0001")
        write(folder, "0003_squashed", f"{CRATE}\n{NOTE}".replace("\n    ", "\n"), head=squash)
        assert await apply_migrations(folder) == []
        assert await get_applied_migrations() == ["0003_squashed"]
        assert await columns(empty_database) == ["id", "label", "kg", "note"]


async def test_a_database_is_migrated_as_it_is_opened(empty_database: servers.Server, folder: Path) -> None:
    await db.init(default=empty_database.url, migrate=folder)
    try:
        assert await get_applied_migrations() == ["0001_create_crate_table"]
    finally:
        await db.close()
    write(folder, "0002_x", 'ctx.require_manual("count the crates")')
    with pytest.raises(ManualMigrationRequired):
        await db.init(default=empty_database.url, migrate=str(folder))
    with pytest.raises(UnknownAliasError):
        await get_applied_migrations()


async def test_an_index_is_made_beside_the_work_again_after_a_failure(
    empty_database: servers.Server, folder: Path
) -> None:
    index = {"name": "crate_label_idx", "fields": ["label"], "unique": True}
    body = f'ctx.create_index("crate", {index}, concurrently=True)'
    async with connected(empty_database) as handle:
        await apply_migrations(folder)
        await execute(handle, "INSERT INTO crate (id, label) VALUES (1, 'a'), (2, 'a')")
        write(folder, "0002_index", body)
        if empty_database.backend == "postgres":
            with pytest.raises(MigrationError, match="atomic = False"):
                await apply_migrations(folder)
        write(folder, "0002_index", body, head="format = 2\natomic = False\n")
        for _ in range(2):
            with pytest.raises(DatabaseError):
                await apply_migrations(folder)
        await execute(handle, "DELETE FROM crate WHERE id = 2")
        assert await apply_migrations(folder) == ["0002_index"]
        with pytest.raises(DatabaseError):
            await execute(handle, "INSERT INTO crate (id, label) VALUES (2, 'a')")


async def test_files_of_earlier_versions_run_unchanged(
    empty_database: servers.Server, tmp_path: Path
) -> None:
    fields = [
        {"name": "id", "python_type": "int", "primary_key": True, "nullable": False, "auto_increment": True},
        {"name": "label", "python_type": "str", "max_length": 40, "nullable": False, "unique": True},
        {"name": "price", "python_type": "decimal", "max_digits": 8, "decimal_places": 2, "nullable": True},
        {"name": "note", "python_type": "str", "db_type": "TEXT", "nullable": True, "default": None},
    ]
    write(
        tmp_path,
        "0001_first",
        f'ctx.create_table("crate", fields={fields}, indexes=[])',
        'ctx.drop_table("crate")',
        head="depends_on = None\n",
    )
    write(
        tmp_path,
        "0002_second",
        """
        ctx.alter_column("crate", "label", type="str", max_length=60, unique=False, whatever=1)
        sold = {"name": "sold", "python_type": "bool", "nullable": False, "default": "FALSE"}
        ctx.add_column("crate", sold)
        """,
        'ctx.drop_column("crate", "sold")\nctx.alter_column("crate", "label", max_length=40, unique=True)',
        head='depends_on = "0001_first"\n',
    )
    async with connected(empty_database) as handle:
        await apply_migrations(tmp_path)
        await execute(handle, "INSERT INTO crate (label, price) VALUES ('a', 1.5), ('a', 2)")
        assert await columns(empty_database) == ["id", "label", "price", "note", "sold"]
        await execute(handle, "DELETE FROM crate")
        with pytest.warns(FutureWarning, match="describes its columns as oxyde did before"):
            await rollback_migrations(1, tmp_path)
        await execute(handle, "INSERT INTO crate (label) VALUES ('a')")
        with pytest.raises(DatabaseError):
            await execute(handle, "INSERT INTO crate (label) VALUES ('a')")


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_commit_without_answer_is_looked_up(
    empty_database: servers.Server, folder: Path, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    from oxyde.migrations.executor import _Run

    if empty_database.backend == "sqlite":
        return  # its commits are answered by the library
    whole = _Run._perform_once

    async def lost(self: Any, *args: Any) -> bool:
        if arrived:
            await whole(self, *args)
        raise CommitUnknownError("the connection was lost during COMMIT")

    async with connected(empty_database):
        with monkeypatch.context() as patched:
            patched.setattr(_Run, "_perform_once", lost)
            with pytest.raises(CommitUnknownError) as caught:
                await apply_migrations(folder)
        side = "was committed" if arrived else "was not committed: run it again"
        assert caught.value.__notes__[-1].endswith(side)
        assert await apply_migrations(folder) == ([] if arrived else ["0001_create_crate_table"])
