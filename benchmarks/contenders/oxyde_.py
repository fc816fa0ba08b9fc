"""oxyde: validated Pydantic models."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.jobs import FIRST_BATCH
from benchmarks.jobs import person as make_person
from oxyde import Avg, Count, F, Field, Model, PoolSettings, atomic, db


class PersonModel(Model):
    """The table of all jobs."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=100)
    email: str
    age: int
    score: float
    active: bool

    class Meta:
        is_table = True
        table_name = "person"


class Contender:
    """Rows as validated models."""

    async def open(self, path: str) -> None:
        await db.init(default=f"sqlite:///{path}", settings=PoolSettings(max_connections=4))
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await db.close()

    async def get(self) -> PersonModel:
        return await PersonModel.objects.get(id=500)

    async def all_rows(self) -> list[PersonModel]:
        return await PersonModel.objects.filter(id__lte=1000).all()

    async def filtered(self) -> list[PersonModel]:
        return await PersonModel.objects.filter(age__gte=30, active=True).order_by("-name").limit(100).all()

    async def in_list(self) -> list[PersonModel]:
        return await PersonModel.objects.filter(id__in=range(1, 1000, 20)).all()

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        return await PersonModel.objects.filter(id__lte=1000).values().all()

    async def count(self) -> int:
        return await PersonModel.objects.filter(age__gte=40).count()

    async def aggregate(self) -> list[dict[str, Any]]:
        query = (
            PersonModel.objects.filter(id__lte=1000).annotate(n=Count("*"), mean=Avg("score")).group_by("age")
        )
        return await query.order_by("age").values("age", "n", "mean").all()

    def row(self) -> dict[str, Any]:
        self.next += 1
        values = make_person(self.next)._asdict()
        del values["id"]
        return values

    async def create(self) -> PersonModel:
        return await PersonModel.objects.create(**self.row())

    async def bulk_create(self) -> list[PersonModel]:
        return await PersonModel.objects.bulk_create([self.row() for _ in range(100)])

    async def update_one(self) -> int:
        return await PersonModel.objects.filter(id=500).update(score=F("score") + 1.0)

    async def update_many(self) -> int:
        return await PersonModel.objects.filter(id__lte=100).update(score=F("score") + 1.0)

    async def delete_one(self) -> None:
        made = await PersonModel.objects.create(**self.row())
        await made.delete()

    async def transaction(self) -> None:
        async with atomic():
            found = await PersonModel.objects.get(id=500)
            await PersonModel.objects.filter(id=500).update(score=found.score + 1)
            await PersonModel.objects.create(**self.row())

    async def gather_gets(self) -> list[PersonModel]:
        return list(await asyncio.gather(*(self.get() for _ in range(50))))
