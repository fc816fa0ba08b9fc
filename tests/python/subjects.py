"""Every kind of field, with values over the whole range of its type, for what must come back.

A `Subject` is an annotation with a strategy for its values. `holds` says whether a server can keep
a value at all: if it cannot, writing has to be refused. `inside` is the same for the value as an
item of a list, `None` where no list of it is looked at.
"""

# ruff: noqa: E501  one subject, one line

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import json as json_module
import math
import pathlib
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional

import pydantic
import typing_extensions
from hypothesis import strategies as st
from pydantic import Field

UTC = dt.timezone.utc
Holds = Callable[[Any, str], bool]

INT_MIN, INT_MAX = -(2**63), 2**63 - 1


# --- types of one's own -------------------------------------------------------------------------


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "it's bad"
    ODD = 'a "b", \\c {d}'
    GREEN = "grün 😀"
    FINE = "good"  # an alias


class Size(str, enum.Enum):
    S = "s"
    L = "NULL"


class Level(enum.IntEnum):
    LOW = -1
    HIGH = 2**40


class Code(str):
    """A subclass of str that Pydantic makes again."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


class Part(pydantic.BaseModel):
    number: int = Field(alias="no", ge=-(2**60))
    price: decimal.Decimal | None = None
    when: dt.datetime | None = None
    mood: Mood = Mood.GOOD
    raw: bytes = b""
    took: dt.timedelta = dt.timedelta(0)
    ratio: float = 0.0
    parts: list[Part] = []
    hidden: int = Field(default=0, exclude=True)
    written: Annotated[int, pydantic.PlainSerializer(lambda value: f"no {value}")] = 0
    rounded: float = 0.0

    @pydantic.field_serializer("rounded")
    def _round(self, value: float) -> int:
        return int(value)

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return self.number * 2


@dataclasses.dataclass
class Point:
    x: int
    y: Optional[float] = None


class Row(typing_extensions.TypedDict):
    name: str
    on: dt.date


class Pair(NamedTuple):
    left: int
    right: str


Number = NewType("Number", int)


# --- values ---------------------------------------------------------------------------------------

_letters = st.characters(exclude_categories=["Cs"])
_awkward = st.sampled_from(
    [
        "\ufeff",
        "\u200b",
        "\uffff",
        "\U0010ffff",
        "\x7f",
        "\x1a",
        "\b",
        "a,b",
        "[1]",
        "0",
        "1e5",
        "true",
        "",
        " ",
        "a ",
        "\\",
        "'",
        '"',
        "{}",
        "{NULL}",
        "NULL",
        "null",
        "%_",
        "\t\r\n",
        "é",
        "e\u0301",
        "ß",
        "😀",
    ]
)
text = st.text(_letters, max_size=20) | _awkward | st.text(_letters, min_size=250, max_size=255)
ints = st.integers(INT_MIN, INT_MAX) | st.sampled_from(
    [0, -1, 2**31, -(2**31) - 1, 2**53 + 1, INT_MAX, INT_MIN]
)
all_floats = st.floats() | st.sampled_from(
    [
        -0.0,
        5e-324,
        2.2250738585072014e-308,
        1.7976931348623157e308,
        0.1,
        1e22,
        1e23,
        1 / 3,
        math.inf,
        math.nan,
    ]
)
finite = st.floats(allow_nan=False, allow_infinity=False)
spans = st.timedeltas() | st.timedeltas(dt.timedelta(days=-2), dt.timedelta(days=2))
stamps = (
    st.datetimes()
    | st.datetimes(dt.datetime(1000, 1, 1))
    | st.sampled_from([dt.datetime.min, dt.datetime.max, dt.datetime(2024, 2, 29, 23, 59, 59, 999999)])
    | st.sampled_from(
        [dt.datetime(1969, 12, 31, 23, 59, 59, 1), dt.datetime(2000, 1, 1), dt.datetime(1000, 1, 1)]
    )
)
zones = (
    st.sampled_from([UTC])
    | st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
    | st.timezones()
)
aware = st.datetimes(timezones=zones, allow_imaginary=False) | st.builds(
    lambda stamp, zone: stamp.replace(tzinfo=zone), stamps, zones
)
days = st.dates() | st.sampled_from([dt.date.min, dt.date.max, dt.date(2024, 2, 29), dt.date(1900, 3, 1)])
clocks = st.times() | st.sampled_from([dt.time.min, dt.time.max])
wide_decimals = (
    st.decimals(allow_nan=False, allow_infinity=False)
    | st.decimals(-1000, 1000, places=2)
    | st.builds(
        lambda sign, digits, exponent: decimal.Decimal((sign, digits, exponent)),
        st.integers(0, 1),
        st.lists(st.integers(0, 9), min_size=1, max_size=60).map(tuple),
        st.integers(-45, 20),
    )
    | st.sampled_from(
        [decimal.Decimal(t) for t in ("0", "-0", "0.00", "1E+3", "1e-30", "9" * 35, "0." + "9" * 30)]
    )
)


def networks(version: int, interface: bool) -> st.SearchStrategy[Any]:
    make = ipaddress.ip_interface if interface else ipaddress.ip_network
    return st.builds(
        lambda address, bits: make(
            (int(address), bits) if version == 4 else f"{address}/{bits}",
            **({} if interface else {"strict": False}),
        ),
        st.ip_addresses(v=version),
        st.integers(0, 32 if version == 4 else 128),
    )


_json_scalars = st.none() | st.booleans() | st.integers(-(2**66), 2**66) | ints | st.floats() | text
json = st.recursive(
    _json_scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
documents = st.dictionaries(text, json, max_size=4)
parts = st.recursive(
    st.builds(
        Part,
        no=st.integers(-(2**60), INT_MAX),
        price=st.none() | wide_decimals,
        when=st.none() | st.datetimes(),
        mood=st.sampled_from(Mood),
        raw=st.binary(max_size=3).map(lambda b: b.hex().encode()),
        took=st.timedeltas(),
        ratio=st.floats(allow_nan=False),
        hidden=st.integers(-9, 9),
        written=st.integers(-9, 9),
        rounded=finite,
    ),
    lambda inner: st.builds(Part, no=st.just(1), parts=st.lists(inner, max_size=2)),
    max_leaves=3,
)


# --- what servers can hold ------------------------------------------------------------------------


def always(value: Any, backend: str) -> bool:
    return True


def no_nul(value: Any, backend: str) -> bool:
    return backend != "postgres" or "\0" not in str(value)


def float_holds(value: float, backend: str) -> bool:
    if math.isnan(value):
        return backend == "postgres"
    return not math.isinf(value) or backend != "mysql"


def float_inside(value: float, backend: str) -> bool:
    return math.isfinite(value) or backend == "postgres"


def year_holds(value: Any, backend: str) -> bool:
    return backend != "mysql" or value.year >= 1000


def aware_holds(value: dt.datetime, backend: str) -> bool:
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        return False
    return year_holds(utc, backend)


def in_utc(value: dt.datetime, backend: str) -> bool:
    return aware_holds(value, "sqlite")


def span_holds(value: dt.timedelta, backend: str) -> bool:
    return INT_MIN <= value // dt.timedelta(microseconds=1) <= INT_MAX


def decimal_holds(digits: int, scale: int) -> Holds:
    """As NUMERIC(digits, scale) everywhere."""

    def holds(value: decimal.Decimal, backend: str) -> bool:
        whole, fraction = _digits(value)
        return fraction <= scale and whole <= digits - scale

    return holds


def _digits(value: decimal.Decimal) -> tuple[int, int]:
    """Digits before and after the point that matter."""
    text = format(value.copy_abs(), "f")
    whole, _, fraction = text.partition(".")
    return len(whole.lstrip("0")), len(fraction.rstrip("0"))


def wide_holds(value: Any, backend: str) -> bool:
    return backend != "mysql" or decimal_holds(65, 30)(decimal.Decimal(value), backend)


def json_holds(value: Any, backend: str) -> bool:
    for item in scalars(value):
        if isinstance(item, str) and not no_nul(item, backend):
            return False
        if isinstance(item, float) and not math.isfinite(item):
            return False
        if isinstance(item, int) and backend == "mysql" and not INT_MIN <= item <= INT_MAX:
            return False
    return True


def part_holds(value: Any, backend: str) -> bool:
    if isinstance(value, list):
        return all(part_holds(part, backend) for part in value)
    return math.isfinite(value.ratio) and part_holds(value.parts, backend)


def scalars(value: Any) -> Iterator[Any]:
    """Everything in a JSON value, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from scalars(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from scalars(item)
    else:
        yield value


# --- subjects -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """plain: values() shows what is stored, which validates to the value. loose: the column cannot
    tell types apart, only the value comes back. given: what a constructor takes for the value.
    as_text: filters compare text."""

    name: str
    annotation: Any
    values: st.SearchStrategy[Any]
    holds: Holds = always
    inside: Holds | None = always
    arguments: dict[str, Any] = field(default_factory=dict)
    plain: bool = False
    loose: bool = False
    given: Callable[[Any], Any] = lambda value: value
    as_text: bool = False


_S = st.sampled_from
_ipv4 = st.ip_addresses(v=4)
_urls = _S(["https://example.org/", "http://a.b:8080/c?d=%20#e", "https://user:pw@x.y/é?q=ü"])

SUBJECTS = [
    Subject("bool", bool, st.booleans()),
    Subject("int", int, ints),
    Subject("newtype", Number, ints),
    Subject("int_literal", Literal[1, -5], _S([1, -5])),
    Subject("bytesize", pydantic.ByteSize, st.integers(0, INT_MAX).map(pydantic.ByteSize), plain=True),
    Subject("positive", pydantic.PositiveInt, st.integers(1, INT_MAX)),
    Subject("float", float, all_floats, float_holds, float_inside),
    Subject("str", str, text, no_nul, no_nul),
    Subject("str_sized", Annotated[str, Field(max_length=5)], st.text(_letters, max_size=5), no_nul, no_nul),
    Subject("long_text", str, st.text(_letters, min_size=256, max_size=3000), no_nul, None, {"db_type": "TEXT"}),
    Subject("code", Code, text.map(Code), no_nul, no_nul, plain=True),
    Subject("text_literal", Literal["a", "it's"], _S(["a", "it's"])),
    Subject("path", pathlib.Path, text.map(pathlib.Path), no_nul, no_nul, plain=True),
    Subject("secret", pydantic.SecretStr, text.map(pydantic.SecretStr),
            lambda v, backend: no_nul(v.get_secret_value(), backend),
            lambda v, backend: no_nul(v.get_secret_value(), backend), plain=True),
    Subject("secret_bytes", pydantic.SecretBytes, st.binary(max_size=9).map(pydantic.SecretBytes), plain=True),
    Subject("http_url", pydantic.HttpUrl, _urls.map(pydantic.HttpUrl), plain=True),
    Subject("any_url", pydantic.AnyUrl, _S(["ftp://x/y", "mailto:a@b.c"]).map(pydantic.AnyUrl), plain=True),
    Subject("bytes", bytes, st.binary(max_size=300) | st.binary(min_size=2000, max_size=5000)),
    Subject("datetime", dt.datetime, stamps, year_holds),
    Subject("naive", pydantic.NaiveDatetime, stamps, year_holds),
    Subject("aware", pydantic.AwareDatetime, aware, aware_holds, in_utc),
    Subject("date", dt.date, days, year_holds),
    Subject("time", dt.time, clocks),
    Subject("timedelta", dt.timedelta, spans, span_holds, span_holds),
    Subject("uuid", uuid.UUID, st.uuids() | _S([uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)])),
    Subject("uuid4", pydantic.UUID4, st.uuids(version=4)),
    Subject("decimal", decimal.Decimal, wide_decimals, wide_holds),
    Subject("decimal_8_2", Annotated[decimal.Decimal, Field(max_digits=8, decimal_places=2)],
            st.decimals(-999999, 999999, places=2), decimal_holds(8, 2), always),
    Subject("decimal_38_10", Annotated[decimal.Decimal, Field(max_digits=38, decimal_places=10)],
            st.decimals(-(10**28) + 1, 10**28 - 1, places=10), decimal_holds(38, 10), always),
    Subject("decimal_8", Annotated[decimal.Decimal, Field(max_digits=8)],
            st.decimals(-99999, 99999, places=1) | st.integers(-(10**8) + 1, 10**8 - 1).map(decimal.Decimal),
            decimal_holds(8, 0), None),
    Subject("mood", Mood, _S(Mood)),
    Subject("size", Size, _S(Size)),
    Subject("level", Level, _S(Level), arguments={"db_type": "BIGINT"}, inside=None),
    Subject("ipv4", ipaddress.IPv4Address, _ipv4),
    Subject("ipv6", ipaddress.IPv6Address, st.ip_addresses(v=6)),
    Subject("ip", ipaddress.IPv4Address | ipaddress.IPv6Address, st.ip_addresses(), inside=None),
    Subject("interface4", ipaddress.IPv4Interface, networks(4, True)),
    Subject("interface6", ipaddress.IPv6Interface, networks(6, True)),
    Subject("network4", ipaddress.IPv4Network, networks(4, False)),
    Subject("network6", ipaddress.IPv6Network, networks(6, False)),
    Subject("int_set", set[int], st.sets(ints, max_size=5), inside=None),
    Subject("mood_set", frozenset[Mood], st.frozensets(_S(Mood)), inside=None),
    Subject("dates", tuple[dt.date, ...], st.lists(days, max_size=4).map(tuple), inside=None),
    Subject("grid", list[list[int]], st.integers(1, 3).flatmap(
        lambda n: st.lists(st.lists(ints, min_size=n, max_size=n), max_size=3)), inside=None),
    Subject("dicts", list[dict[str, Any]], st.lists(documents, max_size=3), json_holds, None),
    Subject("dict", dict[str, Any], documents, json_holds, None),
    Subject("int_dict", dict[str, int], st.dictionaries(text, ints, max_size=3), json_holds, None),
    Subject("date_keys", dict[dt.date, dt.time], st.dictionaries(days, clocks, max_size=3), inside=None, plain=True),
    Subject("any", Any, json, json_holds, None),
    Subject("bare_list", list, st.lists(json, max_size=4), json_holds, None),
    Subject("pair", tuple[int, str], st.tuples(ints, text), json_holds, None, plain=True),
    Subject("union", int | str, ints | text, json_holds, None),
    Subject("int_or_float", int | float, finite | st.integers(-(2**53), 2**53), inside=None, loose=True),
    Subject("int_or_decimal", int | decimal.Decimal, wide_decimals | ints, wide_holds, None, loose=True),
    Subject("model", Part, parts, part_holds, None, plain=True),
    Subject("models", list[Part], st.lists(parts, max_size=2), part_holds, None, plain=True),
    Subject("dataclass", Point, st.builds(Point, ints, st.none() | finite), inside=None, plain=True),
    Subject("typed_dict", Row, st.fixed_dictionaries({"name": text, "on": days}), lambda v, b: no_nul(v["name"], b),
            None, plain=True),
    Subject("named_tuple", Pair, st.builds(Pair, ints, text), lambda v, b: no_nul(v.right, b), None, plain=True),
    Subject("pattern", re.Pattern, _S(["a+", "(?:é|b)$"]).map(re.compile), inside=None, plain=True),
    Subject("ip_any", pydantic.IPvAnyAddress, st.ip_addresses(), inside=None, plain=True),
    Subject("base64", pydantic.Base64Bytes, st.binary(max_size=9), inside=None, plain=True, given=base64.b64encode),
    Subject("json_text", pydantic.Json[dict[str, int]], st.dictionaries(text, ints, max_size=3), inside=None, plain=True,
            given=json_module.dumps),
    # what a db_type changes
    Subject("int_text", int, ints, inside=None, arguments={"db_type": "TEXT"}),
    Subject("float_text", float, finite, inside=None, arguments={"db_type": "TEXT"}),
    Subject("decimal_text", decimal.Decimal, wide_decimals, inside=None, arguments={"db_type": "TEXT"}, as_text=True),
    Subject("uuid_text", uuid.UUID, st.uuids(), inside=None, arguments={"db_type": "CHAR(36)"}),
    Subject("date_text", dt.date, days, inside=None, arguments={"db_type": "VARCHAR(20)"}),
    Subject("time_text", dt.time, clocks, inside=None, arguments={"db_type": "VARCHAR(20)"}),
    Subject("datetime_text", dt.datetime, stamps, inside=None, arguments={"db_type": "VARCHAR(40)"}),
    Subject("aware_text", pydantic.AwareDatetime, aware, in_utc, None, arguments={"db_type": "VARCHAR(40)"}),
    Subject("span_int", dt.timedelta, spans, span_holds, None, arguments={"db_type": "BIGINT"}),
    Subject("bool_int", bool, st.booleans(), inside=None, arguments={"db_type": "INTEGER"}),
    Subject("enum_text", Mood, _S(Mood), inside=None, arguments={"db_type": "VARCHAR(20)"}),
    Subject("ip_text", ipaddress.IPv6Address, st.ip_addresses(v=6), inside=None, arguments={"db_type": "VARCHAR(49)"}),
    Subject("json_in_text", dict[str, Any], documents, lambda v, backend: json_holds(v, "sqlite"), None, arguments={"db_type": "TEXT"}),
    Subject("list_in_json", list[dt.date], st.lists(days, max_size=3), inside=None, arguments={"db_type": "JSON"},
            plain=True),
    Subject("small", int, st.integers(-(2**15), 2**15 - 1), inside=None, arguments={"db_type": "SMALLINT"}),
]  # fmt: skip
