"""Tortoise ORM (aiosqlite, asyncpg, asyncmy underneath)."""

from __future__ import annotations

import asyncio
from typing import Any

from tortoise import Tortoise, fields
from tortoise.expressions import F
from tortoise.functions import Avg, Count
from tortoise.models import Model
from tortoise.transactions import in_transaction

from benchmarks.databases import Place
from benchmarks.jobs import FIRST_BATCH, POOL, PRAGMAS, person


class Person(Model):
    """The table of all jobs."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100)
    email = fields.CharField(max_length=255)
    age = fields.IntField()
    score = fields.FloatField()
    active = fields.BooleanField()

    class Meta:
        table = "person"


class Note(Model):
    """The table that is joined to it."""

    id = fields.BigIntField(primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField("models.Person", related_name=False)
    text = fields.CharField(max_length=100)

    class Meta:
        table = "person_note"


def connection_config(place: Place) -> Any:
    """How Tortoise is told where to go."""
    if place.backend == "sqlite":
        return f"sqlite://{place.path}?journal_mode=WAL&synchronous=NORMAL&foreign_keys=ON&cache_size=10000"
    credentials: dict[str, Any] = {
        "host": place.host,
        "port": place.port,
        "user": place.user,
        "password": place.password,
        "database": place.database,
        "minsize": POOL,
        "maxsize": POOL,
    }
    if place.backend == "mysql":
        return {"engine": "tortoise.backends.mysql", "credentials": credentials}
    credentials["server_settings"] = {"synchronous_commit": "off"}
    return {"engine": "tortoise.backends.asyncpg", "credentials": credentials}


class Contender:
    """Tortoise's model objects."""

    async def open(self, place: Place) -> None:
        Person._meta.db_table = place.table
        Note._meta.db_table = place.notes
        connection = connection_config(place)
        await Tortoise.init(
            config={
                "connections": {"default": connection},
                "apps": {"models": {"models": [__name__], "default_connection": "default"}},
            },
            _enable_global_fallback=True,
        )
        if place.backend == "sqlite":
            for pragma in PRAGMAS:
                await Tortoise.get_connection("default").execute_query(pragma)
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

    async def joined(self) -> list[Note]:
        return await Note.all().select_related("person")

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

    async def pool_gets(self) -> list[Person]:
        return list(await asyncio.gather(*(self.get() for _ in range(100))))
