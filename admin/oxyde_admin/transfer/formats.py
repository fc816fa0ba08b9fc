"""The formats of an export: each turns rows into bytes, a few hundred at a time."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from . import csv_text
from .cells import Cell
from .xlsx import MOST_ROWS, Workbook

__all__ = ["FORMATS", "Format", "Row"]

Row = tuple[dict[str, Any], list[Cell]]
"""A row as a record and as cells; a format needs one of them and the other is empty."""


class Format(ABC):
    """Writes one export. `most_rows` is what the format can hold."""

    media_type = ""
    most_rows: int | None = None
    cells = True

    @abstractmethod
    def begin(self) -> bytes:
        """What stands before the rows."""

    @abstractmethod
    def rows(self, rows: Sequence[Row]) -> bytes:
        """Some rows."""

    @abstractmethod
    def end(self) -> bytes:
        """What stands after the rows."""


class Csv(Format):
    """Comma-separated text in UTF-8."""

    media_type = "text/csv; charset=utf-8"

    def __init__(self, title: str, columns: Sequence[str], *, bom: bool = False) -> None:
        self._head = (csv_text.BOM if bom else "") + csv_text.line(columns)

    @override
    def begin(self) -> bytes:
        return self._head.encode()

    @override
    def rows(self, rows: Sequence[Row]) -> bytes:
        return "".join(csv_text.line(cells) for _, cells in rows).encode("utf-8", "replace")

    @override
    def end(self) -> bytes:
        return b""


class Json(Format):
    """One array of records."""

    media_type = "application/json"
    cells = False

    def __init__(self, title: str, columns: Sequence[str], *, bom: bool = False) -> None:
        self._sign = b"["

    @override
    def begin(self) -> bytes:
        return b""

    @override
    def rows(self, rows: Sequence[Row]) -> bytes:
        written = []
        for record, _ in rows:
            written += [self._sign, b"\n", _json(record)]
            self._sign = b","
        return b"".join(written)

    @override
    def end(self) -> bytes:
        return b"[]" if self._sign == b"[" else b"\n]"


class Xlsx(Format):
    """A workbook."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    most_rows = MOST_ROWS - 1

    def __init__(self, title: str, columns: Sequence[str], *, bom: bool = False) -> None:
        self._book = Workbook(title, columns)

    @override
    def begin(self) -> bytes:
        return self._book.begin()

    @override
    def rows(self, rows: Sequence[Row]) -> bytes:
        return self._book.rows([cells for _, cells in rows])

    @override
    def end(self) -> bytes:
        return self._book.end()


FORMATS: dict[str, type[Csv] | type[Json] | type[Xlsx]] = {"csv": Csv, "json": Json, "xlsx": Xlsx}


def _json(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # lone surrogates have no UTF-8: they stay escaped
        return json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
