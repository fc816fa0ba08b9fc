"""Rows outside of `query` do not exist, by whatever way they are asked for; rights on single rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import servers
from client import Client
from depots import ALL, Depot, Event, Parcel, ParcelTag, Tag
from everywhere import databases

from oxyde import create_tables, db
from oxyde_admin.auth import AdminUser, AuthProvider, AuthRequest
from oxyde_admin.config import ModelAdmin
from oxyde_admin.models import OWN_TABLES
from oxyde_admin.options.actions import action
from oxyde_admin.options.inline import Inline
from oxyde_admin.site import AdminSite

OTHERS, NOBODYS = 7002, 9099


class ById(AuthProvider):
    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        return AdminUser(id=request.headers.get("x-user", "1"))


class DepotAdmin(ModelAdmin):
    list_filter = ["name", "city"]
    search_fields = ["name"]

    async def query(self, ctx: Any, q: Any) -> Any:
        return q.filter(manager_id=int(ctx.user.id))


class ParcelAdmin(ModelAdmin):
    list_filter = ["code", "depot", "depot__city", "origin", "tags"]
    search_fields = ["code", "origin__name"]
    inlines = [Inline(Event)]
    version_field = "weight"
    access = {"view": True}

    async def query(self, ctx: Any, q: Any) -> Any:
        return q.filter(depot__manager_id=int(ctx.user.id))

    async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
        return record is None or action != "delete" or not record.sent

    @action("Weigh")
    async def weigh(self, ctx: Any, rows: Any) -> str:
        return f"{await rows.count()} weighed"

    @action("Open", scope="row")
    async def open(self, ctx: Any, record: Any) -> str:
        return f"{record.code} opened"


class TagAdmin(ModelAdmin):
    async def query(self, ctx: Any, q: Any) -> Any:
        return q.exclude(code="SECRET")


@pytest.fixture(params=databases("sqlite", "postgres"))
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """Everything numbered 1 is for user 1, everything numbered OTHERS for user OTHERS."""
    with servers.fresh_database(request.param) as place:
        await db.init(default=place.url)
        try:
            await create_tables(await db.get_connection(), models=[*ALL, *OWN_TABLES])
            await Tag.objects.bulk_create([{"code": "OPEN", "label": "o"}, {"code": "SECRET", "label": "s"}])
            for number, key in ((1, {}), (OTHERS, {"id": OTHERS})):
                depot = await Depot.objects.create(
                    name=f"Depot-{number}", city=f"City-{number}", manager_id=number, **key
                )
                parcel = await Parcel.objects.create(code=f"P-{number}", depot=depot, label=b"bytes", **key)
                await ParcelTag.objects.create(parcel=parcel, tag_code="OPEN")
                await ParcelTag.objects.create(parcel=parcel, tag_code="SECRET")
                await Event.objects.create(parcel=parcel, text=f"event-{number}", **key)
            await Parcel.objects.filter(id=1).update(origin_id=OTHERS)
            site = AdminSite(auth_provider=ById(), audit=True)
            for model, admin in ((Depot, DepotAdmin), (Parcel, ParcelAdmin), (Tag, TagAdmin)):
                site.register(model, admin)
            site.register(Event)
            yield Client(site)
        finally:
            await db.close()


async def test_the_records_of_others_are_not_there(client):
    """Each way to ask for a row of others is answered as if it were one that never was."""

    async def asked(pk: int) -> list[tuple[int, Any]]:
        ids = {"ids": [pk]}
        answers = [
            await client.get(f"/api/parcels/{pk}"),
            await client.get(f"/api/depots/{pk}"),
            await client.patch(f"/api/parcels/{pk}", {"note": "x"}),
            await client.patch(f"/api/parcels/{pk}", {"note": "x"}, headers={"if-match": '"x"'}),
            await client.delete(f"/api/parcels/{pk}"),
            await client.get(f"/api/parcels/{pk}/-/history"),
            await client.get(f"/api/parcels/{pk}/-/inlines/events"),
            await client.get(f"/api/parcels/{pk}/-/blob/label"),
            await client.get(f"/api/parcels/options?include={pk}&search=nothing"),
            await client.get(f"/api/depots/options?include={pk}&search=nothing"),
            await client.get(f"/api/parcels?depot={pk}"),
            await client.get(f"/api/parcels?depot__in={pk}"),
            await client.get(f"/api/parcels?depot__city=City-{pk}"),
            await client.get(f"/api/parcels?origin={pk}&depot={pk}"),
            await client.get(f"/api/parcels?search=P-{pk}"),
            await client.get(f"/api/parcels?search=Depot-{pk}"),
            await client.get(f"/api/depots?name=Depot-{pk}"),
            await client.get(f"/api/parcels/export?format=csv&ids={pk}"),
            await client.post("/api/parcels/-/actions/weigh", ids),
            await client.post("/api/parcels/-/actions/open", ids),
            await client.post("/api/parcels/-/delete-preview", ids),
            await client.post("/api/parcels/bulk-update", {**ids, "data": {"note": "x"}}),
            await client.post("/api/parcels/bulk-delete", ids),
            await client.post("/api/depots/bulk-delete", ids),
            await client.patch("/api/parcels/1", {"depot": pk}),
            await client.patch("/api/parcels/1", {"depot_id": pk}),
            await client.post("/api/parcels", {"code": "P-9", "depot": pk}),
            await client.post("/api/parcels/bulk-update", {"ids": [1], "data": {"depot_id": pk}}),
            await client.post("/api/events", {"parcel": pk, "text": "t"}),
            await client.patch("/api/parcels/1", {"_inlines": {"events": [{"id": pk, "text": "t"}]}}),
        ]
        found = []
        for answer in answers:
            text = answer.text.replace(str(pk), "N")
            content = text if "attachment" in str(answer.headers) else _plain(text)
            found.append((answer.status, content))
        return found

    for number, (there, nowhere) in enumerate(zip(await asked(OTHERS), await asked(NOBODYS), strict=True)):
        assert there == nowhere, number
    untouched = await Parcel.objects.get(id=OTHERS)
    assert (untouched.note, (await Event.objects.get(id=OTHERS)).text) == (None, f"event-{OTHERS}")
    assert (await Parcel.objects.get(id=1)).depot_id == 1


def _plain(text: str) -> str:
    head, _, _ = text.partition('"request_id"')
    return head


async def test_lists_counts_and_labels_know_only_what_is_there(client):
    listed = (await client.get("/api/parcels")).json()
    assert [each["code"] for each in listed["items"]] == ["P-1"]
    assert listed["total"] == 1
    # The origin of parcel 1 is a depot of somebody else: its key stays, its label is nobody's.
    assert listed["fk_labels"].get("origin_id", {}) == {}
    assert listed["fk_labels"]["depot_id"] == {"1": "Depot-1"}
    assert [tag["code"] for tag in listed["items"][0]["tags"]] == ["OPEN"]
    assert (await client.get("/api/models/counts")).json()["parcels"] == 1
    dashboard = (await client.get("/api/-/dashboard")).text
    assert f"P-{OTHERS}" not in dashboard
    options = (await client.get("/api/depots/options")).json()
    assert [each["label"] for each in options] == ["Depot-1"]
    everything = (await client.get("/api/parcels/export?format=json")).text
    assert f"P-{OTHERS}" not in everything
    assert "SECRET" not in everything


async def test_an_order_or_search_through_a_row_of_others_does_not_tell(client):
    assert (await client.get(f"/api/parcels?search=Depot-{OTHERS}")).json()["items"] == []


async def test_a_record_is_not_written_out_of_sight(client):
    before = await Depot.objects.get(id=1)
    for answer in (
        await client.patch("/api/depots/1", {"manager_id": OTHERS}),
        await client.post("/api/depots", {"name": "Mine", "manager_id": OTHERS}),
        await client.post("/api/depots/bulk-update", {"ids": [1], "data": {"manager_id": OTHERS}}),
    ):
        assert (answer.status, answer.json()["code"]) == (422, "invalid")
    assert (await Depot.objects.get(id=1)).manager_id == before.manager_id
    assert await Depot.objects.count() == 2


async def test_links_to_what_the_user_cannot_see_stay_and_cannot_be_made(client):
    answer = await client.patch("/api/parcels/1", {"tags": []})
    assert answer.status == 200
    assert answer.json()["tags"] == []
    assert await ParcelTag.objects.filter(parcel_id=1).values_list("tag_code", flat=True).all() == ["SECRET"]
    await ParcelTag.objects.filter(parcel_id=1).delete()
    refused = await client.patch("/api/parcels/1", {"tags": ["SECRET"]})
    unknown = await client.patch("/api/parcels/1", {"tags": ["UNKNOWN"]})
    assert (refused.status, unknown.status) == (422, 422)
    assert refused.json()["errors"] == unknown.json()["errors"]
    assert await ParcelTag.objects.filter(parcel_id=1).count() == 0


async def test_one_refused_record_refuses_the_whole_call(client):
    await Depot.objects.filter(id=OTHERS).update(manager_id=1)
    await Parcel.objects.filter(id=OTHERS).update(sent=True)
    record = await client.get(f"/api/parcels/{OTHERS}")
    allowed = [name.strip() for name in record.headers["x-admin-allow"].split(",")]
    assert "delete" not in allowed
    assert "change" in allowed
    assert (await client.delete(f"/api/parcels/{OTHERS}")).status == 403
    refused = await client.post("/api/parcels/bulk-delete", {"ids": [1, OTHERS]})
    assert (refused.status, refused.json()["code"]) == (403, "forbidden")
    assert await Parcel.objects.count() == 2
    assert (await client.post("/api/parcels/-/delete-preview", {"ids": [1]})).status == 200


async def test_history_is_that_of_rows_that_exist(client):
    others = {"x-user": str(OTHERS)}
    assert (await client.patch(f"/api/parcels/{OTHERS}", {"note": "private"}, headers=others)).status == 200
    assert (await client.patch("/api/parcels/1", {"note": "public"})).status == 200
    mine = await client.get("/api/-/audit")
    assert "public" in mine.text
    assert "private" not in mine.text
    assert (await client.get(f"/api/parcels/{OTHERS}/-/history")).status == 404
    assert "private" in (await client.get(f"/api/parcels/{OTHERS}/-/history", headers=others)).text
    assert "private" not in (await client.get(f"/api/-/audit?pk={OTHERS}&model=parcels")).text


async def test_selections_by_filter_hold_only_rows_that_exist(client):
    where = {"where": {"filters": {"code": "P-"}}}
    assert (await client.post("/api/parcels/-/actions/weigh", {**where, "expect": 1})).json()[
        "message"
    ] == "1 weighed"
    assert (await client.post("/api/parcels/bulk-delete", {**where, "expect": 2})).status == 409
    assert (await client.post("/api/parcels/bulk-delete", {**where, "expect": 1})).json() == {"deleted": 1}
    assert await Parcel.objects.values_list("code", flat=True).all() == [f"P-{OTHERS}"]


async def test_a_target_that_no_key_can_name_is_not_there_either(client):
    """An integer beyond 64 bits is no fault of ours, but a target that does not exist."""
    for key in (2**63, 2**80, -(2**63) - 1):
        answer = await client.patch("/api/parcels/1", {"depot_id": key})
        assert (answer.status, answer.json()["errors"][0]["loc"]) == (422, ["depot_id"])


async def test_a_record_names_the_fields_that_it_keeps(database, new_panel):
    class Settled(ModelAdmin):
        async def hidden(self, ctx):
            return {"price"}

        async def readonly(self, ctx, record=None):
            settled = {"weight", "origin", "price"}
            return set() if record is None or not record.sent else settled

    site = new_panel(Depot)
    site.register(Parcel, Settled)
    client = Client(site)
    depot = await Depot.objects.create(name="d")
    for code in ("A", "B"):
        await Parcel.objects.create(code=code, depot=depot, sent=code == "B")

    async def kept(key: int) -> str:
        return (await client.get(f"/api/parcels/{key}")).headers["x-admin-readonly"]

    assert await kept(1) == "id"
    assert await kept(2) == "id, origin, weight, origin_id"
    changed = await client.patch("/api/parcels/2", {"weight": 9, "origin_id": 1, "note": "n"})
    stored = changed.json()
    assert (stored["weight"], stored["origin_id"], stored["note"]) == (0, None, "n")
