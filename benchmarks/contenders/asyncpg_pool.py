"""asyncpg as an application uses it: every call asks the pool; statements come from its cache."""

from __future__ import annotations

from typing import Any

from benchmarks.contenders import asyncpg_


class Contender(asyncpg_.Contender):
    """Rows as Records."""

    async def get(self) -> Any:
        return await self.pool.fetchrow(self.by_key, 500)

    async def all_rows(self) -> list[Any]:
        return list(await self.pool.fetch(self.up_to, 1000))

    async def filtered(self) -> list[Any]:
        return list(await self.pool.fetch(self.older, 30, True))

    async def in_list(self) -> list[Any]:
        return list(await self.pool.fetch(self.listed, list(range(1, 1000, 20))))

    async def joined(self) -> list[Any]:
        return list(await self.pool.fetch(self.joining))

    async def count(self) -> int:
        return int(await self.pool.fetchval(self.counting, 40))

    async def aggregate(self) -> list[Any]:
        return list(await self.pool.fetch(self.grouping, 1000))

    async def create(self) -> int:
        return int(await self.pool.fetchval(self.inserting + " RETURNING id", *self.row()))

    async def bulk_create(self) -> None:
        await self.pool.executemany(self.inserting, [self.row() for _ in range(100)])

    async def update_one(self) -> None:
        await self.pool.execute(self.adding, 1.0, 500)

    async def update_many(self) -> None:
        await self.pool.execute(self.adding_up_to, 1.0, 100)

    async def delete_one(self) -> None:
        await self.pool.execute(self.deleting, await self.create())

    async def transaction(self) -> None:
        async with self.pool.acquire() as db, db.transaction():
            row = await db.fetchrow(self.by_key, 500)
            await db.execute(self.setting, row["score"] + 1, 500)
            await db.fetchval(self.inserting + " RETURNING id", *self.row())
