"""Names as one part of a path: `~hh` stands for one byte of UTF-8 (contract, 6.1).

So a table, or a record, that is called like a fixed route is reached by a name of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["RESERVED_SLUGS", "escape", "slug_to_text", "unescape"]

RESERVED_SLUGS = frozenset({"api", "assets", "config", "login", "models", "-"})

_SPECIAL = re.compile(r"[~/\\,]")
_ESCAPE = re.compile(rb"~([0-9A-Fa-f]{2})")


def _hex(text: str) -> str:
    return "".join(f"~{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def escape(text: str, reserved: Collection[str] = ()) -> str:
    """The text as one part of a path or comma list."""
    if not text:
        return "~"
    if text in reserved or text.startswith("."):
        return _hex(text[0]) + _SPECIAL.sub(lambda found: _hex(found[0]), text[1:])
    return _SPECIAL.sub(lambda found: _hex(found[0]), text)


def unescape(text: str) -> str:
    """The opposite of `escape`. Raises ValueError for a `~` that begins no escape."""
    if text == "~":
        return ""
    if "~" not in text:
        return text
    raw = text.encode("utf-8", "surrogatepass")
    if len(_ESCAPE.findall(raw)) != raw.count(b"~"):
        raise ValueError("~ must be followed by two hexadecimal digits")
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), raw).decode("utf-8")


def slug_to_text(slug: str) -> str:
    """A slug as it stands in a path."""
    return escape(slug, RESERVED_SLUGS)
