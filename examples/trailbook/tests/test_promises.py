"""What holds for the application as a whole."""

from __future__ import annotations

import ast
import asyncio
import io
import re
import tokenize
from datetime import date, timedelta
from decimal import Decimal

import pytest

from conftest import HASH, HOME, World, running, trail_values
from oxyde import db
from trailbook.models import (
    Favourite,
    Label,
    LoginToken,
    Member,
    Remark,
    Trail,
    TrailLabel,
    Visit,
)
from trailbook.settings import Settings

LISTS = (
    "/members",
    "/members/{writer}/trails",
    "/trails",
    "/trails?label=lake&region=NORTH&difficulty=easy&published=true&length_from=1",
    "/trails/stretch",
    "/trails/search?q=walk",
    "/trails/figures",
    "/trails/export.csv",
    "/trails/{trail}/full",
    "/trails/{trail}/remarks",
    "/remarks/queue",
    "/labels",
    "/labels/lake/trails",
    "/favourites",
    "/visits",
    "/regions",
    "/regions/NORTH/trails",
)


async def _fill(world: World, first: int, last: int) -> None:
    """Rows with these numbers in every table that a list shows."""
    numbers = range(first, last)
    writer, trail, label = world.members["writer"], world.trail, world.label
    members = [
        Member(handle=f"m{number}", email=f"m{number}@trailbook.example", password_hash=HASH)
        for number in numbers
    ]
    made = await Member.objects.bulk_create(members)
    await Label.objects.bulk_create(
        [Label(name=f"Label {number}", slug=f"label-{number}") for number in numbers]
    )
    trails = await Trail.objects.bulk_create(
        [
            Trail(
                title=f"Walk {number}",
                slug=f"walk-{number}",
                length_km=Decimal(3),
                walking_time=timedelta(hours=1),
                author=writer,
                region_code="NORTH",
                published_on=date(2026, 5, 1),
            )
            for number in numbers
        ]
    )
    await TrailLabel.objects.bulk_create([TrailLabel(trail=row, label=label) for row in trails])
    await Favourite.objects.bulk_create(
        [Favourite(member=world.members["editor"], trail=row) for row in trails]
    )
    for approved in (True, False):
        await Remark.objects.bulk_create(
            [Remark(body="Fine.", approved=approved, trail=trail, author=member) for member in made]
        )
    await Visit.objects.bulk_create([Visit(day=date(2026, 5, 1), minutes=9, trail=row) for row in trails])


async def test_lists_take_as_many_statements_for_a_thousand_rows_as_for_ten(world: World) -> None:
    names = {"writer": world.members["writer"].id, "trail": world.trail.id}

    async def counts() -> dict[str, int]:
        found = {}
        for path in LISTS:
            separator = "&" if "?" in path else "?"
            with db.capture_queries() as statements:
                answer = await world.as_["editor"].get(f"{path.format(**names)}{separator}per_page=100")
            assert answer.status_code == 200, answer.text
            found[path] = len(statements)
        return found

    await _fill(world, 0, 10)
    few = await counts()
    await _fill(world, 10, 1000)
    assert await counts() == few
    assert max(few.values()) <= 9


async def test_a_create_that_fails_half_way_leaves_nothing(world: World) -> None:
    answer = await world.as_["author"].post("/trails", json=trail_values(labels=[world.label.id, 987654]))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_reference")
    assert await Trail.objects.filter(title="Mill Round").count() == 0


async def test_twenty_writers_at_once(world: World) -> None:
    url = f"/trails/{world.trail.id}"
    author, anonymous = world.as_["author"], world.anonymous
    made, _ = await asyncio.gather(
        asyncio.gather(*(author.post("/trails", json=trail_values("Same")) for _ in range(20))),
        asyncio.gather(*(anonymous.post(f"{url}/views") for _ in range(20))),
    )
    assert [answer.status_code for answer in made] == [201] * 20
    slugs = {answer.json()["slug"] for answer in made}
    assert len(slugs) == 20
    assert {slug.rpartition("-")[0] or slug for slug in slugs} == {"same"}
    assert (await anonymous.get(url)).json()["views"] == 20

    changes = [world.as_["editor"].patch(url, json={"version": 1, "title": f"T{n}"}) for n in range(20)]
    codes = [answer.status_code for answer in await asyncio.gather(*changes)]
    assert sorted(codes) == [200] + [409] * 19
    assert (await anonymous.get(url)).json()["version"] == 2


async def test_data_and_logins_survive_a_restart(world: World, settings: Settings) -> None:
    headers = dict(world.as_["author"].headers)
    made = (await world.as_["author"].post("/trails", json=trail_values())).json()
    await db.close()
    async with running(settings) as (_, client):
        assert (await client.get(f"/trails/{made['id']}")).json() == made
        assert (await client.get("/accounts/me", headers=headers)).status_code == 200


async def test_no_answer_holds_a_hash(world: World) -> None:
    texts = [str(world.app.openapi())]
    for path in (*LISTS, "/accounts/me", f"/members/{world.members['reader'].id}"):
        names = {"writer": world.members["writer"].id, "trail": world.trail.id}
        texts.append((await world.as_["admin"].get(path.format(**names))).text)
    digests = await LoginToken.objects.values_list("digest", flat=True).all()
    for text in texts:
        assert "password_hash" not in text
        assert HASH not in text
        assert not any(digest in text for digest in digests)


@pytest.mark.parametrize(
    "asked",
    [
        ("GET", "/nothing", None, 404, "not_found"),
        ("PUT", "/trails", None, 405, "method"),
        ("POST", "/trails", "{", 422, "invalid"),
        ("POST", "/trails", "[" * 100_000, 422, "invalid"),
        ("POST", "/trails", '"\\ud800"', 422, "invalid"),
        ("GET", "/trails/0", None, 422, "invalid"),
        ("GET", "/trails/99999999999999999999", None, 422, "invalid"),
        ("GET", "/trails/x", None, 422, "invalid"),
    ],
)
async def test_errors_have_one_shape(world: World, asked: tuple[str, str, str | None, int, str]) -> None:
    method, path, content, status, code = asked
    headers = {"Content-Type": "application/json"} if content else {}
    answer = await world.as_["admin"].request(method, path, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"detail", "code"}
    assert isinstance(answer.json()["detail"], str)


async def test_text_that_a_database_cannot_hold_is_no_fault_of_ours(world: World) -> None:
    for title in ("nul \0 nul", "🥾" * 60, "\u202e"):
        answer = await world.as_["author"].post("/trails", json=trail_values(title))
        assert answer.status_code in (201, 422), answer.text
    for path in ("/trails/search?q=%00%00", "/labels/%00", "/regions/%00", "/trails?region=%00&label=%F0%9F"):
        assert (await world.anonymous.get(path)).status_code in (200, 404, 422), path


def _lines_of_code(text: str) -> int:
    """Lines that hold more than a comment or a docstring."""
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.OP, tokenize.STRING)
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - docstrings)


def test_the_application_is_small_and_needs_little() -> None:
    own = [
        path
        for folder in ("trailbook", "mounts")
        for path in (HOME / folder).rglob("*.py")
        if "seed" not in path.parts
    ]
    texts = [path.read_text() for path in own]
    assert max(len(text.splitlines()) for text in texts) <= 300
    assert 1000 < sum(map(_lines_of_code, texts)) <= 1500
    listed = re.findall(r"^dependencies = \[(.*)\]", (HOME / "pyproject.toml").read_text(), re.MULTILINE)
    needed = {re.split(r"[^\w-]", name.strip(' "'))[0] for name in listed[0].split(",")}
    assert needed == {"oxyde", "oxyde-admin", "fastapi", "uvicorn", "email-validator"}
