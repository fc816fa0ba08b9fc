"""Errors of Pydantic as entries of an answer: where and what, never which value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .exceptions import ErrorEntry

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["entries_of"]

# Pydantic's own texts of these quote what was sent.
_WITHOUT_QUOTES = {
    "union_tag_invalid": "The kind of this value is not known",
    "uuid_parsing": "Input should be a valid UUID",
    "url_parsing": "Input should be a valid URL",
    "json_invalid": "Input should be valid JSON",
    "no_such_attribute": "There is no such field",
}
_LIMITS = (bool, int, float, str)


def entries_of(error: ValidationError) -> list[ErrorEntry]:
    """One entry per problem. `ctx` keeps limits (`max_length`, `ge`, …) and nothing that was sent."""
    entries: list[ErrorEntry] = []
    for problem in error.errors(include_url=False, include_input=False):
        kind = problem["type"]
        entry: ErrorEntry = {
            "type": kind,
            "loc": list(problem["loc"]),
            "msg": _WITHOUT_QUOTES.get(kind, problem["msg"]),
        }
        limits = {} if kind in _WITHOUT_QUOTES else _limits(problem.get("ctx", {}))
        if limits:
            entry["ctx"] = limits
        entries.append(entry)
    return entries


def _limits(ctx: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in ctx.items():
        if name in ("error", "tag") or name.startswith("actual"):
            continue
        kept[name] = value if isinstance(value, _LIMITS) or value is None else str(value)
    return kept
