"""The builders: everything that makes a new query from a query.

State and cloning are the engine's (`_core.QueryState`); a builder checks its arguments and names
what changes. Names of fields are checked by `filter` and `exclude` at once, elsewhere when the
query is compiled.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

from typing_extensions import Self

from .. import _core
from .._core import (
    MODE_DICTS,
    MODE_FLAT,
    MODE_MODELS,
    MODE_TUPLES,
    SET_EXCEPT,
    SET_INTERSECT,
    SET_UNION,
    SET_UNION_ALL,
)
from ..exceptions import ManagerError
from ._base import TModel, TRow, order_terms
from ._joins import join_paths
from ._prefetch import entries_of
from .expressions import name_of, query_of
from .q import is_condition
from .writes import WriteQuery

if TYPE_CHECKING:
    from .values import FlatValuesListQuery, ValuesListQuery, ValuesQuery

# oxy_lock_kind of the query tree
_LOCK_UPDATE, _LOCK_NO_KEY_UPDATE, _LOCK_SHARE = 1, 2, 3


def _selection(method: str, fields: Iterable[Any]) -> tuple[Any, ...]:
    """Names and expressions of a selection; an expression needs a name of its own."""
    checked = tuple(fields)
    for field in checked:
        if type(field) is not str and not isinstance(name_of(field), str):
            hint = "; give it a name: values(name=...)" if isinstance(field, _core.Expr) else ""
            raise TypeError(f"{method}() takes names and columns, not {type(field).__name__}{hint}")
    return checked


def _expressions(method: str, exprs: dict[str, Any]) -> dict[str, _core.Expr]:
    for alias, expr in exprs.items():
        if not isinstance(expr, _core.Expr):
            if isinstance(expr, _core.QueryState):
                raise TypeError(f"{method}({alias}=...) takes an expression; wrap the query in Subquery(...)")
            raise TypeError(
                f"{method}({alias}=...) takes an expression, not {type(expr).__name__}; "
                "a constant is Value(...)"
            )
    return exprs


def _row_number(method: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{method}() takes an int, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{method}() takes no negative number, got {value}")
    return value


def _slice_bound(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"the {name} of a slice is an int, not {type(value).__name__}")
    number: int = value.__index__()
    if number < 0:
        raise ValueError(f"negative slicing is not supported: {name} is {number}")
    return number


class BuilderQuery(WriteQuery[TModel, TRow]):
    """Builders of a query. Every one returns a new query of the receiver's class."""

    __slots__ = ()

    # --- conditions ---------------------------------------------------------------

    def filter(self, *conditions: Any, **lookups: Any) -> Self:
        """Rows for which all conditions and lookups are true."""
        return self._where(conditions, lookups)  # type: ignore[no-any-return]

    def exclude(self, *conditions: Any, **lookups: Any) -> Self:
        """Rows for which the conditions, taken together, are not true."""
        return self._where(conditions, lookups, True)  # type: ignore[no-any-return]

    def none(self) -> Self:
        """No rows; its terminals send nothing."""
        return self._with(empty=True)  # type: ignore[no-any-return]

    # --- order, limits -----------------------------------------------------------------

    def order_by(self, *fields: Any) -> Self:
        """Appends terms to the order: names, `-name`, `"?"`, expressions. Without any: no order at all."""
        if self._sliced:
            raise ValueError("order_by() cannot follow a slice: order the rows before slicing")
        terms = order_terms(fields)
        return self._with(order=(self._order or ()) + terms if terms else ())  # type: ignore[no-any-return]

    def reverse(self) -> Self:
        """The same rows in the opposite order."""
        if self._sliced:
            raise ValueError("reverse() cannot follow a slice: reverse the rows before slicing")
        return self._with(reversed=not self._reversed)  # type: ignore[no-any-return]

    def limit(self, n: int) -> Self:
        """At most `n` rows."""
        _row_number("limit", n)
        return self._slice(0, n) if self._sliced else self._with(limit=n)  # type: ignore[no-any-return]

    def offset(self, n: int) -> Self:
        """Without the first `n` rows."""
        _row_number("offset", n)
        return self._slice(n, None) if self._sliced else self._with(offset=n)  # type: ignore[no-any-return]

    def __getitem__(self, key: int | slice) -> Self:
        if isinstance(key, slice):
            if key.step is not None and key.step != 1:
                raise ValueError(f"a query is sliced with step 1 only, got {key.step!r}")
            start = _slice_bound("start", key.start) or 0
            stop = _slice_bound("stop", key.stop)
        elif isinstance(key, bool) or not hasattr(key, "__index__"):
            raise TypeError(f"a query takes an int or a slice in brackets, not {type(key).__name__}")
        else:
            start = _slice_bound("start", key) or 0
            stop = start + 1
        return self._slice(start, stop)  # type: ignore[no-any-return]

    # Without this, __getitem__ would make a query iterable.
    __iter__ = None

    def distinct(self, *fields: Any, distinct: bool | None = None) -> Self:
        """Equal rows once; with fields, the first row per value of these fields."""
        if len(fields) == 1 and isinstance(fields[0], bool):
            if distinct is not None:
                raise TypeError("distinct() got its switch twice")
            distinct = fields[0]
        elif fields:
            return self._with(distinct=False, distinct_on=_selection("distinct", fields))  # type: ignore[no-any-return]
        return self._with(distinct=distinct is not False, distinct_on=None)  # type: ignore[no-any-return]

    # --- what is selected --------------------------------------------------------------------

    def select(self, *fields: Any) -> Self:
        """Models with the named fields loaded, and the key."""
        if not fields:
            raise ValueError("select() needs at least one field")
        return self._with(mode=MODE_MODELS, fields=_selection("select", fields), exprs=None, deferred=None)  # type: ignore[no-any-return]

    def only(self, *fields: Any) -> Self:
        """Models with the named fields loaded, and the key; the same as `select`."""
        if not fields:
            raise ValueError("only() needs at least one field")
        return self._with(mode=MODE_MODELS, fields=_selection("only", fields), exprs=None, deferred=None)  # type: ignore[no-any-return]

    def defer(self, *fields: Any) -> Self:
        """Models with all but the named fields loaded."""
        if not fields:
            raise ValueError("defer() needs at least one field")
        names = tuple(name_of(field) for field in _selection("defer", fields))
        return self._with(mode=MODE_MODELS, fields=None, exprs=None, deferred=(self._deferred or ()) + names)  # type: ignore[no-any-return]

    def values(self, *fields: Any, **exprs: Any) -> ValuesQuery[TModel]:
        """Rows as dicts: of the named fields, paths and expressions, or of all fields."""
        if not fields and not exprs:
            return self._with(mode=MODE_DICTS)  # type: ignore[no-any-return]
        return self._with(  # type: ignore[no-any-return]
            mode=MODE_DICTS, fields=_selection("values", fields), exprs=_expressions("values", exprs) or None
        )

    @overload
    def values_list(self, *fields: Any, flat: Literal[False] = False) -> ValuesListQuery[TModel]: ...
    @overload
    def values_list(self, *fields: Any, flat: Literal[True]) -> FlatValuesListQuery[TModel]: ...
    @overload
    def values_list(
        self, *fields: Any, flat: bool
    ) -> ValuesListQuery[TModel] | FlatValuesListQuery[TModel]: ...
    def values_list(self, *fields: Any, flat: bool = False) -> Any:
        """Rows as tuples in the order asked; with `flat=True` the values of the only column."""
        if flat and len(fields) > 1:
            raise ValueError(f"values_list(flat=True) takes one field, got {len(fields)}")
        mode = MODE_FLAT if flat else MODE_TUPLES
        if not fields:
            return self._with(mode=mode)
        return self._with(mode=mode, fields=_selection("values_list", fields), exprs=None)

    # --- annotations and groups ----------------------------------------------------------------

    def annotate(self, **exprs: Any) -> Self:
        """Adds computed values under the given aliases."""
        _expressions("annotate", exprs)
        changes: dict[str, Any] = {"annotations": {**(self._annotations or {}), **exprs}}
        if self._mode != MODE_MODELS and self._fields is not None:
            taken = {name_of(field) for field in self._fields}
            changes["fields"] = self._fields + tuple(alias for alias in exprs if alias not in taken)
        return self._with(**changes)  # type: ignore[no-any-return]

    def group_by(self, *fields: Any, **exprs: Any) -> Self:
        """One row per group of equal values; for `values()` and `values_list()`."""
        if not fields and not exprs:
            raise ValueError("group_by() needs at least one field")
        for field in fields:
            if not isinstance(field, (str, _core.Expr)):
                raise TypeError(f"group_by() takes names and expressions, not {type(field).__name__}")
        changes: dict[str, Any] = {"group_by": (self._group_by or ()) + fields + tuple(exprs)}
        if exprs:
            changes["annotations"] = {**(self._annotations or {}), **_expressions("group_by", exprs)}
        return self._with(**changes)  # type: ignore[no-any-return]

    def having(self, *conditions: Any, **lookups: Any) -> Self:
        """Groups for which all conditions are true: on aliases, aggregates and group columns."""
        for condition in conditions:
            if not is_condition(condition):
                raise TypeError(f"having() takes conditions and lookups, not {type(condition).__name__}")
        return self._having(conditions, lookups)  # type: ignore[no-any-return]

    # --- sets --------------------------------------------------------------------------------------

    def _combined(self, method: str, op: int, queries: tuple[Any, ...]) -> Self:
        if not queries:
            raise ValueError(f"{method}() needs at least one query")
        operands = []
        for query in queries:
            operand = query_of(query, method)
            if operand._lock is not None or self._lock is not None:
                raise ManagerError(f"{method}() cannot combine locking queries")
            operands.append(operand)
        return self._combine(op, tuple(operands))  # type: ignore[no-any-return]

    def union(self, *queries: Any) -> Self:
        """Rows of this query and of the others, equal ones once."""
        return self._combined("union", SET_UNION, queries)

    def union_all(self, *queries: Any) -> Self:
        """Rows of this query and of the others."""
        return self._combined("union_all", SET_UNION_ALL, queries)

    def intersection(self, *queries: Any) -> Self:
        """Rows that are in this query and in every other."""
        return self._combined("intersection", SET_INTERSECT, queries)

    def difference(self, *queries: Any) -> Self:
        """Rows of this query that are in none of the others."""
        return self._combined("difference", SET_EXCEPT, queries)

    # --- locks, relations ------------------------------------------------------------------------------

    def for_update(
        self,
        *,
        nowait: bool = False,
        skip_locked: bool = False,
        of: str | Iterable[str] = (),
        no_key: bool = False,
    ) -> Self:
        """Locks the rows for writing until the transaction ends."""
        kind = _LOCK_NO_KEY_UPDATE if no_key else _LOCK_UPDATE
        return self._locked("for_update", kind, nowait, skip_locked, of)

    def for_share(
        self, *, nowait: bool = False, skip_locked: bool = False, of: str | Iterable[str] = ()
    ) -> Self:
        """Locks the rows against writing until the transaction ends."""
        return self._locked("for_share", _LOCK_SHARE, nowait, skip_locked, of)

    def _locked(
        self, method: str, kind: int, nowait: bool, skip_locked: bool, of: str | Iterable[str]
    ) -> Self:
        if nowait and skip_locked:
            raise ValueError(f"{method}(): nowait and skip_locked exclude each other")
        if self._sets:
            raise ManagerError(f"{method}() cannot lock the rows of a combined query")
        names = (of,) if isinstance(of, str) else tuple(of)
        return self._with(lock=(kind, bool(nowait), bool(skip_locked), names))  # type: ignore[no-any-return]

    def join(self, *paths: Any) -> Self:
        """Loads the related rows of foreign keys and one-to-one relations in the same statement.

        A path may go on: `join("depot__region")` loads the depot and its region.
        """
        return self._with(joins=join_paths(self._model, paths, self._joins or ()))  # type: ignore[no-any-return]

    def prefetch(self, *paths: Any) -> Self:
        """Loads related rows with further statements: paths, and `Prefetch` for more than a path says."""
        if not paths:
            raise ValueError("prefetch() needs the name of a relation")
        return self._with(prefetches=entries_of(paths, self._prefetches or ()))  # type: ignore[no-any-return]


# Its plain calls are the engine's, without a frame.
setattr(BuilderQuery, "filter", _core.terminal(BuilderQuery.filter, builds=True))  # noqa: B010  checkers keep its type
