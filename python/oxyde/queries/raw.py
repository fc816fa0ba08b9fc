"""Raw SQL: rows as dicts, and as instances of whatever class is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache
from typing import Any, TypeVar, get_origin, overload

from pydantic import BaseModel, TypeAdapter
from typing_extensions import is_typeddict

from .._core import SINK_LIST, raw_operation
from ..exceptions import FieldError

__all__ = ["execute_raw", "fetch_as", "raw_models"]

T = TypeVar("T")

# As rows are loaded; a class's aliases are good names for columns, too.
_LAX: dict[str, Any] = {"strict": False, "by_alias": True, "by_name": True}


def _check(method: str, sql: Any, params: Any) -> None:
    if not isinstance(sql, str):
        raise TypeError(f"{method}() takes the SQL as a str, not {type(sql).__name__}")
    if params is not None and not isinstance(params, (list, tuple)):
        raise TypeError(f"params is a list or tuple, not {type(params).__name__}")


def execute_raw(
    sql: str, params: Sequence[Any] | None = None, *, using: str | None = None, client: Any = None
) -> Coroutine[Any, Any, list[dict[str, Any]]]:
    """Runs one statement as it is written; rows as dicts by the names the database gives them.

    Placeholders are the database's own: `?` on SQLite and MySQL, `$1` on PostgreSQL.
    """
    _check("execute_raw", sql, params)
    return raw_operation(sql, params, using=using, client=client, sink=SINK_LIST)


def raw_models(
    model: Any, sql: str, params: Sequence[Any] | None, using: str | None, client: Any
) -> Coroutine[Any, Any, list[Any]]:
    """The rows of one statement as instances of a table's class."""
    from ..db.router import routed

    _check("raw", sql, params)
    if client is None:
        using = using or routed(model, True)
    return raw_operation(sql, params, using=using, client=client, sink=SINK_LIST, model=model)


# --- any class --------------------------------------------------------------------------------


@overload
def fetch_as(
    sql: str,
    params: Sequence[Any] | None = None,
    *,
    into: type[T],
    using: str | None = None,
    client: Any = None,
) -> Coroutine[Any, Any, list[T]]: ...
@overload
def fetch_as(
    sql: str, params: Sequence[Any] | None = None, *, into: Any, using: str | None = None, client: Any = None
) -> Coroutine[Any, Any, list[Any]]: ...
def fetch_as(
    sql: str, params: Sequence[Any] | None = None, *, into: Any, using: str | None = None, client: Any = None
) -> Coroutine[Any, Any, list[Any]]:
    """Runs one statement; its rows as validated instances of `into`.

    `into` is a Pydantic class, a dataclass, a TypedDict or a dict, filled by the names of the columns;
    a tuple or NamedTuple, filled in their order; or any other type, for statements of one column.
    A class that is a table reads its columns as queries do.
    """
    _check("fetch_as", sql, params)
    if _is_table(into):
        return raw_models(into, sql, params, using, client)
    convert = _converter(into)
    rows = raw_operation(sql, params, using=using, client=client, sink=SINK_LIST)
    return _converted(rows, convert)


async def _converted(rows: Coroutine[Any, Any, list[Any]], convert: Callable[[Any], Any]) -> list[Any]:
    return [convert(row) for row in await rows]


def _is_table(into: Any) -> bool:
    from ..models.base import Model

    return isinstance(into, type) and issubclass(into, Model) and into._db_meta.is_table


def _converter(into: Any) -> Callable[[dict[str, Any]], Any]:
    try:
        return _make_converter(into)
    except TypeError:  # not hashable: made anew each time
        return _make_converter.__wrapped__(into)


@lru_cache(maxsize=256)
def _make_converter(into: Any) -> Callable[[dict[str, Any]], Any]:
    validate = TypeAdapter(into).validator.validate_python
    shape = get_origin(into) or into
    if _is_mapping(shape):
        return lambda row: validate(row, **_LAX)
    if isinstance(shape, type) and issubclass(shape, tuple):
        return lambda row: validate(tuple(row.values()), **_LAX)

    def scalar(row: dict[str, Any]) -> Any:
        if len(row) != 1:
            names = ", ".join(map(repr, row))
            raise FieldError(
                f"fetch_as(into={_name_of(into)}) takes one column, the statement gives {len(row)}: {names}; "
                "select one, or name a class that has all of them"
            )
        (value,) = row.values()
        return validate(value, **_LAX)

    return scalar


def _is_mapping(shape: Any) -> bool:
    if is_typeddict(shape) or dataclasses.is_dataclass(shape):
        return True
    return isinstance(shape, type) and issubclass(shape, (BaseModel, dict))


def _name_of(into: Any) -> str:
    return into.__name__ if isinstance(into, type) else repr(into)
