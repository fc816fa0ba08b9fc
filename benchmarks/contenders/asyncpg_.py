"""asyncpg as fast as it goes: one connection kept at hand, statements prepared; Records. Concurrent
jobs take turns on a pool."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from benchmarks.databases import Place
from benchmarks.jobs import COLUMNS, FIRST_BATCH, POOL, joined, person


class Contender:
    """Rows as Records."""

    async def open(self, place: Place) -> None:
        where: dict[str, Any] = {
            "host": place.host,
            "port": place.port,
            "user": place.user,
            "password": place.password or None,
            "database": place.database,
            "server_settings": {"synchronous_commit": "off"},
        }
        self.db = await asyncpg.connect(**where)
        self.pool = await asyncpg.create_pool(min_size=POOL, max_size=POOL, **where)
        select = f"SELECT {COLUMNS} FROM {place.table}"
        self.by_key = f"{select} WHERE id = $1"
        self.up_to = f"{select} WHERE id <= $1"
        self.older = f"{select} WHERE age >= $1 AND active = $2 ORDER BY name DESC LIMIT 100"
        self.listed = f"{select} WHERE id = ANY($1)"
        self.counting = f"SELECT COUNT(*) FROM {place.table} WHERE age >= $1"
        self.grouping = (
            f"SELECT age, COUNT(*), AVG(score) FROM {place.table} WHERE id <= $1 GROUP BY age ORDER BY age"
        )
        columns = "(name, email, age, score, active) VALUES ($1, $2, $3, $4, $5)"
        self.inserting = f"INSERT INTO {place.table} {columns}"
        self.adding = f"UPDATE {place.table} SET score = score + $1 WHERE id = $2"
        self.adding_up_to = f"UPDATE {place.table} SET score = score + $1 WHERE id <= $2"
        self.setting = f"UPDATE {place.table} SET score = $1 WHERE id = $2"
        self.deleting = f"DELETE FROM {place.table} WHERE id = $1"
        self.joining = joined(place.notes, place.table)
        self.prepared: dict[str, Any] = {}
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await self.db.close()
        await self.pool.close()

    async def statement(self, sql: str) -> Any:
        found = self.prepared.get(sql)
        if found is None:
            found = self.prepared[sql] = await self.db.prepare(sql)
        return found

    async def get(self) -> Any:
        return await (await self.statement(self.by_key)).fetchrow(500)

    async def all_rows(self) -> list[Any]:
        return list(await (await self.statement(self.up_to)).fetch(1000))

    async def filtered(self) -> list[Any]:
        return list(await (await self.statement(self.older)).fetch(30, True))

    async def in_list(self) -> list[Any]:
        return list(await (await self.statement(self.listed)).fetch(list(range(1, 1000, 20))))

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.all_rows()]

    async def joined(self) -> list[Any]:
        return list(await (await self.statement(self.joining)).fetch())

    async def count(self) -> int:
        return int(await (await self.statement(self.counting)).fetchval(40))

    async def aggregate(self) -> list[Any]:
        return list(await (await self.statement(self.grouping)).fetch(1000))

    def row(self) -> tuple[Any, ...]:
        self.next += 1
        return person(self.next)[1:]

    async def create(self) -> int:
        return int(await (await self.statement(self.inserting + " RETURNING id")).fetchval(*self.row()))

    async def bulk_create(self) -> None:
        await self.db.executemany(self.inserting, [self.row() for _ in range(100)])

    async def update_one(self) -> None:
        await self.db.execute(self.adding, 1.0, 500)

    async def update_many(self) -> None:
        await self.db.execute(self.adding_up_to, 1.0, 100)

    async def delete_one(self) -> None:
        await self.db.execute(self.deleting, await self.create())

    async def transaction(self) -> None:
        async with self.db.transaction():
            row = await self.get()
            await self.db.execute(self.setting, row["score"] + 1, 500)
            await self.create()

    async def get_from_pool(self) -> Any:
        return await self.pool.fetchrow(self.by_key, 500)

    async def gather_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get_from_pool() for _ in range(50))))

    async def pool_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get_from_pool() for _ in range(100))))
