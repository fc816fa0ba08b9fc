"""Models with relations of every kind, for the tests of paths across them."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from parcels import served
from servers import Server

from oxyde import Field, Model, create_tables, db


class Grade(enum.Enum):
    A = "a"
    B = "b"


class Land(Model):
    id: int | None = Field(default=None, db_pk=True)
    code: str = Field(max_length=20)
    parent: Land | None = None
    halls: list[Hall] = Field(db_reverse_fk="land")
    children: list[Land] = Field(db_reverse_fk="parent")

    class Meta:
        is_table = True
        table_name = "route_lands"


class Hall(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str | None = Field(default=None, db_column="hall_label", max_length=40)
    grade: Grade = Grade.A
    land: Land | None = None
    crates: list[Crate] = Field(db_reverse_fk="hall")
    badge: Badge | None = Field(default=None, db_reverse_fk="hall")

    class Meta:
        is_table = True
        table_name = "route_halls"


class Badge(Model):
    """One of each hall."""

    number: str = Field(db_pk=True, max_length=20)
    hall: Hall | None = Field(default=None, db_unique=True)
    until: date | None = None

    class Meta:
        is_table = True
        table_name = "route_badges"


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    ref: str = Field(db_unique=True, max_length=20)
    weight: int | None = None
    price: Decimal | None = None
    sent: datetime | None = None
    note: str | None = Field(default=None, db_column="remark", max_length=40)
    extra: dict[str, Any] = {}
    hall: Hall | None = None
    tags: list[Tag] = Field(db_m2m=True, db_through="CrateTag")

    class Meta:
        is_table = True
        table_name = "route_crates"


class Tag(Model):
    id: int | None = Field(default=None, db_pk=True)
    text: str | None = Field(default=None, max_length=20)
    crates: list[Crate] = Field(db_m2m=True, db_through="CrateTag")

    class Meta:
        is_table = True
        table_name = "route_tags"


class CrateTag(Model):
    id: int | None = Field(default=None, db_pk=True)
    crate: Crate | None = None
    tag: Tag | None = None

    class Meta:
        is_table = True
        table_name = "route_crate_tags"


MODELS: list[type[Model]] = [Land, Hall, Badge, Crate, Tag, CrateTag]


@asynccontextmanager
async def routes(server: Server | None = None) -> AsyncIterator[db.AsyncDatabase]:
    """The tables, empty; in memory or on a server."""
    if server is not None:
        async with served(server, MODELS) as database:
            yield database
        return
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=MODELS)
        yield database
