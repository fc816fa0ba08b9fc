"""Rows by several keys at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from oxyde import Q

__all__ = ["among"]


def among(query: Any, names: Sequence[str], keys: Collection[tuple[Any, ...]]) -> Any:
    """The rows of `query` whose fields `names` have the values of one of the keys."""
    if not keys:
        return query.none()
    if len(names) == 1:
        return query.filter(**{f"{names[0]}__in": [value for (value,) in keys]})
    return query.filter(_either([Q(**dict(zip(names, key, strict=True))) for key in keys]))


def _either(conditions: Sequence[Q]) -> Q:
    """Any of the conditions, joined pairwise: one after the other takes time by the square of them."""
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return _either(conditions[:middle]) | _either(conditions[middle:])
