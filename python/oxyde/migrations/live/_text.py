"""SQL text in tokens: enough to cut a stored definition apart and to compare two expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Token", "same_expression", "same_loosely", "tokens", "without_parens"]


class Token(NamedTuple):
    """A piece of SQL: `kind` is string, name, word, number or op; `text` is as written."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """An identifier without its quotes."""
        if self.kind != "name":
            return self.text
        close = self.text[-1]
        return self.text[1:-1].replace(close * 2, close)

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, in any case."""
        return self.kind == "word" and self.text.upper() in words


_PARTS = r"""
    (?P<space> \s+ | --[^\n]* | /\*.*?\*/ )
  | (?P<string> {string} )
  | (?P<name> {name} )
  | (?P<word> [^\W\d] [\w$]* )
  | (?P<number> \d+ (?:\.\d*)? (?:[eE][+-]?\d+)? | \.\d+ )
  | (?P<op> :: | <= | >= | <> | != | \|\| | . )
"""
_STRING = r"'(?:[^']|'')*'"
_ESCAPED = r"'(?:[^'\\]|\\.|'')*'"
_FORMS = {
    "postgres": re.compile(_PARTS.format(string=_STRING, name=r'"(?:[^"]|"")*"'), re.X | re.S),
    "mysql": re.compile(_PARTS.format(string=_ESCAPED, name=r"`(?:[^`]|``)*`"), re.X | re.S),
    "sqlite": re.compile(
        _PARTS.format(string=_STRING, name=r'"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]'), re.X | re.S
    ),
}


def tokens(sql: str, dialect: str) -> list[Token]:
    """The tokens of a text; blanks and comments are left out."""
    return [
        Token(found.lastgroup or "op", found.group(), found.start(), found.end())
        for found in _FORMS[dialect].finditer(sql)
        if found.lastgroup != "space"
    ]


def without_parens(sql: str, dialect: str) -> str:
    """An expression without the parentheses around the whole of it."""
    sql = sql.strip()
    while True:
        parts = tokens(sql, dialect)
        if not parts or parts[0].text != "(" or _closing(parts) != len(parts) - 1:
            return sql
        sql = sql[parts[0].end : parts[-1].start].strip()


def _closing(parts: list[Token]) -> int:
    depth = 0
    for at, part in enumerate(parts):
        depth += (part.text == "(") - (part.text == ")")
        if depth == 0:
            return at
    return -1


def same_expression(one: str, other: str, dialect: str) -> bool:
    """Whether two expressions are the same words; case of words, quotes of names and blanks apart."""
    return _plain(one, dialect) == _plain(other, dialect)


def same_loosely(one: str, other: str, dialect: str) -> bool:
    """The same, whatever casts, character sets and parentheses a server adds to what it was given."""
    return _loose(_plain(one, dialect)) == _loose(_plain(other, dialect))


def _plain(sql: str, dialect: str) -> list[str]:
    return [_spelt(part, dialect) for part in tokens(without_parens(sql, dialect), dialect)]


def _spelt(part: Token, dialect: str) -> str:
    if part.kind == "word":
        return part.text.lower()
    if part.kind == "name":
        # A quoted name keeps its case on PostgreSQL only.
        return part.name if dialect == "postgres" else part.name.lower()
    return "<>" if part.text == "!=" else part.text


_CASTS = re.compile(r"_(?:utf8mb[34]|utf8|latin1|binary|ascii)")


def _loose(parts: Iterable[str]) -> list[str]:
    kept: list[str] = []
    cast = False
    for part in parts:
        if part == "::":
            cast = True
        elif cast and re.fullmatch(r"[\w ]+|[\[\]]", part) and part not in ("and", "or", "is", "not", "in"):
            continue
        elif part not in "()" and not _CASTS.fullmatch(part):
            cast = False
            kept.append(part)
    return kept
