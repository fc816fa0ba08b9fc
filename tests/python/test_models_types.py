"""Column types: from annotations and from db_type."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import re
import uuid
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, TypedDict

import annotated_types
import pydantic
import pytest
from pydantic_core import core_schema

from oxyde import Field, Model
from oxyde.models._db_type import parse_db_type
from oxyde.models._plan import enum_type_name
from oxyde.models._stored import coerce_for, to_stored_for
from oxyde.models._types import column_type


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Position(pydantic.BaseModel):
    x: int = 0


@dataclasses.dataclass
class Point:
    x: int


class Row(TypedDict):
    x: int


class Pair(NamedTuple):
    a: int
    b: str


class Code(str):
    pass


Number = NewType("Number", int)


def foreign(schema: Any) -> type:
    """A type of which only Pydantic's schema is known."""

    class Foreign:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            return schema

    return Foreign


def named(annotation: Any, db_type: str | None = None) -> str:
    """ "kind" or "array of elem[][]"."""
    type_ = column_type(annotation, (), db_type, "M.f")
    return type_.kind if type_.kind != "array" else f"{type_.elem}{'[]' * type_.ndim}"


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (bool, "boolean"),
        (int, "big_integer"),
        (pydantic.PositiveInt, "big_integer"),
        (pydantic.ByteSize, "big_integer"),
        (Number, "big_integer"),
        (Literal[1, 2], "big_integer"),
        (float, "double"),
        (pydantic.NonNegativeFloat, "double"),
        (str, "string"),
        (Code, "string"),
        (pydantic.constr(max_length=3), "string"),
        (Literal["a", "b"], "text"),
        (Literal["a", None], "text"),
        (Literal["a", 1], "json"),
        (pydantic.HttpUrl, "text"),
        (pydantic.AnyUrl, "text"),
        (pydantic.PostgresDsn, "text"),
        (pathlib.Path, "text"),
        (pydantic.SecretStr, "text"),
        (Annotated[pydantic.SecretStr, Field(max_length=9)], "string"),
        (bytes, "blob"),
        (dt.datetime, "date_time"),
        (pydantic.NaiveDatetime, "date_time"),
        (pydantic.PastDatetime, "date_time"),
        (pydantic.AwareDatetime, "date_time_utc"),
        (dt.date, "date"),
        (pydantic.FutureDate, "date"),
        (dt.time, "time"),
        (dt.timedelta, "timedelta"),
        (uuid.UUID, "uuid"),
        (pydantic.UUID4, "uuid"),
        (decimal.Decimal, "decimal"),
        (Color, "enum"),
        (ipaddress.IPv4Address, "inet"),
        (ipaddress.IPv6Interface, "inet"),
        (ipaddress.IPv6Network, "cidr"),
        (ipaddress.IPv4Address | ipaddress.IPv6Address, "inet"),
        (list[int], "big_integer[]"),
        (list[Color], "enum[]"),
        (list[list[float]], "double[][]"),
        (set[str], "string[]"),
        (frozenset[uuid.UUID], "uuid[]"),
        (tuple[dt.date, ...], "date[]"),
        (list[Optional[int]], "big_integer[]"),
        (list[dict], "json[]"),
        (list[dict[str, int]], "json[]"),
        (dict, "json"),
        (dict[str, list[int]], "json"),
        (Position, "json"),
        (list[Position], "json"),
        (Point, "json"),
        (list[Point], "json"),
        (Row, "json"),
        (list[Row], "json"),
        (Pair, "json"),
        (list, "json"),
        (tuple[int, str], "json"),
        (Any, "json"),
        (list[Any], "json"),
        (int | float, "double"),
        (int | decimal.Decimal, "decimal"),
        (int | str, "json"),
        (list[int | str], "json"),
        (re.Pattern, "text"),
        (pydantic.IPvAnyAddress, "text"),
        (foreign(core_schema.int_schema()), "big_integer"),
        (foreign(core_schema.float_schema()), "double"),
        (foreign(core_schema.bool_schema()), "boolean"),
        (foreign(core_schema.list_schema()), "json"),
        (pydantic.Json[dict], "text"),
        (pydantic.Base64Bytes, "blob"),
    ],
)
def test_the_annotation_decides_the_kind(annotation: Any, kind: str) -> None:
    assert named(annotation) == kind
    optional = column_type(Optional[annotation], (), None, "M.f")
    assert optional.shape.optional
    assert named(Optional[annotation]) == kind
    assert named(Annotated[annotation, "anything"]) == kind
    assert named(Annotated[Annotated[annotation, 1] | None, 2]) == kind


@pytest.mark.parametrize(
    ("annotation", "db_type", "kind", "load_kind"),
    [
        (int, "smallint", "big_integer", "big_integer"),
        (int, "BIGINT UNSIGNED", "big_integer", "big_integer"),
        (bool, "TINYINT(1)", "big_integer", "boolean"),
        (Level, "INTEGER", "big_integer", "big_integer"),
        (Level, "BIGINT UNSIGNED", "big_integer", "big_integer"),
        (Color, "TEXT", "text", "text"),
        (Color, "my_colors", "text", "text"),
        (Color, "VARCHAR(10)", "string", "text"),
        (str, "LONGTEXT", "string", "string"),
        (str, "char( 8 )", "string", "string"),
        (float, "double   precision", "double", "double"),
        (decimal.Decimal, "NUMERIC(10, 2)", "decimal", "decimal"),
        (decimal.Decimal, "TEXT", "text", "decimal"),
        (uuid.UUID, "TEXT", "text", "uuid"),
        (dt.datetime, "TIMESTAMPTZ", "date_time_utc", "date_time_utc"),
        (dt.datetime, "timestamp(6) with time zone", "date_time_utc", "date_time_utc"),
        (pydantic.NaiveDatetime, "TIMESTAMPTZ", "date_time_utc", "date_time"),
        (pydantic.AwareDatetime, "TIMESTAMP", "date_time", "date_time_utc"),
        (dt.timedelta, "INTERVAL", "interval", "interval"),
        (dt.timedelta, "BIGINT", "big_integer", "timedelta"),
        (dict, "JSONB", "json_binary", "json_binary"),
        (list[int], "JSON", "json", "json"),
        (list[int], "INTEGER[]", "array", "array"),
        (dict, "TEXT", "text", "json"),
        (Position, "TEXT", "text", "json"),
        (list[int], "TEXT", "text", "json"),
    ],
)
def test_db_type_decides_storing_and_the_annotation_loading(
    annotation: Any, db_type: str, kind: str, load_kind: str
) -> None:
    type_ = column_type(annotation, (), db_type, "M.f")
    assert (type_.kind, type_.load_kind) == (kind, load_kind)
    assert type_.native_enum is None


@pytest.mark.parametrize(
    ("annotation", "db_type"),
    [(bytes, "DATE"), (str, "INTEGER"), (dt.date, "BOOLEAN"), (uuid.UUID, "REAL"), (list[int], "DATE")],
)
def test_a_db_type_that_cannot_hold_the_values_is_refused(annotation: Any, db_type: str) -> None:
    with pytest.raises(TypeError, match=rf"M\.f.*{db_type}"):
        column_type(annotation, (), db_type, "M.f")


def test_a_literal_of_enum_members_is_refused() -> None:
    with pytest.raises(TypeError, match=r"M\.f.*annotate with the Enum"):
        column_type(Literal[Color.RED], (), None, "M.f")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NUMERIC(10,2)", ("decimal", "", 0, 10, 2)),
        ("decimal(8)", ("decimal", "", 0, 8, 0)),
        ("DECIMAL", ("decimal", "", 0, 0, -1)),
        ("VARCHAR(40)[]", ("array", "string", 1, 40, -1)),
        ("INT[][]", ("array", "big_integer", 2, 0, -1)),
        ("datetime(6)", ("date_time", "", 0, 0, -1)),
        ("HSTORE", None),
        ("INT UNSIGNED", None),
        ("ENUM('a','b')", None),
        ("", None),
    ],
)
def test_names_of_db_types_are_read_in_any_case(text: str, expected: Any) -> None:
    assert parse_db_type(text) == expected


def sizes(annotation: Any, *metadata: Any) -> tuple[int, int]:
    type_ = column_type(annotation, metadata, None, "M.f")
    return type_.size, type_.scale


def test_constraints_shape_the_column_at_any_depth() -> None:
    five = annotated_types.MaxLen(5)
    assert sizes(str) == (255, -1)
    assert sizes(Annotated[str, five] | None) == (5, -1)
    assert sizes(Annotated[Annotated[str, five] | None, "x"]) == (5, -1)
    assert sizes(Annotated[str, Field(max_length=7)]) == (7, -1)
    assert sizes(Annotated[str, pydantic.StringConstraints(max_length=8)]) == (8, -1)
    assert sizes(str, five) == (5, -1)
    assert sizes(pydantic.condecimal(max_digits=6, decimal_places=2)) == (6, 2)
    assert sizes(Annotated[decimal.Decimal, Field(max_digits=8)]) == (8, 0)
    assert sizes(Annotated[decimal.Decimal, Field(decimal_places=3)]) == (0, 3)
    assert sizes(decimal.Decimal) == (0, -1)


def test_max_length_of_an_array_bounds_the_list_not_its_items() -> None:
    assert sizes(list[str], annotated_types.MaxLen(3)) == (255, -1)
    assert sizes(list[Annotated[str, Field(max_length=50)]], annotated_types.MaxLen(3)) == (50, -1)
    assert sizes(Annotated[list[decimal.Decimal], Field(max_digits=5, decimal_places=1)]) == (5, 1)


def test_an_enum_without_text_values_needs_a_db_type() -> None:
    for annotation in (Level, Level | None, list[Level]):
        with pytest.raises(TypeError, match="Use a str-valued Enum") as caught:
            column_type(annotation, (), None, "M.f")
        assert "Level" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HullState", "hull_state_enum"),
        ("XMLHttpRequest", "xml_http_request_enum"),
        ("A1B", "a1_b_enum"),
        ("color", "color_enum"),
        ("Big_Color", "big_color_enum"),
        ("HTTP", "http_enum"),
    ],
)
def test_names_of_enum_types_are_snake_case(name: str, expected: str) -> None:
    assert enum_type_name(name) == expected


def stored(annotation: Any, value: Any, db_type: str | None = None) -> Any:
    convert = to_stored_for(column_type(annotation, (), db_type, "M.f"), annotation)
    return value if convert is None else convert(value)


class Document(pydantic.BaseModel):
    secret: pydantic.SecretStr = pydantic.SecretStr("s")
    renamed: int = pydantic.Field(1, alias="other")
    when: dt.timedelta = dt.timedelta(days=1)

    @pydantic.computed_field
    def double(self) -> int:
        return 2 * self.renamed


@pytest.mark.parametrize(
    ("annotation", "db_type", "value", "expected"),
    [
        (pydantic.SecretStr, None, pydantic.SecretStr("x"), "x"),
        (pathlib.Path, None, pathlib.PurePosixPath("/a/b"), "/a/b"),
        (pydantic.HttpUrl, None, pydantic.HttpUrl("http://a.example/x"), "http://a.example/x"),
        (re.Pattern, None, re.compile("a+"), "a+"),
        (pydantic.Json[dict], None, {"a": 1}, '{"a":1}'),
        (pydantic.Base64Bytes, None, b"hello", b"aGVsbG8="),
        (Color, "TEXT", Color.RED, "red"),
        (Level, "INTEGER", Level.HIGH, 2),
        (bool, "INTEGER", True, 1),
        (decimal.Decimal, "TEXT", decimal.Decimal("1E+2"), "100"),
        (decimal.Decimal, "TEXT", decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID, "TEXT", uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (dt.datetime, "TEXT", dt.datetime(2031, 1, 2, 3, 4, 5), "2031-01-02 03:04:05"),
        (dt.date, "VARCHAR(10)", dt.date(2031, 1, 2), "2031-01-02"),
        (set[int], None, {3, 1, 2}, [1, 2, 3]),
        (tuple[int, ...], None, (3, 1), [3, 1]),
        (list[pathlib.Path], None, [pathlib.PurePosixPath("a"), None], ["a", None]),
        (dict, None, {"a": decimal.Decimal("1.5")}, {"a": "1.5"}),
        (Document, None, Document(), {"secret": "s", "renamed": 1, "when": "P1D"}),
        (list[Document], None, [Document()], [{"secret": "s", "renamed": 1, "when": "P1D"}]),
        (Position, "TEXT", Position(x=2), '{"x":2}'),
        (list[int], "TEXT", [1, 2], "[1,2]"),
        (Any, None, {1: {dt.date(2031, 1, 2)}}, {"1": ["2031-01-02"]}),
        (pydantic.Secret[int], None, pydantic.Secret[int](5), 5),
        (set[Color], None, {Color.RED, Color.BLUE}, ["blue", "red"]),
        (int, None, 5, 5),
        (list[int], None, [5], [5]),
    ],
)
def test_values_become_what_the_column_stores(
    annotation: Any, db_type: str | None, value: Any, expected: Any
) -> None:
    result = stored(annotation, value, db_type)
    assert result == expected
    assert type(result) is type(expected)
    assert stored(annotation, None, db_type) is None


def test_infinities_in_json_stay_visible_so_that_they_can_be_refused() -> None:
    assert stored(dict[str, float], {"a": float("inf")}) == {"a": float("inf")}
    with pytest.raises(ValueError, match="JSON"):
        stored(dict[str, float], {"a": float("nan")}, "TEXT")


def coerced(annotation: Any, value: Any) -> Any:
    convert = coerce_for(column_type(annotation, (), None, "M.f"), annotation)
    return value if convert is None else convert(value)


def test_values_are_converted_without_constraints() -> None:
    assert coerced(pydantic.PositiveInt, "-7") == -7
    assert coerced(Annotated[str, Field(max_length=1)], "long") == "long"
    assert coerced(list[Annotated[int, Field(gt=3)]], ["1"]) == [1]
    assert coerced(Color, "red") is Color.RED
    assert coerced(dt.date | None, "2031-05-06") == dt.date(2031, 5, 6)
    assert coerced(Optional[int], None) is None
    with pytest.raises(pydantic.ValidationError):
        coerced(int, "seven")


def test_assigned_constants_run_the_field_s_own_validators() -> None:
    from oxyde.models._values import validate_field

    class Strict(Model):
        model_config = pydantic.ConfigDict(frozen=True)
        a: int = Field(ge=0)
        b: str = ""
        child: Strict | None = None

        @pydantic.field_validator("b")
        @classmethod
        def upper(cls, value: str) -> str:
            return value.upper()

        @pydantic.model_validator(mode="after")
        def never(self) -> Strict:
            raise AssertionError("validators of the model do not run")

    assert validate_field(Strict, "a", "7") == 7
    assert validate_field(Strict, "b", "x") == "X"
    with pytest.raises(pydantic.ValidationError, match="greater than or equal to 0"):
        validate_field(Strict, "a", -1)
