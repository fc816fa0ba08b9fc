"""What terminals and builders share: the state below a query, its type variables, order terms."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _core
from .._core import X_NAME, X_ORDER, X_RANDOM_ORDER
from .expressions import F, kind_of
from .q import Q

if TYPE_CHECKING:
    from pydantic import BaseModel

    State = _core.QueryState[Any]
    TModel = TypeVar("TModel", bound=BaseModel)
    TSchema = TypeVar("TSchema", bound=BaseModel)
else:
    State = _core.QueryState
    TModel = TypeVar("TModel")
    TSchema = TypeVar("TSchema")

TRow = TypeVar("TRow")
_new = _core.Expr.__new__


@lru_cache(maxsize=1024)
def _text_term(text: str) -> _core.Expr:
    if text == "?":
        return _new(_core.Expr, X_RANDOM_ORDER, 0, (), None)  # type: ignore[no-any-return]
    descending = text.startswith("-")
    name = text[1:] if descending else text
    if not name:
        raise ValueError("order_by() got an empty field name")
    return _new(_core.Expr, X_ORDER, 0, (_new(F, X_NAME, 0, (), name),), (descending, 0))  # type: ignore[no-any-return]


def order_terms(fields: Iterable[Any]) -> tuple[_core.Expr, ...]:
    """Terms of ORDER BY from names, `-names`, `"?"` and expressions."""
    terms = []
    for field in fields:
        if isinstance(field, str):
            term = _text_term(field)
        elif isinstance(field, _core.Expr) and not isinstance(field, Q):
            ready = kind_of(field) in (X_ORDER, X_RANDOM_ORDER)
            term = field if ready else _new(_core.Expr, X_ORDER, 0, (field,), (False, 0))
        else:
            raise TypeError(f"order_by() takes names and expressions, not {type(field).__name__}")
        terms.append(term)
    return tuple(terms)
