"""Statements whose rows come back, on servers without RETURNING: MySQL, and MariaDB's UPDATE.

The engine calls `without_returning` in place of the statement it cannot write.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from .. import _core
from .._core import (
    DO_DELETE,
    DO_INSERT,
    DO_SELECT,
    DO_UPDATE,
    MODE_DICTS,
    MODE_MODELS,
    MODE_TUPLES,
    SINK_AFFECTED,
    SINK_FIRST,
    SINK_INSERT_ID,
    SINK_LIST,
    operation,
)
from ..exceptions import ManagerError
from ..models._instance import _set_saved
from ..models._values import validate_field
from ._fields import column_fields, key_fields
from ._keys import batches, where_keys

__all__ = ["without_returning"]

# Keys that one statement asks for.
_AT_ONCE = 500


async def without_returning(
    *,
    what: int,
    subject: Any,
    sink: int,
    arg: Any,
    returning: Any,
    into: Any,
    database: Any,
    session: Any,
) -> Any:
    """What the statement would have given. `session`: the transaction it is part of, or None."""
    client = database if session is None else session
    if what == DO_INSERT:
        await _insert(subject, client)
        return into
    if not key_fields(subject._model):
        verb = "update" if what == DO_UPDATE else "delete"
        raise ManagerError(f"{verb}() with returning needs a primary key here: the server has no RETURNING")
    if what == DO_UPDATE and sink == SINK_FIRST:
        return await _update_one(subject, arg, returning, client)
    async with _transaction(database, session) as tx:
        if what == DO_UPDATE:
            return await _update(subject, arg, returning, tx)
        return await _delete(subject, returning, tx)


@asynccontextmanager
async def _transaction(database: Any, session: Any) -> AsyncIterator[Any]:
    if session is not None:
        yield session
        return
    from ..db.transaction import AsyncTransaction

    async with AsyncTransaction(database) as tx:
        yield tx


# --- insert --------------------------------------------------------------------------------------


async def _insert(state: _core.InsertState, client: Any) -> None:
    model: Any = state.model
    rows = state.rows
    written = state.fields
    if written is None:
        ((written, _),) = _core.InsertState.groups(model, rows, len(rows))
    written = (*written, *await _make_keys(model, rows, written, client))
    first = await operation(DO_INSERT, state.without_rows(written), SINK_INSERT_ID, client=client, write=True)
    keys = key_fields(model)
    if state.sets is not None:
        # A row may have been there, under any of its unique keys.
        await _read_back(model, rows, state.targets, column_fields(model), client)
    else:
        missing = [name for name in column_fields(model) if name not in written]
        unknown = [name for name in keys if name in missing]
        if unknown:
            if len(unknown) > 1 or not first:
                return  # the server made a key and tells nobody
            await _number(rows, unknown[0], first, client)
            missing.remove(unknown[0])
        if any(model._db_meta.columns[name].db_default is not None for name in missing):
            await _read_back(model, rows, keys, missing, client)
    for row in rows:
        _set_saved(row, True)


async def _make_keys(model: Any, rows: Any, written: tuple[str, ...], client: Any) -> list[str]:
    """Gives the rows the keys that defaults of the database would make and tell nobody; their fields."""
    made = []
    for name in key_fields(model):
        default = model._db_meta.columns[name].db_default
        if default is None or name in written:
            continue
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            asked = ", ".join(f"({default}) AS k{number}" for number in range(len(part)))
            (answer,) = await _core.raw_operation(f"SELECT {asked}", None, client=client)
            for row, value in zip(part, answer.values(), strict=True):
                _core.write_attribute(row, name, validate_field(model, name, value))
        made.append(name)
    return made


async def _number(rows: Any, name: str, first: int, client: Any) -> None:
    """Rows of one statement have consecutive numbers."""
    step = 1
    if len(rows) > 1:
        sql = "SELECT @@SESSION.auto_increment_increment AS step"
        (answer,) = await _core.raw_operation(sql, None, client=client)
        step = answer["step"]
    for position, row in enumerate(rows):
        _core.write_attribute(row, name, first + position * step)


async def _read_back(model: Any, rows: Any, by: tuple[str, ...], names: Any, client: Any) -> None:
    """Takes over what the server has, finding the rows by these fields."""
    if not by:
        return
    for part in batches(by, rows):
        keys = [tuple(getattr(row, name) for name in by) for row in part]
        # With a lock it sees what this transaction wrote and others committed, not an older snapshot.
        query = where_keys(_core.QueryState(model), by, keys)._with(
            mode=MODE_MODELS, lock=(1, False, False, ())
        )
        found = await operation(DO_SELECT, query, SINK_LIST, client=client, write=True)
        stored = {tuple(getattr(row, name) for name in by): row for row in found}
        for row, key in zip(part, keys, strict=True):
            source = stored.get(key)
            if source is None and len(part) == 1 and len(found) == 1:
                source = found[0]  # equal to the server, by its collation
            for name in names if source is not None else ():
                _core.write_attribute(row, name, source.__dict__[name])


# --- update and delete -------------------------------------------------------------------------------


async def _update_one(query: Any, changes: Any, returning: Any, client: Any) -> Any:
    """`Model.save`: the query is by key."""
    changed = await operation(DO_UPDATE, query, SINK_AFFECTED, arg=changes, client=client, write=True)
    if not changed:
        return None
    reading = _selection(query._with(mode=MODE_MODELS, lock=(1, False, False, ())), returning)
    return await operation(DO_SELECT, reading, SINK_FIRST, limit=1, client=client, write=True)


async def _update(query: Any, changes: Any, returning: Any, tx: Any) -> list[Any]:
    model, names = query._model, key_fields(query._model)
    keys = await _locked_keys(query, names, tx)
    result: list[Any] = []
    for part in batches(names, keys):
        chosen = where_keys(_core.QueryState(model), names, part)
        await operation(DO_UPDATE, chosen, SINK_AFFECTED, arg=changes, client=tx, write=True)
        result += await operation(DO_SELECT, _selection(chosen, returning), SINK_LIST, client=tx, write=True)
    return result


async def _delete(query: Any, returning: Any, tx: Any) -> list[Any]:
    model, names = query._model, key_fields(query._model)
    keys = await _locked_keys(query, names, tx)
    result: list[Any] = []
    for part in batches(names, keys):
        chosen = where_keys(_core.QueryState(model), names, part)
        result += await operation(DO_SELECT, _selection(chosen, returning), SINK_LIST, client=tx, write=True)
        await operation(DO_DELETE, chosen, SINK_AFFECTED, client=tx, write=True)
    return result


async def _locked_keys(query: Any, names: tuple[str, ...], tx: Any) -> list[tuple[Any, ...]]:
    if query._by_window:
        query = _core.QueryState(query._model)._where((), {"pk__in": query._with(prefetches=None)})
    selecting = query._with(
        fields=names, exprs=None, deferred=None, mode=MODE_TUPLES, lock=(1, False, False, ())
    )
    return await operation(DO_SELECT, selecting, SINK_LIST, client=tx, write=True)  # type: ignore[no-any-return]


def _selection(query: Any, returning: Any) -> Any:
    if returning is True:
        return query._with(mode=MODE_MODELS)
    return query._with(mode=MODE_DICTS, fields=tuple(returning))
