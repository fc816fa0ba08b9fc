"""Optimistic locking (contract, 7.5)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE, ON_ALL
from writing import a_parcel, make

from oxyde import Query
from oxyde_admin.exceptions import InvalidParameterError
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite
from oxyde_admin.writes.locking import matches


class Joined(ModelAdmin):
    """Sees rows through a join, which no server locks as it stands."""

    async def query(self, ctx: Any, q: Query[Any]) -> Query[Any]:
        return q.filter(depot__name__startswith="depot").distinct()


def panel(**options: Any) -> AdminSite:
    site = AdminSite()
    site.register(depots.Depot, **options.pop("depot", {}))
    site.register(depots.Tag)
    site.register(depots.Event, **options.pop("event", {}))
    site.register(depots.Parcel, Joined(**options))
    return site


@EVERYWHERE
async def test_a_write_holds_only_for_what_was_read(database: Any) -> None:
    client = Client(panel())
    parcel = await a_parcel(client)
    path = f"/api/parcels/{parcel['id']}"
    read = (await client.get(path)).headers["etag"]
    first = await client.patch(path, {"weight": 1}, headers={"If-Match": read})
    assert first.status == 200
    assert first.headers["etag"] == (await client.get(path)).headers["etag"] != read
    for stale in (
        await client.patch(path, {"weight": 2}, headers={"If-Match": read}),
        await client.delete(path, headers={"If-Match": read}),
    ):
        assert (stale.status, stale.json()["code"]) == (412, "stale")
        assert stale.json()["current"] == first.json()
        assert stale.headers["etag"] == first.headers["etag"]
    assert (await client.delete(path, headers={"If-Match": first.headers["etag"]})).json() == {"deleted": 1}


@EVERYWHERE
async def test_links_are_part_of_what_was_read(database: Any) -> None:
    client = Client(panel())
    parcel = await a_parcel(client)
    await make(client, "tags", code="a", label="a")
    path = f"/api/parcels/{parcel['id']}"
    read = (await client.get(path)).headers["etag"]
    await client.patch(path, {"tags": ["a"]})
    assert (await client.patch(path, {"weight": 2}, headers={"If-Match": read})).status == 412


@ON_ALL
async def test_of_two_writers_with_the_same_tag_one_wins(database: Any) -> None:
    client = Client(panel())
    parcel = await a_parcel(client)
    path = f"/api/parcels/{parcel['id']}"
    for turn in range(5):
        read = (await client.get(path)).headers["etag"]
        answers = await asyncio.gather(
            *(
                client.patch(path, {"weight": 10 * turn + number + 1}, headers={"If-Match": read})
                for number in range(3)
            )
        )
        assert sorted(answer.status for answer in answers) == [200, 412, 412]
        winner = next(answer for answer in answers if answer.status == 200)
        assert (await client.get(path)).json()["weight"] == winner.json()["weight"]
        assert all(a.json()["current"] == winner.json() for a in answers if a.status == 412)


@EVERYWHERE
async def test_of_two_who_delete_one_does(database: Any) -> None:
    client = Client(panel())
    parcel = await a_parcel(client)
    path = f"/api/parcels/{parcel['id']}"
    answers = await asyncio.gather(*(client.delete(path) for _ in range(3)))
    assert sorted(answer.json()["deleted"] for answer in answers) == [0, 0, 1]


@ON_ALL
async def test_writers_without_tags_do_not_lose_each_others_fields(database: Any) -> None:
    client = Client(panel())
    parcel = await a_parcel(client)
    path = f"/api/parcels/{parcel['id']}"
    answers = await asyncio.gather(
        client.patch(path, {"weight": 5}),
        client.patch(path, {"note": "n"}),
        client.patch(path, {"sent": True}),
    )
    assert [answer.status for answer in answers] == [200, 200, 200]
    after = (await client.get(path)).json()
    assert (after["weight"], after["note"], after["sent"]) == (5, "n", True)


@EVERYWHERE
async def test_an_integer_version_goes_up_with_every_write(database: Any) -> None:
    client = Client(panel(event={"version_field": "version"}))
    parcel = await a_parcel(client)
    event = await make(client, "events", parcel=parcel["id"], text="a", version=40)
    path = f"/api/events/{event['id']}"
    start = event["version"]
    answer = await client.patch(path, {"text": "b", "version": 99})
    assert answer.json()["version"] == start + 1
    assert (await client.patch(path, {"version": 99})).json()["version"] == start + 1
    body = {"ids": [event["id"]], "data": {"text": "c"}}
    assert (await client.post("/api/events/bulk-update", body)).json() == {"updated": 1}
    assert (await client.get(path)).json()["version"] == start + 2
    stale = await client.patch(path, {"text": "d"}, headers={"If-Match": answer.headers["etag"]})
    assert stale.status == 412


@EVERYWHERE
async def test_a_timestamp_can_be_the_version(database: Any) -> None:
    client = Client(panel(version_field="made"))
    parcel = await a_parcel(client)
    path = f"/api/parcels/{parcel['id']}"
    tags, moments = set(), [datetime.fromisoformat(parcel["made"])]
    for weight in range(3):
        answer = await client.patch(path, {"weight": weight})
        assert answer.status == 200, answer.text
        tags.add(answer.headers["etag"])
        moments.append(datetime.fromisoformat(answer.json()["made"]))
    assert len(tags) == 3
    assert moments == sorted(set(moments))


@EVERYWHERE
async def test_a_version_can_be_required(database: Any) -> None:
    client = Client(panel(depot={"require_version": True}))
    made = await make(client, "depots", name="a")
    path = f"/api/depots/{made['id']}"
    for answer in (await client.patch(path, {"name": "b"}), await client.delete(path)):
        assert (answer.status, answer.json()["code"]) == (428, "version_required")
    tag = (await client.get(path)).headers["etag"]
    assert (await client.patch(path, {"name": "b"}, headers={"If-Match": tag})).status == 200
    assert (await client.delete(path, headers={"If-Match": "*"})).json() == {"deleted": 1}


@pytest.mark.parametrize(
    ("expected", "holds"),
    [
        ('"a"', True),
        ('"b", "a"', True),
        ('"b","a" , "c"', True),
        ("*", True),
        ('W/"a"', False),
        ('"b"', False),
        ('"b", W/"a"', False),
        ("", False),
    ],
)
def test_tags_are_compared_strongly(expected: str, holds: bool) -> None:
    assert matches(expected, '"a"') is holds


@pytest.mark.parametrize("expected", ["a", '"a', '"a" "b"', '"b"; "a"'])
def test_what_is_no_list_of_tags_is_refused(expected: str) -> None:
    with pytest.raises(InvalidParameterError):
        matches(expected, '"c"')
