"""The terminals that read. One statement is one `_core.operation`, returned as it is."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from .. import _core
from .._core import (
    DO_AGGREGATE,
    DO_COUNT,
    DO_EXISTS,
    DO_SELECT,
    MODE_DICTS,
    MODE_FLAT,
    MODE_MODELS,
    MODE_TUPLES,
    SINK_DICT,
    SINK_FIRST,
    SINK_LIST,
    SINK_ONE,
    SINK_ONE_OR_NONE,
    SINK_SCALAR,
    operation,
)
from ..exceptions import FieldLookupError
from ._base import State, TModel, TRow, TSchema, order_terms
from ._dates import distinct_dates, distinct_datetimes
from ._explain import explain_prefix, plain, plan_of_rows
from ._fields import column_fields, is_unique, key_fields
from ._keys import with_row
from ._prefetch import Loading
from ._projection import read_as
from ._stream import stream_of
from .aggregates import Aggregate, Avg, Max, Min, Sum
from .expressions import F
from .raw import execute_raw, raw_models

if TYPE_CHECKING:
    from .._core import Stream

_KEY = "oxyde__key"  # no field can be called so: paths are split at the double underscore

_MODES = {"models": MODE_MODELS, "dict": MODE_DICTS, "list": MODE_TUPLES}


class ReadQuery(State, Generic[TModel, TRow]):
    """Terminals that read rows."""

    __slots__ = ()

    # --- lists ----------------------------------------------------------------------

    @overload
    def all(
        self, *, using: str | None = None, client: Any = None, mode: None = None
    ) -> Coroutine[Any, Any, list[TRow]]: ...
    @overload
    def all(
        self, *, using: str | None = None, client: Any = None, mode: Literal["models"]
    ) -> Coroutine[Any, Any, list[TModel]]: ...
    @overload
    def all(
        self, *, using: str | None = None, client: Any = None, mode: Literal["dict"]
    ) -> Coroutine[Any, Any, list[dict[str, Any]]]: ...
    @overload
    def all(
        self, *, using: str | None = None, client: Any = None, mode: Literal["list"]
    ) -> Coroutine[Any, Any, list[tuple[Any, ...]]]: ...
    @overload
    def all(
        self, *, using: str | None = None, client: Any = None, as_: type[TSchema]
    ) -> Coroutine[Any, Any, list[TSchema]]: ...
    def all(
        self, *, using: str | None = None, client: Any = None, mode: str | None = None, as_: Any = None
    ) -> Any:
        """All rows, in the result mode of the query or in the one named.

        `as_` names a Pydantic class: only what its fields need is selected, and each row is one
        instance of it.
        """
        if as_ is not None:
            if mode is not None:
                raise ValueError("all() takes mode or as_, not both")
            return read_as(self, as_, SINK_LIST, using=using, client=client)
        query = self if mode is None else self._in_mode(mode)
        return operation(DO_SELECT, query, SINK_LIST, using=using, client=client)

    def _in_mode(self, mode: str) -> Any:
        if mode not in _MODES:
            raise ValueError(f"mode is 'models', 'dict' or 'list', not {mode!r}")
        return self._with(mode=_MODES[mode])

    def fetch_all(self, client: Any = None, *, using: str | None = None) -> Coroutine[Any, Any, list[Any]]:
        """All rows as dicts; as tuples or scalars after `values_list()`."""
        query = self._with(mode=MODE_DICTS) if self._mode == MODE_MODELS else self
        return operation(DO_SELECT, query, SINK_LIST, using=using, client=client)

    def fetch_one(self, client: Any = None, *, using: str | None = None) -> Coroutine[Any, Any, Any]:
        """The first row as `fetch_all` gives it, or None."""
        query = self._with(mode=MODE_DICTS) if self._mode == MODE_MODELS else self
        return operation(DO_SELECT, query, SINK_FIRST, limit=1, using=using, client=client)

    def fetch_rows(
        self, client: Any = None, *, using: str | None = None
    ) -> Coroutine[Any, Any, list[dict[str, Any]]]:
        """All rows as dicts, whatever the result mode."""
        return operation(DO_SELECT, self._with(mode=MODE_DICTS), SINK_LIST, using=using, client=client)

    def fetch_models(
        self, client: Any = None, *, using: str | None = None
    ) -> Coroutine[Any, Any, list[TModel]]:
        """All rows as models, whatever the result mode."""
        return operation(DO_SELECT, self._with(mode=MODE_MODELS), SINK_LIST, using=using, client=client)

    # --- one row ---------------------------------------------------------------------

    @overload
    def get(
        self, *conditions: Any, using: str | None = None, client: Any = None, as_: None = None, **lookups: Any
    ) -> Coroutine[Any, Any, TRow]: ...
    @overload
    def get(
        self,
        *conditions: Any,
        using: str | None = None,
        client: Any = None,
        as_: type[TSchema],
        **lookups: Any,
    ) -> Coroutine[Any, Any, TSchema]: ...
    def get(
        self, *conditions: Any, using: str | None = None, client: Any = None, as_: Any = None, **lookups: Any
    ) -> Any:
        """The only row; `NotFoundError` without one, `MultipleObjectsReturned` with several."""
        query = self._where(conditions, lookups) if conditions or lookups else self
        if as_ is not None:
            return read_as(query, as_, SINK_ONE, limit=2, using=using, client=client)
        return operation(DO_SELECT, query, SINK_ONE, limit=2, using=using, client=client)

    @overload
    def get_or_none(
        self, *conditions: Any, using: str | None = None, client: Any = None, as_: None = None, **lookups: Any
    ) -> Coroutine[Any, Any, TRow | None]: ...
    @overload
    def get_or_none(
        self,
        *conditions: Any,
        using: str | None = None,
        client: Any = None,
        as_: type[TSchema],
        **lookups: Any,
    ) -> Coroutine[Any, Any, TSchema | None]: ...
    def get_or_none(
        self, *conditions: Any, using: str | None = None, client: Any = None, as_: Any = None, **lookups: Any
    ) -> Any:
        """The only row, or None; several still raise `MultipleObjectsReturned`."""
        query = self._where(conditions, lookups) if conditions or lookups else self
        if as_ is not None:
            return read_as(query, as_, SINK_ONE_OR_NONE, limit=2, using=using, client=client)
        return operation(DO_SELECT, query, SINK_ONE_OR_NONE, limit=2, using=using, client=client)

    @overload
    def first(
        self, *, using: str | None = None, client: Any = None, as_: None = None
    ) -> Coroutine[Any, Any, TRow | None]: ...
    @overload
    def first(
        self, *, using: str | None = None, client: Any = None, as_: type[TSchema]
    ) -> Coroutine[Any, Any, TSchema | None]: ...
    def first(self, *, using: str | None = None, client: Any = None, as_: Any = None) -> Any:
        """The first row, or None; by primary key where the query has no order."""
        if as_ is not None:
            return read_as(self._by_default(), as_, SINK_FIRST, limit=1, using=using, client=client)
        return operation(DO_SELECT, self._by_default(), SINK_FIRST, limit=1, using=using, client=client)

    def last(self, *, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, TRow | None]:
        """The last row, or None; by primary key where the query has no order."""
        query = self._by_default(required=True)
        if self._sliced or self._limit >= 0 or self._offset > 0:
            # Its number depends on how many rows there are, so the slice is read whole.
            return _last_of(query, using, client)
        return operation(
            DO_SELECT,
            query._with(reversed=not query._reversed),
            SINK_FIRST,
            limit=1,
            using=using,
            client=client,
        )

    def _by_default(self, required: bool = False) -> Any:
        """Itself if it has an order, else ordered by the key."""
        if self._ordered or self._group_by or self._sets:
            return self
        keys = key_fields(self._model)
        if keys:
            return self._with(order=order_terms(keys))
        if required:
            raise FieldLookupError(
                f"last() needs an order: {self._model.__name__} has no primary key, add .order_by(...)"
            )
        return self

    def earliest(
        self, *fields: Any, using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, TRow]:
        """The first row by these fields, else by `Meta.ordering`; `NotFoundError` without rows."""
        return operation(
            DO_SELECT, self._by("earliest", fields), SINK_ONE, limit=1, using=using, client=client
        )

    def latest(self, *fields: Any, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, TRow]:
        """The last row by these fields, else by `Meta.ordering`; `NotFoundError` without rows."""
        query = self._by("latest", fields)
        return operation(DO_SELECT, query._with(reversed=True), SINK_ONE, limit=1, using=using, client=client)

    def _by(self, method: str, fields: tuple[Any, ...]) -> Any:
        if self._sliced:
            raise ValueError(f"{method}() cannot follow a slice")
        if not fields and not self._with(order=None)._ordered:
            raise ValueError(f"{method}() needs a field: {self._model.__name__} has no Meta.ordering")
        return self._with(order=order_terms(fields) if fields else None, reversed=False)

    async def in_bulk(
        self,
        ids: Iterable[Any] | None = None,
        *,
        field_name: str = "pk",
        using: str | None = None,
        client: Any = None,
    ) -> dict[Any, TRow]:
        """The rows by key: of the given keys, or all."""
        if not is_unique(self._model, field_name):
            raise ValueError(f"in_bulk() needs a unique field, {self._model.__name__}.{field_name} is not")
        query: Any = self
        if ids is not None:
            wanted = list(ids)
            if not wanted:
                return {}
            query = query._where((), {f"{field_name}__in": wanted})
        keys = key_fields(self._model) if field_name == "pk" else (field_name,)
        if self._mode == MODE_MODELS:
            rows = await operation(DO_SELECT, query, SINK_LIST, using=using, client=client)
            if len(keys) == 1:
                return {getattr(row, keys[0]): row for row in rows}
            return {tuple(getattr(row, key) for key in keys): row for row in rows}
        return await self._values_in_bulk(query, keys, using, client)

    async def _values_in_bulk(
        self, query: Any, keys: tuple[str, ...], using: str | None, client: Any
    ) -> dict[Any, Any]:
        # The key travels as further columns behind the selection, and is cut off again.
        aliases = {f"{_KEY}{number}": F(name) for number, name in enumerate(keys)}
        mode = MODE_DICTS if self._mode == MODE_DICTS else MODE_TUPLES
        fields = column_fields(self._model) if query._fields is None else query._fields
        annotations = {**(query._annotations or {}), **aliases}
        query = query._with(fields=(*fields, *aliases), annotations=annotations, mode=mode)
        result: dict[Any, Any] = {}
        for row in await operation(DO_SELECT, query, SINK_LIST, using=using, client=client):
            if mode == MODE_DICTS:
                key = tuple(row.pop(alias) for alias in aliases)
                value = row
            else:
                key, value = row[-len(keys) :], row[: -len(keys)]
                if self._mode == MODE_FLAT:
                    value = value[0]
            result[key if len(keys) > 1 else key[0]] = value
        return result

    # --- figures ---------------------------------------------------------------------------

    def exists(self, *, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, bool]:
        """Whether there is any row."""
        return operation(DO_EXISTS, self, SINK_SCALAR, using=using, client=client)

    def count(self, *, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, int]:
        """The number of rows that `all()` would give."""
        return operation(DO_COUNT, self, SINK_SCALAR, using=using, client=client)

    def contains(
        self, obj: TModel, *, using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, bool]:
        """Whether the object's row is among those that `all()` would give."""
        return operation(DO_EXISTS, with_row(self, obj), SINK_SCALAR, using=using, client=client)

    def dates(
        self, field: Any, kind: str, order: str = "ASC", *, using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, list[date]]:
        """The years, months, weeks or days that rows have a date in: the first day of each, once."""
        query = distinct_dates(self, field, kind, order)
        return operation(DO_SELECT, query, SINK_LIST, using=using, client=client)

    def datetimes(
        self, field: Any, kind: str, order: str = "ASC", *, using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, list[datetime]]:
        """As `dates`, of a datetime, down to `hour`, `minute` and `second`: the beginning of each, once."""
        query = distinct_datetimes(self, field, kind, order)
        return operation(DO_SELECT, query, SINK_LIST, using=using, client=client)

    def sum(self, field: Any, *, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, Any]:
        """Sum of a field or expression, None over no rows."""
        return operation(DO_AGGREGATE, self, SINK_SCALAR, arg={"sum": Sum(field)}, using=using, client=client)

    def avg(self, field: Any, *, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, Any]:
        """Mean of a field or expression, None over no rows."""
        return operation(DO_AGGREGATE, self, SINK_SCALAR, arg={"avg": Avg(field)}, using=using, client=client)

    def max(self, field: Any, *, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, Any]:
        """Greatest value of a field or expression, None over no rows."""
        return operation(DO_AGGREGATE, self, SINK_SCALAR, arg={"max": Max(field)}, using=using, client=client)

    def min(self, field: Any, *, using: str | None = None, client: Any = None) -> Coroutine[Any, Any, Any]:
        """Least value of a field or expression, None over no rows."""
        return operation(DO_AGGREGATE, self, SINK_SCALAR, arg={"min": Min(field)}, using=using, client=client)

    def aggregate(
        self, *aggregates: Aggregate, using: str | None = None, client: Any = None, **named: Any
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        """Several figures in one statement, as a dict; unnamed ones are called `weight__sum`."""
        arg: dict[str, Any] = {}
        for aggregate in aggregates:
            if not isinstance(aggregate, Aggregate):
                raise TypeError(f"aggregate() takes aggregates, not {type(aggregate).__name__}")
            arg[aggregate.default_alias] = aggregate
        for alias, expr in named.items():
            if not isinstance(expr, _core.Expr):
                raise TypeError(f"aggregate({alias}=...) takes an aggregate, not {type(expr).__name__}")
            arg[alias] = expr
        if not arg:
            raise ValueError("aggregate() needs at least one aggregate")
        return operation(DO_AGGREGATE, self, SINK_DICT, arg=arg, using=using, client=client)

    # --- streaming ---------------------------------------------------------------------------

    def iterator(
        self, chunk_size: int = 2000, *, using: str | None = None, client: Any = None
    ) -> Stream[TRow]:
        """Rows one by one, in the memory of `chunk_size` rows: `async for row in query.iterator(): ...`."""
        return stream_of(self, chunk_size, using, client)

    def __aiter__(self) -> Stream[TRow]:
        return self.iterator()

    # --- raw SQL ------------------------------------------------------------------------------

    def raw(
        self, sql: str, params: Sequence[Any] | None = None, *, using: str | None = None, client: Any = None
    ) -> Coroutine[Any, Any, list[TModel]]:
        """The rows of one statement of your own as models; nothing of this query takes part in it.

        Columns are named like the table's columns or like fields. The key must be among them; fields
        that do not come are unloaded, other columns become attributes.
        """
        return raw_models(self._model, sql, params, using, client)

    # --- introspection ------------------------------------------------------------------------

    def sql(self, *, dialect: str = "postgres") -> tuple[str, list[Any]]:
        """The SELECT that `all()` would run, with its parameters. Needs no connection."""
        if self._prefetches and self._mode == MODE_MODELS:
            return Loading(self).query._sql(dialect)  # type: ignore[no-any-return]
        return self._sql(dialect)

    async def explain(
        self,
        *,
        analyze: bool = False,
        format: str = "text",
        using: str | None = None,
        client: Any = None,
    ) -> Any:
        """How the database would run the query: text, or with `format="json"` a structure."""
        from ..db._resolve import flavor_of, for_write

        if format not in ("text", "json"):
            raise ValueError(f"format is 'text' or 'json', not {format!r}")
        flavor = await flavor_of(using, client, self._model)
        using = for_write(using, client, self._model)
        text, params = self._sql(flavor)
        statement = f"{explain_prefix(flavor, analyze, format)} {text}"
        rows = await execute_raw(statement, plain(params), using=using, client=client)
        return plan_of_rows(flavor, format, rows)


async def _last_of(query: Any, using: str | None, client: Any) -> Any:
    rows = await operation(DO_SELECT, query, SINK_LIST, using=using, client=client)
    return rows[-1] if rows else None


def _without_frames() -> None:
    """The plain calls of the commonest terminals are the engine's; see `_core.terminal`."""
    for name, what, sink, limit in (
        ("all", DO_SELECT, SINK_LIST, -1),
        ("get", DO_SELECT, SINK_ONE, 2),
        ("get_or_none", DO_SELECT, SINK_ONE_OR_NONE, 2),
        ("exists", DO_EXISTS, SINK_SCALAR, -1),
        ("count", DO_COUNT, SINK_SCALAR, -1),
    ):
        written = ReadQuery.__dict__[name]
        setattr(ReadQuery, name, _core.terminal(written, what=what, sink=sink, limit=limit))


_without_frames()
