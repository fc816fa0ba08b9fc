"""Converting single values: to the form the engine stores, and to the field's type.

Both conversions are made per field from its bare type, without the field's own
constraints and validators, and built when they are first needed.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import ipaddress
import types
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
import pydantic_core

from ._stored_schema import storing_dump
from ._types import JSON_KINDS, TEXT_KINDS, ColumnType, Shape, unwrap

__all__ = ["coerce_for", "to_stored_for"]

Convert = Callable[[Any], Any]

_LAX = pydantic.ConfigDict(arbitrary_types_allowed=True, ser_json_inf_nan="constants")


def _adapter(annotation: Any) -> pydantic.TypeAdapter[Any]:
    try:
        return pydantic.TypeAdapter(annotation, config=_LAX)
    except pydantic.PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
    return pydantic.TypeAdapter(annotation)


def bare(annotation: Any) -> Any:
    """The annotation without constraints, at any depth."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return bare(annotation.__origin__)
    if origin is Literal or not get_args(annotation):
        return annotation
    base, _, optional = unwrap(annotation)
    if base != annotation:  # by value: from Python 3.14 on, equal unions are objects of their own
        inner = bare(base)
        return Union[inner, None] if optional else inner
    arguments = tuple(bare(a) if a is not Ellipsis else a for a in get_args(annotation))
    if origin in (Union, types.UnionType):
        return Union[arguments]
    if origin in (list, set, frozenset, tuple, dict):
        return types.GenericAlias(origin, arguments)
    return annotation


class Coerce:
    """Pydantic's lax conversion to a type; the validator is built on the first call."""

    __slots__ = ("_annotation", "_validate")

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation
        self._validate: Convert | None = None

    def __call__(self, value: Any) -> Any:
        if self._validate is None:
            self._validate = _adapter(self._annotation).validator.validate_python
        return self._validate(value)


def coerce_for(column: ColumnType, annotation: Any) -> Convert | None:
    """The lax conversion to the field's type; None where everything is accepted as it is."""
    shape = column.shape
    if shape.base in (Any, object):
        return None
    if shape.encoded:
        # Its validation decodes; a value given by the user is decoded already.
        return None
    target = bare(annotation)
    return Coerce(Union[target, None] if shape.optional else target)


# --- to the stored form -----------------------------------------------------------------


@functools.cache
def _secret_types() -> tuple[type[Any], ...]:
    return (pydantic.SecretStr, pydantic.SecretBytes, pydantic.Secret)


def _secrets(value: Any) -> Any:
    """The value with every secret laid open: a mask would be stored otherwise."""
    if isinstance(value, _secret_types()):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: _secrets(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_secrets(item) for item in value]
    return value


_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)


def _address(value: Any) -> str:
    """What Pydantic before 2.12 cannot write by itself where a type says nothing about it."""
    if isinstance(value, _ADDRESSES):
        return str(value)
    raise pydantic_core.PydanticSerializationError(f"Unable to serialize unknown type: {type(value)}")


class Dump:
    """The JSON form of a value, by field name.

    Infinities stay what they are, so that the engine can refuse them, and computed
    fields are left out, so that what was stored can be validated again.
    """

    __slots__ = ("_annotation", "_dump")

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation
        self._dump: Callable[..., Any] | None = None

    def __call__(self, value: Any) -> Any:
        if value is None:
            return None
        if self._dump is None:
            self._dump = storing_dump(_adapter(self._annotation))
        plain = self._dump(value, by_alias=False, round_trip=True, warnings=False)
        return pydantic_core.to_jsonable_python(
            _secrets(plain), by_alias=False, inf_nan_mode="constants", fallback=_address
        )


class DumpText(Dump):
    """The same as JSON text, for JSON values in text columns."""

    __slots__ = ()

    def __call__(self, value: Any) -> Any:
        import json

        if value is None:
            return None
        return json.dumps(super().__call__(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Encode:
    """The form that validation takes, of types whose attribute is the decoded form."""

    __slots__ = ("_annotation", "_dump")

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation
        self._dump: Callable[..., Any] | None = None

    def __call__(self, value: Any) -> Any:
        if value is None:
            return None
        if self._dump is None:
            self._dump = _adapter(self._annotation).serializer.to_python
        return self._dump(value, round_trip=True)


def _secret_value(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, _secret_types()) else value


def _text(value: Any) -> Any:
    return value if value is None or type(value) is str else str(value)


def _decimal_text(value: Any) -> Any:
    if isinstance(value, decimal.Decimal) and value.is_finite():
        return format(value, "f")
    return _text(value)


def _time_text(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            try:
                value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
            except OverflowError:
                raise ValueError("outside the years 1 to 9999 in UTC") from None
        return value.isoformat(" ")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return _text(value)


def _number(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else int(value) if isinstance(value, bool) else value


def _enum_value(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


class Items:
    """A container as a list of stored items; sets sorted where their items compare."""

    __slots__ = ("_convert", "_sort")

    def __init__(self, convert: Convert | None, sort: bool) -> None:
        self._convert = convert
        self._sort = sort

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)):
            return value
        items: Iterable[Any] = value
        if self._convert is not None:
            convert = self._convert
            items = [item if item is None else convert(item) for item in value]
        if self._sort:
            try:
                return sorted(items)
            except TypeError:
                return list(items)
        return items if isinstance(items, list) else list(items)


def to_stored_for(column: ColumnType, annotation: Any) -> Convert | None:
    """What makes a value storable in the column; None where the engine takes it as it is."""
    shape = column.shape
    if column.kind in JSON_KINDS:
        return Dump(annotation)
    if shape.kind in ("json", "array") and column.kind in TEXT_KINDS:
        return DumpText(annotation)
    if shape.encoded:
        return Encode(annotation)
    if column.kind == "array":
        return _array_to_stored(shape, column.elem)
    return _scalar_to_stored(shape, column.kind)


def _array_to_stored(shape: Shape, elem: str) -> Convert | None:
    if shape.item is None:
        return Dump(shape.base)
    item = shape.item
    if item.kind == "array":
        convert = _array_to_stored(item, elem)
    elif item.kind == "json":
        convert = Dump(item.base)
    else:
        convert = _scalar_to_stored(item, elem)
    if shape.container is list and convert is None:
        return None
    is_set = shape.container in (set, frozenset)
    if is_set and item.enum is not None:
        convert = _enum_value  # members have no order, their values do
    return Items(convert, sort=is_set)


def _scalar_to_stored(shape: Shape, kind: str) -> Convert | None:
    base = shape.base
    if shape.foreign:
        return Dump(base)
    if isinstance(base, type) and issubclass(base, (pydantic.SecretStr, pydantic.SecretBytes)):
        return _secret_value
    if shape.enum is not None:
        return None if kind == "enum" else _enum_value
    if kind in TEXT_KINDS:
        return _text_form(shape)
    return _number if shape.kind == "boolean" and kind != "boolean" else None


def _text_form(shape: Shape) -> Convert | None:
    if shape.kind == "decimal":
        return _decimal_text
    if shape.kind in ("date_time", "date_time_utc", "date", "time"):
        return _time_text
    is_text = isinstance(shape.base, type) and issubclass(shape.base, str)
    return None if is_text or get_origin(shape.base) is Literal else _text
