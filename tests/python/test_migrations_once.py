"""How often a file's function is called in a run, and what runs on the migration's connection."""

from __future__ import annotations

from pathlib import Path

import pytest
import servers
from migrating import connected, write

from oxyde.exceptions import DatabaseError, PoolTimeoutError
from oxyde.migrations import MigrationError, SchemaError, apply_migrations, rollback_migrations

ID = '{"name": "id", "column_type": {"kind": "big_integer"}, "primary_key": True}'
KG = '{"name": "kg", "column_type": {"kind": "big_integer"}, "nullable": True}'
CRATE = f'ctx.create_table("crate", fields=[{ID}, {KG}])'


def noted(log: Path, name: str, body: str) -> str:
    """The body of a function that writes down how it was called."""
    return f"note({str(log)!r}, {name!r}, ctx.mode)\n{body}"


NOTE = """format = 2

def note(path, *words):
    with open(path, "a") as log:
        print(*words, file=log)
"""


def calls(log: Path) -> list[str]:
    text = log.read_text()
    log.write_text("")
    return text.splitlines()


async def test_a_plain_function_is_called_once(empty_database: servers.Server, tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "migrations"
    log.write_text("")
    down = noted(log, "down1", 'ctx.drop_table("crate")')
    write(folder, "0001_crate", noted(log, "up1", CRATE), down, head=NOTE)
    up = """
ctx.rename_column("crate", "kg", "weight")
ctx.execute("INSERT INTO crate (id, weight) VALUES (1, 2)")
ctx.run(later, reverse=later)
ctx.alter_column("crate", "weight", nullable=False)
"""
    down = """
ctx.alter_column("crate", "weight", nullable=True)
ctx.run(later, reverse=later)
ctx.rename_column("crate", "weight", "kg")
"""
    later = f"{NOTE}\ndef later(ctx):\n    {noted(log, 'later', '')}"
    write(folder, "0002_more", noted(log, "up2", up), noted(log, "down2", down), head=later)
    async with connected(empty_database):
        assert await apply_migrations(folder) == ["0001_crate", "0002_more"]
        assert calls(log) == ["up1 execute", "up2 execute", "later execute"]
        assert empty_database.rows("SELECT id, weight FROM crate") == [(1, 2)]
        assert await rollback_migrations(1, folder) == ["0002_more"]
        # The files are replayed, to know what they have made.
        executed = [call for call in calls(log) if not call.endswith("collect")]
        assert executed == ["down2 execute", "later execute"]
        assert empty_database.rows("SELECT id, kg FROM crate") == [(1, 2)]


async def test_an_async_function_is_collected_before(empty_database: servers.Server, tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "migrations"
    log.write_text("")
    body = 'await ctx.execute("INSERT INTO crate (id) VALUES (1)")\nctx.drop_column("crate", "kg")'
    write(folder, "0001_crate", CRATE)
    write(folder, "0002_data", noted(log, "up", body), head=NOTE)
    async with connected(empty_database):
        await apply_migrations(folder)
    assert calls(log) == ["up collect", "up execute"]
    assert empty_database.rows("SELECT * FROM crate") == [(1,)]


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ('ctx.drop_column("crate", "nothing")', SchemaError, "nothing"),
        ("{}['nothing']", MigrationError, "0002_more failed before anything of it ran: KeyError"),
    ],
)
async def test_what_fails_while_it_is_queued_has_run_nothing(
    empty_database: servers.Server, tmp_path: Path, wrong: str, error: type[Exception], words: str
) -> None:
    write(tmp_path, "0001_crate", CRATE)
    write(tmp_path, "0002_more", f'ctx.execute("INSERT INTO crate (id) VALUES (1)")\n{wrong}')
    async with connected(empty_database):
        with pytest.raises(error, match=words):
            await apply_migrations(tmp_path)
    assert empty_database.rows("SELECT name FROM oxyde_migrations") == [("0001_crate",)]
    assert empty_database.rows("SELECT * FROM crate") == []


# --- whose connection ------------------------------------------------------------------------

SEES = """
from oxyde import db

async def look(ctx):
    assert await ctx.fetch("SELECT id FROM mine") == [{"id": 7}]
    await db.execute_script("SELECT id FROM mine")
"""
MINE = (
    'ctx.execute("CREATE TEMPORARY TABLE mine (id INTEGER)")\n'
    'ctx.execute("INSERT INTO mine (id) VALUES (7)")\nctx.run(look)'
)


async def test_queries_of_the_task_join_a_transaction_only(
    empty_database: servers.Server, tmp_path: Path
) -> None:
    """A temporary table is seen on its own connection alone."""
    write(tmp_path, "0001_mine", MINE, head=f"format = 2\natomic = False\n{SEES}")
    # SQLite has one connection that writes, and the migration holds it.
    error, words = (PoolTimeoutError, None) if empty_database.backend == "sqlite" else (DatabaseError, "mine")
    async with connected(empty_database, max_connections=2, acquire_timeout=2 if words is None else 60):
        with pytest.raises(error, match=words):
            await apply_migrations(tmp_path)
    write(tmp_path, "0001_mine", MINE, head=f"format = 2\n{SEES}")
    async with connected(empty_database, max_connections=2):
        assert await apply_migrations(tmp_path) == ["0001_mine"]


@pytest.mark.parametrize("atomic", [True, False])
async def test_models_of_the_context_use_its_connection(
    empty_database: servers.Server, tmp_path: Path, atomic: bool
) -> None:
    """All over one connection; some of these queries are several statements."""
    write(tmp_path, "0001_crate", CRATE)
    write(
        tmp_path,
        "0002_data",
        """
        Crate = ctx.model("crate")
        ctx.run(lambda ctx: fill(ctx, Crate))
        """,
        head=f"""format = 2
atomic = {atomic}

async def fill(ctx, Crate):
    await Crate.objects.create(id=1, kg=1)
    await Crate.objects.bulk_create([Crate(id=2, kg=2), Crate(id=3, kg=3)], batch_size=1)
    assert (await Crate.objects.get_or_create(id=4, defaults={{"kg": 4}}))[1]
    async for crate in Crate.objects.order_by("id"):
        crate.kg = crate.kg * 10
        await crate.save()
    assert len(await Crate.objects.raw("SELECT id, kg FROM crate")) == 4
    await Crate.objects.filter(id=3).delete()
    assert await Crate.objects.count() == 3
""",
    )
    async with connected(empty_database):
        assert await apply_migrations(tmp_path) == ["0001_crate", "0002_data"]
    assert empty_database.rows("SELECT id, kg FROM crate ORDER BY id") == [(1, 10), (2, 20), (4, 40)]
