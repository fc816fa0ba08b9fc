"""`CREATE TABLE` as SQLite stores it, taken apart: definitions, constraints, options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["StoredTable", "parse_table", "split_top", "unquoted"]

_PAIRS = {"'": "'", '"': '"', "`": "`", "[": "]"}
_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


@dataclass(frozen=True)
class StoredTable:
    """The parts of a definition, each as it was written."""

    columns: dict[str, str]  # by name in lower case
    constraints: list[str]
    options: str


def parse_table(sql: str) -> StoredTable:
    """Takes a `CREATE TABLE` apart; the text is one that SQLite accepted."""
    sql = _without_comments(sql)
    start = next(at for at, char in _outside(sql) if char == "(")
    end = _closing(sql, start)
    columns: dict[str, str] = {}
    constraints: list[str] = []
    for part in split_top(sql[start + 1 : end]):
        first = _first_word(part)
        if first.upper() in _CONSTRAINTS:
            constraints.append(part)
        else:
            columns[unquoted(first).lower()] = part
    return StoredTable(columns, constraints, sql[end + 1 :].strip().rstrip(";").strip())


def split_top(text: str) -> list[str]:
    """The parts between commas outside of parentheses and quotes."""
    parts, depth, start = [], 0, 0
    for at, char in _outside(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def unquoted(name: str) -> str:
    """A name without its quotes."""
    if name[:1] in _PAIRS and len(name) >= 2:
        close = _PAIRS[name[0]]
        return name[1:-1].replace(close * 2, close)
    return name


def words_outside(text: str) -> str:
    """The text with quoted runs, comments and what stands in parentheses blanked out, in upper case."""
    kept = [" "] * len(text)
    depth = 0
    for at, char in _outside(text):
        depth -= char == ")"
        if depth == 0:
            kept[at] = char
        depth += char == "("
    return "".join(kept).upper()


def _without_comments(text: str) -> str:
    """A comment could swallow what is put behind it."""
    kept, at = [], 0
    while at < len(text):
        end = at + 1
        if text[at] in _PAIRS:
            end = _end_of_quoted(text, at)
        elif text.startswith(("--", "/*"), at):
            mark = "\n" if text[at] == "-" else "*/"
            found = text.find(mark, at)
            at, end = (len(text), len(text)) if found < 0 else (found + len(mark), found + len(mark))
            kept.append(" ")
        kept.append(text[at:end])
        at = end
    return "".join(kept)


def _first_word(part: str) -> str:
    if part[0] in _PAIRS:
        return part[: _end_of_quoted(part, 0)]
    at = 0
    while at < len(part) and (part[at].isalnum() or part[at] in "_$" or ord(part[at]) > 127):
        at += 1
    return part[:at]


def _closing(text: str, start: int) -> int:
    depth = 0
    for at, char in _outside(text):
        if at < start:
            continue
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at
    raise ValueError("a parenthesis is not closed")


def _end_of_quoted(text: str, at: int) -> int:
    close = _PAIRS[text[at]]
    at += 1
    while at < len(text):
        if text[at] == close:
            if close != "]" and text[at + 1 : at + 2] == close:
                at += 2
                continue
            return at + 1
        at += 1
    return at


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """Characters outside of quotes."""
    at = 0
    while at < len(text):
        if text[at] in _PAIRS:
            at = _end_of_quoted(text, at)
        else:
            yield at, text[at]
            at += 1
