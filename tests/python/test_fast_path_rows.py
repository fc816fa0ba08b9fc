"""Rows of a real database: every type from its cell, bad cells, values(), refilling."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import ipaddress
import math
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import loading
import pydantic
import pytest
import pytest_asyncio
from pydantic import Field as PydanticField

from oxyde import DataError, Field, Model, create_tables, db, execute_raw, is_saved

UTC = dt.timezone.utc


class Hull(enum.Enum):
    NEW = "new"
    OLD = "old"


class Gear(pydantic.BaseModel):
    name: str
    teeth: int = Field(default=0, ge=0)


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    flag: bool | None = None
    count: int | None = None
    share: float | None = None
    label: str | None = Field(default=None, db_column="remark")
    body: bytes | None = None
    sent: dt.datetime | None = None
    seen: pydantic.AwareDatetime | None = None
    due: dt.date | None = None
    at: dt.time | None = None
    took: dt.timedelta | None = None
    code: uuid.UUID | None = None
    price: decimal.Decimal | None = None
    cost: Annotated[decimal.Decimal, PydanticField(max_digits=8, decimal_places=2)] | None = None
    hull: Hull | None = None
    mode: Literal["a", "b"] | None = None
    host: ipaddress.IPv4Interface | None = None
    net: ipaddress.IPv6Network | None = None
    tags: list[str] | None = None
    marks: set[int] | None = None
    hulls: list[Hull] | None = None
    data: dict[str, Any] | None = None
    gear: Gear | None = None

    class Meta:
        is_table = True


class Tight(Model, frozen=True):
    id: int = Field(db_pk=True)
    ref: str = Field(max_length=4, pattern="^[a-z]*$")
    size: int = Field(default=3, ge=0)
    sent: dt.datetime | None = None
    _seen: list[int] = pydantic.PrivateAttr(default_factory=list)

    class Meta:
        is_table = True


class Doubled(Model):
    id: int | None = Field(default=None, db_pk=True)
    a: int
    b: int = 0

    @pydantic.model_validator(mode="after")
    def _sorted(self) -> Doubled:
        if self.b < self.a:
            raise ValueError("b is below a")
        return self

    class Meta:
        is_table = True


VALUES: dict[str, Any] = {
    "flag": True,
    "count": -(2**63),
    "share": 0.1,
    "label": "é\x00😀",
    "body": b"\x00\xff",
    "sent": dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
    "seen": dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC),
    "due": dt.date(1, 1, 1),
    "at": dt.time(23, 59, 59, 1),
    "took": dt.timedelta(days=-3, microseconds=5),
    "code": uuid.UUID("12345678-1234-4678-9234-567812345678"),
    "price": decimal.Decimal("-0.10"),
    "cost": decimal.Decimal("123456.78"),
    "hull": Hull.OLD,
    "mode": "b",
    "host": ipaddress.IPv4Interface("192.0.2.1/24"),
    "net": ipaddress.IPv6Network("2001:db8::/32"),
    "tags": ["x", "é", ""],
    "marks": {3, 1},
    "hulls": [Hull.NEW, Hull.OLD],
    "data": {"a": [1, 2.5, None, {"b": 2**70}]},
    "gear": Gear(name="g", teeth=3),
}


@pytest_asyncio.fixture(autouse=True)
async def database() -> AsyncIterator[Any]:
    await db.init(default="sqlite://:memory:")
    opened = await db.get_connection()
    await create_tables(opened, models=[Crate, Tight, Doubled])
    yield opened
    await db.close()


async def put(**columns: str) -> None:
    """A crate of raw SQL values."""
    names, texts = ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
    await execute_raw(f'INSERT INTO "crate" ({names}) VALUES ({texts})')


@pytest.mark.parametrize("name", VALUES)
async def test_every_type_survives_the_way_through_the_database(name: str) -> None:
    await Crate.objects.create(**{name: VALUES[name]})
    (row,) = await Crate.objects.all()
    assert loading.canon(getattr(row, name)) == loading.canon(VALUES[name])
    assert all(getattr(row, other) is None for other in VALUES if other != name)
    assert is_saved(row)


async def test_rows_equal_pydantic_s_own_instances() -> None:
    await Crate.objects.create(id=1, **VALUES)
    (row,) = await Crate.objects.all()
    same = Crate.model_validate({"id": 1, **VALUES})
    assert loading.instance(row) == loading.instance(same)
    assert row == same


async def test_values_hold_what_attributes_hold_but_json_stays_plain() -> None:
    await Crate.objects.create(id=1, **VALUES)
    (row,) = await Crate.objects.values(*VALUES).all()
    assert list(row) == list(VALUES)
    assert loading.canon(row) == loading.canon({**VALUES, "gear": {"name": "g", "teeth": 3}})
    (numbers,) = await Crate.objects.values_list("count", "hull").all()
    assert numbers == (-(2**63), Hull.OLD)
    assert await Crate.objects.values_list("marks", flat=True).all() == [{1, 3}]


async def test_text_of_other_tools_is_read() -> None:
    await put(
        sent="'2024-01-02T03:04:05.5Z'",
        seen="'2024-01-02 03:04:05+02:00'",
        count="'12'",
        flag="1",
        remark="12",
    )
    (row,) = await Crate.objects.all()
    assert row.seen == dt.datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert row.sent == dt.datetime(2024, 1, 2, 3, 4, 5, 500000)
    assert (row.count, row.flag, row.label) == (12, True, "12")


@pytest.mark.parametrize(
    ("column", "field", "sql", "words"),
    [
        ("sent", "sent", "X'00'", ["TEXT", "BLOB", "date_time"]),
        ("sent", "sent", "'2024-02-30 00:00:00'", ["TEXT", "date_time"]),
        ("sent", "sent", "'0000-01-01 00:00:00'", ["date_time"]),
        ("count", "count", "'twelve'", ["INTEGER", "TEXT", "big_integer"]),
        ("count", "count", "1.5", ["REAL", "big_integer"]),
        ("remark", "label", "CAST(X'ff' AS TEXT)", ["VARCHAR(255)", "UTF-8"]),
        ("code", "code", "'no uuid'", ["uuid"]),
        ("price", "price", "'1e'", ["decimal"]),
        ("due", "due", "'2024-13-01'", ["date"]),
        ("at", "at", "'25:00:00'", ["time"]),
        ("data", "data", "'{'", ["json"]),
        ("tags", "tags", "'{}'", ["array"]),
        ("flag", "flag", "2", ["boolean"]),
        ("net", "net", "'nonsense'", ["cidr"]),
    ],
)
async def test_a_cell_that_cannot_be_decoded_names_its_place(
    column: str, field: str, sql: str, words: list[str]
) -> None:
    await put(**{column: sql})
    for query in (Crate.objects.all(), Crate.objects.values(field).all()):
        with pytest.raises(DataError) as caught:
            await query
        message = str(caught.value)
        assert all(word in message for word in ["crate", column, *words]), message
        assert (caught.value.table, caught.value.column) == ("crate", column)
    with pytest.raises(DataError, match=f"^Crate.{field}: "):
        await Crate.objects.all()


async def test_messages_do_not_show_what_the_cell_holds() -> None:
    await put(code="'secret words'", remark="CAST(X'736563726574ff' AS TEXT)")
    for field in ("code", "label"):
        with pytest.raises(DataError) as caught:
            await Crate.objects.values(field).all()
        assert "secret" not in str(caught.value)


async def test_values_refuse_what_is_no_member() -> None:
    await put(hull="'lost'")
    with pytest.raises(pydantic.ValidationError):
        await Crate.objects.all()
    with pytest.raises(DataError, match="no member"):
        await Crate.objects.values("hull").all()


async def test_deeply_nested_json_and_odd_escapes_are_read() -> None:
    deep = "[" * 300 + "]" * 300
    await put(data=f"""'{{"deep": {deep}, "half": "\\ud800", "big": 1e400}}'""")
    (row,) = await Crate.objects.values("data").all()
    assert row["data"]["half"] == "\ud800"
    assert math.isinf(row["data"]["big"])


async def test_rows_that_break_a_constraint_are_refused_with_pydantic_s_errors() -> None:
    await execute_raw("INSERT INTO \"tight\" (id, ref, size) VALUES (1, 'ABCDE', -1)")
    with pytest.raises(pydantic.ValidationError) as caught:
        await Tight.objects.all()
    with pytest.raises(pydantic.ValidationError) as expected:
        Tight.model_validate({"id": 1, "ref": "ABCDE", "size": -1, "sent": None})
    assert caught.value.errors() == expected.value.errors()


async def test_undecodable_cells_win_over_broken_constraints() -> None:
    await execute_raw("INSERT INTO \"tight\" (id, ref, sent) VALUES (1, 'ABCDE', 'never')")
    with pytest.raises(DataError, match=r"^Tight\.sent: "):
        await Tight.objects.all()


async def test_model_validators_run_on_complete_rows_only() -> None:
    await execute_raw('INSERT INTO "doubled" (id, a, b) VALUES (1, 5, 2)')
    with pytest.raises(pydantic.ValidationError, match="b is below a"):
        await Doubled.objects.all()
    (row,) = await Doubled.objects.only("a").all()
    assert (row.id, row.a, row.b) == (1, 5, 0)
    assert row.model_fields_set == {"id", "a"}


async def test_refreshing_writes_past_frozen_and_validates() -> None:
    row = await Tight.objects.create(id=1, ref="abc")
    assert row.size == 3
    row._seen.append(1)
    await execute_raw("UPDATE \"tight\" SET size = 9, ref = 'xyz'")
    assert await row.refresh() is row
    assert (row.ref, row.size, row._seen) == ("xyz", 9, [1])
    await execute_raw("UPDATE \"tight\" SET size = 1, ref = 'TOOLONG'")
    with pytest.raises(pydantic.ValidationError):
        await row.refresh()
    assert (row.ref, row.size) == ("xyz", 9), "nothing is written unless everything is valid"


async def test_refreshing_validates_the_whole_model() -> None:
    row = await Doubled.objects.create(a=1, b=2)
    await execute_raw('UPDATE "doubled" SET a = 7')
    with pytest.raises(pydantic.ValidationError, match="b is below a"):
        await row.refresh()
    await execute_raw('UPDATE "doubled" SET b = 8')
    await row.refresh()
    assert (row.a, row.b) == (7, 8)


async def test_refreshing_named_fields_loads_only_these() -> None:
    await Tight.objects.create(id=1, ref="abc", size=4)
    (row,) = await Tight.objects.only("ref").all()
    assert row.__oxyde_state__.loaded == {"id", "ref"}  # type: ignore[attr-defined]
    await row.refresh(["size"])
    assert row.size == 4
    assert row.__oxyde_state__.loaded == {"id", "ref", "size"}  # type: ignore[attr-defined]
    await row.refresh(["sent"])
    assert row.__oxyde_state__.loaded in (None, {"id", "ref", "size", "sent"})  # type: ignore[attr-defined]


async def test_created_instances_are_saved_and_know_their_stored_values() -> None:
    row = await Doubled.objects.create(a=1, b=2)
    assert row.id == 1
    assert row.__oxyde_state__.saved  # type: ignore[attr-defined]
    assert not row.__oxyde_state__.dirty  # type: ignore[attr-defined]
    assert row == (await Doubled.objects.all())[0]


async def test_raw_rows_show_stored_values() -> None:
    await Crate.objects.create(id=1, flag=True, count=3, label="x", body=b"y", sent=dt.datetime(2024, 1, 1))
    (row,) = await execute_raw(
        'SELECT id, flag, count, remark, body, sent, 1.5 AS half, NULL AS gone FROM "crate"'
    )
    assert loading.canon(row) == loading.canon(
        {
            "id": 1,
            "flag": row["flag"],
            "count": 3,
            "remark": "x",
            "body": b"y",
            "sent": "2024-01-01 00:00:00",
            "half": 1.5,
            "gone": None,
        }
    )
    await execute_raw("CREATE TABLE other (yes BOOLEAN, odd BOOLEAN)")
    await execute_raw("INSERT INTO other VALUES (1, 7)")
    assert await execute_raw("SELECT yes, odd, 2 AS yes FROM other") == [{"yes": 2, "odd": 7}]
    (row,) = await execute_raw("SELECT yes FROM other")
    assert row["yes"] is True
