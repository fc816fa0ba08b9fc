"""Types and column definitions: what our DDL would write, in the words of the server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ... import _core
from .._describe import describe_tables
from ._kinds import mysql_type
from ._reading import Dict

__all__ = ["column_definition", "labels_of", "same_type"]

_SERIALS = {"SERIAL": "INTEGER", "BIGSERIAL": "BIGINT", "SMALLSERIAL": "SMALLINT"}


def column_definition(table: Mapping[str, Any], field: Mapping[str, Any], flavor: str) -> tuple[str, str]:
    """The column as our DDL writes it, without key and NOT NULL: its type, and all of it with the default."""
    foreign = {column for fk in table["foreign_keys"] for column in fk["columns"]}
    indexed = {column for index in table["indexes"] for column in index["fields"]}
    plain = {**field, "primary_key": False, "unique": False, "nullable": True, "comment": None}
    serial = _SERIALS.get(str(field.get("db_type") or "").strip().upper())
    if serial is not None and field["primary_key"]:
        plain["db_type"] = serial
    name = field["name"]
    counted = field["primary_key"] or field["unique"] or name in foreign | indexed
    shown = {
        "name": "oxyde_print",
        "fields": [plain],
        "indexes": [{"name": "i", "fields": [name], "unique": False}] if counted else [],
        "foreign_keys": [],
        "checks": [],
        "schema": table.get("schema"),
    }
    (described,) = describe_tables([shown])
    described["schema"] = ""
    bare = {**described, "columns": [{**described["columns"][0], "db_default": None}]}
    whole, alone = (_inside(_core.ddl_create([each], flavor, False)) for each in (described, bare))
    return alone[len(_name(alone)) + 1 :], whole


def _inside(statements: list[str]) -> str:
    sql = next(sql for sql in statements if sql.startswith("CREATE TABLE"))
    return sql[sql.index("(") + 1 : sql.rindex(")")]


def _name(definition: str) -> str:
    found = re.match(r'"(?:[^"]|"")*"|`(?:[^`]|``)*`', definition)
    return found[0] if found is not None else ""


# --- two types in different words ----------------------------------------------------------------------


def same_type(live: str, ours: str, backend: str) -> bool:
    """Whether the server's name of a type and ours mean one type."""
    return _SAME[backend](live, ours)


_PG_ALIASES = {
    "int8": "bigint",
    "int": "integer",
    "int4": "integer",
    "int2": "smallint",
    "float8": "double precision",
    "float": "double precision",
    "float4": "real",
    "bool": "boolean",
    "varchar": "character varying",
    "char": "character",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "timetz": "time with time zone",
    "time": "time without time zone",
    "decimal": "numeric",
}
_SIZES = re.compile(r"\s*\(([\d\s,]+)\)\s*")


def _pg_name(text: str) -> str:
    lowered = " ".join(text.replace('"', "").lower().split())
    array = re.search(r"(?:\[\d*\]\s*)+$", lowered)
    if array is not None:
        return _pg_name(lowered[: array.start()]) + "[]"
    sizes = _SIZES.search(lowered)
    name = _SIZES.sub(" ", lowered, count=1).strip()
    name = _PG_ALIASES.get(name, name)
    bounds = sizes[1].replace(" ", "") if sizes is not None else ""
    if name == "numeric" and bounds and "," not in bounds:
        bounds += ",0"
    if name == "character" and not bounds:
        bounds = "1"
    return f"{name}({bounds})" if bounds else name


_MY_ALIASES = {
    "integer": "int",
    "bool": "tinyint",
    "boolean": "tinyint",
    "double precision": "double",
    "real": "double",
    "numeric": "decimal",
    "dec": "decimal",
    "fixed": "decimal",
    "character varying": "varchar",
}
_INTS = ("tinyint", "smallint", "mediumint", "int", "bigint", "year")


def _my_name(text: str) -> str:
    lowered = " ".join(text.lower().split())
    sizes = _SIZES.search(lowered)
    name = _SIZES.sub(" ", lowered, count=1).strip()
    first, _, rest = name.partition(" ")
    name = _MY_ALIASES.get(name) or f"{_MY_ALIASES.get(first, first)} {rest}".strip()
    bounds = sizes[1].replace(" ", "") if sizes is not None else ""
    if name.split()[0] in _INTS and "zerofill" not in name:
        bounds = ""
    if name.startswith("decimal"):
        bounds = bounds or "10,0"
        bounds = bounds if "," in bounds else f"{bounds},0"
    if name in ("char", "binary") and not bounds:
        bounds = "1"
    return f"{name}({bounds})" if bounds else name


def _same_mysql(live: str, ours: str) -> bool:
    if ours.lower().startswith("enum(") and live.lower().startswith("enum("):
        one, other = mysql_type(live)[0], mysql_type(ours)[0]
        return bool(one["values"] == other["values"])
    return live == ours or _my_name(live) == _my_name(ours)


def _same_sqlite(live: str, ours: str) -> bool:
    # A column without a type takes whatever any other would.
    return not live or " ".join(live.upper().split()) == " ".join(ours.upper().split())


_SAME = {
    "postgres": lambda live, ours: live == ours or _pg_name(live) == _pg_name(ours),
    "mysql": _same_mysql,
    "sqlite": _same_sqlite,
}


def labels_of(column_type: Dict) -> list[str] | None:
    """The values of an enum column as it is in the database, named or not."""
    while column_type["kind"] == "array":
        column_type = column_type["item"]
    found = column_type.get("values") or column_type.get("labels")
    return list(found) if found else None
