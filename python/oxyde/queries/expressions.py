"""Expressions: what stands for a value in a query besides a constant.

Every class here is a thin Python face of the engine's immutable `Expr` node.
Operators build new nodes; nothing is resolved until a query is compiled.
"""

# ruff: noqa: D102  a class and its __new__ have one docstring

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .. import _core
from .._core import (
    FN_LENGTH,
    FN_LOWER,
    FN_UPPER,
    MATCH_CONTAINS,
    MATCH_ENDSWITH,
    MATCH_EXACT,
    MATCH_LIKE,
    MATCH_REGEX,
    MATCH_STARTSWITH,
    OP_ADD,
    OP_DIV,
    OP_EQ,
    OP_FLOORDIV,
    OP_GE,
    OP_GT,
    OP_LE,
    OP_LT,
    OP_MOD,
    OP_MUL,
    OP_NE,
    OP_SUB,
    X_AND,
    X_BETWEEN,
    X_BINARY,
    X_CASE,
    X_CAST,
    X_EXCLUDED,
    X_EXISTS,
    X_EXTRACT,
    X_FUNC,
    X_IN,
    X_IS_NULL,
    X_LITERAL,
    X_LOOKUP,
    X_MATCH,
    X_NAME,
    X_NEG,
    X_NOT,
    X_OR,
    X_ORDER,
    X_OUTER,
    X_PATH,
    X_RAW,
    X_SUBQUERY,
)
from ..exceptions import FieldLookupValueError
from ._types import type_spec

if TYPE_CHECKING:
    from .q import Q

_Expr = _core.Expr
_new = _core.Expr.__new__

# What an expression is, not what the model at the other end of a relation has.
own_member = object.__getattribute__

TRUNC_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")


def kind_of(value: object) -> int:
    """The kind of an expression; -1 for anything else."""
    return own_member(value, "kind") if isinstance(value, _Expr) else -1


def name_of(value: Any) -> Any:
    """The name or path that a column or `F` stands for; any other value as it is."""
    return own_member(value, "data") if kind_of(value) == X_NAME else value


def literal(value: Any) -> _Expr:
    """A bound value; its type is its own, or that of what it is compared with."""
    return _new(Value, X_LITERAL, 0, (), value)  # type: ignore[no-any-return]


def operand(value: Any) -> _Expr:
    """An expression as it is, a query as a scalar subquery, anything else as a bound value."""
    if isinstance(value, _Expr):
        return value
    if isinstance(value, _core.QueryState):
        return _new(Subquery, X_SUBQUERY, 0, (), value)  # type: ignore[no-any-return]
    return literal(value)


def argument(value: Any) -> _Expr:
    """An argument of a function or aggregate: a plain string names a field."""
    if isinstance(value, str):
        return _new(F, X_NAME, 0, (), value)  # type: ignore[no-any-return]
    return operand(value)


def part_number(part: str, allowed: Iterable[str]) -> int:
    """The number of a date part, or `ValueError` naming the possible ones."""
    names = tuple(allowed)
    if part not in names:
        raise ValueError(f"unknown date part {part!r}; use one of {', '.join(names)}")
    return _core.PART_NAMES[part]


def listed(values: Any) -> Any:
    """The elements for IN: consumed now, None dropped; a query stays as it is."""
    if isinstance(values, _core.QueryState):
        return values
    if isinstance(values, Subquery):
        return values.data
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise FieldLookupValueError(
            f"in_() takes an iterable of values or a query, not {type(values).__name__}"
        )
    return [value for value in values if value is not None]


class Condition(_core.Expr):
    """Something that is true, false or unknown for a row. Combine with `&`, `|` and `~`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise TypeError(
            "a condition has no truth value; combine conditions with &, | and ~, not with and, or and not"
        )

    def _joined(self, kind: int, other: object) -> Any:
        if not isinstance(other, Condition):
            return NotImplemented
        left = self.args if self.kind == kind and type(self) is Condition else (self,)
        right = other.args if other.kind == kind and type(other) is Condition else (other,)
        return _new(Condition, kind, 0, left + right, None)

    def __and__(self, other: Condition) -> Condition:
        return self._joined(X_AND, other)  # type: ignore[no-any-return]

    def __or__(self, other: Condition) -> Condition:
        return self._joined(X_OR, other)  # type: ignore[no-any-return]

    def __invert__(self) -> Condition:
        return _new(Condition, X_NOT, 0, (self,), None)  # type: ignore[no-any-return]

    def asc(self, *, nulls_first: bool | None = None, nulls_last: bool | None = None) -> _Expr:
        """Orders false before true."""
        return order_term(self, False, nulls_first, nulls_last)

    def desc(self, *, nulls_first: bool | None = None, nulls_last: bool | None = None) -> _Expr:
        """Orders true before false."""
        return order_term(self, True, nulls_first, nulls_last)


def order_term(expr: _Expr, descending: bool, nulls_first: bool | None, nulls_last: bool | None) -> _Expr:
    """A term of ORDER BY."""
    if nulls_first and nulls_last:
        raise ValueError("nulls_first and nulls_last exclude each other")
    nulls = -1 if nulls_first else 1 if nulls_last else 0
    return _new(_Expr, X_ORDER, 0, (expr,), (descending, nulls))  # type: ignore[no-any-return]


def _compare(op: int) -> Callable[[Expression, Any], Condition]:
    def compare(self: Expression, other: Any) -> Condition:
        if other is None:
            raise FieldLookupValueError("None cannot be compared with <, <=, > or >=; use is_null()")
        return _new(Condition, X_BINARY, op, (self, operand(other)), None)  # type: ignore[no-any-return]

    return compare


def _arithmetic(op: int) -> Callable[[Expression, Any], Expression]:
    def combine(self: Expression, other: Any) -> Expression:
        return _new(Expression, X_BINARY, op, (self, operand(other)), None)  # type: ignore[no-any-return]

    return combine


def _reflected(op: int) -> Callable[[Expression, Any], Expression]:
    def combine(self: Expression, other: Any) -> Expression:
        return _new(Expression, X_BINARY, op, (operand(other), self), None)  # type: ignore[no-any-return]

    return combine


def _text_match(keyword: str, op: int, fold: bool) -> Callable[[Expression, Any], Condition]:
    def match(self: Expression, pattern: Any) -> Condition:
        # A named field goes the way of the keyword lookup, which knows the field's category:
        # `contains` of a list or JSON field is containment, of a number it is an error.
        if kind_of(self) == X_NAME:
            return _new(Condition, X_LOOKUP, 0, (), (f"{name_of(self)}__{keyword}", pattern))  # type: ignore[no-any-return]
        return _new(Condition, X_MATCH, op, (self, operand(pattern)), fold)  # type: ignore[no-any-return]

    match.__name__ = keyword
    match.__doc__ = f"As the lookup `{keyword}`."
    return match


class Expression(_core.Expr):
    """A value computed by the database. Has operators and methods; usable wherever a field is."""

    __slots__ = ()
    __hash__ = _core.Expr.__hash__

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        if other is None:
            return _new(Condition, X_IS_NULL, 0, (self,), None)  # type: ignore[no-any-return]
        return _new(Condition, X_BINARY, OP_EQ, (self, operand(other)), None)  # type: ignore[no-any-return]

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        if other is None:
            return _new(Condition, X_IS_NULL, 1, (self,), None)  # type: ignore[no-any-return]
        return _new(Condition, X_BINARY, OP_NE, (self, operand(other)), None)  # type: ignore[no-any-return]

    __lt__ = _compare(OP_LT)
    __le__ = _compare(OP_LE)
    __gt__ = _compare(OP_GT)
    __ge__ = _compare(OP_GE)

    __add__ = _arithmetic(OP_ADD)
    __sub__ = _arithmetic(OP_SUB)
    __mul__ = _arithmetic(OP_MUL)
    __truediv__ = _arithmetic(OP_DIV)
    __floordiv__ = _arithmetic(OP_FLOORDIV)
    __mod__ = _arithmetic(OP_MOD)
    __radd__ = _reflected(OP_ADD)
    __rsub__ = _reflected(OP_SUB)
    __rmul__ = _reflected(OP_MUL)
    __rtruediv__ = _reflected(OP_DIV)
    __rfloordiv__ = _reflected(OP_FLOORDIV)
    __rmod__ = _reflected(OP_MOD)

    def __neg__(self) -> Expression:
        return _new(Expression, X_NEG, 0, (self,), None)  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        raise TypeError(
            "an expression has no truth value; compare it, and combine conditions with &, | and ~"
        )

    def __iter__(self) -> Any:
        raise TypeError(f"{type(self).__name__} is not iterable")

    def __getitem__(self, key: str | int) -> Expression:
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            raise TypeError(f"a JSON key is a str, an array index an int, not {type(key).__name__}")
        if kind_of(self) == X_PATH:
            return _new(Expression, X_PATH, 0, self.args, (*self.data, key))  # type: ignore[no-any-return]
        return _new(Expression, X_PATH, 0, (self,), (key,))  # type: ignore[no-any-return]

    def in_(self, values: Any) -> Condition:
        """One of the values, or of the rows of a query."""
        return _new(Condition, X_IN, 0, (self,), listed(values))  # type: ignore[no-any-return]

    def not_in(self, values: Any) -> Condition:
        """None of the values; unknown for NULL, as in SQL."""
        return _new(Condition, X_IN, 1, (self,), listed(values))  # type: ignore[no-any-return]

    def between(self, low: Any, high: Any) -> Condition:
        """At least `low` and at most `high`."""
        if low is None or high is None:
            raise FieldLookupValueError("between() takes two bounds that are not None")
        return _new(Condition, X_BETWEEN, 0, (self, operand(low), operand(high)), None)  # type: ignore[no-any-return]

    def is_null(self) -> Condition:
        """IS NULL."""
        return _new(Condition, X_IS_NULL, 0, (self,), None)  # type: ignore[no-any-return]

    def is_not_null(self) -> Condition:
        """IS NOT NULL."""
        return _new(Condition, X_IS_NULL, 1, (self,), None)  # type: ignore[no-any-return]

    contains = _text_match("contains", MATCH_CONTAINS, False)
    icontains = _text_match("icontains", MATCH_CONTAINS, True)
    startswith = _text_match("startswith", MATCH_STARTSWITH, False)
    istartswith = _text_match("istartswith", MATCH_STARTSWITH, True)
    endswith = _text_match("endswith", MATCH_ENDSWITH, False)
    iendswith = _text_match("iendswith", MATCH_ENDSWITH, True)
    iexact = _text_match("iexact", MATCH_EXACT, True)
    regex = _text_match("regex", MATCH_REGEX, False)
    iregex = _text_match("iregex", MATCH_REGEX, True)

    def like(self, pattern: Any) -> Condition:
        """LIKE with the pattern as given: `%` and `_` are wildcards."""
        return _new(Condition, X_MATCH, MATCH_LIKE, (self, operand(pattern)), False)  # type: ignore[no-any-return]

    def ilike(self, pattern: Any) -> Condition:
        """As `like`, ignoring case."""
        return _new(Condition, X_MATCH, MATCH_LIKE, (self, operand(pattern)), True)  # type: ignore[no-any-return]

    def asc(self, *, nulls_first: bool | None = None, nulls_last: bool | None = None) -> _Expr:
        """An ascending term for `order_by`."""
        return order_term(self, False, nulls_first, nulls_last)

    def desc(self, *, nulls_first: bool | None = None, nulls_last: bool | None = None) -> _Expr:
        """A descending term for `order_by`."""
        return order_term(self, True, nulls_first, nulls_last)

    def lower(self) -> Expression:
        """The text in lower case."""
        return _new(Expression, X_FUNC, FN_LOWER, (self,), None)  # type: ignore[no-any-return]

    def upper(self) -> Expression:
        """The text in upper case."""
        return _new(Expression, X_FUNC, FN_UPPER, (self,), None)  # type: ignore[no-any-return]

    def length(self) -> Expression:
        """The number of characters."""
        return _new(Expression, X_FUNC, FN_LENGTH, (self,), None)  # type: ignore[no-any-return]

    def cast(self, to: Any) -> Expression:
        """The value as another type, given as a Python type or annotation."""
        return _new(Expression, X_CAST, 0, (self,), type_spec(to))  # type: ignore[no-any-return]

    def extract(self, part: str) -> Expression:
        """A part of a date or time: `year`, `month`, `hour`, ..."""
        return _new(Expression, X_EXTRACT, part_number(part, _core.PART_NAMES), (self,), False)  # type: ignore[no-any-return]

    def trunc(self, unit: str) -> Expression:
        """The start of the year, month, day, ... the value lies in."""
        return _new(Expression, X_EXTRACT, part_number(unit, TRUNC_UNITS), (self,), True)  # type: ignore[no-any-return]


class F(Expression):
    """A field, path or alias by name: `F("weight") + 1`."""

    __slots__ = ()

    def __new__(cls, name: str) -> F:
        if not isinstance(name, str):
            raise TypeError(f"F() takes a name, not {type(name).__name__}")
        if not name:
            raise ValueError("F() takes a name that is not empty")
        return _new(cls, X_NAME, 0, (), name)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"F({self.data!r})"


class Value(Expression):
    """A bound constant; the way to write a text where a string would name a field."""

    __slots__ = ()

    def __new__(cls, value: Any, type: Any = None) -> Value:
        args = () if type is None else (type_spec(type),)
        return _new(cls, X_LITERAL, 0, args, value)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"Value({self.data!r})"


class Cast(Expression):
    """A value as another type: `Cast("ref", int)`."""

    __slots__ = ()

    def __new__(cls, expr: Any, to: Any) -> Cast:
        return _new(cls, X_CAST, 0, (argument(expr),), type_spec(to))  # type: ignore[no-any-return]


class When:
    """A branch of `Case`: a condition and the value it gives."""

    __slots__ = ("condition", "then")

    def __init__(self, *conditions: Any, then: Any, **lookups: Any) -> None:
        from .q import Q

        if not conditions and not lookups:
            raise ValueError("When() needs a condition")
        self.condition: Q = Q(*conditions, **lookups)
        self.then: _Expr = argument(then)


class Case(Expression):
    """The value of the first branch that is true, else `default`."""

    __slots__ = ()

    def __new__(cls, *whens: When, default: Any = None) -> Case:
        if not whens:
            raise ValueError("Case() needs at least one When()")
        args: list[_Expr] = []
        for when in whens:
            if not isinstance(when, When):
                raise TypeError(f"Case() takes When(...) objects, not {type(when).__name__}")
            args += (when.condition, when.then)
        args.append(argument(default))
        return _new(cls, X_CASE, 0, tuple(args), None)  # type: ignore[no-any-return]


def case_of(branches: list[tuple[_Expr, Any]]) -> _Expr:
    """A CASE from conditions and values as they are; for updates of many rows."""
    args: list[Any] = []
    for condition, value in branches:
        args += (condition, operand(value))
    args.append(literal(None))
    return _new(Case, X_CASE, 0, tuple(args), None)  # type: ignore[no-any-return]


def query_of(value: Any, who: str) -> _core.QueryState[Any]:
    """A query, also given as the manager it would start from."""
    if isinstance(value, _core.QueryState):
        return value
    query = getattr(value, "_base_query", None)
    if callable(query):
        return query()  # type: ignore[no-any-return]
    raise TypeError(f"{who}() takes a query, not {type(value).__name__}")


class Subquery(Expression):
    """A query of one column and one row as a value."""

    __slots__ = ()

    def __new__(cls, query: Any) -> Subquery:
        return _new(cls, X_SUBQUERY, 0, (), query_of(query, "Subquery"))  # type: ignore[no-any-return]


class Exists(Condition):
    """Whether a query has any row."""

    __slots__ = ()

    def __new__(cls, query: Any) -> Exists:
        return _new(cls, X_EXISTS, 0, (), query_of(query, "Exists"))  # type: ignore[no-any-return]


class OuterRef(Expression):
    """Inside a subquery: a field of the enclosing query."""

    __slots__ = ()

    def __new__(cls, path: str) -> OuterRef:
        if not isinstance(path, str) or not path:
            raise TypeError("OuterRef() takes the name of a field of the enclosing query")
        return _new(cls, X_OUTER, 0, (), path)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"OuterRef({self.data!r})"


class Excluded(Expression):
    """In `update_fields` of an upsert: the value that was to be inserted."""

    __slots__ = ()

    def __new__(cls, field: str) -> Excluded:
        if not isinstance(field, str) or not field:
            raise TypeError("Excluded() takes the name of a field")
        return _new(cls, X_EXCLUDED, 0, (), field)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"Excluded({self.data!r})"


class RawSQL(Expression):
    """SQL text as it is, in parentheses. `%s` takes the next of `params`, `%%` is a percent sign."""

    __slots__ = ()

    def __new__(cls, sql: str, params: Iterable[Any] = (), output: Any = None) -> RawSQL:
        if not isinstance(sql, str):
            raise TypeError(f"RawSQL() takes the SQL as a str, not {type(sql).__name__}")
        if isinstance(params, (str, bytes)):
            raise TypeError("params of RawSQL() is a list or tuple of values")
        values = tuple(operand(value) for value in params)
        to = None if output is None else type_spec(output)
        return _new(cls, X_RAW, 0, values, (sql, to))  # type: ignore[no-any-return]
