"""psycopg 3: its asynchronous connection and pool, with its C speed-ups, binary results and
statements prepared from the first use on; tuples."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks.databases import Place
from benchmarks.jobs import COLUMNS, FIRST_BATCH, POOL, joined, person


class Contender:
    """Rows as tuples."""

    async def open(self, place: Place) -> None:
        url = place.url("postgresql") + "?options=-c%20synchronous_commit%3Doff"
        settings: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0}
        self.db = await psycopg.AsyncConnection.connect(url, **settings)
        self.cursor = self.db.cursor(binary=True)
        self.dicts = self.db.cursor(binary=True, row_factory=dict_row)
        self.pool = AsyncConnectionPool(url, min_size=POOL, max_size=POOL, kwargs=settings, open=False)
        await self.pool.open(wait=True)
        self.table = place.table
        self.select = f"SELECT {COLUMNS} FROM {place.table}"
        self.by_key = f"{self.select} WHERE id = %s"
        columns = "(name, email, age, score, active) VALUES (%s, %s, %s, %s, %s)"
        self.inserting = f"INSERT INTO {place.table} {columns}"
        self.joining = joined(place.notes, place.table)
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await self.db.close()
        await self.pool.close()

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        await self.cursor.execute(sql, values)
        return await self.cursor.fetchall()

    async def get(self) -> Any:
        await self.cursor.execute(self.by_key, (500,))
        return await self.cursor.fetchone()

    async def all_rows(self) -> list[Any]:
        return await self.rows(f"{self.select} WHERE id <= %s", 1000)

    async def filtered(self) -> list[Any]:
        return await self.rows(
            f"{self.select} WHERE age >= %s AND active = %s ORDER BY name DESC LIMIT 100", 30, True
        )

    async def in_list(self) -> list[Any]:
        return await self.rows(f"{self.select} WHERE id = ANY(%s)", list(range(1, 1000, 20)))

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        await self.dicts.execute(f"{self.select} WHERE id <= %s", (1000,))
        return await self.dicts.fetchall()

    async def joined(self) -> list[Any]:
        return await self.rows(self.joining)

    async def count(self) -> int:
        return int((await self.rows(f"SELECT COUNT(*) FROM {self.table} WHERE age >= %s", 40))[0][0])

    async def aggregate(self) -> list[Any]:
        return await self.rows(
            f"SELECT age, COUNT(*), AVG(score) FROM {self.table} WHERE id <= %s GROUP BY age ORDER BY age",
            1000,
        )

    def row(self) -> tuple[Any, ...]:
        self.next += 1
        return person(self.next)[1:]

    async def create(self) -> int:
        return int((await self.rows(f"{self.inserting} RETURNING id", *self.row()))[0][0])

    async def bulk_create(self) -> None:
        async with self.db.transaction():
            await self.cursor.executemany(self.inserting, [self.row() for _ in range(100)])

    async def update_one(self) -> None:
        await self.cursor.execute(f"UPDATE {self.table} SET score = score + %s WHERE id = %s", (1.0, 500))

    async def update_many(self) -> None:
        await self.cursor.execute(f"UPDATE {self.table} SET score = score + %s WHERE id <= %s", (1.0, 100))

    async def delete_one(self) -> None:
        key = await self.create()
        await self.cursor.execute(f"DELETE FROM {self.table} WHERE id = %s", (key,))

    async def transaction(self) -> None:
        async with self.db.transaction():
            row = await self.get()
            await self.cursor.execute(f"UPDATE {self.table} SET score = %s WHERE id = %s", (row[4] + 1, 500))
            await self.cursor.execute(self.inserting, self.row())

    async def get_from_pool(self) -> Any:
        async with self.pool.connection() as db, db.cursor(binary=True) as cursor:
            await cursor.execute(self.by_key, (500,))
            return await cursor.fetchone()

    async def gather_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get_from_pool() for _ in range(50))))

    async def pool_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get_from_pool() for _ in range(100))))
