"""What `values()` and `values_list()` are to a type checker.

At run time a mode switch returns the receiver's class with another result mode, so that methods
of a custom query keep chaining; these classes say which rows then come.
"""

# ruff: noqa: D102  methods are documented where they are defined

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ._base import TModel
from .builders import BuilderQuery

__all__ = ["FlatValuesListQuery", "ValuesListQuery", "ValuesQuery"]


class ValuesQuery(BuilderQuery[TModel, dict[str, Any]]):
    """A query whose rows are dicts."""

    __slots__ = ()


class ValuesListQuery(BuilderQuery[TModel, tuple[Any, ...]]):
    """A query whose rows are tuples."""

    __slots__ = ()


class FlatValuesListQuery(BuilderQuery[TModel, Any]):
    """A query whose rows are the values of one column."""

    __slots__ = ()

    if TYPE_CHECKING:
        # Any stands for None as well.
        def first(
            self, *, using: str | None = None, client: Any = None, as_: Any = None
        ) -> Coroutine[Any, Any, Any]: ...
        def last(self, *, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, Any]: ...
        def get_or_none(
            self,
            *conditions: Any,
            using: str | None = None,
            client: Any = None,
            as_: Any = None,
            **lookups: Any,
        ) -> Coroutine[Any, Any, Any]: ...
