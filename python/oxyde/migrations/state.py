"""`SchemaState`: what the schema is after some operations."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ._fields import (
    enum_key,
    enum_of,
    normal_field,
    normal_foreign_key,
    normal_index,
    normal_table,
    qualified,
)
from .errors import SchemaError

__all__ = ["SchemaState"]

Dict = dict[str, Any]
Operation = Mapping[str, Any]


class SchemaState:
    """Tables and enum types, changed operation by operation.

    `tables`: name (with its schema, if it has one) to table dict. `enums`: name to list of values.
    An operation on something that does not exist is ignored, because older files rely on it;
    with `strict` it is a `SchemaError`.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.tables: dict[str, Dict] = {}
        self.enums: dict[str, list[str]] = {}
        self.strict = strict
        # Where a dropped column stood: when it comes back, the snapshot is what it was.
        self._places: dict[tuple[str, str], int] = {}

    @classmethod
    def from_snapshot(cls, snapshot: Mapping[str, Any], *, strict: bool = False) -> SchemaState:
        """The state that a snapshot shows; shares nothing with it."""
        state = cls(strict=strict)
        for table in snapshot.get("tables", {}).values():
            normal = normal_table(copy.deepcopy(dict(table)), lenient=not strict)
            state.tables[qualified(normal)] = normal
        for name, values in (snapshot.get("enums") or {}).items():
            state.enums[name] = list(values)
        return state

    def to_snapshot(self) -> Dict:
        """The state as plain dicts that share nothing with it."""
        tables = {name: normal_table(table, lenient=not self.strict) for name, table in self.tables.items()}
        enums = {name: list(values) for name, values in self.enums.items()}
        for table in tables.values():
            for field in table["fields"]:
                key, used = enum_key(table, field["column_type"]), enum_of(field["column_type"])
                if key is not None and used is not None:
                    enums.setdefault(key, list(used["values"]))
        return copy.deepcopy({"version": 1, "tables": tables, "enums": dict(sorted(enums.items()))})

    def apply_operation(self, op: Operation) -> None:
        """Changes the state as the operation says."""
        kind = op.get("type")
        apply = _APPLY.get(str(kind))
        if apply is None:
            raise SchemaError(f"unknown operation {kind!r}; known are {', '.join(sorted(_APPLY))}")
        try:
            apply(self, copy.deepcopy(dict(op)))
        except KeyError as error:
            raise SchemaError(f"operation {kind}: {error.args[0]!r} is missing") from None

    # --- finding ---------------------------------------------------------------------------

    def find_table(self, name: str) -> Dict | None:
        """The table of that name: exactly, or the only one if the schema is left out or added."""
        if name in self.tables:
            return self.tables[name]
        bare = name.rpartition(".")[2]
        found = [table for key, table in self.tables.items() if bare in (key, table["name"])]
        fits = [table for table in found if "." not in name or not table.get("schema")]
        return fits[0] if len(fits) == 1 else None

    def _table(self, name: str) -> Dict | None:
        table = self.find_table(name)
        if table is None and self.strict:
            raise SchemaError(f"there is no table {name!r}")
        return table

    def _part(self, table: Dict, items: str, name: str) -> int | None:
        for at, item in enumerate(table[items]):
            if item["name"] == name:
                return at
        if self.strict:
            raise SchemaError(f"table {table['name']!r} has no {_WORDS[items]} {name!r}")
        return None

    def _store(self, table: Dict) -> None:
        self.tables[qualified(table)] = table

    # --- tables -------------------------------------------------------------------------------

    def _create_table(self, op: Dict) -> None:
        table = normal_table(op["table"], lenient=not self.strict)
        if self.strict and qualified(table) in self.tables:
            raise SchemaError(f"table {qualified(table)!r} exists already")
        self._store(table)

    def _drop_table(self, op: Dict) -> None:
        table = self._table(op["name"])
        if table is not None:
            del self.tables[qualified(table)]

    def _move(self, table: Dict, **changes: Any) -> None:
        """Another name or schema; whatever refers to the table follows."""
        old_name, old_key = table["name"], qualified(table)
        position = list(self.tables).index(old_key)
        table.update(changes)
        rest = [(key, value) for key, value in self.tables.items() if key != old_key]
        rest.insert(position, (qualified(table), table))
        self.tables = dict(rest)
        for other in self.tables.values():
            for fk in other["foreign_keys"]:
                if fk["ref_table"] in (old_name, old_key):
                    fk["ref_table"] = table["name"] if fk["ref_table"] == old_name else qualified(table)

    def _rename_table(self, op: Dict) -> None:
        table = self._table(op["old_name"])
        if table is not None:
            self._move(table, name=op["new_name"].rpartition(".")[2])

    def _set_schema(self, op: Dict) -> None:
        table = self._table(op["table"])
        if table is not None:
            self._move(table, schema=op.get("new") or None)

    def _set_comment(self, op: Dict) -> None:
        table = self._table(op["table"])
        if table is None:
            return
        if op.get("column") is None:
            table["comment"] = op.get("comment")
            return
        at = self._part(table, "fields", op["column"])
        if at is not None:
            _set(table["fields"][at], "comment", op.get("comment"))

    def _create_schema(self, op: Dict) -> None:
        op["name"]  # tables name their schemas; an empty one is nobody's business

    # --- columns ----------------------------------------------------------------------------------

    def _add_column(self, op: Dict) -> None:
        table = self._table(op["table"])
        if table is None:
            return
        field = normal_field(op["field"])
        if any(other["name"] == field["name"] for other in table["fields"]):
            if self.strict:
                raise SchemaError(f"table {table['name']!r} has a column {field['name']!r} already")
            return
        place = self._places.pop((table["name"], field["name"]), len(table["fields"]))
        table["fields"].insert(place, field)

    def _drop_column(self, op: Dict) -> None:
        table = self._table(op["table"])
        at = None if table is None else self._part(table, "fields", _name_of(op["field"]))
        if table is None or at is None:
            return
        field = table["fields"].pop(at)
        self._places[table["name"], field["name"]] = at

    def _rename_column(self, op: Dict) -> None:
        table = self._table(op["table"])
        at = None if table is None else self._part(table, "fields", op["old_name"])
        if table is None or at is None:
            return
        table["fields"][at]["name"] = op["new_name"]
        _rename_in(table, {op["old_name"]: op["new_name"]})
        for other in self.tables.values():
            for fk in other["foreign_keys"]:
                if self.find_table(fk["ref_table"]) is table:
                    fk["ref_columns"] = _renamed(fk["ref_columns"], {op["old_name"]: op["new_name"]})

    def _alter_column(self, op: Dict) -> None:
        table = self._table(op["table"])
        at = None if table is None else self._part(table, "fields", op.get("column") or _name_of(op["field"]))
        if table is None or at is None:
            return
        if op.get("new_field") is not None:
            table["fields"][at] = normal_field(op["new_field"])
            return
        table["fields"][at] = altered(table["fields"][at], op["changes"])

    def _alter_primary_key(self, op: Dict) -> None:
        table = self._table(op["table"])
        if table is not None:
            for field in table["fields"]:
                field["primary_key"] = field["name"] in op["new_columns"]

    # --- indexes and constraints -----------------------------------------------------------------------

    def _add_to(self, op: Dict, items: str, item: Dict) -> None:
        table = self._table(op["table"])
        if table is None:
            return
        if any(other["name"] == item["name"] for other in table[items]):
            if self.strict:
                raise SchemaError(f"table {table['name']!r} has a {_WORDS[items]} {item['name']!r} already")
            return
        table[items].append(item)

    def _drop_from(self, op: Dict, items: str) -> None:
        table = self._table(op["table"])
        at = None if table is None else self._part(table, items, op["name"])
        if table is not None and at is not None:
            del table[items][at]

    def _create_index(self, op: Dict) -> None:
        self._add_to(op, "indexes", normal_index(op["index"]))

    def _drop_index(self, op: Dict) -> None:
        self._drop_from(op, "indexes")

    def _rename_index(self, op: Dict) -> None:
        table = self._table(op["table"])
        at = None if table is None else self._part(table, "indexes", op["old_name"])
        if table is not None and at is not None:
            table["indexes"][at]["name"] = op["new_name"]

    def _add_foreign_key(self, op: Dict) -> None:
        self._add_to(op, "foreign_keys", normal_foreign_key(op["fk"], lenient=not self.strict))

    def _drop_foreign_key(self, op: Dict) -> None:
        self._drop_from(op, "foreign_keys")

    def _add_check(self, op: Dict) -> None:
        self._add_to(op, "checks", op["check"])

    def _drop_check(self, op: Dict) -> None:
        self._drop_from(op, "checks")

    # --- enum types ----------------------------------------------------------------------------------------

    def _create_enum_type(self, op: Dict) -> None:
        self.enums[op["name"]] = list(op["values"])

    def _drop_enum_type(self, op: Dict) -> None:
        self.enums.pop(op["name"], None)

    def _values_of(self, name: str) -> list[str] | None:
        if name in self.enums:
            return self.enums[name]
        for used in self._uses(name):
            return list(used["values"])
        if self.strict:
            raise SchemaError(f"there is no enum type {name!r}")
        return None

    def _uses(self, name: str) -> Iterable[Dict]:
        for table in self.tables.values():
            for field in table["fields"]:
                if enum_key(table, field["column_type"]) == name:
                    yield enum_of(field["column_type"])  # type: ignore[misc]  # a part of a dict of our own

    def _rewrite(self, name: str, values: list[str]) -> None:
        """The type's values, in the type and in every column that has it."""
        if name in self.enums:
            self.enums[name] = list(values)
        for used in self._uses(name):
            used["values"] = list(values)

    def _add_enum_value(self, op: Dict) -> None:
        values = self._values_of(op["name"])
        if values is None or op["value"] in values:
            return
        before = op.get("before")
        at = values.index(before) if before in values else len(values)
        self._rewrite(op["name"], [*values[:at], op["value"], *values[at:]])

    def _rename_enum_value(self, op: Dict) -> None:
        values = self._values_of(op["name"])
        if values is not None:
            self._rewrite(op["name"], _renamed(values, {op["old"]: op["new"]}))

    def _replace_enum_values(self, op: Dict) -> None:
        if self._values_of(op["name"]) is not None:
            self._rewrite(op["name"], op["new_values"])


def altered(field: Mapping[str, Any], changes: Mapping[str, Any]) -> Dict:
    """A field with the changes of `alter_column`, older spellings included."""
    merged = {**field, **changes}
    if "type" in changes and "python_type" not in changes:
        merged["python_type"] = merged.pop("type")
    resized = any(key in changes for key in ("max_length", "max_digits", "decimal_places", "db_type"))
    if "column_type" not in changes:
        if "python_type" in merged:
            del merged["column_type"]
        elif resized:
            kept = ("kind", "name", "values", "item")
            merged["column_type"] = {k: v for k, v in field["column_type"].items() if k in kept}
    return normal_field(merged)


def _set(item: Dict, key: str, value: Any) -> None:
    if value is None:
        item.pop(key, None)
    else:
        item[key] = value


def _name_of(field: Any) -> str:
    return str(field["name"] if isinstance(field, Mapping) else field)


def _renamed(names: Iterable[str], renames: Mapping[str, str]) -> list[str]:
    return [renames.get(name, name) for name in names]


def _rename_in(table: Dict, renames: Mapping[str, str]) -> None:
    for index in table["indexes"]:
        index["fields"] = _renamed(index["fields"], renames)
    for fk in table["foreign_keys"]:
        fk["columns"] = _renamed(fk["columns"], renames)


_WORDS = {"fields": "column", "indexes": "index", "foreign_keys": "foreign key", "checks": "check"}

_APPLY: dict[str, Callable[[SchemaState, Dict], None]] = {
    "create_table": SchemaState._create_table,
    "drop_table": SchemaState._drop_table,
    "rename_table": SchemaState._rename_table,
    "set_schema": SchemaState._set_schema,
    "set_comment": SchemaState._set_comment,
    "create_schema": SchemaState._create_schema,
    "add_column": SchemaState._add_column,
    "drop_column": SchemaState._drop_column,
    "rename_column": SchemaState._rename_column,
    "alter_column": SchemaState._alter_column,
    "alter_primary_key": SchemaState._alter_primary_key,
    "create_index": SchemaState._create_index,
    "drop_index": SchemaState._drop_index,
    "rename_index": SchemaState._rename_index,
    "add_foreign_key": SchemaState._add_foreign_key,
    "drop_foreign_key": SchemaState._drop_foreign_key,
    "add_check": SchemaState._add_check,
    "drop_check": SchemaState._drop_check,
    "create_enum_type": SchemaState._create_enum_type,
    "drop_enum_type": SchemaState._drop_enum_type,
    "add_enum_value": SchemaState._add_enum_value,
    "rename_enum_value": SchemaState._rename_enum_value,
    "replace_enum_type": SchemaState._replace_enum_values,
    "alter_enum_type": SchemaState._replace_enum_values,
}
