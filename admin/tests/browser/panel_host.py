"""A host with a panel that uses everything, for the tests in a browser.

    python panel_host.py DATABASE_URL PORT [LOCALE]

Makes the tables of depots.py, fills them, and serves the panel under /host/admin. Prints "ready".
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import depots
import pydantic
import uvicorn
from fastapi import FastAPI

from oxyde import create_tables, db
from oxyde_admin import FastAPIAdmin, Inline, ModelAdmin, ModelAuth, action, column
from oxyde_admin.auth import hash_password
from oxyde_admin.models import OWN_TABLES

EMAIL, PASSWORD = "ann@example.org", "correct horse"
PARCELS = 260


class Stamp(pydantic.BaseModel):
    note: str = pydantic.Field(title="Note", min_length=3)
    urgent: bool = pydantic.Field(default=False, title="Urgent")


class DepotAdmin(ModelAdmin):
    list_display = ["name", "city"]
    search_fields = ["name"]
    list_filter = ["city"]
    group, icon, label = "Places", "pi pi-building", "Depots"
    importable = True


class ParcelAdmin(ModelAdmin):
    list_display = [
        "code",
        "depot_id",
        "weight",
        "price",
        "sent",
        "grade",
        "due",
        "seen",
        "tags",
        "load",
        "kilos",
    ]
    search_fields = ["code", "note"]
    list_filter = ["depot", "weight", "price", "sent", "fragile", "grade", "due", "seen", "note"]
    ordering = ["code"]
    display_field = "code"
    column_labels = {"depot": "Depot", "seen": "Last seen"}
    fieldsets = [
        ("Parcel", ["code", "depot", "origin", "weight", "price", "ratio", "grade", "size", "tags"]),
        ("State", ["sent", "fragile", "due", "at", "takes", "packed", "seen", "uid", "host"]),
        ("More", ["note", "words", "marks", "extra", "address", "label", "made"]),
    ]
    inlines = [Inline(depots.Event, fields=["text"])]
    group, icon, label = "Goods", "pi pi-box", "Parcels"
    importable = True
    chart = "due"

    @column("Load", ordering="weight")
    async def load(self, ctx: Any, record: Any) -> str:
        return "heavy" if record.weight > 200 else "light"

    @column("Kilos")
    async def kilos(self, ctx, record):  # type: ignore[no-untyped-def]  # says no kind
        return record.weight / 1000

    @action("Mark as sent", scope="rows", confirm="Mark {n} parcels as sent?", icon="pi pi-send")
    async def send(self, ctx: Any, rows: Any) -> str:
        return f"{await rows.update(sent=True)} marked as sent"

    @action("Stamp", scope="rows", form=Stamp)
    async def stamp(self, ctx: Any, rows: Any, form: Stamp) -> str:
        return f"{await rows.update(note=form.note)} stamped"

    @action("Recount", scope="model", icon="pi pi-refresh")
    async def recount(self, ctx: Any) -> str:
        return "Counted again"


async def fill() -> None:
    """The same rows in every run."""
    connected = await db.get_connection()
    await create_tables(connected, models=[*depots.ALL, *OWN_TABLES])
    cities = ["Łódź", "Köln", "القاهرة", "東京"]
    places = await depots.Depot.objects.bulk_create(
        [depots.Depot(name=f"Depot {n}", city=cities[n % 4]) for n in range(1, 9)]
    )
    tags = [depots.Tag(code=f"t{n}", label=f"Tag {n}") for n in range(1, 6)]
    await depots.Tag.objects.bulk_create(tags)
    grades = list(depots.Grade)
    first = date(2026, 1, 1)
    parcels = [
        depots.Parcel(
            code=f"P-{n:04}",
            depot_id=places[n % len(places)].id,
            weight=n,
            price=Decimal(n * 125) / 100,
            grade=grades[n % 3],
            note=None if n % 5 == 0 else f"<b>Note {n}</b> & more",
            due=None if n % 7 == 0 else first + timedelta(days=n % 40),
            seen=datetime(2026, 3, 1, 12, 30, 15, 250000, UTC) + timedelta(hours=n),
            fragile=[None, True, False][n % 3],
        )
        for n in range(1, PARCELS + 1)
    ]
    await depots.Parcel.objects.bulk_create(parcels)
    stored = await depots.Parcel.objects.filter(weight__lte=20).all()
    await depots.ParcelTag.objects.bulk_create(
        [depots.ParcelTag(parcel_id=parcel.id, tag_code=tag.code) for parcel in stored for tag in tags[:4]]
    )
    await depots.Event.objects.bulk_create(
        [depots.Event(parcel_id=parcel.id, text=f"Event of {parcel.code}") for parcel in stored]
    )
    await depots.Shelf.objects.bulk_create(
        [depots.Shelf(hall=hall, number=n, label=f"Shelf {hall}{n}") for hall in "AB" for n in range(1, 4)]
    )
    await depots.Reading.objects.create(sensor="door", value=1.5)
    await depots.Account.objects.create(
        email=EMAIL, password_hash=await hash_password(PASSWORD), permissions=["*:*"]
    )


async def by_depot(user: Any) -> list[tuple[str, int]]:
    return [(f"Depot {n}", n * 3) for n in range(1, 9)]


async def of_grade(user: Any) -> list[tuple[str, int]]:
    return [(grade.value, n + 1) for n, grade in enumerate(depots.Grade)]


def make_panel(**arguments: Any) -> FastAPIAdmin:
    """A panel with all tables; the usual parts of it are overridden by `arguments`."""
    usual: dict[str, Any] = {
        "title": "Goods and places",
        "auth_provider": ModelAuth(depots.Account, permissions="permissions"),
        "permissions": "user",
        "audit": True,
    }
    panel = FastAPIAdmin(**{**usual, **arguments})
    panel.register(depots.Depot, DepotAdmin)
    panel.register(depots.Parcel, ParcelAdmin)
    panel.register(depots.Tag, label="Tags", group="Goods", search_fields=["label"], display_field="label")
    panel.register(depots.Event, label="Events", version_field="version", icon="pi pi-unheard-of")
    panel.register(depots.Shelf, label="Shelves", group="Places")
    panel.register(depots.Account, label="Accounts")
    panel.register(depots.Reading, label="Readings")
    panel.register(depots.Setting, label="Settings")
    panel.chart("by_depot", "Parcels by depot", by_depot)
    panel.chart("of_grade", "Grades", of_grade, kind="pie")
    return panel


def make_host(url: str, locale: str) -> FastAPI:
    """The panel once for each kind of guest: with a login, and open to everybody."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with db.lifespan(default=url)(app):
            await fill()
            yield

    host = FastAPI(lifespan=lifespan)
    host.mount("/host/admin", make_panel(locale=locale).app)
    return host


class Announcing(uvicorn.Server):
    """Says when it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print("ready", flush=True)


def serve(url: str, port: int, locale: str) -> None:
    """Serves until it is told to stop."""
    settings = uvicorn.Config(make_host(url, locale), host="127.0.0.1", port=port, log_level="warning")
    Announcing(settings).run()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "en")
