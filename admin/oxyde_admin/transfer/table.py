"""An uploaded table as bodies of writes: its header resolved, its cells as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..exceptions import AdminError, ErrorEntry, InvalidParameterError
from .cells import is_structured
from .csv_text import Field, read
from .guard import unguarded

if TYPE_CHECKING:
    from ..options.resource import AdminField
    from ..security.rights import Rights

__all__ = ["Line", "Table", "parse", "resolve"]

TEXTS = frozenset({"string", "text", "enum"})
NUMBERS = {"big_integer": int, "double": float, "decimal": Decimal}
TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Line:
    """A line below the header. `texts` are what stood there, by field, without quotes; None for NULL."""

    number: int
    data: dict[str, Any]
    texts: dict[str, str | None]
    errors: list[ErrorEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """An uploaded table. `columns` are the fields by position, None for what only the panel computes."""

    columns: Sequence[AdminField | None]
    lines: Sequence[tuple[int, Sequence[Field]]]

    @property
    def names(self) -> set[str]:
        """The fields that have a column."""
        return {column.name for column in self.columns if column is not None}

    def parsed(self, *, new: bool) -> Iterator[Line]:
        """The lines as what a write takes. `new`: an empty cell of what cannot be NULL is left to its
        default."""
        for number, cells in self.lines:
            yield _line(self.columns, number, cells, new=new)


def parse(text: str, most: int) -> tuple[Sequence[Field], list[tuple[int, Sequence[Field]]]]:
    """Header and lines. Called in a thread: a large table takes its time."""
    lines = read(text)
    header = next(lines, None)
    if header is None:
        raise InvalidParameterError("The table is empty: its first line names the columns.")
    found: list[tuple[int, Sequence[Field]]] = []
    for entry in lines:
        if len(found) == most:
            raise AdminError(f"At most {most} rows are imported at once.", code="too_many")
        found.append(entry)
    return header[1], found


async def resolve(rights: Rights, header: Sequence[Field]) -> list[AdminField | None]:
    """The fields that the header names, by name, column or label. Of unknown and hidden names it is
    told where they stand, all alike."""
    known = await _names(rights)
    columns: list[AdminField | None] = []
    for position, cell in enumerate(header, 1):
        name = unguarded(cell.text).strip()
        if name not in known:
            raise InvalidParameterError(f"Column {position} of the header is not known.")
        column = known[name]
        if column is not None and column in columns:
            raise InvalidParameterError(f"Column {position} of the header stands there twice.")
        columns.append(column)
    return columns


async def _names(rights: Rights) -> dict[str, AdminField | None]:
    """All that a header may say. A name wins over a label of the same text."""
    resource = rights.resource
    visible = {each.name: each for each in await rights.visible()}
    known: dict[str, AdminField | None] = {}
    for name, label in (resource.admin.column_labels or {}).items():
        own = resource.name_of(name) or name
        if own in visible:
            known.setdefault(label, _writable(visible[own]))
        elif name in resource.computed:
            known.setdefault(label, None)
    for computed in resource.computed.values():
        known.setdefault(computed.label or "", None)
    known |= {text: _writable(visible[name]) for text, name in resource.columns.items() if name in visible}
    known |= dict.fromkeys(resource.computed)
    return known | {name: _writable(each) for name, each in visible.items()}


def _writable(column: AdminField) -> AdminField | None:
    return None if column.shape == "computed" else column


def _line(columns: Sequence[AdminField | None], number: int, cells: Sequence[Field], *, new: bool) -> Line:
    line = Line(number, {}, {})
    if len(cells) > len(columns):
        text = "This line has more cells than the header."
        line.errors.append({"type": "invalid", "loc": [], "msg": text})
    for column, cell in zip(columns, cells, strict=False):
        if column is None:
            continue
        empty = cell.text == "" and not cell.quoted
        try:
            value = _empty(column) if empty else _value(column, unguarded(cell.text))
        except ValueError:
            line.errors.append({"type": "json_invalid", "loc": [column.name], "msg": "This is no JSON."})
            continue
        line.texts[column.name] = None if value is None else cell.text
        if not (empty and new and value is None and not column.nullable):
            line.data[column.name] = value
    return line


def _empty(column: AdminField) -> Any:
    """NULL; for a text that cannot be NULL, and spreadsheets write without quotes, no text."""
    return "" if column.kind in TEXTS - {"enum"} and not column.nullable else None


def _value(column: AdminField, text: str) -> Any:
    """The cell as JSON of the field's type; what is none stays text, for validation to say so."""
    if is_structured(column):
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    if column.kind == "boolean":
        return TRUTH.get(text.strip().lower(), text)
    convert = NUMBERS.get(column.kind)
    if convert is None or column.secret:
        return text
    try:
        return convert(text.strip())
    except (ValueError, ArithmeticError):
        return text


def _no_constant(name: str) -> Any:
    raise ValueError(name)
