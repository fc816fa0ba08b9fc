"""Single records, options, inlines and files over the API (contract, 6.2, 7, 7.2)."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE, ON_ALL
from reading import parcels

from oxyde import AsyncDatabase, db, execute_raw, related
from oxyde_admin.options.columns import column
from oxyde_admin.options.inline import Inline
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

Panels = Callable[..., AdminSite]

FULL: dict[str, Any] = {
    "code": "A",
    "weight": 3,
    "price": Decimal("2.50"),
    "ratio": 0.1,
    "sent": True,
    "fragile": None,
    "grade": "fine",
    "size": "s",
    "note": "",
    "due": date(2031, 5, 6),
    "at": time(7, 8, 0, 5),
    "takes": timedelta(days=1, microseconds=2),
    "packed": datetime(2031, 5, 6, 7, 8, 9, 10),
    "seen": datetime(2031, 5, 6, 23, tzinfo=timezone(timedelta(hours=2))),
    "uid": uuid.UUID(int=1),
    "host": "10.0.0.1",
    "words": ["ab", "ü"],
    "marks": {2, 1},
    "extra": {"big": 1 << 50, "n": None, "x": [0.5]},
    "address": {"street": "x", "number": 1},
    "label": b"\x00\xff",
    "made": datetime(2031, 1, 1),
}
AS_JSON: dict[str, Any] = {
    "id": 1,
    "code": "A",
    "depot": None,
    "origin": None,
    "weight": 3,
    "price": "2.50",
    "ratio": 0.1,
    "sent": True,
    "fragile": None,
    "grade": "fine",
    "size": "s",
    "note": "",
    "due": "2031-05-06",
    "at": "07:08:00.000005",
    "takes": "P1DT0.000002S",
    "packed": "2031-05-06T07:08:09.000010",
    "seen": "2031-05-06T21:00:00+00:00",
    "uid": "00000000-0000-0000-0000-000000000001",
    "host": "10.0.0.1",
    "words": ["ab", "ü"],
    "marks": [1, 2],
    "extra": {"big": 1 << 50, "n": None, "x": [0.5]},
    "address": {"street": "x", "number": 1},
    "label": "AP8=",
    "made": "2031-01-01T00:00:00",
    "tags": [{"code": "a/b", "label": "first"}],
    "depot_id": 1,
    "origin_id": None,
}


async def full_parcel() -> depots.Parcel:
    depot = await depots.Depot.objects.create(name="north")
    parcel = await depots.Parcel.objects.create(**{**FULL, "depot": depot})
    tag = await depots.Tag.objects.create(code="a/b", label="first")
    await related(parcel, "tags").add(tag)
    return parcel


@ON_ALL
async def test_a_record_as_json(client: Client) -> None:
    await full_parcel()
    answer = await client.get("/api/parcels/1")
    assert answer.status == 200
    assert answer.json() == AS_JSON
    assert list(answer.json()) == list(AS_JSON)
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["x-admin-allow"] == "view, create, change, delete, export, history"
    listed = (await client.get("/api/parcels")).json()
    assert listed["items"] == [{name: value for name, value in AS_JSON.items() if name != "label"}]
    assert listed["fk_labels"] == {"depot_id": {"1": "north"}, "origin_id": {}}


async def test_columns_that_the_form_names_are_in_the_record(database: AsyncDatabase) -> None:
    class ParcelAdmin(ModelAdmin):
        readonly_fields = ["heavy", "weight"]

        @column("Heavy")
        async def heavy(self, ctx: Any, record: Any) -> bool:
            return bool(record.weight > 10)

        @column("In the list only")
        async def other(self, ctx: Any, record: Any) -> str:
            return "other"

    site = AdminSite()
    site.register(depots.Parcel, ParcelAdmin)
    site.register(depots.Tag)
    site.register(depots.Depot, inlines=[Inline(depots.Parcel, fk="depot")])
    client = Client(site)
    parcel = await full_parcel()
    answer = await client.get("/api/parcels/1")
    assert answer.json() == {**AS_JSON, "heavy": parcel.weight > 10}
    assert answer.headers["x-admin-readonly"].split(", ")[-1] == "heavy"
    # Sent back it changes nothing, and no inline has it among its fields.
    again = await client.patch("/api/parcels/1", {**answer.json(), "heavy": "no"})
    assert (again.status, again.json()) == (200, answer.json())
    inlines = (await client.get("/api/depots/schema")).json()["x-admin"]["inlines"]
    assert "heavy" not in inlines[0]["fields"] and "note" in inlines[0]["fields"]


async def test_the_tag_is_that_of_the_visible_values(client: Client) -> None:
    parcel = await full_parcel()

    async def tag() -> str:
        return (await client.get("/api/parcels/1")).headers["etag"]

    first = await tag()
    assert await tag() == first
    await related(parcel, "tags").remove("a/b")
    second = await tag()
    assert second != first
    await depots.Parcel.objects.update(label=b"\x01")
    assert await tag() not in (first, second)


@pytest.mark.parametrize("key", ["2", "x", "1,1", "~", "1.5", "99999999999999999999", "1~00", "%C3%A4"])
async def test_keys_of_nobody(client: Client, key: str) -> None:
    await full_parcel()
    answer = await client.get(f"/api/parcels/{key}")
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


@EVERYWHERE
async def test_keys_of_every_kind(client: Client) -> None:
    for code in ("options", "a/b", "a,b", ".x", "~", "ü", "", "x y", "schema"):
        await depots.Tag.objects.create(code=code, label=f"label of {code}")
    for path, code in (
        ("~6Fptions", "options"),
        ("a~2Fb", "a/b"),
        ("a~2cb", "a,b"),
        ("~2Ex", ".x"),
        ("~7E", "~"),
        ("%C3%BC", "ü"),
        ("~C3~BC", "ü"),
        ("~", ""),
        ("x%20y", "x y"),
        ("~73chema", "schema"),
    ):
        answer = await client.get(f"/api/tags/{path}")
        assert answer.status == 200, path
        assert answer.json()["code"] == code
    await depots.Shelf.objects.create(hall="a,b", number=-3)
    assert (await client.get("/api/shelves/a~2Cb,-3")).json()["number"] == -3
    assert (await client.get("/api/shelves/a,b,-3")).status == 404
    account = await depots.Account.objects.create(email="a@example.org", token="s3cret")
    answer = await client.get(f"/api/accounts/{str(account.id).upper()}")
    assert answer.json()["token"] == "**********"
    assert "password_hash" not in answer.json()


BROKEN = [
    ("code", "'much too long for a code, and with spaces'", "much too long for a code, and with spaces"),
    ("size", "'xxl'", "xxl"),
    ("weight", "-5", -5),
    ("address", """'{"street": 7}'""", {"street": 7}),
    ("grade", "'gold'", "gold"),
    ("due", "'soon'", "soon"),
    ("packed", "'2031-05-06 later'", "2031-05-06 later"),
    ("price", "'cheap'", "cheap"),
    ("uid", "'none'", "none"),
    ("host", "'nowhere'", "nowhere"),
    ("words", "'{}'", {}),
    ("takes", "'long'", "long"),
]


@pytest.mark.parametrize(("field", "sql", "expected"), BROKEN, ids=[row[0] for row in BROKEN])
async def test_rows_that_the_model_rejects_are_shown(
    client: Client, field: str, sql: str, expected: Any
) -> None:
    """On SQLite, whose columns hold anything; beside a sound row, which stays as it is."""
    await full_parcel()
    await parcels(1)
    await execute_raw(f"UPDATE parcels SET {field} = {sql} WHERE id = 2")
    record = (await client.get("/api/parcels/2")).json()
    assert record[field] == expected
    answer = await client.get("/api/parcels?ordering=id")
    assert answer.status == 200
    assert [item[field] for item in answer.json()["items"]] == [AS_JSON[field], expected]


async def test_a_missing_value_in_a_required_field_is_null(database: AsyncDatabase, client: Client) -> None:
    await execute_raw("DROP TABLE readings")
    await execute_raw("CREATE TABLE readings (sensor TEXT, value TEXT)")
    await execute_raw("INSERT INTO readings VALUES (NULL, NULL), ('a', 'hot')")
    items = (await client.get("/api/readings?ordering=sensor")).json()["items"]
    assert items == [{"sensor": None, "value": None}, {"sensor": "a", "value": "hot"}]


async def test_options(client: Client) -> None:
    for name in ("Bergen", "Ålesund", "Oslo", "Moss"):
        await depots.Depot.objects.create(name=name, city="x")
    answer = (await client.get("/api/depots/options")).json()
    assert {"value": 1, "label": "Bergen"} in answer
    assert [entry["label"] for entry in answer][:3] == ["Bergen", "Moss", "Oslo"]
    assert len((await client.get("/api/depots/options?limit=2")).json()) == 2
    assert len((await client.get("/api/depots/options?limit=-1")).json()) == 1
    answer = (await client.get("/api/depots/options?search=ÅLE")).json()
    assert answer == [{"value": 2, "label": "Ålesund"}]
    answer = (await client.get("/api/depots/options?search=os&limit=1&include=2,x,99&include=1")).json()
    values = [entry["value"] for entry in answer]
    assert (values[0], set(values[1:])) == (4, {1, 2})
    assert (await client.get("/api/depots/options?limit=x")).status == 400


async def test_options_of_composite_and_text_keys(client: Client) -> None:
    await depots.Shelf.objects.create(hall="h", number=1)
    await depots.Tag.objects.create(code="a,b", label="")
    answer = (await client.get("/api/shelves/options?search=h,1&include=h~2C1")).json()
    assert answer == [{"value": ["h", 1], "label": "h"}]
    answer = (await client.get("/api/tags/options?include=a~2Cb")).json()
    assert answer[0]["value"] == "a,b"


async def test_options_of_large_tables_come_by_key(database: AsyncDatabase, new_panel: Panels) -> None:
    client = Client(new_panel(depots.Tag, count_limit=2))
    for code, label in (("a", "z"), ("b", "y"), ("c", "x")):
        await depots.Tag.objects.create(code=code, label=label)
    answer = (await client.get("/api/tags/options")).json()
    assert [entry["value"] for entry in answer] == ["a", "b", "c"]


async def test_inlines(database: AsyncDatabase, new_panel: Panels) -> None:
    site = new_panel(depots.Depot, depots.Event)
    site.register(depots.Parcel, inlines=[Inline(depots.Event)])
    client = Client(site)
    first, second = await parcels(2)
    for parcel, text in ((first, "a"), (second, "b"), (first, "c")):
        await depots.Event.objects.create(parcel=parcel, text=text)
    answer = (await client.get("/api/parcels/1/-/inlines/events?ordering=-text")).json()
    assert [item["text"] for item in answer["items"]] == ["c", "a"]
    assert answer["total"] == 2
    for key, tag in answer["etags"].items():
        assert (await client.get(f"/api/events/{key}")).headers["etag"] == tag
    assert (await client.get("/api/parcels/1/-/inlines/nothing")).status == 404
    assert (await client.get("/api/parcels/9/-/inlines/events")).status == 404


async def test_files_are_attachments(client: Client) -> None:
    await full_parcel()
    answer = await client.get("/api/parcels/1/-/blob/label")
    assert answer.content == b"\x00\xff"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "application/octet-stream"
    for path in ("code", "nothing", "depot"):
        assert (await client.get(f"/api/parcels/1/-/blob/{path}")).status == 404
    await depots.Parcel.objects.update(label=None)
    assert (await client.get("/api/parcels/1/-/blob/label")).status == 404


class WeighingAdmin(ModelAdmin):
    """A column that fails for rows without a weight."""

    @column("kg", ordering="-weight")
    async def kg(self, ctx: Any, record: Any) -> Any:
        return Decimal(record.weight) / 1000

    @column()
    async def failing(self, ctx: Any, record: Any) -> Any:
        raise RuntimeError("cannot")


async def test_computed_columns(
    database: AsyncDatabase, new_panel: Panels, caplog: pytest.LogCaptureFixture
) -> None:
    site = new_panel(depots.Depot)
    site.register(depots.Parcel, WeighingAdmin)
    client = Client(site)
    await parcels(3)
    answer = (await client.get("/api/parcels?ordering=kg&fields=code,kg")).json()
    assert answer["items"] == [
        {"id": 3, "code": "P-2", "kg": "0.002"},
        {"id": 2, "code": "P-1", "kg": "0.001"},
        {"id": 1, "code": "P-0", "kg": "0"},
    ]
    assert (await client.get("/api/parcels")).json()["items"][0]["failing"] is None
    assert "failing" not in (await client.get("/api/parcels/1")).json()
    assert "failing cannot be computed" in caplog.text


async def test_nested_lists_are_cut_and_say_so(client: Client) -> None:
    parcel, other = await parcels(2)
    tags = [await depots.Tag.objects.create(code=f"{i:04}", label="x") for i in range(101)]
    await related(parcel, "tags").add(*tags)
    await related(other, "tags").add(tags[5])
    answer = await client.get("/api/parcels?ordering=id")
    assert answer.headers["x-admin-truncated"] == "tags"
    lists = [item["tags"] for item in answer.json()["items"]]
    assert [len(tags) for tags in lists] == [100, 1]
    answer = await client.get("/api/parcels/1")
    assert len(answer.json()["tags"]) == 101
    assert "x-admin-truncated" not in answer.headers
    answer = await client.get("/api/parcels?fields=code")
    assert "x-admin-truncated" not in answer.headers
    assert "tags" not in answer.json()["items"][0]


async def test_targets_that_are_not_registered_show_their_key(
    database: AsyncDatabase, new_panel: Panels
) -> None:
    client = Client(new_panel(depots.Parcel))
    await full_parcel()
    answer = (await client.get("/api/parcels")).json()
    assert answer["items"][0]["tags"] == [{"code": "a/b"}]
    assert answer["fk_labels"] == {}
    assert (await client.get("/api/parcels/1")).json()["tags"] == [{"code": "a/b"}]


async def test_a_list_takes_a_constant_number_of_statements(client: Client) -> None:
    counts = []
    for number in (3, 30):
        made = await parcels_in_new_depots(number)
        tag = await depots.Tag.objects.create(code=f"t{number}", label="x")
        for parcel in made:
            await related(parcel, "tags").add(tag)
        with db.capture_queries() as queries:
            answer = await client.get("/api/parcels?per_page=50")
        assert answer.status == 200
        counts.append(len([query for query in queries if query.sql.startswith("SELECT")]))
    # Rows, count, tags, labels of two foreign keys.
    assert counts == [5, 5]


async def parcels_in_new_depots(number: int) -> list[depots.Parcel]:
    made = []
    for _ in range(number):
        name = uuid.uuid4().hex
        depot = await depots.Depot.objects.create(name=name)
        made.append(await depots.Parcel.objects.create(code=name[:12].upper(), depot=depot, origin=depot))
    return made


async def test_totals(database: AsyncDatabase, new_panel: Panels) -> None:
    site = new_panel(depots.Depot, count_limit=2)
    client = Client(site)
    for name in "abcd":
        await depots.Depot.objects.create(name=name)

    async def total(query: str) -> tuple[Any, bool]:
        answer = (await client.get(f"/api/depots?{query}")).json()
        return answer["total"], answer["total_exact"]

    assert await total("") == (3, False)
    assert await total("count=exact") == (4, True)
    assert await total("count=none") == (None, False)
    await execute_raw("ANALYZE")
    assert await total("") == (4, False)


async def test_pages(database: AsyncDatabase, new_panel: Panels) -> None:
    client = Client(new_panel(depots.Depot, per_page=3, max_offset=4))
    for name in "abcdef":
        await depots.Depot.objects.create(name=name)

    async def names(query: str) -> str:
        answer = (await client.get(f"/api/depots?{query}")).json()
        return "".join(item["name"] for item in answer["items"])

    assert await names("") == "abc"
    assert await names("per_page=0") == "abc"
    assert await names("per_page=2&page=2") == "cd"
    assert await names("per_page=-7&page=-7") == "a"
    answer = await client.get("/api/depots?per_page=2&page=4")
    assert (answer.status, answer.json()["code"]) == (400, "too_many")
    answer = await client.get(f"/api/depots?page={10**40}")
    assert (answer.status, answer.json()["code"]) == (400, "too_many")


async def test_hidden_terms_of_the_default_order_do_not_order(
    database: AsyncDatabase, new_panel: Panels
) -> None:
    site = AdminSite()
    site.register(
        depots.Account,
        ordering=["-salary"],
        field_access={"salary": {"view": ["hr"]}},
        list_filter=["salary"],
    )
    client = Client(site)
    for salary in (1, 3, 2):
        await depots.Account.objects.create(
            id=uuid.UUID(int=salary), email=f"{salary}@example.org", salary=salary
        )
    answer = (await client.get("/api/accounts?salary=3")).json()
    assert [item["email"][0] for item in answer["items"]] == ["1", "2", "3"]
    assert answer["ignored"] == ["salary"]
    assert "salary" not in json.dumps(answer["items"])
    for name in ("salary", "password_hash", "nothing", "token"):
        answer = await client.get(f"/api/accounts?ordering={name}")
        assert (answer.status, answer.json()["detail"]) == (400, "The list cannot be sorted like this.")


async def test_cursors_hold_nothing_of_what_is_not_shown(client: Client) -> None:
    await parcels(3)
    answer = (await client.get("/api/parcels?per_page=1&ordering=weight")).json()
    raw = base64.urlsafe_b64decode(answer["next"] + "==")
    assert json.loads(raw)[1] == [0, 1]


async def test_cursors_of_long_values_stay_short(client: Client) -> None:
    for i in range(6):
        await parcels_in_new_depots(1)
        await depots.Parcel.objects.filter(id=i + 1).update(note="x" * 5_000 + str(-i))
    seen: list[int] = []
    path = "/api/parcels?ordering=note&per_page=2&fields=id"
    answer = (await client.get(path)).json()
    while True:
        seen += [item["id"] for item in answer["items"]]
        if answer["next"] is None:
            break
        assert len(answer["next"]) < 200
        answer = (await client.get(f"{path}&after={answer['next']}")).json()
    assert sorted(seen) == [1, 2, 3, 4, 5, 6]
    await depots.Parcel.objects.delete()
    gone = await client.get(f"{path}&before={answer['prev']}")
    assert (gone.status, gone.json()["code"]) == (400, "bad_parameter")


async def test_an_order_of_the_hook_does_not_disturb_positions(
    database: AsyncDatabase, new_panel: Panels
) -> None:
    class Ordered(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return q.order_by("-weight")

    site = new_panel(depots.Depot)
    site.register(depots.Parcel, Ordered)
    client = Client(site)
    await parcels(5)
    first = (await client.get("/api/parcels?per_page=3")).json()
    second = (await client.get(f"/api/parcels?per_page=3&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [1, 2, 3, 4, 5]
