"""Operations in words: what one does, and what it takes away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ._fields import normal_field, qualified
from .state import SchemaState, altered

__all__ = ["describe", "loss_of", "missing_value", "type_words"]

Dict = dict[str, Any]
Operation = Mapping[str, Any]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def type_words(type_: Mapping[str, Any]) -> str:
    """A column type for people: `string(40)`, `big_integer[]`."""
    if type_["kind"] == "array":
        return f"{type_words(type_['item'])}[]"
    if type_["kind"] == "enum":
        return str(type_.get("name") or "enum")
    sizes = [str(type_[key]) for key in ("length", "precision", "scale") if type_.get(key) is not None]
    return f"{type_['kind']}({_list(sizes)})" if sizes else str(type_["kind"])


def _alteration(op: Operation, before: Mapping[str, Any] | None = None) -> str:
    old, new = _fields_of(op, before) or (None, None)
    words = []
    for key, value in op["changes"].items():
        if key == "column_type" and old and new:
            words.append(f"{type_words(old['column_type'])} -> {type_words(new['column_type'])}")
        elif key == "nullable":
            words.append("NULL" if value else "NOT NULL")
        elif key == "unique":
            words.append("unique" if value else "not unique")
        elif key not in ("max_length", "max_digits", "decimal_places", "column_type"):
            words.append(f"{key} {value!r}")
        elif key == "column_type":
            words.append(f"type {type_words(value)}")
    return _list(words) or _list(op["changes"])


def _columns(table: Mapping[str, Any]) -> str:
    names = [normal_field(each)["name"] for each in table["fields"]]
    return _list(names if len(names) <= 6 else [*names[:5], f"{len(names) - 5} more"])


_WORDS: dict[str, Callable[[Operation], str]] = {
    "create_table": lambda op: f"create table {qualified(op['table'])} ({_columns(op['table'])})",
    "drop_table": lambda op: f"drop table {op['name']}",
    "rename_table": lambda op: f"rename table {op['old_name']} to {op['new_name']}",
    "add_column": lambda op: f"add column {op['table']}.{normal_field(op['field'])['name']}",
    "drop_column": lambda op: f"drop column {op['table']}.{op['field']}",
    "rename_column": lambda op: f"rename column {op['table']}.{op['old_name']} to {op['new_name']}",
    "alter_primary_key": lambda op: f"alter primary key of {op['table']}: {_list(op['new_columns'])}",
    "create_index": lambda op: (
        f"create index {op['index']['name']} on {op['table']} ({_list(op['index']['fields'])})"
    ),
    "drop_index": lambda op: f"drop index {op['name']} of {op['table']}",
    "rename_index": lambda op: f"rename index {op['old_name']} of {op['table']} to {op['new_name']}",
    "add_foreign_key": lambda op: (
        f"add foreign key {op['fk']['name']} from {op['table']} ({_list(op['fk']['columns'])}) "
        f"to {op['fk']['ref_table']}"
    ),
    "drop_foreign_key": lambda op: f"drop foreign key {op['name']} of {op['table']}",
    "add_check": lambda op: f"add check {op['check']['name']} to {op['table']}: {op['check']['expression']}",
    "drop_check": lambda op: f"drop check {op['name']} of {op['table']}",
    "create_enum_type": lambda op: f"create enum {op['name']} ({_list(op['values'])})",
    "drop_enum_type": lambda op: f"drop enum {op['name']}",
    "add_enum_value": lambda op: (
        f"add value {op['value']!r} to enum {op['name']}"
        + (f" before {op['before']!r}" if op.get("before") else "")
    ),
    "rename_enum_value": lambda op: f"rename value {op['old']!r} of enum {op['name']} to {op['new']!r}",
    "replace_enum_type": lambda op: f"change values of enum {op['name']}: {_list(op['new_values'])}",
    "alter_enum_type": lambda op: f"change values of enum {op['name']} by hand: {_list(op['new_values'])}",
    "set_comment": lambda op: (
        f"comment on {op['table']}{'.' + op['column'] if op.get('column') else ''}: {op.get('comment')!r}"
    ),
    "set_schema": lambda op: f"move table {op['table']} to schema {op.get('new') or 'of the connection'}",
    "create_schema": lambda op: f"create schema {op['name']}",
}


def describe(op: Operation, before: Mapping[str, Any] | None = None) -> str:
    """One line that says what the operation does; `before` is the snapshot it meets."""
    if op["type"] == "alter_column":
        return f"alter column {op['table']}.{op['column']}: {_alteration(op, before)}"
    return _WORDS[op["type"]](op)


# --- what is lost ------------------------------------------------------------------------------


def loss_of(op: Operation, before: Mapping[str, Any] | None = None) -> str | None:
    """What data the operation takes away, or None.

    `before` is the snapshot it meets; needed where the operation comes from a file, which does not
    say what was there.
    """
    make = _LOSSES.get(op["type"])
    return None if make is None else make(op, before)


def _fields_of(op: Operation, before: Mapping[str, Any] | None) -> tuple[Dict, Dict] | None:
    old, new = op.get("old_field"), op.get("new_field")
    if old and new:
        return normal_field(old), normal_field(new)
    table = SchemaState.from_snapshot(before).find_table(op["table"]) if before else None
    for field in table["fields"] if table else ():
        if field["name"] == op["column"]:
            return field, altered(field, op["changes"])
    return None


def _alter_loss(op: Operation, before: Mapping[str, Any] | None) -> str | None:
    fields = _fields_of(op, before)
    if fields is None:
        return None
    old, new = fields
    if _narrows(old, new):
        return (
            f"values that do not fit {new.get('db_type') or type_words(new['column_type'])} "
            "are lost or stop it"
        )
    if old["nullable"] and not new["nullable"]:
        return "rows where it is NULL " + (f"get {op['backfill']}" if op.get("backfill") else "stop it")
    return None


# Kinds that hold every value of the kind before them.
_WIDER = {
    "boolean": {"big_integer", "double", "decimal"},
    "big_integer": {"decimal"},
    "date": {"date_time", "date_time_utc"},
    "date_time": {"date_time_utc"},
    "json": {"json_binary"},
    "json_binary": {"json"},
    "inet": {"cidr"},
    "cidr": {"inet"},
}
_UNBOUND = ("text", "unknown")


def _narrows(old: Dict, new: Dict) -> bool:
    a, b = old["column_type"], new["column_type"]
    if a == b:
        # A type written by hand says nothing about what it holds.
        return bool(old.get("db_type") != new.get("db_type") and _is_opaque(new) and _is_opaque(old))
    return _type_narrows(a, b)


def _is_opaque(field: Dict) -> bool:
    return field["column_type"]["kind"] == "unknown" and bool(field.get("db_type"))


def _type_narrows(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    if a["kind"] == "array" and b["kind"] == "array":
        return _type_narrows(a["item"], b["item"])
    if b["kind"] in _UNBOUND or a["kind"] == "unknown":
        return False
    measure = _MEASURES.get((a["kind"], b["kind"]))
    if measure is not None:
        return measure(a, b)
    return a["kind"] != b["kind"] and b["kind"] not in _WIDER.get(a["kind"], ())


def _text_shrinks(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    longest = max(map(len, a.get("values") or ("",))) if a["kind"] == "enum" else a.get("length") or 255
    return bool(longest > (b.get("length") or 255))


def _values_go(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return bool(set(a.get("values") or ()) - set(b.get("values") or ()))


def _digits_shrink(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    if b.get("precision") is None:
        return False
    if a["kind"] != "decimal":
        whole, scale = (19 if a["kind"] == "big_integer" else 1), 0
    elif a.get("precision") is None:
        return True
    else:
        scale = a.get("scale") or 0
        whole = a["precision"] - scale
    return bool(whole > b["precision"] - (b.get("scale") or 0) or scale > (b.get("scale") or 0))


# Pairs of kinds where it depends on the sizes.
_MEASURES: dict[tuple[str, str], Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = {
    ("enum", "enum"): _values_go,
    ("string", "string"): _text_shrinks,
    ("enum", "string"): _text_shrinks,
    ("decimal", "decimal"): _digits_shrink,
    ("big_integer", "decimal"): _digits_shrink,
    ("boolean", "decimal"): _digits_shrink,
}


def _enum_loss(op: Operation, _: Mapping[str, Any] | None) -> str | None:
    mapping = op.get("mapping") or {}
    gone = [value for value in op["old_values"] if value not in op["new_values"]]
    if not gone:
        return None
    shown = [f"{value!r} becomes {mapping[value]!r}" if value in mapping else repr(value) for value in gone]
    return f"removed: {_list(shown)}"


_LOSSES: dict[str, Callable[[Operation, Mapping[str, Any] | None], str | None]] = {
    "drop_table": lambda op, _: "its rows are lost",
    "drop_column": lambda op, _: "its values are lost",
    "alter_column": _alter_loss,
    "replace_enum_type": _enum_loss,
    "alter_enum_type": _enum_loss,
}


def missing_value(op: Operation) -> str | None:
    """The `table.column` that becomes NOT NULL without a value for existing rows, or None."""
    if op.get("backfill"):
        return None
    if op["type"] == "add_column":
        field = normal_field(op["field"])
        without = not field["nullable"] and field.get("default") is None and not field.get("auto_increment")
        return f"{op['table']}.{field['name']}" if without and not field["primary_key"] else None
    if op["type"] == "alter_column" and op["changes"].get("nullable") is False:
        return f"{op['table']}.{op['column']}"
    return None
