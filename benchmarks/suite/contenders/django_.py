"""Django's ORM, called inline on the loop's thread: its fastest way here, since its own async
methods add a thread hop to each call (psycopg and mysqlclient underneath). One connection."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import django
from django.conf import settings

from benchmarks.databases import PRAGMAS, Place
from benchmarks.suite import rows
from benchmarks.suite.jobs import IN_KEYS, TWO_LEVEL_USERS

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def database_settings(place: Place) -> dict[str, Any]:
    """What Django's DATABASES says."""
    if place.backend == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": place.path,
            "OPTIONS": {"init_command": ";".join(PRAGMAS)},
        }
    server = {
        "NAME": place.database,
        "HOST": place.host,
        "PORT": str(place.port),
        "USER": place.user,
        "PASSWORD": place.password,
    }
    if place.backend == "mysql":
        return {"ENGINE": "django.db.backends.mysql", **server}
    options = {"options": "-c synchronous_commit=off"}
    return {"ENGINE": "django.db.backends.postgresql", "OPTIONS": options, **server}


def model(name: str, table: str, fields: dict[str, Any]) -> Any:
    """A model class for a table that is there."""
    from django.db import models

    meta = type("Meta", (), {"app_label": "suite", "db_table": table})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


class Contender:
    """Django's model objects, synchronous."""

    async def open(self, place: Place) -> None:
        settings.configure(
            DATABASES={"default": database_settings(place)},
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            USE_TZ=False,
            INSTALLED_APPS=["benchmarks.suite"],
        )
        django.setup()
        from django.db import connection, models

        def person() -> dict[str, Any]:
            return {
                "name": models.CharField(max_length=100),
                "email": models.CharField(max_length=100),
                "age": models.BigIntegerField(),
                "score": models.FloatField(),
                "active": models.BooleanField(),
            }

        self.connection: Any = connection
        self.models: Any = models
        self.user = model("User", rows.USER, person())
        self.written = model("Written", place.table, person())
        self.tag = model("Tag", rows.TAG, {"label": models.CharField(max_length=100)})
        author = models.ForeignKey(self.user, models.CASCADE, related_name="posts")
        through = models.ManyToManyField(self.tag, through="suite.Link")
        self.post = model(
            "Post",
            rows.POST,
            {
                "author": author,
                "title": models.CharField(max_length=100),
                "views": models.BigIntegerField(),
                "tags": through,
            },
        )
        ends = {
            "post": models.ForeignKey(self.post, models.CASCADE),
            "tag": models.ForeignKey(self.tag, models.CASCADE),
        }
        model("Link", rows.LINK, ends)
        self.document = model("Document", rows.DOCUMENT, {"data": models.JSONField()})
        entry = {
            "amount": models.DecimalField(max_digits=12, decimal_places=2),
            "fee": models.DecimalField(max_digits=12, decimal_places=4),
            "booked": models.DateTimeField(),
            "due": models.DateField(),
        }
        self.entry = model("Entry", rows.LEDGER_TABLE, entry)
        kinds: tuple[Any, ...] = (
            models.BigIntegerField,
            partial(models.CharField, max_length=100),
            models.FloatField,
        )
        wide = {name: kinds[number % 3]() for number, name in enumerate(rows.WIDE_FIELDS)}
        self.wide_model = model("Wide", rows.WIDE_TABLE, wide)
        streamed = person()
        self.streamed = model(
            "Streamed", rows.STREAM, {name: streamed[name] for name in ("name", "age", "score")}
        )
        if place.backend == "sqlite":
            self.ledger = None  # type: ignore[method-assign,assignment]  # decimals are floats there
        self.next = rows.USERS
        for number in (10, 50, 100):
            setattr(self, f"gather_{number}", partial(self.gather, number))

    async def close(self) -> None:
        self.connection.close()

    async def get(self) -> Any:
        return self.user.objects.get(id=500)

    async def filter_800(self) -> list[Any]:
        return list(self.user.objects.filter(age__gte=30))

    async def filter_simple(self) -> list[Any]:
        return list(self.user.objects.filter(age=40))

    async def filter_complex(self) -> list[Any]:
        either = self.models.Q(age__gte=30, age__lt=40) | self.models.Q(score__gte=1000.0)
        return list(self.user.objects.filter(either, active=True).exclude(name__startswith="User 0090"))

    async def filter_in(self) -> list[Any]:
        return list(self.user.objects.filter(id__in=IN_KEYS))

    async def order_limit(self) -> list[Any]:
        return list(self.user.objects.order_by("-age", "name")[:50])

    async def count(self) -> int:
        return int(self.user.objects.filter(age__gte=30).count())

    async def aggregate(self) -> Any:
        m = self.models
        return self.user.objects.filter(active=True).aggregate(
            n=m.Count("*"), total=m.Sum("age"), mean=m.Avg("score"), least=m.Min("score"), most=m.Max("score")
        )

    async def join_all(self) -> list[Any]:
        return list(self.post.objects.select_related("author"))

    async def join_filter(self) -> list[Any]:
        return list(self.post.objects.select_related("author").filter(author__age=40))

    async def prefetch_one(self) -> list[Any]:
        return list(self.user.objects.order_by("id").prefetch_related("posts"))

    async def prefetch_two(self) -> list[Any]:
        users = self.user.objects.filter(id__lte=TWO_LEVEL_USERS).order_by("id")
        return list(users.prefetch_related("posts__tags"))

    async def gather(self, number: int) -> list[Any]:
        return [await self.get() for _ in range(number)]

    async def statements_8(self) -> list[Any]:
        get = self.user.objects.get
        return [
            get(id=500),
            get(id=500, age__gte=20),
            get(id=500, score__gte=1.5),
            get(id=500, active=True),
            get(id=500, age__lte=69),
            get(id=500, score__lte=9999.5),
            get(id=500, name=rows.user(500).name),
            get(id=500, email=rows.user(500).email),
        ]

    async def wide(self) -> Any:
        return self.wide_model.objects.get(id=7)

    async def documents(self) -> list[Any]:
        return list(self.document.objects.all())

    async def ledger(self) -> list[Any]:
        return list(self.entry.objects.all())

    async def stream(self) -> int:
        return sum(1 for _ in self.streamed.objects.iterator(2000))

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = rows.user(self.next)._asdict()
        del values["id"]
        return values

    async def insert_one(self) -> Any:
        return self.written.objects.create(**self.values())

    async def bulk_100(self) -> Any:
        return self.written.objects.bulk_create([self.written(**self.values()) for _ in range(100)])

    async def bulk_10000(self) -> Any:
        return self.written.objects.bulk_create([self.written(**self.values()) for _ in range(10_000)])

    async def update_one(self) -> None:
        self.written.objects.filter(id=500).update(score=self.models.F("score") + 1.0)

    async def update_many(self) -> None:
        self.written.objects.filter(id__lte=100).update(score=self.models.F("score") + 1.0)

    async def delete_one(self) -> None:
        made = await self.insert_one()
        made.delete()
