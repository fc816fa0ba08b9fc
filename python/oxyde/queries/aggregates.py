"""Aggregates: one value over many rows. With them `Concat`, `Coalesce` and `RawSQL`."""

# ruff: noqa: D102  a class and its __new__ have one docstring

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import (
    AGG_ARRAY_AGG,
    AGG_AVG,
    AGG_BOOL_AND,
    AGG_BOOL_OR,
    AGG_COUNT,
    AGG_MAX,
    AGG_MIN,
    AGG_STDDEV,
    AGG_STRING_AGG,
    AGG_SUM,
    AGG_VARIANCE,
    X_AGG,
    X_NAME,
    X_STAR,
)
from ._base import order_terms
from .expressions import Expression, RawSQL, argument, kind_of, literal, name_of, operand
from .functions import Coalesce, Concat
from .q import Q, is_condition

__all__ = [
    "Aggregate",
    "ArrayAgg",
    "Avg",
    "BoolAnd",
    "BoolOr",
    "Coalesce",
    "Concat",
    "Count",
    "Max",
    "Min",
    "RawSQL",
    "StdDev",
    "StringAgg",
    "Sum",
    "Variance",
]

_new = _core.Expr.__new__
_STAR = _new(_core.Expr, X_STAR, 0, (), None)


class Aggregate(Expression):
    """Base of the aggregates: `Sum("weight", filter=Q(due=None), default=0)`."""

    __slots__ = ()

    _op: int = -1

    def __new__(cls, expr: Any, *, distinct: bool = False, filter: Any = None, default: Any = None) -> Any:
        if cls._op < 0:
            raise TypeError("Aggregate is a base class; use one of its kind, such as Count or Sum")
        condition = None if filter is None else _condition(filter)
        fallback = None if default is None else operand(default)
        return _new(cls, X_AGG, cls._op, (argument(expr),), (bool(distinct), condition, fallback, None))

    @property
    def default_alias(self) -> str:
        """The key in the result of `aggregate()` when no name was given: `weight__sum`."""
        source = self.args[0]
        name = type(self).__name__.lower()
        if kind_of(source) == X_STAR:
            return f"*__{name}"
        if kind_of(source) != X_NAME:
            raise TypeError(
                f"aggregate() needs a name for {type(self).__name__} of an expression: name={self!r}"
            )
        return f"{name_of(source)}__{name}"

    def __repr__(self) -> str:
        source = self.args[0]
        return f"{type(self).__name__}({'*' if kind_of(source) == X_STAR else source!r})"


def _condition(value: Any) -> _core.Expr | None:
    if value is None:
        return None
    if not is_condition(value):
        raise TypeError(f"filter takes a Q or a condition, not {type(value).__name__}")
    if isinstance(value, Q) and not value.args:
        return None
    return value  # type: ignore[no-any-return]


class Count(Aggregate):
    """Number of rows, or of values that are not NULL."""

    __slots__ = ()

    def __new__(cls, expr: Any = "*", *, distinct: bool = False, filter: Any = None) -> Any:
        if isinstance(expr, str) and expr == "*":
            if distinct:
                raise ValueError('Count("*", distinct=True) has no meaning; name the field to count')
            return _new(cls, X_AGG, AGG_COUNT, (_STAR,), (False, _condition(filter), None, None))
        return _new(
            cls, X_AGG, AGG_COUNT, (argument(expr),), (bool(distinct), _condition(filter), None, None)
        )


class Sum(Aggregate):
    """Sum of the values; `default` (else None) without rows."""

    __slots__ = ()
    _op = AGG_SUM


class Avg(Aggregate):
    """Mean of the values."""

    __slots__ = ()
    _op = AGG_AVG


class Max(Aggregate):
    """Greatest value."""

    __slots__ = ()
    _op = AGG_MAX


class Min(Aggregate):
    """Least value."""

    __slots__ = ()
    _op = AGG_MIN


class StdDev(Aggregate):
    """Standard deviation of all values (of the population), as a float."""

    __slots__ = ()
    _op = AGG_STDDEV


class Variance(Aggregate):
    """Variance of all values (of the population), as a float."""

    __slots__ = ()
    _op = AGG_VARIANCE


class BoolAnd(Aggregate):
    """Whether every value is true."""

    __slots__ = ()
    _op = AGG_BOOL_AND


class BoolOr(Aggregate):
    """Whether any value is true."""

    __slots__ = ()
    _op = AGG_BOOL_OR


def _terms(order_by: Any) -> tuple[_core.Expr, ...]:
    given = () if order_by is None else order_by
    return order_terms(given if isinstance(given, (list, tuple)) else (given,))


class StringAgg(Aggregate):
    """The texts one after another, with `separator` between them."""

    __slots__ = ()

    def __new__(
        cls,
        expr: Any,
        separator: str,
        order_by: Any = None,
        *,
        distinct: bool = False,
        filter: Any = None,
        default: Any = None,
    ) -> Any:
        if not isinstance(separator, str):
            raise TypeError(f"the separator of StringAgg() is a str, not {type(separator).__name__}")
        extra = (literal(separator), _terms(order_by))
        fallback = None if default is None else operand(default)
        data = (bool(distinct), _condition(filter), fallback, extra)
        return _new(cls, X_AGG, AGG_STRING_AGG, (argument(expr),), data)


class ArrayAgg(Aggregate):
    """The values as a list."""

    __slots__ = ()

    def __new__(cls, expr: Any, order_by: Any = None, *, distinct: bool = False, filter: Any = None) -> Any:
        data = (bool(distinct), _condition(filter), None, (None, _terms(order_by)))
        return _new(cls, X_AGG, AGG_ARRAY_AGG, (argument(expr),), data)
