"""oxyde: validated Pydantic models."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.databases import Place
from benchmarks.jobs import FIRST_BATCH, POOL
from benchmarks.jobs import person as make_person
from oxyde import Avg, Count, F, Field, Model, PoolSettings, atomic, db


def person_model(table: str) -> Any:
    """The table of all jobs."""

    class PersonModel(Model):
        id: int | None = Field(default=None, db_pk=True)
        name: str = Field(max_length=100)
        email: str
        age: int
        score: float
        active: bool

        class Meta:
            is_table = True
            table_name = table

    return PersonModel


def note_model(table: str, owner: Any) -> Any:
    """The table that is joined to it."""

    class NoteModel(Model):
        id: int | None = Field(default=None, db_pk=True)
        person: owner  # type: ignore[valid-type]
        text: str

        class Meta:
            is_table = True
            table_name = table

    return NoteModel


SCHEMES = {"sqlite": "sqlite", "postgres": "postgresql", "mysql": "mysql"}


class Contender:
    """Rows as validated models."""

    async def open(self, place: Place) -> None:
        if place.backend == "sqlite":
            url, settings = f"sqlite:///{place.path}", PoolSettings(max_connections=4)
        else:
            url = place.url(SCHEMES[place.backend])
            settings = PoolSettings(max_connections=POOL, min_connections=POOL)
            if place.backend == "postgres":
                url += "?options=-c%20synchronous_commit%3Doff"
        await db.init(default=url, settings=settings)
        self.model = person_model(place.table)
        self.notes = note_model(place.notes, self.model)
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await db.close()

    async def get(self) -> Any:
        return await self.model.objects.get(id=500)

    async def all_rows(self) -> list[Any]:
        return await self.model.objects.filter(id__lte=1000).all()

    async def filtered(self) -> list[Any]:
        return await self.model.objects.filter(age__gte=30, active=True).order_by("-name").limit(100).all()

    async def in_list(self) -> list[Any]:
        return await self.model.objects.filter(id__in=range(1, 1000, 20)).all()

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        return await self.model.objects.filter(id__lte=1000).values().all()

    async def joined(self) -> list[Any]:
        return await self.notes.objects.join("person").all()

    async def count(self) -> int:
        return await self.model.objects.filter(age__gte=40).count()

    async def aggregate(self) -> list[dict[str, Any]]:
        query = (
            self.model.objects.filter(id__lte=1000).annotate(n=Count("*"), mean=Avg("score")).group_by("age")
        )
        return await query.order_by("age").values("age", "n", "mean").all()

    def row(self) -> dict[str, Any]:
        self.next += 1
        values = make_person(self.next)._asdict()
        del values["id"]
        return values

    async def create(self) -> Any:
        return await self.model.objects.create(**self.row())

    async def bulk_create(self) -> list[Any]:
        return await self.model.objects.bulk_create([self.row() for _ in range(100)])

    async def update_one(self) -> int:
        return await self.model.objects.filter(id=500).update(score=F("score") + 1.0)

    async def update_many(self) -> int:
        return await self.model.objects.filter(id__lte=100).update(score=F("score") + 1.0)

    async def delete_one(self) -> None:
        made = await self.model.objects.create(**self.row())
        await made.delete()

    async def transaction(self) -> None:
        async with atomic():
            found = await self.model.objects.get(id=500)
            await self.model.objects.filter(id=500).update(score=found.score + 1)
            await self.model.objects.create(**self.row())

    async def gather_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(50))))

    async def pool_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(100))))
