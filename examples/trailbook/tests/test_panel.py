"""The admin panel of Trailbook: each extension point, and who may what."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest

from conftest import HASH, World, trail_values
from oxyde_admin.auth import hash_password
from trailbook.app import create_app
from trailbook.models import Favourite, Member, Remark, Trail, Visit

Clients = dict[str, httpx.AsyncClient]
PASSWORD = "correct horse"
NOTHING: set[str] = set()
ALL = {
    "members",
    "profiles",
    "trails",
    "remarks",
    "labels",
    "trail_labels",
    "regions",
    "favourites",
    "visits",
}


HASHED = asyncio.run(hash_password(PASSWORD))


@pytest.fixture
async def panel(world: World) -> Clients:
    """A client of the panel's API for each member of the world."""
    await Member.objects.update(password_hash=HASHED)
    clients = {}
    for handle, member in world.members.items():
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(world.app), base_url="http://panel/admin/api"
        )
        login = await client.post("/login", json={"email": member.email, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {login.json()['token']}"
        clients[handle] = client
    return clients


async def _titles(client: httpx.AsyncClient) -> list[str]:
    return [item["title"] for item in (await client.get("/trails?ordering=id")).json()["items"]]


@pytest.mark.parametrize(
    ("role", "models"),
    [
        ("reader", NOTHING),
        ("author", {"trails", "remarks", "labels", "regions", "members"}),
        ("editor", ALL),
        ("admin", ALL),
    ],
)
async def test_a_role_sees_its_tables(panel: Clients, role: str, models: set[str]) -> None:
    assert {model["name"] for model in (await panel[role].get("/models")).json()} == models
    assert (await panel[role].get("/login_tokens")).status_code == 404


async def test_authors_see_and_write_their_own_trails(world: World, panel: Clients) -> None:
    assert await _titles(panel["writer"]) == ["Heron Walk"]
    assert await _titles(panel["author"]) == []
    other = world.members["writer"].id
    made = await panel["author"].post("/trails", json=trail_values("Heron Walk", author_id=other))
    assert made.status_code == 201, made.text
    assert (made.json()["slug"], made.json()["author_id"]) == ("heron-walk-2", world.members["author"].id)
    assert await _titles(panel["author"]) == ["Heron Walk"]
    assert (await panel["author"].get(f"/trails/{world.trail.id}")).status_code == 404
    assert (await panel["author"].patch(f"/trails/{world.trail.id}", json={"title": "X"})).status_code == 404
    assert len(await _titles(panel["editor"])) == 2


async def test_stale_versions_are_412_and_writes_raise_the_version(world: World, panel: Clients) -> None:
    url = f"/trails/{world.trail.id}"
    read = await panel["editor"].get(url)
    tag = {"If-Match": read.headers["etag"]}
    first = await panel["editor"].patch(url, json={"title": "First"}, headers=tag)
    assert (first.status_code, first.json()["version"]) == (200, 2)
    assert first.json()["updated"] > read.json()["updated"]
    late = await panel["writer"].patch(url, json={"title": "Late"}, headers=tag)
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    answer = await world.as_["writer"].patch(
        f"/trails/{world.trail.id}", json={"version": 1, "title": "Late"}
    )
    assert answer.status_code == 409


async def test_roles_are_given_by_administrators_only(world: World, panel: Clients) -> None:
    url = f"/members/{world.members['reader'].id}"
    assert (await panel["editor"].patch(url, json={"role": "admin"})).status_code == 403
    changed = await panel["admin"].patch(url, json={"role": "author"})
    assert changed.json()["role"] == "author"
    assert (await panel["reader"].get("/trails")).status_code == 200


async def test_selected_remarks_are_approved(world: World, panel: Clients) -> None:
    reader = world.members["reader"]
    rows = [
        await Remark.objects.create(body=f"Remark {n}", trail=world.trail, author=reader) for n in range(3)
    ]
    selection = {"ids": [row.id for row in rows[:2]]}
    answer = await panel["editor"].post("/remarks/-/actions/approve", json=selection)
    assert (answer.status_code, answer.json()["message"]) == (200, "2 approved")
    assert await Remark.objects.filter(approved=True).count() == 2
    assert (await panel["writer"].post("/remarks/-/actions/approve", json=selection)).status_code == 403


async def test_a_trail_is_published_on_a_day(world: World, panel: Clients) -> None:
    body = {"ids": [world.trail.id], "form": {"on": "2026-06-01"}}
    answer = await panel["writer"].post("/trails/-/actions/publish", json=body)
    assert answer.status_code == 200, answer.text
    trail = await Trail.objects.get(id=world.trail.id)
    assert (trail.published_on, trail.version) == (date(2026, 6, 1), 2)
    wrong = await panel["writer"].post("/trails/-/actions/publish", json=body | {"form": {"on": "soon"}})
    assert wrong.status_code == 422
    assert (await panel["author"].post("/trails/-/actions/publish", json=body)).status_code in (400, 404)


async def test_a_new_password_is_set_by_administrators(world: World, panel: Clients) -> None:
    body = {"ids": [world.members["reader"].id], "form": {"password": "another horse"}}
    assert (await panel["editor"].post("/members/-/actions/set_password", json=body)).status_code == 403
    assert (await panel["admin"].post("/members/-/actions/set_password", json=body)).status_code == 200
    credentials = {"email": world.members["reader"].email, "password": "another horse"}
    assert (await world.anonymous.post("/accounts/login", json=credentials)).status_code == 200
    assert (await world.as_["reader"].get("/accounts/me")).status_code == 401


async def test_remarks_are_edited_under_their_trail(world: World, panel: Clients) -> None:
    reader = world.members["reader"].id
    url = f"/trails/{world.trail.id}"
    rows: list[dict[str, Any]] = [{"body": "One", "author_id": reader}, {"body": "Two", "author_id": reader}]
    answer = await panel["editor"].patch(url, json={"_inlines": {"remarks": rows}})
    assert answer.status_code == 200, answer.text
    inlines = (await panel["editor"].get(f"{url}/-/inlines/remarks")).json()
    keys = {item["body"]: item["id"] for item in inlines["items"]}
    assert set(keys) == {"One", "Two"}
    gone = {"id": keys["One"], "_delete": True}
    await panel["editor"].patch(url, json={"_inlines": {"remarks": [gone]}})
    assert await Remark.objects.values_list("body", flat=True).all() == ["Two"]


async def test_the_pace_is_computed(world: World, panel: Clients) -> None:
    (item,) = (await panel["editor"].get("/trails")).json()["items"]
    assert item["pace"] == 14.3


async def test_charts(world: World, panel: Clients) -> None:
    await Visit.objects.bulk_create(
        [Visit(day=date(2026, month, 3), minutes=9, trail=world.trail) for month in (4, 5, 5)]
    )
    regions = (await panel["editor"].get("/-/charts/regions")).json()
    assert regions["points"] == [["North", 1]]
    visits = (await panel["editor"].get("/-/charts/visits")).json()
    assert visits["points"] == [["2026-04", 1], ["2026-05", 2]]
    assert (await panel["author"].get("/-/charts/visits")).status_code in (403, 404)
    names = [chart["name"] for chart in (await panel["editor"].get("/-/dashboard")).json()["charts"]]
    assert {"regions", "visits"} <= set(names)


async def test_favourites_have_composite_keys(world: World, panel: Clients) -> None:
    reader = world.members["reader"]
    await Favourite.objects.create(member=reader, trail=world.trail)
    url = f"/favourites/{reader.id},{world.trail.id}"
    assert (await panel["admin"].get(url)).json()["member_id"] == reader.id
    assert (await panel["admin"].delete(url)).json() == {"deleted": 1}
    assert (await panel["admin"].get(url)).status_code == 404


async def test_visits_are_imported(world: World, panel: Clients) -> None:
    rows = ("2026-05-01;90;{};нет дождя", "2026-05-02;80;{};")
    text = "\r\n".join(["day;minutes;trail_id;note", *(row.format(world.trail.id) for row in rows), ""])
    headers = {"Content-Type": "text/csv"}

    async def send(query: str, content: str) -> Any:
        answer = await panel["editor"].post(f"/visits/-/import{query}", content=content, headers=headers)
        return answer.status_code, answer.json()

    status, tried = await send("", text)
    assert (status, tried["dry_run"], tried["created"]) == (200, True, 2)
    assert await Visit.objects.count() == 0
    status, done = await send("?dry_run=false", text)
    assert (status, done["created"], await Visit.objects.count()) == (200, 2, 2)
    status, failed = await send("?dry_run=false", text.replace("80", "-1"))
    assert (status, failed["error_count"], await Visit.objects.count()) == (422, 1, 2)


async def test_what_is_done_is_told_and_no_hash_is(world: World, panel: Clients) -> None:
    await panel["editor"].patch(f"/trails/{world.trail.id}", json={"title": "Told"})
    history = (await panel["editor"].get(f"/trails/{world.trail.id}/-/history")).json()["items"]
    assert history[0]["changes"]["title"] == ["Heron Walk", "Told"]
    texts = [
        (await panel["admin"].get(path)).text
        for path in (
            "/config",
            "/models",
            "/members",
            "/members/schema",
            f"/members/{world.members['reader'].id}",
            "/members/export?format=csv",
            "/-/audit",
            "/-/openapi.json",
        )
    ]
    for text in texts:
        assert "password_hash" not in text
        assert HASHED not in text and HASH not in text


@pytest.mark.parametrize("debug", [True, False])
async def test_cookies_are_secure_outside_of_trials(world: World, panel: Clients, debug: bool) -> None:
    settings = world.app.state.settings.model_copy(update={"debug": debug})
    transport = httpx.ASGITransport(create_app(settings))  # the database is connected already
    async with httpx.AsyncClient(transport=transport, base_url="http://panel/admin/api") as client:
        credentials = {"email": world.members["editor"].email, "password": PASSWORD}
        cookie = (await client.post("/-/session", json=credentials)).headers["set-cookie"].lower()
    assert ("secure" in cookie.split("; ")) is not debug
    assert {"httponly", "samesite=strict"} <= set(cookie.split("; "))
