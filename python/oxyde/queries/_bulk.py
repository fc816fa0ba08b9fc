"""bulk_create and bulk_update: many rows in as few statements as the database takes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import islice
from typing import Any, Literal, NamedTuple

from .. import _core
from .._core import (
    DO_INSERT,
    DO_UPDATE,
    SINK_AFFECTED,
    SINK_REFILL,
    X_AND,
    X_LOOKUP,
    X_OR,
    InsertState,
    flight,
    operation,
)
from ..exceptions import FieldError, ManagerError
from ..models._values import prepare_for_write
from ._fields import column_fields, field_names, key_fields
from .expressions import Value, case_of

_new = _core.Expr.__new__

# Parameters of one statement: PostgreSQL's driver has no more of them described, and every build of
# SQLite takes as many.
MAX_PARAMS = 7_000
# Rows of one CASE: its branches are tried one after the other, for every row.
MAX_CASES = 250
# Statements of a transaction that are sent before the first is answered, where that is possible.
# Their values are in memory together.
MOST_IN_FLIGHT = 8


class Conflict(NamedTuple):
    """What an insert does with rows that are there already."""

    action: Literal["nothing", "update"] | None
    targets: tuple[str, ...]
    sets: dict[str, Any] | None


_NONE = Conflict(None, (), None)


def _batch(batch_size: int | None) -> int:
    if batch_size is None:
        return MAX_PARAMS
    if isinstance(batch_size, bool) or not isinstance(batch_size, int):
        raise TypeError(f"batch_size is an int, not {type(batch_size).__name__}")
    if batch_size <= 0:
        raise ValueError(f"batch_size is at least 1, got {batch_size}")
    return batch_size


def _rows_of(model: Any, objects: Iterable[Any]) -> list[Any]:
    if isinstance(objects, (str, bytes, Mapping)) or not isinstance(objects, Iterable):
        raise TypeError(f"bulk_create() takes a list of instances and dicts, not {type(objects).__name__}")
    rows = list(objects)
    if not _core.are_all(model, rows):
        rows = [_row_of(model, item) for item in rows]
    prepare_for_write(model, rows)
    return rows


def _row_of(model: Any, item: Any) -> Any:
    if isinstance(item, Mapping):
        return model(**item)
    if isinstance(item, model):
        return item
    raise ManagerError(f"bulk_create() takes {model.__name__} instances and dicts, not {type(item).__name__}")


async def _nothing(value: Any) -> Any:
    return value


def bulk_insert(
    model: Any,
    objects: Iterable[Any],
    *,
    batch_size: int | None,
    ignore_conflicts: bool,
    update_conflicts: bool,
    conflict_of: Callable[[frozenset[str]], Conflict],
    using: str | None,
    client: Any,
) -> Coroutine[Any, Any, Any]:
    """Checks the arguments and gives the operation that inserts the rows."""
    if ignore_conflicts and update_conflicts:
        raise ValueError("bulk_create(): ignore_conflicts and update_conflicts exclude each other")
    limit = _batch(batch_size)
    rows = _rows_of(model, objects)
    if not rows:
        return _nothing([])
    limit = max(1, min(limit, MAX_PARAMS // max(1, len(column_fields(model)))))
    batches: list[tuple[Any, list[Any]]] = []
    for fields, group in InsertState.groups(model, rows, limit):
        conflict = _NONE
        if update_conflicts:
            conflict = conflict_of(frozenset(fields))
        elif ignore_conflicts:
            conflict = Conflict("nothing", (), None)
        state = InsertState(
            model,
            group,
            fields=fields,
            conflict=conflict.action,
            targets=conflict.targets,
            sets=conflict.sets,
            refill=conflict.action != "nothing",
            keep=conflict.action is None,
        )
        batches.append((state, group))
    if len(batches) == 1 and not ignore_conflicts:
        return operation(DO_INSERT, batches[0][0], SINK_REFILL, arg=rows, using=using, client=client)
    sink = SINK_AFFECTED if ignore_conflicts else SINK_REFILL
    return _insert_all(batches, rows, sink, using, client)


async def _insert_all(
    batches: list[tuple[Any, list[Any]]], rows: list[Any], sink: int, using: str | None, client: Any
) -> list[Any]:
    from ..db._resolve import in_transaction

    if len(batches) == 1:
        await operation(DO_INSERT, batches[0][0], sink, using=using, client=client)
        return rows
    model = batches[0][0].model
    async with in_transaction(using, client, model) as tx:
        inserts = (operation(DO_INSERT, state, sink, arg=group, client=tx) for state, group in batches)
        # The first begins the transaction, if need be on another connection.
        await next(inserts)
        if tx.database.backend == "postgres":
            # The values of one are encoded while the server works on those in front.
            while some := list(islice(inserts, MOST_IN_FLIGHT)):
                await (some[0] if len(some) == 1 else flight(some))
        for insert in inserts:
            await insert
    return rows


# --- bulk_update ------------------------------------------------------------------------------


def bulk_update(
    model: Any,
    objects: Iterable[Any],
    fields: Iterable[Any],
    *,
    batch_size: int | None,
    using: str | None,
    client: Any,
) -> Coroutine[Any, Any, int]:
    """Checks the arguments and gives the operation that updates the rows."""
    limit = _batch(batch_size)
    names = field_names(model, fields, "bulk_update()")
    keys = key_fields(model)
    if not keys:
        raise ManagerError(f"bulk_update() needs a primary key, {model.__name__} has none")
    if not names:
        raise ManagerError("bulk_update() needs at least one field")
    for name in names:
        if name in keys:
            raise FieldError(f"bulk_update() cannot change {name!r}, a field of the primary key")
    rows = list(objects)
    for row in rows:
        if not isinstance(row, model):
            raise ManagerError(f"bulk_update() takes {model.__name__} instances, not {type(row).__name__}")
    prepare_for_write(model, rows)
    for row in rows:
        if any(getattr(row, key) is None for key in keys):
            raise ManagerError(f"bulk_update() needs a primary key value in every {model.__name__}")
    if not rows:
        return _nothing(0)
    # Each row binds its key once per field, its value once per field, and its key in WHERE.
    per_row = len(names) * (len(keys) + 1) + len(keys)
    size = max(1, min(limit, MAX_CASES, MAX_PARAMS // per_row))
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    return _update_all(model, batches, names, using=using, client=client)


async def _update_all(
    model: Any, batches: list[list[Any]], names: tuple[str, ...], *, using: str | None, client: Any
) -> int:
    from ..db._resolve import in_transaction

    if len(batches) == 1:
        return int(await _update_batch(model, batches[0], names, using=using, client=client))
    changed = 0
    async with in_transaction(using, client, model) as tx:
        for batch in batches:
            changed += await _update_batch(model, batch, names, using=None, client=tx)
    return changed


def _update_batch(
    model: Any, rows: list[Any], names: tuple[str, ...], *, using: str | None, client: Any
) -> Any:
    keys = key_fields(model)
    conditions = [_key_condition(row, keys) for row in rows]
    changes: dict[str, Any] = {}
    for name in names:
        values = [getattr(row, name) for row in rows]  # validated, each once
        changes[name] = case_of(list(zip(conditions, values, strict=True)))
    query: Any = _core.QueryState(model)
    if len(keys) == 1:
        # Parameters one by one: a list that travels as an array keeps servers from using the key.
        query = query._where((), {f"{keys[0]}__in": [Value(getattr(row, keys[0])) for row in rows]})
    else:
        query = query._where((_new(_core.Expr, X_OR, 0, tuple(conditions), None),), {})
    return operation(DO_UPDATE, query, SINK_AFFECTED, arg=changes, using=using, client=client, write=True)


def _key_condition(row: Any, keys: tuple[str, ...]) -> _core.Expr:
    parts = tuple(_new(_core.Expr, X_LOOKUP, 0, (), (key, getattr(row, key))) for key in keys)
    return parts[0] if len(parts) == 1 else _new(_core.Expr, X_AND, 0, parts, None)  # type: ignore[no-any-return]


__all__ = ["Conflict", "bulk_insert", "bulk_update"]
