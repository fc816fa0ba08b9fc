"""Streams: rows one by one, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from .. import _core
from .._core import DO_SELECT, MODE_MODELS, SINK_LIST, operation
from ._prefetch import Loading, one_alias

__all__ = ["stream_of"]


def stream_of(query: Any, chunk_size: int, using: str | None, client: Any) -> _core.Stream[Any]:
    """The rows of a query, read `chunk_size` at a time."""
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int):
        raise TypeError(f"chunk_size is an int, not {type(chunk_size).__name__}")
    if chunk_size < 1:
        raise ValueError(f"chunk_size is at least 1, got {chunk_size}")
    load = None
    if query._prefetches and query._mode == MODE_MODELS:
        loading = Loading(query)
        query, using = loading.query, one_alias(query, using, client)
        load = _loader(loading, using, client)
    rows = operation(DO_SELECT, query, SINK_LIST, chunk=chunk_size, using=using, client=client)
    return _core.stream(rows, load)


def _loader(
    loading: Loading, using: str | None, client: Any
) -> Callable[[list[Any]], Coroutine[Any, Any, None]]:
    def load(rows: list[Any]) -> Coroutine[Any, Any, None]:
        return loading.load(rows, using=using, client=client)

    return load
