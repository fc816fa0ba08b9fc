"""One process at a time: the lock that a run of migrations holds."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..db._shield import Shielded
from ..db.connection import Connection
from .errors import MigrationLockTimeout

__all__ = ["POSTGRES_KEY", "held", "held_in_transaction", "timed_out"]

POSTGRES_KEY = 1331198276
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5


@asynccontextmanager
async def held(conn: Connection, timeout: float) -> AsyncIterator[None]:
    """The lock for a whole run; on SQLite, and through a pooler, each transaction takes it by itself."""
    release: str
    params: list[Any]
    if conn.backend == "postgres" and not behind_pooler(conn):
        await _wait(conn, "SELECT pg_try_advisory_lock($1) AS got", timeout)
        release, params = "SELECT pg_advisory_unlock($1)", [POSTGRES_KEY]
    elif conn.backend == "mysql":
        params = [await _mysql_name(conn)]
        await _get_lock(conn, params[0], timeout)
        release = "SELECT RELEASE_LOCK(?)"
    else:
        yield
        return
    try:
        yield
    finally:
        try:
            await Shielded(conn._target._fetch(release, params))
        except Exception:
            conn.invalidate()  # the lock ends with the session


def behind_pooler(conn: Connection) -> bool:
    """Whether the session on the server changes between transactions."""
    return bool(conn._target._info.get("pooler"))


async def held_in_transaction(conn: Connection, timeout: float) -> None:
    """The lock until the end of the transaction, where the session cannot keep it."""
    if conn.backend == "postgres" and behind_pooler(conn):
        await _wait(conn, "SELECT pg_try_advisory_xact_lock($1) AS got", timeout)


async def _wait(conn: Connection, sql: str, timeout: float) -> None:
    # Asked again and again: a session that waits inside a statement has a snapshot, and the holder's
    # CREATE INDEX CONCURRENTLY would wait for that in turn.
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + timeout, _FIRST_WAIT
    while True:
        (row,) = await conn.fetch(sql, [POSTGRES_KEY])
        if row["got"]:
            return
        if loop.time() >= deadline:
            raise timed_out(timeout, await _postgres_holder(conn))
        await asyncio.sleep(min(pause, max(0.0, deadline - loop.time())))
        pause = min(pause * 2, _LONGEST_WAIT)


async def _postgres_holder(conn: Connection) -> str:
    rows = await conn.fetch(
        "SELECT a.pid, a.usename, a.application_name, a.client_addr::text AS address FROM pg_locks l "
        "JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND l.classid = 0 AND l.objid = $1::bigint::oid",
        [POSTGRES_KEY],
    )
    return _named(rows[0]) if rows else ""


async def _mysql_name(conn: Connection) -> str:
    (row,) = await conn.fetch("SELECT database() AS name")
    name = f"oxyde_migration:{row['name']}"
    if len(name) <= 64:  # what MySQL takes
        return name
    return f"oxyde_migration:{hashlib.sha256(str(row['name']).encode()).hexdigest()[:48]}"


async def _get_lock(conn: Connection, name: str, timeout: float) -> None:
    (row,) = await conn.fetch("SELECT GET_LOCK(?, ?) AS got", [name, math.ceil(min(timeout, 31_536_000))])
    if row["got"]:
        return
    rows = await conn.fetch(
        "SELECT id AS pid, user AS usename, host AS address "
        "FROM information_schema.processlist WHERE id = IS_USED_LOCK(?)",
        [name],
    )
    raise timed_out(timeout, _named(rows[0]) if rows else "")


def _named(row: dict[str, Any]) -> str:
    words = [f"session {row['pid']}"]
    if row.get("usename"):
        words.append(f"user {row['usename']}")
    if row.get("application_name"):
        words.append(str(row["application_name"]))
    if row.get("address"):
        words.append(f"from {row['address']}")
    return " ".join(words)


def timed_out(timeout: float, holder: str) -> MigrationLockTimeout:
    """The error, with the holder if the server told."""
    who = f": {holder} holds it" if holder else ""
    return MigrationLockTimeout(
        f"the lock of the migrations was not free within {timeout:g} s{who}. "
        "Wait for the other run to end, or give a longer lock_timeout"
    )
