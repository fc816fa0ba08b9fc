"""`Prefetch`: what `prefetch()` loads for one path, where the path alone does not say it."""

from __future__ import annotations

from typing import Any

from .._core import MODE_MODELS
from .expressions import name_of, query_of

__all__ = ["Prefetch"]


class Prefetch:
    """A relation to load, with a query of its own.

    `Prefetch("parcels", Parcel.objects.filter(weight__gt=3), limit=5)`: the queryset may filter,
    order, annotate, join, prefetch and select; its slice, and `limit`, count per parent. `to_attr`
    puts the result under another attribute and leaves the relation unloaded.
    """

    __slots__ = ("checked", "limit", "path", "queryset", "to_attr")

    path: str
    queryset: Any
    limit: int | None
    to_attr: str | None
    checked: Any  # the model for whose relation the queryset was found to be right

    def __init__(
        self, path: Any, queryset: Any = None, *, limit: int | None = None, to_attr: str | None = None
    ) -> None:
        self.checked = None
        self.path = path_of(path)
        self.queryset = None if queryset is None else _queryset_of(queryset, self.path)
        if limit is not None:
            if isinstance(limit, bool) or not isinstance(limit, int):
                raise TypeError(f"Prefetch(limit=...) takes an int, not {type(limit).__name__}")
            if limit < 0:
                raise ValueError(f"Prefetch(limit=...) takes no negative number, got {limit}")
        self.limit = limit
        if to_attr is not None:
            if not isinstance(to_attr, str):
                raise TypeError(f"Prefetch(to_attr=...) takes a str, not {type(to_attr).__name__}")
            if not to_attr.isidentifier() or to_attr.startswith("_") or "__" in to_attr:
                raise ValueError(f"Prefetch(to_attr={to_attr!r}): this is no name for a public attribute")
        self.to_attr = to_attr

    @property
    def is_plain(self) -> bool:
        """Whether the path says all there is to say."""
        return self.queryset is None and self.limit is None and self.to_attr is None

    def loads_like(self, other: Prefetch) -> bool:
        """Whether both describe the same rows."""
        return self.queryset is other.queryset and self.limit == other.limit

    def __repr__(self) -> str:
        parts = [repr(self.path)]
        if self.queryset is not None:
            parts.append(f"<query of {self.queryset._model.__name__}>")
        if self.limit is not None:
            parts.append(f"limit={self.limit}")
        if self.to_attr is not None:
            parts.append(f"to_attr={self.to_attr!r}")
        return f"Prefetch({', '.join(parts)})"


def path_of(path: Any) -> str:
    """The path of relations, given as text or as a relation of the class."""
    path = name_of(path)
    if not isinstance(path, str):
        raise TypeError(f"prefetch() takes names of relations and Prefetch(...), not {type(path).__name__}")
    if not path:
        raise ValueError("prefetch() needs the name of a relation, got an empty string")
    return path


def _queryset_of(queryset: Any, path: str) -> Any:
    query = query_of(queryset, "Prefetch")
    if query._mode != MODE_MODELS:
        raise ValueError(f"Prefetch({path!r}): the queryset gives models; values() and values_list() do not")
    return query
