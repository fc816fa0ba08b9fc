"""Texts that a spreadsheet would run as a formula get a leading apostrophe (contract, 7.6).

What begins with apostrophes and then looks dangerous gets one too, so that taking one away restores
every text exactly.
"""

from __future__ import annotations

import re

__all__ = ["guarded", "unguarded"]

_DANGEROUS = re.compile("'*(?:[\\s\ufeff\u200b]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")


def guarded(text: str) -> str:
    """The text as it is safe in a cell."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text, 1) else text
