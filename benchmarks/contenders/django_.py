"""Django's ORM, called inline on the loop's thread: its fastest way here, since its own async
methods add a thread hop to each call (psycopg and mysqlclient underneath). One connection."""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings

from benchmarks.databases import Place
from benchmarks.jobs import FIRST_BATCH, PRAGMAS, person

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


class Contender:
    """Django's model objects, synchronous."""

    async def open(self, place: Place) -> None:
        if not settings.configured:
            settings.configure(
                DATABASES={"default": database_settings(place)},
                DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
                USE_TZ=True,
            )
            django.setup()
        from django.db import connection, models, transaction

        class Person(models.Model):
            name = models.CharField(max_length=100)
            email = models.CharField(max_length=255)
            age = models.IntegerField()
            score = models.FloatField()
            active = models.BooleanField()

            class Meta:
                app_label = "bench"
                db_table = place.table

        class Note(models.Model):
            person = models.ForeignKey(Person, models.CASCADE)
            text = models.CharField(max_length=100)

            class Meta:
                app_label = "bench"
                db_table = place.notes

        self.model: Any = Person
        self.notes: Any = Note
        self.connection = connection
        self.models: Any = models
        self.transaction_module = transaction
        self.next = FIRST_BATCH

    async def close(self) -> None:
        self.connection.close()

    async def get(self) -> Any:
        return self.model.objects.get(id=500)

    async def all_rows(self) -> list[Any]:
        return list(self.model.objects.filter(id__lte=1000))

    async def filtered(self) -> list[Any]:
        return list(self.model.objects.filter(age__gte=30, active=True).order_by("-name")[:100])

    async def in_list(self) -> list[Any]:
        return list(self.model.objects.filter(id__in=range(1, 1000, 20)))

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        return list(self.model.objects.filter(id__lte=1000).values())

    async def joined(self) -> list[Any]:
        return list(self.notes.objects.select_related("person"))

    async def count(self) -> int:
        return int(self.model.objects.filter(age__gte=40).count())

    async def aggregate(self) -> list[dict[str, Any]]:
        rows = self.model.objects.filter(id__lte=1000).values("age").order_by("age")
        return list(rows.annotate(n=self.models.Count("*"), mean=self.models.Avg("score")))

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = person(self.next)._asdict()
        del values["id"]
        return values

    async def create(self) -> Any:
        return self.model.objects.create(**self.values())

    async def bulk_create(self) -> Any:
        return self.model.objects.bulk_create([self.model(**self.values()) for _ in range(100)])

    async def update_one(self) -> None:
        self.model.objects.filter(id=500).update(score=self.models.F("score") + 1.0)

    async def update_many(self) -> None:
        self.model.objects.filter(id__lte=100).update(score=self.models.F("score") + 1.0)

    async def delete_one(self) -> None:
        made = await self.create()
        made.delete()

    async def transaction(self) -> None:
        with self.transaction_module.atomic():
            found = self.model.objects.get(id=500)
            found.score += 1
            found.save(update_fields=["score"])
            self.model.objects.create(**self.values())

    async def gather_gets(self) -> list[Any]:
        return [await self.get() for _ in range(50)]

    async def pool_gets(self) -> list[Any]:
        return [await self.get() for _ in range(100)]
