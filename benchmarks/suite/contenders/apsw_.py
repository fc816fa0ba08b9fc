"""apsw, called inline: tuples. It speaks as the standard library's module does, but for a few words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

import apsw

from benchmarks.databases import PRAGMAS, Place
from benchmarks.suite.contenders import raw, sqlite3_


class Contender(sqlite3_.Contender):
    """Rows as tuples, synchronous."""

    db: Any

    async def connect(self, place: Place) -> None:
        self.db = apsw.Connection(place.path)
        for pragma in PRAGMAS:
            self.db.execute(pragma)

    async def insert(self, sql: str, values: tuple[Any, ...]) -> int:
        self.db.execute(sql, values)
        return int(self.db.last_insert_rowid())

    async def chunks(self) -> AsyncIterator[Any]:
        cursor = self.db.execute(*self.sql.stream)
        while found := list(islice(cursor, raw.CHUNK)):
            yield found
