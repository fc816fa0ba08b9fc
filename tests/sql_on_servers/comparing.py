"""Rows of different servers and drivers in one form."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import programs


def comparable(rows: list[tuple[Any, ...]], case: programs.Case) -> list[tuple[Any, ...]]:
    """In the form of the kinds that the compiler promised; sorted, unless the statement sorts."""
    kinds = [kind for _, kind in case.cols]
    plain = [tuple(_plain(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in rows]
    return plain if "ORDER BY" in case.sql.rpartition(")")[2] else sorted(plain, key=repr)


def _plain(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode() if kind != "blob" else "\\x" + value.hex()
    return _FORMS.get(kind, str)(str(value))


def _fraction(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(text: str) -> str:
    return _fraction(text.removesuffix("+00").replace("T", " "))


def _document(text: str) -> str:
    """JSON has one kind of number; some servers write those of doubles with a point."""
    return json.dumps(json.loads(text, parse_int=float), sort_keys=True)


def _list(text: str) -> str:
    """JSON; PostgreSQL's own arrays stay as they are."""
    return _document(text) if text.startswith("[") else text


_FORMS: dict[str, Callable[[str], Any]] = {
    "boolean": lambda text: text in ("t", "true", "True", "1"),
    "big_integer": lambda text: int(Decimal(text)),
    "timedelta": lambda text: int(Decimal(text)),
    "double": lambda text: float(f"{float(text):.12g}"),
    "decimal": lambda text: float(f"{float(text):.12g}"),
    "json": _document,
    "json_binary": _document,
    "array": _list,
    "date_time": _moment,
    "date_time_utc": _moment,
    "time": lambda text: _fraction(text.rjust(8, "0")),
}
