"""`inspect_database`: the schema of a live database as a snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any

from ...db._current import active_transaction
from ...db.registry import get_connection
from ..state import SchemaState
from ._reading import Reading, Session
from .mysql import read_mysql
from .postgres import read_postgres
from .sqlite import read_sqlite

__all__ = ["inspect_database", "open_session", "read_database"]


async def inspect_database(
    alias: str = "default", *, tables: Iterable[str] | None = None, schema: str | None = None
) -> dict[str, Any]:
    """The tables of the database behind an alias, as a snapshot.

    `tables` names those to read, else all but the table of applied migrations. `schema` is a schema on
    PostgreSQL, a database on MySQL, an attached database on SQLite; its name is then part of every
    table's. What a snapshot cannot hold stands under `notes`: by table or view, lines of text.
    Under `preamble` stand the statements that make types which the tables need and no model can name.
    """
    only = None if tables is None else set(tables)
    async with open_session(alias) as (session, backend, flavor):
        reading = await read_database(session, backend, flavor, only, schema)
    shown = reading.snapshot()
    normal = SchemaState.from_snapshot(shown).to_snapshot()
    return {**shown, **normal}


@asynccontextmanager
async def open_session(alias: str) -> AsyncIterator[tuple[Session, str, str]]:
    """The task's transaction if one is open, else a connection; and which kind of server it is."""
    database = await get_connection(alias)
    active = active_transaction(database)
    flavor = database.flavor or database.backend
    if active is not None:
        yield active, database.backend, flavor
        return
    async with database.connection() as conn:
        yield conn, database.backend, conn.flavor


async def read_database(
    session: Session, backend: str, flavor: str, only: Collection[str] | None, schema: str | None
) -> Reading:
    """Reads with the queries of that kind of server."""
    if backend == "postgres":
        return await read_postgres(session, only, schema)
    if backend == "mysql":
        return await read_mysql(session, only, schema, flavor)
    return await read_sqlite(session, only, schema)
