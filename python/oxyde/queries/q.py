"""Q: conditions as objects, to be combined before they meet a query."""

# ruff: noqa: D102  a class and its __new__ have one docstring

from __future__ import annotations

from itertools import groupby
from typing import Any

from .. import _core
from .._core import OP_EQ, OP_GE, X_AGG, X_AND, X_BINARY, X_LITERAL, X_LOOKUP, X_NEG, X_NOT, X_OR, X_ORDER
from .expressions import Condition, Expression, kind_of

_new = _core.Expr.__new__
_PACKED = 128  # parts of a combination, above which those it has are no longer copied one by one


def is_condition(value: object) -> bool:
    """Whether a positional argument can stand for a condition, as far as its form tells."""
    if isinstance(value, (Q, Condition)):
        return True
    if not isinstance(value, Expression):
        return False
    kind = kind_of(value)
    if kind == X_LITERAL:
        return isinstance(value.data, bool)
    if kind == X_BINARY:
        return OP_EQ <= value.op <= OP_GE
    return kind not in (X_AGG, X_NEG, X_ORDER)


def _lookup(keyword: str, value: Any) -> _core.Expr:
    # An iterator would be empty at the second use of the Q.
    if keyword.endswith("__in") and hasattr(value, "__next__"):
        value = list(value)
    return _new(_core.Expr, X_LOOKUP, 0, (), (keyword, value))  # type: ignore[no-any-return]


def _is_combination(part: _core.Expr, kind: int) -> bool:
    return isinstance(part, Q) and part.kind == kind and part.data is None


def _packed(kind: int, parts: tuple[_core.Expr, ...]) -> tuple[_core.Expr, ...]:
    """The same parts in few combinations, so that adding one to thousands does not copy thousands.

    The engine takes combinations of one kind within each other for one. Packs are packed again only
    when there are many of them: nesting grows by one level in thousands of parts.
    """
    few: list[_core.Expr] = []
    for packs, run in groupby(parts, lambda part: _is_combination(part, kind)):
        found = tuple(run)
        few += found if packs or len(found) == 1 else (_new(Q, kind, 0, found, None),)
    return tuple(few) if len(few) <= _PACKED // 2 else (_new(Q, kind, 0, tuple(few), None),)


class Q(_core.Expr):
    """Conditions that are all true: `Q(ref="a", weight__gte=2) | ~Q(due=None)`.

    An empty `Q()` vanishes when it is combined. Names are checked when the Q meets a model.
    """

    __slots__ = ()

    def __new__(cls, *conditions: Any, **lookups: Any) -> Q:
        args: tuple[_core.Expr, ...] = ()
        if conditions:
            for condition in conditions:
                if not is_condition(condition):
                    raise ValueError(f"Q() takes conditions and lookups, not {condition!r}")
            args = tuple([c for c in conditions if c.args or not isinstance(c, Q)])
        if lookups:
            args += tuple([_lookup(keyword, value) for keyword, value in lookups.items()])
        # data tells Q(...), written as one group, from combinations: for repr and flattening.
        return _new(cls, X_AND, 0, args, "Q")  # type: ignore[no-any-return]

    def _joined(self, kind: int, other: Any, swapped: bool) -> Q:
        if not isinstance(other, (Q, Condition)):
            return NotImplemented  # type: ignore[no-any-return]
        if isinstance(other, Q) and not other.args:
            return self
        if not self.args:
            return other if isinstance(other, Q) else Q(other)
        left = self.args if self.kind == kind and self.data is None else (self,)
        if len(left) >= _PACKED:
            left = _packed(kind, left)
        right = other.args if isinstance(other, Q) and other.kind == kind and other.data is None else (other,)
        return _new(Q, kind, 0, right + left if swapped else left + right, None)  # type: ignore[no-any-return]

    def __and__(self, other: Q | Condition) -> Q:
        return self._joined(X_AND, other, False)

    def __or__(self, other: Q | Condition) -> Q:
        return self._joined(X_OR, other, False)

    def __rand__(self, other: Condition) -> Q:
        return self._joined(X_AND, other, True)

    def __ror__(self, other: Condition) -> Q:
        return self._joined(X_OR, other, True)

    def __invert__(self) -> Q:
        if not self.args:
            return self
        return _new(Q, X_NOT, 0, (self,), None)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        if self.kind == X_NOT:
            return f"~{self.args[0]!r}"
        parts = [
            f"{arg.data[0]}={arg.data[1]!r}"
            if arg.kind == X_LOOKUP and type(arg) is _core.Expr
            else repr(arg)[1:-1]  # a pack: its parts are ours
            if self.data is None and _is_combination(arg, self.kind)
            else repr(arg)
            for arg in self.args
        ]
        if self.data is None:
            return f"({(' OR ' if self.kind == X_OR else ' AND ').join(parts)})"
        return f"Q({', '.join(parts)})"
