"""The panel's own tables, made as a project makes its own: by migrations."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import servers
from everywhere import MARIADB_AND_MYSQL, databases

from oxyde import AsyncDatabase, create_tables, db
from oxyde_admin.models import OWN_TABLES, AdminLogEntry
from oxyde_admin.security.database import DatabaseStore
from oxyde_admin.security.sessions import Sessions


def oxyde(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "oxyde", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", databases(*servers.ALL))
async def test_migrations_make_the_tables(tmp_path: Path, kind: str) -> None:
    with servers.fresh_database(kind) as place:
        dialect = servers.server(kind).backend
        (tmp_path / "oxyde_config.py").write_text(
            f"MODELS = ['oxyde_admin.models']\nDIALECT = {dialect!r}\nMIGRATIONS_DIR = 'migrations'\n"
            f"DATABASES = {{'default': {place.url!r}}}\n"
        )
        for table in ("oxyde_admin_log", "oxyde_admin_session", "oxyde_admin_throttle"):
            assert table in (made := oxyde(tmp_path, "makemigrations")) or "No changes" in made
        oxyde(tmp_path, "migrate")
        assert "No changes detected" in oxyde(tmp_path, "makemigrations")
        await db.init(default=place.url)
        try:
            await works()
        finally:
            await db.close()


@MARIADB_AND_MYSQL
async def test_tables_on_mariadb_and_mysql(database: AsyncDatabase) -> None:
    await create_tables(database, models=list(OWN_TABLES))
    await works()


async def works() -> None:
    sessions = Sessions(DatabaseStore(), 60, 100)
    secret, opened = await sessions.open("session", "token €")
    found = await sessions.find("session", secret)
    assert found is not None and found.payload == "token €" and found.ends == opened.ends
    assert await sessions.find("another purpose", secret) is None
    await sessions.refuse("ended")
    await sessions.refuse("ended")
    assert await sessions.refused("ended") and not await sessions.refused("other")
    await sessions.end("session", secret)
    assert await sessions.find("session", secret) is None
    window = timedelta(seconds=60)
    counted = [await sessions.store.count("x" * 64, 2, window) for _ in range(3)]
    assert counted[:2] == [None, None] and counted[2] is not None
    entry = {"at": opened.ends, "user_id": "u", "action": "a", "changes": {"é": [None, "ü"]}}
    await AdminLogEntry.objects.bulk_create([entry])
    assert (await AdminLogEntry.objects.get()).changes == {"é": [None, "ü"]}
