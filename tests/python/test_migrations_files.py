"""Migration files: written, ordered, found, read back."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from schemas import Dict, any_snapshot, field, snapshot, table, without_order

from oxyde.migrations.context import MigrationContext, collect
from oxyde.migrations.diff import compute_diff
from oxyde.migrations.errors import (
    CircularDependencyError,
    DependencyError,
    MigrationError,
    UnknownMigrationError,
)
from oxyde.migrations.files import find, get_migration_files, get_pending_migrations, heads, load_files
from oxyde.migrations.generator import default_name, generate_migration_file
from oxyde.migrations.replay import replay_migrations
from oxyde.migrations.state import SchemaState

EMPTY = "def upgrade(ctx):\n    pass\n"


def write(folder: Path, name: str, text: str = EMPTY, **values: Any) -> Path:
    head = "".join(f"{key} = {value!r}\n" for key, value in values.items())
    path = folder / f"{name}.py"
    path.write_text(head + text)
    return path


def names(folder: Path) -> list[str]:
    return [path.stem for path in get_migration_files(folder)]


# --- order ------------------------------------------------------------------------------------


def test_a_directory_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert get_migration_files(tmp_path / "nowhere") == []
    assert replay_migrations(tmp_path / "nowhere") == SchemaState().to_snapshot()


def test_files_without_upgrade_and_other_files_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "0001_one")
    write(tmp_path, "0002_notes", "x = 1\n")
    write(tmp_path, "helpers")
    assert names(tmp_path) == ["0001_one"]


def test_dependencies_come_before_names(tmp_path: Path) -> None:
    write(tmp_path, "0001_last", depends_on="0003_first")
    write(tmp_path, "0002_middle", depends_on=["0003_first"])
    write(tmp_path, "0003_first", depends_on=[])
    # 0003 has no dependency of its own and is not the first, so it follows 0002: a circle.
    with pytest.raises(CircularDependencyError, match="Circular dependency"):
        names(tmp_path)
    write(tmp_path, "0000_root")
    write(tmp_path, "0003_first", depends_on="0000_root")
    assert names(tmp_path) == ["0000_root", "0003_first", "0001_last", "0002_middle"]


def test_a_file_without_dependency_follows_the_one_before(tmp_path: Path) -> None:
    for name in ("0001_a", "0002_b", "0003_c"):
        write(tmp_path, name)
    files = load_files(tmp_path)
    assert [file.depends_on for file in files] == [(), ("0001_a",), ("0002_b",)]
    assert heads(files) == ["0003_c"]


def test_branches_have_several_heads(tmp_path: Path) -> None:
    write(tmp_path, "0001_a")
    write(tmp_path, "0002_b", depends_on="0001_a")
    write(tmp_path, "0002_c", depends_on="0001_a")
    assert heads(load_files(tmp_path)) == ["0002_b", "0002_c"]


def test_a_missing_dependency_names_the_file(tmp_path: Path) -> None:
    write(tmp_path, "0002_b", depends_on="0001_gone")
    with pytest.raises(DependencyError, match="0002_b depends on 0001_gone"):
        names(tmp_path)


def test_a_replaced_dependency_means_the_squashed_file(tmp_path: Path) -> None:
    write(tmp_path, "0001_squashed", replaces=["0001_a", "0002_b"])
    write(tmp_path, "0003_c", depends_on="0002_b")
    assert load_files(tmp_path)[1].depends_on == ("0001_squashed",)


def test_a_file_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    write(tmp_path, "0001_broken", "import nothing_of_that_name\n")
    with pytest.raises(MigrationError, match=r"0001_broken.*nothing_of_that_name"):
        names(tmp_path)


def test_pending_is_what_is_not_applied(tmp_path: Path) -> None:
    write(tmp_path, "0001_a")
    write(tmp_path, "0002_b")
    assert [path.stem for path in get_pending_migrations(tmp_path, ["0001_a"])] == ["0002_b"]


@pytest.mark.parametrize(
    ("target", "found"), [("0002_add_kg", 1), ("2", 1), ("0002", 1), ("0002_add", 1), ("1", 0)]
)
def test_targets(tmp_path: Path, target: str, found: int) -> None:
    files = [write(tmp_path, name) for name in ("0001_a", "0002_add_kg")]
    assert find(target, load_files(tmp_path)).name == files[found].stem


def test_targets_that_mean_nothing_or_too_much(tmp_path: Path) -> None:
    write(tmp_path, "0001_a")
    write(tmp_path, "0002_b", depends_on="0001_a")
    write(tmp_path, "0002_c", depends_on="0001_a")
    with pytest.raises(UnknownMigrationError, match="0002_b, 0002_c"):
        find("2", load_files(tmp_path))
    with pytest.raises(UnknownMigrationError, match="no migration '0002_ad'"):
        find("0002_ad", load_files(tmp_path))


def test_a_checksum_sees_code_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path, "0001_a", "def upgrade(ctx):\n    ctx.drop_table('x')\n")
    first = load_files(tmp_path)[0].checksum()
    path.write_text("# a word\ndef upgrade( ctx ):\n    ctx.drop_table(\n        'x'\n    )\n")
    assert load_files(tmp_path)[0].checksum() == first
    path.write_text("def upgrade(ctx):\n    ctx.drop_table('y')\n")
    assert load_files(tmp_path)[0].checksum() != first
    assert len(first) == 64


# --- writing -------------------------------------------------------------------------------------


def test_numbers_go_on_and_nothing_is_overwritten(tmp_path: Path) -> None:
    made = compute_diff(snapshot(), snapshot(table("crate")))
    first = generate_migration_file(made, tmp_path / "deep" / "down")
    assert first.name == "0001_create_crate_table.py"
    second = generate_migration_file([], first.parent, depends_on="0001_create_crate_table")
    assert second.name == "0002_empty.py"
    assert load_files(first.parent)[1].depends_on == ("0001_create_crate_table",)
    third = generate_migration_file([], first.parent, name="Two Words", atomic=False)
    assert third.name == "0003_two_words.py"
    assert [file.atomic for file in load_files(first.parent)] == [True, True, False]


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ({"type": "rename_table", "old_name": "s.a", "new_name": "b"}, "rename_a_to_b"),
        ({"type": "alter_column", "table": "a", "column": "c"}, "alter_c_on_a"),
        ({"type": "create_enum_type", "name": "state_enum"}, "create_state_enum"),
        ({"type": "add_enum_value", "name": "state_enum", "value": "x"}, "add_x_to_state_enum"),
        ({"type": "set_comment", "table": "a"}, "change_a"),
        ({"type": "alter_primary_key", "table": "a"}, "change_a"),
    ],
)
def test_names_say_what_the_first_operation_does(operation: Dict, name: str) -> None:
    assert default_name([operation]) == name


def test_a_manual_step_stands_in_both_directions(tmp_path: Path) -> None:
    def states(*values: str) -> Dict:
        return table("fruit", field("state", "enum", type={"name": "state_enum", "values": list(values)}))

    operations = compute_diff(snapshot(states("a", "b")), snapshot(states("a")))
    text = generate_migration_file(operations, tmp_path).read_text()
    assert text.count("Manual enum migration required for state_enum: ") == 2


def downgraded(folder: Path, start: Dict) -> Dict:
    """The state after the last file's downgrade."""
    state = SchemaState.from_snapshot(start, strict=True)
    last = load_files(folder)[-1]
    assert last.downgrade is not None
    collect(MigrationContext("collect", schema_state=state), last.downgrade, last.name)
    return state.to_snapshot()


@settings(max_examples=40, deadline=None)
@given(any_snapshot(), any_snapshot())
def test_written_and_read_back_files_lead_there_and_back(old: Dict, new: Dict) -> None:
    old, new = (SchemaState.from_snapshot(each).to_snapshot() for each in (old, new))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate_migration_file(compute_diff({}, old), folder)
        reached = replay_migrations(folder)
        assert without_order(reached) == without_order(old)
        generate_migration_file(compute_diff(reached, new), folder)
        assert without_order(replay_migrations(folder)) == without_order(new)
        assert replay_migrations(folder, until="1") == reached
        back = downgraded(folder, replay_migrations(folder))
        assert without_order(back) == without_order(reached)


# --- reading what people write ----------------------------------------------------------------------

OLDER = """
def upgrade(ctx):
    ctx.create_table(
        "crate",
        fields=[
            {"name": "id", "python_type": "int", "primary_key": True},
            {"name": "label", "python_type": "str", "max_length": 40},
            {"name": "tags", "python_type": "str[]", "nullable": True},
            {"name": "price", "python_type": "decimal", "max_digits": 8, "decimal_places": 2},
            {"name": "data", "python_type": "dict", "db_type": "JSONB"},
            {"name": "odd", "python_type": "something"},
        ],
    )
    ctx.alter_column("nowhere", "x", nullable=True)
    ctx.alter_column("crate", "label", max_length=60, extra=1)
    ctx.add_foreign_key("crate", "fk", ["id"], "crate", ["id"], on_delete="SOMETIMES")
"""


def test_older_files_are_understood(tmp_path: Path) -> None:
    write(tmp_path, "0001_a", OLDER)
    with pytest.warns(FutureWarning, match=r"0001_a .* squash"):
        shown = replay_migrations(tmp_path)
    crate = shown["tables"]["crate"]
    assert [f["column_type"] for f in crate["fields"]] == [
        {"kind": "big_integer"},
        {"kind": "string", "length": 60},
        {"kind": "array", "item": {"kind": "string", "length": 255}},
        {"kind": "decimal", "precision": 8, "scale": 2},
        {"kind": "json_binary"},
        {"kind": "unknown"},
    ]
    assert crate["foreign_keys"][0]["on_delete"] == "NO ACTION"
    assert crate["legacy"] is True


def test_what_a_new_file_touches_is_tracked_from_then_on(tmp_path: Path) -> None:
    write(tmp_path, "0001_a", OLDER)
    write(tmp_path, "0002_b", "def upgrade(ctx):\n    ctx.drop_column('crate', 'odd')\n", format=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert "legacy" not in replay_migrations(tmp_path)["tables"]["crate"]


def test_data_migrations_are_collected_without_a_database(tmp_path: Path) -> None:
    text = """
async def upgrade(ctx):
    ctx.create_table("crate", [{"name": "id", "column_type": {"kind": "big_integer"}, "primary_key": True}])
    assert await ctx.execute("DELETE FROM crate") == 0
    for row in await ctx.fetch("SELECT * FROM crate"):
        raise AssertionError
    ctx.run(print)
"""
    write(tmp_path, "0001_a", text, format=2)
    assert list(replay_migrations(tmp_path)["tables"]) == ["crate"]


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\nasync def upgrade(ctx):\n    await asyncio.sleep(1)\n",
        "async def upgrade(ctx):\n    (await ctx.fetch('SELECT 1'))[0]\n",
    ],
)
def test_code_that_cannot_be_collected_is_sent_to_ctx_run(tmp_path: Path, text: str) -> None:
    write(tmp_path, "0001_a", text)
    with pytest.raises(MigrationError, match=r"0001_a .*ctx\.run"):
        replay_migrations(tmp_path)
