"""The application on a database of each server, with a member and a client of every role."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
from fastapi import FastAPI

from oxyde import db
from oxyde.migrations import apply_migrations
from trailbook import models
from trailbook.access import digest
from trailbook.app import create_app
from trailbook.models import Label, LoginToken, Member, Region, Role, Trail, TrailLabel, now
from trailbook.settings import Settings

HOME = Path(__file__).resolve().parent.parent
SERVERS = os.environ.get("OXYDE_TEST_SERVERS", "sqlite").replace(",", " ").split()
# Rows go before those that they refer to.
TABLES = ("Visit", "Favourite", "Remark", "TrailLabel", "Trail", "Label", "LoginToken", "Profile", "Member")
HASH = "scrypt$never-to-be-shown"


@dataclass
class World:
    """The running application, and rows that most tests need."""

    app: FastAPI
    members: dict[str, Member]
    trail: Trail
    label: Label
    anonymous: httpx.AsyncClient
    as_: dict[str, httpx.AsyncClient]

    def clients(self) -> dict[str, httpx.AsyncClient]:
        return {"anonymous": self.anonymous, **self.as_}


def trail_values(title: str = "Mill Round", **values: Any) -> dict[str, Any]:
    """What POST /trails takes."""
    return {"title": title, "length_km": "7.50", "walking_time": "PT2H30M", **values}


@pytest.fixture(scope="session", params=SERVERS)
def migrated(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    """An empty database that has all migrations."""
    with servers.fresh_database(request.param) as found:

        async def migrate() -> None:
            async with db.connect(found.url):
                await apply_migrations(str(HOME / "migrations"))

        asyncio.run(migrate())
        yield found


@pytest.fixture
def settings(migrated: servers.Server) -> Settings:
    return Settings(database_url=migrated.url, debug=True)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """The application started and stopped as a server does it, and a client without login."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 5000))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://trailbook") as client,
    ):
        yield app, client


async def empty() -> None:
    """Deletes every row."""
    for name in TABLES:
        await getattr(models, name).objects.delete()
    await Region.objects.update(parent=None)
    await Region.objects.delete()


async def make_member(handle: str, role: Role = Role.READER, **values: Any) -> Member:
    return await Member.objects.create(
        handle=handle, email=f"{handle}@trailbook.example", password_hash=HASH, role=role, **values
    )


async def log_in(app: FastAPI, member: Member) -> httpx.AsyncClient:
    """A client of this member, by a token of its own."""
    token = f"token of {member.handle}"
    await LoginToken.objects.create(digest=digest(token), expires=now() + timedelta(hours=1), member=member)
    transport = httpx.ASGITransport(app, client=("192.0.2.8", 5000))
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=transport, base_url="http://trailbook", headers=headers)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with running(settings) as (app, anonymous):
        await empty()
        members = {role.value: await make_member(role.value, role) for role in Role}
        writer = members["writer"] = await make_member("writer", Role.AUTHOR)
        north = await Region.objects.create(code="NORTH", name="North")
        await Region.objects.create(code="FELLS", name="Fells", parent=north)
        trail = await Trail.objects.create(
            title="Heron Walk",
            slug="heron-walk",
            body="Past the mere.",
            length_km=Decimal("4.20"),
            walking_time=timedelta(hours=1),
            author=writer,
            region=north,
        )
        label = await Label.objects.create(name="Lake", slug="lake")
        await TrailLabel.objects.create(trail=trail, label=label)
        clients = {handle: await log_in(app, member) for handle, member in members.items()}
        yield World(app, members, trail, label, anonymous, clients)
        for client in clients.values():
            await client.aclose()
