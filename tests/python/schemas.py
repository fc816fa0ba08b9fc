"""Snapshots in few words, and any snapshot at all, for the tests of migrations."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from oxyde.migrations.state import SchemaState

Dict = dict[str, Any]


def field(name: str, kind: str = "big_integer", **more: Any) -> Dict:
    return {"name": name, "column_type": {"kind": kind, **more.pop("type", {})}, **more}


def key(name: str = "id") -> Dict:
    return field(name, primary_key=True)


def table(name: str, *fields: Dict, **more: Any) -> Dict:
    return {"name": name, "fields": [key(), *fields], **more}


def snapshot(*tables: Dict, enums: Dict | None = None) -> Dict:
    return {"version": 1, "tables": {t["name"]: t for t in tables}, "enums": enums or {}}


def foreign_key(source: str, column: str, target: str, **more: Any) -> Dict:
    return {
        "name": f"fk_{source}_{column}",
        "columns": [column],
        "ref_table": target,
        "ref_columns": ["id"],
        "on_delete": "RESTRICT",
        "on_update": "CASCADE",
        **more,
    }


def after(start: Dict, operations: list[Dict]) -> Dict:
    state = SchemaState.from_snapshot(start, strict=True)
    for op in operations:
        state.apply_operation(op)
    return state.to_snapshot()


def without_order(shown: Dict) -> Dict:
    shown = copy.deepcopy(shown)
    for each in shown["tables"].values():
        each["fields"].sort(key=lambda f: f["name"])
    return shown


# --- any schema to any other ---------------------------------------------------------------------

_KINDS = ["big_integer", "double", "boolean", "text", "string", "decimal", "date_time", "json", "uuid"]
_DEFAULTS = {"big_integer": "0", "boolean": "TRUE", "text": "'x'", "double": "1.5"}


@st.composite
def any_table(draw: st.DrawFn, name: str, others: list[str]) -> Dict:
    fields = [key()]
    for column in draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)):
        kind = draw(st.sampled_from([*_KINDS, "enum"]))
        more: Dict = {"nullable": draw(st.booleans()), "unique": draw(st.booleans())}
        if draw(st.booleans()) and kind in _DEFAULTS:
            more["default"] = _DEFAULTS[kind]
        if kind == "enum":
            more["type"] = {"name": "shared_enum", "values": ["x", "y"]}
        fields.append(field(column, kind, **more))
    columns = [f["name"] for f in fields]
    groups = draw(
        st.lists(st.lists(st.sampled_from(columns), unique=True, min_size=1, max_size=2), max_size=2)
    )
    indexes = {
        f"{name}_{'_'.join(group)}_idx": {
            "name": f"{name}_{'_'.join(group)}_idx",
            "fields": group,
            "unique": draw(st.booleans()),
        }
        for group in groups
    }
    keys = [
        foreign_key(
            name,
            column,
            draw(st.sampled_from(others)),
            on_delete=draw(st.sampled_from(["CASCADE", "RESTRICT"])),
        )
        for column in columns[1:]
        if draw(st.integers(0, 3)) == 0
    ]
    checks = [{"name": f"chk_{name}_0", "expression": "1 > 0"}] if draw(st.booleans()) else []
    comment = draw(st.sampled_from([None, "one", "two"]))
    lists = {"indexes": list(indexes.values()), "foreign_keys": keys, "checks": checks}
    return {"name": name, "fields": fields, "comment": comment, **lists}


@st.composite
def any_snapshot(draw: st.DrawFn) -> Dict:
    names = draw(st.lists(st.sampled_from(["t1", "t2", "t3", "t4"]), unique=True, max_size=4))
    return snapshot(*[draw(any_table(name, names)) for name in names])
