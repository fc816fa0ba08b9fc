"""aiosqlite: sqlite3 on a thread, awaited; tuples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiosqlite

from benchmarks.databases import PRAGMAS, Place
from benchmarks.suite.contenders import raw


class Contender(raw.Raw):
    """Rows as tuples."""

    async def connect(self, place: Place) -> None:
        self.db = await aiosqlite.connect(place.path)
        for pragma in PRAGMAS:
            await self.db.execute(pragma)

    async def close(self) -> None:
        await self.db.close()

    async def row(self, sql: str, values: tuple[Any, ...]) -> Any:
        found: Any = await self.db.execute_fetchall(sql, values)
        return found[0]

    async def rows(self, sql: str, values: tuple[Any, ...]) -> Any:
        return await self.db.execute_fetchall(sql, values)

    async def run(self, sql: str, values: tuple[Any, ...]) -> None:
        await self.db.execute(sql, values)
        await self.db.commit()

    async def insert(self, sql: str, values: tuple[Any, ...]) -> int:
        key: Any = await self.db.execute_insert(sql, values)
        await self.db.commit()
        return int(key[0])

    async def insert_all(self, sql: str, values: list[tuple[Any, ...]]) -> None:
        await self.db.executemany(sql, values)
        await self.db.commit()

    async def chunks(self) -> AsyncIterator[Any]:
        async with self.db.execute(*self.sql.stream) as cursor:
            while found := await cursor.fetchmany(raw.CHUNK):
                yield found
