"""A host with a panel of kinds.py, open to everybody: `python kinds_host.py DATABASE_URL PORT`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import kinds
import uvicorn
from fastapi import FastAPI
from panel_host import Announcing

from oxyde import create_tables, db
from oxyde_admin import FastAPIAdmin
from oxyde_admin.models import OWN_TABLES


def make_host(url: str) -> FastAPI:
    panel = FastAPIAdmin(title="Kinds", audit=True, timezone="Europe/Berlin", per_page=40)
    panel.register(kinds.Maker, label="Makers", search_fields=["name"])
    panel.register(kinds.Topic, label="Topics", search_fields=["name"], fieldsets=[("Basics", ["name"])])
    panel.register(kinds.Sample, kinds.SampleAdmin)
    panel.register(kinds.Remark, label="Remarks")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with db.lifespan(default=url)(app):
            await create_tables(await db.get_connection(), models=[*kinds.ALL, *OWN_TABLES])
            makers = [kinds.Maker(name=f"Maker {n:02}") for n in range(1, 61)]
            await kinds.Maker.objects.bulk_create(makers)
            await kinds.Topic.objects.bulk_create([kinds.Topic(name=f"Topic {n}") for n in range(1, 6)])
            yield

    host = FastAPI(lifespan=lifespan)
    host.mount("/admin", panel.app)
    return host


if __name__ == "__main__":
    settings = uvicorn.Config(
        make_host(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning"
    )
    Announcing(settings).run()
