"""aiomysql and asyncmy, as an application uses them: every call asks the pool, which commits by
itself; tuples. Neither knows prepared statements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiomysql
import asyncmy
from asyncmy.cursors import SSCursor

from benchmarks.databases import POOL, Place
from benchmarks.suite.contenders import raw


class Aiomysql(raw.Raw):
    """Rows as tuples."""

    style = "%s"
    driver: Any = aiomysql
    streaming: Any = aiomysql.SSCursor

    async def connect(self, place: Place) -> None:
        self.pool = await self.driver.create_pool(
            minsize=POOL,
            maxsize=POOL,
            host=place.host,
            port=place.port,
            user=place.user,
            password=place.password,
            db=place.database,
            charset="utf8mb4",
            autocommit=True,
        )

    async def close(self) -> None:
        self.pool.close()
        await self.pool.wait_closed()

    async def row(self, sql: str, values: tuple[Any, ...]) -> Any:
        async with self.pool.acquire() as db, db.cursor() as cursor:
            await cursor.execute(sql, values)
            return await cursor.fetchone()

    async def rows(self, sql: str, values: tuple[Any, ...]) -> Any:
        async with self.pool.acquire() as db, db.cursor() as cursor:
            await cursor.execute(sql, values)
            return await cursor.fetchall()

    async def run(self, sql: str, values: tuple[Any, ...]) -> None:
        async with self.pool.acquire() as db, db.cursor() as cursor:
            await cursor.execute(sql, values)

    async def insert(self, sql: str, values: tuple[Any, ...]) -> int:
        async with self.pool.acquire() as db, db.cursor() as cursor:
            await cursor.execute(sql, values)
            return int(cursor.lastrowid)

    async def insert_all(self, sql: str, values: list[tuple[Any, ...]]) -> None:
        async with self.pool.acquire() as db, db.cursor() as cursor:
            await db.begin()
            await cursor.executemany(sql, values)
            await db.commit()

    async def chunks(self) -> AsyncIterator[Any]:
        async with self.pool.acquire() as db, db.cursor(self.streaming) as cursor:
            await cursor.execute(self.sql.stream[0])
            while found := await cursor.fetchmany(raw.CHUNK):
                yield found


class Asyncmy(Aiomysql):
    """The same words, compiled."""

    driver = asyncmy
    streaming = SSCursor
