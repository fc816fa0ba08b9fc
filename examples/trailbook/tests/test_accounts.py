"""Registering, logging in and out, and what members may change of themselves."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from conftest import HASH, World, log_in, make_member, running
from trailbook.access import digest
from trailbook.limits import ATTEMPTS, LoginLimit
from trailbook.models import LoginToken, Member, Role, now
from trailbook.settings import Settings

PASSWORD = "correct horse"
REGISTRATION = {"handle": "ines", "email": "Ines@Trailbook.example", "password": PASSWORD}
CREDENTIALS = {"email": "ines@trailbook.example", "password": PASSWORD}


async def test_register_log_in_me_log_out(world: World) -> None:
    client = world.anonymous
    made = await client.post("/accounts/register", json=REGISTRATION)
    assert made.status_code == 201
    assert (made.json()["role"], made.json()["email"]) == ("reader", "ines@trailbook.example")

    login = (await client.post("/accounts/login", json=CREDENTIALS)).json()
    bearer = {"Authorization": f"Bearer {login['token']}"}
    assert (await client.get("/accounts/me", headers=bearer)).json() == made.json()

    stored = await LoginToken.objects.get(digest=digest(login["token"]))
    assert str(stored.address) == "192.0.2.7"
    assert timedelta(hours=11) < stored.expires - now() <= timedelta(hours=12)
    assert not await LoginToken.objects.filter(digest=login["token"]).exists()

    assert (await client.post("/accounts/logout", headers=bearer)).status_code == 204
    assert (await client.get("/accounts/me", headers=bearer)).status_code == 401


@pytest.mark.parametrize("taken", [{"handle": "reader"}, {"email": "READER@trailbook.example"}], ids=str)
async def test_taken_names_are_409(world: World, taken: dict[str, str]) -> None:
    answer = await world.anonymous.post("/accounts/register", json=REGISTRATION | taken)
    assert (answer.status_code, answer.json()["code"]) == (409, "taken")


@pytest.mark.parametrize(
    "wrong",
    [
        {"handle": "x"},
        {"handle": "two words"},
        {"email": "no address"},
        {"password": "short"},
        {"password": None},
        {"role": "admin"},
    ],
    ids=str,
)
async def test_wrong_registrations_are_422(world: World, wrong: dict[str, Any]) -> None:
    answer = await world.anonymous.post("/accounts/register", json=REGISTRATION | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert PASSWORD not in answer.text


async def test_wrong_passwords_and_inactive_members_are_401(world: World) -> None:
    await world.anonymous.post("/accounts/register", json=REGISTRATION)
    wrong = await world.anonymous.post("/accounts/login", json=CREDENTIALS | {"password": "wrong horse"})
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "Bearer")
    await Member.objects.filter(handle="ines").update(active=False)
    assert (await world.anonymous.post("/accounts/login", json=CREDENTIALS)).status_code == 401


async def test_tokens_end_with_their_time_and_with_their_member(world: World) -> None:
    reader = world.members["reader"]
    await LoginToken.objects.filter(member=reader).update(expires=now() - timedelta(seconds=1))
    assert (await world.as_["reader"].get("/accounts/me")).status_code == 401
    await Member.objects.filter(handle="author").update(active=False)
    assert (await world.as_["author"].get("/accounts/me")).status_code == 401
    assert (
        await world.anonymous.get("/accounts/me", headers={"Authorization": "Basic eA=="})
    ).status_code == 401


async def test_logins_are_limited_and_parallel_ones_counted(world: World) -> None:
    await world.anonymous.post("/accounts/register", json=REGISTRATION)
    wrong = CREDENTIALS | {"password": "wrong horse"}
    answers = await asyncio.gather(
        *(world.anonymous.post("/accounts/login", json=wrong) for _ in range(ATTEMPTS + 2))
    )
    assert sorted(answer.status_code for answer in answers) == [401] * ATTEMPTS + [429] * 2
    right = await world.anonymous.post("/accounts/login", json=CREDENTIALS)
    assert (right.status_code, right.json()["code"]) == (429, "rate_limited")


def test_the_limit_ends_and_a_success_clears_it() -> None:
    limit = LoginLimit(attempts=2, seconds=0.0)
    assert all(limit.admit("a", "x") for _ in range(5))
    limit = LoginLimit(attempts=2)
    assert [limit.admit("a", "x") for _ in range(3)] == [True, True, False]
    assert limit.admit("a", "y")
    limit.forget("A", "x")
    assert limit.admit("a", "x")


async def test_members_change_themselves_but_not_their_role(world: World) -> None:
    url = f"/members/{world.members['reader'].id}"
    reader = world.as_["reader"]
    changed = await reader.patch(url, json={"handle": "walker", "home_network": "10.1.0.0/16"})
    assert (changed.json()["handle"], changed.json()["home_network"]) == ("walker", "10.1.0.0/16")
    assert (await reader.patch(url, json={"role": "admin"})).status_code == 403
    assert (await reader.patch(url, json={"handle": "author"})).status_code == 409
    assert (await reader.patch(url, json={"handle": None})).status_code == 422
    assert (await reader.patch(url, json={})).status_code == 200


async def test_a_new_password_ends_every_login(world: World) -> None:
    url = f"/members/{world.members['reader'].id}"
    await Member.objects.filter(handle="reader").update(password_seeded=True)
    assert (await world.as_["reader"].patch(url, json={"password": PASSWORD})).status_code == 200
    assert (await world.as_["reader"].get("/accounts/me")).status_code == 401
    stored = await Member.objects.get(handle="reader")
    assert (stored.password_hash != HASH, stored.password_seeded) == (True, False)
    credentials = {"email": stored.email, "password": PASSWORD}
    assert (await world.anonymous.post("/accounts/login", json=credentials)).status_code == 200


async def test_others_see_no_addresses(world: World) -> None:
    url = f"/members/{world.members['reader'].id}"
    assert "email" not in (await world.as_["author"].get(url)).json()
    assert "email" in (await world.as_["reader"].get(url)).json()
    assert "email" in (await world.as_["admin"].get(url)).json()
    assert "email" not in (await world.as_["admin"].get("/members")).json()["items"][0]
    assert (await world.as_["admin"].get("/members/987654")).status_code == 404
    assert (await world.as_["admin"].patch("/members/987654", json={})).status_code == 404
    assert (await world.as_["admin"].post("/members/987654/deactivate")).status_code == 404
    assert (await world.anonymous.get("/members/987654/trails")).status_code == 404
    assert (await world.anonymous.get("/members/987654/statistics")).status_code == 404


async def test_deactivation_ends_logins_and_the_last_administrator_stays(world: World) -> None:
    reader, admin = world.members["reader"], world.members["admin"]
    assert (await world.as_["reader"].post(f"/members/{reader.id}/deactivate")).json()["active"] is False
    assert (await world.as_["reader"].get("/accounts/me")).status_code == 401
    for change in (("POST", "/deactivate", None), ("PATCH", "", {"role": "editor"})):
        method, path, body = change
        answer = await world.as_["admin"].request(method, f"/members/{admin.id}{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    second = await make_member("second", Role.ADMIN)
    async with await log_in(world.app, second) as client:
        assert (await client.post(f"/members/{admin.id}/deactivate")).status_code == 200


async def test_statistics(world: World) -> None:
    writer = world.members["writer"].id
    visit = {"day": "2026-05-01", "minutes": 90, "trail_id": world.trail.id}
    await world.as_["writer"].post("/visits", json=visit)
    await world.as_["writer"].post("/visits", json=visit | {"minutes": 30})
    await world.as_["writer"].post(f"/trails/{world.trail.id}/remarks", json={"body": "Mine."})
    await world.as_["writer"].put(f"/favourites/{world.trail.id}")
    await world.anonymous.post(f"/trails/{world.trail.id}/views")
    expected = {"trails": 1, "views": 1, "remarks": 1, "favourites": 1, "visits": 2, "minutes": 120}
    assert (await world.anonymous.get(f"/members/{writer}/statistics")).json() == expected
    nothing = (await world.anonymous.get(f"/members/{world.members['admin'].id}/statistics")).json()
    assert set(nothing.values()) == {0}


async def test_no_start_while_a_seeded_password_works(world: World, settings: Settings) -> None:
    serious = settings.model_copy(update={"debug": False})
    await Member.objects.filter(handle="reader").update(password_seeded=True)
    with pytest.raises(RuntimeError, match="reader"):
        async with running(serious):
            pass
    async with running(settings):
        await Member.objects.filter(handle="reader").update(password_seeded=False)
    async with running(serious) as (_, client):
        assert (await client.get("/regions")).status_code == 200


def test_settings_come_from_the_environment() -> None:
    given = Settings.from_environment(
        {"TRAILBOOK_DATABASE_URL": "postgresql://db1/trails", "TRAILBOOK_DEBUG": "true", "TRAILBOOK_PORT": ""}
    )
    assert given == Settings(database_url="postgresql://db1/trails", debug=True)
    assert Settings.from_environment({}).database_url == "sqlite:///trailbook.db"
    with pytest.raises(ValueError, match="page_size"):
        Settings.from_environment({"TRAILBOOK_PAGE_SIZE": "101"})
