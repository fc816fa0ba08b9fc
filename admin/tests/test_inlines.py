"""Rows of inlines, written with the record they belong to (contract, 7.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE
from writing import make, places

from oxyde_admin.options.inline import Inline
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE

NewPanel = Callable[..., AdminSite]


class EventAdmin(ModelAdmin):
    version_field = "version"

    async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
        return not (action == "delete" and record is not None and record.text == "keep")


@pytest.fixture
def client(database: Any) -> Client:
    site = AdminSite(audit=False)
    site.register(depots.Depot)
    site.register(depots.Tag)
    site.register(depots.Parcel, inlines=[Inline(depots.Event, max=3)])
    site.register(depots.Event, EventAdmin)
    return Client(site)


async def a_parcel_with(client: Client, *texts: str) -> dict[str, Any]:
    depot = await make(client, "depots", name=f"depot of {texts}")
    events = [{"text": text} for text in texts]
    return await make(
        client, "parcels", code=f"A-{depot['id']}", depot=depot["id"], _inlines={"events": events}
    )


async def events() -> list[tuple[int, str, int]]:
    found: list[Any] = await depots.Event.objects.order_by("id").values_list("id", "text", "version").all()
    return [tuple(row) for row in found]


async def test_rows_are_created_changed_and_removed(client: Client) -> None:
    parcel = await a_parcel_with(client, "one", "two")
    assert [row[1:] for row in await events()] == [("one", 0), ("two", 0)]
    first, second = [row[0] for row in await events()]
    rows = [{"id": first, "text": "changed"}, {"id": second, "_delete": True}, {"text": "new"}]
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {"_inlines": {"events": rows}})
    assert answer.status == 200, answer.text
    assert [row[1:] for row in await events()] == [("changed", 1), ("new", 0)]
    assert (await events())[0][0] == first


async def test_errors_stand_at_their_row(client: Client) -> None:
    parcel = await a_parcel_with(client, "one")
    rows = [{"text": "x" * 81}, {"text": "fine"}, {}]
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {"weight": 5, "_inlines": {"events": rows}})
    assert answer.status == 422
    assert places(answer) == [["_inlines", "events", 0, "text"], ["_inlines", "events", 2, "text"]]
    assert len(await events()) == 1
    assert (await depots.Parcel.objects.get(id=parcel["id"])).weight == 0


@pytest.mark.parametrize(
    ("value", "loc"),
    [
        ({"events": {}}, ["_inlines", "events"]),
        ({"events": [1]}, ["_inlines", "events", 0]),
        ({"events": [{"text": "a"}] * 4}, ["_inlines", "events"]),
        ([], ["_inlines"]),
        ({"events": [{"id": 999, "text": "a"}]}, ["_inlines", "events", 0]),
        ({"events": [{"id": "x", "text": "a"}]}, ["_inlines", "events", 0]),
        ({"events": [{"_delete": True}]}, ["_inlines", "events", 0]),
        ({"events": [{"id": 1, "_delete": 1}]}, ["_inlines", "events", 0, "_delete"]),
    ],
)
async def test_what_is_no_row_is_invalid(client: Client, value: Any, loc: list[Any]) -> None:
    parcel = await a_parcel_with(client, "one")
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {"_inlines": value})
    assert (answer.status, places(answer)) == (422, [loc])


async def test_rows_of_other_records_cannot_be_reached(client: Client) -> None:
    mine, _ = await a_parcel_with(client, "mine"), await a_parcel_with(client, "theirs")
    theirs = (await events())[1][0]
    for row in ({"id": theirs, "text": "stolen"}, {"id": theirs, "_delete": True}):
        answer = await client.patch(f"/api/parcels/{mine['id']}", {"_inlines": {"events": [row]}})
        assert (answer.status, places(answer)) == (422, [["_inlines", "events", 0]])
    moved = {"text": "x", "parcel": 2, "parcel_id": 2}
    await client.patch(f"/api/parcels/{mine['id']}", {"_inlines": {"events": [moved]}})
    assert (await depots.Event.objects.get(text="x")).parcel_id == mine["id"]
    own = {"id": (await events())[0][0], "parcel_id": 2, "text": "still mine"}
    await client.patch(f"/api/parcels/{mine['id']}", {"_inlines": {"events": [own]}})
    assert (await depots.Event.objects.get(text="still mine")).parcel_id == mine["id"]
    assert (await depots.Event.objects.get(id=theirs)).text == "theirs"


async def test_the_permissions_of_the_child_apply(client: Client) -> None:
    parcel = await a_parcel_with(client, "keep")
    event = (await events())[0][0]
    row = {"id": event, "_delete": True}
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {"weight": 4, "_inlines": {"events": [row]}})
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")
    assert len(await events()) == 1
    assert (await depots.Parcel.objects.get(id=parcel["id"])).weight == 0


async def test_a_tag_locks_a_row(client: Client) -> None:
    parcel = await a_parcel_with(client, "one")
    event = (await events())[0][0]
    tag = (await client.patch(f"/api/events/{event}", {"text": "two"})).headers["etag"]
    path = f"/api/parcels/{parcel['id']}"
    rows = [{"id": event, "text": "three", "_etag": tag}]
    assert (await client.patch(path, {"_inlines": {"events": rows}})).status == 200
    stale = await client.patch(path, {"_inlines": {"events": rows}})
    assert (stale.status, stale.json()["code"]) == (412, "stale")
    assert stale.json()["current"]["text"] == "three"
    assert places(stale) == [["_inlines", "events", 0]]
    assert await events() == [(event, "three", 2)]


async def test_a_failing_row_takes_the_new_record_with_it(client: Client) -> None:
    depot = await make(client, "depots", name="a")
    tag = await make(client, "tags", code="a", label="a")
    answer = await client.post(
        "/api/parcels",
        {"code": "B-1", "depot": depot["id"], "tags": [tag["code"]], "_inlines": {"events": [{"text": 1}]}},
    )
    assert (answer.status, places(answer)) == (422, [["_inlines", "events", 0, "text"]])
    assert not await depots.Parcel.objects.exists()
    assert not await depots.ParcelTag.objects.exists()


async def test_unknown_inlines_are_dropped(client: Client) -> None:
    parcel = await a_parcel_with(client, "one")
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {"_inlines": {"nothing": [{}]}})
    assert answer.status == 200
    assert len(await events()) == 1
