"""Snapshots as the engine takes them: numbers for kinds, one dict per struct of its schema room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import _core
from ._fields import enum_of

__all__ = ["describe_enums", "describe_field", "describe_tables", "is_key_column"]

Dict = dict[str, Any]


def describe_tables(tables: Iterable[Mapping[str, Any]]) -> list[Dict]:
    """Table dicts of a snapshot (normalised) for `_core.schema_diff` and the DDL functions."""
    return [_table(table) for table in tables]


def describe_enums(enums: Mapping[str, Iterable[str]]) -> list[Dict]:
    """Enum types of a snapshot, in its order."""
    described = []
    for key, values in enums.items():
        schema, _, name = key.rpartition(".")
        described.append({"name": name, "schema": schema, "values": tuple(values)})
    return described


def is_key_column(table: Mapping[str, Any], column: str) -> bool:
    """Whether a column is (part of) the primary key."""
    return any(field["primary_key"] and field["name"] == column for field in table["fields"])


def _table(table: Mapping[str, Any]) -> Dict:
    foreign = {column for fk in table["foreign_keys"] for column in fk["columns"]}
    return {
        "name": table["name"],
        "schema": table.get("schema") or "",
        "comment": table.get("comment") or "",
        "columns": [
            describe_field(field, foreign=field["name"] in foreign, schema=table.get("schema") or "")
            for field in table["fields"]
        ],
        "primary_key": tuple(field["name"] for field in table["fields"] if field["primary_key"]),
        "foreign_keys": [_foreign_key(fk) for fk in table["foreign_keys"]],
        "indexes": [_index(index) for index in table["indexes"]],
        "checks": [{"name": check["name"], "expression": check["expression"]} for check in table["checks"]],
    }


def describe_field(field: Mapping[str, Any], *, foreign: bool = False, schema: str = "") -> Dict:
    """A column for the engine; `schema` is its table's, where its enum type lives."""
    type_ = field["column_type"]
    elem, ndim = type_, 0
    while elem["kind"] == "array":
        elem, ndim = elem["item"], ndim + 1
    enum = enum_of(type_)
    return {
        "name": field["name"],
        "kind": _kind(type_["kind"]),
        "elem": _kind(elem["kind"]) if ndim else _kind("unknown"),
        "ndim": ndim,
        "size": elem.get("length") or elem.get("precision") or 0,
        "scale": -1 if elem.get("scale") is None else elem["scale"],
        "db_type": field.get("db_type") or "",
        "enum_name": enum["name"] if enum is not None else "",
        "enum_schema": schema if enum is not None else "",
        "enum_values": tuple(enum["values"]) if enum is not None else (),
        "nullable": field["nullable"],
        "primary_key": field["primary_key"],
        "unique": field["unique"],
        "python_int": type_["kind"] == "big_integer",
        "db_default": field.get("default"),
        "has_default": False,
        "default": None,
        "comment": field.get("comment") or "",
        "is_foreign_key": foreign,
    }


def _kind(name: str) -> int:
    return _core.KIND_NAMES.get(name, _core.KIND_NAMES["unknown"])


def _index(index: Mapping[str, Any]) -> Dict:
    return {
        "name": index["name"],
        "columns": tuple(index["fields"]),
        "method": index.get("method") or "",
        "where": index.get("where") or "",
        "unique": index["unique"],
        "constraint": bool(index.get("constraint")),
    }


def _foreign_key(fk: Mapping[str, Any]) -> Dict:
    schema, _, table = fk["ref_table"].rpartition(".")
    return {
        "name": fk["name"],
        "columns": tuple(fk["columns"]),
        "target_table": table,
        "target_schema": schema,
        "target_columns": tuple(fk["ref_columns"]),
        "on_delete": fk["on_delete"],
        "on_update": fk["on_update"],
    }
