"""apsw, called inline: tuples. It speaks as the standard library's module does, but for a few words."""

from __future__ import annotations

from typing import Any

import apsw

from benchmarks.contenders import sqlite3_
from benchmarks.databases import Place
from benchmarks.jobs import COLUMNS, FIRST_BATCH, INSERT, PRAGMAS


class Contender(sqlite3_.Contender):
    """Rows as tuples, synchronous."""

    db: Any

    async def open(self, place: Place) -> None:
        self.db = apsw.Connection(place.path)
        for pragma in PRAGMAS:
            self.db.execute(pragma)
        self.next = FIRST_BATCH

    async def rows_as_dicts(self) -> list[dict[str, object]]:
        cursor = self.db.execute(f"SELECT {COLUMNS} FROM person WHERE id <= ?", (1000,))
        names = [column[0] for column in cursor.getdescription()]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    async def create(self) -> object:
        self.db.execute(INSERT, self.row())
        return self.db.last_insert_rowid()

    async def delete_one(self) -> None:
        key = await self.create()
        self.db.execute("DELETE FROM person WHERE id = ?", (key,))
