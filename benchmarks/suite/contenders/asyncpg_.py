"""asyncpg as an application uses it: every call asks the pool; statements come from its cache;
Records. Used leaves the pool's reset query as it is, Tuned does without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from benchmarks.databases import Place
from benchmarks.jobs import POOL
from benchmarks.suite.contenders import raw


class Untouched(asyncpg.Connection):
    """A connection that is not reset when it goes back."""

    def get_reset_query(self) -> str:
        return ""


class Used(raw.Raw):
    """Rows as Records."""

    style, arrays = "$", True
    connection_class: Any = asyncpg.Connection

    async def connect(self, place: Place) -> None:
        self.pool = await asyncpg.create_pool(
            host=place.host,
            port=place.port,
            user=place.user,
            password=place.password or None,
            database=place.database,
            min_size=POOL,
            max_size=POOL,
            server_settings={"synchronous_commit": "off"},
            connection_class=self.connection_class,
        )

    async def close(self) -> None:
        await self.pool.close()

    async def row(self, sql: str, values: tuple[Any, ...]) -> Any:
        return await self.pool.fetchrow(sql, *values)

    async def rows(self, sql: str, values: tuple[Any, ...]) -> Any:
        return await self.pool.fetch(sql, *values)

    async def run(self, sql: str, values: tuple[Any, ...]) -> None:
        await self.pool.execute(sql, *values)

    async def insert(self, sql: str, values: tuple[Any, ...]) -> int:
        return int(await self.pool.fetchval(sql + " RETURNING id", *values))

    async def insert_all(self, sql: str, values: list[tuple[Any, ...]]) -> None:
        await self.pool.executemany(sql, values)

    async def chunks(self) -> AsyncIterator[Any]:
        async with self.pool.acquire() as db, db.transaction():
            cursor = await db.cursor(self.sql.stream[0])
            while found := await cursor.fetch(raw.CHUNK):
                yield found


class Tuned(Used):
    """Without the query that resets a connection."""

    connection_class = Untouched
