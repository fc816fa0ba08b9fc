"""Names of indexes and constraints that nobody chose."""

from __future__ import annotations

import hashlib

__all__ = ["shortened"]

_LONGEST = 63  # bytes: PostgreSQL cuts what is longer, so that two names may be one; MySQL refuses it
_DIGITS = 8


def shortened(name: str) -> str:
    """The name, or its beginning with a part of its hash if it is longer than servers take.

    `core/schema/same.c` knows the form, by which such a name follows its table's.
    """
    data = name.encode()
    if len(data) <= _LONGEST:
        return name
    beginning = data[: _LONGEST - _DIGITS - 1].decode(errors="ignore")
    return f"{beginning}_{hashlib.sha256(data).hexdigest()[:_DIGITS]}"
