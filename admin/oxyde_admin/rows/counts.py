"""How many rows there are: exactly up to a limit, from the server's statistics beyond (7.1, 14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Literal

from oxyde import execute_raw

from .where import backend_of

if TYPE_CHECKING:
    from ..options.resource import Resource

__all__ = ["Mode", "bounded", "estimated"]

Mode = Literal["exact", "none"] | None
_On = Mapping[str, Any]


async def bounded(
    query: Any,
    limit: int,
    mode: Mode = None,
    *,
    on: _On | None = None,
    statistic: Resource | None = None,
) -> tuple[int | None, bool]:
    """The number of rows and whether it is exact.

    Never counts further than one row beyond `limit`, unless `mode` is "exact"; "none" counts
    nothing. Beyond, the number is the limit, or what the server believes of the whole table if
    `statistic` is the resource that the query reads without any filter. `on` says where to ask.
    """
    where = dict(on or {})
    if mode == "none":
        return None, False
    if mode == "exact":
        return await query.order_by().count(**where), True
    number = await query.order_by().limit(limit + 1).count(**where)
    if number <= limit:
        return number, True
    if statistic is not None:
        return max(number, await estimated(statistic, where) or 0), False
    return limit, False


async def estimated(resource: Resource, on: _On | None = None) -> int | None:
    """What the server's statistics say of the rows in the table; None if they say nothing."""
    where = dict(on or {})
    backend = await backend_of(resource, where.get("client"))
    meta = resource.model._db_meta
    return await _STATISTIC[backend](meta.table_name, meta.schema, where)


async def _postgres(table: str, schema: str | None, on: _On) -> int | None:
    quoted = ".".join('"{}"'.format(part.replace('"', '""')) for part in (schema, table) if part)
    sql = "SELECT reltuples::bigint AS n FROM pg_class WHERE oid = to_regclass($1)"
    rows = await execute_raw(sql, [quoted], **on)
    # -1: never vacuumed or analysed.
    return int(rows[0]["n"]) if rows and rows[0]["n"] >= 0 else None


async def _mysql(table: str, schema: str | None, on: _On) -> int | None:
    sql = (
        "SELECT table_rows AS n FROM information_schema.tables "
        "WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?"
    )
    rows = await execute_raw(sql, [schema, table], **on)
    return int(rows[0]["n"]) if rows and rows[0]["n"] is not None else None


async def _sqlite(table: str, schema: str | None, on: _On) -> int | None:
    prefix = '"{}".'.format(schema.replace('"', '""')) if schema else ""
    there = f"SELECT 1 FROM {prefix}sqlite_master WHERE name = 'sqlite_stat1'"
    if not await execute_raw(there, **on):
        return None  # ANALYZE never ran
    rows = await execute_raw(f"SELECT stat FROM {prefix}sqlite_stat1 WHERE tbl = ?", [table], **on)
    numbers = [int(found[0]) for row in rows if (found := re.match(r"\d+", str(row["stat"])))]
    return max(numbers, default=None)


_STATISTIC: Mapping[str, Callable[[str, str | None, _On], Coroutine[Any, Any, int | None]]] = {
    "postgres": _postgres,
    "mysql": _mysql,
    "sqlite": _sqlite,
}
