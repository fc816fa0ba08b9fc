"""`@column`: a method of a ModelAdmin as a column of the list, and in forms a value to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from .kinds import kind_of

__all__ = ["Column", "column", "columns_of"]

MARK = "__oxyde_admin_column__"

TMethod = TypeVar("TMethod", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class Column:
    """A computed column. `ordering` is the path that sorting by it sorts by, "-" descending.

    `kind` is that of its values, as the method's annotation says; "" if it does not or is no plain type.
    `method` is bound to its ModelAdmin: `await column.method(ctx, record)` is the value.
    """

    name: str
    label: str | None
    ordering: str | None
    kind: str
    method: Callable[..., Awaitable[Any]]


def column(label: str | None = None, *, ordering: str | None = None) -> Callable[[TMethod], TMethod]:
    """Makes `async def name(self, ctx, record)` a column that `list_display` may name.

    `ordering` names the field or path that stands for it when the list is sorted.
    """

    def mark(method: TMethod) -> TMethod:
        setattr(method, MARK, (label, ordering))
        return method

    return mark


def columns_of(admin: object) -> dict[str, Column]:
    """The `@column` methods of a ModelAdmin by name, in the order of their definition."""
    found: dict[str, Column] = {}
    for cls in reversed(type(admin).__mro__):
        for name, value in vars(cls).items():
            found.pop(name, None)
            marked = getattr(value, MARK, None)
            if marked is not None:
                found[name] = Column(name, marked[0], marked[1], _kind(value), getattr(admin, name))
    return found


def _kind(method: Callable[..., Awaitable[Any]]) -> str:
    try:
        return kind_of(get_type_hints(method).get("return"))
    except NameError:  # an annotation of names that only type checkers import
        return ""
