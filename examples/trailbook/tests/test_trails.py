"""Trails: lists, filters, search, slugs, versions, labels."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from conftest import World, trail_values
from trailbook.models import Label, Trail, TrailLabel, Visit


async def _make(world: World, count: int, **values: Any) -> list[Trail]:
    rows = [
        Trail(
            title=f"Walk {number}",
            slug=f"walk-{number}",
            length_km=Decimal(number + 1),
            walking_time=timedelta(hours=1),
            author=world.members["author"],
            published_on=date(2024 + number % 2, 1, 1 + number % 28),
            region_code="FELLS" if number % 3 else None,
            views=number,
            **values,
        )
        for number in range(count)
    ]
    return await Trail.objects.bulk_create(rows)


async def test_pages_hold_every_trail_once(world: World) -> None:
    await _make(world, 24)
    seen = []
    for page in (1, 2, 3, 4):
        answer = (await world.anonymous.get("/trails", params={"page": page, "per_page": 10})).json()
        assert (answer["total"], answer["page"], answer["per_page"], answer["pages"]) == (25, page, 10, 3)
        seen += [item["id"] for item in answer["items"]]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 25


async def test_the_default_size_of_a_page_is_a_setting(world: World) -> None:
    assert (await world.anonymous.get("/trails")).json()["per_page"] == 20


async def test_stretches_hold_every_trail_once_and_end(world: World) -> None:
    await _make(world, 24)
    seen: list[int] = []
    after: int | None = None
    while True:
        params = {"per_page": 7} | ({"after": after} if after else {})
        answer = (await world.anonymous.get("/trails/stretch", params=params)).json()
        seen += [item["id"] for item in answer["items"]]
        after = answer["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 25
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"region": "FELLS"}, 6),
        ({"region": "nowhere"}, 0),
        ({"difficulty": "easy"}, 11),
        ({"difficulty": "hard"}, 0),
        ({"label": "lake"}, 1),
        ({"published": "true"}, 10),
        ({"published": "false"}, 1),
        ({"length_from": "9"}, 2),
        ({"length_to": "2.5"}, 2),
        ({"published_from": "2025-01-01"}, 5),
        ({"published_to": "2024-01-05", "region": "FELLS"}, 2),
    ],
)
async def test_filters(world: World, given: dict[str, str], kept: int) -> None:
    await _make(world, 10)
    assert (await world.anonymous.get("/trails", params=given)).json()["total"] == kept


async def test_filter_by_author(world: World) -> None:
    await _make(world, 3)
    author = world.members["author"].id
    answer = await world.anonymous.get("/trails", params={"author": author})
    assert [item["author"] for item in answer.json()["items"]] == [{"id": author, "handle": "author"}] * 3


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "per_page=101",
        "difficulty=soft",
        "length_from=NaN",
        "published_from=yesterday",
        "author=99999999999999999999999",
    ],
)
async def test_bad_filters_are_422(world: World, query: str) -> None:
    answer = await world.anonymous.get(f"/trails?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_search_takes_text_literally(world: World) -> None:
    for title in ("100% wild", "100 steps", "a_b", "axb"):
        await world.as_["author"].post("/trails", json=trail_values(title))

    async def found(text: str) -> list[str]:
        answer = await world.anonymous.get("/trails/search", params={"q": text})
        return [item["title"] for item in answer.json()["items"]]

    assert await found("0%") == ["100% wild"]
    assert await found("A_B") == ["a_b"]
    assert await found("THE MERE") == ["Heron Walk"]
    assert (await world.anonymous.get("/trails/search", params={"q": " x "})).status_code == 422


async def test_slugs_are_never_empty_and_unique(world: World) -> None:
    titles = ["C", "C++", "!!!", "???", "Лес и горы", "C"]
    answers = [await world.as_["author"].post("/trails", json=trail_values(title)) for title in titles]
    assert [answer.json()["slug"] for answer in answers] == [
        "c",
        "c-2",
        "trail",
        "trail-2",
        "лес-и-горы",
        "c-3",
    ]
    labels = [await world.as_["editor"].post("/labels", json={"name": name}) for name in ("C", "C++", "!!!")]
    assert [answer.json()["slug"] for answer in labels] == ["c", "c-2", "label"]


async def test_create_with_labels_keeps_order_and_counts_repeated_ids_once(world: World) -> None:
    ridge = await Label.objects.create(name="Ridge", slug="ridge")
    values = trail_values(
        labels=[ridge.id, world.label.id, ridge.id],
        highlights=["arch"],
        facts={"water": True, "huts": ["Upper"]},
        opens="07:30",
        region_code="FELLS",
        difficulty="hard",
    )
    answer = await world.as_["author"].post("/trails", json=values)
    made = answer.json()
    assert [placed["label"]["slug"] for placed in made["placed_labels"]] == ["ridge", "lake"]
    assert [placed["position"] for placed in made["placed_labels"]] == [0, 1]
    assert (made["length_km"], made["walking_time"], made["opens"]) == ("7.50", "PT2H30M", "07:30:00")
    assert made["facts"] == {"water": True, "dogs": True, "highest_m": None, "huts": ["Upper"]}
    assert made["region"] == {"code": "FELLS", "name": "Fells"}
    assert made == (await world.anonymous.get(f"/trails/{made['id']}")).json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": "  "},
        {"title": "x" * 121},
        {"length_km": "0"},
        {"length_km": "99999"},
        {"length_km": "1.234"},
        {"length_km": "NaN"},
        {"walking_time": "-PT1H"},
        {"walking_time": "P9999999D"},
        {"difficulty": "soft"},
        {"labels": ["x"]},
        {"labels": [10**30]},
        {"facts": {"huts": 3}},
        {"unknown": 1},
        {"region_code": "NOWHERE"},
        {"labels": [987654]},
    ],
    ids=str,
)
async def test_wrong_values_and_unknown_references_are_422_and_leave_nothing(
    world: World, wrong: dict[str, Any]
) -> None:
    answer = await world.as_["author"].post("/trails", json=trail_values() | wrong)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in ("invalid", "unknown_reference")
    assert await Trail.objects.count() == 1
    assert await TrailLabel.objects.count() == 1


async def test_changes_raise_the_version_and_touch_the_time(world: World) -> None:
    url = f"/trails/{world.trail.id}"
    before = (await world.anonymous.get(url)).json()
    answer = await world.as_["writer"].patch(
        url, json={"version": 1, "length_km": "5.00", "region_code": None}
    )
    after = answer.json()
    assert (after["version"], after["length_km"], after["region"]) == (2, "5.00", None)
    assert after["updated"] > before["updated"]
    assert (after["title"], after["slug"], after["created"]) == (
        before["title"],
        before["slug"],
        before["created"],
    )


async def test_a_stale_version_is_409_and_changes_nothing(world: World) -> None:
    url = f"/trails/{world.trail.id}"
    assert (await world.as_["editor"].patch(url, json={"version": 1, "title": "First"})).status_code == 200
    answer = await world.as_["writer"].patch(url, json={"version": 1, "title": "Second"})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert (await world.anonymous.get(url)).json()["title"] == "First"


@pytest.mark.parametrize(
    "body", [{}, {"version": 1, "title": None}, {"version": 1, "length_km": "-1"}], ids=str
)
async def test_changes_are_validated(world: World, body: dict[str, Any]) -> None:
    answer = await world.as_["writer"].patch(f"/trails/{world.trail.id}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_publish_takes_a_day_or_today(world: World) -> None:
    url = f"/trails/{world.trail.id}/publish"
    answer = await world.as_["writer"].post(url, json={"on": "2026-05-01"})
    assert (answer.json()["published_on"], answer.json()["version"]) == ("2026-05-01", 2)
    assert (await world.as_["writer"].post(url, json={})).json()["published_on"] is not None


async def test_labels_are_replaced_added_and_removed(world: World) -> None:
    url = f"/trails/{world.trail.id}/labels"
    made = await Label.objects.bulk_create([Label(name=name, slug=name) for name in ("a", "b", "c")])
    a, b, c = [label.id for label in made]

    def slugs(answer: Any) -> list[str]:
        return [placed["label"]["slug"] for placed in answer.json()["placed_labels"]]

    writer = world.as_["writer"]
    assert slugs(await writer.put(url, json=[c, a, c])) == ["c", "a"]
    assert slugs(await writer.post(f"{url}/{b}")) == ["c", "a", "b"]
    assert slugs(await writer.post(f"{url}/{b}")) == ["c", "a", "b"]
    assert slugs(await writer.delete(f"{url}/{a}")) == ["c", "b"]
    assert (await writer.delete(f"{url}/{a}")).status_code == 404
    assert (await writer.post(f"{url}/987654")).status_code == 404
    answer = await writer.put(url, json=[a, 987654])
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_reference")
    assert slugs(await world.anonymous.get(f"/trails/{world.trail.id}")) == ["c", "b"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/full"),
        ("GET", "/remarks"),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/publish"),
        ("POST", "/views"),
        ("POST", "/remarks"),
        ("PUT", "/labels"),
        ("POST", "/labels/1"),
        ("DELETE", "/labels/1"),
    ],
)
async def test_a_trail_that_is_not_there_is_404(world: World, method: str, path: str) -> None:
    bodies: dict[tuple[str, str], Any] = {
        ("PATCH", ""): {"version": 1},
        ("POST", "/remarks"): {"body": "x"},
        ("POST", "/publish"): {},
        ("PUT", "/labels"): [],
    }
    body = bodies.get((method, path))
    answer = await world.as_["admin"].request(method, f"/trails/987654{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_deleting_takes_everything_of_the_trail(world: World) -> None:
    await world.as_["reader"].post(
        "/visits", json={"day": "2026-05-01", "minutes": 9, "trail_id": world.trail.id}
    )
    assert await Visit.objects.count() == 1
    assert (await world.as_["writer"].delete(f"/trails/{world.trail.id}")).status_code == 204
    assert (await Visit.objects.count(), await TrailLabel.objects.count()) == (0, 0)


async def test_figures_by_region_and_year(world: World) -> None:
    await _make(world, 6)
    figures = (await world.anonymous.get("/trails/figures")).json()
    found = {
        (row["region_code"], row["year"]): (row["trails"], Decimal(row["length_km"]), row["views"])
        for row in figures
    }
    assert found == {
        (None, 2024): (1, 1, 0),
        (None, 2025): (1, 4, 3),
        ("FELLS", 2024): (2, 8, 6),
        ("FELLS", 2025): (2, 8, 6),
    }


async def test_the_export_is_csv_that_runs_no_formulas(world: World) -> None:
    await world.as_["author"].post("/trails", json=trail_values('=1+1, "quoted"'))
    answer = await world.anonymous.get("/trails/export.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="trails.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["title"] for row in rows] == ["Heron Walk", '\'=1+1, "quoted"']
    assert (rows[0]["author__handle"], rows[0]["length_km"], rows[0]["difficulty"]) == (
        "writer",
        "4.20",
        "easy",
    )
