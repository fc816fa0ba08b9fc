"""What every database can keep: history must not fail where the data itself could be written."""

from __future__ import annotations

import hashlib
from typing import Any

__all__ = ["fitting", "storable"]

INT64 = range(-(1 << 63), 1 << 63)


def storable(value: Any) -> Any:
    """JSON without what JSON columns refuse or round: NUL, lone surrogates, integers over 64 bits."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(name): storable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    if isinstance(value, int) and value not in INT64:
        return str(value)
    return value


def fitting(text: str, length: int) -> str:
    """The text for a column of that many characters; a longer one ends with a hash of the whole, so
    that different texts stay different."""
    text = _text(text)
    if len(text) <= length:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()
    return text[: length - len(mark) - 1] + "~" + mark


def _text(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", "\N{SYMBOL FOR NULL}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
