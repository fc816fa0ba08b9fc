"""Errors for names that do not exist, with the nearest ones that do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from ..exceptions import FieldError, FieldLookupError

__all__ = ["near_misses", "unknown_field", "unknown_name"]


def near_misses(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'a' or 'b'?`, or nothing."""
    by_lower = {k.lower(): k for k in known}
    near = [by_lower[n] for n in difflib.get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.6)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def unknown_field(model: type, name: str, known: Iterable[str] | None = None) -> FieldError:
    """`<Model> has no field '<name>'`, with near misses."""
    fields: Iterable[str] = getattr(model, "__pydantic_fields__", ()) if known is None else known
    return FieldError(f"{model.__name__} has no field {name!r}{near_misses(name, fields)}")


def unknown_name(model: type, name: str, what: str) -> BaseException:
    """The exception for a name that a query of the model used in vain.

    `what` is "field", "path", "lookup" or "alias"; for a path or lookup, `name` is the
    whole keyword.
    """
    fields: list[Any] = list(getattr(model, "__pydantic_fields__", ()))
    if what == "field":
        return unknown_field(model, name, fields)
    if what == "alias":
        return FieldError(f"{model.__name__} has no field or annotation {name!r}{near_misses(name, fields)}")
    first, _, rest = name.partition("__")
    if first and first not in fields:
        return unknown_field(model, first, fields)
    if what == "path":
        return FieldLookupError(
            f"{model.__name__}: {name!r} goes on after {first!r}, which is no relation or JSON field"
        )
    lookup = rest.rpartition("__")[2] or rest or first
    return FieldLookupError(
        f"{model.__name__}: unknown lookup {lookup!r} in {name!r}{near_misses(lookup, _lookups())}"
    )


def _lookups() -> list[str]:
    from .. import _core

    return sorted({name for names in _core.LOOKUPS.values() for name in names})
