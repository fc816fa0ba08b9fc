"""The standard library's sqlite3, called inline: no event loop, no thread; tuples."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.databases import PRAGMAS, Place
from benchmarks.suite.contenders import raw


class Contender(raw.Raw):
    """Rows as tuples, synchronous."""

    async def connect(self, place: Place) -> None:
        self.db = sqlite3.connect(place.path, isolation_level=None)
        for pragma in PRAGMAS:
            self.db.execute(pragma)

    async def close(self) -> None:
        self.db.close()

    async def row(self, sql: str, values: tuple[Any, ...]) -> Any:
        return self.db.execute(sql, values).fetchone()

    async def rows(self, sql: str, values: tuple[Any, ...]) -> Any:
        return self.db.execute(sql, values).fetchall()

    async def run(self, sql: str, values: tuple[Any, ...]) -> None:
        self.db.execute(sql, values)

    async def insert(self, sql: str, values: tuple[Any, ...]) -> int:
        return self.db.execute(sql, values).lastrowid or 0

    async def insert_all(self, sql: str, values: list[tuple[Any, ...]]) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(sql, values)
        self.db.execute("COMMIT")

    async def chunks(self) -> AsyncIterator[Any]:
        cursor = self.db.execute(*self.sql.stream)
        while found := cursor.fetchmany(raw.CHUNK):
            yield found

    async def gather(self, number: int) -> list[Any]:
        return [await self.get() for _ in range(number)]
