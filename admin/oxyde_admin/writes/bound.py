"""A query that runs in a given transaction without being told."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

from oxyde import Query

__all__ = ["BoundQuery"]


class BoundQuery:
    """A query whose terminals run on `client` unless they name another place.

    For actions of models on another alias than the default one, whose methods say `rows.update(...)`
    like all others. Builders give bound queries again; `query` is the plain one, for subqueries.
    """

    def __init__(self, query: Query[Any], client: Any) -> None:
        self.query = query
        self._client = client

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.query, name)
        if not callable(value):
            return value
        runs = "client" in inspect.signature(value).parameters

        def call(*arguments: Any, **named: Any) -> Any:
            if runs and named.get("client") is None and named.get("using") is None:
                named = {**named, "client": self._client}
            return self._bound(value(*arguments, **named))

        return call

    def __getitem__(self, item: Any) -> Any:
        return self._bound(self.query[item])

    def __aiter__(self) -> AsyncIterator[Any]:
        rows: AsyncIterator[Any] = self.query.iterator(client=self._client)
        return rows

    def _bound(self, result: Any) -> Any:
        return BoundQuery(result, self._client) if isinstance(result, Query) else result
