"""POST, PATCH and DELETE of single records (contract, 7.4)."""

from __future__ import annotations

from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE
from writing import a_parcel, kinds, make, places

from oxyde import db

pytestmark = EVERYWHERE


async def test_create_answers_the_record_and_where_it_is(client: Client) -> None:
    answer = await client.post("/api/depots", {"name": "North", "city": "Kiel"})
    assert answer.status == 201
    assert answer.json() == {"id": 1, "name": "North", "city": "Kiel", "manager_id": None}
    assert answer.headers["location"] == "/admin/api/depots/1"
    assert answer.headers["etag"].startswith('"')
    assert (await depots.Depot.objects.get(id=1)).name == "North"


async def test_keys_that_may_not_be_written_are_dropped_alike(client: Client) -> None:
    made = await make(client, "depots", id=77, name="North", nonsense=1, manager_id=3)
    assert made["id"] == 1
    answer = await client.patch("/api/depots/1", {"id": 9, "nonsense": 1, "city": "Kiel"})
    assert answer.status == 200
    assert answer.json() == {"id": 1, "name": "North", "city": "Kiel", "manager_id": 3}
    unchanged = await client.patch("/api/depots/1", {"id": 9, "nonsense": 1})
    assert (unchanged.status, unchanged.json()) == (200, answer.json())
    assert unchanged.headers["etag"] == answer.headers["etag"]


async def test_keys_that_are_not_counted_may_be_given(client: Client) -> None:
    made = await make(client, "shelves", hall="a,b", number=4, label="x")
    assert (made["hall"], made["number"]) == ("a,b", 4)
    answer = await client.post("/api/tags", {"code": "options", "label": "o"})
    assert answer.headers["location"] == "/admin/api/tags/~6Fptions"
    answer = await client.post("/api/accounts", {"email": "a@b.de", "id": "0" * 31 + "1"})
    assert answer.json()["id"] == "00000000-0000-0000-0000-000000000001"
    again = await client.patch("/api/tags/~6Fptions", {"code": "other", "label": "p"})
    assert again.json() == {"code": "options", "label": "p"}


async def test_patch_writes_only_the_sent_columns(client: Client) -> None:
    parcel = await a_parcel(client, weight=3, note="n")
    database = await db.get_connection()
    with db.capture_queries() as seen:
        answer = await client.patch(f"/api/parcels/{parcel['id']}", {"weight": 4})
    assert answer.status == 200
    assert answer.json() == {**parcel, "weight": 4}
    updates = [query.sql for query in seen if query.sql.lstrip().upper().startswith("UPDATE")]
    assert len(updates) == 1
    changed = updates[0].partition("WHERE")[0]
    assert "weight" in changed
    assert "note" not in changed
    assert database.connected


async def test_reading_a_record_and_writing_it_back_changes_nothing(client: Client) -> None:
    parcel = await a_parcel(
        client,
        price="10.50",
        ratio=1e-7,
        grade="royal",
        size="l",
        note="",
        due="2024-02-29",
        at="10:11:12.000013",
        takes="P1DT0.5S",
        packed="2024-02-29T10:11:12.000001",
        seen="2024-02-29T10:11:12.5+02:00",
        host="10.0.0.1",
        words=["a", ""],
        marks=[3, 1],
        extra={"a": [1, {"b": None}]},
        address={"street": "s", "number": 1},
        label="AAE=",
    )
    assert parcel["seen"] == "2024-02-29T08:11:12.500000+00:00"
    assert (parcel["takes"], parcel["label"], parcel["ratio"]) == ("P1DT0.5S", "AAE=", 1e-7)
    answer = await client.patch(f"/api/parcels/{parcel['id']}", parcel)
    assert answer.status == 200, answer.text
    assert answer.json() == parcel


async def test_the_whole_is_validated(client: Client) -> None:
    parcel = await a_parcel(client)
    path = f"/api/parcels/{parcel['id']}"
    answer = await client.patch(path, {"weight": -1, "code": "no", "address": {"street": "s", "number": 0}})
    assert answer.status == 422
    body = answer.json()
    assert body["code"] == "invalid"
    assert body["detail"] == body["errors"]
    assert places(answer) == [["code"], ["weight"], ["address", "number"]]
    assert body["errors"][1]["ctx"] == {"ge": 0}
    assert "-1" not in answer.text
    assert (await client.post("/api/parcels", {})).status == 422
    missing = await client.post("/api/parcels", {})
    assert ["code"] in places(missing)
    assert ["depot_id"] in places(missing)


async def test_columns_that_are_not_sent_keep_the_default_of_the_database(client: Client) -> None:
    parcel = await a_parcel(client)
    assert parcel["made"].startswith("20")


async def test_a_foreign_key_is_set_by_column_or_by_relation(client: Client) -> None:
    first, second = [await make(client, "depots", name=name) for name in ("a", "b")]
    parcel = await make(client, "parcels", code="A-1", depot=first["id"])
    path = f"/api/parcels/{parcel['id']}"
    assert (parcel["depot"], parcel["depot_id"]) == (None, first["id"])
    both = await client.patch(path, {"depot": second["id"], "depot_id": second["id"]})
    assert both.json()["depot_id"] == second["id"]
    differing = await client.patch(path, {"depot": first["id"], "depot_id": second["id"]})
    assert (differing.status, places(differing)) == (422, [["depot"]])
    cleared = await client.patch(path, {"origin": first["id"]})
    assert cleared.json()["origin_id"] == first["id"]
    cleared = await client.patch(path, {"origin_id": None})
    assert cleared.json()["origin_id"] is None


@pytest.mark.parametrize("name", ["depot", "depot_id"])
async def test_targets_that_do_not_exist_are_refused(client: Client, name: str) -> None:
    answer = await client.post("/api/parcels", {"code": "A-1", name: 99})
    assert (answer.status, places(answer)) == (422, [[name]])
    parcel = await a_parcel(client)
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {name: 99})
    assert (answer.status, places(answer)) == (422, [[name]])
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {name: "x"})
    assert (answer.status, places(answer)) == (422, [[name]])


async def test_a_taken_value_is_a_conflict_at_its_field(client: Client) -> None:
    await make(client, "depots", name="a")
    other = await make(client, "depots", name="b")
    for answer in (
        await client.post("/api/depots", {"name": "a"}),
        await client.patch(f"/api/depots/{other['id']}", {"name": "a"}),
    ):
        assert answer.status == 409
        assert answer.json()["code"] == "conflict"
        assert (places(answer), kinds(answer)) == ([["name"]], {"unique"})
        assert "depots" not in answer.text
    shelf = {"hall": "a", "number": 1}
    await make(client, "shelves", **shelf)
    answer = await client.post("/api/shelves", shelf)
    assert (answer.status, places(answer)) == (409, [["hall"], ["number"]])


async def test_a_check_of_the_database_is_a_conflict(client: Client) -> None:
    parcel = await a_parcel(client)
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {"weight": 100_000})
    assert (answer.status, answer.json()["code"], kinds(answer)) == (409, "conflict", {"check"})
    assert "too_heavy" not in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weight", 2**70),
        ("price", "123456789012.00"),
        ("price", "1.234"),
        ("marks", [2**70]),
        ("note", "a\ud800"),
        ("label", "no base64!"),
        ("ratio", "x"),
        ("grade", "none"),
    ],
)
async def test_what_a_column_cannot_hold_is_invalid(client: Client, field: str, value: Any) -> None:
    parcel = await a_parcel(client)
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {field: value})
    assert answer.status == 422, answer.text
    assert [place[0] for place in places(answer)] == [field]
    again = await client.get(f"/api/parcels/{parcel['id']}")
    assert again.json() == parcel


async def test_nul_is_refused_where_the_database_refuses_it(client: Client, database: Any) -> None:
    parcel = await a_parcel(client)
    answer = await client.patch(f"/api/parcels/{parcel['id']}", {"note": "a\0b"})
    if database.backend == "postgres":
        assert (answer.status, places(answer)) == (422, [["note"]])
    else:
        assert answer.json()["note"] == "a\0b"


async def test_a_secret_sent_back_is_unchanged(client: Client) -> None:
    made = await make(client, "accounts", email="a@b.de", token="tell nobody")
    assert made["token"] == "**********"
    path = f"/api/accounts/{made['id']}"
    answer = await client.patch(path, {"token": "**********", "salary": 3})
    assert answer.json()["salary"] == 3
    account = await depots.Account.objects.get(id=made["id"])
    assert account.token.get_secret_value() == "tell nobody"
    await client.patch(path, {"token": "new"})
    account = await depots.Account.objects.get(id=made["id"])
    assert account.token.get_secret_value() == "new"


async def test_excluded_fields_cannot_be_written(client: Client) -> None:
    made = await make(client, "accounts", email="a@b.de", password_hash="forged")
    assert (await depots.Account.objects.get(id=made["id"])).password_hash == ""
    await client.patch(f"/api/accounts/{made['id']}", {"password_hash": "forged", "active": False})
    account = await depots.Account.objects.get(id=made["id"])
    assert (account.password_hash, account.active) == ("", False)


async def test_delete_counts_and_is_silent_about_what_is_not_there(client: Client) -> None:
    made = await make(client, "depots", name="a")
    path = f"/api/depots/{made['id']}"
    assert (await client.delete(path)).json() == {"deleted": 1}
    assert (await client.delete(path)).json() == {"deleted": 0}
    assert (await client.delete("/api/depots/nonsense")).status == 404


async def test_what_is_still_referenced_is_protected(client: Client) -> None:
    parcel = await a_parcel(client)
    answer = await client.delete(f"/api/depots/{parcel['depot_id']}")
    assert (answer.status, answer.json()["code"]) == (409, "protected")
    assert "fk_" not in answer.text
    assert await depots.Depot.objects.count() == 1


async def test_records_that_are_not_there_cannot_be_changed(client: Client) -> None:
    answer = await client.patch("/api/depots/5", {"name": "x"})
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


async def test_a_row_that_the_model_rejects_can_be_repaired_and_deleted(client: Client) -> None:
    parcel = await a_parcel(client)
    await db.execute_script("UPDATE parcels SET weight = -5, code = 'small'")
    path = f"/api/parcels/{parcel['id']}"
    half = await client.patch(path, {"weight": 1})
    assert (half.status, places(half)) == (422, [["code"]])
    assert (await client.patch(path, {"weight": 1, "code": "B-2"})).status == 200
    await db.execute_script("UPDATE parcels SET weight = -5")
    assert (await client.delete(path)).json() == {"deleted": 1}


async def test_a_model_without_key_takes_new_records_only(client: Client) -> None:
    answer = await client.post("/api/readings", {"sensor": "s", "value": 1.5})
    assert answer.status in (201, 403, 404), answer.text
