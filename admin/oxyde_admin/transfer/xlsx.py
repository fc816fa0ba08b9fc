"""A workbook, written row by row; nothing of it is kept but the list of cells that were cut.

Text is always typed as text, so there is nothing that a spreadsheet could run. Numbers that it would
round (more than 15 digits, Decimals) are text too.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from xml.sax.saxutils import escape

from ..values.encode import encode_plain
from . import xlsx_parts as parts
from .cells import Cell

__all__ = ["MOST_ROWS", "Workbook", "column_name"]

MOST_ROWS = 1_048_576
LONGEST = 32_767
"""Characters of a cell, counted in UTF-16 as Excel does."""
MOST_CUT = 10_000
"""Cut cells that are listed."""
TOO_MANY = 10**15
"""From here on Excel rounds whole numbers."""
EPOCH = datetime(1899, 12, 30)
FIRST_DAY = date(1900, 3, 1)
"""Before it Excel's calendar has a day that never was."""
DAY = timedelta(days=1)

_ESCAPED = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class _Sink(io.RawIOBase):
    """Collects what the archive writes until somebody takes it; cannot seek."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self._chunks.append(chunk)
        return len(chunk)

    def take(self) -> bytes:
        taken, self._chunks = b"".join(self._chunks), []
        return taken


class Workbook:
    """One sheet of rows, and a second one where cells had to be cut. Each call gives bytes to send."""

    def __init__(self, title: str, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._title = _sheet_title(title)
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED)
        self._sheet = self._zip.open("xl/worksheets/sheet1.xml", "w")
        self._row = 0
        self._cut: list[tuple[str, str, int]] = []
        self._uncounted = 0

    def begin(self) -> bytes:
        """The head of the first sheet."""
        self._sheet.write(parts.SHEET_BEGIN)
        return self.rows([self._columns])

    def rows(self, rows: Iterable[Sequence[Cell]]) -> bytes:
        """More rows of the first sheet."""
        written = []
        for row in rows:
            self._row += 1
            cells = "".join(self._cell(index, value) for index, value in enumerate(row))
            written.append(f'<row r="{self._row}">{cells}</row>')
        self._sheet.write("".join(written).encode())
        return self._sink.take()

    def end(self) -> bytes:
        """The rest of the workbook."""
        self._sheet.write(parts.SHEET_END)
        self._sheet.close()
        sheets = [self._title]
        if self._cut:
            sheets.append("Cut cells" if self._title != "Cut cells" else "Cut cells 2")
            self._zip.writestr("xl/worksheets/sheet2.xml", self._cut_sheet())
        for name, content in parts.around([escape(sheet, {'"': "&quot;"}) for sheet in sheets]).items():
            self._zip.writestr(name, content)
        self._zip.close()
        return self._sink.take()

    def _cut_sheet(self) -> bytes:
        rows: list[Sequence[Cell]] = [("Cell", "Column", "Characters"), *self._cut]
        if self._uncounted:
            rows.append((f"and {self._uncounted} more", None, None))
        lines = [
            f'<row r="{number}">'
            + "".join(_xml(f"{column_name(index)}{number}", value) for index, value in enumerate(row))
            + "</row>"
            for number, row in enumerate(rows, 1)
        ]
        return parts.SHEET_BEGIN + "".join(lines).encode() + parts.SHEET_END

    def _cell(self, index: int, value: Cell) -> str:
        place = f"{column_name(index)}{self._row}"
        if isinstance(value, str) and len(value) * 2 > LONGEST and (units := _units(value)) > LONGEST:
            if len(self._cut) < MOST_CUT:
                self._cut.append((place, self._columns[index], units))
            else:
                self._uncounted += 1
            value = _shortened(value)
        return _xml(place, value)


def column_name(index: int) -> str:
    """The letters of a column, counted from 0."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def _xml(place: str, value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if _is_exact(value):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    style, serial = _serial(value)
    if serial is not None:
        return f'<c r="{place}" s="{style}"><v>{serial!r}</v></c>'
    text = value if isinstance(value, str) else str(encode_plain(value))
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{_text(text)}</t></is></c>'


def _is_exact(value: Cell) -> bool:
    if isinstance(value, int):
        return abs(value) < TOO_MANY
    return isinstance(value, float) and math.isfinite(value)


def _serial(value: Cell) -> tuple[int, float | int | None]:
    """The style of a moment and its number of days, None for what Excel's calendar does not have."""
    if isinstance(value, datetime):
        moment = value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        return parts.DATE_TIME, (moment - EPOCH) / DAY if moment.date() >= FIRST_DAY else None
    if isinstance(value, date):
        return parts.DATE, (value - EPOCH.date()).days if value >= FIRST_DAY else None
    if isinstance(value, time) and value.tzinfo is None:
        return parts.TIME, (datetime.combine(EPOCH, value) - EPOCH) / DAY
    return 0, None


def _text(text: str) -> str:
    return escape(_ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text))


def _units(text: str) -> int:
    return len(text) + sum(sign > "\uffff" for sign in text)


def _shortened(text: str) -> str:
    units = 0
    for position, sign in enumerate(text):
        units += 2 if sign > "\uffff" else 1
        if units > LONGEST:
            return text[:position]
    return text


def _sheet_title(title: str) -> str:
    """A name that Excel takes: at most 31 characters, none of `[]:*?/\\`, no apostrophe at its ends."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", title).strip("'")[:31]
    return plain or "Sheet1"
