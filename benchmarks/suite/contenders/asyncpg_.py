"""asyncpg as an application uses it: every call asks the pool; statements come from its cache;
Records. Used leaves the pool's reset query as it is, Tuned does without it. Held is the fastest it
can be: one connection at hand, statements prepared."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import asyncpg

from benchmarks.databases import POOL, Place
from benchmarks.suite.contenders import raw
from benchmarks.suite.statements import Statements


class Untouched(asyncpg.Connection):
    """A connection that is not reset when it goes back."""

    def get_reset_query(self) -> str:
        return ""


def where(place: Place) -> dict[str, Any]:
    """How a connection gets there."""
    return {
        "host": place.host,
        "port": place.port,
        "user": place.user,
        "password": place.password or None,
        "database": place.database,
        "server_settings": {"synchronous_commit": "off"},
    }


async def decode_documents(db: Any) -> None:
    """As its documentation has it."""
    await db.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


class Used(raw.Raw):
    """Rows as Records."""

    style, arrays, decodes_json = "$", True, True
    connection_class: Any = asyncpg.Connection

    async def connect(self, place: Place) -> None:
        self.pool = await asyncpg.create_pool(
            min_size=POOL,
            max_size=POOL,
            init=decode_documents,
            connection_class=self.connection_class,
            **where(place),
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


class Held:
    """The jobs that a promise is about."""

    async def open(self, place: Place) -> None:
        self.db = await asyncpg.connect(**where(place))
        sql = Statements("$", place.table, arrays=True)
        by_key, key = sql.get
        older, age = sql.filter_800
        self.get = partial((await self.db.prepare(by_key)).fetchrow, *key)
        self.filter_800 = partial((await self.db.prepare(older)).fetch, *age)

    async def close(self) -> None:
        await self.db.close()
