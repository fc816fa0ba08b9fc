"""Aggregates: one value over many rows. With them `Concat`, `Coalesce` and `RawSQL`."""

# ruff: noqa: D102  a class and its __new__ have one docstring

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import AGG_AVG, AGG_COUNT, AGG_MAX, AGG_MIN, AGG_SUM, X_AGG, X_NAME, X_STAR
from .expressions import Expression, RawSQL, argument, kind_of, name_of, operand
from .functions import Coalesce, Concat
from .q import Q, is_condition

__all__ = ["Aggregate", "Avg", "Coalesce", "Concat", "Count", "Max", "Min", "RawSQL", "Sum"]

_new = _core.Expr.__new__
_STAR = _new(_core.Expr, X_STAR, 0, (), None)


class Aggregate(Expression):
    """Base of the aggregates: `Sum("weight", filter=Q(due=None), default=0)`."""

    __slots__ = ()

    _op: int = -1

    def __new__(cls, expr: Any, *, distinct: bool = False, filter: Any = None, default: Any = None) -> Any:
        if cls._op < 0:
            raise TypeError("Aggregate is a base class; use Count, Sum, Avg, Max or Min")
        condition = _condition(filter)
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
