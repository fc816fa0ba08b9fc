"""The standard library's sqlite3, called inline: no event loop, no thread, tuples."""

from __future__ import annotations

import sqlite3

from benchmarks.databases import Place
from benchmarks.jobs import COLUMNS, FIRST_BATCH, INSERT, PRAGMAS, joined, person


class Contender:
    """Rows as tuples, synchronous."""

    async def open(self, place: Place) -> None:
        self.db = sqlite3.connect(place.path, isolation_level=None)
        for pragma in PRAGMAS:
            self.db.execute(pragma)
        self.next = FIRST_BATCH

    async def close(self) -> None:
        self.db.close()

    async def get(self) -> object:
        return self.db.execute(f"SELECT {COLUMNS} FROM person WHERE id = ?", (500,)).fetchone()

    async def all_rows(self) -> list[tuple[object, ...]]:
        return self.db.execute(f"SELECT {COLUMNS} FROM person WHERE id <= ?", (1000,)).fetchall()

    async def filtered(self) -> list[tuple[object, ...]]:
        return self.db.execute(
            f"SELECT {COLUMNS} FROM person WHERE age >= ? AND active = ? ORDER BY name DESC LIMIT 100",
            (30, 1),
        ).fetchall()

    async def in_list(self) -> list[tuple[object, ...]]:
        marks = ",".join("?" * 50)
        return self.db.execute(
            f"SELECT {COLUMNS} FROM person WHERE id IN ({marks})", list(range(1, 1000, 20))
        ).fetchall()

    async def rows_as_dicts(self) -> list[dict[str, object]]:
        cursor = self.db.execute(f"SELECT {COLUMNS} FROM person WHERE id <= ?", (1000,))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    async def joined(self) -> list[tuple[object, ...]]:
        return self.db.execute(joined("person_note", "person")).fetchall()

    async def count(self) -> int:
        return int(self.db.execute("SELECT COUNT(*) FROM person WHERE age >= ?", (40,)).fetchone()[0])

    async def aggregate(self) -> list[tuple[object, ...]]:
        return self.db.execute(
            "SELECT age, COUNT(*), AVG(score) FROM person WHERE id <= ? GROUP BY age ORDER BY age", (1000,)
        ).fetchall()

    def row(self) -> tuple[object, ...]:
        self.next += 1
        return person(self.next)[1:]

    async def create(self) -> object:
        return self.db.execute(INSERT, self.row()).lastrowid

    async def bulk_create(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(INSERT, [self.row() for _ in range(100)])
        self.db.execute("COMMIT")

    async def update_one(self) -> None:
        self.db.execute("UPDATE person SET score = score + ? WHERE id = ?", (1.0, 500))

    async def update_many(self) -> None:
        self.db.execute("UPDATE person SET score = score + ? WHERE id <= ?", (1.0, 100))

    async def delete_one(self) -> None:
        key = self.db.execute(INSERT, self.row()).lastrowid
        self.db.execute("DELETE FROM person WHERE id = ?", (key,))

    async def transaction(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        row = self.db.execute(f"SELECT {COLUMNS} FROM person WHERE id = ?", (500,)).fetchone()
        self.db.execute("UPDATE person SET score = ? WHERE id = ?", (row[4] + 1, 500))
        self.db.execute(INSERT, self.row())
        self.db.execute("COMMIT")

    async def gather_gets(self) -> list[object]:
        return [await self.get() for _ in range(50)]
