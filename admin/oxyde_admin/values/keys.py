"""Keys and slugs as text in paths: `~hh` stands for one byte of UTF-8 (contract, 6.1).

Texts are escaped one by one and then joined with commas; what is split at the commas again is
unescaped part by part. So a text may hold anything, and a composite key is told from a text with
a comma in it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ..exceptions import InvalidParameterError, RecordNotFoundError
from ..options.slugs import RESERVED_SLUGS, escape, slug_to_text, unescape
from .encode import as_text, encode

if TYPE_CHECKING:
    from ..options.resource import AdminField, Resource

__all__ = [
    "RESERVED_KEYS",
    "RESERVED_SLUGS",
    "Key",
    "escape",
    "key_of_item",
    "key_of_json",
    "key_of_text",
    "key_part",
    "key_to_json",
    "key_to_text",
    "slug_to_text",
    "split",
    "unescape",
]

Key = tuple[Any, ...]

RESERVED_KEYS = frozenset({"schema", "options", "export", "bulk-delete", "bulk-update", "create", "-"})

_INT64 = range(-(1 << 63), 1 << 63)


def split(text: str) -> list[str]:
    """The texts of a comma list; blank ones are left out. Raises InvalidParameterError."""
    try:
        return [unescape(part) for part in text.split(",") if part]
    except ValueError as error:
        raise InvalidParameterError("A list holds a ~ that is not followed by two digits.") from error


def key_to_json(resource: Resource, key: Key) -> Any:
    """A key as JSON: its value, or an array of the values of a composite one."""
    parts = [encode(value, resource.fields[name]) for name, value in zip(resource.keys, key, strict=True)]
    return parts[0] if len(parts) == 1 else parts


def key_to_text(resource: Resource, key: Key) -> str:
    """A key as it stands in a path."""
    texts = [
        as_text(encode(value, resource.fields[name])) for name, value in zip(resource.keys, key, strict=True)
    ]
    if len(texts) == 1:
        return escape(texts[0], RESERVED_KEYS)
    return ",".join(escape(text) for text in texts)


def key_of_text(resource: Resource, text: str) -> Key:
    """The key that a path names. Raises RecordNotFoundError for what can be none."""
    try:
        return _key(resource, [unescape(part) for part in text.split(",")])
    except ValueError as error:
        raise RecordNotFoundError from error


def key_of_item(resource: Resource, text: str) -> Key:
    """The key that an already unescaped item of a comma list names. Raises InvalidParameterError."""
    try:
        parts = [text] if len(resource.keys) == 1 else [unescape(part) for part in text.split(",")]
        return _key(resource, parts)
    except ValueError as error:
        raise InvalidParameterError("An id cannot be read.") from error


def key_of_json(resource: Resource, value: Any) -> Key:
    """The key that a value of `ids` stands for. Raises InvalidParameterError."""
    try:
        if len(resource.keys) == 1:
            return _key(resource, [value])
        if not isinstance(value, list):
            raise ValueError("a composite key is an array")
        return _key(resource, value)
    except ValueError as error:
        raise InvalidParameterError("An id cannot be read.") from error


def _key(resource: Resource, parts: Sequence[Any]) -> Key:
    if not resource.keys or len(parts) != len(resource.keys):
        raise ValueError("wrong number of parts")
    return tuple(
        key_part(resource.fields[name], part) for name, part in zip(resource.keys, parts, strict=True)
    )


def key_part(field: AdminField, part: Any) -> Any:
    """One part of a key as the attribute would hold it, without the field's constraints: a stored
    row that breaks them must be reachable."""
    if part is None or (isinstance(part, str) and "\0" in part):
        raise ValueError("no key")
    if field.kind in {"string", "text"}:
        return _text_part(part)
    if field.kind == "big_integer":
        return _int_part(part)
    if field.kind == "blob":
        return _bytes_part(part)
    if isinstance(part, (list, dict)):
        raise ValueError("no key")
    if isinstance(part, Decimal) and field.kind != "decimal":
        part = float(part)
    try:
        return _adapter(field.column.python_type).validate_python(part)
    except ValidationError as error:
        raise ValueError("not of the key's type") from error


def _text_part(part: Any) -> str:
    if not isinstance(part, str):
        raise ValueError("a text")
    part.encode("utf-8")
    return part


def _int_part(part: Any) -> int:
    if isinstance(part, str) and re.fullmatch(r"-?[0-9]{1,19}", part):
        part = int(part)
    if not isinstance(part, int) or isinstance(part, bool) or part not in _INT64:
        raise ValueError("not a whole number of 64 bits")
    return part


def _bytes_part(part: Any) -> bytes:
    try:
        return base64.b64decode(_text_part(part), validate=True)
    except binascii.Error as error:
        raise ValueError("not Base64") from error


@lru_cache(maxsize=256)
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)
