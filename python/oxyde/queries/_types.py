"""From a Python type or annotation to the type the engine casts and decodes to."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

from .. import _core
from .._core import (
    K_BLOB,
    K_BOOL,
    K_DATE,
    K_DATETIME,
    K_DECIMAL,
    K_DOUBLE,
    K_INT,
    K_JSON,
    K_TEXT,
    K_TIME,
    K_TIMEDELTA,
)

_KINDS: dict[Any, int] = {
    bool: K_BOOL,
    int: K_INT,
    float: K_DOUBLE,
    str: K_TEXT,
    bytes: K_BLOB,
    datetime.datetime: K_DATETIME,
    datetime.date: K_DATE,
    datetime.time: K_TIME,
    datetime.timedelta: K_TIMEDELTA,
    uuid.UUID: _core.K_UUID,
    decimal.Decimal: K_DECIMAL,
    dict: K_JSON,
    list: K_JSON,
}


def type_spec(annotation: Any) -> Any:
    """The kind of a plain type.

    TypeError for what no column could hold.
    """
    try:
        return _KINDS[annotation]
    except (KeyError, TypeError):
        pass
    raise TypeError(f"{annotation!r} is no type of a database value")
