"""Values on their way in: exact, by the column they meet, or refused."""

from __future__ import annotations

import enum
import ipaddress
import uuid
import warnings
from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pydantic import AwareDatetime, SecretStr

from oxyde import DataError, Field, Model, create_tables, db, execute_raw

UTC = timezone.utc
EAST = timezone(timedelta(hours=2))


class Colour(str, enum.Enum):
    RED = "red"


class Every(Model):
    id: int | None = Field(default=None, db_pk=True)
    flag: bool | None = None
    number: int | None = None
    ratio: float | None = None
    text: str | None = None
    blob: bytes | None = None
    naive: datetime | None = None
    aware: AwareDatetime | None = None
    day: date | None = None
    clock: time | None = None
    span: timedelta | None = None
    key: uuid.UUID | None = None
    price: Decimal | None = None
    cents: Decimal | None = Field(default=None, max_digits=8, decimal_places=2)
    colour: Colour | None = None
    host: ipaddress.IPv4Address | None = None
    net: ipaddress.IPv6Network | None = None
    secret: SecretStr | None = None
    data: Any = None
    tags: list[str | None] | None = None
    grid: list[list[int]] | None = None
    days: set[date] | None = None

    class Meta:
        is_table = True
        table_name = "every"


@pytest.fixture(autouse=True)
async def table() -> AsyncIterator[None]:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[Every])
        yield


async def stored(**values: Any) -> Any:
    """What the database holds for the only value given, past validation on the way in."""
    ((name, value),) = values.items()
    row = Every()
    row.__dict__[name] = value
    row.__pydantic_fields_set__.add(name)
    row = await Every.objects.create(instance=row)
    found = await execute_raw(
        f"SELECT {name} AS value, typeof({name}) AS kind FROM every WHERE id = ?", [row.id]
    )
    return found[0]["value"]


class Index:
    """An integer by protocol, as numbers of numpy are."""

    def __index__(self) -> int:
        return 7


class Whole(int):
    pass


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("flag", True, 1),
        ("number", -(2**63), -(2**63)),
        ("number", Whole(5), 5),
        ("number", Index(), 7),
        ("number", True, 1),
        ("ratio", 0.1, 0.1),
        ("ratio", 3, 3.0),
        ("text", "a\0é\U0001f600", "a\0é\U0001f600"),
        ("blob", bytearray(b"ab"), b"ab"),
        ("blob", memoryview(b"ab"), b"ab"),
        ("blob", b"x" * 2000, b"x" * 2000),
        ("naive", datetime(2031, 5, 6, 7, 8, 9), "2031-05-06 07:08:09"),
        ("naive", datetime(1, 1, 1, 0, 0, 0, 1), "0001-01-01 00:00:00.000001"),
        ("aware", datetime(2031, 5, 6, 7, tzinfo=EAST), "2031-05-06 05:00:00"),
        ("aware", datetime(2031, 5, 6, 7), "2031-05-06 07:00:00"),
        ("day", date(1969, 12, 31), "1969-12-31"),
        ("clock", time(23, 59, 59, 999999), "23:59:59.999999"),
        ("span", timedelta(days=-1, microseconds=1), -86_399_999_999),
        ("key", uuid.UUID(int=2**128 - 1), "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("price", Decimal("1.50"), "1.50"),
        ("price", Decimal("1E+3"), "1000"),
        ("price", Decimal("-0.000001"), "-0.000001"),
        ("colour", Colour.RED, "red"),
        ("host", ipaddress.IPv4Address("10.0.0.1"), "10.0.0.1"),
        ("net", ipaddress.IPv6Network("fe80::/10"), "fe80::/10"),
        ("secret", SecretStr("s3"), "s3"),
        ("data", {"é": [1, None, 2**70]}, '{"é":[1,null,1180591620717411303424]}'),
        ("data", "plain", '"plain"'),
        ("data", {"d": date(2031, 5, 6)}, '{"d":"2031-05-06"}'),
        ("tags", ["a", None], '["a",null]'),
        ("tags", [], "[]"),
        ("grid", [[1, 2], []], "[[1,2],[]]"),
        ("days", {date(2031, 5, 6), date(2031, 5, 5)}, '["2031-05-05","2031-05-06"]'),
    ],
)
async def test_a_value_is_stored_exactly(name: str, value: Any, kept: Any) -> None:
    found = await stored(**{name: value})
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("flag", 2, "boolean"),
        ("number", 2**63, "64 bits"),
        ("number", -(2**63) - 1, "64 bits"),
        ("number", 1.5, "big_integer"),
        ("number", "many", "big_integer"),
        ("ratio", 2**53 + 1, "exact float"),
        ("ratio", 10**400, "range"),
        ("ratio", "0.5", "double"),
        ("ratio", float("nan"), "NaN|nan"),
        ("text", "\ud800", "surrogate"),
        ("text", b"bytes", "string"),
        ("blob", "text", "blob"),
        ("naive", "2031-05-06", "date_time"),
        ("aware", datetime(1, 1, 1, tzinfo=EAST), "1 to 9999"),
        ("day", datetime(2031, 5, 6, 1), "date"),
        ("clock", time(1, tzinfo=UTC), ""),
        ("span", 3, "timedelta"),
        ("key", "no uuid", "UUID"),
        ("price", Decimal("sNaN"), "NaN"),
        ("price", Decimal("1E+999999"), "exponent"),
        ("cents", Decimal("1.005"), ""),
        ("data", {"a": float("nan")}, "NaN|form"),
        ("data", {"a": object()}, "form"),
        ("tags", "abc", "array"),
        ("tags", ["\ud800"], "surrogate"),
    ],
)
async def test_what_does_not_fit_is_refused_naming_the_field(name: str, value: Any, words: str) -> None:
    with pytest.raises(DataError, match=rf"Every\.{name}: .*({words})"):
        await stored(**{name: value})
    assert await Every.objects.count() == 0


async def test_a_lost_zone_is_warned_of_once_per_field() -> None:
    class Stamp(Model):
        id: int | None = Field(default=None, db_pk=True)
        sent: datetime | None = None

        class Meta:
            is_table = True
            table_name = "stamps"

    when = datetime(2031, 5, 6, 7, tzinfo=EAST)
    with pytest.warns(RuntimeWarning, match=r"Stamp\.sent.*UTC"):
        assert Stamp.objects.filter(sent=when).sql()[1] == [datetime(2031, 5, 6, 5)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Stamp.objects.filter(sent=when).sql()[1] == [datetime(2031, 5, 6, 5)]


async def test_filters_find_what_was_stored() -> None:
    row = await Every.objects.create(
        number=7,
        price=Decimal("1.50"),
        aware=datetime(2031, 5, 6, 7, tzinfo=EAST),
        key=uuid.UUID(int=5),
        colour=Colour.RED,
        span=timedelta(seconds=3),
        secret=SecretStr("s3"),
        data={"a": {"b": 2}},
        tags=["x", "y"],
        blob=b"\0\1",
    )
    for keywords in (
        {"price": 1.5},
        {"price__in": ["1.5"]},
        {"price__between": (1, 2)},
        {"aware": datetime(2031, 5, 6, 5, tzinfo=UTC)},
        {"aware__hour": 5},
        {"key": str(uuid.UUID(int=5))},
        {"colour": "red"},
        {"span__lt": timedelta(seconds=4)},
        {"secret": "s3"},
        {"data__a__b": 2},
        {"data__a": {"b": 2}},
        {"data__contains": {"a": {"b": 2}}},
        {"tags": ["x", "y"]},
        {"tags__contains": ["y"]},
        {"tags__0": "x"},
        {"tags__len": 2},
        {"blob": b"\0\1"},
        {"number__gt": Decimal("6.5")},
        {"number__in": [6.5, 7]},
    ):
        found = await Every.objects.filter(**keywords).values_list("id", flat=True).all()
        assert found == [row.id], keywords
    assert await Every.objects.filter(price=2).count() == 0


async def test_raw_parameters_go_by_their_python_type() -> None:
    rows = await execute_raw(
        "SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e, ? AS f, ? AS g",
        [
            None,
            Decimal("1.50"),
            datetime(2031, 5, 6, 7, tzinfo=EAST),
            timedelta(seconds=1),
            Colour.RED,
            [1],
            {"k": 1},
        ],
    )
    assert rows == [
        {
            "a": None,
            "b": "1.50",
            "c": "2031-05-06 05:00:00",
            "d": 1_000_000,
            "e": "red",
            "f": "[1]",
            "g": '{"k":1}',
        }
    ]
    with pytest.raises(DataError, match="64 bits"):
        await execute_raw("SELECT ?", [2**64])
    with pytest.raises(TypeError, match="object"):
        await execute_raw("SELECT ?", [object()])
    with pytest.raises(TypeError, match="list or tuple"):
        await execute_raw("SELECT ?", "x")  # type: ignore[arg-type]


def test_sql_shows_plain_python_values() -> None:
    query = Every.objects.filter(
        key=uuid.UUID(int=1),
        price=Decimal("1.0"),
        colour=Colour.RED,
        data={"a": 1},
        tags=["x"],
        span=timedelta(1),
    )
    params = query.sql(dialect="sqlite")[1]
    assert params == [uuid.UUID(int=1), Decimal("1.0"), "red", {"a": 1}, ["x"], timedelta(1)]
    assert type(params[2]) is str
