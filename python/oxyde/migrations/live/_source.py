"""Python source in the layout that formatters leave alone."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["assignment", "call", "quoted", "sequence"]

_WIDTH = 88
"""The narrowest of the usual widths: what fits stays on a line, what does not ends in a comma."""


def quoted(text: str) -> str:
    """A string literal with the quotes that need fewer escapes."""
    raw = repr(text)
    body = raw[1:-1].replace("\\'", "'") if raw[0] == "'" else raw[1:-1]
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + body.replace(quote, f"\\{quote}") + quote


def call(name: str, arguments: Sequence[str], indent: int, before: int = 0, after: int = 0) -> str:
    """A call on a line of its own width, or one argument a line; `before` and `after` share the line."""
    return _bracketed((f"{name}(", ")"), arguments, indent, before + after)


def sequence(items: Sequence[str], indent: int, before: int = 0) -> str:
    """A list display."""
    return _bracketed(("[", "]"), items, indent, before)


def _bracketed(brackets: tuple[str, str], items: Sequence[str], indent: int, beside: int) -> str:
    start, end = brackets
    line = start + ", ".join(items) + end
    if "\n" not in line and indent + beside + len(line) <= _WIDTH:
        return line
    pad = " " * (indent + 4)
    return start + "".join(f"\n{pad}{item}," for item in items) + f"\n{' ' * indent}{end}"


def assignment(target: str, name: str, arguments: Sequence[str], indent: int) -> str:
    """`target = name(arguments)` with its indent."""
    return " " * indent + target + " = " + call(name, arguments, indent, len(target) + 3)
