"""From one snapshot to another: what the diff sees, in which order, and that it arrives."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from schemas import Dict, after, any_snapshot, field, foreign_key, key, snapshot, table, without_order

from oxyde import _core
from oxyde.migrations._fields import enum_of
from oxyde.migrations.diff import compute_diff
from oxyde.migrations.errors import SchemaError
from oxyde.migrations.state import SchemaState


def kinds(operations: list[Dict]) -> list[str]:
    return [op["type"] for op in operations]


CRATE = table("crate", field("kg", "double", default="0"), field("label", "string"))


def test_equal_schemas_differ_in_nothing() -> None:
    assert compute_diff(snapshot(CRATE), snapshot(CRATE)) == []


def test_new_and_gone_tables_with_the_definition_that_restores_them() -> None:
    (made,) = compute_diff(snapshot(), snapshot(CRATE))
    (gone,) = compute_diff(snapshot(CRATE), snapshot())
    assert (made["type"], gone["type"]) == ("create_table", "drop_table")
    assert made["table"] == gone["table"]
    assert [f["name"] for f in made["table"]["fields"]] == ["id", "kg", "label"]


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"column_type": {"kind": "decimal"}}, {"column_type"}),
        ({"nullable": True}, {"nullable"}),
        ({"default": "1"}, {"default"}),
        ({"unique": True}, {"unique"}),
        ({"comment": "heavy"}, {"comment"}),
        ({"db_type": "REAL"}, {"db_type"}),
        ({"nullable": True, "default": None}, {"nullable", "default"}),
    ],
)
def test_one_alter_column_lists_what_differs(change: Dict, keys: set[str]) -> None:
    new = copy.deepcopy(CRATE)
    new["fields"][1].update(change)
    (op,) = compute_diff(snapshot(CRATE), snapshot(new))
    assert op["type"] == "alter_column"
    assert (op["table"], op["column"], set(op["changes"])) == ("crate", "kg", keys)
    assert op["old_field"]["column_type"]["kind"] == "double"


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("boolean", "TRUE", "1", True),
        ("boolean", "FALSE", "1", False),
        ("double", "1.50", "1.5", True),
        ("big_integer", "0", "00", True),
        ("big_integer", "(0)::bigint", "0", True),
        ("big_integer", "-1", "1", False),
        ("string", "'1.50'", "'1.5'", False),
        ("string", "'new'::character varying", "'new'", True),
        ("string", "'a'' :: b'", "'a'' :: c'", False),
        ("blob", "X'0aff'", "'\\x0AFF'", True),
        ("blob", "X'0a'", "X'0b'", False),
        ("date_time", "NOW()", "CURRENT_TIMESTAMP(6)", True),
        ("date_time", "now()", "((CURRENT_TIMESTAMP))", True),
        ("array", "'{1,2}'", "'[1, 2]'", True),
        ("array", "'{1,2}'", "'{2,1}'", False),
        ("json", "'{\"a\": 1}'", "'{\"a\": 2}'", False),
        ("string", "NULL", "", True),
        ("string", "lower('X')", "LOWER('X')", True),
        ("string", "lower('X')", "LOWER('x')", False),
    ],
)
def test_defaults_are_compared_by_what_they_mean(kind: str, one: str, other: str, same: bool) -> None:
    number = _core.KIND_NAMES[kind]
    assert _core.default_same(number, one, other) is same
    assert _core.default_same(number, other, one) is same


def test_a_rename_is_a_drop_and_an_add_unless_it_is_said() -> None:
    new = copy.deepcopy(CRATE)
    new["fields"][1]["name"] = "weight_kg"
    assert kinds(compute_diff(snapshot(CRATE), snapshot(new))) == ["add_column", "drop_column"]
    (op,) = compute_diff(snapshot(CRATE), snapshot(new), renames=["crate.kg:weight_kg"])
    assert op == {"type": "rename_column", "table": "crate", "old_name": "kg", "new_name": "weight_kg"}


def test_a_renamed_table_keeps_its_objects_and_their_names() -> None:
    depot = table("depot")
    old = table(
        "crate",
        field("kg"),
        field("depot_id"),
        indexes=[{"name": "crate_kg_idx", "fields": ["kg"]}],
        foreign_keys=[foreign_key("crate", "depot_id", "depot")],
        checks=[{"name": "chk_crate_0", "expression": "kg > 0"}],
    )
    new = table(
        "box",
        field("kg"),
        field("depot_id"),
        indexes=[{"name": "box_kg_idx", "fields": ["kg"]}],
        foreign_keys=[foreign_key("box", "depot_id", "depot")],
        checks=[{"name": "chk_box_0", "expression": "kg  >  0"}],
    )
    operations = compute_diff(snapshot(depot, old), snapshot(depot, new), renames=["crate:box"])
    assert operations == [{"type": "rename_table", "old_name": "crate", "new_name": "box"}]
    # The old names stay in the schema, and are still no difference later on.
    assert compute_diff(after(snapshot(depot, old), operations), snapshot(depot, new)) == []


def test_an_index_of_a_chosen_name_follows_its_name() -> None:
    old = table("crate", field("kg"), indexes=[{"name": "by_weight", "fields": ["kg"]}])
    new = table("crate", field("kg"), indexes=[{"name": "by_kg", "fields": ["kg"]}])
    assert kinds(compute_diff(snapshot(old), snapshot(new))) == ["drop_index", "create_index"]


@pytest.mark.parametrize(
    "change", [{"unique": True}, {"where": "kg > 0"}, {"method": "hash"}, {"fields": ["kg", "id"]}]
)
def test_an_index_that_changed_is_made_anew(change: Dict) -> None:
    index = {"name": "by_weight", "fields": ["kg"]}
    old, new = (table("crate", field("kg"), indexes=[i]) for i in (index, {**index, **change}))
    drop, create = compute_diff(snapshot(old), snapshot(new))
    assert (drop["type"], create["type"]) == ("drop_index", "create_index")
    assert drop["index_def"]["fields"] == ["kg"]


def test_actions_of_foreign_keys_count_and_their_case_does_not() -> None:
    def crate(**more: Any) -> Dict:
        return table(
            "crate", field("depot_id"), foreign_keys=[foreign_key("crate", "depot_id", "depot", **more)]
        )

    depot = table("depot")
    assert compute_diff(snapshot(depot, crate()), snapshot(depot, crate(on_delete="restrict"))) == []
    changed = compute_diff(snapshot(depot, crate()), snapshot(depot, crate(on_delete="CASCADE")))
    assert kinds(changed) == ["drop_foreign_key", "add_foreign_key"]


def test_tables_come_referenced_first_and_go_referencing_first() -> None:
    chain = [
        table("a", field("b_id"), foreign_keys=[foreign_key("a", "b_id", "b")]),
        table("b", field("c_id"), foreign_keys=[foreign_key("b", "c_id", "c")]),
        table("c"),
    ]
    made = compute_diff(snapshot(), snapshot(*chain))
    assert [op["table"]["name"] for op in made] == ["c", "b", "a"]
    assert [op["name"] for op in compute_diff(snapshot(*chain), snapshot())] == ["a", "b", "c"]


def test_keys_that_close_a_cycle_come_last_and_go_first() -> None:
    ring = [
        table("a", field("b_id"), foreign_keys=[foreign_key("a", "b_id", "b")]),
        table("b", field("a_id"), foreign_keys=[foreign_key("b", "a_id", "a")]),
    ]
    made = compute_diff(snapshot(), snapshot(*ring))
    assert kinds(made) == ["create_table", "create_table", "add_foreign_key"]
    assert kinds(compute_diff(snapshot(*ring), snapshot())) == [
        "drop_foreign_key",
        "drop_table",
        "drop_table",
    ]
    assert after(snapshot(), made) == SchemaState.from_snapshot(snapshot(*ring)).to_snapshot()


def test_the_key_of_a_table_changes_by_an_operation_of_its_own() -> None:
    old = {"name": "berth", "fields": [key("a"), field("b")]}
    new = {"name": "berth", "fields": [key("a"), key("b")]}
    (op,) = compute_diff(snapshot(old), snapshot(new))
    assert (op["type"], op["old_columns"], op["new_columns"]) == ("alter_primary_key", ["a"], ["a", "b"])


def test_schemas_and_comments() -> None:
    old, new = table("crate"), table("crate", schema="store", comment="boxes")
    operations = compute_diff(snapshot(old), snapshot(new))
    assert kinds(operations) == ["create_schema", "set_schema", "set_comment"]
    assert operations[1] == {"type": "set_schema", "table": "crate", "old": None, "new": "store"}
    assert operations[2]["table"] == "store.crate"


# --- enum types --------------------------------------------------------------------------------


def states(*values: str) -> Dict:
    return table("fruit", field("state", "enum", type={"name": "state_enum", "values": list(values)}))


@pytest.mark.parametrize(
    ("old", "new", "renames", "expected"),
    [
        (["a", "b"], ["a", "b", "c"], [], [("add_enum_value", "c", None)]),
        (["a", "b"], ["x", "a", "y", "b"], [], [("add_enum_value", "x", "a"), ("add_enum_value", "y", "b")]),
        (["a", "b"], ["a", "c"], ["state_enum.b:c"], [("rename_enum_value", "b", "c")]),
        (["a", "b"], ["b", "a"], [], [("replace_enum_type", None, None)]),
        (["a", "b"], ["a"], ["state_enum.b:a"], [("replace_enum_type", None, None)]),
        (["a", "b"], ["a"], [], [("alter_enum_type", None, None)]),
    ],
)
def test_values_of_an_enum_type(
    old: list[str], new: list[str], renames: list[str], expected: list[Any]
) -> None:
    operations = compute_diff(snapshot(states(*old)), snapshot(states(*new)), renames=renames)
    found = [
        (op["type"], op.get("value", op.get("old")), op.get("before", op.get("new"))) for op in operations
    ]
    assert found == expected
    assert (
        after(snapshot(states(*old)), operations)
        == SchemaState.from_snapshot(snapshot(states(*new))).to_snapshot()
    )


def test_columns_come_with_the_values_grown_so_far() -> None:
    first, second = compute_diff(snapshot(states("a")), snapshot(states("a", "b", "c")))
    shown = [enum_of(op["fields"][0]["field"]["column_type"]) for op in (first, second)]
    assert [enum["values"] for enum in shown if enum] == [["a", "b"], ["a", "b", "c"]]


def test_a_replaced_value_says_what_takes_its_place() -> None:
    (op,) = compute_diff(snapshot(states("a", "b")), snapshot(states("a")), renames=["state_enum.b:a"])
    assert op["mapping"] == {"b": "a"}


@pytest.mark.parametrize(
    "rename",
    ["crate.kg:nothing", "crate.nothing:kg", "nothing:crate", "crate:depot", "nothing.kg:label", "kg"],
)
def test_a_rename_that_fits_nothing_is_an_error(rename: str) -> None:
    with pytest.raises((SchemaError, ValueError), match="rename"):
        compute_diff(snapshot(CRATE, table("depot")), snapshot(CRATE, table("depot")), renames=[rename])


def test_what_older_files_left_out_is_no_difference() -> None:
    old = table("sticker", field("crate_id"), field("data", "unknown"), legacy=True)
    unique = {
        "name": "sticker_crate_id_data_key",
        "fields": ["crate_id", "data"],
        "unique": True,
        "constraint": True,
    }
    new = table("sticker", field("crate_id"), field("data", "json"), comment="paper", indexes=[unique])
    assert compute_diff(snapshot(old), snapshot(new)) == []
    del old["legacy"]
    assert kinds(compute_diff(snapshot(old), snapshot(new))) == [
        "alter_column",
        "create_index",
        "set_comment",
    ]


# --- any schema to any other ---------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(any_snapshot(), any_snapshot())
def test_the_operations_lead_from_any_schema_to_any_other(old: Dict, new: Dict) -> None:
    operations = compute_diff(old, new)
    reached = after(old, operations)
    assert without_order(reached) == without_order(SchemaState.from_snapshot(new).to_snapshot())
    assert compute_diff(reached, new) == []
    assert operations == compute_diff(old, new), "equal input, equal output"
