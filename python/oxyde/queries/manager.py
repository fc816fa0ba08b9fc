"""Managers: what `Model.objects` is."""

# ruff: noqa: D102  the methods are documented where they are defined

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from typing_extensions import Self

from ._base import TModel
from .query import Query
from .writes import WriteQuery

if TYPE_CHECKING:
    from .values import FlatValuesListQuery, ValuesListQuery, ValuesQuery

__all__ = ["QueryManager", "manager_class_of"]

if TYPE_CHECKING:

    class QueryManager(WriteQuery[TModel, TModel]):
        """What checkers see: the terminals of a query, and its builders, which give a query."""

        model_class: type[TModel]

        # A manager is made without the model of a query: `objects = ParcelManager()`.
        def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
        def __init__(self) -> None: ...
        def query(self) -> Query[TModel]: ...
        def get_query(self) -> Query[TModel]: ...
        def bound_to(self, model: type) -> QueryManager[Any]: ...
        def filter(self, *conditions: Any, **lookups: Any) -> Query[TModel]: ...
        def exclude(self, *conditions: Any, **lookups: Any) -> Query[TModel]: ...
        def none(self) -> Query[TModel]: ...
        def order_by(self, *fields: Any) -> Query[TModel]: ...
        def reverse(self) -> Query[TModel]: ...
        def limit(self, n: int) -> Query[TModel]: ...
        def offset(self, n: int) -> Query[TModel]: ...
        def __getitem__(self, key: int | slice) -> Query[TModel]: ...
        def distinct(self, *fields: Any, distinct: bool | None = None) -> Query[TModel]: ...
        def select(self, *fields: Any) -> Query[TModel]: ...
        def only(self, *fields: Any) -> Query[TModel]: ...
        def defer(self, *fields: Any) -> Query[TModel]: ...
        def values(self, *fields: Any, **exprs: Any) -> ValuesQuery[TModel]: ...
        @overload
        def values_list(self, *fields: Any, flat: Literal[False] = False) -> ValuesListQuery[TModel]: ...
        @overload
        def values_list(self, *fields: Any, flat: Literal[True]) -> FlatValuesListQuery[TModel]: ...
        @overload
        def values_list(
            self, *fields: Any, flat: bool
        ) -> ValuesListQuery[TModel] | FlatValuesListQuery[TModel]: ...
        def values_list(self, *fields: Any, flat: bool = False) -> Any: ...
        def annotate(self, **exprs: Any) -> Query[TModel]: ...
        def group_by(self, *fields: Any, **exprs: Any) -> Query[TModel]: ...
        def having(self, *conditions: Any, **lookups: Any) -> Query[TModel]: ...
        def union(self, *queries: Any) -> Query[TModel]: ...
        def union_all(self, *queries: Any) -> Query[TModel]: ...
        def intersection(self, *queries: Any) -> Query[TModel]: ...
        def difference(self, *queries: Any) -> Query[TModel]: ...
        def for_update(
            self,
            *,
            nowait: bool = False,
            skip_locked: bool = False,
            of: str | Iterable[str] = (),
            no_key: bool = False,
        ) -> Query[TModel]: ...
        def for_share(
            self, *, nowait: bool = False, skip_locked: bool = False, of: str | Iterable[str] = ()
        ) -> Query[TModel]: ...
        def join(self, *paths: Any) -> Query[TModel]: ...
        def prefetch(self, *paths: Any) -> Query[TModel]: ...

else:

    class QueryManager(Generic[TModel]):
        """The start of every query of a model; has each method of `Query`, and slicing.

        Holds no state of a query. Subclasses may add methods, and override `get_query` to change
        what all reads, updates and deletes through the manager are based on. Each model class has
        a copy of its own.
        """

        _query_class: type = Query

        model_class: type | None = None

        def bound_to(self, model: type) -> QueryManager[Any]:
            """A copy for this model class."""
            bound = copy.copy(self)
            for name in _delegated(type(self)):
                bound.__dict__.pop(name, None)
            bound.model_class = model
            if type(bound).get_query is QueryManager.get_query:
                # Queries are immutable, so one serves as the base of all; its bound methods stand
                # in for the delegating ones and save their frames.
                base = bound.query()
                for name in _delegated(type(bound)):
                    bound.__dict__[name] = getattr(base, name)
            return bound

        def query(self) -> Query[TModel]:
            """A fresh query over all rows."""
            if self.model_class is None:
                raise TypeError(f"{type(self).__name__} belongs to no model yet")
            return self._query_class(self.model_class)

        def get_query(self) -> Query[TModel]:
            """The base of every query through this manager."""
            return self.query()

        def _base_query(self) -> Query[TModel]:
            return self.get_query()

        def __getitem__(self, key: int | slice) -> Query[TModel]:
            return self.get_query()[key]

        # Without this, __getitem__ would make a manager iterable.
        __iter__ = None

        def __aiter__(self) -> Any:
            return self.get_query().__aiter__()

        def __repr__(self) -> str:
            owner = "no model" if self.model_class is None else self.model_class.__name__
            return f"<{type(self).__name__} of {owner}>"


def _public_methods(query_class: type) -> list[str]:
    names = [name for name in dir(query_class) if not name.startswith("_")]
    return [name for name in names if name != "as_manager" and callable(getattr(query_class, name))]


def _delegate(name: str, documented: Any) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.get_query(), name)(*args, **kwargs)

    method.__name__ = name
    method.__qualname__ = f"QueryManager.{name}"
    method.__doc__ = documented.__doc__
    method.__delegated__ = True  # type: ignore[attr-defined]
    return method


def _delegated(manager_class: type) -> list[str]:
    """Methods that nothing below QueryManager overrides."""
    names = _public_methods(manager_class._query_class)  # type: ignore[attr-defined]
    return [name for name in names if hasattr(getattr(manager_class, name, None), "__delegated__")]


def _add_delegates(manager_class: Any, query_class: type) -> None:
    for name in _public_methods(query_class):
        if not hasattr(manager_class, name):
            setattr(manager_class, name, _delegate(name, getattr(query_class, name)))


def manager_class_of(query_class: type) -> type[QueryManager[Any]]:
    """A manager class with every method of a query class."""
    made = type(f"{query_class.__name__}Manager", (QueryManager,), {"_query_class": query_class})
    _add_delegates(made, query_class)
    return made


_add_delegates(QueryManager, Query)
