"""Windows: functions over the rows around a row, `Window(Rank(), order_by="-weight")`."""

# ruff: noqa: D102  a class and its __new__ have one docstring

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import (
    FN_CUME_DIST,
    FN_DENSE_RANK,
    FN_FIRST_VALUE,
    FN_LAG,
    FN_LAST_VALUE,
    FN_LEAD,
    FN_NTH_VALUE,
    FN_NTILE,
    FN_PERCENT_RANK,
    FN_RANK,
    FN_ROW_NUMBER,
    FRAME_NONE,
    FRAME_RANGE,
    FRAME_ROWS,
    X_AGG,
    X_FUNC,
    X_RANDOM_ORDER,
    X_WINDOW,
)
from ._base import order_terms
from .expressions import Expression, argument, kind_of, literal, operand

__all__ = [
    "CumeDist",
    "DenseRank",
    "FirstValue",
    "Lag",
    "LastValue",
    "Lead",
    "NthValue",
    "Ntile",
    "PercentRank",
    "Rank",
    "RowNumber",
    "RowRange",
    "ValueRange",
    "Window",
    "WindowFunction",
]

_new = _core.Expr.__new__


def _whole(who: str, name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{who}(): {name} is an int, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{who}(): {name} is at least {least}, not {value}")
    return value


# --- frames ---------------------------------------------------------------------------


class _Frame:
    """From `start` to `end`, seen from the row at hand."""

    __slots__ = ("end", "start")

    _unit: ClassVar[int]

    def __init__(self, start: int | None = None, end: int | None = None) -> None:
        for name, bound in (("start", start), ("end", end)):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
                raise TypeError(
                    f"{type(self).__name__}(): {name} is an int or None, not {type(bound).__name__}"
                )
        if start is not None and end is not None and start > end:
            raise ValueError(f"{type(self).__name__}() ends before it starts: {start} to {end}")
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.start}, {self.end})"


class RowRange(_Frame):
    """A frame of rows: `RowRange(-2, 0)` is this row and the two before it.

    `None` is unbounded, 0 the row at hand; negative numbers lie before it.
    """

    __slots__ = ()
    _unit = FRAME_ROWS


class ValueRange(_Frame):
    """A frame of rows by the value they are ordered by: `ValueRange(-10, 0)` is at most 10 less.

    `None` is unbounded, 0 all rows with the value of the row at hand.
    """

    __slots__ = ()
    _unit = FRAME_RANGE


# --- functions that have a value only in a window ----------------------------------------


class WindowFunction(_core.Expr):
    """Base of the functions that need a `Window` around them."""

    __slots__ = ()


class _Place(WindowFunction):
    """Without arguments: where the row stands among the others."""

    __slots__ = ()
    _fn: int

    def __new__(cls) -> Any:
        return _new(cls, X_FUNC, cls._fn, (), None)


class RowNumber(_Place):
    """The number of the row, from 1."""

    __slots__ = ()
    _fn = FN_ROW_NUMBER


class Rank(_Place):
    """The rank of the row: equal rows share one, and the next is as many further."""

    __slots__ = ()
    _fn = FN_RANK


class DenseRank(_Place):
    """The rank of the row without gaps."""

    __slots__ = ()
    _fn = FN_DENSE_RANK


class PercentRank(_Place):
    """The rank as a fraction from 0 to 1."""

    __slots__ = ()
    _fn = FN_PERCENT_RANK


class CumeDist(_Place):
    """The share of rows up to and equal to this one."""

    __slots__ = ()
    _fn = FN_CUME_DIST


class Ntile(WindowFunction):
    """The number of the part, from 1, when the rows are divided into `n` parts of one size."""

    __slots__ = ()

    def __new__(cls, n: int) -> Any:
        return _new(cls, X_FUNC, FN_NTILE, (literal(_whole("Ntile", "n", n, 1)),), None)


class _Neighbour(WindowFunction):
    """The value of a row so many before or after this one."""

    __slots__ = ()
    _fn: int

    def __new__(cls, expr: Any, offset: int = 1, default: Any = None) -> Any:
        _whole(cls.__name__, "offset", offset, 0)
        args = [argument(expr)]
        if offset != 1 or default is not None:
            args.append(literal(offset))
        if default is not None:
            args.append(operand(default))
        return _new(cls, X_FUNC, cls._fn, tuple(args), None)


class Lag(_Neighbour):
    """The value `offset` rows before; `default` (else None) where there is no such row."""

    __slots__ = ()
    _fn = FN_LAG


class Lead(_Neighbour):
    """The value `offset` rows after; `default` (else None) where there is no such row."""

    __slots__ = ()
    _fn = FN_LEAD


class _Edge(WindowFunction):
    """The value at an edge of the frame."""

    __slots__ = ()
    _fn: int

    def __new__(cls, expr: Any) -> Any:
        return _new(cls, X_FUNC, cls._fn, (argument(expr),), None)


class FirstValue(_Edge):
    """The value of the first row of the frame."""

    __slots__ = ()
    _fn = FN_FIRST_VALUE


class LastValue(_Edge):
    """The value of the last row of the frame; ordered, a frame ends at this row unless told otherwise."""

    __slots__ = ()
    _fn = FN_LAST_VALUE


class NthValue(WindowFunction):
    """The value of row `n` of the frame, from 1; None where it has fewer."""

    __slots__ = ()

    def __new__(cls, expr: Any, n: int) -> Any:
        return _new(cls, X_FUNC, FN_NTH_VALUE, (argument(expr), literal(_whole("NthValue", "n", n, 1))), None)


# --- the window ---------------------------------------------------------------------------


def _listed(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


class Window(Expression):
    """An aggregate or a window function over the rows around each row.

    `partition_by` and `order_by` take a name or an expression, or a list of them; names of the
    order may begin with `-`. `frame` is a `RowRange` or a `ValueRange`.
    """

    __slots__ = ()

    def __new__(
        cls,
        expr: Any,
        partition_by: Any = None,
        order_by: Any = None,
        frame: RowRange | ValueRange | None = None,
    ) -> Window:
        if kind_of(expr) != X_AGG and not isinstance(expr, WindowFunction):
            raise TypeError(
                f"Window() takes an aggregate or a window function such as RowNumber(), not {expr!r}"
            )
        if frame is not None and not isinstance(frame, _Frame):
            raise TypeError(f"frame is a RowRange or a ValueRange, not {type(frame).__name__}")
        partition = tuple(argument(part) for part in _listed(partition_by))
        terms = order_terms(_listed(order_by))
        if any(kind_of(term) == X_RANDOM_ORDER for term in terms):
            raise ValueError("the order of a window is not random")
        start, end = (frame.start, frame.end) if frame else (None, None)
        data = (len(partition), frame._unit if frame else FRAME_NONE, start, end)
        return _new(cls, X_WINDOW, 0, (expr, *partition, *terms), data)  # type: ignore[no-any-return]
