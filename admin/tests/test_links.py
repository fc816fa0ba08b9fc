"""Links of many-to-many relations (contract, 7.4)."""

from __future__ import annotations

from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE
from writing import a_parcel, make, places

from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE


@pytest.fixture
async def path(client: Client) -> str:
    """A parcel with the tags a and b, the rank of a's link being 1."""
    for code in "abc":
        await make(client, "tags", code=code, label=code)
    parcel = await a_parcel(client, tags=["a", "b"])
    await depots.ParcelTag.objects.filter(tag_code="a").update(rank=1)
    return f"/api/parcels/{parcel['id']}"


async def linked() -> dict[str, int]:
    rows = await depots.ParcelTag.objects.order_by("tag_code").values_list("tag_code", "rank").all()
    return dict(rows)


async def test_a_list_replaces_and_keeps_the_columns_of_links_that_stay(client: Client, path: str) -> None:
    answer = await client.patch(path, {"tags": ["c", "a"]})
    assert sorted(tag["code"] for tag in answer.json()["tags"]) == ["a", "c"]
    assert await linked() == {"a": 1, "c": 7}
    await client.patch(path, {"tags": []})
    assert await linked() == {}


async def test_links_are_added_and_removed_one_by_one(client: Client, path: str) -> None:
    answer = await client.patch(path, {"tags": {"add": ["c", "a"], "remove": ["b", "unknown"]}})
    assert answer.status == 200, answer.text
    assert await linked() == {"a": 1, "c": 7}


async def test_the_same_target_twice_is_a_conflict(client: Client, path: str) -> None:
    for value in (["a", "c", "a"], {"add": ["c"], "remove": ["c"]}, {"add": ["c", "c"]}):
        answer = await client.patch(path, {"tags": value})
        assert (answer.status, answer.json()["code"]) == (409, "duplicate_link")
    assert await linked() == {"a": 1, "b": 7}


@pytest.mark.parametrize(
    ("value", "loc"),
    [
        (None, ["tags"]),
        ("a", ["tags"]),
        (7, ["tags"]),
        ({}, ["tags"]),
        ({"add": "a"}, ["tags", "add"]),
        ({"set": ["a"]}, ["tags"]),
        (["a", None], ["tags", 1]),
        ([3], ["tags", 0]),
        ([["a"]], ["tags", 0]),
        (["a", "unknown"], ["tags", 1]),
        ({"add": ["unknown"]}, ["tags", "add", 0]),
    ],
)
async def test_anything_else_is_invalid(client: Client, path: str, value: Any, loc: list[Any]) -> None:
    answer = await client.patch(path, {"tags": value, "weight": 9})
    assert (answer.status, places(answer)) == (422, [loc])
    assert "unknown" not in answer.text
    assert await linked() == {"a": 1, "b": 7}
    assert (await client.get(path)).json()["weight"] == 0


async def test_what_was_read_can_be_written_back(client: Client, path: str) -> None:
    record = (await client.get(path)).json()
    answer = await client.patch(path, {"tags": record["tags"]})
    assert answer.json() == record
    assert await linked() == {"a": 1, "b": 7}


async def test_hooks_may_set_records(client: Client, path: str) -> None:
    class Setting(ModelAdmin):
        async def validate(self, ctx: Any, data: dict[str, Any], record: Any) -> dict[str, Any]:
            tag = await depots.Tag.objects.get(code="c")
            depot = await depots.Depot.objects.create(name="made by a hook")
            return {"tags": [tag], "depot": depot}

    site = AdminSite()
    for model in (depots.Depot, depots.Tag):
        site.register(model)
    site.register(depots.Parcel, Setting)
    answer = await Client(site).patch(path, {"weight": 3})
    assert (answer.status, answer.json()["weight"]) == (200, 0)
    assert answer.json()["depot_id"] == (await depots.Depot.objects.get(name="made by a hook")).id
    assert await linked() == {"c": 7}


async def test_a_failed_create_leaves_no_links(client: Client, path: str) -> None:
    depot = await make(client, "depots", name="other")
    answer = await client.post("/api/parcels", {"code": "B-1", "depot": depot["id"], "tags": ["a", "x"]})
    assert (answer.status, places(answer)) == (422, [["tags", 1]])
    assert await depots.Parcel.objects.count() == 1
    assert await linked() == {"a": 1, "b": 7}
