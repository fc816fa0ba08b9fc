"""Hypothesis strategies for models and for the rows that a database could bring for them.

A `Case` is one kind of field: an annotation, the kind that its cells are decoded to, and values
that the decoder could make, valid and invalid. `models()` draws a class made of such fields,
`rows()` draws decoded values for it.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import re
import types
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Optional, Union

import pydantic
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    WrapValidator,
)

UTC = dt.timezone.utc


class Row(BaseModel):
    """What `oxyde.Model` is to the engine: a Pydantic model with one more slot."""

    __slots__ = ("__oxyde_state__",)
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"


class Size(str, enum.Enum):
    S = "s"
    L = "l"

    @classmethod
    def _missing_(cls, value: object) -> Size | None:
        return cls.L if value == "large" else None


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    TEXT = "a"
    NUMBER = 1


class Inner(BaseModel):
    x: int = Field(ge=0, alias="ex")
    y: str = "y"

    @pydantic.field_validator("y")
    @classmethod
    def _sees_x(cls, value: str, info: pydantic.ValidationInfo) -> str:
        return f"{value}{info.data.get('x')}"


class OddInt(int):
    """A subclass: exact ints are not instances of it."""


# --- what the decoder makes of cells, by kind ------------------------------------------------

_EDGES = [0, 1, -1, 2, 5, 10, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)

DECODED: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "big_integer": st.sampled_from(_EDGES) | st.integers(-20, 20) | st.integers(-(2**63), 2**63 - 1),
    "double": st.floats() | st.sampled_from([0.0, -0.0, 1.0, 5.0, -1.5, 0.3]),
    "string": _text
    | st.sampled_from(["", "a", "A ", " b", "12", "1.5", "true", "red", "large", "abcdef", "é😀"]),
    "blob": st.binary(max_size=8),
    "date_time": st.datetimes(),
    "date_time_utc": st.datetimes(timezones=st.just(UTC)),
    "date": st.dates(),
    "time": st.times(),
    "timedelta": st.timedeltas(),
    "uuid": st.uuids(version=4) | st.uuids(),
    "decimal": st.decimals(allow_nan=True, allow_infinity=True)
    | st.decimals(-1000, 1000, places=2)
    | st.sampled_from(
        [decimal.Decimal(t) for t in ("0", "-0", "0.00", "1E+3", "100", "12.50", "123456.789", "1e-20")]
    )
    | st.integers(0, 10**40).map(decimal.Decimal),
    "json": _json,
    "inet": st.ip_addresses() | st.ip_addresses().map(ipaddress.ip_interface),
    "cidr": st.ip_addresses().map(ipaddress.ip_network),
}


def decoded(kind: str, elem: str) -> st.SearchStrategy[Any]:
    """Values other than None that a cell of this kind becomes."""
    if kind == "array":
        return st.lists(st.none() | DECODED[elem], max_size=4) | st.lists(DECODED[elem], max_size=4)
    return DECODED[{"text": "string", "enum": "string", "json_binary": "json"}.get(kind, kind)]


# --- fields -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    annotation: Any
    kind: str
    elem: str = "unknown"
    default: Any = ...
    likely: tuple[Any, ...] = ()  # values worth trying often

    def values(self) -> st.SearchStrategy[Any]:
        some = decoded(self.kind, self.elem)
        return st.one_of(some, some, st.sampled_from(self.likely)) if self.likely else some


def _fail(value: Any) -> Any:
    raise ValueError("refused")


def _boom(value: Any) -> Any:
    raise KeyError("boom")


def _default(value: Any) -> Any:
    raise pydantic.ValidationError.from_exception_data("inner", []) if value == 3 else ValueError("three")


def _twice(value: Any, handler: Callable[[Any], Any]) -> Any:
    return handler(handler(value))


def _named(value: Any, info: pydantic.ValidationInfo) -> Any:
    """Sees its place in the row and fails nowhere: alone it would give another value."""
    return f"{value} {info.field_name} {sorted(getattr(info, 'data', None) or {})}"


def _big(value: Any, info: pydantic.ValidationInfo) -> Any:
    if info.data.get("f0") == value:
        raise ValueError(f"{info.field_name} equals f0")
    return value


SCALARS: list[Case] = [
    Case(bool, "boolean", default=True),
    Case(int, "big_integer", default=3),
    Case(float, "double", default=1.5),
    Case(pydantic.FiniteFloat, "double"),
    Case(str, "string", default="s"),
    Case(str, "text"),
    Case(bytes, "blob", default=b""),
    Case(dt.datetime, "date_time"),
    Case(dt.datetime, "date_time_utc"),
    Case(pydantic.AwareDatetime, "date_time_utc"),
    Case(pydantic.NaiveDatetime, "date_time"),
    Case(pydantic.PastDatetime, "date_time"),
    Case(dt.date, "date", default=dt.date(2000, 1, 1)),
    Case(pydantic.FutureDate, "date"),
    Case(dt.time, "time"),
    Case(dt.timedelta, "timedelta"),
    Case(uuid.UUID, "uuid"),
    Case(pydantic.UUID4, "uuid"),
    Case(decimal.Decimal, "decimal", default=decimal.Decimal("1.0")),
    Case(Colour, "enum", likely=("red", "blue"), default=Colour.RED),
    Case(Size, "string", likely=("s", "l", "large")),
    Case(Level, "big_integer", likely=(1, 2)),
    Case(Literal["a", "b"], "string", likely=("a", "b")),
    Case(Literal[1, 2], "big_integer", likely=(1, 2)),
    Case(Literal[Colour.RED, "x"], "string", likely=("red", "x")),
    Case(Any, "json"),
    Case(Any, "string"),
    Case(ipaddress.IPv4Address, "inet"),
    Case(ipaddress.IPv6Interface, "inet"),
    Case(ipaddress.IPv4Network, "cidr"),
    Case(pathlib.Path, "string"),
    Case(pydantic.SecretStr, "string"),
    Case(pydantic.HttpUrl, "string", likely=("http://a.b/c", "https://x.y")),
    Case(re.Pattern, "string", likely=("a+", "(")),
]

# Kinds that do not fit the annotation: a db_type may say so.
ODD: list[Case] = [
    Case(bool, "big_integer", likely=(0, 1)),
    Case(int, "boolean"),
    Case(int, "string"),
    Case(int, "double"),
    Case(float, "big_integer"),
    Case(str, "big_integer"),
    Case(bytes, "string"),
    Case(pydantic.AwareDatetime, "date_time"),
    Case(pydantic.NaiveDatetime, "date_time_utc"),
    Case(dt.date, "date_time"),
    Case(dt.timedelta, "big_integer"),
    Case(uuid.UUID, "string"),
    Case(decimal.Decimal, "double"),
    Case(Mixed, "string", likely=("a", "1")),
    Case(Mixed, "big_integer", likely=(1,)),
    Case(Literal["a", 1, True], "big_integer", likely=(1, 2)),
    Case(type(None), "string"),
    Case(pydantic.UUID1, "uuid"),
]

CONSTRAINED: list[Case] = [
    Case(Annotated[int, Field(ge=0, lt=10)], "big_integer", default=5),
    Case(Annotated[int, Field(gt=-(2**63), le=2**63 - 1)], "big_integer"),
    Case(Annotated[int, Field(ge=-(2**70))], "big_integer"),
    Case(Annotated[int, Field(gt=2**63 - 1)], "big_integer"),
    Case(Annotated[int, Field(multiple_of=5)], "big_integer"),
    Case(pydantic.PositiveInt, "big_integer"),
    Case(pydantic.StrictInt, "big_integer"),
    Case(Annotated[float, Field(gt=0, le=5)], "double"),
    Case(Annotated[float, Field(ge=0, allow_inf_nan=False)], "double"),
    Case(Annotated[float, Field(lt=0.3)], "double"),
    Case(Annotated[float, Field(ge=1, gt=2)], "double"),
    Case(Annotated[float, Field(multiple_of=0.5)], "double"),
    Case(Annotated[str, Field(max_length=5)], "string", default=""),
    Case(Annotated[str, Field(min_length=1, max_length=3)], "string"),
    Case(Annotated[str, Field(pattern="^[a-z]*$")], "string"),
    Case(Annotated[str, StringConstraints(strip_whitespace=True, max_length=1)], "string"),
    Case(Annotated[str, StringConstraints(to_lower=True)], "string"),
    Case(pydantic.StrictStr, "string"),
    Case(Annotated[bytes, Field(min_length=1, max_length=4)], "blob"),
    Case(Annotated[decimal.Decimal, Field(max_digits=5, decimal_places=2)], "decimal"),
    Case(Annotated[decimal.Decimal, Field(max_digits=3)], "decimal"),
    Case(Annotated[decimal.Decimal, Field(decimal_places=0)], "decimal"),
    Case(Annotated[decimal.Decimal, Field(ge=0)], "decimal"),
    Case(Annotated[decimal.Decimal, Field(allow_inf_nan=True)], "decimal"),
    Case(Annotated[dt.date, Field(ge=dt.date(2000, 1, 1))], "date"),
    Case(Annotated[dt.datetime, Field(lt=dt.datetime(2020, 1, 1))], "date_time"),
    Case(Annotated[dt.timedelta, Field(ge=dt.timedelta(0))], "timedelta"),
    Case(Annotated[dt.time, Field(le=dt.time(12))], "time"),
]

COMPOUND: list[Case] = [
    Case(list[int], "array", "big_integer", default=[]),
    Case(list[str], "array", "string"),
    Case(list[Optional[int]], "array", "big_integer"),
    Case(Annotated[list[int], Field(max_length=2)], "array", "big_integer"),
    Case(set[int], "array", "big_integer"),
    Case(tuple[int, ...], "array", "big_integer"),
    Case(frozenset[Colour], "array", "string", likely=(["red"], ["red", "blue", "red"])),
    Case(list[dt.date], "array", "date"),
    Case(dict[str, Any], "json", default={}),
    Case(dict[str, int], "json", likely=({"a": 1},)),
    Case(list[Any], "json"),
    Case(Inner, "json", likely=({"x": 1}, {"ex": 1}, {"x": -1}, {"x": 2, "y": "z", "q": 0})),
    Case(list[Inner], "json", likely=([{"x": 1}], [])),
    Case(tuple[int, str], "json", likely=([1, "a"],)),
    Case(Union[int, str], "json", likely=(1, "1")),
    Case(Union[int, float], "double"),
    Case(Annotated[Union[int, str], Field(union_mode="left_to_right")], "string"),
]

VALIDATED: list[Case] = [
    Case(Annotated[int, AfterValidator(lambda v: v * 2)], "big_integer"),
    Case(Annotated[int, BeforeValidator(lambda v: 7 if v is None else v)], "big_integer"),
    Case(Annotated[str, AfterValidator(_fail)], "string"),
    Case(Annotated[str, AfterValidator(_boom)], "string"),
    Case(Annotated[int, PlainValidator(str)], "big_integer"),
    Case(Annotated[int, WrapValidator(_twice)], "big_integer"),
    Case(Annotated[str, AfterValidator(_named)], "string"),
    Case(Annotated[str, WrapValidator(lambda v, handler, info: _named(handler(v), info))], "string"),
    Case(Annotated[int, AfterValidator(_big)], "big_integer", likely=(1, 2)),
    Case(Annotated[int, AfterValidator(_default)], "big_integer", likely=(3, 4)),
    Case(Annotated[Optional[int], AfterValidator(lambda v: v)], "big_integer"),
    Case(OddInt, "big_integer"),
]

CASES = SCALARS + CONSTRAINED + COMPOUND + VALIDATED + ODD
# As often as models have them.
USUAL = SCALARS * 4 + CONSTRAINED * 2 + COMPOUND + VALIDATED + ODD


# --- models -------------------------------------------------------------------------------------


@dataclass
class Made:
    """A drawn class; columns: field name -> Case, in the order in which rows bring them."""

    model: Any
    columns: dict[str, Case]
    absent: list[str]
    text: str = ""
    traits: list[str] = field(default_factory=list)


def _after(self: Any) -> Any:
    if len(self.__pydantic_fields_set__) == 2:
        raise ValueError("two fields set")
    self.__dict__["checked"] = True
    return self


def _before(cls: Any, data: Any) -> Any:
    return {**data, "f0": 1}


def _wrap(cls: Any, data: Any, handler: Callable[[Any], Any]) -> Any:
    made = handler(data)
    made.__dict__["wrapped"] = True
    return made


def _post_init(self: Any, context: Any) -> None:
    object.__setattr__(self, "__dict__", {**self.__dict__, "from_post_init": context})


def _refusing_post_init(self: Any, context: Any) -> None:
    raise ValueError("post init refuses")


def _field_after(cls: Any, value: Any) -> Any:
    return value


def _field_info(cls: Any, value: Any, info: pydantic.ValidationInfo) -> Any:
    if len(info.data) == 1:
        raise ValueError(f"second: {info.field_name} after {sorted(info.data)}")
    return value


def _init(self: Any, **data: Any) -> None:
    BaseModel.__init__(self, **data)


def _count(data: dict[str, Any]) -> int:
    return len(data)


def _shown(self: Any) -> int:
    return 1


def _private_default() -> list[int]:
    return [1]


TRAITS: dict[str, dict[str, Any]] = {
    "after": {"check_after": pydantic.model_validator(mode="after")(_after)},
    "before": {"check_before": pydantic.model_validator(mode="before")(classmethod(_before))},
    "wrap": {"check_wrap": pydantic.model_validator(mode="wrap")(classmethod(_wrap))},
    "post_init": {"model_post_init": _post_init},
    "refusing_post_init": {"model_post_init": _refusing_post_init},
    "private": {"_hidden": pydantic.PrivateAttr(default_factory=_private_default), "_open": 3},
    "private_unset": {"_late": pydantic.PrivateAttr()},
    "computed": {"shown": pydantic.computed_field(property(_shown))},
    "field_after": {"check_f0": pydantic.field_validator("f0")(classmethod(_field_after))},
    "field_before": {"check_f0": pydantic.field_validator("f0", mode="before")(classmethod(_field_after))},
    "field_info": {"check_all": pydantic.field_validator("*")(classmethod(_field_info))},
    "init": {"__init__": _init},
    "new": {"__new__": lambda cls, *args, **kwargs: object.__new__(cls)},
    "class_var": {"__annotations__": {"constant": ClassVar[int]}, "constant": 3},
}

CONFIG: list[tuple[str, list[Any]]] = [
    ("frozen", [True]),
    ("strict", [True]),
    ("str_strip_whitespace", [True]),
    ("str_to_upper", [True]),
    ("str_max_length", [3]),
    ("str_min_length", [1]),
    ("allow_inf_nan", [False]),
    ("validate_default", [True]),
    ("use_enum_values", [True]),
    ("coerce_numbers_to_str", [True]),
    ("validate_assignment", [True]),
    ("hide_input_in_errors", [True]),
    ("revalidate_instances", ["always"]),
    ("title", ["Another title"]),
    ("populate_by_name", [True]),
    ("from_attributes", [True]),
    ("cache_strings", ["none"]),
    ("regex_engine", ["python-re"]),
    ("ser_json_bytes", ["base64"]),
    ("loc_by_alias", [False]),
]


@st.composite
def _fields(
    draw: st.DrawFn, cases: list[Case]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Case], list[str]]:
    annotations: dict[str, Any] = {}
    namespace: dict[str, Any] = {}
    columns: dict[str, Case] = {}
    absent: list[str] = []
    for i in range(draw(st.integers(1, 4))):
        name = f"f{i}"
        case = draw(st.sampled_from(cases))
        annotations[name] = Optional[case.annotation] if draw(st.integers(0, 3)) == 0 else case.annotation
        options = draw(_options(name, case))
        if options:
            namespace[name] = Field(**options)
        if i > 0 and draw(st.integers(0, 3 if "default" in options else 15)) == 0:
            absent.append(name)
        else:
            columns[name] = case
    return annotations, namespace, columns, absent


@st.composite
def _options(draw: st.DrawFn, name: str, case: Case) -> dict[str, Any]:
    options: dict[str, Any] = {}
    how = draw(st.integers(0, 9))
    if how <= 2:
        options["default"] = None if case.default is ... else case.default
    elif how == 3:
        options["default_factory"] = draw(st.sampled_from([list, lambda: 4, dict, _count]))
    elif how == 4:
        options["default"] = draw(st.sampled_from([None, 0, [1, [2]], {"a": 1}, "x"]))
    if draw(st.integers(0, 4)) == 0:
        options["alias"] = f"alias_{name}"
    if draw(st.integers(0, 12)) == 0:
        options["validate_default"] = True
    if draw(st.integers(0, 8)) == 0:
        options["frozen"] = True
    if draw(st.integers(0, 8)) == 0:
        options["exclude"] = True
    return options


@st.composite
def models(draw: st.DrawFn, cases: list[Case] | None = None) -> Made:
    """A model class, with what its fields and their columns are."""
    annotations, namespace, columns, absent = draw(_fields(cases or USUAL))
    traits = (
        draw(st.lists(st.sampled_from(sorted(TRAITS)), max_size=2, unique=True))
        if draw(st.integers(0, 3)) == 0
        else []
    )
    for trait in traits:
        for key, value in TRAITS[trait].items():
            if key == "__annotations__":
                annotations.update(value)
            else:
                namespace[key] = value
    config: dict[str, Any] = {}
    if draw(st.booleans()):
        config["extra"] = draw(st.sampled_from(["allow", "forbid", "ignore"]))
    for key, choices in CONFIG:
        if draw(st.integers(0, 15)) == 0:
            config[key] = draw(st.sampled_from(choices))
    namespace |= {"__annotations__": annotations, "__module__": __name__, "model_config": config}
    model = types.new_class("Drawn", (Row,), {}, lambda ns: ns.update(namespace))
    if draw(st.integers(0, 9)) == 0:
        model = types.new_class("Child", (model,), {}, lambda ns: ns.update({"__module__": __name__}))
    return Made(model, columns, absent, f"{annotations} {namespace} {config}", traits)


@st.composite
def rows(draw: st.DrawFn, made: Made) -> dict[str, Any]:
    """Decoded values for every column."""
    return {
        name: None if draw(st.integers(0, 15)) == 0 else draw(case.values())
        for name, case in made.columns.items()
    }
