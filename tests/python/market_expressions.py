"""Random expressions over a `Ware`: as the package builds them, and their values in Python.

An expression is ("field", path), ("value", constant), ("case", condition field, …) or
(function, argument, …) with the names of `evaluate.FUNCTIONS`.
"""

from __future__ import annotations

import operator
from decimal import Decimal
from functools import cache
from typing import Any

from evaluate import FUNCTIONS, part, trunc
from hypothesis import strategies as st
from market import RELATIONS, TITLES, Row, Ware

from oxyde import Case, F, Value, When
from oxyde.queries import functions

OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
             "//": operator.floordiv, "%": operator.mod}  # fmt: skip

UNITS = ["year", "quarter", "month", "week", "day"]

# --- drawing ------------------------------------------------------------------------------------


def _field(*names: str) -> st.SearchStrategy[Any]:
    return st.tuples(st.just("field"), st.sampled_from(names))


def _of(*options: Any) -> st.SearchStrategy[Any]:
    return st.tuples(*(st.just(option) if isinstance(option, str) else option for option in options))


def _constant(*values: Any) -> st.SearchStrategy[Any]:
    return st.tuples(st.just("value"), st.sampled_from(values))


@cache
def integers() -> st.SearchStrategy[Any]:
    """Whole numbers, small enough for 64 bits at every step."""
    small = _field("rank", "id") | _constant(1, 2, 3, -2)
    divisor = _constant(2, 3, -2, 7)
    leaves = _field("stock", "rank", "id") | _constant(0, 1, 3, -7)
    return st.recursive(
        leaves,
        lambda inner: (
            _of(st.sampled_from(["+", "-"]), inner, inner)
            | _of("*", inner, small)
            | _of(st.sampled_from(["//", "%"]), inner, divisor)
            | _of("Abs", inner)
            | _of(st.sampled_from(["Coalesce", "NullIf", "Greatest", "Least"]), inner, inner)
            | _of("Case", _field("rank"), _constant(-1, 0, 1), inner, inner)
            | _of("Length", texts())
            | _of("StrIndex", texts(), st.sampled_from(["a", "A", "É", "%"]).map(lambda v: ("value", v)))
        ),
        max_leaves=4,
    )


@cache
def decimals() -> st.SearchStrategy[Any]:
    """Exact numbers; true division is left to fractions, whose digits differ by database."""
    leaves = _field("price") | _constant(Decimal("0.5"), Decimal("-3"), Decimal("10.25"))
    return st.recursive(
        leaves,
        lambda inner: (
            _of(st.sampled_from(["+", "-"]), inner, inner | integers())
            | _of("*", inner, _constant(2, -1, Decimal("0.5")))
            | _of("%", inner, _constant(Decimal("0.7"), 3, Decimal("-2")))
            | _of("Abs", inner)
            | _of(st.sampled_from(["Coalesce", "Greatest", "Least"]), inner, inner)
        ),
        max_leaves=3,
    )


@cache
def fractions() -> st.SearchStrategy[Any]:
    """Binary fractions, exact as long as nothing else is divided than by powers of two."""
    return (
        _field("share")
        | _of("/", _field("rank", "id"), _constant(2, 4, -8))
        | _of(st.sampled_from(["+", "-", "*"]), _field("share"), _field("rank") | _constant(0.5, 2))
        | _of("Coalesce", _field("share"), _constant(0.25))
    )


@cache
def numbers() -> st.SearchStrategy[Any]:
    return integers() | decimals()


@cache
def texts() -> st.SearchStrategy[Any]:
    word = _constant("", "a", "x y", "É", "%", "🍎")
    leaves = _field("title", "code", "maker__name", "maker__city") | word
    place = _constant(1, 2, 4)
    return st.recursive(
        leaves,
        lambda inner: (
            _of(st.sampled_from(["Lower", "Upper", "Trim", "LTrim", "RTrim"]), inner)
            | _of(st.sampled_from(["Left", "Right"]), inner, _constant(0, 1, 3, 99))
            | _of("Substr", inner, place, _constant(0, 1, 5))
            | _of("Substr", inner, place)
            | _of("Replace", inner, _constant("a", "%", "\\", "É", "[c]"), _constant("", "zz", "%"))
            | _of("Concat", inner, inner)
            | _of(st.sampled_from(["Coalesce", "NullIf", "Greatest", "Least"]), inner, inner)
            | _of("Case", _field("rank"), _constant(-1, 0, 1), inner, inner)
        ),
        max_leaves=3,
    )


@cache
def parts() -> st.SearchStrategy[Any]:
    """Parts of moments, and moments cut to a unit."""
    days = ["year", "iso_year", "quarter", "month", "week", "day", "week_day", "iso_week_day"]
    return (
        _of("Extract", st.sampled_from(["made", "due"]), st.sampled_from(days))
        | _of("Extract", st.just("made"), st.sampled_from(["hour", "minute", "second", "date", "time"]))
        | _of("Extract", st.just("at"), st.sampled_from(["hour", "minute", "second"]))
        | _of("Trunc", st.just("made"), st.sampled_from([*UNITS, "hour", "minute"]))
        | _of("Trunc", st.just("due"), st.sampled_from(UNITS))
    )  # fmt: skip


# --- as the package builds them -------------------------------------------------------------------


def built(expression: Any) -> Any:  # noqa: PLR0911
    kind, *arguments = expression
    if kind == "field":
        return F(arguments[0])
    if kind == "value":
        return Value(arguments[0])
    if kind in OPERATORS:
        return OPERATORS[kind](built(arguments[0]), built(arguments[1]))
    if kind == "Case":
        tested, wanted, then, default = map(built, arguments)
        return Case(When(tested == wanted, then=then), default=default)
    if kind in ("Extract", "Trunc"):
        return getattr(functions, kind)(*arguments)
    if kind in ("Left", "Right", "Substr", "Replace"):  # these take their other arguments plainly
        return getattr(functions, kind)(built(arguments[0]), *(constant for _, constant in arguments[1:]))
    if kind == "StrIndex":
        return functions.StrIndex(built(arguments[0]), arguments[1][1])
    return getattr(functions, kind)(*map(built, arguments))


# --- their values ---------------------------------------------------------------------------------


def at_path(row: Row | None, path: str) -> Any:
    """A field at the end of relations to one row."""
    model: Any = Ware
    *names, field = path.split("__")
    for name in names:
        to = RELATIONS[model][name]
        others = to.walk(row) if row is not None else []
        row, model = (others[0] if others else None), to.target
    return None if row is None else row[field]


def value(row: Row, expression: Any) -> Any:
    kind, *arguments = expression
    if kind == "field":
        return at_path(row, arguments[0])
    if kind == "value":
        return arguments[0]
    if kind == "Extract":
        return part(arguments[1], row[arguments[0]])
    if kind == "Trunc":
        return trunc(arguments[1], row[arguments[0]])
    held = [value(row, argument) for argument in arguments]
    if kind == "Case":
        return held[2] if held[0] is not None and held[0] == held[1] else held[3]
    return FUNCTIONS[kind](*held)


__all__ = [
    "TITLES",
    "at_path",
    "built",
    "decimals",
    "fractions",
    "integers",
    "numbers",
    "parts",
    "texts",
    "value",
]
