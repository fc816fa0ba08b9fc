"""oxyde: validated Pydantic models. Also what the published oxyde is measured with, in its own
environment, so it uses only what both document."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from benchmarks.databases import POOL, Place
from benchmarks.models import SCHEMES, Person, wide_model
from benchmarks.suite import rows
from benchmarks.suite.jobs import IN_KEYS, TWO_LEVEL_USERS
from oxyde import Avg, Count, F, Field, Max, Min, Model, PoolSettings, Q, Sum, db


class SuiteUser(Person):
    posts: list[SuitePost] = Field(default_factory=list, db_reverse_fk="author")

    class Meta:
        is_table = True
        table_name = rows.USER


class SuitePost(Model):
    id: int | None = Field(default=None, db_pk=True)
    author: SuiteUser | None = None
    title: str
    views: int
    tags: list[SuiteTag] = Field(default_factory=list, db_m2m=True, db_through="SuitePostTag")

    class Meta:
        is_table = True
        table_name = rows.POST


class SuiteTag(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str

    class Meta:
        is_table = True
        table_name = rows.TAG


class SuitePostTag(Model):
    id: int | None = Field(default=None, db_pk=True)
    post: SuitePost | None = None
    tag: SuiteTag | None = None

    class Meta:
        is_table = True
        table_name = rows.LINK


class SuiteDocument(Model):
    id: int | None = Field(default=None, db_pk=True)
    data: dict[str, Any]

    class Meta:
        is_table = True
        table_name = rows.DOCUMENT


class SuiteEntry(Model):
    id: int | None = Field(default=None, db_pk=True)
    amount: Decimal = Field(max_digits=12, decimal_places=2)
    fee: Decimal = Field(max_digits=12, decimal_places=4)
    booked: datetime
    due: date

    class Meta:
        is_table = True
        table_name = rows.LEDGER_TABLE


class SuiteStreamed(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str
    age: int
    score: float

    class Meta:
        is_table = True
        table_name = rows.STREAM


def wide_columns() -> dict[str, type]:
    """Of three types in turn."""
    kinds = (int, str, float)
    return {name: kinds[place % 3] for place, name in enumerate(rows.WIDE_FIELDS)}


def written_model(table: str) -> Any:
    """The table that is written."""

    class SuiteWritten(Person):
        class Meta:
            is_table = True
            table_name = table

    return SuiteWritten


async def each(query: Any) -> int:
    """Takes every row of a query."""
    number = 0
    async for _ in query:
        number += 1
    return number


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
        self.written = written_model(place.table)
        self.wide_model = wide_model("SuiteWide", rows.WIDE_TABLE, wide_columns(), __name__)
        self.next = rows.USERS
        users = SuiteUser.objects
        self.eight: tuple[Callable[[], Awaitable[Any]], ...] = (
            partial(users.get, id=500),
            partial(users.get, id=500, age__gte=20),
            partial(users.get, id=500, score__gte=1.5),
            partial(users.get, id=500, active=True),
            partial(users.get, id=500, age__lte=69),
            partial(users.get, id=500, score__lte=9999.5),
            partial(users.get, id=500, name=rows.user(500).name),
            partial(users.get, id=500, email=rows.user(500).email),
        )
        for number in (10, 50, 100):
            setattr(self, f"gather_{number}", partial(self.gather, number))

    async def close(self) -> None:
        await db.close()

    async def get(self) -> Any:
        return await SuiteUser.objects.get(id=500)

    async def filter_800(self) -> list[Any]:
        return await SuiteUser.objects.filter(age__gte=30).all()

    async def filter_simple(self) -> list[Any]:
        return await SuiteUser.objects.filter(age=40).all()

    async def filter_complex(self) -> list[Any]:
        return (
            await SuiteUser.objects.filter(Q(age__gte=30, age__lt=40) | Q(score__gte=1000.0), active=True)
            .exclude(name__startswith="User 0090")
            .all()
        )

    async def filter_in(self) -> list[Any]:
        return await SuiteUser.objects.filter(id__in=IN_KEYS).all()

    async def order_limit(self) -> list[Any]:
        return await SuiteUser.objects.order_by("-age", "name").limit(50).all()

    async def count(self) -> int:
        return await SuiteUser.objects.filter(age__gte=30).count()

    async def aggregate(self) -> Any:
        query = SuiteUser.objects.filter(active=True).annotate(
            n=Count("*"), total=Sum("age"), mean=Avg("score"), least=Min("score"), most=Max("score")
        )
        return await query.values("n", "total", "mean", "least", "most").all()

    async def join_all(self) -> list[Any]:
        return await SuitePost.objects.join("author").all()

    async def join_filter(self) -> list[Any]:
        return await SuitePost.objects.join("author").filter(author__age=40).all()

    async def prefetch_one(self) -> list[Any]:
        return await SuiteUser.objects.order_by("id").prefetch("posts").all()

    async def prefetch_two(self) -> list[Any]:
        users = SuiteUser.objects.filter(id__lte=TWO_LEVEL_USERS).order_by("id")
        return await users.prefetch("posts", "posts__tags").all()

    async def gather(self, number: int) -> list[Any]:
        return list(await asyncio.gather(*(SuiteUser.objects.get(id=500) for _ in range(number))))

    async def statements_8(self) -> list[Any]:
        return [await call() for call in self.eight]

    async def wide(self) -> Any:
        return await self.wide_model.objects.get(id=7)

    async def documents(self) -> list[Any]:
        return await SuiteDocument.objects.all()

    async def ledger(self) -> list[Any]:
        return await SuiteEntry.objects.all()

    async def stream(self) -> int:
        return await each(SuiteStreamed.objects.iterator(2000))

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = rows.user(self.next)._asdict()
        del values["id"]
        return values

    async def insert_one(self) -> Any:
        return await self.written.objects.create(**self.values())

    async def bulk_100(self) -> Any:
        return await self.written.objects.bulk_create([self.written(**self.values()) for _ in range(100)])

    async def bulk_10000(self) -> Any:
        return await self.written.objects.bulk_create([self.written(**self.values()) for _ in range(10_000)])

    async def update_one(self) -> int:
        return await self.written.objects.filter(id=500).update(score=F("score") + 1.0)

    async def update_many(self) -> int:
        return await self.written.objects.filter(id__lte=100).update(score=F("score") + 1.0)

    async def delete_one(self) -> None:
        made = await self.written.objects.create(**self.values())
        await made.delete()
