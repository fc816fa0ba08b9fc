"""Models on another alias: everything that writing does happens there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import depots
import pytest
from client import Client
from writing import make

from oxyde import create_tables, db
from oxyde_admin.models import AdminLogEntry
from oxyde_admin.options.actions import action
from oxyde_admin.options.inline import Inline
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite


class ParcelAdmin(ModelAdmin):
    inlines = [Inline(depots.Event)]

    async def query(self, ctx: Any, q: Any) -> Any:
        return q.exclude(note="hidden")

    @action("Send")
    async def send(self, ctx: Any, rows: Any) -> str:
        assert await rows.filter(sent=False)[:5].count() == 2
        seen = [row.code async for row in rows.order_by("code")]
        first = await rows.order_by("id").first()
        return f"{await rows.update(sent=True)} of {seen}, {first.code} first"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """The tables are on `other`, the history is on `default`."""
    await db.init(default=f"sqlite:///{tmp_path}/main.db", other=f"sqlite:///{tmp_path}/other.db")
    try:
        await create_tables(await db.get_connection("other"), models=list(depots.ALL))
        await create_tables(await db.get_connection(), models=[AdminLogEntry])
        site = AdminSite(audit=True)
        for model in (depots.Depot, depots.Tag, depots.Event):
            site.register(model, using="other")
        site.register(depots.Parcel, ParcelAdmin(using="other"))
        yield Client(site)
    finally:
        await db.close()


async def test_all_writes_go_there(client: Client) -> None:
    await make(client, "depots", name="d")
    await make(client, "tags", code="a", label="a")
    for number in (1, 2):
        events = {"events": [{"text": "t"}]}
        await make(client, "parcels", code=f"A-{number}", depot=1, tags=["a"], _inlines=events)
    changed = await client.patch("/api/parcels/1", {"weight": 4, "tags": []})
    assert (changed.status, changed.json()["weight"]) == (200, 4)
    bulk = await client.post("/api/parcels/bulk-update", {"ids": [1, 2], "data": {"size": "l"}})
    assert bulk.json() == {"updated": 2}
    hidden = await client.patch("/api/parcels/1", {"note": "hidden"})
    assert hidden.status == 422
    where = {"where": {}, "expect": 2}
    sent = await client.post("/api/parcels/-/actions/send", where)
    assert sent.json()["message"] == "2 of ['A-1', 'A-2'], A-1 first"
    preview = await client.post("/api/parcels/-/delete-preview", where)
    assert preview.json()["delete"] == {"parcels": 2, "events": 2}
    assert (await client.delete("/api/parcels/1")).json() == {"deleted": 1}
    left = await depots.Parcel.objects.values_list("code", "size", "sent").all(using="other")
    assert left == [("A-2", "l", True)]
    told = await AdminLogEntry.objects.order_by("id").values_list("action", "model", "pk").all()
    assert told[-2:] == [("send", "parcels", ""), ("delete", "parcels", "1")]
    assert len(told) == 11
