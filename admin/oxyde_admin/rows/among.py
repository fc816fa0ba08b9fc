"""Rows by several keys at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce
from operator import or_
from typing import Any

from oxyde import Q

__all__ = ["among"]


def among(query: Any, names: Sequence[str], keys: Collection[tuple[Any, ...]]) -> Any:
    """The rows of `query` whose fields `names` have the values of one of the keys."""
    if not keys:
        return query.none()
    if len(names) == 1:
        return query.filter(**{f"{names[0]}__in": [value for (value,) in keys]})
    return query.filter(reduce(or_, (Q(**dict(zip(names, key, strict=True))) for key in keys)))
