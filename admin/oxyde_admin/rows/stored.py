"""What a column holds, read as text: the cells that are sound get their types back.

Used for columns in which some cell cannot be decoded; that one stays the text that is stored.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..options.resource import AdminField

__all__ = ["from_text"]


def from_text(text: Any, field: AdminField) -> Any:
    """The value that the text stands for in a column of the field's kind, else the text."""
    convert = _CONVERT.get(field.kind)
    if text is None or convert is None:
        return text
    try:
        return convert(text)
    except (ValueError, InvalidOperation, OverflowError):
        return text


def _aware(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)


def _truth(text: str) -> Any:
    return {"0": False, "1": True, "false": False, "true": True}.get(text, text)


_CONVERT: dict[str, Callable[[str], Any]] = {
    "boolean": _truth,
    "big_integer": int,
    "double": float,
    "decimal": Decimal,
    "date_time": datetime.fromisoformat,
    "date_time_utc": _aware,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda text: timedelta(microseconds=int(text)),
    "uuid": uuid.UUID,
    "array": json.loads,
    "json": json.loads,
    "json_binary": json.loads,
}
