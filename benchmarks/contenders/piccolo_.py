"""Piccolo's ORM (asyncpg underneath)."""

from __future__ import annotations

import asyncio
from typing import Any

from piccolo.columns import BigInt, BigSerial, Boolean, DoublePrecision, ForeignKey, Integer, Varchar
from piccolo.engine.postgres import PostgresEngine
from piccolo.query.functions.aggregate import Avg, Count
from piccolo.querystring import QueryString
from piccolo.table import Table

from benchmarks.databases import Place
from benchmarks.jobs import FIRST_BATCH, POOL, person


def person_table(table: str, engine: PostgresEngine) -> Any:
    """The table of all jobs."""

    class Person(Table, tablename=table, db=engine):
        id = BigSerial(primary_key=True)
        name = Varchar(length=100)
        email = Varchar(length=255)
        age = Integer()
        score = DoublePrecision()
        active = Boolean()

    return Person


def note_table(table: str, person: Any, engine: PostgresEngine) -> Any:
    """The table that is joined to it."""

    class Note(Table, tablename=table, db=engine):
        id = BigInt(primary_key=True)
        person_id = ForeignKey(person, db_column_name="person_id")
        text = Varchar(length=100)

    return Note


class Contender:
    """Piccolo's table objects."""

    async def open(self, place: Place) -> None:
        self.engine = PostgresEngine(
            config={
                "host": place.host,
                "port": place.port,
                "user": place.user,
                "password": place.password or None,
                "database": place.database,
                "server_settings": {"synchronous_commit": "off"},
            }
        )
        await self.engine.start_connection_pool(min_size=POOL, max_size=POOL)
        self.person = person_table(place.table, self.engine)
        self.note = note_table(place.notes, self.person, self.engine)
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await self.engine.close_connection_pool()

    async def get(self) -> Any:
        return await self.person.objects().get(self.person.id == 500)

    async def all_rows(self) -> list[Any]:
        return list(await self.person.objects().where(self.person.id <= 1000))

    async def filtered(self) -> list[Any]:
        p = self.person
        query = p.objects().where((p.age >= 30) & (p.active.eq(True)))
        return list(await query.order_by(p.name, ascending=False).limit(100))

    async def in_list(self) -> list[Any]:
        return list(await self.person.objects().where(self.person.id.is_in(list(range(1, 1000, 20)))))

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        return list(await self.person.select().where(self.person.id <= 1000))

    async def joined(self) -> list[Any]:
        return list(await self.note.objects(self.note.person_id))

    async def count(self) -> int:
        return int(await self.person.count().where(self.person.age >= 40))

    async def aggregate(self) -> list[dict[str, Any]]:
        p = self.person
        query = p.select(p.age, Count(), Avg(p.score)).where(p.id <= 1000)
        return list(await query.group_by(p.age).order_by(p.age))

    def made(self) -> Any:
        self.next += 1
        values = person(self.next)._asdict()
        del values["id"]
        return self.person(**values)

    async def create(self) -> Any:
        made = self.made()
        await made.save()
        return made

    async def bulk_create(self) -> None:
        await self.person.insert(*[self.made() for _ in range(100)])

    async def update_one(self) -> None:
        p = self.person
        await p.update({p.score: QueryString("score + {}", 1.0)}).where(p.id == 500)

    async def update_many(self) -> None:
        p = self.person
        await p.update({p.score: QueryString("score + {}", 1.0)}).where(p.id <= 100)

    async def delete_one(self) -> None:
        made = await self.create()
        await made.remove()

    async def transaction(self) -> None:
        async with self.engine.transaction():
            found = await self.get()
            found.score += 1
            await found.save([self.person.score])
            await self.create()

    async def gather_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(50))))

    async def pool_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(100))))
