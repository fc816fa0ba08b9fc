"""Notes on exceptions, also where Python has none yet."""

from __future__ import annotations

__all__ = ["add_note"]


def add_note(error: BaseException, text: str) -> None:
    """`BaseException.add_note`, which Python 3.10 does not have."""
    notes = getattr(error, "__notes__", None)
    if not isinstance(notes, list):
        notes = []
        error.__notes__ = notes  # type: ignore[attr-defined, unused-ignore]
    notes.append(text)
