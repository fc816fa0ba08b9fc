"""Reading a value and writing it back changes nothing, on every database (contract, 6.2)."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import depots
import pytest
from client import Client
from everywhere import ON_ALL

from oxyde import AsyncDatabase

ROWS: list[dict[str, Any]] = [
    {},
    {
        "weight": 99_999,
        "price": Decimal("99999999.99"),
        "ratio": 5e-324,
        "fragile": False,
        "grade": "royal",
        "note": "line\r\n\ttab  ü \U0001f4e6 \u202e",
        "due": date(9999, 12, 31),
        "at": time(23, 59, 59, 999_999),
        "takes": timedelta(days=-999_999, microseconds=1),
        "packed": datetime(9999, 12, 31, 23, 59, 59, 999_999),
        "seen": datetime(1000, 1, 1, tzinfo=timezone.utc),
        "uid": uuid.UUID(int=(1 << 128) - 1),
        "host": "255.255.255.255",
        "words": ["", "NULL", '"', "{}", "a,b", "\\"],
        "marks": {-(1 << 63), (1 << 63) - 1},
        "extra": {"": None, "a": [[], {}, True, -0.5, "\u0000".strip("\0"), 1 << 53]},
        "address": {"street": "'", "number": 1},
        "label": bytes(range(256)),
    },
    {"ratio": 1e308, "note": "", "words": [], "marks": set(), "extra": {}, "label": b""},
    {"ratio": 0.1 + 0.2, "price": Decimal("0.10"), "takes": timedelta(0)},
]


async def stored() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await depots.Parcel.objects.order_by("id").values().all()
    return rows


@ON_ALL
async def test_values_written_back_change_nothing(database: AsyncDatabase, client: Client) -> None:
    depot = await depots.Depot.objects.create(name="d")
    for number, values in enumerate(ROWS):
        await depots.Parcel.objects.create(code=f"R-{number}", depot=depot, **values)
    before = await stored()
    for row in before:
        path = f"/api/parcels/{row['id']}"
        first = await client.get(path)
        answer = await client.patch(path, json.loads(first.text))
        assert answer.status == 200, answer.text
        assert answer.content == first.content
        assert answer.headers["etag"] == first.headers["etag"]
    assert await stored() == before


@ON_ALL
async def test_a_secret_shown_and_sent_back_is_kept(client: Client) -> None:
    account = await depots.Account.objects.create(email="a@example.org", token="s3cret")
    record = (await client.get(f"/api/accounts/{account.id}")).json()
    assert record["token"] == "**********"
    answer = await client.patch(f"/api/accounts/{account.id}", {**record, "active": False})
    assert answer.status == 200, answer.text
    token = (await depots.Account.objects.get(id=account.id)).token
    assert token.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("field", "value"),
    [("ratio", "NaN"), ("ratio", "Infinity"), ("ratio", "-Infinity")],
)
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_floats_that_are_no_numbers(client: Client, field: str, value: str) -> None:
    depot = await depots.Depot.objects.create(name="d")
    await depots.Parcel.objects.create(code="A", depot=depot)
    answer = await client.patch("/api/parcels/1", {field: value})
    assert answer.status == 200, answer.text
    assert (await client.get("/api/parcels/1")).json()[field] == value
    listed = (await client.get(f"/api/parcels?ordering={field}&per_page=1")).json()
    assert listed["items"][0][field] == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ratio", "1e999"),
        ("label", "not base64!"),
        ("price", "1E+100000000"),
        ("weight", 1 << 70),
        ("extra", "x"),
    ],
)
async def test_values_that_cannot_be_are_errors_of_their_field(
    client: Client, field: str, value: Any
) -> None:
    depot = await depots.Depot.objects.create(name="d")
    await depots.Parcel.objects.create(code="A", depot=depot)
    answer = await client.patch("/api/parcels/1", {field: value})
    assert answer.status == 422
    assert [entry["loc"][0] for entry in answer.json()["errors"]] == [field]
    assert str(value) not in answer.text or len(str(value)) < 3
