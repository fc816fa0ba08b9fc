"""A router of the project says where a model's rows are, also for the panel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import depots
import pytest
import servers
from client import Client

from oxyde import create_tables, db
from oxyde.db import set_router
from oxyde_admin.rows.where import backend_of
from oxyde_admin.site import AdminSite


class Elsewhere:
    """Depots are on `other`."""

    def db_for_read(self, model: type[Any]) -> str | None:
        return "other" if model is depots.Depot else None

    db_for_write = db_for_read


@pytest.fixture
async def site() -> AsyncIterator[AdminSite]:
    """The usual database is SQLite; the depots alone are on PostgreSQL."""
    with servers.fresh_database("sqlite") as usual, servers.fresh_database("postgres") as other:
        await db.init(default=usual.url, other=other.url)
        set_router(Elsewhere())
        try:
            await create_tables(await db.get_connection("other"), models=[depots.Depot])
            made = AdminSite()
            made.register(depots.Depot)
            yield made
        finally:
            set_router(None)
            await db.close()


async def test_everything_happens_where_the_router_says(site: AdminSite) -> None:
    resource = site.resource("depots")
    assert (resource.alias(), resource.alias(write=True)) == ("other", "other")
    assert await backend_of(resource) == "postgres"
    client = Client(site)
    assert (await client.post("/api/depots", {"name": "d"})).status == 201
    listed = await client.get("/api/depots?ordering=-city&search=d")
    assert [item["name"] for item in listed.json()["items"]] == ["d"]
    assert (await client.get("/api/depots/export?format=json")).json()[0]["name"] == "d"
    assert (await client.delete("/api/depots/1")).json() == {"deleted": 1}
    assert [line for line in await site.check() if "Depot" in line] == []
