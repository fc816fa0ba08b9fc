"""The transaction of one migration: what each database can do, and what has to stand around it."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from ..db._shield import Shielded
from ..db.connection import Connection
from ..exceptions import LockTimeout
from ._lock import timed_out
from .errors import MigrationError

__all__ = ["migration_transaction", "rebuilds_tables"]

Dict = dict[str, Any]

# On SQLite these may drop a table, whose rows' children an enforced key would delete.
_DROPPING = frozenset(
    {
        *("drop_table", "add_column", "drop_column", "alter_column", "alter_primary_key"),
        *("add_foreign_key", "drop_foreign_key", "add_check", "drop_check"),
    }
)


def rebuilds_tables(operations: Iterable[Dict]) -> bool:
    """Whether SQLite must not enforce foreign keys while these run."""
    return any(op["type"] in _DROPPING for op in operations)


@asynccontextmanager
async def migration_transaction(
    conn: Connection, *, transaction: bool, lock_timeout: float, unenforced: bool
) -> AsyncIterator[Any]:
    """Runs a block in the migration's transaction, which is the task's active one; gives it.

    Without one it gives None, and the task's queries run wherever they usually do.

    `unenforced`: SQLite does not look at foreign keys meanwhile, and at all of them at the end.
    """
    async with _enforcement_off(conn, unenforced):
        if not transaction:
            async with _without_limits(conn):
                yield None
            return
        options: Dict = {"statement_timeout": math.inf}
        if conn.backend == "sqlite":
            options["lock_timeout"] = lock_timeout
        tx = conn.transaction(**options)
        try:
            await tx.__aenter__()
        except LockTimeout as error:
            raise timed_out(lock_timeout, "") from error
        tx._told_of_commit = True  # that MySQL commits DDL by itself is no news here
        conn.database._watch.discard(tx)
        try:
            async with _as_the_tasks(conn, tx):
                before = await _violations(conn) if unenforced else Counter()
                yield tx
                if unenforced:
                    _compare(before, await _violations(conn))
        except BaseException as error:
            await tx._end(error)
            raise
        await tx._end(None)


@asynccontextmanager
async def _as_the_tasks(conn: Connection, session: Any) -> AsyncIterator[None]:
    """Queries of this task on the alias run on the session."""
    task = asyncio.current_task()
    conn.database._bind_task(task, session)
    try:
        yield
    finally:
        conn.database._bind_task(task, None)


@asynccontextmanager
async def _without_limits(conn: Connection) -> AsyncIterator[None]:
    before = conn._statement_timeout
    conn._statement_timeout = math.inf
    if conn.backend == "postgres":
        await conn._run("SET statement_timeout = 0")
    try:
        yield
    finally:
        conn._statement_timeout = before
        if conn.backend == "postgres" and conn.transaction_status == "idle":
            await Shielded(conn._run("RESET statement_timeout"))


# --- SQLite ------------------------------------------------------------------------------------


@asynccontextmanager
async def _enforcement_off(conn: Connection, wanted: bool) -> AsyncIterator[None]:
    if conn.backend != "sqlite" or not wanted:
        yield
        return
    # Before the transaction begins: inside, the pragma has no effect.
    (row,) = await conn.fetch("PRAGMA foreign_keys")
    await conn._run("PRAGMA foreign_keys = OFF", write=False)
    try:
        yield
    finally:
        if row["foreign_keys"]:
            await Shielded(conn._run("PRAGMA foreign_keys = ON", write=False))


async def _violations(conn: Connection) -> Counter[tuple[str, str]]:
    if conn.backend != "sqlite":
        return Counter()
    rows = await conn.fetch("PRAGMA foreign_key_check")
    return Counter((str(row["table"]), str(row["parent"])) for row in rows)


def _compare(before: Counter[tuple[str, str]], after: Counter[tuple[str, str]]) -> None:
    new = after - before
    if new:
        listed = "; ".join(f"{n} of {table} to {parent}" for (table, parent), n in sorted(new.items()))
        raise MigrationError(
            f"after the migration rows would refer to others that do not exist: {listed}. "
            "Nothing was changed; mend or delete those rows first"
        )
