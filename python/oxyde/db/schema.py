"""Making and dropping the tables of models, without a history."""

from __future__ import annotations

import datetime
import decimal
import enum
import ipaddress
import uuid
import warnings
from collections.abc import Iterable
from typing import Any

from .. import _core
from ..exceptions import FieldError
from ..models._plan import enum_type_name, plan_of
from ..models._stored import to_stored_for
from ..models.metadata import ColumnMeta, ForeignKey, ModelMeta
from ..models.registry import assert_no_pending_models, iter_tables
from ._names import shortened
from ._shield import Shielded
from .pool import AsyncDatabase

__all__ = ["create_tables", "drop_tables"]

_SIMPLE = (
    bool,
    int,
    float,
    decimal.Decimal,
    str,
    bytes,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    uuid.UUID,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)


_CHECKS_OFF = "SET @oxyde_checks = @@SESSION.foreign_key_checks, SESSION foreign_key_checks = 0"
_CHECKS_BACK = "SET SESSION foreign_key_checks = @oxyde_checks"


async def create_tables(
    database: Any, *, models: Iterable[type[Any]] | None = None, if_not_exists: bool = False
) -> None:
    """Creates the tables of the given or of all registered models, in one transaction.

    `database` is a connected `AsyncDatabase` or a transaction. A table that exists is a
    `ProgrammingError` unless `if_not_exists`.
    """
    tables = describe_tables(_chosen(models))
    await _run(database, _core.ddl_create, tables, if_not_exists)


async def drop_tables(
    database: Any, *, models: Iterable[type[Any]] | None = None, if_exists: bool = True
) -> None:
    """Drops the tables of the given or of all registered models, referencing tables first."""
    tables = describe_tables(_chosen(models))
    await _run(database, _core.ddl_drop, tables, if_exists)


async def _run(database: Any, statements: Any, tables: list[dict[str, Any]], tolerant: bool) -> None:
    from ._resolve import in_transaction, resolve

    handle, open_one = resolve(None, database)
    if not tables:
        return
    sql = statements(tables, handle.flavor or handle.backend, tolerant)
    if handle.backend == "mysql":
        if statements is _core.ddl_drop:
            # Tables that refer to each other can be dropped only unchecked.
            sql = [_CHECKS_OFF, *sql, _CHECKS_BACK]
        # DDL commits by itself there: a transaction of our own would only pretend.
        if open_one is not None:
            await _run_mysql(open_one, sql)
        else:
            async with handle.connection() as conn:
                await _run_mysql(conn, sql)
    elif handle.backend == "sqlite" and open_one is None and statements is _core.ddl_drop:
        await _drop_on_sqlite(handle, sql)
    else:
        async with in_transaction(None, database) as transaction:
            for statement in sql:
                await transaction._run(statement)


async def _run_mysql(session: _core.Session, sql: list[str]) -> None:
    try:
        for statement in sql:
            await session._run(statement)
    except BaseException:
        if sql[-1].startswith("SET"):  # it puts the checks of foreign keys back
            await Shielded(session._run(sql[-1]))
        raise


async def _drop_on_sqlite(database: AsyncDatabase, sql: list[str]) -> None:
    # Tables that refer to each other can be dropped only unchecked; inside a transaction the
    # pragma has no effect.
    async with database.connection() as conn:
        (row,) = await conn.fetch("PRAGMA foreign_keys")
        await conn._run("PRAGMA foreign_keys = OFF", write=False)
        try:
            async with conn.transaction() as transaction:
                for statement in sql:
                    await transaction._run(statement)
        finally:
            if row["foreign_keys"]:
                await Shielded(conn._run("PRAGMA foreign_keys = ON", write=False))


def _chosen(models: Iterable[type[Any]] | None) -> list[type[Any]]:
    if models is None:
        assert_no_pending_models()
        return list(iter_tables())
    return list(dict.fromkeys(models))


# --- descriptions for the engine ----------------------------------------------------------


def describe_tables(models: Iterable[type[Any]]) -> list[dict[str, Any]]:
    """Tables as the engine's DDL functions take them; a table that two models share comes once."""
    tables: dict[tuple[str, str], dict[str, Any]] = {}
    for model in models:
        table = describe_model(model)
        known = tables.setdefault((table["schema"], table["name"]), table)
        if known is not table:
            tables[table["schema"], table["name"]] = _wider(known, table)
    return list(tables.values())


def _wider(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Of two descriptions of a table the one whose columns contain the other's."""
    for large, small in ((one, other), (other, one)):
        columns = {c["name"]: c for c in large["columns"]}
        if all(columns.get(c["name"]) == c for c in small["columns"]):
            return large
    raise FieldError(f"two models describe the table {one['name']!r} differently")


def describe_model(model: Any) -> dict[str, Any]:
    """The table of one model."""
    plan_of(model)  # finishes the model, or says what is wrong with it
    meta: ModelMeta = model._db_meta
    columns = meta.columns
    return {
        "name": meta.table_name,
        "schema": meta.schema or "",
        "comment": meta.comment or "",
        "columns": [_column(model, meta, column) for column in columns.values()],
        "primary_key": tuple(columns[name].db_column for name in meta.pk_fields),
        "foreign_keys": [_foreign_key(meta, key) for key in meta.foreign_keys.values()],
        "indexes": _indexes(model, meta) + [_unique(meta, group) for group in meta.unique_together],
        "checks": [
            {
                "name": check.name or shortened(f"chk_{meta.table_name}_{position}"),
                "expression": check.expression,
            }
            for position, check in enumerate(meta.constraints)
        ],
    }


def _column(model: Any, meta: ModelMeta, column: ColumnMeta) -> dict[str, Any]:
    type_ = column.column_type
    if type_ is None:
        raise FieldError(f"{model.__name__}.{column.name} has no column")
    native = type_.native_enum
    single_key = column.primary_key and len(meta.pk_fields) == 1
    has_default, default = _default(model, column)
    return {
        "name": column.db_column,
        "kind": _core.KIND_NAMES[type_.kind],
        "elem": _core.KIND_NAMES[type_.elem or "unknown"],
        "ndim": type_.ndim,
        "size": type_.size,
        "scale": type_.scale,
        "db_type": column.db_type or "",
        "enum_name": enum_type_name(native.__name__) if native is not None else "",
        "enum_schema": (meta.schema or "") if native is not None else "",
        "enum_values": tuple(member.value for member in native) if native is not None else (),
        "nullable": column.nullable,
        "primary_key": column.primary_key,
        "unique": column.unique and not single_key,
        "python_int": type_.shape.kind == "big_integer",
        "db_default": column.db_default,
        "has_default": has_default,
        "default": default,
        "comment": column.comment or "",
        "is_foreign_key": any(column.name in key.ids for key in meta.foreign_keys.values()),
    }


def _foreign_key(meta: ModelMeta, key: ForeignKey) -> dict[str, Any]:
    plan_of(key.target)
    target: ModelMeta = key.target._db_meta
    columns = tuple(meta.columns[name].db_column for name in key.ids)
    return {
        "name": shortened(f"fk_{meta.table_name}_{'_'.join(columns)}"),
        "columns": columns,
        "target_table": target.table_name,
        "target_schema": target.schema or "",
        "target_columns": tuple(target.columns[name].db_column for name in key.references),
        "on_delete": key.on_delete,
        "on_update": key.on_update,
    }


def _default(model: Any, column: ColumnMeta) -> tuple[bool, Any]:
    """The Python default as a simple value, or as ("json", text); False where SQL has none."""
    value = column.default
    if value is None or column.db_default is not None or column.column_type is None:
        return False, None
    annotation = model.__pydantic_fields__[column.name].rebuild_annotation()
    convert = to_stored_for(column.column_type, annotation)
    if convert is not None:
        value = convert(value)
    if isinstance(value, enum.Enum):
        value = value.value
    if column.column_type.kind in ("json", "json_binary", "array"):
        return _json_default(value)
    return (True, value) if isinstance(value, _SIMPLE) else (False, None)


def _json_default(value: Any) -> tuple[bool, Any]:
    import json

    import pydantic_core

    plain = pydantic_core.to_jsonable_python(value, inf_nan_mode="constants")
    try:
        return True, ("json", json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    except ValueError:
        return False, None


def _names(meta: ModelMeta, fields: Iterable[str]) -> tuple[str, ...]:
    """Columns of fields, relations and columns."""
    return tuple(meta.columns[field].db_column for name in fields for field in meta.fields_of(name))


def _unique(meta: ModelMeta, group: Iterable[str]) -> dict[str, Any]:
    columns = _names(meta, group)
    return {
        "name": shortened(f"{meta.table_name}_{'_'.join(columns)}_key"),
        "columns": columns,
        "method": "",
        "where": "",
        "unique": True,
        "constraint": True,
    }


def _indexes(model: Any, meta: ModelMeta) -> list[dict[str, Any]]:
    indexes: list[dict[str, Any]] = []
    for index in meta.indexes:
        columns = _names(meta, index.fields)
        indexes.append(
            {
                "name": index.name or shortened(f"{meta.table_name}_{'_'.join(columns)}_idx"),
                "columns": columns,
                "method": index.method or "",
                "where": index.where or "",
                "unique": index.unique,
                "constraint": False,
            }
        )
    covered = {index["columns"] for index in indexes}
    for column in meta.columns.values():
        if not column.index:
            continue
        alone = column.primary_key and len(meta.pk_fields) == 1
        if column.unique or alone or (column.db_column,) in covered:
            warnings.warn(
                f"{model.__name__}.{column.name}: db_index is left out, the column has an index already",
                UserWarning,
                stacklevel=2,
            )
            continue
        indexes.append(
            {
                "name": column.index_name or shortened(f"{meta.table_name}_{column.db_column}_idx"),
                "columns": (column.db_column,),
                "method": column.index_method or "",
                "where": "",
                "unique": False,
                "constraint": False,
            }
        )
    return indexes
