"""Over-posting, fields and rows out of reach (contract, 9)."""

from __future__ import annotations

from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE
from writing import places

from oxyde import Query
from oxyde_admin.options.inline import Inline
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE


class ParcelAdmin(ModelAdmin):
    exclude_fields = ["weight"]
    readonly_fields = ["sent"]
    field_access = {"note": {"view": ["hr"]}, "fragile": {"change": ["hr"]}}
    inlines = [Inline(depots.Event, fields=["text"])]

    async def readonly(self, ctx: Any, record: Any = None) -> set[str]:
        return {"depot"} if record is not None and record.grade == "royal" else set()


class DepotAdmin(ModelAdmin):
    async def query(self, ctx: Any, q: Query[Any]) -> Query[Any]:
        return q.exclude(city="away")


class TagAdmin(ModelAdmin):
    async def query(self, ctx: Any, q: Query[Any]) -> Query[Any]:
        return q.exclude(label="away")


@pytest.fixture
async def client(database: Any) -> Client:
    site = AdminSite()
    site.register(depots.Depot, DepotAdmin)
    site.register(depots.Tag, TagAdmin)
    site.register(depots.Parcel, ParcelAdmin)
    site.register(depots.Event, access={"view": False})
    await depots.Depot.objects.create(name="here")
    await depots.Depot.objects.create(name="there", city="away")
    for code, label in (("a", "here"), ("b", "here"), ("x", "away"), ("y", "away")):
        await depots.Tag.objects.create(code=code, label=label)
    await depots.Parcel.objects.create(code="A-1", depot_id=1, note="old")
    return Client(site)


FORBIDDEN = {"weight": 5, "sent": True, "note": "new", "fragile": True, "id": 9}


async def test_fields_out_of_reach_are_not_written(client: Client) -> None:
    created = await client.post("/api/parcels", {"code": "A-2", "depot": 1, **FORBIDDEN})
    assert created.status == 201
    changed = await client.patch("/api/parcels/1", {"code": "A-3", **FORBIDDEN})
    assert changed.status == 200
    assert not {"weight", "note"} & {*created.json(), *changed.json()}
    for parcel in await depots.Parcel.objects.all():
        assert (parcel.weight, parcel.sent, parcel.fragile) == (0, False, None)
        assert parcel.note in ("old", None)
        assert parcel.id in (1, 2)
    nothing = await client.post("/api/parcels/bulk-update", {"ids": [1], "data": FORBIDDEN})
    assert nothing.json() == {"updated": 0}


async def test_readonly_can_depend_on_the_record(client: Client) -> None:
    await depots.Parcel.objects.filter(id=1).update(grade="royal")
    await depots.Depot.objects.create(name="third")
    for name in ("depot", "depot_id"):
        answer = await client.patch("/api/parcels/1", {name: 3, "size": "l"})
        assert (answer.json()["depot_id"], answer.json()["size"]) == (1, "l")
    await client.patch("/api/parcels/1", {"grade": "plain"})
    assert (await client.patch("/api/parcels/1", {"depot": 3})).json()["depot_id"] == 3


async def test_a_broken_value_in_a_hidden_field_has_no_name(client: Client, database: Any) -> None:
    await depots.Parcel.objects.filter(id=1).update(address=None)
    from oxyde import db

    await db.execute_script("UPDATE parcels SET weight = -1")
    answer = await client.patch("/api/parcels/1", {"size": "l"})
    assert (answer.status, places(answer)) == (422, [[]])
    assert "weight" not in answer.text
    assert "greater" not in answer.text


async def test_a_required_hidden_field_has_no_name(database: Any) -> None:
    site = AdminSite()
    site.register(depots.Parcel, exclude_fields=["depot"])
    answer = await Client(site).post("/api/parcels", {"code": "A-1", "depot": 1, "depot_id": 1})
    assert (answer.status, places(answer)) == (422, [[]])
    assert "depot" not in answer.text


async def test_a_conflict_in_a_hidden_field_has_no_name(database: Any) -> None:
    class Setting(ModelAdmin):
        exclude_fields = ["name"]

        async def before_save(self, ctx: Any, record: Any, created: bool) -> None:
            record.name = "taken"

    site = AdminSite()
    site.register(depots.Depot, Setting)
    await depots.Depot.objects.create(name="taken")
    await depots.Depot.objects.create(name="free")
    answer = await Client(site).patch("/api/depots/2", {"city": "x"})
    assert (answer.status, places(answer)) == (409, [[]])
    assert "name" not in answer.text.replace('"names"', "")


async def test_targets_out_of_sight_cannot_be_chosen_and_stay(client: Client) -> None:
    for data in ({"depot": 2}, {"origin_id": 2}, {"tags": ["a", "x"]}, {"tags": {"add": ["x"]}}):
        unknown = {
            name: value if isinstance(value, dict) else 77 if isinstance(value, int) else ["a", "zz"]
            for name, value in data.items()
        }
        answer = await client.patch("/api/parcels/1", data)
        assert answer.status == 422
        if "tags" not in data or isinstance(data["tags"], list):
            other = await client.patch("/api/parcels/1", unknown)
            assert other.json()["errors"] == answer.json()["errors"]
    await depots.Parcel.objects.filter(id=1).update(depot_id=2)
    for code in ("a", "x"):
        await depots.ParcelTag.objects.create(parcel_id=1, tag_code=code, rank=1)
    kept = await client.patch("/api/parcels/1", {"depot_id": 2, "size": "l", "tags": ["b"]})
    assert kept.status == 200, kept.text
    removed = await client.patch("/api/parcels/1", {"tags": {"remove": ["x", "b"]}})
    assert removed.status == 200
    left = await depots.ParcelTag.objects.values_list("tag_code", "rank").all()
    assert left == [("x", 1)]


async def test_hooks_may_choose_what_the_user_does_not_see(database: Any) -> None:
    class Sorted(ModelAdmin):
        async def validate(self, ctx: Any, data: dict[str, Any], record: Any) -> dict[str, Any]:
            return {**data, "depot_id": 2} if data.get("note") == "sort" else data

    site = AdminSite()
    site.register(depots.Depot, DepotAdmin)
    site.register(depots.Parcel, Sorted)
    await depots.Depot.objects.create(name="here")
    await depots.Depot.objects.create(name="there", city="away")
    client = Client(site)
    assert (await client.post("/api/parcels", {"code": "A-1", "depot": 2})).status == 422
    created = await client.post("/api/parcels", {"code": "A-1", "depot": 1, "note": "sort"})
    assert (created.status, created.json()["depot_id"]) == (201, 2)
    assert (await client.patch("/api/parcels/1", {"depot": 1})).status == 200
    changed = await client.patch("/api/parcels/1", {"note": "sort"})
    assert (changed.status, changed.json()["depot_id"]) == (200, 2)


async def test_inlines_out_of_sight_are_dropped(client: Client) -> None:
    rows = {"events": [{"text": "x"}], "nothing": [{}]}
    answer = await client.patch("/api/parcels/1", {"size": "l", "_inlines": rows})
    assert answer.status == 200
    assert not await depots.Event.objects.exists()


async def test_inlines_write_their_fields_only(database: Any) -> None:
    site = AdminSite()
    site.register(depots.Depot)
    site.register(depots.Parcel, inlines=[Inline(depots.Event, fields=["text"])])
    site.register(depots.Event)
    await depots.Depot.objects.create(name="here")
    rows = [{"text": "x", "version": 9}]
    data = {"code": "A-1", "depot": 1, "_inlines": {"events": rows}}
    assert (await Client(site).post("/api/parcels", data)).status == 201
    assert (await depots.Event.objects.get()).version == 0


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"access": {"view": False}}, 404),
        ({"access": dict.fromkeys(("create", "change", "delete"), False)}, 403),
    ],
)
async def test_every_write_needs_its_permission(database: Any, options: Any, status: int) -> None:
    site = AdminSite()
    site.register(depots.Depot, **options)
    await depots.Depot.objects.create(name="here")
    client = Client(site)
    for answer in (
        await client.post("/api/depots", {"name": "x"}),
        await client.patch("/api/depots/1", {"name": "x"}),
        await client.delete("/api/depots/1"),
        await client.post("/api/depots/bulk-update", {"ids": [1], "data": {"name": "x"}}),
        await client.post("/api/depots/bulk-delete", {"ids": [1]}),
        await client.post("/api/depots/-/delete-preview", {"ids": [1]}),
    ):
        assert answer.status == status
    assert await depots.Depot.objects.values_list("name", flat=True).all() == ["here"]
