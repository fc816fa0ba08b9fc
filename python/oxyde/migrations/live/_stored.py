"""The text of a `CREATE TABLE` as SQLite keeps it: what no pragma tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ._text import Token, tokens

__all__ = ["Stored", "index_where", "parse_create_table"]

_TABLE_PARTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


@dataclass
class Stored:
    """Constraints as they were written; a name is None where none was given.

    `generated`: column to its clause. `types`: column to its type as it was written.
    `collations`: column to the collation.
    """

    checks: list[tuple[str | None, str]] = field(default_factory=list)
    foreign_keys: list[tuple[str | None, list[str]]] = field(default_factory=list)
    uniques: list[tuple[str | None, list[str]]] = field(default_factory=list)
    generated: dict[str, str] = field(default_factory=dict)
    collations: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    autoincrement: bool = False


def parse_create_table(sql: str) -> Stored:
    """The constraints in a stored definition."""
    parts = tokens(sql, "sqlite")
    found = Stored()
    start = next((at for at, part in enumerate(parts) if part.text == "("), None)
    if start is None:
        return found
    end = _closing(parts, start)
    for item in _split(parts[start + 1 : end]):
        if item and item[0].is_word(*_TABLE_PARTS):
            _constraints(sql, item, found, None)
        elif item:
            _constraints(sql, item[1:], found, item[0].name)
    found.options = [part.text.upper() for part in parts[end + 1 :] if part.kind == "word"]
    return found


def index_where(sql: str) -> str | None:
    """The condition of a partial index."""
    depth = 0
    for part in tokens(sql, "sqlite"):
        depth += (part.text == "(") - (part.text == ")")
        if depth == 0 and part.is_word("WHERE"):
            return sql[part.end :].strip()
    return None


def _closing(parts: list[Token], start: int) -> int:
    depth = 0
    for at in range(start, len(parts)):
        depth += (parts[at].text == "(") - (parts[at].text == ")")
        if depth == 0:
            return at
    return len(parts)


def _split(parts: Iterable[Token]) -> Iterator[list[Token]]:
    """The items between the commas of the outermost level."""
    depth, item = 0, list[Token]()
    for part in parts:
        depth += (part.text == "(") - (part.text == ")")
        if depth == 0 and part.text == ",":
            yield item
            item = []
        else:
            item.append(part)
    yield item


def _constraints(sql: str, item: list[Token], found: Stored, column: str | None) -> None:
    """Walks over the constraints of a column, or over one of the table."""
    at, name = 0, None
    while at < len(item):
        part = item[at]
        if part.is_word("CONSTRAINT") and at + 1 < len(item):
            name, at = item[at + 1].name, at + 2
            continue
        if part.is_word("CHECK"):
            inside = _closing(item, at + 1)
            found.checks.append((name, sql[item[at + 1].end : item[inside].start].strip()))
        elif part.is_word("UNIQUE"):
            found.uniques.append((name, [column] if column is not None else _names(item, at + 1)))
        elif part.is_word("FOREIGN"):
            found.foreign_keys.append((name, _names(item, at + 2)))
        elif part.is_word("REFERENCES") and column is not None:
            found.foreign_keys.append((name, [column]))
        elif part.is_word("AUTOINCREMENT"):
            found.autoincrement = True
        elif part.is_word("COLLATE") and column is not None and at + 1 < len(item):
            found.collations[column] = item[at + 1].name
        elif part.is_word("AS") and column is not None and at + 1 < len(item) and item[at + 1].text == "(":
            inside = _closing(item, at + 1)
            stored = inside + 1 < len(item) and item[inside + 1].is_word("STORED")
            expression = sql[item[at + 1].end : item[inside].start].strip()
            found.generated[column] = (
                f"GENERATED ALWAYS AS ({expression}) {'STORED' if stored else 'VIRTUAL'}"
            )
        if part.text == "(":
            at = _closing(item, at) + 1
            continue
        at += 1


def _names(item: list[Token], start: int) -> list[str]:
    opened = next((at for at in range(start, len(item)) if item[at].text == "("), len(item))
    inside = item[opened + 1 : _closing(item, opened)]
    return [names[0].name for names in _split(inside) if names]
