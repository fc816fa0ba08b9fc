"""A stored value as the cell of a table: a number, a moment, a truth value, else text.

The value's own type decides, since rows are not validated: a text in a column of numbers is text,
and is treated with the suspicion that text deserves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..values.encode import encode, encode_plain

if TYPE_CHECKING:
    from ..options.resource import AdminField

__all__ = ["Cell", "cell", "is_structured", "json_text", "link_cell"]

Cell = None | bool | int | float | Decimal | date | datetime | time | str
STRUCTURED = frozenset({"array", "json", "json_binary"})


def cell(value: Any, field: AdminField | None) -> Cell:
    """The value of a field, or of a computed column if there is none."""
    if value is None:
        return None
    if field is not None and field.secret:
        return str(encode(value, field))
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, (int, float, Decimal)):
        return value
    if field is not None and is_structured(field):
        return json_text(encode_plain(value))
    if isinstance(value, (str, date, time)):
        return value
    plain = encode_plain(value)
    return plain if isinstance(plain, str) else json_text(plain)


def link_cell(targets: Sequence[dict[str, Any]], keys: Sequence[str]) -> str:
    """The targets of a many-to-many relation as the JSON of their keys."""
    return json_text([target[keys[0]] if len(keys) == 1 else [target[k] for k in keys] for target in targets])


def is_structured(field: AdminField) -> bool:
    """Whether cells of the field hold JSON."""
    return field.shape == "many_to_many" or field.kind in STRUCTURED


def json_text(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
