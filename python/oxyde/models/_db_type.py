"""The names that `db_type` may have beyond its verbatim use in DDL (models document, 5.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["DbType", "parse_db_type"]

_NAMES: dict[str, str] = {
    **dict.fromkeys(
        [
            "INT",
            "INTEGER",
            "BIGINT",
            "SMALLINT",
            "TINYINT",
            "SERIAL",
            "BIGSERIAL",
            "SMALLSERIAL",
            "INT2",
            "INT4",
            "INT8",
        ],
        "big_integer",
    ),
    **dict.fromkeys(["FLOAT", "DOUBLE", "REAL", "FLOAT4", "FLOAT8", "DOUBLE PRECISION"], "double"),
    **dict.fromkeys(["BOOL", "BOOLEAN"], "boolean"),
    **dict.fromkeys(["TEXT", "STR"], "text"),
    **dict.fromkeys(["VARCHAR", "CHAR"], "string"),
    "UUID": "uuid",
    "JSON": "json",
    "JSONB": "json_binary",
    **dict.fromkeys(["DATETIME", "TIMESTAMP"], "date_time"),
    **dict.fromkeys(["TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"], "date_time_utc"),
    "DATE": "date",
    **dict.fromkeys(["TIME", "TIMETZ"], "time"),
    **dict.fromkeys(["BYTES", "BYTEA", "BLOB"], "blob"),
    **dict.fromkeys(["DECIMAL", "NUMERIC"], "decimal"),
    "INTERVAL": "interval",
    "TIMEDELTA": "timedelta",
    "INET": "inet",
    "CIDR": "cidr",
}

_FORM = re.compile(
    r"""\s* (?P<name> [A-Z][A-Z0-9]* (?:\s+PRECISION)? ) \s*
        (?: \( \s* (?P<size>\d+) \s* (?: , \s* (?P<scale>\d+) \s* )? \) )? \s*
        (?P<zone> WITH\s+TIME\s+ZONE )? \s*
        (?P<dims> (?: \[ \s* \d* \s* \] \s* )* )""",
    re.VERBOSE | re.IGNORECASE,
)


class DbType(NamedTuple):
    """What a type name says about storing and reading."""

    kind: str
    elem: str
    ndim: int
    size: int
    scale: int


def parse_db_type(db_type: str) -> DbType | None:
    """The kind a type name stands for; None for names that leave it to the annotation."""
    form = _FORM.fullmatch(db_type)
    if form is None:
        return None
    name = " ".join(form["name"].upper().split())
    if form["zone"]:
        name += " WITH TIME ZONE"
    kind = _NAMES.get(name)
    if kind is None:
        return None
    size = int(form["size"] or 0) if kind in ("string", "decimal") else 0
    scale = -1
    if kind == "decimal" and size:
        scale = int(form["scale"] or 0)
    ndim = form["dims"].count("[")
    if ndim:
        return DbType("array", kind, ndim, size, scale)
    return DbType(kind, "", 0, size, scale)
