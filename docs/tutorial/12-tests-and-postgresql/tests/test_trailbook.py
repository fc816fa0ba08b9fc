"""What must stay true whatever changes."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from oxyde import db
from oxyde.migrations import apply_migrations
from trailbook.app import create_app
from trailbook.models import Member, Trail, Visit
from trailbook.seed import seed, set_passwords
from trailbook.settings import Settings


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Settings]:
    """Those of a database with the seed's rows: a new file, or what the environment names."""
    url = os.environ.get("TRAILBOOK_DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    async with db.connect(url):
        await apply_migrations("migrations")
        await seed(visits=100)
    yield Settings(database_url=url, debug=True)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://trailbook") as client,
    ):
        yield client


async def test_lists_come_in_pages(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/trails?per_page=7&page=9")).json()
    assert (answer["total"], answer["pages"], len(answer["items"])) == (60, 9, 4)


async def test_a_second_seed_adds_nothing(client: httpx.AsyncClient) -> None:
    await seed(visits=100)
    counts = [await model.objects.count() for model in (Member, Trail, Visit)]
    assert counts == [8, 60, 100]


async def test_nobody_writes_without_a_login(client: httpx.AsyncClient) -> None:
    trail = {"title": "Mill Round", "length_km": "4.20", "walking_time": "PT1H"}
    assert (await client.post("/trails", json=trail)).status_code == 401
    assert (await client.delete("/trails/1")).status_code == 401
    assert await Trail.objects.count() == 60


async def test_the_public_is_not_served_with_passwords_of_the_seed(settings: Settings) -> None:
    async with db.connect(settings.database_url):
        await set_passwords()
    app = create_app(settings.model_copy(update={"debug": False}))
    with pytest.raises(RuntimeError, match="password of the seed"):
        async with app.router.lifespan_context(app):
            pass
