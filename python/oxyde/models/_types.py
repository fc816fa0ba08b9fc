"""From an annotation and `db_type` to the column's type.

A *shape* is what the annotation alone says (models document, 5.1). A *column
type* adds what `db_type` changes (5.2): `kind` is how the value is stored,
`load_kind` what a cell is decoded to before Pydantic sees it. Kinds are named
as in migration files; numbers belong to the engine.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import ipaddress
import pathlib
import types
import typing
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import pydantic
import typing_extensions
from pydantic.fields import FieldInfo

from ._db_type import DbType, parse_db_type

__all__ = ["ColumnType", "Shape", "column_type", "is_enum", "shape_of", "unwrap"]

TEXT_KINDS = frozenset({"string", "text"})
JSON_KINDS = frozenset({"json", "json_binary"})

# Order matters: the first class that fits decides.
_SCALARS: tuple[tuple[Any, str], ...] = (
    (bool, "boolean"),
    (int, "big_integer"),
    (float, "double"),
    (decimal.Decimal, "decimal"),
    (str, "string"),
    (bytes, "blob"),
    (datetime.datetime, "date_time"),
    (datetime.date, "date"),
    (datetime.time, "time"),
    (datetime.timedelta, "timedelta"),
    (uuid.UUID, "uuid"),
    (ipaddress.IPv4Network, "cidr"),
    (ipaddress.IPv6Network, "cidr"),
    (ipaddress.IPv4Address, "inet"),
    (ipaddress.IPv6Address, "inet"),
    (pathlib.PurePath, "text"),
    (pydantic.SecretStr, "text"),
    (pydantic.SecretBytes, "blob"),
    (pydantic.EmailStr, "text"),
    (pydantic.NameEmail, "text"),
    (pydantic.AnyUrl, "text"),
)

# Pydantic's own names for types; classes, but no subclasses of what they stand for.
_ALIASES: dict[Any, str] = {
    pydantic.AwareDatetime: "date_time_utc",
    pydantic.NaiveDatetime: "date_time",
    pydantic.PastDatetime: "date_time",
    pydantic.FutureDatetime: "date_time",
    pydantic.PastDate: "date",
    pydantic.FutureDate: "date",
}

_UNION_ORIGINS: tuple[Any, ...] = (Union, types.UnionType)
_ALIAS_TYPES: tuple[Any, ...] = tuple(
    alias
    for alias in {getattr(typing, "TypeAliasType", None), typing_extensions.TypeAliasType}
    if alias is not None
)

# Metadata under which the stored form differs from the attribute.
_ENCODED: tuple[Any, ...] = (pydantic.Json, pydantic.EncodedBytes, pydantic.EncodedStr)


@dataclass(frozen=True)
class Sizes:
    """Constraints that shape the column."""

    max_length: int | None = None
    max_digits: int | None = None
    decimal_places: int | None = None


@dataclass(frozen=True)
class Shape:
    """What an annotation says about the column.

    `base` is the annotation without Annotated and Optional. `container` is list, set,
    frozenset or tuple for arrays. `encoded`: the attribute's value must be serialised
    to get the form that validation takes. `foreign`: a type known by its JSON schema
    only. `naive`: the annotation refuses aware datetimes.
    """

    kind: str
    base: Any
    optional: bool = False
    elem: str = ""
    ndim: int = 0
    sizes: Sizes = Sizes()
    enum: type[enum.Enum] | None = None
    container: type | None = None
    item: Shape | None = None
    encoded: bool = False
    foreign: bool = False
    naive: bool = False


@dataclass(frozen=True)
class ColumnType:
    """How a column is stored and what its cells are decoded to."""

    kind: str
    elem: str
    ndim: int
    size: int
    scale: int
    load_kind: str
    load_elem: str
    shape: Shape
    native_enum: type[enum.Enum] | None


def is_enum(tp: Any) -> bool:
    """Whether `tp` is an enumeration class."""
    return isinstance(tp, type) and issubclass(tp, enum.Enum)


def unwrap(annotation: Any) -> tuple[Any, list[Any], bool]:
    """The annotation without Annotated, aliases and Optional; its metadata in the order
    in which Pydantic applies it, innermost first; whether None is among its alternatives.
    """
    metadata: list[Any] = []
    optional = False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            metadata = [*flat_metadata(annotation.__metadata__), *metadata]
            annotation = annotation.__origin__
        elif isinstance(annotation, _ALIAS_TYPES):
            annotation = annotation.__value__
        elif isinstance(origin, _ALIAS_TYPES):
            annotation = origin.__value__[get_args(annotation)]
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif origin in _UNION_ORIGINS:
            members = get_args(annotation)
            rest = tuple(m for m in members if m is not type(None))
            optional = optional or len(rest) < len(members)
            if len(rest) != 1:
                inner = [unwrap(m) for m in rest]
                return Union[rest], metadata, optional or any(o for _, _, o in inner)
            annotation = rest[0]
        elif annotation is type(None):
            return annotation, metadata, True
        else:
            return annotation, metadata, optional


def flat_metadata(metadata: Iterable[Any]) -> Iterator[Any]:
    """Metadata with groups and nested `Field`s taken apart."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield item
            yield from flat_metadata(item.metadata)
        elif isinstance(item, annotated_types.GroupedMetadata):
            yield item
            yield from flat_metadata(item)
        else:
            yield item


def _sizes(metadata: list[Any]) -> Sizes:
    """The narrowest of each: a value has to satisfy all of them."""
    found: dict[str, int] = {}
    for item in metadata:
        for name in ("max_length", "max_digits", "decimal_places"):
            value = getattr(item, name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                found[name] = min(value, found.get(name, value))
    return Sizes(**found)


def shape_of(annotation: Any, metadata: Iterable[Any] = ()) -> Shape:
    """The shape of an annotation; `metadata` is what Pydantic took off it already."""
    base, inner, optional = unwrap(annotation)
    everything = [*flat_metadata(metadata), *inner]
    sizes = _sizes(everything)
    encoded = [m for m in everything if isinstance(m, _ENCODED) or m is _ENCODED[0]]
    json_type: Any = pydantic.Json
    if any(isinstance(m, json_type) or m is json_type for m in encoded):
        return Shape("text", base, optional, sizes=sizes, encoded=True)
    shape = _shape_of_base(base)
    if encoded:
        shape = dataclasses.replace(shape, encoded=True)
    return _with_sizes(dataclasses.replace(shape, optional=optional or shape.optional), sizes)


def _with_sizes(shape: Shape, sizes: Sizes) -> Shape:
    if shape.kind == "array":
        # max_length bounds the list; the width of its items is theirs.
        own = shape.sizes
        return dataclasses.replace(
            shape,
            sizes=Sizes(
                own.max_length,
                own.max_digits if sizes.max_digits is None else sizes.max_digits,
                own.decimal_places if sizes.decimal_places is None else sizes.decimal_places,
            ),
        )
    if shape.kind == "text" and sizes.max_length is not None:
        return dataclasses.replace(shape, kind="string", sizes=sizes)
    return dataclasses.replace(shape, sizes=sizes)


def _shape_of_base(base: Any) -> Shape:
    origin = get_origin(base)
    if _hashable(base) and base in _ALIASES:
        return Shape(_ALIASES[base], base, naive=base is pydantic.NaiveDatetime)
    if origin is not None:
        return _shape_of_generic(base, origin)
    if is_enum(base):
        return Shape("enum", base, enum=base)
    if isinstance(base, type):
        kind = next((kind for cls, kind in _SCALARS if issubclass(base, cls)), None)
        kind = kind or ("text" if _is_url(base) else "json" if _is_structure(base) else None)
        if kind is not None:
            return Shape(kind, base)
    if base in (Any, object) or isinstance(base, typing.TypeVar):
        return Shape("json", base)
    return Shape(_kind_by_schema(base), base, foreign=True)


def _shape_of_generic(base: Any, origin: Any) -> Shape:
    if origin is Literal:
        return _shape_of_literal(base)
    if origin in _UNION_ORIGINS:
        return _shape_of_union(base)
    if origin in (list, set, frozenset, tuple):
        return _shape_of_array(base, origin)
    if _is_structure(origin):
        return Shape("json", base)
    return Shape(_kind_by_schema(base), base, foreign=True)


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_url(base: type) -> bool:
    module = getattr(base, "__module__", "")
    return any(c.__module__ == "pydantic.networks" and "Url" in c.__name__ for c in base.__mro__) or (
        module.startswith("pydantic_core") and "Url" in base.__name__
    )


def _is_structure(base: Any) -> bool:
    """dict, sub-models, dataclasses, TypedDicts, bare lists and sets."""
    if not isinstance(base, type):
        return False
    return (
        issubclass(base, (dict, list, set, frozenset, tuple, pydantic.BaseModel))
        or dataclasses.is_dataclass(base)
        or typing_extensions.is_typeddict(base)
    )


def _shape_of_literal(base: Any) -> Shape:
    values = [v for v in get_args(base) if v is not None]
    optional = len(values) < len(get_args(base))
    for cls, kind in ((bool, "boolean"), (int, "big_integer"), (str, "text"), (bytes, "blob")):
        if values and all(isinstance(v, cls) and (cls is bool or not isinstance(v, bool)) for v in values):
            return Shape(kind, base, optional)
    return Shape("json", base, optional)


def _shape_of_union(base: Any) -> Shape:
    members = [shape_of(m) for m in get_args(base)]
    kinds = {m.kind for m in members}
    plain = not any(m.foreign or m.encoded for m in members)
    if plain and len(kinds) == 1 and kinds.isdisjoint({"array", "json", "enum"}):
        return Shape(members[0].kind, base)
    if plain and kinds == TEXT_KINDS:
        return Shape("text", base)
    if kinds == {"big_integer", "double"}:
        return Shape("double", base)
    if kinds == {"big_integer", "decimal"}:
        return Shape("decimal", base)
    return Shape("json", base)


def _shape_of_array(base: Any, origin: type) -> Shape:
    arguments = get_args(base)
    if origin is tuple and (len(arguments) != 2 or arguments[1] is not Ellipsis):
        return Shape("json", base)
    item = shape_of(arguments[0])
    item_base = unwrap(arguments[0])[0]
    union = get_origin(item_base) in _UNION_ORIGINS
    of_dicts = item_base is dict or get_origin(item_base) is dict
    if union or item.foreign or item.encoded or (item.kind == "json" and not of_dicts):
        return Shape("json", base)
    nested = item.kind == "array"
    return Shape(
        "array",
        base,
        elem=item.elem if nested else item.kind,
        ndim=item.ndim + 1 if nested else 1,
        sizes=item.sizes,
        enum=item.enum,
        container=origin,
        item=item,
    )


def _kind_by_schema(base: Any) -> str:
    try:
        schema = pydantic.TypeAdapter(base).json_schema(mode="serialization")
    except (pydantic.PydanticUserError, pydantic.errors.PydanticInvalidForJsonSchema):
        return "json"
    return {"string": "text", "integer": "big_integer", "number": "double", "boolean": "boolean"}.get(
        schema.get("type", ""), "json"
    )


# Which kinds of column, named by db_type, can hold values of which shape.
_HOLDS: dict[str, frozenset[str]] = {
    "boolean": frozenset({"boolean", "big_integer"}),
    "big_integer": frozenset({"big_integer", "double", "decimal", *TEXT_KINDS}),
    "double": frozenset({"double", "decimal", *TEXT_KINDS}),
    "decimal": frozenset({"decimal", "double", *TEXT_KINDS}),
    "string": frozenset({"uuid", "inet", "cidr", *TEXT_KINDS}),
    "text": frozenset({"uuid", "inet", "cidr", *TEXT_KINDS}),
    "blob": frozenset({"blob"}),
    "date_time": frozenset({"date_time", "date_time_utc", *TEXT_KINDS}),
    "date_time_utc": frozenset({"date_time", "date_time_utc", *TEXT_KINDS}),
    "date": frozenset({"date", *TEXT_KINDS}),
    "time": frozenset({"time", *TEXT_KINDS}),
    "timedelta": frozenset({"timedelta", "interval", "big_integer"}),
    "uuid": frozenset({"uuid", *TEXT_KINDS}),
    "inet": frozenset({"inet", *TEXT_KINDS}),
    "cidr": frozenset({"cidr", "inet", *TEXT_KINDS}),
    "array": frozenset({"array", *TEXT_KINDS}),
    "json": frozenset({"array", *TEXT_KINDS}),
}


def column_type(annotation: Any, metadata: Iterable[Any], db_type: str | None, label: str) -> ColumnType:
    """The column's type; `label` ("Model.field") is for messages."""
    shape = shape_of(annotation, metadata)
    if get_origin(shape.base) is Literal and any(isinstance(v, enum.Enum) for v in get_args(shape.base)):
        # Pydantic takes only the member for it, never the value that was stored.
        raise TypeError(f"{label}: a Literal of enum members cannot be stored; annotate with the Enum")
    if db_type is None:
        if shape.enum is not None:
            _require_text_values(shape.enum, label)
        sizes = _declared_sizes(shape)
        return ColumnType(
            shape.kind, shape.elem, shape.ndim, *sizes, shape.kind, shape.elem, shape, shape.enum
        )
    natural = _natural_kind(shape)
    given = parse_db_type(db_type)
    if given is None:
        # Not a name we know: stored as the annotation says, under the user's type.
        elem = _enum_kind(shape.enum) if shape.enum is not None and natural == "array" else shape.elem
        # A string's length is then that of the user's type, which is not known here.
        sizes = (0, -1) if TEXT_KINDS & {natural, elem} else _declared_sizes(shape)
        return ColumnType(natural, elem, shape.ndim, *sizes, natural, elem, shape, None)
    if given.kind not in JSON_KINDS and given.kind not in _HOLDS[natural]:
        raise TypeError(f"{label}: a column of type {db_type} cannot hold values of {_named(shape.base)}")
    load_kind, load_elem = _load_kind(shape, natural, given)
    return ColumnType(
        given.kind, given.elem, given.ndim, given.size, given.scale, load_kind, load_elem, shape, None
    )


def _require_text_values(cls: type[enum.Enum], label: str) -> None:
    for member in cls:
        if not isinstance(member.value, str):
            raise TypeError(
                f"{label}: {cls.__qualname__}.{member.name} has the value {member.value!r}. "
                f"Use a str-valued Enum, or give the field a db_type"
            )


def _enum_kind(cls: type[enum.Enum]) -> str:
    """The kind of an enumeration's values, where db_type turned enum handling off."""
    kinds = {shape_of(type(member.value)).kind for member in cls}
    if kinds <= TEXT_KINDS:
        return "text"
    return kinds.pop() if len(kinds) == 1 else "json"


def _natural_kind(shape: Shape) -> str:
    return _enum_kind(shape.enum) if shape.kind == "enum" and shape.enum is not None else shape.kind


def _load_kind(shape: Shape, natural: str, given: DbType) -> tuple[str, str]:
    if given.kind in JSON_KINDS or given.kind in ("interval", "array"):
        return given.kind, given.elem
    if natural in ("json", "array"):
        return "json", ""
    if given.kind == "date_time_utc" and not shape.naive:
        return "date_time_utc", ""
    return natural, shape.elem


def _declared_sizes(shape: Shape) -> tuple[int, int]:
    """Size and scale: VARCHAR(n), DECIMAL(p, s); 0 and -1 for none."""
    kind = shape.elem if shape.kind == "array" else shape.kind
    sizes = shape.sizes
    if kind == "string":
        return (255 if sizes.max_length is None else sizes.max_length), -1
    if kind != "decimal":
        return 0, -1
    if sizes.decimal_places is not None:
        return sizes.max_digits or 0, sizes.decimal_places
    return (0, -1) if sizes.max_digits is None else (sizes.max_digits, 0)


def _named(base: Any) -> str:
    return base.__qualname__ if isinstance(base, type) else str(base)
