"""The kind of values that nothing stores, by annotation: named as the kinds of columns are."""

from __future__ import annotations

import types
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

__all__ = ["kind_of"]

# `bool` and `datetime` stand before what they are derived from.
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "big_integer"),
    (float, "double"),
    (Decimal, "decimal"),
    (datetime, "date_time"),
    (date, "date"),
    (time, "time"),
    (timedelta, "timedelta"),
)


def kind_of(annotation: Any) -> str:
    """The kind of an annotation without None and metadata; "" for what is none of the plain types."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        return kind_of(rest[0]) if len(rest) == 1 else ""
    if not isinstance(annotation, type):
        return ""
    return next((kind for base, kind in _KINDS if annotation is base), "")
