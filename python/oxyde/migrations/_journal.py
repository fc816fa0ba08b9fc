"""MySQL commits each DDL statement: which ones of a migration are done, for the run after a failure.

A row is written before each DDL statement, and committed by it: the statements done so far, the one
that begins, and what the tables concerned looked like before. DDL is atomic there, so the next run
knows from the tables whether that statement got through, and goes on behind it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..db._begin import quoted
from ..db.connection import Connection
from ._notes import add_note
from .errors import MigrationError
from .files import MigrationFile

if TYPE_CHECKING:
    from ._plan import Planned
    from ._runner import Runner

__all__ = ["TABLE", "Journal", "begin", "check", "tidy"]

Dict = dict[str, Any]

TABLE = "oxyde_migration_progress"
_CREATE = f"""CREATE TABLE IF NOT EXISTS {TABLE} (
    name VARCHAR(255) NOT NULL PRIMARY KEY, backwards TINYINT NOT NULL, checksum VARCHAR(64) NOT NULL,
    at_start VARCHAR(64) NOT NULL, progress LONGTEXT NOT NULL)"""
_DDL = frozenset({"ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE"})
_BY_HAND = (
    "Finish it by hand and note it with `oxyde migrate TARGET --fake`, or take back what was done; "
    "then run again"
)


async def check(conn: Connection, files: Sequence[MigrationFile], applied: Iterable[str]) -> None:
    """Refuses to run if an earlier run left something that this one cannot go on with."""
    done = set(applied)
    for row in await _rows(conn):
        if (row["name"] in done) != bool(row["backwards"]):
            await _forget(conn, row["name"])  # finished by hand
            continue
        if await _print(conn, None) == row["at_start"]:
            await _forget(conn, row["name"])  # taken back by hand, or never begun
            continue
        file = next((file for file in files if file.name == row["name"]), None)
        progress = json.loads(row["progress"])
        stands = _where(row["name"], progress)
        if file is None or file.checksum() != row["checksum"]:
            raise MigrationError(
                f"{stands} The file was changed or removed since, so it cannot go on. {_BY_HAND}"
            )
        if progress["code"]:
            raise MigrationError(f"{stands} It runs code, which cannot be taken up in the middle. {_BY_HAND}")
        if progress["several"] and await _print(conn, progress["tables"]) != progress["before"]:
            raise MigrationError(
                f"{stands} That text holds several statements, some of them done. {_BY_HAND}"
            )


def _where(name: str, progress: Dict) -> str:
    done = "\n".join(f"  {at}. {sql}" for at, sql in enumerate(progress["done"], 1)) or "  none"
    return (
        f"{name} was interrupted at its statement {len(progress['done']) + 1}: {progress['sql']}\n"
        f"Done and committed before it:\n{done}\n"
    )


async def begin(runner: Runner, planned: Planned) -> Journal | None:
    """The record of one migration; None where the database undoes what fails."""
    conn: Connection = runner.conn
    if conn.backend != "mysql":
        return None
    found = [row for row in await _rows(conn) if row["name"] == planned.name]
    if found:
        progress = json.loads(found[0]["progress"])
        through = await _print(conn, progress["tables"]) != progress["before"]
        return Journal(conn, planned, found[0]["at_start"], progress, through)
    await conn.execute(_CREATE)
    return Journal(conn, planned, await _print(conn, None), None, False)


async def tidy(conn: Connection) -> None:
    """Drops the table when nothing is left in it."""
    if conn.backend == "mysql" and await _exists(conn) and not await _rows(conn):
        await conn.execute(f"DROP TABLE {TABLE}")


class Journal:
    """What is done of one migration."""

    def __init__(
        self, conn: Connection, planned: Planned, at_start: str, progress: Dict | None, through: bool
    ) -> None:
        self._conn = conn
        self._planned = planned
        self._at_start = at_start
        self._done: list[str] = []
        self._skip: list[str] = []
        self.adapted: Dict = {}
        self.resumes = progress is not None
        if progress is not None:
            self._skip = [*progress["done"], *([progress["sql"]] if through else [])]
            self.adapted = progress["adapted"]

    async def is_done(self, sql: str, tables: Iterable[str] | None, *, several: bool = False) -> bool:
        """Whether an earlier run did the statement; if not, and it commits, notes that it begins."""
        if self._skip:
            if self._skip[0] != sql:
                raise MigrationError(
                    f"{self._planned.name} was interrupted by an error, and does other things now than then: "
                    f"{sql} in place of {self._skip[0]}. {_BY_HAND}"
                )
            self._done.append(self._skip.pop(0))
            return True
        words = sql.split(None, 1)
        if several or (words and words[0].upper() in _DDL):
            await self._note(sql, None if tables is None else sorted(tables), several)
        self._done.append(sql)
        return False

    async def _note(self, sql: str, tables: list[str] | None, several: bool) -> None:
        progress = {
            "done": self._done,
            "sql": sql,
            "tables": tables,
            "before": await _print(self._conn, tables),
            "code": self._planned.calls_code,
            "several": several,
            "adapted": self.adapted,
        }
        await self._conn.execute(
            f"REPLACE INTO {TABLE} (name, backwards, checksum, at_start, progress) VALUES (?, ?, ?, ?, ?)",
            [
                self._planned.name,
                int(self._planned.backwards),
                self._planned.file.checksum(),
                self._at_start,
                json.dumps(progress),
            ],
        )

    async def end(self) -> None:
        """The migration is done: in the transaction of its history row."""
        await self._conn.execute(f"DELETE FROM {TABLE} WHERE name = ?", [self._planned.name])

    def explain(self, error: BaseException, executed: Sequence[str]) -> None:
        """Says what stays."""
        stays = [sql for sql in executed if sql.split(None, 1)[0].upper() in _DDL]
        if stays:
            listed = "\n".join(f"  {sql}" for sql in stays)
            add_note(
                error, f"MySQL has committed these statements, and the next run goes on behind:\n{listed}"
            )


# --- the rows, and what tables look like ------------------------------------------------------------


async def _exists(conn: Connection) -> bool:
    rows = await conn.fetch(
        "SELECT 1 AS one FROM information_schema.tables WHERE table_schema = database() AND table_name = ?",
        [TABLE],
    )
    return bool(rows)


async def _rows(conn: Connection) -> list[Dict]:
    if conn.backend != "mysql" or not await _exists(conn):
        return []
    return await conn.fetch(f"SELECT name, backwards, checksum, at_start, progress FROM {TABLE}")


async def _forget(conn: Connection, name: str) -> None:
    await conn.execute(f"DELETE FROM {TABLE} WHERE name = ?", [name])


async def _print(conn: Connection, tables: list[str] | None) -> str:
    """A fingerprint of tables, or of all."""
    rows = await conn.fetch(
        "SELECT table_name AS name FROM information_schema.tables "
        "WHERE table_schema = database() AND table_type = 'BASE TABLE' ORDER BY table_name"
    )
    there = [str(row["name"]) for row in rows if row["name"] not in (TABLE, "oxyde_migrations")]
    digest = hashlib.sha256()
    for name in there:
        if tables is not None and name not in tables:
            continue
        (row,) = await conn.fetch(f"SHOW CREATE TABLE {quoted('mysql', name)}")
        text = re.sub(r" AUTO_INCREMENT=\d+", "", str(list(row.values())[1]))
        digest.update(f"{name}\n{text}\n".encode())
    return digest.hexdigest()
