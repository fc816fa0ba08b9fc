"""The application that test_schemathesis.py asks everything: every table, with options, over HTTP.

python fuzzed_host.py PORT DATABASE_URL
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from depots import ALL, Depot, Event, Parcel, ParcelTag, Tag
from fastapi import FastAPI
from pydantic import BaseModel

from oxyde import create_tables, db
from oxyde_admin import AdminUser, AuthProvider, AuthRequest, FastAPIAdmin, Inline, ModelAdmin, action, column
from oxyde_admin.models import OWN_TABLES


class Weight(BaseModel):
    grams: int


class ParcelAdmin(ModelAdmin):
    list_filter = ["id", "code", "depot", "depot__city", "weight", "price", "sent", "grade", "due", "packed"]
    search_fields = ["code", "note", "depot__name", "weight"]
    ordering = ["-price"]
    inlines = [Inline(Event)]
    importable = True
    chart = "made"
    version_field = "weight"

    @column("kg", ordering="weight")
    async def kg(self, ctx: Any, record: Any) -> float | None:
        return None if record.weight is None else record.weight / 1000

    @action("Weigh", form=Weight)
    async def weigh(self, ctx: Any, rows: Any, form: Weight) -> str:
        return f"{await rows.count()} weighed"


class Everybody(AuthProvider):
    """Nobody need log in; so that a login can be tried, there is one."""

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        return AdminUser(id="1", name="Ann")

    async def login(self, credentials: Any) -> str | None:
        return None


def application(url: str) -> FastAPI:
    panel = FastAPIAdmin(auth_provider=Everybody(), audit=True, login_limit=(1_000_000, 1), max_body=100_000)
    for model in ALL:
        if model is not Parcel:
            panel.register(model, importable=bool(model._db_meta.pk_fields))
    panel.register(Parcel, ParcelAdmin)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await db.init(default=url)
        await create_tables(await db.get_connection(), models=[*ALL, *OWN_TABLES])
        depot = await Depot.objects.create(name="North", city="Kiel")
        parcel = await Parcel.objects.create(code="A-1", depot=depot, label=b"bytes")
        await Tag.objects.create(code="red", label="Red")
        await ParcelTag.objects.create(parcel=parcel, tag_code="red")
        await Event.objects.create(parcel=parcel, text="packed")
        yield
        await db.close()

    host = FastAPI(lifespan=lifespan)
    host.mount("/admin", panel.app)
    return host


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), port=int(sys.argv[1]), log_level="warning")
