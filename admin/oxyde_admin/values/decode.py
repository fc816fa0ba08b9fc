"""JSON that was sent for a field, as what the model takes (contract, 6.2).

Only what Pydantic would take for something else is changed here: Base64, numbers that were parsed
with all their digits, the stars that stand for a secret. Everything else is left to Pydantic.
"""

from __future__ import annotations

import base64
import binascii
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretBytes, SecretStr

from ..exceptions import InvalidDataError
from .encode import SECRET, STRUCTURES, members_of

if TYPE_CHECKING:
    from ..options.resource import AdminField

__all__ = ["UNCHANGED", "decode", "decode_as", "with_secrets"]


class _Unchanged:
    """The secret was sent back as it was shown."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = _Unchanged()
_WIDEST = 1_000  # digits before or after the point of a number that is worth converting


def decode(value: Any, field: AdminField) -> Any:
    """The value for the field, UNCHANGED for the stars of a secret. Raises InvalidDataError."""
    if field.secret and value == SECRET:
        return UNCHANGED
    column = getattr(field.column, "column_type", None)
    try:
        return decode_as(value, field.kind, column.elem if column is not None else "")
    except _Refused as refused:
        entry_type, text = refused.args
        raise InvalidDataError(
            errors=[{"type": entry_type, "loc": [field.name, *reversed(refused.path)], "msg": text}]
        ) from None


class _Refused(Exception):
    """What is wrong; `path` leads to it, from the inside out."""

    def __init__(self, entry_type: str, text: str) -> None:
        super().__init__(entry_type, text)
        self.path: list[int] = []


def decode_as(value: Any, kind: str, element: str = "") -> Any:
    """The value for a column of this kind; `element` is the kind of an array's elements."""
    if value is None:
        return None
    if kind == "array" and isinstance(value, list):
        return [_item(item, index, element) for index, item in enumerate(value)]
    if kind == "blob" and isinstance(value, str):
        return _bytes(value)
    if kind in STRUCTURES:
        return _structure(value)
    if isinstance(value, Decimal):
        return _number(value, kind)
    if kind == "double" and isinstance(value, str) and _overflows(value):
        raise _Refused("finite_number", "This number is too large.")
    return value


def with_secrets(value: Any, stored: Any) -> Any:
    """The JSON that was sent, with the secrets of `stored` where the stars they are shown as stand."""
    if value == SECRET and isinstance(stored, (SecretStr, SecretBytes)):
        secret = stored.get_secret_value()
        return secret.decode() if isinstance(secret, bytes) else secret
    if isinstance(value, dict):
        members = members_of(stored) or {}
        return {name: with_secrets(item, members.get(name)) for name, item in value.items()}
    if isinstance(value, list) and isinstance(stored, (list, tuple)):
        before = [*stored[: len(value)], *[None] * (len(value) - len(stored))]
        return [with_secrets(item, old) for item, old in zip(value, before, strict=True)]
    return value


def _overflows(text: str) -> bool:
    """Whether the text is a number that Python would take for an infinity."""
    try:
        return math.isinf(float(text)) and "inf" not in text.lower()
    except ValueError:
        return False


def _item(value: Any, index: int, element: str) -> Any:
    try:
        return decode_as(value, "array" if isinstance(value, list) else element, element)
    except _Refused as refused:
        refused.path.append(index)
        raise


def _bytes(value: str) -> bytes:
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _Refused("bytes_invalid_encoding", "This is not Base64.") from None


def _number(value: Decimal, kind: str) -> Any:
    if kind == "double":
        return _float(value)
    if value.is_finite() and abs(value.adjusted()) > _WIDEST:
        raise _Refused("finite_number", "This number is too large or too small.")
    if kind == "big_integer" and value == value.to_integral_value():
        return int(value)
    return value


def _float(value: Decimal) -> float:
    number = float(value)
    if value.is_finite() and not math.isfinite(number):
        raise _Refused("finite_number", "This number is too large.")
    return number


def _structure(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _float(value)
    if isinstance(value, dict):
        return {name: _structure(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_structure(item) for item in value]
    return value
