"""Rows by their keys, of one field or of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from .. import _core
from .._core import MODE_MODELS, X_AND, X_LOOKUP, X_OR
from ..exceptions import ManagerError
from ._fields import key_fields

__all__ = ["batches", "where_keys", "with_row"]

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


def with_row(query: Any, obj: Any) -> Any:
    """The rows of the query that are the object's own."""
    model = query._model
    if not isinstance(obj, model):
        raise TypeError(f"contains() takes a {model.__name__}, not {type(obj).__name__}")
    if query._mode != MODE_MODELS or query._group_by is not None:
        raise TypeError("contains() asks for models: use it before values(), values_list() and group_by()")
    names = key_fields(model)
    if not names:
        raise ManagerError(f"{model.__name__} has no primary key that contains() could look for")
    values = {name: obj.__dict__.get(name) for name in names}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ValueError(f"contains() takes saved objects: {model.__name__}.{missing[0]} is None")
    of_some = query._sliced or query._limit >= 0 or query._offset or query._distinct_on is not None
    if of_some or query._annotations:
        # A condition would apply before slices and windows: the rows are asked for by their keys.
        query = type(query)(model)._where((), {"pk__in": query._with(lock=None, prefetches=None)})
    return query._where((), values)


def batches(names: Sequence[str], keys: Sequence[T]) -> Iterator[Sequence[T]]:
    """The keys, or what has them, in parts that one statement takes."""
    most = _MOST_KEYS if len(names) == 1 else _MOST_ROW_VALUES
    for start in range(0, len(keys), most):
        yield keys[start : start + most]
