"""MySQL and MariaDB: the index that every foreign key needs, made by the server or by somebody else.

The server makes an index, named after the key, where no other one begins with the key's columns,
and takes it away when such a one comes. It stays when the key goes, and it cannot go before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .state import SchemaState

__all__ = ["covers", "own_index", "with_keys_moved"]

Dict = dict[str, Any]
Render = Callable[[Mapping[str, Any], Dict, Dict], "list[str]"]

# What may take an index away that a key needs.
_TAKING = frozenset({"drop_index", "alter_column", "alter_primary_key"})


def covers(table: Mapping[str, Any], columns: list[str]) -> bool:
    """Whether an index that the schema knows begins with these columns."""
    key = [field["name"] for field in table["fields"] if field["primary_key"]]
    unique = ([field["name"]] for field in table["fields"] if field["unique"])
    known = [key, *unique, *(index["fields"] for index in table["indexes"])]
    return any(list(fields[: len(columns)]) == columns for fields in known)


def own_index(op: Mapping[str, Any], table: Mapping[str, Any]) -> str | None:
    """The index that goes with a dropped key; `index_name` of the operation is what was found live."""
    if "index_name" in op:
        return op["index_name"] or None
    fk = next((fk for fk in table["foreign_keys"] if fk["name"] == op["name"]), None)
    if fk is None or covers(table, fk["columns"]):
        return None
    others = (each["columns"] for each in table["foreign_keys"] if each is not fk)
    if any(columns == fk["columns"][: len(columns)] for columns in others):
        return None  # the other key needs it
    return str(fk["name"])


def with_keys_moved(op: Mapping[str, Any], before: Dict, after: Dict, render: Render) -> list[str]:
    """The statements of an operation; keys whose index it takes go before and come back after."""
    moved = _losing_their_index(op, before, after) if op["type"] in _TAKING else []
    if not moved:
        return render(op, before, after)
    statements: list[str] = []
    state = SchemaState.from_snapshot(before)
    for fk in moved:
        drop = {"type": "drop_foreign_key", "table": op["table"], "name": fk["name"], "index_name": ""}
        statements += _applied(drop, state, render)
    inner = state.to_snapshot()
    state.apply_operation(op)
    statements += render(op, inner, state.to_snapshot())
    for fk in moved:
        statements += _applied({"type": "add_foreign_key", "table": op["table"], "fk": fk}, state, render)
    return statements


def _applied(op: Dict, state: SchemaState, render: Render) -> list[str]:
    before = state.to_snapshot()
    state.apply_operation(op)
    return render(op, before, state.to_snapshot())


def _losing_their_index(op: Mapping[str, Any], before: Dict, after: Dict) -> Iterable[Dict]:
    old = SchemaState.from_snapshot(before).find_table(op["table"])
    new = SchemaState.from_snapshot(after).find_table(op["table"])
    if old is None or new is None:
        return []
    return [fk for fk in old["foreign_keys"] if covers(old, fk["columns"]) and not covers(new, fk["columns"])]
