"""A value as JSON (contract, 6.2).

Values come from rows that nobody validated, so the value's own type decides and the field only
says what the value cannot: whether it is secret. A text where a number is expected stays that text.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretBytes, SecretStr

from .durations import duration_text

if TYPE_CHECKING:
    from ..options.resource import AdminField

__all__ = ["SECRET", "STRUCTURES", "as_text", "encode", "encode_plain", "members_of"]

SECRET = "**********"
STRUCTURES = frozenset({"json", "json_binary"})
"""Kinds of columns that hold whole structures."""
# A Decimal is written out digit by digit unless its exponent would make that a book.
_LONGEST_DECIMAL = 1_000


def encode(value: Any, field: AdminField) -> Any:
    """The value of a field as JSON."""
    if value is None:
        return None
    if field.secret:
        return SECRET
    return _inside_json(value) if field.kind in STRUCTURES else encode_plain(value)


def members_of(value: Any) -> Mapping[Any, Any] | None:
    """The members of a mapping, a model or a dataclass by name; None for anything else."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, BaseModel):
        return {**value.__dict__, **(value.__pydantic_extra__ or {})}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    return None


def _inside_json(value: Any) -> Any:
    """A value of a JSON column. Bytes are text in there, as they are stored: what is sent back is
    read by the model, which knows no Base64."""
    members = members_of(value)
    if members is not None:
        return {_member_name(name): _inside_json(item) for name, item in members.items()}
    if isinstance(value, (list, tuple)):
        return [_inside_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return _in_order([_inside_json(item) for item in value])
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return encode_plain(value)
    return encode_plain(value)


def encode_plain(value: Any) -> Any:
    """A value as JSON by its type alone."""
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain(value)
    for kind, convert in _BY_BASE:
        if isinstance(value, kind):
            return convert(value)
    return _named(value) if dataclasses.is_dataclass(value) else str(value)


def as_text(encoded: Any) -> str:
    """A value that is JSON already, as text: for people, in paths, as the name of a member."""
    if isinstance(encoded, bool):
        return "true" if encoded else "false"
    return "" if encoded is None else str(encoded)


def _same(value: Any) -> Any:
    return value


def _float(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        return str(value)
    return f"{value:f}" if abs(value.adjusted()) < _LONGEST_DECIMAL else str(value)


def _datetime(value: datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(timezone.utc)
    return value.isoformat("T")


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {_member_name(name): encode_plain(item) for name, item in value.items()}


def _member_name(name: Any) -> str:
    encoded = encode_plain(name)
    return encoded if isinstance(encoded, str) else json.dumps(encoded)


def _list(value: Any) -> list[Any]:
    return [encode_plain(item) for item in value]


def _set(value: Any) -> list[Any]:
    """In an order that depends on nothing but the members, so that equal sets are equal text."""
    return _in_order(_list(value))


def _in_order(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: (str(type(item)), item if _orders(item) else json.dumps(item)))


def _orders(item: Any) -> bool:
    return isinstance(item, (int, float, str))


def _named(value: Any) -> dict[str, Any]:
    return {name: encode_plain(item) for name, item in (members_of(value) or {}).items()}


_PLAIN: dict[type, Callable[[Any], Any]] = {
    bool: _same,
    int: _same,
    str: _same,
    float: _float,
    Decimal: _decimal,
    datetime: _datetime,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: duration_text,
    dict: _mapping,
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
    type(None): _same,
}

_BY_BASE: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (enum.Enum, lambda value: encode_plain(value.value)),
    ((SecretStr, SecretBytes), lambda value: SECRET),
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode("ascii")),
    (BaseModel, _named),
    (str, str.__str__),
    (int, int),
    (float, lambda value: _float(float(value))),
    (Decimal, _decimal),
    (datetime, _datetime),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, duration_text),
    (Mapping, _mapping),
    ((list, tuple), _list),
    ((set, frozenset), _set),
)
