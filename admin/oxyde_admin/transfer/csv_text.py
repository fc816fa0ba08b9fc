"""CSV, written and read. NULL is an empty cell, empty text a pair of quotes.

The csv module cannot tell the two apart, hence a reader of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import NamedTuple

from ..exceptions import InvalidParameterError
from ..values.encode import encode_plain
from .cells import Cell
from .guard import guarded

__all__ = ["Field", "delimiter_of", "line", "read", "text_of"]

BOM = "\ufeff"
DELIMITERS = ",;\t"
_QUOTED = re.compile(r'[",;\t\r\n]|^\s|\s$')


class Field(NamedTuple):
    """A cell as it was read. Only what stood in quotes can be text of no length."""

    text: str
    quoted: bool


def line(cells: Iterable[Cell]) -> str:
    """A line of cells."""
    return ",".join(map(_cell, cells)) + "\r\n"


def text_of(value: Cell) -> str:
    """The text of a cell, before quotes; that of NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return str(encode_plain(value))
    if isinstance(value, (date, datetime, time)):
        return str(encode_plain(value))
    return guarded(value)


def _cell(value: Cell) -> str:
    text = text_of(value)
    if text == "" and value is not None:
        return '""'
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def delimiter_of(text: str) -> str:
    """The delimiter of the first line: the most frequent of comma, semicolon, tab outside of quotes."""
    header = re.sub(r'"[^"]*"', "", text[: _end_of_line(text)])
    return max(DELIMITERS, key=header.count)


def _end_of_line(text: str) -> int:
    quoted = False
    for position, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif sign in "\r\n" and not quoted:
            return position
    return len(text)


def read(text: str) -> Iterator[tuple[int, Sequence[Field]]]:
    """The lines of a table with the number of the line each begins at; empty ones are left out.

    Raises InvalidParameterError for a quote that never ends, and for text after a closing quote.
    """
    text = text.removeprefix(BOM)
    sign = re.escape(delimiter_of(text))
    token = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^"{sign}\r\n][^{sign}\r\n]*|))({sign}|\r\n|\r|\n|\Z)')
    position, number = 0, 1
    cells: list[Field] = []
    begun = number
    while position < len(text) or cells:
        found = token.match(text, position)
        if found is None:
            raise InvalidParameterError(f"Line {number} has a quotation mark where none can be.")
        quoted = found[1] is not None
        cells.append(Field(found[1].replace('""', '"') if quoted else found[2], quoted))
        number += len(re.findall(r"\r\n|\r|\n", found[0]))
        position = found.end()
        if found[3] in ("\r\n", "\r", "\n", ""):
            if cells != [Field("", False)]:
                yield begun, cells
            cells, begun = [], number
