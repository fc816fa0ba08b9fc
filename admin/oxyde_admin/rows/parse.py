"""A text from a query string as the value of a field. ValueError for what it cannot be."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from ..options.resource import AdminField

__all__ = ["adapter", "kind_of", "parse", "parse_element", "truth"]

_INT = re.compile(r"[+-]?[0-9]{1,19}")
_INT64 = range(-(1 << 63), 1 << 63)
# Pydantic takes a plain number for a date, counted from 1970; in a filter that is a mistake.
_NUMBER = re.compile(r"[+-]?[0-9.]+")


def kind_of(field: AdminField) -> str:
    """The kind, with enumerations as such however they are stored."""
    return "enum" if field.column.column_type.shape.kind == "enum" else field.kind


def parse(text: str, field: AdminField, kind: str | None = None) -> Any:
    """The value of the field that the text stands for, without the field's constraints."""
    if "\0" in text:
        raise ValueError("NUL is in no column")
    text.encode("utf-8")
    return _PARSERS.get(kind or kind_of(field), _by_type)(text, field)


def parse_element(text: str, field: AdminField, kind: str) -> Any:
    """The same for an element of an array, whose kind is given."""
    if kind in _OF_ELEMENTS:
        return parse(text, field, kind)
    return parse(text, field, "text")


def truth(text: str) -> bool:
    """`true` or `false` in any case."""
    found = {"true": True, "false": False}.get(text.lower())
    if found is None:
        raise ValueError("neither true nor false")
    return found


def _text(text: str, field: AdminField) -> Any:
    return text


def _int(text: str, field: AdminField) -> int:
    if not _INT.fullmatch(text) or int(text) not in _INT64:
        raise ValueError("no whole number of 64 bits")
    return int(text)


def _float(text: str, field: AdminField) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _decimal(text: str, field: AdminField) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("no number") from error
    if not number.is_finite() or abs(number.adjusted()) > 1_000:
        raise ValueError("no number of a column")
    return number


def _by_type(text: str, field: AdminField) -> Any:
    if _NUMBER.fullmatch(text):
        raise ValueError("a number")
    return adapter(field.column.python_type).validate_python(text)


def _enum(text: str, field: AdminField) -> Any:
    members = {str(member.value): member for member in field.column.column_type.shape.enum}
    if text not in members:
        raise ValueError("no member")
    return members[text]


def _address(text: str, field: AdminField) -> Any:
    return adapter(field.column.python_type).validate_python(text)


@lru_cache(maxsize=256)
def adapter(annotation: Any) -> TypeAdapter[Any]:
    """The validator of a type."""
    return TypeAdapter(annotation)


_OF_ELEMENTS = frozenset({"boolean", "big_integer", "double", "decimal", "uuid"})
_PARSERS: dict[str, Callable[[str, AdminField], Any]] = {
    "boolean": lambda text, field: truth(text),
    "big_integer": _int,
    "double": _float,
    "decimal": _decimal,
    "string": _text,
    "text": _text,
    "enum": _enum,
    "uuid": lambda text, field: uuid.UUID(text),
    "inet": _address,
    "cidr": _address,
    "date only": lambda text, field: date.fromisoformat(text),
}
