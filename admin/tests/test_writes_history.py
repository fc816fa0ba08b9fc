"""Record, links, inlines, hooks and history are one transaction (contract, 7.4 and 10)."""

from __future__ import annotations

from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE
from writing import make

from oxyde import AsyncDatabase, create_tables
from oxyde_admin.exceptions import InvalidDataError
from oxyde_admin.models import AdminLogEntry
from oxyde_admin.options.actions import action
from oxyde_admin.options.inline import Inline
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE


class ParcelAdmin(ModelAdmin):
    inlines = [Inline(depots.Event)]
    refusing = False

    async def after_save(self, ctx: Any, record: Any, created: bool) -> None:
        if self.refusing:
            raise InvalidDataError("at the very end")

    @action("Send")
    async def send(self, ctx: Any, rows: Any) -> None:
        await rows.update(sent=True)

    @action("Fail")
    async def fail(self, ctx: Any, rows: Any) -> None:
        await rows.update(sent=True)
        raise InvalidDataError("no")


@pytest.fixture
def admin() -> ParcelAdmin:
    return ParcelAdmin()


@pytest.fixture
async def client(database: AsyncDatabase, admin: ParcelAdmin) -> Client:
    await create_tables(database, models=[AdminLogEntry])
    site = AdminSite(audit=True)
    for model in (depots.Depot, depots.Tag, depots.Event, depots.Account):
        site.register(model)
    site.register(depots.Parcel, admin)
    client = Client(site)
    await make(client, "depots", name="d")
    await make(client, "tags", code="a", label="a")
    await make(client, "tags", code="b", label="b")
    await AdminLogEntry.objects.delete()
    return client


async def entries() -> list[tuple[str, str, str, dict[str, Any]]]:
    found = await AdminLogEntry.objects.order_by("id").all()
    return [(entry.action, entry.model, entry.pk, entry.changes) for entry in found]


async def test_every_write_is_told_with_what_it_changed(client: Client) -> None:
    await make(client, "parcels", code="A-1", depot=1, tags=["a"], _inlines={"events": [{"text": "t"}]})
    told = await entries()
    assert [entry[:3] for entry in told] == [("create", "events", "1"), ("create", "parcels", "1")]
    assert told[1][3]["code"] == [None, "A-1"]
    assert told[1][3]["tags"] == [[], ["a"]]
    await AdminLogEntry.objects.delete()
    await client.patch("/api/parcels/1", {"weight": 3, "note": None, "tags": ["b"]})
    await client.delete("/api/parcels/1")
    told = await entries()
    assert told[0] == (
        "change",
        "parcels",
        "1",
        {"weight": [0, 3], "tags": [["a"], ["b"]]},
    )
    assert told[1][:3] == ("delete", "parcels", "1")
    assert told[1][3]["weight"] == [3, None]


async def test_secrets_are_told_as_changed_and_never_shown(client: Client) -> None:
    made = await make(client, "accounts", email="a@b.de", token="first")
    await client.patch(f"/api/accounts/{made['id']}", {"token": "second"})
    told = await entries()
    assert "token" in told[1][3]
    assert "first" not in str(told)
    assert "second" not in str(told)


async def test_bulk_calls_tell_of_each_record_and_actions_of_all(client: Client) -> None:
    for number in (1, 2):
        await make(client, "parcels", code=f"A-{number}", depot=1)
    await AdminLogEntry.objects.delete()
    await client.post("/api/parcels/bulk-update", {"ids": [1, 2], "data": {"weight": 2}})
    await client.post("/api/parcels/-/actions/send", {"ids": [1, 2]})
    await client.post("/api/parcels/bulk-delete", {"ids": [1, 2]})
    told = await entries()
    assert [entry[:3] for entry in told] == [
        ("change", "parcels", "1"),
        ("change", "parcels", "2"),
        ("send", "parcels", ""),
        ("delete", "parcels", "1"),
        ("delete", "parcels", "2"),
    ]
    assert told[2][3] == {"keys": [1, 2]}


async def test_what_is_rolled_back_leaves_nothing(client: Client, admin: ParcelAdmin) -> None:
    await make(client, "parcels", code="A-1", depot=1, tags=["a"])
    await AdminLogEntry.objects.delete()
    admin.refusing = True
    whole = {"code": "A-2", "tags": ["b"], "_inlines": {"events": [{"text": "t"}]}}
    assert (await client.post("/api/parcels", {**whole, "depot": 1})).status == 422
    assert (await client.patch("/api/parcels/1", whole)).status == 422
    bulk = await client.post("/api/parcels/bulk-update", {"ids": [1], "data": {"weight": 1}})
    assert bulk.status == 422
    assert (await client.post("/api/parcels/-/actions/fail", {"ids": [1]})).status == 422
    assert await depots.Parcel.objects.values_list("code", "weight", "sent").all() == [("A-1", 0, False)]
    assert await depots.ParcelTag.objects.values_list("tag_code", flat=True).all() == ["a"]
    assert not await depots.Event.objects.exists()
    assert await entries() == []
