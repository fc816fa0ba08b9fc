"""Tortoise ORM (aiosqlite, asyncpg, asyncmy underneath)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from tortoise import Tortoise, fields
from tortoise.expressions import F, Q
from tortoise.functions import Avg, Count, Max, Min, Sum
from tortoise.models import Model

from benchmarks.databases import POOL, PRAGMAS, Place
from benchmarks.suite import rows
from benchmarks.suite.jobs import IN_KEYS, TWO_LEVEL_USERS


class Person(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100)
    email = fields.CharField(max_length=100)
    age = fields.BigIntField()
    score = fields.FloatField()
    active = fields.BooleanField()

    class Meta:
        abstract = True


class User(Person):
    posts: fields.ReverseRelation[Any]

    class Meta:
        table = rows.USER


class Written(Person):
    class Meta:
        table = "written"


class Tag(Model):
    id = fields.BigIntField(primary_key=True)
    label = fields.CharField(max_length=100)

    class Meta:
        table = rows.TAG


class Post(Model):
    id = fields.BigIntField(primary_key=True)
    author: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name="posts")
    title = fields.CharField(max_length=100)
    views = fields.BigIntField()
    tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField(
        "models.Tag",
        through=rows.LINK,
        forward_key="tag_id",
        backward_key="post_id",
        related_name="posts",
    )

    class Meta:
        table = rows.POST


class Document(Model):
    id = fields.BigIntField(primary_key=True)
    data: Any = fields.JSONField()

    class Meta:
        table = rows.DOCUMENT


class Entry(Model):
    id = fields.BigIntField(primary_key=True)
    amount = fields.DecimalField(max_digits=12, decimal_places=2)
    fee = fields.DecimalField(max_digits=12, decimal_places=4)
    booked = fields.DatetimeField()
    due = fields.DateField()

    class Meta:
        table = rows.LEDGER_TABLE


class Wide(Model):
    id = fields.BigIntField(primary_key=True)
    for place, name in enumerate(rows.WIDE_FIELDS):
        locals()[name] = (fields.BigIntField, partial(fields.CharField, max_length=100), fields.FloatField)[
            place % 3
        ]()
    del place, name

    class Meta:
        table = rows.WIDE_TABLE


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
        Written._meta.db_table = place.table
        await Tortoise.init(
            config={
                "connections": {"default": connection_config(place)},
                "apps": {"models": {"models": [__name__], "default_connection": "default"}},
                "use_tz": False,
            },
            _enable_global_fallback=True,
        )
        if place.backend == "sqlite":
            for pragma in PRAGMAS:
                await Tortoise.get_connection("default").execute_query(pragma)
        self.next = rows.USERS
        for number in (10, 50, 100):
            setattr(self, f"gather_{number}", partial(self.gather, number))

    async def close(self) -> None:
        await Tortoise.close_connections()

    async def get(self) -> User:
        return await User.get(id=500)

    async def filter_800(self) -> list[User]:
        return await User.filter(age__gte=30)

    async def filter_simple(self) -> list[User]:
        return await User.filter(age=40)

    async def filter_complex(self) -> list[User]:
        either = Q(age__gte=30, age__lt=40) | Q(score__gte=1000.0)
        return await User.filter(either, active=True).exclude(name__startswith="User 0090")

    async def filter_in(self) -> list[User]:
        return await User.filter(id__in=IN_KEYS)

    async def order_limit(self) -> list[User]:
        return await User.all().order_by("-age", "name").limit(50)

    async def count(self) -> int:
        return await User.filter(age__gte=30).count()

    async def aggregate(self) -> Any:
        query = User.filter(active=True).annotate(
            n=Count("id"), total=Sum("age"), mean=Avg("score"), least=Min("score"), most=Max("score")
        )
        return await query.values("n", "total", "mean", "least", "most")

    async def join_all(self) -> list[Post]:
        return await Post.all().select_related("author")

    async def join_filter(self) -> list[Post]:
        return await Post.filter(author__age=40).select_related("author")

    async def prefetch_one(self) -> list[User]:
        return await User.all().order_by("id").prefetch_related("posts")

    async def prefetch_two(self) -> list[User]:
        users = User.filter(id__lte=TWO_LEVEL_USERS).order_by("id")
        return await users.prefetch_related("posts", "posts__tags")

    async def gather(self, number: int) -> list[User]:
        return list(await asyncio.gather(*(User.get(id=500) for _ in range(number))))

    async def statements_8(self) -> list[User]:
        return [
            await User.get(id=500),
            await User.get(id=500, age__gte=20),
            await User.get(id=500, score__gte=1.5),
            await User.get(id=500, active=True),
            await User.get(id=500, age__lte=69),
            await User.get(id=500, score__lte=9999.5),
            await User.get(id=500, name=rows.user(500).name),
            await User.get(id=500, email=rows.user(500).email),
        ]

    async def wide(self) -> Wide:
        return await Wide.get(id=7)

    async def documents(self) -> list[Document]:
        return await Document.all()

    async def ledger(self) -> list[Entry]:
        return await Entry.all()

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = rows.user(self.next)._asdict()
        del values["id"]
        return values

    async def insert_one(self) -> Written:
        return await Written.create(**self.values())

    async def bulk_100(self) -> None:
        await Written.bulk_create([Written(**self.values()) for _ in range(100)])

    async def bulk_10000(self) -> None:
        await Written.bulk_create([Written(**self.values()) for _ in range(10_000)])

    async def update_one(self) -> None:
        await Written.filter(id=500).update(score=F("score") + 1.0)

    async def update_many(self) -> None:
        await Written.filter(id__lte=100).update(score=F("score") + 1.0)

    async def delete_one(self) -> None:
        made = await self.insert_one()
        await made.delete()
