"""Peewee, called inline on one connection (sqlite3, psycopg 3, mysqlclient or PyMySQL underneath)."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import peewee
from playhouse.postgres_ext import Psycopg3Database

from benchmarks.databases import PRAGMAS, Place
from benchmarks.suite import rows
from benchmarks.suite.jobs import IN_KEYS, TWO_LEVEL_USERS


class JsonText(peewee.TextField):
    """Peewee's own JSON fields differ from database to database; PostgreSQL's driver decodes."""

    def python_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, (str, bytes)) else value


def database_of(place: Place) -> Any:
    """How Peewee is told where to go."""
    if place.backend == "sqlite":
        return peewee.SqliteDatabase(place.path)
    server = {
        "host": place.host,
        "port": place.port,
        "user": place.user,
        "password": place.password or None,
    }
    if place.backend == "mysql":
        server["password"] = place.password
        return peewee.MySQLDatabase(place.database, charset="utf8mb4", **server)
    return Psycopg3Database(place.database, options="-c synchronous_commit=off", **server)


def model(name: str, table: str, database: Any, fields: dict[str, Any]) -> Any:
    """A model class for a table that is there."""
    meta = type("Meta", (), {"database": database, "table_name": table})
    return type(name, (peewee.Model,), {"Meta": meta, "id": peewee.BigAutoField(), **fields})


def person() -> dict[str, Any]:
    """The fields of the table that is read, and of the one that is written."""
    return {
        "name": peewee.CharField(max_length=100),
        "email": peewee.CharField(max_length=100),
        "age": peewee.BigIntegerField(),
        "score": peewee.DoubleField(),
        "active": peewee.BooleanField(),
    }


class Contender:
    """Peewee's model objects, synchronous."""

    async def open(self, place: Place) -> None:
        self.db = db = database_of(place)
        db.connect()
        if place.backend == "sqlite":
            for pragma in PRAGMAS:
                db.execute_sql(pragma)
        text = partial(peewee.CharField, max_length=100)
        self.user = model("User", rows.USER, db, person())
        self.written = model("Written", place.table, db, person())
        self.tag = model("Tag", rows.TAG, db, {"label": text()})
        author = peewee.ForeignKeyField(self.user, backref="posts")
        views = peewee.BigIntegerField()
        self.post = model("Post", rows.POST, db, {"author": author, "title": text(), "views": views})
        ends = {
            "post": peewee.ForeignKeyField(self.post, backref="links"),
            "tag": peewee.ForeignKeyField(self.tag, backref="links"),
        }
        self.link = model("Link", rows.LINK, db, ends)
        self.document = model("Document", rows.DOCUMENT, db, {"data": JsonText()})
        entry = {
            "amount": peewee.DecimalField(max_digits=12, decimal_places=2),
            "fee": peewee.DecimalField(max_digits=12, decimal_places=4),
            "booked": peewee.DateTimeField(),
            "due": peewee.DateField(),
        }
        self.entry = model("Entry", rows.LEDGER_TABLE, db, entry)
        kinds: tuple[Any, ...] = (peewee.BigIntegerField, text, peewee.DoubleField)
        wide = {name: kinds[number % 3]() for number, name in enumerate(rows.WIDE_FIELDS)}
        self.wide_model = model("Wide", rows.WIDE_TABLE, db, wide)
        streamed = {"name": text(), "age": peewee.BigIntegerField(), "score": peewee.DoubleField()}
        self.streamed = model("Streamed", rows.STREAM, db, streamed)
        self.next = rows.USERS
        for number in (10, 50, 100):
            setattr(self, f"gather_{number}", partial(self.gather, number))

    async def close(self) -> None:
        self.db.close()

    async def get(self) -> Any:
        return self.user.get_by_id(500)

    async def filter_800(self) -> list[Any]:
        return list(self.user.select().where(self.user.age >= 30))

    async def filter_simple(self) -> list[Any]:
        return list(self.user.select().where(self.user.age == 40))

    async def filter_complex(self) -> list[Any]:
        user = self.user
        either = ((user.age >= 30) & (user.age < 40)) | (user.score >= 1000.0)
        named = user.name.startswith("User 0090")
        return list(user.select().where(either, user.active == True, ~named))  # noqa: E712

    async def filter_in(self) -> list[Any]:
        return list(self.user.select().where(self.user.id.in_(IN_KEYS)))

    async def order_limit(self) -> list[Any]:
        return list(self.user.select().order_by(self.user.age.desc(), self.user.name).limit(50))

    async def count(self) -> int:
        return int(self.user.select().where(self.user.age >= 30).count())

    async def aggregate(self) -> Any:
        fn, user = peewee.fn, self.user
        found = user.select(
            fn.COUNT(user.id), fn.SUM(user.age), fn.AVG(user.score), fn.MIN(user.score), fn.MAX(user.score)
        )
        return found.where(user.active == True).tuples().get()  # noqa: E712

    async def join_all(self) -> list[Any]:
        return list(self.post.select(self.post, self.user).join(self.user))

    async def join_filter(self) -> list[Any]:
        return list(self.post.select(self.post, self.user).join(self.user).where(self.user.age == 40))

    async def prefetch_one(self) -> list[Any]:
        return list(peewee.prefetch(self.user.select().order_by(self.user.id), self.post.select()))

    async def prefetch_two(self) -> list[Any]:
        users = self.user.select().where(self.user.id <= TWO_LEVEL_USERS).order_by(self.user.id)
        links = self.link.select(self.link, self.tag).join(self.tag)
        return list(peewee.prefetch(users, self.post.select(), links))

    async def gather(self, number: int) -> list[Any]:
        return [await self.get() for _ in range(number)]

    async def statements_8(self) -> list[Any]:
        user = self.user
        return [
            user.get(user.id == 500),
            user.get(user.id == 500, user.age >= 20),
            user.get(user.id == 500, user.score >= 1.5),
            user.get(user.id == 500, user.active == True),  # noqa: E712
            user.get(user.id == 500, user.age <= 69),
            user.get(user.id == 500, user.score <= 9999.5),
            user.get(user.id == 500, user.name == rows.user(500).name),
            user.get(user.id == 500, user.email == rows.user(500).email),
        ]

    async def wide(self) -> Any:
        return self.wide_model.get_by_id(7)

    async def documents(self) -> list[Any]:
        return list(self.document.select())

    async def ledger(self) -> list[Any]:
        return list(self.entry.select())

    async def stream(self) -> int:
        return sum(1 for _ in self.streamed.select().iterator())

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = rows.user(self.next)._asdict()
        del values["id"]
        return values

    async def insert_one(self) -> Any:
        return self.written.create(**self.values())

    async def insert_many(self, number: int) -> None:
        with self.db.atomic():
            for batch in peewee.chunked([self.values() for _ in range(number)], 1000):
                self.written.insert_many(batch).execute()

    async def bulk_100(self) -> None:
        await self.insert_many(100)

    async def bulk_10000(self) -> None:
        await self.insert_many(10_000)

    async def update_one(self) -> None:
        self.written.update(score=self.written.score + 1.0).where(self.written.id == 500).execute()

    async def update_many(self) -> None:
        self.written.update(score=self.written.score + 1.0).where(self.written.id <= 100).execute()

    async def delete_one(self) -> None:
        made = await self.insert_one()
        made.delete_instance()
