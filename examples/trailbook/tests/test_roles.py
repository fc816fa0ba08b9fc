"""Every route, for every role."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from conftest import World, trail_values
from trailbook.models import Favourite, Remark, Role

NONE, READER, AUTHOR, EDITOR, ADMIN = "anonymous", *[role.value for role in Role]
RANKS = (NONE, READER, AUTHOR, EDITOR, ADMIN)
VISIT = {"day": "2026-05-01", "minutes": 90, "trail_id": "{trail}"}
KEY = "00000000-0000-4000-8000-000000000001"

# Method, path, body, the least role that succeeds, the status then. Rows belong to "writer", who
# is none of the members that ask, so "author" here means: a role is enough, owning is not needed.
ROUTES: tuple[tuple[str, str, Any, str, int], ...] = (
    (
        "POST",
        "/accounts/register",
        {"handle": "new", "email": "n@trailbook.example", "password": "12345678"},
        NONE,
        201,
    ),
    ("POST", "/accounts/login", {"email": "nobody@trailbook.example", "password": "x"}, NONE, 401),
    ("POST", "/accounts/logout", None, READER, 204),
    ("GET", "/accounts/me", None, READER, 200),
    ("GET", "/members", None, READER, 200),
    ("GET", "/members/{member}", None, READER, 200),
    ("PATCH", "/members/{member}", {"handle": "renamed"}, ADMIN, 200),
    ("POST", "/members/{member}/deactivate", None, ADMIN, 200),
    ("GET", "/members/{member}/trails", None, NONE, 200),
    ("GET", "/members/{member}/statistics", None, NONE, 200),
    ("GET", "/trails", None, NONE, 200),
    ("GET", "/trails/stretch", None, NONE, 200),
    ("GET", "/trails/search?q=mere", None, NONE, 200),
    ("GET", "/trails/figures", None, NONE, 200),
    ("GET", "/trails/export.csv", None, NONE, 200),
    ("GET", "/trails/{trail}", None, NONE, 200),
    ("GET", "/trails/{trail}/full", None, NONE, 200),
    ("POST", "/trails", trail_values(), AUTHOR, 201),
    ("PATCH", "/trails/{trail}", {"version": 1, "title": "Other"}, EDITOR, 200),
    ("DELETE", "/trails/{trail}", None, EDITOR, 204),
    ("POST", "/trails/{trail}/publish", {}, EDITOR, 200),
    ("POST", "/trails/{trail}/views", None, NONE, 204),
    ("PUT", "/trails/{trail}/labels", ["{label}"], EDITOR, 200),
    ("POST", "/trails/{trail}/labels/{label}", None, EDITOR, 200),
    ("DELETE", "/trails/{trail}/labels/{label}", None, EDITOR, 200),
    ("GET", "/trails/{trail}/remarks", None, NONE, 200),
    ("POST", "/trails/{trail}/remarks", {"body": "Muddy."}, READER, 201),
    ("GET", "/remarks/queue", None, EDITOR, 200),
    ("GET", "/remarks/{remark}", None, NONE, 200),
    ("PATCH", "/remarks/{remark}", {"body": "Dry."}, EDITOR, 200),
    ("DELETE", "/remarks/{remark}", None, EDITOR, 204),
    ("POST", "/remarks/{remark}/approve", None, EDITOR, 200),
    ("GET", "/labels", None, NONE, 200),
    ("POST", "/labels", {"name": "Ridge"}, EDITOR, 201),
    ("GET", "/labels/lake", None, NONE, 200),
    ("DELETE", "/labels/{label}", None, EDITOR, 204),
    ("GET", "/labels/lake/trails", None, NONE, 200),
    ("GET", "/favourites", None, READER, 200),
    ("PUT", "/favourites/{trail}", None, READER, 204),
    ("DELETE", "/favourites/{trail}", None, READER, 204),
    ("GET", "/visits", None, READER, 200),
    ("POST", "/visits", VISIT, READER, 201),
    ("POST", "/visits/import", [VISIT], EDITOR, 201),
    ("PUT", f"/visits/{KEY}", VISIT, READER, 200),
    ("GET", "/regions", None, NONE, 200),
    ("GET", "/regions/NORTH", None, NONE, 200),
    ("GET", "/regions/NORTH/trails", None, NONE, 200),
)


def _filled(value: Any, names: dict[str, int | None]) -> Any:
    """The value with names in braces replaced by keys."""
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    if isinstance(value, str) and value.startswith("{"):
        return names[value.strip("{}")]
    return value


async def _rows(world: World) -> dict[str, int | None]:
    writer = world.members["writer"]
    remark = await Remark.objects.create(body="Wet.", approved=True, trail=world.trail, author=writer)
    await Favourite.objects.bulk_create(
        [Favourite(member=member, trail=world.trail) for member in world.members.values()]
    )
    return {"member": writer.id, "trail": world.trail.id, "label": world.label.id, "remark": remark.id}


@pytest.mark.parametrize("asks", RANKS)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
async def test_a_route_admits_its_role_and_those_above(
    world: World, route: tuple[str, str, Any, str, int], asks: str
) -> None:
    method, path, body, least, status = route
    names = await _rows(world)
    answer = await world.clients()[asks].request(
        method, path.format(**names), json=_filled(body, names) if body is not None else None
    )
    if RANKS.index(asks) >= RANKS.index(least):
        assert answer.status_code == status, answer.text
    else:
        expected = (401, "unauthorized") if asks == NONE else (403, "forbidden")
        assert (answer.status_code, answer.json()["code"]) == expected
        assert set(answer.json()) == {"detail", "code"}


async def test_every_route_of_the_application_stands_in_the_table(world: World) -> None:
    def shape(path: str) -> tuple[str, ...]:
        parts = path.partition("?")[0].split("/")
        return tuple(
            "*" if part.startswith("{") or part in ("lake", "NORTH", KEY) else part for part in parts
        )

    known = {(method, shape(path)) for method, path, *_ in ROUTES}
    served = {
        (method.upper(), shape(path))
        for path, operations in world.app.openapi()["paths"].items()
        for method in operations
    }
    assert served == known
    assert len(served) >= 40
    assert UUID(KEY).version == 4


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("PATCH", "/trails/{trail}", {"version": 1, "body": "New."}),
        ("POST", "/trails/{trail}/publish", {"on": "2026-05-01"}),
        ("PUT", "/trails/{trail}/labels", []),
        ("DELETE", "/trails/{trail}", None),
    ],
)
async def test_authors_change_their_own_trails(world: World, method: str, path: str, body: Any) -> None:
    names = await _rows(world)
    answer = await world.as_["writer"].request(method, path.format(**names), json=body)
    assert answer.status_code in (200, 204), answer.text


async def test_an_author_who_became_a_reader_changes_nothing(world: World) -> None:
    writer = world.members["writer"]
    await world.as_["admin"].patch(f"/members/{writer.id}", json={"role": "reader"})
    answer = await world.as_["writer"].patch(f"/trails/{world.trail.id}", json={"version": 1, "title": "X"})
    assert answer.status_code == 403
