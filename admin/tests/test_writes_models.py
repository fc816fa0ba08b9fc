"""Writing records of models that are configured in every way Pydantic and oxyde allow."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from client import Client
from everywhere import EVERYWHERE
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator
from writing import make, places

from oxyde import AsyncDatabase, Field, Model, create_tables
from oxyde_admin.options.inline import Inline
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE


class Color(str, Enum):
    RED = "red"
    BLUE = "blue"


class Size(BaseModel):
    model_config = ConfigDict(strict=True)
    width: int
    since: date | None = None


class Strict(Model):
    model_config = ConfigDict(strict=True)

    id: UUID = Field(db_pk=True)
    day: date | None = None
    lasts: timedelta | None = None
    price: Decimal = Field(default=Decimal("0"), max_digits=10, decimal_places=2)
    color: Color = Color.RED
    colors: list[Color] = Field(default_factory=list)
    days: set[date] = Field(default_factory=set)
    data: bytes = b""
    size: Size | None = None
    count: int = 0
    secret: SecretStr = SecretStr("")

    class Meta:
        is_table = True
        table_name = "w_strict"


class Lax(Model):
    id: int | None = Field(default=None, db_pk=True)
    sizes: list[Size] = Field(default_factory=list)
    anything: Any = None

    class Meta:
        is_table = True
        table_name = "w_lax"


class Renamed(Model):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    id: int | None = Field(default=None, db_pk=True)
    title: str = Field(alias="theTitle", db_column="remark", max_length=10, db_unique=True)
    born: str = Field(default="", frozen=True)

    class Meta:
        is_table = True
        table_name = "w_renamed"


class Frozen(Model):
    model_config = ConfigDict(frozen=True)

    code: str = Field(db_pk=True, max_length=10)
    label: str = ""

    class Meta:
        is_table = True
        table_name = "w_frozen"


class Span(Model):
    id: int | None = Field(default=None, db_pk=True)
    low: int
    high: int
    note: str = ""

    @field_validator("note")
    @classmethod
    def stripped(cls, value: str) -> str:
        return value.strip()

    @model_validator(mode="after")
    def in_order(self) -> Span:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self

    class Meta:
        is_table = True
        table_name = "w_span"
        unloaded = "raise"


class Place(Model):
    hall: str = Field(db_pk=True, max_length=10)
    number: int = Field(db_pk=True)
    code: str = Field(max_length=10, db_unique=True)

    class Meta:
        is_table = True
        table_name = "w_place"


class Box(Model):
    id: int | None = Field(default=None, db_pk=True)
    place: Place | None = Field(default=None, db_on_delete="CASCADE")
    parent: Box | None = Field(default=None, db_on_delete="SET NULL")
    home: Depot2 | None = Field(default=None, db_fk="name", db_nullable=False)
    near: list[Box] = Field(db_m2m=True, db_through="Near")

    class Meta:
        is_table = True
        table_name = "w_box"
        unloaded = "raise"


class Depot2(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(db_unique=True, max_length=10)

    class Meta:
        is_table = True
        table_name = "w_depot"


class Near(Model):
    id: int | None = Field(default=None, db_pk=True)
    one: Box = Field(db_on_delete="CASCADE")
    two: Box = Field(db_on_delete="CASCADE")
    since: int

    class Meta:
        is_table = True
        table_name = "w_near"


class Line(Model):
    """A key of which the parent is a part."""

    box: Box = Field(db_pk=True, db_on_delete="CASCADE")
    number: int = Field(db_pk=True)
    text: str = ""

    class Meta:
        is_table = True
        table_name = "w_line"


ALL = (Strict, Lax, Renamed, Frozen, Span, Place, Depot2, Box, Near, Line)


@pytest.fixture
async def client(database: AsyncDatabase) -> Client:
    await create_tables(database, models=list(ALL))
    site = AdminSite()
    for model in ALL:
        if model is not Box:
            site.register(model)
    site.register(Box, inlines=[Inline(Line)])
    return Client(site)


async def test_strict_models_take_json(client: Client) -> None:
    sent = {
        "id": "00000000-0000-0000-0000-000000000001",
        "day": "2024-02-29",
        "lasts": "P1DT1S",
        "price": "1.50",
        "color": "blue",
        "colors": ["red", "blue"],
        "days": ["2024-01-01"],
        "data": "AAE=",
        "size": {"width": 2, "since": "2024-01-01"},
        "count": 3,
        "secret": "hush",
    }
    made = await make(client, "w_strict", **sent)
    shown = {**sent, "secret": "**********"}
    assert made == shown
    again = await client.patch(f"/api/w_strict/{sent['id']}", made)
    assert (again.status, again.json()) == (200, shown)
    wrong = {"count": "3", "color": "green", "day": "2024-02-30", "size": {"width": "2"}}
    answer = await client.patch(f"/api/w_strict/{sent['id']}", wrong)
    assert answer.status == 422
    assert [place[0] for place in places(answer)] == ["day", "color", "size", "count"]


async def test_strict_models_inside_of_others(client: Client) -> None:
    sent = {"sizes": [{"width": 1, "since": "2024-01-01"}], "anything": [{"a": 1.5}, None, 2**53]}
    made = await make(client, "w_lax", **sent)
    assert made == {"id": 1, **sent}
    assert (await client.patch("/api/w_lax/1", made)).json() == made
    answer = await client.patch("/api/w_lax/1", {"sizes": [{"width": 1}, {"width": "2"}]})
    assert (answer.status, places(answer)) == (422, [["sizes", 1, "width"]])


@pytest.mark.parametrize("value", ["a\0b", "a\ud800", {"a\ud800": 1}, {"a\0": 1}, 2**70, 1e400])
async def test_json_that_a_database_cannot_hold(client: Client, database: Any, value: Any) -> None:
    answer = await client.post("/api/w_lax", {"anything": value})
    assert answer.status in (201, 400, 422), answer.text
    if answer.status == 422:
        assert places(answer)[0][:1] == ["anything"]
    else:
        assert answer.status == 400 or answer.json()["anything"] == value


async def test_names_columns_and_aliases(client: Client) -> None:
    made = await make(client, "w_renamed", title="a", born="x")
    assert made == {"id": 1, "title": "a", "born": "x"}
    by_column = await client.patch("/api/w_renamed/1", {"remark": "b", "born": "y"})
    assert by_column.json() == {"id": 1, "title": "b", "born": "x"}
    for answer in (
        await client.patch("/api/w_renamed/1", {"title": "x" * 11}),
        await client.post("/api/w_renamed", {"born": "x"}),
        await client.post("/api/w_renamed", {"title": "b"}),
    ):
        assert places(answer) == [["title"]]


async def test_frozen_models_are_created_and_deleted(client: Client) -> None:
    await make(client, "w_frozen", code="a", label="b")
    answer = await client.patch("/api/w_frozen/a", {"label": "c"})
    assert (answer.status, answer.json()) == (200, {"code": "a", "label": "b"})
    assert (await client.delete("/api/w_frozen/a")).json() == {"deleted": 1}


async def test_validators_of_the_model_see_the_whole(client: Client) -> None:
    made = await make(client, "w_span", low=1, high=5, note=" x ")
    assert made["note"] == "x"
    answer = await client.patch("/api/w_span/1", {"low": 6})
    assert (answer.status, places(answer)) == (422, [[]])
    assert (await client.patch("/api/w_span/1", {"low": 6, "high": 7})).status == 200


async def test_a_null_that_the_column_refuses(client: Client) -> None:
    answer = await client.post("/api/w_box", {})
    assert (answer.status, places(answer)) == (422, [["home_name"]])


@pytest.fixture
async def box(client: Client) -> dict[str, Any]:
    await make(client, "w_place", hall="h", number=1, code="p")
    await make(client, "w_depot", name="north")
    return await make(client, "w_box", home="north", place=["h", 1])


async def test_foreign_keys_of_several_columns_and_to_other_fields(
    client: Client, box: dict[str, Any]
) -> None:
    assert (box["place"], box["place_hall"], box["place_number"]) == (None, "h", 1)
    assert box["home_name"] == "north"
    path = f"/api/w_box/{box['id']}"
    for data, loc in (
        ({"place": ["h", 2]}, ["place"]),
        ({"place": "h"}, ["place"]),
        ({"place_number": 2}, ["place_number"]),
        ({"home": "south"}, ["home"]),
        ({"home_name": "south"}, ["home_name"]),
        ({"parent": 99}, ["parent"]),
    ):
        answer = await client.patch(path, data)
        assert (answer.status, places(answer)) == (422, [loc]), data
    cleared = await client.patch(path, {"place": None, "parent": box["id"]})
    assert cleared.status == 200, cleared.text
    assert (cleared.json()["place_hall"], cleared.json()["parent_id"]) == (None, box["id"])


async def test_a_junction_that_wants_more_is_told_at_the_relation(
    client: Client, box: dict[str, Any]
) -> None:
    answer = await client.patch(f"/api/w_box/{box['id']}", {"near": [box["id"]]})
    assert (answer.status, places(answer)) == (422, [["near"]])
    assert "since" not in answer.text


async def test_inlines_whose_key_holds_the_parent(client: Client, box: dict[str, Any]) -> None:
    path = f"/api/w_box/{box['id']}"
    rows = [{"number": 1, "text": "a"}, {"number": 2, "text": "b"}]
    assert (await client.patch(path, {"_inlines": {"w_line": rows}})).status == 200
    rows = [{"number": 1, "text": "c"}, {"number": 2, "_delete": True}, {"number": 3, "box": 77}]
    answer = await client.patch(path, {"_inlines": {"w_line": rows}})
    assert answer.status == 200, answer.text
    lines = await Line.objects.order_by("number").values_list("box_id", "number", "text").all()
    assert lines == [(box["id"], 1, "c"), (box["id"], 3, "")]


async def test_previews_follow_keys_of_several_columns_and_loops(client: Client, box: dict[str, Any]) -> None:
    await make(client, "w_box", home="north", parent=box["id"])
    body = {"ids": [["h", 1]]}
    answer = await client.post("/api/w_place/-/delete-preview", body)
    assert answer.json() == {
        "delete": {"w_place": 1, "w_box": 1},
        "set_null": {"w_box": 1},
        "protected": {},
    }
    answer = await client.post("/api/w_depot/-/delete-preview", {"ids": [1]})
    assert answer.json()["protected"] == {"w_box": 2}
