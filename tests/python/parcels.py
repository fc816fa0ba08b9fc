"""The models that the tests of queries and transactions share."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from servers import Server, drop_everything

from oxyde import Field, Model, create_tables, db


class State(enum.Enum):
    NEW = "new"
    SENT = "sent"


class Parcel(Model):
    id: int | None = Field(default=None, db_pk=True)
    ref: str = Field(db_unique=True, max_length=20)
    weight: int = Field(default=0, ge=0)
    price: Decimal | None = None
    sent: datetime | None = None
    due: date | None = None
    note: str | None = Field(default=None, db_column="remark")
    state: State = State.NEW
    extra: dict[str, Any] = {}
    marks: list[str] = []
    depot_id: int | None = None

    class Meta:
        is_table = True
        table_name = "parcels"


class Berth(Model):
    harbour: str = Field(db_pk=True)
    number: int = Field(db_pk=True)
    depth: int = 0

    class Meta:
        is_table = True
        table_name = "berths"


class Note(Model):
    """No key at all."""

    text: str
    rank: int = 0

    class Meta:
        is_table = True
        table_name = "notes"
        ordering = ["-rank"]


MODELS = [Parcel, Berth, Note]


@asynccontextmanager
async def memory() -> AsyncIterator[db.AsyncDatabase]:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=MODELS)
        yield database


@asynccontextmanager
async def served(server: Server, models: list[type[Model]]) -> AsyncIterator[db.AsyncDatabase]:
    """The default database on that server, with these tables and nothing else in it."""
    if server.backend != "sqlite":
        drop_everything(server)
    async with db.connect("sqlite://:memory:" if server.backend == "sqlite" else server.url) as database:
        await create_tables(database, models=models)
        yield database


@asynccontextmanager
async def filled(server: Server | None = None) -> AsyncIterator[db.AsyncDatabase]:
    """Five parcels: A0 to A4, of weight 0, 1, 4, 9, 16; in memory or on a server."""
    async with memory() if server is None else served(server, MODELS) as database:
        await Parcel.objects.bulk_create(
            [
                Parcel(
                    ref=f"A{n}",
                    weight=n * n,
                    price=Decimal(n) / 2 if n else None,
                    sent=datetime(2031, 1, 1 + n, 12) if n % 2 else None,
                    due=date(2031, 5, n + 1),
                    depot_id=n % 2,
                    extra={"size": {"width": n}},
                    marks=["x"] * n,
                )
                for n in range(5)
            ]
        )
        yield database
