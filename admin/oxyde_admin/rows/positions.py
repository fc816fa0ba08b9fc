"""Paging by position: the rows after one that was seen, under any order (contract, 7.1).

A cursor holds the values by which its row was placed. The rows behind it form at most two segments,
read one after the other: those with a value in the first column of the order and those without,
because a condition over both at once would keep the database from using an index.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from oxyde import Case, Cast

from ..exceptions import InvalidParameterError
from ..values.encode import as_text, encode_plain
from .ordering import Term
from .parse import kind_of, parse

if TYPE_CHECKING:
    from ..options.resource import AdminField

__all__ = ["Order", "Position"]

Position = tuple[Any, ...]
_LONGEST = 1_500
_PLACE = "oxyde_admin_place_{}"


@dataclass(frozen=True, slots=True)
class Order:
    """The terms of an order in one direction.

    `nulls_first` says where an ascending column has NULL: the database's own place is kept, since
    its indexes have it there. `enums_as_text`: the database sorts enumerations by declaration, but
    compares them as text (MySQL).
    """

    slug: str
    terms: tuple[Term, ...]
    nulls_first: bool
    enums_as_text: bool = False

    def reversed(self) -> Order:
        """The same order from its end."""
        return replace(self, terms=tuple(replace(t, descending=not t.descending) for t in self.terms))

    def of(self, query: Any) -> Any:
        """The query in this order."""
        query = query.order_by()  # a hook may have brought an order of its own
        return query.order_by(*(t.expression.desc() if t.descending else t.expression for t in self.terms))

    # --- what is read to know positions ---------------------------------------------------

    @property
    def fields(self) -> dict[str, AdminField]:
        """The record's own fields among the terms."""
        return {term.own: term.field for term in self.terms if term.own is not None}

    @property
    def extra(self) -> dict[str, Any]:
        """The other terms, by the names under which they are selected beside the record."""
        return {_PLACE.format(i): t.expression for i, t in enumerate(self.terms) if t.own is None}

    def place(self, row: Mapping[str, Any]) -> Position:
        """Where a row stands that was read with `fields` and `extra`."""
        return tuple(row[t.own or _PLACE.format(i)] for i, t in enumerate(self.terms))

    # --- cursors -------------------------------------------------------------------------

    def cursor(self, position: Position, key_text: str = "") -> str:
        """The position as an opaque text, which fits this order only.

        Long values do not fit into an address. Then the text names the row by its key instead.
        """
        cursor = self._packed([encode_plain(value) for value in position])
        return self._packed(key_text) if key_text and len(cursor) > _LONGEST else cursor

    def position(self, cursor: str) -> Position | str:
        """The opposite: a position, or the key of the row that has it.

        InvalidParameterError for what is no cursor of this order.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            signature, values = json.loads(raw)
            if signature != self._signature():
                raise ValueError("of another order")
            if isinstance(values, str):
                return values
            return tuple(_value(v, term) for v, term in zip(values, self.terms, strict=True))
        except (ValueError, TypeError, KeyError, binascii.Error, RecursionError) as error:
            raise InvalidParameterError("The cursor cannot be used.") from error

    def _packed(self, values: list[Any] | str) -> str:
        text = json.dumps([self._signature(), values], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")

    def _signature(self) -> str:
        text = json.dumps([self.slug, [(t.text, t.descending) for t in self.terms]])
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    # --- segments ------------------------------------------------------------------------

    def after(self, position: Position) -> list[Any]:
        """Conditions whose rows, one after the other, are those behind the position."""
        first, value = self.terms[0], position[0]
        if value is None:
            rest = self._behind(1, position)
            behind = [] if rest is None else [first.expression.is_null() & rest]
            return behind + ([first.expression.is_not_null()] if self._nulls_lead(first) else [])
        segments = [self._bounded(position)]
        if first.nullable and not self._nulls_lead(first):
            segments.append(first.expression.is_null())
        return segments

    def _bounded(self, position: Position) -> Any:
        """Behind the position, among the rows with a value in the first column."""
        equal, beyond = self._compared(self.terms[0], position[0])
        rest = self._behind(1, position)
        if rest is None:
            return beyond
        # What both sides of OR imply is said again, for the index.
        return self._not_before(self.terms[0], position[0]) & (beyond | (equal & rest))

    def _behind(self, index: int, position: Position) -> Any | None:
        """Behind the position by the terms from `index` on; None if nothing can be."""
        if index == len(self.terms):
            return None
        term, rest = self.terms[index], self._behind(index + 1, position)
        expression = term.expression
        if position[index] is None:
            equal = expression.is_null()
            beyond = expression.is_not_null() if self._nulls_lead(term) else None
        else:
            equal, beyond = self._compared(term, position[index])
            if term.nullable and not self._nulls_lead(term):
                beyond = beyond | expression.is_null()
        if rest is None:
            return beyond
        return equal & rest if beyond is None else beyond | (equal & rest)

    def _compared(self, term: Term, value: Any) -> tuple[Any, Any]:
        """Conditions for the same value, and for one further on."""
        compared = _comparable(term, value)
        if self._by_declaration(term, value):
            return compared == value, compared.in_(_further(term, value))
        return compared == value, compared < value if term.descending else compared > value

    def _not_before(self, term: Term, value: Any) -> Any:
        compared = _comparable(term, value)
        if self._by_declaration(term, value):
            return compared.in_([value, *_further(term, value)])
        return compared <= value if term.descending else compared >= value

    def _by_declaration(self, term: Term, value: Any) -> bool:
        if not self.enums_as_text or isinstance(term.expression, Case):
            return False  # a CASE gives text, and sorts as such
        return term.field.column.column_type.native_enum is not None and isinstance(value, enum.Enum)

    def _nulls_lead(self, term: Term) -> bool:
        return self.nulls_first is not term.descending


def _comparable(term: Term, value: Any) -> Any:
    """What is compared with the value. An enum's value that is no member is compared as text."""
    if kind_of(term.field) == "enum" and not isinstance(value, enum.Enum):
        return Cast(term.expression, str)
    return term.expression


def _further(term: Term, value: enum.Enum) -> list[enum.Enum]:
    """The members that come after this one in the direction of the term."""
    members = list(type(value))
    place = members.index(value)
    return members[:place] if term.descending else members[place + 1 :]


def _value(value: Any, term: Term) -> Any:
    """A value of a cursor as the column has it."""
    if value is None or isinstance(value, bool):
        if isinstance(value, bool) and term.field.kind != "boolean":
            raise ValueError("a truth value")
        return value
    kind = kind_of(term.field)
    if isinstance(value, (list, dict)):
        raise ValueError("a structure")
    text = as_text(value)
    if kind == "double" and isinstance(value, str):
        return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}[value]
    if kind == "blob":
        return base64.b64decode(text, validate=True)
    if kind == "enum":
        return _member(text, term)
    return parse(text, term.field)


def _member(text: str, term: Term) -> Any:
    try:
        return parse(text, term.field)
    except ValueError:
        return text
