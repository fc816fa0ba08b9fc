"""Bulk update and delete: each record exactly like the single call, all or none (contract, 7.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE
from writing import kinds, make, places

from oxyde import Query
from oxyde_admin.exceptions import InvalidDataError
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE


class ParcelAdmin(ModelAdmin):
    search_fields = ["code"]
    list_filter = ["weight", "code", "grade"]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.calls: list[str] = []

    async def query(self, ctx: Any, q: Query[Any]) -> Query[Any]:
        return q.exclude(note="hidden")

    async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
        if record is None:
            return True
        return not (action in ("change", "delete") and record.note == "locked") and record.note != "unseen"

    async def validate(self, ctx: Any, data: dict[str, Any], record: Any) -> dict[str, Any]:
        if data.get("note") == "refuse" and record.weight == 2:
            raise InvalidDataError({"note": "not this one"})
        return data

    async def before_save(self, ctx: Any, record: Any, created: bool) -> None:
        self.calls.append(f"save {record.code}")

    async def after_delete(self, ctx: Any, record: Any) -> None:
        self.calls.append(f"deleted {record.code}")


@pytest.fixture
def admin() -> ParcelAdmin:
    return ParcelAdmin()


@pytest.fixture
async def client(database: Any, admin: ParcelAdmin) -> AsyncIterator[Client]:
    site = AdminSite(max_bulk_rows=5)
    for model in (depots.Depot, depots.Tag, depots.Shelf):
        site.register(model)
    site.register(depots.Parcel, admin)
    client = Client(site)
    depot = await make(client, "depots", name="d")
    for number in range(4):
        await make(client, "parcels", code=f"A-{number}", depot=depot["id"], weight=number)
    admin.calls.clear()
    yield client


async def weights() -> list[int]:
    return list(await depots.Parcel.objects.order_by("id").values_list("weight", flat=True).all())


async def set_note(code: str, note: str) -> None:
    await depots.Parcel.objects.filter(code=code).update(note=note)


async def test_update_by_ids(client: Client, admin: ParcelAdmin) -> None:
    answer = await client.post("/api/parcels/bulk-update", {"ids": [1, 3, 3, 99], "data": {"weight": 9}})
    assert (answer.status, answer.json()) == (200, {"updated": 2})
    assert await weights() == [9, 1, 9, 3]
    assert admin.calls == ["save A-0", "save A-2"]


async def test_update_of_all_that_match(client: Client) -> None:
    where = {"search": "a-", "filters": {"weight__gte": 1, "weight__lt": 3}}
    body = {"where": where, "expect": 2, "data": {"weight": 9}}
    answer = await client.post("/api/parcels/bulk-update", body)
    assert answer.json() == {"updated": 2}
    assert await weights() == [0, 9, 9, 3]
    again = await client.post("/api/parcels/bulk-update", body)
    assert (again.status, again.json()["code"]) == (409, "selection_changed")
    listed = {"where": {"filters": {"code__in": ["A-0", "A-3"]}}, "expect": 2, "data": {"sent": True}}
    assert (await client.post("/api/parcels/bulk-update", listed)).json() == {"updated": 2}


async def test_delete(client: Client, admin: ParcelAdmin) -> None:
    answer = await client.post("/api/parcels/bulk-delete", {"ids": [1, 2]})
    assert answer.json() == {"deleted": 2}
    assert admin.calls == ["deleted A-0", "deleted A-1"]
    answer = await client.post("/api/parcels/bulk-delete", {"where": {}, "expect": 2})
    assert answer.json() == {"deleted": 2}
    assert not await depots.Parcel.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "bad_body"),
        ({"ids": 1}, "bad_body"),
        ({"ids": "1"}, "bad_body"),
        ({"ids": [1], "where": {}, "expect": 1}, "bad_body"),
        ({"where": []}, "bad_body"),
        ({"where": {}}, "bad_body"),
        ({"where": {}, "expect": True}, "bad_body"),
        ({"where": {"search": 1}, "expect": 1}, "bad_body"),
        ({"where": {"filters": []}, "expect": 1}, "bad_body"),
        ({"where": {"filters": {"weight": {}}}, "expect": 1}, "bad_parameter"),
        ({"where": {"filters": {"nothing": 1}}, "expect": 1}, "bad_parameter"),
        ({"where": {"filters": {"weight": "x"}}, "expect": 1}, "bad_parameter"),
        ({"ids": ["x"]}, "bad_parameter"),
        ({"ids": [None]}, "bad_parameter"),
        ({"ids": [[1]]}, "bad_parameter"),
        ({"ids": list(range(6))}, "too_many"),
        ({"where": {}, "expect": 9}, "selection_changed"),
        ({"where": {}, "expect": 10**30}, "selection_changed"),
    ],
)
async def test_selections_that_cannot_be_used(client: Client, body: Any, code: str) -> None:
    for route, more in (("bulk-delete", {}), ("bulk-update", {"data": {"weight": 1}})):
        answer = await client.post(f"/api/parcels/{route}", {**body, **more})
        assert answer.json()["code"] == code
        assert answer.status == (409 if code == "selection_changed" else 400)
    assert await weights() == [0, 1, 2, 3]


async def test_more_matching_rows_than_allowed(client: Client) -> None:
    for number in range(4, 7):
        await make(client, "parcels", code=f"A-{number}", depot=1)
    answer = await client.post("/api/parcels/bulk-delete", {"where": {}, "expect": 7})
    assert (answer.status, answer.json()["code"]) == (400, "too_many")


async def test_data_must_be_an_object_and_may_be_useless(client: Client) -> None:
    for data in (None, [], 1):
        answer = await client.post("/api/parcels/bulk-update", {"ids": [1], "data": data})
        assert (answer.status, answer.json()["code"]) == (400, "bad_body")
    answer = await client.post("/api/parcels/bulk-update", {"ids": [1], "data": {"id": 5, "x": 1}})
    assert (answer.status, answer.json()) == (200, {"updated": 0})


async def test_errors_carry_the_key_and_nothing_is_written(client: Client) -> None:
    answer = await client.post("/api/parcels/bulk-update", {"ids": [1, 2, 3], "data": {"note": "refuse"}})
    assert answer.status == 422
    assert [(entry["id"], entry["loc"]) for entry in answer.json()["errors"]] == [(3, ["note"])]
    assert not await depots.Parcel.objects.filter(note="refuse").exists()
    taken = await client.post("/api/parcels/bulk-update", {"ids": [1, 2], "data": {"code": "B-1"}})
    assert (taken.status, taken.json()["code"]) == (409, "conflict")
    assert [(entry["id"], entry["loc"]) for entry in taken.json()["errors"]] == [(2, ["code"])]
    assert not await depots.Parcel.objects.filter(code="B-1").exists()


async def test_one_refused_record_refuses_the_whole(client: Client) -> None:
    await set_note("A-2", "locked")
    for route, more in (("bulk-delete", {}), ("bulk-update", {"data": {"weight": 7}})):
        answer = await client.post(f"/api/parcels/{route}", {"ids": [1, 2, 3, 4], **more})
        assert (answer.status, answer.json()["code"]) == (403, "forbidden")
    assert await weights() == [0, 1, 2, 3]


async def test_rows_outside_of_the_query_do_not_exist(client: Client) -> None:
    await set_note("A-1", "hidden")
    answer = await client.post("/api/parcels/bulk-update", {"ids": [1, 2], "data": {"weight": 7}})
    assert answer.json() == {"updated": 1}
    assert (await client.post("/api/parcels/bulk-delete", {"ids": [2]})).json() == {"deleted": 0}
    assert (await client.patch("/api/parcels/2", {"weight": 7})).status == 404
    assert (await client.delete("/api/parcels/2")).json() == {"deleted": 0}
    assert await weights() == [7, 1, 2, 3]


async def test_nothing_can_be_moved_out_of_sight(client: Client) -> None:
    for answer in (
        await client.patch("/api/parcels/1", {"note": "hidden"}),
        await client.patch("/api/parcels/1", {"note": "unseen"}),
        await client.post("/api/parcels", {"code": "B-1", "depot": 1, "note": "hidden"}),
        await client.post("/api/parcels", {"code": "B-1", "depot": 1, "note": "unseen"}),
        await client.post("/api/parcels/bulk-update", {"ids": [1, 2], "data": {"note": "hidden"}}),
    ):
        assert (answer.status, answer.json()["code"], places(answer)[0]) == (422, "invalid", [])
    assert not await depots.Parcel.objects.filter(note__in=["hidden", "unseen"]).exists()
    assert await depots.Parcel.objects.count() == 4


async def test_composite_keys_are_arrays(client: Client) -> None:
    for number in (1, 2):
        await make(client, "shelves", hall="a,b", number=number)
    body = {"ids": [["a,b", 1]], "data": {"label": "x"}}
    assert (await client.post("/api/shelves/bulk-update", body)).json() == {"updated": 1}
    both = {"ids": [["a,b", 1], ["a,b", 2], ["a", 1]]}
    assert (await client.post("/api/shelves/bulk-delete", both)).json() == {"deleted": 2}
    for wrong in ("a,b", ["a,b"], [1, 2, 3]):
        answer = await client.post("/api/shelves/bulk-delete", {"ids": [wrong]})
        assert (answer.status, answer.json()["code"]) == (400, "bad_parameter")


async def test_protected_records_stop_the_whole(client: Client) -> None:
    await make(client, "depots", name="free")
    answer = await client.post("/api/depots/bulk-delete", {"ids": [2, 1]})
    assert (answer.status, answer.json()["code"]) == (409, "protected")
    assert kinds(answer) == {"protected"}
    assert [entry["id"] for entry in answer.json()["errors"]] == [1]
    assert await depots.Depot.objects.count() == 2
