"""What aiomysql and asyncmy have in common: one connection kept at hand, one cursor, tuples.
Concurrent jobs take turns on a pool. Neither knows prepared statements."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.databases import Place
from benchmarks.jobs import COLUMNS, FIRST_BATCH, POOL, joined, person


class Contender:
    """Rows as tuples."""

    driver: Any  # the module

    async def open(self, place: Place) -> None:
        where = {
            "host": place.host,
            "port": place.port,
            "user": place.user,
            "password": place.password,
            "db": place.database,
            "charset": "utf8mb4",
            "autocommit": True,
        }
        self.pool = await self.driver.create_pool(minsize=POOL + 1, maxsize=POOL + 1, **where)
        self.db = await self.pool.acquire()
        self.cursor = await self.open_cursor()
        self.table = place.table
        self.select = f"SELECT {COLUMNS} FROM {place.table}"
        self.by_key = f"{self.select} WHERE id = %s"
        columns = "(name, email, age, score, active) VALUES (%s, %s, %s, %s, %s)"
        self.inserting = f"INSERT INTO {place.table} {columns}"
        self.joining = joined(place.notes, place.table)
        self.next = FIRST_BATCH

    async def open_cursor(self) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        await self.cursor.close()
        self.pool.release(self.db)
        self.pool.close()
        await self.pool.wait_closed()

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        await self.cursor.execute(sql, values)
        return list(await self.cursor.fetchall())

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
        marks = ",".join(["%s"] * 50)
        return await self.rows(f"{self.select} WHERE id IN ({marks})", *range(1, 1000, 20))

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        names = COLUMNS.split(", ")
        return [dict(zip(names, row)) for row in await self.all_rows()]

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
        await self.cursor.execute(self.inserting, self.row())
        return int(self.cursor.lastrowid)

    async def bulk_create(self) -> None:
        await self.cursor.executemany(self.inserting, [self.row() for _ in range(100)])

    async def update_one(self) -> None:
        await self.cursor.execute(f"UPDATE {self.table} SET score = score + %s WHERE id = %s", (1.0, 500))

    async def update_many(self) -> None:
        await self.cursor.execute(f"UPDATE {self.table} SET score = score + %s WHERE id <= %s", (1.0, 100))

    async def delete_one(self) -> None:
        key = await self.create()
        await self.cursor.execute(f"DELETE FROM {self.table} WHERE id = %s", (key,))

    async def transaction(self) -> None:
        await self.db.begin()
        row = await self.get()
        await self.cursor.execute(f"UPDATE {self.table} SET score = %s WHERE id = %s", (row[4] + 1, 500))
        await self.cursor.execute(self.inserting, self.row())
        await self.db.commit()

    async def get_from_pool(self) -> Any:
        async with self.pool.acquire() as db, db.cursor() as cursor:
            await cursor.execute(self.by_key, (500,))
            return await cursor.fetchone()

    async def gather_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get_from_pool() for _ in range(50))))

    async def pool_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get_from_pool() for _ in range(100))))
