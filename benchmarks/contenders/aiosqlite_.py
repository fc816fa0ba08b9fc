"""aiosqlite: sqlite3 on a thread, awaited; tuples."""

from __future__ import annotations

import asyncio
from typing import Any

import aiosqlite

from benchmarks.databases import Place
from benchmarks.jobs import COLUMNS, FIRST_BATCH, INSERT, PRAGMAS, joined, person


class Contender:
    """Rows as tuples."""

    async def open(self, place: Place) -> None:
        self.db = await aiosqlite.connect(place.path)
        for pragma in PRAGMAS:
            await self.db.execute(pragma)
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await self.db.close()

    async def rows(self, sql: str, values: Any = ()) -> list[Any]:
        return list(await self.db.execute_fetchall(sql, values))

    async def get(self) -> object:
        return (await self.rows(f"SELECT {COLUMNS} FROM person WHERE id = ?", (500,)))[0]

    async def all_rows(self) -> list[Any]:
        return await self.rows(f"SELECT {COLUMNS} FROM person WHERE id <= ?", (1000,))

    async def filtered(self) -> list[Any]:
        return await self.rows(
            f"SELECT {COLUMNS} FROM person WHERE age >= ? AND active = ? ORDER BY name DESC LIMIT 100",
            (30, 1),
        )

    async def in_list(self) -> list[Any]:
        marks = ",".join("?" * 50)
        return await self.rows(
            f"SELECT {COLUMNS} FROM person WHERE id IN ({marks})", list(range(1, 1000, 20))
        )

    async def rows_as_dicts(self) -> list[dict[str, object]]:
        names = COLUMNS.split(", ")
        return [dict(zip(names, row)) for row in await self.all_rows()]

    async def joined(self) -> list[Any]:
        return await self.rows(joined("person_note", "person"))

    async def count(self) -> int:
        return int((await self.rows("SELECT COUNT(*) FROM person WHERE age >= ?", (40,)))[0][0])

    async def aggregate(self) -> list[Any]:
        return await self.rows(
            "SELECT age, COUNT(*), AVG(score) FROM person WHERE id <= ? GROUP BY age ORDER BY age", (1000,)
        )

    def row(self) -> tuple[object, ...]:
        self.next += 1
        return person(self.next)[1:]

    async def create(self) -> None:
        await self.db.execute_insert(INSERT, self.row())
        await self.db.commit()

    async def bulk_create(self) -> None:
        await self.db.executemany(INSERT, [self.row() for _ in range(100)])
        await self.db.commit()

    async def update_one(self) -> None:
        await self.db.execute("UPDATE person SET score = score + ? WHERE id = ?", (1.0, 500))
        await self.db.commit()

    async def update_many(self) -> None:
        await self.db.execute("UPDATE person SET score = score + ? WHERE id <= ?", (1.0, 100))
        await self.db.commit()

    async def delete_one(self) -> None:
        key = await self.db.execute_insert(INSERT, self.row())
        await self.db.commit()
        assert key is not None
        await self.db.execute("DELETE FROM person WHERE id = ?", (key[0],))
        await self.db.commit()

    async def transaction(self) -> None:
        await self.db.execute("BEGIN IMMEDIATE")
        row: Any = await self.get()
        await self.db.execute("UPDATE person SET score = ? WHERE id = ?", (row[4] + 1, 500))
        await self.db.execute(INSERT, self.row())
        await self.db.commit()

    async def gather_gets(self) -> list[object]:
        return list(await asyncio.gather(*(self.get() for _ in range(50))))
