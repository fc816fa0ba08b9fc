"""What a deletion would take with it (contract, 7)."""

from __future__ import annotations

from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE

from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE


class Sees(ModelAdmin):
    async def query(self, ctx: Any, q: Any) -> Any:
        return q.exclude(text="unseen")


async def filled(site: AdminSite) -> Client:
    """Two depots; two parcels in the first, one of them from the second; tags and events."""
    client = Client(site)
    for name in ("first", "second"):
        await depots.Depot.objects.create(name=name)
    for code in "ab":
        await depots.Tag.objects.create(code=code, label=code)
    for number, origin in ((1, None), (2, 2)):
        await depots.Parcel.objects.create(code=f"A-{number}", depot_id=1, origin_id=origin)
        await depots.Event.objects.create(parcel_id=number, text="x")
    await depots.Event.objects.create(parcel_id=1, text="unseen")
    await depots.ParcelTag.objects.create(parcel_id=1, tag_code="a")
    return client


async def preview(client: Client, model: str, *ids: Any) -> Any:
    answer = await client.post(f"/api/{model}/-/delete-preview", {"ids": list(ids)})
    assert answer.status == 200, answer.text
    return answer.json()


async def test_what_goes_what_loses_a_reference_and_what_forbids(database: Any, new_panel: Any) -> None:
    client = await filled(new_panel())
    assert await preview(client, "depots", 1) == {
        "delete": {"depots": 1},
        "set_null": {},
        "protected": {"parcels": 2},
    }
    assert await preview(client, "depots", 2, 99) == {
        "delete": {"depots": 1},
        "set_null": {"parcels": 1},
        "protected": {},
    }
    assert await preview(client, "parcels", 1, 2) == {
        "delete": {"parcels": 2, "events": 3, "parcel_tags": 1},
        "set_null": {},
        "protected": {},
    }
    assert await preview(client, "tags") == {"delete": {}, "set_null": {}, "protected": {}}
    where = await client.post("/api/tags/-/delete-preview", {"where": {}, "expect": 2})
    assert where.json()["delete"] == {"tags": 2, "parcel_tags": 1}


async def test_models_and_rows_out_of_sight_are_not_counted(database: Any) -> None:
    site = AdminSite()
    site.register(depots.Parcel)
    site.register(depots.Event, Sees)
    site.register(depots.Depot, access={"view": ["nobody"]})
    client = await filled(site)
    assert (await preview(client, "parcels", 1))["delete"] == {"parcels": 1, "events": 1}
    refused = await client.post("/api/depots/-/delete-preview", {"ids": [1]})
    assert refused.status == 404


async def test_counts_are_bounded(database: Any) -> None:
    site = AdminSite(count_limit=2)
    for model in depots.ALL:
        site.register(model)
    client = await filled(site)
    assert (await preview(client, "parcels", 1, 2))["delete"] == {"parcels": 2, "events": 2, "parcel_tags": 1}


@pytest.mark.parametrize("route", ["-/delete-preview", "bulk-delete"])
async def test_who_may_not_delete_learns_nothing(database: Any, route: str) -> None:
    site = AdminSite()
    site.register(depots.Parcel, access={"delete": False})
    client = await filled(site)
    answer = await client.post(f"/api/parcels/{route}", {"ids": [1]})
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")
