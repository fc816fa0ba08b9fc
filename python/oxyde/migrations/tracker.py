"""The history of a database: table `oxyde_migrations`, one row for each applied file."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..db.connection import Connection
from ..db.registry import get_connection
from ..exceptions import DatabaseError
from .files import get_migration_files, get_pending_migrations

__all__ = [
    "CREATE_TABLE",
    "History",
    "ensure_migrations_table",
    "get_applied_migrations",
    "get_migration_files",
    "get_pending_migrations",
    "record_migration",
    "remove_migration",
]

TABLE = "oxyde_migrations"

CREATE_TABLE = {
    "sqlite": f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        applied_at TIMESTAMP NOT NULL DEFAULT (datetime('now')), checksum TEXT NULL)""",
    "postgres": f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL UNIQUE,
        applied_at TIMESTAMP NOT NULL DEFAULT NOW(), checksum VARCHAR(64) NULL)""",
    "mysql": f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL UNIQUE,
        applied_at TIMESTAMP NOT NULL DEFAULT NOW(), checksum VARCHAR(64) NULL)""",
}
_COLUMNS = {
    "sqlite": f"SELECT name FROM pragma_table_info('{TABLE}')",
    "postgres": "SELECT attname AS name FROM pg_attribute "
    f"WHERE attrelid = to_regclass('{TABLE}') AND attnum > 0 AND NOT attisdropped",
    "mysql": "SELECT column_name AS name FROM information_schema.columns "
    f"WHERE table_schema = database() AND table_name = '{TABLE}'",
}
_ADD_CHECKSUM = {
    "sqlite": f"ALTER TABLE {TABLE} ADD COLUMN checksum TEXT NULL",
    "postgres": f"ALTER TABLE {TABLE} ADD COLUMN checksum VARCHAR(64) NULL",
    "mysql": f"ALTER TABLE {TABLE} ADD COLUMN checksum VARCHAR(64) NULL",
}
_NOW = {"sqlite": "datetime('now')", "postgres": "NOW()", "mysql": "NOW()"}


class History:
    """The history table over one connection, inside whatever transaction that has open."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._backend = conn.backend
        self._columns: set[str] | None = None

    async def columns(self) -> set[str]:
        """Its columns; empty where the table does not exist."""
        if not self._columns:
            rows = await self._conn.fetch(_COLUMNS[self._backend])
            self._columns = {str(row["name"]) for row in rows}
        return self._columns

    async def ensure(self) -> None:
        """Makes the table, or adds the column that older ones lack."""
        if not await self.columns():
            await self._conn.execute(CREATE_TABLE[self._backend])
            self._columns = None
        elif "checksum" not in await self.columns():
            try:
                await self._conn.execute(_ADD_CHECKSUM[self._backend])
            except DatabaseError as error:
                warnings.warn(
                    f"the table {TABLE} has no column checksum and it cannot be added ({error}): "
                    "changes of applied files will not be noticed",
                    UserWarning,
                    stacklevel=2,
                )
                return
            self._columns = None

    async def rows(self) -> list[dict[str, Any]]:
        """`name`, `applied_at` and `checksum` of each, in the order in which they were applied."""
        columns = await self.columns()
        if not columns:
            return []
        checksum = "checksum" if "checksum" in columns else "NULL AS checksum"
        return await self._conn.fetch(f"SELECT name, applied_at, {checksum} FROM {TABLE} ORDER BY id")

    async def names(self) -> list[str]:
        """The names, in the order in which they were applied."""
        return [row["name"] for row in await self.rows()]

    async def add(self, name: str, checksum: str | None = None) -> None:
        """A row for a file."""
        values = [name]
        places = ["$1" if self._backend == "postgres" else "?", _NOW[self._backend]]
        names = ["name", "applied_at"]
        if checksum is not None and "checksum" in await self.columns():
            names.append("checksum")
            places.append("$2" if self._backend == "postgres" else "?")
            values.append(checksum)
        await self._conn.execute(
            f"INSERT INTO {TABLE} ({', '.join(names)}) VALUES ({', '.join(places)})", values
        )

    async def remove(self, name: str) -> None:
        """Takes the row of a file out."""
        place = "$1" if self._backend == "postgres" else "?"
        await self._conn.execute(f"DELETE FROM {TABLE} WHERE name = {place}", [name])


@asynccontextmanager
async def _history(db_alias: str) -> AsyncIterator[History]:
    database = await get_connection(db_alias)
    async with database.connection() as conn:
        yield History(conn)


async def ensure_migrations_table(db_alias: str = "default") -> None:
    """Makes the history table, or brings an older one up to date."""
    async with _history(db_alias) as history:
        await history.ensure()


async def get_applied_migrations(db_alias: str = "default") -> list[str]:
    """The names of the applied files, in the order in which they were applied."""
    async with _history(db_alias) as history:
        return await history.names()


async def record_migration(name: str, db_alias: str = "default") -> None:
    """Notes a file as applied, without running it; nothing if it is noted already."""
    async with _history(db_alias) as history:
        await history.ensure()
        if name not in await history.names():
            await history.add(name)


async def remove_migration(name: str, db_alias: str = "default") -> None:
    """Notes a file as not applied, without rolling it back; nothing if it is not noted."""
    async with _history(db_alias) as history:
        if await history.columns():
            await history.remove(name)
