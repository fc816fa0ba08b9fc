"""Labels, favourites, visits, regions."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from conftest import World
from trailbook.models import Trail, Visit


def _visit(world: World, **values: Any) -> dict[str, Any]:
    return {"day": "2026-05-01", "minutes": 90, "trail_id": world.trail.id, **values}


async def test_labels_by_slug_with_their_trails(world: World) -> None:
    label = {"id": world.label.id, "name": "Lake", "slug": "lake", "colour": "#607d8b"}
    assert (await world.anonymous.get("/labels")).json()["items"] == [label]
    assert (await world.anonymous.get("/labels/lake")).json() == label
    found = (await world.anonymous.get("/labels/lake/trails")).json()
    assert [item["slug"] for item in found["items"]] == ["heron-walk"]
    for path in ("/labels/none", "/labels/none/trails"):
        assert (await world.anonymous.get(path)).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"name": "x" * 41}, {"colour": "red"}, {"slug": "own"}], ids=str
)
async def test_labels_are_validated(world: World, wrong: dict[str, Any]) -> None:
    answer = await world.as_["editor"].post("/labels", json={"name": "Ridge", **wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_deleting_a_label_keeps_trails(world: World) -> None:
    assert (await world.as_["editor"].delete(f"/labels/{world.label.id}")).status_code == 204
    assert (await world.as_["editor"].delete(f"/labels/{world.label.id}")).status_code == 404
    assert (await world.anonymous.get(f"/trails/{world.trail.id}")).json()["placed_labels"] == []


async def test_favourites_are_mine_and_kept_once(world: World) -> None:
    reader = world.as_["reader"]
    for _ in range(2):
        assert (await reader.put(f"/favourites/{world.trail.id}")).status_code == 204
    mine = (await reader.get("/favourites")).json()
    assert [item["trail"]["slug"] for item in mine["items"]] == ["heron-walk"]
    assert mine["items"][0]["trail"]["placed_labels"][0]["label"]["slug"] == "lake"
    assert (await world.as_["author"].get("/favourites")).json()["total"] == 0
    assert (await reader.delete(f"/favourites/{world.trail.id}")).status_code == 204
    assert (await reader.delete(f"/favourites/{world.trail.id}")).status_code == 404
    assert (await reader.put("/favourites/987654")).status_code == 404


async def test_visits_are_filtered(world: World) -> None:
    for day in ("2026-05-01", "2026-05-03", "2026-05-02"):
        await world.as_["reader"].post("/visits", json=_visit(world, day=day, rating=4.5, note="夏"))

    async def days(**params: Any) -> list[str]:
        items = (await world.as_["author"].get("/visits", params=params)).json()["items"]
        return [item["day"] for item in items]

    assert await days() == ["2026-05-03", "2026-05-02", "2026-05-01"]
    assert await days(day_from="2026-05-02", day_to="2026-05-02") == ["2026-05-02"]
    assert await days(member=world.members["author"].id) == []
    assert len(await days(trail=world.trail.id, member=world.members["reader"].id)) == 3


WRONG: tuple[dict[str, Any], ...] = (
    {"minutes": 0},
    {"minutes": 2.5},
    {"rating": 6},
    {"rating": "NaN"},
    {"day": "2026-02-30"},
    {"note": "x" * 501},
    {"trail_id": 987654},
    {"trail_id": None},
)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_visits_are_validated_alone_and_among_others(world: World, wrong: dict[str, Any]) -> None:
    editor, key = world.as_["editor"], uuid4()
    bad = _visit(world, **wrong)
    answers = [
        await editor.post("/visits", json=bad),
        await editor.put(f"/visits/{key}", json=bad),
        await editor.post("/visits/import", json=[_visit(world), bad, _visit(world)]),
    ]
    assert [answer.status_code for answer in answers] == [422] * 3
    assert await Visit.objects.count() == 0


async def test_an_import_is_whole_and_counts_repeated_keys_once(world: World) -> None:
    editor, key = world.as_["editor"], str(uuid4())
    rows = [_visit(world, id=key, minutes=1), _visit(world), _visit(world, id=key, minutes=2)]
    assert (await editor.post("/visits/import", json=rows)).json() == {"rows": 2}
    assert (await Visit.objects.get(id=key)).minutes == 2
    again = await editor.post("/visits/import", json=[_visit(world), _visit(world, id=key)])
    assert (again.status_code, again.json()["code"]) == (409, "taken")
    stranger = await editor.post("/visits/import", json=[_visit(world), _visit(world, member_id=987654)])
    assert (stranger.status_code, stranger.json()["code"]) == (422, "unknown_reference")
    assert await Visit.objects.count() == 2
    assert (await editor.post("/visits/import", json=[])).status_code == 422


async def test_five_thousand_visits_at_once(world: World) -> None:
    rows = [_visit(world) for _ in range(5000)]
    assert (await world.as_["editor"].post("/visits/import", json=rows)).json() == {"rows": 5000}
    assert (await world.as_["editor"].post("/visits/import", json=[*rows, rows[0]])).status_code == 422
    assert await Visit.objects.count() == 5000


async def test_a_visit_written_by_key_twice_is_one(world: World) -> None:
    url = f"/visits/{uuid4()}"
    for minutes in (10, 20):
        made = (await world.as_["reader"].put(url, json=_visit(world, minutes=minutes))).json()
        assert (made["minutes"], made["member_id"]) == (minutes, world.members["reader"].id)
    assert (await world.as_["author"].put(url, json=_visit(world))).status_code == 403
    kept = (await world.as_["editor"].put(url, json=_visit(world, minutes=30))).json()
    assert (kept["minutes"], kept["member_id"]) == (30, world.members["reader"].id)
    assert await Visit.objects.count() == 1
    assert (await world.as_["reader"].put("/visits/no-key", json=_visit(world))).status_code == 422


async def test_regions_are_a_tree(world: World) -> None:
    fells = {"code": "FELLS", "name": "Fells", "children": []}
    assert (await world.anonymous.get("/regions")).json() == [
        {"code": "NORTH", "name": "North", "children": [fells]}
    ]
    assert (await world.anonymous.get("/regions/FELLS")).json() == {"code": "FELLS", "name": "Fells"}
    assert (await world.anonymous.get("/regions/NORTH/trails")).json()["total"] == 1
    await Trail.objects.update(region_code="FELLS")
    assert (await world.anonymous.get("/regions/NORTH/trails")).json()["total"] == 0
    for path in ("/regions/NONE", "/regions/NONE/trails"):
        assert (await world.anonymous.get(path)).status_code == 404
