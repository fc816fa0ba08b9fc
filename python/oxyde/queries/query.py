"""Query: conditions, order, limits and selection over one model, run by its terminals."""

from __future__ import annotations

from typing import Any

from ._base import TModel
from .builders import BuilderQuery

__all__ = ["Query"]


class Query(BuilderQuery[TModel, TModel]):
    """An immutable query over one model: `Parcel.objects.filter(weight__gte=3).order_by("-sent")`.

    Builders return a new query and never touch the database; terminals (`all`, `get`, `count`,
    `update`, ...) return an awaitable that runs when it is awaited.
    """

    __slots__ = ()

    @classmethod
    def as_manager(cls) -> Any:
        """A manager with the methods of this class: `objects = ParcelQuery.as_manager()`."""
        from .manager import manager_class_of

        manager: Any = manager_class_of(cls)
        return manager()
