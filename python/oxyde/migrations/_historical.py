"""`ctx.model`: a table as a model with the columns that it has at a point of the migrations."""

from __future__ import annotations

import datetime
import decimal
import functools
import inspect
import ipaddress
import uuid
from collections.abc import Mapping
from typing import Any, Optional, Union

from ..models.base import Model
from ..models.field import Field
from ..models.registry import unregister_table
from ..queries.manager import manager_class_of
from ..queries.query import Query

__all__ = ["historical_model"]

Dict = dict[str, Any]

_TYPES: dict[str, Any] = {
    "big_integer": int,
    "double": float,
    "boolean": bool,
    "text": str,
    "string": str,
    "blob": bytes,
    "date_time": datetime.datetime,
    "date_time_utc": datetime.datetime,
    "date": datetime.date,
    "time": datetime.time,
    "timedelta": datetime.timedelta,
    "interval": datetime.timedelta,
    "uuid": uuid.UUID,
    "decimal": decimal.Decimal,
    "json": Any,
    "json_binary": Any,
    "enum": str,
    "inet": Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface],
    "cidr": Union[ipaddress.IPv4Network, ipaddress.IPv6Network],
    "unknown": Any,
}
# Kinds that the annotation alone would not give.
_DB_TYPES = {"date_time_utc": "TIMESTAMPTZ", "json": "JSON", "json_binary": "JSONB"}


def historical_model(table: Mapping[str, Any], context: Any) -> type[Any]:
    """A model of the table, unregistered; its queries run where the migration does, or not at all."""
    fields = {field["name"]: _field(field) for field in table["fields"]}
    meta = type("Meta", (), {"is_table": True, "table_name": table["name"], "schema": table.get("schema")})
    namespace: Dict = {
        "__module__": __name__,
        "__qualname__": table["name"],
        "__annotations__": {name: annotation for name, (annotation, _) in fields.items()},
        **{name: value for name, (_, value) in fields.items()},
        "Meta": meta,
        "objects": _manager(context),
    }
    namespace.update(_bound(Model, context))
    metaclass: Any = type(Model)
    model = metaclass(table["name"], (Model,), namespace)
    unregister_table(model)
    return model  # type: ignore[no-any-return]


def _field(field: Mapping[str, Any]) -> tuple[Any, Any]:
    kind = field["column_type"]
    annotation, db_type = _annotation(kind), field.get("db_type") or _DB_TYPES.get(kind["kind"])
    if kind["kind"] == "enum" and not db_type:
        annotation, db_type = _enum(kind), None
    options: Dict = {"db_pk": field["primary_key"], "db_column": field["name"]}
    if db_type:
        options["db_type"] = db_type
    if kind["kind"] == "decimal":
        options.update(max_digits=kind.get("precision"), decimal_places=kind.get("scale"))
    optional = field["nullable"] or field["primary_key"]
    if field.get("default") is not None:
        options["db_default"] = field["default"]
    elif optional:
        options["default"] = None
    return (Optional[annotation] if optional else annotation), Field(**options)


def _annotation(kind: Mapping[str, Any]) -> Any:
    if kind["kind"] == "array":
        return list[Optional[_annotation(kind["item"])]]  # type: ignore[misc]
    return _TYPES.get(kind["kind"], Any)


def _enum(kind: Mapping[str, Any]) -> Any:
    import enum

    class_name = "".join(part.capitalize() for part in str(kind["name"]).removesuffix("_enum").split("_"))
    return enum.Enum(class_name or "Values", {f"v{at}": value for at, value in enumerate(kind["values"])})


# --- queries that run where the migration runs -------------------------------------------


def _manager(context: Any) -> Any:
    namespace = _bound(Query, context)
    stream = _no_rows if context.mode == "collect" else _streamed(context)
    namespace.update(iterator=stream, __aiter__=stream)
    manager: Any = manager_class_of(type("HistoricalQuery", (Query,), namespace))
    return manager()


def _bound(owner: Any, context: Any) -> Dict:
    """The methods of a class that take a client, on the migration's connection."""
    methods: Dict = {}
    for name in dir(owner):
        method = getattr(owner, name, None)
        if name.startswith("_") or name == "iterator" or not inspect.isroutine(method):
            continue
        if "client" in inspect.signature(method).parameters:
            methods[name] = _nowhere(name, method) if context.mode == "collect" else _flushed(method, context)
    return methods


async def _no_rows(self: Any, *args: Any, **kwargs: Any) -> Any:
    return
    yield


def _streamed(context: Any) -> Any:
    async def rows(self: Any, chunk_size: int = 2000) -> Any:
        await context.flush()
        async with context.runner.client() as client:
            async for row in Query.iterator(self, chunk_size, client=client):
                yield row

    return rows


def _flushed(method: Any, context: Any) -> Any:
    """The same, on the migration's connection and after what is queued."""

    @functools.wraps(method)
    async def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        await context.flush()
        async with context.runner.client() as client:
            return await method(self, *args, **{"client": client, **kwargs})

    return run


_EMPTY: Dict = {
    "all": [],
    "count": 0,
    "exists": False,
    "update": 0,
    "delete": 0,
    "increment": 0,
    "in_bulk": {},
    "raw": [],
}


def _nowhere(name: str, method: Any) -> Any:
    """The same over no rows, without a database."""

    @functools.wraps(method)
    async def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if name in ("bulk_create", "create"):
            return list(args[0]) if name == "bulk_create" else self._model.model_construct(**kwargs)
        value = _EMPTY.get(name)
        return value.copy() if isinstance(value, (list, dict)) else value

    return run
