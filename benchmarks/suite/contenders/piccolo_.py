"""Piccolo's ORM (asyncpg underneath). It has no prefetch of what points at a row."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Boolean,
    Date,
    DoublePrecision,
    ForeignKey,
    Numeric,
    Timestamp,
    Varchar,
)
from piccolo.engine.postgres import PostgresEngine
from piccolo.query.functions.aggregate import Avg, Count, Max, Min, Sum
from piccolo.querystring import QueryString
from piccolo.table import Table

from benchmarks.databases import POOL, Place
from benchmarks.suite import rows
from benchmarks.suite.jobs import IN_KEYS


def table(name: str, tablename: str, engine: PostgresEngine, columns: dict[str, Any]) -> Any:
    """A table class for a table that is there."""
    namespace = {"id": BigSerial(primary_key=True), **columns, "__module__": __name__}
    return type(Table)(name, (Table,), namespace, tablename=tablename, db=engine)


def person() -> dict[str, Any]:
    """The columns of the table that is read, and of the one that is written."""
    return {
        "name": Varchar(length=100),
        "email": Varchar(length=100),
        "age": BigInt(),
        "score": DoublePrecision(),
        "active": Boolean(),
    }


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
        make = partial(table, engine=self.engine)
        self.user = make("User", rows.USER, columns=person())
        self.written = make("Written", place.table, columns=person())
        post = {
            "author": ForeignKey(self.user, db_column_name="author_id"),
            "title": Varchar(length=100),
            "views": BigInt(),
        }
        self.post = make("Post", rows.POST, columns=post)
        self.document = make("Document", rows.DOCUMENT, columns={"data": JSONB()})
        entry = {"amount": Numeric(), "fee": Numeric(), "booked": Timestamp(), "due": Date()}
        self.entry = make("Entry", rows.LEDGER_TABLE, columns=entry)
        kinds: tuple[Any, ...] = (BigInt, partial(Varchar, length=100), DoublePrecision)
        wide = {name: kinds[number % 3]() for number, name in enumerate(rows.WIDE_FIELDS)}
        self.wide_table = make("Wide", rows.WIDE_TABLE, columns=wide)
        streamed = {"name": Varchar(length=100), "age": BigInt(), "score": DoublePrecision()}
        self.streamed = make("Streamed", rows.STREAM, columns=streamed)
        self.next = rows.USERS
        for number in (10, 50, 100):
            setattr(self, f"gather_{number}", partial(self.gather, number))

    async def close(self) -> None:
        await self.engine.close_connection_pool()

    async def first(self, *conditions: Any) -> Any:
        return await self.user.objects().where(*conditions).first()

    async def get(self) -> Any:
        return await self.first(self.user.id == 500)

    async def filter_800(self) -> list[Any]:
        return list(await self.user.objects().where(self.user.age >= 30))

    async def filter_simple(self) -> list[Any]:
        return list(await self.user.objects().where(self.user.age == 40))

    async def filter_complex(self) -> list[Any]:
        user = self.user
        either = ((user.age >= 30) & (user.age < 40)) | (user.score >= 1000.0)
        named = user.name.not_like("User 0090%")
        return list(await user.objects().where(either, user.active.eq(True), named))

    async def filter_in(self) -> list[Any]:
        return list(await self.user.objects().where(self.user.id.is_in(list(IN_KEYS))))

    async def order_limit(self) -> list[Any]:
        ordered = self.user.objects().order_by(self.user.age, ascending=False).order_by(self.user.name)
        return list(await ordered.limit(50))

    async def count(self) -> int:
        return int(await self.user.count().where(self.user.age >= 30))

    async def aggregate(self) -> Any:
        age, score = self.user.age, self.user.score
        query = self.user.select(Count(), Sum(age), Avg(score), Min(score), Max(score))
        return await query.where(self.user.active.eq(True))

    async def join_all(self) -> list[Any]:
        return list(await self.post.objects(self.post.author))

    async def join_filter(self) -> list[Any]:
        return list(await self.post.objects(self.post.author).where(self.post.author.age == 40))

    async def gather(self, number: int) -> list[Any]:
        return list(await asyncio.gather(*(self.first(self.user.id == 500) for _ in range(number))))

    async def statements_8(self) -> list[Any]:
        user = self.user
        return [
            await self.first(user.id == 500),
            await self.first(user.id == 500, user.age >= 20),
            await self.first(user.id == 500, user.score >= 1.5),
            await self.first(user.id == 500, user.active.eq(True)),
            await self.first(user.id == 500, user.age <= 69),
            await self.first(user.id == 500, user.score <= 9999.5),
            await self.first(user.id == 500, user.name == rows.user(500).name),
            await self.first(user.id == 500, user.email == rows.user(500).email),
        ]

    async def wide(self) -> Any:
        return await self.wide_table.objects().where(self.wide_table.id == 7).first()

    async def documents(self) -> list[Any]:
        return list(await self.document.objects().output(load_json=True))

    async def ledger(self) -> list[Any]:
        return list(await self.entry.objects())

    async def stream(self) -> int:
        number = 0
        async with await self.streamed.objects().batch(batch_size=2000) as batches:
            async for batch in batches:
                number += len(batch)
        return number

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = rows.user(self.next)._asdict()
        del values["id"]
        return values

    async def insert_one(self) -> Any:
        made = self.written(**self.values())
        await made.save()
        return made

    async def insert_many(self, number: int) -> None:
        await self.written.insert(*(self.written(**self.values()) for _ in range(number)))

    async def bulk_100(self) -> None:
        await self.insert_many(100)

    async def bulk_10000(self) -> None:
        async with self.engine.transaction():
            for _ in range(2):  # asyncpg takes 32,767 parameters at most
                await self.insert_many(5_000)

    async def update_one(self) -> None:
        await self.written.update({self.written.score: QueryString("score + {}", 1.0)}).where(
            self.written.id == 500
        )

    async def update_many(self) -> None:
        await self.written.update({self.written.score: QueryString("score + {}", 1.0)}).where(
            self.written.id <= 100
        )

    async def delete_one(self) -> None:
        made = await self.insert_one()
        await made.remove()
