"""psycopg 3: its asynchronous pool, with its C speed-ups, binary results and statements prepared
from the first use on; tuples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from psycopg_pool import AsyncConnectionPool

from benchmarks.databases import POOL, Place
from benchmarks.suite.contenders import raw


class Contender(raw.Raw):
    """Rows as tuples."""

    style, arrays, decodes_json = "%s", True, True

    async def connect(self, place: Place) -> None:
        url = place.url("postgresql") + "?options=-c%20synchronous_commit%3Doff"
        settings: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0}
        self.pool = AsyncConnectionPool(url, min_size=POOL, max_size=POOL, kwargs=settings, open=False)
        await self.pool.open(wait=True)

    async def close(self) -> None:
        await self.pool.close()

    async def row(self, sql: str, values: tuple[Any, ...]) -> Any:
        async with self.pool.connection() as db, db.cursor(binary=True) as cursor:
            await cursor.execute(sql, values)
            return await cursor.fetchone()

    async def rows(self, sql: str, values: tuple[Any, ...]) -> Any:
        async with self.pool.connection() as db, db.cursor(binary=True) as cursor:
            await cursor.execute(sql, values)
            return await cursor.fetchall()

    async def run(self, sql: str, values: tuple[Any, ...]) -> None:
        async with self.pool.connection() as db:
            await db.execute(sql, values)

    async def insert(self, sql: str, values: tuple[Any, ...]) -> int:
        return int((await self.row(sql + " RETURNING id", values))[0])

    async def insert_all(self, sql: str, values: list[tuple[Any, ...]]) -> None:
        async with self.pool.connection() as db, db.transaction(), db.cursor() as cursor:
            await cursor.executemany(sql, values)

    async def chunks(self) -> AsyncIterator[Any]:
        async with self.pool.connection() as db, db.transaction(), db.cursor("rows") as cursor:
            await cursor.execute(*self.sql.stream, binary=True)
            while found := await cursor.fetchmany(raw.CHUNK):
                yield found
