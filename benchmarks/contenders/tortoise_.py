"""Tortoise ORM (aiosqlite underneath)."""

from __future__ import annotations

import asyncio
from typing import Any

from tortoise import Tortoise, fields
from tortoise.expressions import F
from tortoise.functions import Avg, Count
from tortoise.models import Model
from tortoise.transactions import in_transaction

from benchmarks.jobs import FIRST_BATCH, PRAGMAS, person


class Person(Model):
    """The table of all jobs."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=100)
    email = fields.CharField(max_length=255)
    age = fields.IntField()
    score = fields.FloatField()
    active = fields.BooleanField()

    class Meta:
        table = "person"


class Contender:
    """Tortoise's model objects."""

    async def open(self, path: str) -> None:
        await Tortoise.init(
            db_url=f"sqlite://{path}?journal_mode=WAL&synchronous=NORMAL&foreign_keys=ON&cache_size=10000",
            modules={"models": [__name__]},
            _enable_global_fallback=True,
        )
        connection = Tortoise.get_connection("default")
        for pragma in PRAGMAS:
            await connection.execute_query(pragma)
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await Tortoise.close_connections()

    async def get(self) -> Person:
        return await Person.get(id=500)

    async def all_rows(self) -> list[Person]:
        return await Person.filter(id__lte=1000)

    async def filtered(self) -> list[Person]:
        return await Person.filter(age__gte=30, active=True).order_by("-name").limit(100)

    async def in_list(self) -> list[Person]:
        return await Person.filter(id__in=list(range(1, 1000, 20)))

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        return await Person.filter(id__lte=1000).values()

    async def count(self) -> int:
        return await Person.filter(age__gte=40).count()

    async def aggregate(self) -> list[dict[str, Any]]:
        query = (
            Person.filter(id__lte=1000)
            .annotate(n=Count("id"), mean=Avg("score"))
            .group_by("age")
            .order_by("age")
        )
        return await query.values("age", "n", "mean")

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = person(self.next)._asdict()
        del values["id"]
        return values

    async def create(self) -> Person:
        return await Person.create(**self.values())

    async def bulk_create(self) -> None:
        await Person.bulk_create([Person(**self.values()) for _ in range(100)])

    async def update_one(self) -> None:
        await Person.filter(id=500).update(score=F("score") + 1.0)

    async def update_many(self) -> None:
        await Person.filter(id__lte=100).update(score=F("score") + 1.0)

    async def delete_one(self) -> None:
        made = await self.create()
        await made.delete()

    async def transaction(self) -> None:
        async with in_transaction():
            found = await Person.get(id=500)
            found.score += 1
            await found.save(update_fields=["score"])
            await self.create()

    async def gather_gets(self) -> list[Person]:
        return list(await asyncio.gather(*(self.get() for _ in range(50))))
