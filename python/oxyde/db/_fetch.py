"""`fetch_as` as a method of what statements run on."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar, overload

__all__ = ["Fetching"]

T = TypeVar("T")


class Fetching:
    """For handles and transactions: raw SQL with typed rows."""

    __slots__ = ()

    @overload
    def fetch_as(
        self, sql: str, params: Sequence[Any] | None = None, *, into: type[T]
    ) -> Coroutine[Any, Any, list[T]]: ...
    @overload
    def fetch_as(
        self, sql: str, params: Sequence[Any] | None = None, *, into: Any
    ) -> Coroutine[Any, Any, list[Any]]: ...
    def fetch_as(
        self, sql: str, params: Sequence[Any] | None = None, *, into: Any
    ) -> Coroutine[Any, Any, list[Any]]:
        """Runs one statement here; its rows as validated instances of `into`, as `oxyde.fetch_as`."""
        from ..queries.raw import fetch_as

        return fetch_as(sql, params, into=into, client=self)
