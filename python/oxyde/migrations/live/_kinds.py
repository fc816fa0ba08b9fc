"""Types as the servers print them, turned back into column types.

Each function gives `(column_type, db_type)`: `db_type` is None where the column type alone makes this
very type again, and else the type's text.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["ColumnType", "mysql_type", "postgres_type", "sqlite_type"]

ColumnType = tuple[dict[str, Any], "str | None"]

_SIZED = re.compile(r"(?P<name>[^()]+?)\s*\(\s*(?P<size>\d+)\s*(?:,\s*(?P<scale>-?\d+)\s*)?\)\s*(?P<rest>.*)")


def _sized(text: str) -> tuple[str, int | None, int | None]:
    """`numeric(10,2)` in parts; what stands after the parentheses belongs to the name."""
    found = _SIZED.fullmatch(text)
    if found is None:
        return text, None, None
    name = f"{found['name']} {found['rest']}".strip()
    return name, int(found["size"]), None if found["scale"] is None else int(found["scale"])


# --- PostgreSQL ----------------------------------------------------------------------------------

# Made again by the kind alone; "decimal" with its sizes too.
_PG_NATURAL = {
    "bigint": "big_integer",
    "double precision": "double",
    "boolean": "boolean",
    "bytea": "blob",
    "timestamp without time zone": "date_time",
    "timestamp with time zone": "date_time_utc",
    "date": "date",
    "time without time zone": "time",
    "uuid": "uuid",
    "numeric": "decimal",
    "jsonb": "json",
    "inet": "inet",
    "cidr": "cidr",
}
# Need their name: (kind, name before the size, name after it).
_PG_NAMED = {
    "text": ("text", "TEXT", ""),
    "integer": ("big_integer", "INTEGER", ""),
    "smallint": ("big_integer", "SMALLINT", ""),
    "real": ("double", "REAL", ""),
    "character varying": ("string", "VARCHAR", ""),
    "character": ("string", "CHAR", ""),
    "bpchar": ("text", "BPCHAR", ""),
    "timestamp without time zone": ("date_time", "TIMESTAMP", ""),
    "timestamp with time zone": ("date_time_utc", "TIMESTAMP", " WITH TIME ZONE"),
    "time without time zone": ("time", "TIME", ""),
    "time with time zone": ("time", "TIMETZ", ""),
    "interval": ("interval", "INTERVAL", ""),
    "json": ("json", "JSON", ""),
}


def postgres_type(text: str, *, base: str | None = None) -> ColumnType:
    """A type as `format_type` prints it; `base` is what a domain stands for."""
    if text.endswith("[]"):
        item, named = postgres_type(text[:-2])
        return {"kind": "array", "item": item}, None if named is None else f"{named}[]"
    if base is not None:
        return postgres_type(base)[0], text
    name, size, scale = _sized(text)
    if size is None and name in _PG_NATURAL:
        return {"kind": _PG_NATURAL[name]}, None
    return _postgres_sized(text, name, size, scale)


def _postgres_sized(text: str, name: str, size: int | None, scale: int | None) -> ColumnType:
    if name == "numeric" and size is not None:
        return {"kind": "decimal", "precision": size, "scale": scale or 0}, None
    if name == "character varying" and size is not None:
        return {"kind": "string", "length": size}, None
    if name in _PG_NAMED:
        kind, before, after = _PG_NAMED[name]
        bounds = "" if size is None else f"({size})"
        length = {"length": size} if kind == "string" and size is not None else {}
        return {"kind": kind, **length}, f"{before}{bounds}{after}"
    return {"kind": "unknown"}, text


# --- MySQL and MariaDB -------------------------------------------------------------------------------

_MY_NATURAL = {
    "bigint": "big_integer",
    "double": "double",
    "tinyint": "boolean",
    "longblob": "blob",
    "datetime(6)": "date_time",
    "date": "date",
    "time(6)": "time",
    "char(36)": "uuid",
    "json": "json",
    "decimal(65,30)": "decimal",
}
_MY_NAMED = {
    "text": ("text", "TEXT"),
    "tinytext": ("text", "TINYTEXT"),
    "mediumtext": ("text", "MEDIUMTEXT"),
    "longtext": ("text", "LONGTEXT"),
    "char": ("string", "CHAR"),
    "int": ("big_integer", "INT"),
    "smallint": ("big_integer", "SMALLINT"),
    "mediumint": ("big_integer", "MEDIUMINT"),
    "year": ("big_integer", "YEAR"),
    "float": ("double", "FLOAT"),
    "blob": ("blob", "BLOB"),
    "tinyblob": ("blob", "TINYBLOB"),
    "mediumblob": ("blob", "MEDIUMBLOB"),
    "binary": ("blob", "BINARY"),
    "varbinary": ("blob", "VARBINARY"),
    "datetime": ("date_time", "DATETIME"),
    "timestamp": ("date_time", "TIMESTAMP"),
    "time": ("time", "TIME"),
    "uuid": ("uuid", "UUID"),
    "inet4": ("inet", "INET4"),
    "inet6": ("inet", "INET6"),
}
_WIDTH = re.compile(r"^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)")


def mysql_type(text: str) -> ColumnType:
    """A type as `information_schema.columns.column_type` has it; display widths count for nothing."""
    lowered = text.lower()
    if lowered.startswith("enum("):
        return {"kind": "enum", "name": "", "values": _labels(text)}, None
    if lowered == "tinyint(1)":
        return {"kind": "boolean"}, None
    if "zerofill" not in lowered:
        lowered = _WIDTH.sub(r"\1", lowered)
    if lowered in _MY_NATURAL:
        return {"kind": _MY_NATURAL[lowered]}, None
    return _mysql_sized(text, lowered)


def _mysql_sized(text: str, lowered: str) -> ColumnType:
    name, size, scale = _sized(lowered)
    if name == "int":
        return {"kind": "big_integer"}, "INTEGER"
    if name == "varchar":
        return {"kind": "string", "length": size}, None
    if name == "decimal" and size is not None:
        return {"kind": "decimal", "precision": size, "scale": scale or 0}, None
    first = name.split()[0]
    if first in _MY_NAMED or first in ("bigint", "tinyint", "double", "decimal"):
        kind = _MY_NAMED[first][0] if first in _MY_NAMED else _MY_SIGNED[first]
        length = {"length": size} if kind == "string" and size is not None else {}
        return {"kind": kind, **length}, lowered.upper()
    return {"kind": "unknown"}, text


# With UNSIGNED or ZEROFILL behind them.
_MY_SIGNED = {"bigint": "big_integer", "tinyint": "big_integer", "double": "double", "decimal": "decimal"}


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "b": "\b", "Z": "\x1a"}


def _labels(text: str) -> list[str]:
    found = re.findall(r"'((?:[^'\\]|\\.|'')*)'", text, re.S)
    return [
        re.sub(r"\\(.)|''", lambda m: "'" if m[1] is None else _ESCAPES.get(m[1], m[1]), label, flags=re.S)
        for label in found
    ]


# --- SQLite --------------------------------------------------------------------------------------------

_LITE_NATURAL = {"INTEGER": "big_integer", "REAL": "double", "BLOB": "blob"}
_LITE_NAMED = {
    "TEXT": "text",
    "DATETIME": "date_time",
    "TIMESTAMP": "date_time",
    "DATE": "date",
    "TIME": "time",
    "BOOLEAN": "boolean",
    "BOOL": "boolean",
    "DECIMAL": "decimal",
    "NUMERIC": "decimal",
    "UUID": "uuid",
    "JSON": "json",
}
# What SQLite itself makes of a name: the first part found decides.
_LITE_AFFINITIES = (
    (("INT",), "big_integer"),
    (("CHAR", "CLOB", "TEXT"), "string"),
    (("BLOB", "BINARY"), "blob"),
    (("REAL", "FLOA", "DOUB"), "double"),
    (("NUM", "DEC", "MONEY"), "decimal"),
    (("TIMESTAMP", "DATETIME"), "date_time"),
)


def sqlite_type(declared: str) -> ColumnType:
    """A type as it was declared; none at all holds anything."""
    text = " ".join(declared.split())
    upper = text.upper()
    if not text:
        return {"kind": "text"}, "TEXT"
    if upper in _LITE_NATURAL:
        return {"kind": _LITE_NATURAL[upper]}, None
    name, size, scale = _sized(upper)
    if name == "VARCHAR" and size is not None:
        return {"kind": "string", "length": size}, None
    kind = _LITE_NAMED.get(name) or next(
        (kind for parts, kind in _LITE_AFFINITIES if any(part in name for part in parts)), "unknown"
    )
    sizes: dict[str, Any] = {}
    if kind == "string" and size is not None:
        sizes = {"length": size}
    elif kind == "decimal" and size is not None:
        sizes = {"precision": size, "scale": scale or 0}
    return {"kind": kind, **sizes}, upper if text.isascii() else text
