"""Functions of the database, with the same result on all of them.

A plain string argument names a field, except where a text is meant (`separator`, `old`, `new`,
`part`). Text constants elsewhere are `Value("...")`.
"""

# ruff: noqa: D102  a class and its __new__ have one docstring

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import (
    FN_ABS,
    FN_CEIL,
    FN_COALESCE,
    FN_CONCAT,
    FN_FLOOR,
    FN_GREATEST,
    FN_JSON_OBJECT,
    FN_LEAST,
    FN_LEFT,
    FN_LENGTH,
    FN_LOWER,
    FN_LTRIM,
    FN_NOW,
    FN_NULLIF,
    FN_POWER,
    FN_RANDOM,
    FN_REPLACE,
    FN_RIGHT,
    FN_ROUND,
    FN_RTRIM,
    FN_SQRT,
    FN_STRINDEX,
    FN_SUBSTR,
    FN_TRIM,
    FN_UPPER,
    OP_MOD,
    X_BINARY,
    X_EXTRACT,
    X_FUNC,
)
from .expressions import (
    TRUNC_UNITS,
    Case,
    Cast,
    Expression,
    RawSQL,
    Value,
    When,
    argument,
    literal,
    operand,
    part_number,
)

__all__ = [
    "Abs",
    "Case",
    "Cast",
    "Ceil",
    "Coalesce",
    "Concat",
    "Extract",
    "Floor",
    "Greatest",
    "JSONObject",
    "LTrim",
    "Least",
    "Left",
    "Length",
    "Lower",
    "Mod",
    "Now",
    "NullIf",
    "Power",
    "RTrim",
    "Random",
    "RawSQL",
    "Replace",
    "Right",
    "Round",
    "Sqrt",
    "StrIndex",
    "Substr",
    "Trim",
    "Trunc",
    "Upper",
    "Value",
    "When",
]

_new = _core.Expr.__new__


class Function(Expression):
    """Base of the functions below."""

    __slots__ = ()
    _fn: int = -1

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"


class _OneArgument(Function):
    __slots__ = ()

    def __new__(cls, expr: Any) -> Any:
        return _new(cls, X_FUNC, cls._fn, (argument(expr),), None)


class _TwoArguments(Function):
    __slots__ = ()

    def __new__(cls, first: Any, second: Any) -> Any:
        return _new(cls, X_FUNC, cls._fn, (argument(first), argument(second)), None)


class _Several(Function):
    __slots__ = ()
    _least = 2

    def __new__(cls, *exprs: Any) -> Any:
        if len(exprs) < cls._least:
            raise ValueError(f"{cls.__name__}() takes at least {cls._least} argument(s)")
        return _new(cls, X_FUNC, cls._fn, tuple(argument(expr) for expr in exprs), None)


class Lower(_OneArgument):
    """Text in lower case."""

    __slots__ = ()
    _fn = FN_LOWER


class Upper(_OneArgument):
    """Text in upper case."""

    __slots__ = ()
    _fn = FN_UPPER


class Trim(_OneArgument):
    """Text without blanks at both ends."""

    __slots__ = ()
    _fn = FN_TRIM


class LTrim(_OneArgument):
    """Text without blanks at the start."""

    __slots__ = ()
    _fn = FN_LTRIM


class RTrim(_OneArgument):
    """Text without blanks at the end."""

    __slots__ = ()
    _fn = FN_RTRIM


class Length(_OneArgument):
    """Number of characters."""

    __slots__ = ()
    _fn = FN_LENGTH


class Left(Function):
    """The first `n` characters."""

    __slots__ = ()

    def __new__(cls, expr: Any, n: Any) -> Any:
        return _new(cls, X_FUNC, FN_LEFT, (argument(expr), argument(n)), None)


class Right(Function):
    """The last `n` characters."""

    __slots__ = ()

    def __new__(cls, expr: Any, n: Any) -> Any:
        return _new(cls, X_FUNC, FN_RIGHT, (argument(expr), argument(n)), None)


class Substr(Function):
    """Characters from `start`, counted from 1, all or `length` of them."""

    __slots__ = ()

    def __new__(cls, expr: Any, start: Any, length: Any = None) -> Any:
        args: tuple[_core.Expr, ...] = (argument(expr), argument(start))
        if length is not None:
            args += (argument(length),)
        return _new(cls, X_FUNC, FN_SUBSTR, args, None)


class Replace(Function):
    """Text with every `old` replaced by `new`; both are texts, not field names."""

    __slots__ = ()

    def __new__(cls, expr: Any, old: Any, new: Any) -> Any:
        return _new(cls, X_FUNC, FN_REPLACE, (argument(expr), operand(old), operand(new)), None)


class StrIndex(Function):
    """Position of the text `part` counted from 1, 0 if it is absent."""

    __slots__ = ()

    def __new__(cls, expr: Any, part: Any) -> Any:
        return _new(cls, X_FUNC, FN_STRINDEX, (argument(expr), operand(part)), None)


class Concat(Function):
    """The texts in a row; NULL counts as empty, and is skipped where there is a separator."""

    __slots__ = ()

    def __new__(cls, *exprs: Any, separator: str = "") -> Any:
        if not exprs:
            raise ValueError("Concat() takes at least 1 argument(s)")
        if not isinstance(separator, str):
            raise TypeError(f"separator is a str, not {type(separator).__name__}")
        first = literal(separator or None)
        return _new(cls, X_FUNC, FN_CONCAT, (first, *(argument(expr) for expr in exprs)), None)


class Coalesce(_Several):
    """The first value that is not NULL."""

    __slots__ = ()
    _fn = FN_COALESCE


class Greatest(_Several):
    """The greatest of the values, NULL ignored."""

    __slots__ = ()
    _fn = FN_GREATEST


class Least(_Several):
    """The least of the values, NULL ignored."""

    __slots__ = ()
    _fn = FN_LEAST


class NullIf(_TwoArguments):
    """NULL if both are equal, else the first."""

    __slots__ = ()
    _fn = FN_NULLIF


class Abs(_OneArgument):
    """Absolute value."""

    __slots__ = ()
    _fn = FN_ABS


class Ceil(_OneArgument):
    """Least integer not below the value."""

    __slots__ = ()
    _fn = FN_CEIL


class Floor(_OneArgument):
    """Greatest integer not above the value."""

    __slots__ = ()
    _fn = FN_FLOOR


class Sqrt(_OneArgument):
    """Square root."""

    __slots__ = ()
    _fn = FN_SQRT


class Round(Function):
    """Rounded half away from zero."""

    __slots__ = ()

    def __new__(cls, expr: Any, places: int = 0) -> Any:
        if isinstance(places, bool) or not isinstance(places, int):
            raise TypeError(f"places is an int, not {type(places).__name__}")
        return _new(cls, X_FUNC, FN_ROUND, (argument(expr), literal(places)), None)


class Mod(Function):
    """Remainder with the sign of the divisor, as `%`."""

    __slots__ = ()

    def __new__(cls, first: Any, second: Any) -> Any:
        return _new(cls, X_BINARY, OP_MOD, (argument(first), argument(second)), None)


class Power(_TwoArguments):
    """The first to the power of the second."""

    __slots__ = ()
    _fn = FN_POWER


class Random(Function):
    """A random number from 0 up to 1."""

    __slots__ = ()

    def __new__(cls) -> Any:
        return _new(cls, X_FUNC, FN_RANDOM, (), None)


class Now(Function):
    """The time of the statement in UTC."""

    __slots__ = ()

    def __new__(cls) -> Any:
        return _new(cls, X_FUNC, FN_NOW, (), None)


class Extract(Function):
    """A part of a date or time: `Extract("sent", "month")`."""

    __slots__ = ()

    def __new__(cls, expr: Any, part: str) -> Any:
        return _new(cls, X_EXTRACT, part_number(part, _core.PART_NAMES), (argument(expr),), False)


class Trunc(Function):
    """The start of the year, month, day, ... the value lies in."""

    __slots__ = ()

    def __new__(cls, expr: Any, unit: str) -> Any:
        return _new(cls, X_EXTRACT, part_number(unit, TRUNC_UNITS), (argument(expr),), True)


class JSONObject(Function):
    """A JSON object of the given values: `JSONObject(ref="ref", kg=F("weight") / 1000)`."""

    __slots__ = ()

    def __new__(cls, **exprs: Any) -> Any:
        args: list[_core.Expr] = []
        for key, expr in exprs.items():
            args += (literal(key), argument(expr))
        return _new(cls, X_FUNC, FN_JSON_OBJECT, tuple(args), None)
