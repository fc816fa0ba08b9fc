"""`compute_diff`: the operations that lead from one snapshot to another."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import _core
from ._describe import describe_enums, describe_tables
from ._fields import enum_key, enum_of, normal_field, qualified
from .errors import SchemaError
from .state import SchemaState

__all__ = ["compute_diff"]

Dict = dict[str, Any]
Change = tuple[str, "int | None", "int | None", "int | None", "int | None", str, str, tuple[int, ...]]

_TABLE, _COLUMN, _ENUM_VALUE, _REPLACED_VALUE = range(4)  # oxy_rename_kind


def compute_diff(
    old: Mapping[str, Any], new: Mapping[str, Any], *, renames: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """The operations that turn the schema `old` into `new`, in the order in which they can run.

    `renames` says what was renamed rather than dropped and added: `"crate:box"` (a table),
    `"crate.kg:weight_kg"` (a column), `"fruit_state_enum.old:new"` (an enum value).
    """
    before = SchemaState.from_snapshot(old).to_snapshot()
    after = SchemaState.from_snapshot(new).to_snapshot()
    return _Diff(before, after).operations(renames)


class _Diff:
    """Two snapshots by number, and what the engine's changes mean for them."""

    def __init__(self, old: Dict, new: Dict) -> None:
        self.old: list[Dict] = list(old["tables"].values())
        self.new: list[Dict] = list(new["tables"].values())
        self.old_enums: dict[str, list[str]] = old["enums"]
        self.new_enums: dict[str, list[str]] = new["enums"]
        self.growing: dict[str, list[str]] = {name: list(values) for name, values in old["enums"].items()}
        self.mapping: dict[str, dict[str, str]] = {}

    def operations(self, renames: Iterable[str]) -> list[Dict]:
        changes = _core.schema_diff(
            self._described(self.old, self.old_enums),
            self._described(self.new, self.new_enums),
            [self._rename(text) for text in renames],
        )
        return [copy.deepcopy(_MAKE[change[0]](self, change)) for change in changes]

    @staticmethod
    def _described(tables: list[Dict], enums: Mapping[str, list[str]]) -> tuple[Any, Any, Any]:
        # A file with `format = 2` marks its tables; see replay.
        legacy = [at for at, table in enumerate(tables) if table.get("legacy")]
        return describe_tables(tables), describe_enums(enums), legacy

    def _rename(self, text: str) -> tuple[int, str, str, str]:
        old, colon, new = text.partition(":")
        owner, dot, name = old.rpartition(".")
        if not colon or not old or not new:
            raise SchemaError(f"a rename is written OLD:NEW, not {text!r}")
        if any(qualified(table) == old for table in self.old) or not dot:
            return (_TABLE, "", old, new)
        if owner in self.old_enums:
            known = self.new_enums.get(owner, ())
            kind = _REPLACED_VALUE if new in self.old_enums[owner] and new in known else _ENUM_VALUE
            if kind == _REPLACED_VALUE:
                self.mapping.setdefault(owner, {})[name] = new
            return (kind, owner, name, new)
        return (_COLUMN, owner, name, new)

    # --- what a change is about ------------------------------------------------------------

    def _old_table(self, change: Change) -> Dict:
        assert change[1] is not None
        return self.old[change[1]]

    def _new_table(self, change: Change) -> Dict:
        assert change[2] is not None
        return self.new[change[2]]

    def _now(self, change: Change) -> str:
        """The table's name when the operation runs: renames come before most."""
        return qualified(self._new_table(change) if change[2] is not None else self._old_table(change))

    def _old_enum(self, change: Change) -> tuple[str, list[str]]:
        assert change[3] is not None
        return list(self.old_enums.items())[change[3]]

    def _new_enum(self, change: Change) -> tuple[str, list[str]]:
        assert change[4] is not None
        return list(self.new_enums.items())[change[4]]

    # --- tables --------------------------------------------------------------------------------

    def create_schema(self, change: Change) -> Dict:
        return {"type": "create_schema", "name": change[5]}

    @staticmethod
    def _without_keys(table: Dict, change: Change) -> Dict:
        """The table without the foreign keys that have operations of their own."""
        keys = [fk for at, fk in enumerate(table["foreign_keys"]) if at not in change[7]]
        return {**table, "foreign_keys": keys}

    def create_table(self, change: Change) -> Dict:
        return {"type": "create_table", "table": self._without_keys(self._new_table(change), change)}

    def drop_table(self, change: Change) -> Dict:
        table = self._without_keys(self._old_table(change), change)
        return {"type": "drop_table", "name": qualified(table), "table": table}

    def rename_table(self, change: Change) -> Dict:
        # In its new schema already: set_schema comes first.
        old, new = dict(self._old_table(change)), self._new_table(change)
        old["schema"] = new.get("schema")
        return {"type": "rename_table", "old_name": qualified(old), "new_name": new["name"]}

    def set_schema(self, change: Change) -> Dict:
        old, new = self._old_table(change), self._new_table(change)
        return {
            "type": "set_schema",
            "table": qualified(old),
            "old": old.get("schema"),
            "new": new.get("schema"),
        }

    def set_comment(self, change: Change) -> Dict:
        old, new = self._old_table(change), self._new_table(change)
        return {
            "type": "set_comment",
            "table": self._now(change),
            "comment": new.get("comment"),
            "old_comment": old.get("comment"),
        }

    # --- columns -----------------------------------------------------------------------------------

    def add_column(self, change: Change) -> Dict:
        assert change[4] is not None
        return {
            "type": "add_column",
            "table": self._now(change),
            "field": self._new_table(change)["fields"][change[4]],
        }

    def drop_column(self, change: Change) -> Dict:
        assert change[3] is not None
        field = self._old_table(change)["fields"][change[3]]
        return {
            "type": "drop_column",
            "table": self._now(change),
            "field": field["name"],
            "field_def": field,
        }

    def rename_column(self, change: Change) -> Dict:
        assert change[3] is not None and change[4] is not None
        return {
            "type": "rename_column",
            "table": self._now(change),
            "old_name": self._old_table(change)["fields"][change[3]]["name"],
            "new_name": self._new_table(change)["fields"][change[4]]["name"],
        }

    def alter_column(self, change: Change) -> Dict:
        assert change[3] is not None and change[4] is not None
        new = self._new_table(change)["fields"][change[4]]
        old = normal_field({**self._old_table(change)["fields"][change[3]], "name": new["name"]})
        keys = [key for key in {**old, **new} if key != "auto_increment" and old.get(key) != new.get(key)]
        return {
            "type": "alter_column",
            "table": self._now(change),
            "column": new["name"],
            "changes": {key: new.get(key) for key in keys},
            "old_field": old,
            "new_field": new,
        }

    def alter_primary_key(self, change: Change) -> Dict:
        def key(table: Dict) -> list[str]:
            return [field["name"] for field in table["fields"] if field["primary_key"]]

        return {
            "type": "alter_primary_key",
            "table": self._now(change),
            "old_columns": key(self._old_table(change)),
            "new_columns": key(self._new_table(change)),
        }

    # --- indexes and constraints -----------------------------------------------------------------------

    def _added(self, change: Change, type_: str, key: str, items: str) -> Dict:
        assert change[4] is not None
        return {"type": type_, "table": self._now(change), key: self._new_table(change)[items][change[4]]}

    def _dropped(self, change: Change, type_: str, key: str, items: str) -> Dict:
        # Before any rename, so under the old name.
        assert change[3] is not None
        table = self._old_table(change)
        item = table[items][change[3]]
        return {"type": type_, "table": qualified(table), "name": item["name"], key: item}

    def create_index(self, change: Change) -> Dict:
        return self._added(change, "create_index", "index", "indexes")

    def drop_index(self, change: Change) -> Dict:
        return self._dropped(change, "drop_index", "index_def", "indexes")

    def add_foreign_key(self, change: Change) -> Dict:
        return self._added(change, "add_foreign_key", "fk", "foreign_keys")

    def drop_foreign_key(self, change: Change) -> Dict:
        return self._dropped(change, "drop_foreign_key", "fk_def", "foreign_keys")

    def add_check(self, change: Change) -> Dict:
        return self._added(change, "add_check", "check", "checks")

    def drop_check(self, change: Change) -> Dict:
        return self._dropped(change, "drop_check", "check_def", "checks")

    # --- enum types ----------------------------------------------------------------------------------------

    def create_enum_type(self, change: Change) -> Dict:
        name, values = self._new_enum(change)
        return {"type": "create_enum_type", "name": name, "values": values}

    def drop_enum_type(self, change: Change) -> Dict:
        name, values = self._old_enum(change)
        return {"type": "drop_enum_type", "name": name, "values": values}

    def _fields_of(self, name: str) -> list[Dict]:
        """The columns of the type as they stand before the operation, with the values it has by then."""
        found = []
        for table in self.old:
            for field in table["fields"]:
                if enum_key(table, field["column_type"]) == name:
                    own = copy.deepcopy(field)
                    dict_of_enum = enum_of(own["column_type"])
                    assert isinstance(dict_of_enum, dict)
                    dict_of_enum["values"] = list(self.growing[name])
                    found.append({"table": qualified(table), "field": own})
        return found

    def add_enum_value(self, change: Change) -> Dict:
        name, _ = self._old_enum(change)
        values, value, before = self.growing[name], change[5], change[6] or None
        values.insert(values.index(before) if before in values else len(values), value)
        op = {"type": "add_enum_value", "name": name, "value": value, "fields": self._fields_of(name)}
        return op if before is None else {**op, "before": before}

    def rename_enum_value(self, change: Change) -> Dict:
        name, _ = self._old_enum(change)
        old, new = change[5], change[6]
        self.growing[name] = [new if value == old else value for value in self.growing[name]]
        return {
            "type": "rename_enum_value",
            "name": name,
            "old": old,
            "new": new,
            "fields": self._fields_of(name),
        }

    def _replaced(self, change: Change, type_: str) -> Dict:
        name, _ = self._old_enum(change)
        _, values = self._new_enum(change)
        old = list(self.growing[name])
        self.growing[name] = list(values)
        return {"type": type_, "name": name, "old_values": old, "new_values": values}

    def replace_enum_type(self, change: Change) -> Dict:
        op = self._replaced(change, "replace_enum_type")
        mapping = {k: v for k, v in self.mapping.get(op["name"], {}).items() if k not in op["new_values"]}
        return {**op, "fields": self._fields_of(op["name"]), "mapping": mapping or None}

    def alter_enum_type(self, change: Change) -> Dict:
        return self._replaced(change, "alter_enum_type")


_MAKE: dict[str, Callable[[_Diff, Change], Dict]] = {
    "create_schema": _Diff.create_schema,
    "create_table": _Diff.create_table,
    "drop_table": _Diff.drop_table,
    "rename_table": _Diff.rename_table,
    "set_schema": _Diff.set_schema,
    "set_comment": _Diff.set_comment,
    "add_column": _Diff.add_column,
    "drop_column": _Diff.drop_column,
    "rename_column": _Diff.rename_column,
    "alter_column": _Diff.alter_column,
    "alter_primary_key": _Diff.alter_primary_key,
    "create_index": _Diff.create_index,
    "drop_index": _Diff.drop_index,
    "add_foreign_key": _Diff.add_foreign_key,
    "drop_foreign_key": _Diff.drop_foreign_key,
    "add_check": _Diff.add_check,
    "drop_check": _Diff.drop_check,
    "create_enum_type": _Diff.create_enum_type,
    "drop_enum_type": _Diff.drop_enum_type,
    "add_enum_value": _Diff.add_enum_value,
    "rename_enum_value": _Diff.rename_enum_value,
    "replace_enum_type": _Diff.replace_enum_type,
    "alter_enum_type": _Diff.alter_enum_type,
}
