"""Rows by their keys, of one field or of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from .. import _core
from .._core import X_AND, X_LOOKUP, X_OR

__all__ = ["batches", "where_keys"]

T = TypeVar("T")

# Keys of one statement. Of a single field a list travels as one value, however long it is.
_MOST_KEYS = 10_000
_MOST_ROW_VALUES = 1000

_new = _core.Expr.__new__


def where_keys(query: Any, names: Sequence[str], keys: Sequence[tuple[Any, ...]]) -> Any:
    """The query, of the rows whose fields of these names are one of the keys."""
    if len(names) == 1:
        return query._where((), {f"{names[0]}__in": [key[0] for key in keys]})
    each = tuple(
        _new(
            _core.Expr,
            X_AND,
            0,
            tuple(_new(_core.Expr, X_LOOKUP, 0, (), pair) for pair in zip(names, key, strict=True)),
            None,
        )
        for key in keys
    )
    return query._where((_new(_core.Expr, X_OR, 0, each, None),), {})


def batches(names: Sequence[str], keys: Sequence[T]) -> Iterator[Sequence[T]]:
    """The keys, or what has them, in parts that one statement takes."""
    most = _MOST_KEYS if len(names) == 1 else _MOST_ROW_VALUES
    for start in range(0, len(keys), most):
        yield keys[start : start + most]
