"""What `oxyde.migrations` offers by name, and its errors."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from migrating import write

import oxyde
from oxyde import migrations
from oxyde.cli.makemigrations import _only_head
from oxyde.exceptions import OxydeError
from oxyde.migrations import (
    CircularDependencyError,
    MigrationConflictError,
    MigrationContext,
    MigrationError,
    MigrationFileNotFoundError,
    SchemaError,
    SchemaState,
    UnknownMigrationError,
    errors,
    render_operations,
)
from oxyde.migrations.files import load_files

NAMES = {
    "context": "MigrationContext",
    "replay": "SchemaState replay_migrations",
    "extract": "extract_current_schema",
    "generator": "generate_migration_file",
    "tracker": "ensure_migrations_table get_applied_migrations get_migration_files get_pending_migrations "
    "record_migration remove_migration",
    "executor": "apply_migrations plan_migrations rollback_migration rollback_migrations",
    "squash": "SquashResult squash_migrations",
    "errors": " ".join(errors.__all__),
    "config": "",
}
NEW = {"check_schema", "compute_diff", "generate_models", "inspect_database", "render_operations"}
OTHERS = {
    "config": "OxydeConfig generate_config_file import_models load_config save_config",
    "utils": "detect_dialect",
}


def test_every_name_is_there_and_in_its_module() -> None:
    listed = {name for names in NAMES.values() for name in names.split()} | NEW
    assert set(migrations.__all__) == listed
    for module, names in NAMES.items():
        found = importlib.import_module(f"oxyde.migrations.{module}")
        for name in names.split():
            assert getattr(found, name) is getattr(migrations, name)
    for module, names in OTHERS.items():
        for name in names.split():
            assert name in importlib.import_module(f"oxyde.migrations.{module}").__all__
    for package in ("oxyde", "oxyde.db", "oxyde.db.schema"):
        assert importlib.import_module(package).create_tables is oxyde.create_tables
        assert importlib.import_module(package).drop_tables is oxyde.drop_tables


def test_errors_have_one_base_and_those_of_older_clauses() -> None:
    assert issubclass(MigrationError, OxydeError) and issubclass(MigrationError, RuntimeError)
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), MigrationError)
    for error, base in (
        (SchemaError, ValueError),
        (CircularDependencyError, ValueError),
        (UnknownMigrationError, ValueError),
        (MigrationFileNotFoundError, FileNotFoundError),
    ):
        assert issubclass(error, base)


def test_a_field_needs_a_type() -> None:
    op = {"type": "create_table", "table": {"name": "t", "fields": [{"name": "c"}]}}
    for use in (SchemaState().apply_operation, lambda op: render_operations([op], "postgres")):
        with pytest.raises(SchemaError, match="field 'c' defines neither column_type nor python_type"):
            use(op)


def test_several_heads_are_a_conflict(tmp_path: Path) -> None:
    write(tmp_path, "0001_a", "pass")
    for name in ("0002_b", "0002_c"):
        write(tmp_path, name, "pass", head="format = 2\ndepends_on = '0001_a'\n")
    with pytest.raises(MigrationConflictError, match=r"0002_b, 0002_c.*--merge"):
        _only_head(load_files(tmp_path))


@pytest.mark.parametrize(
    ("use", "raw"),
    [
        (lambda ctx: ctx.create_schema("s"), False),
        (lambda ctx: ctx.require_manual("by hand"), False),
        (lambda ctx: ctx.execute("SELECT 1"), True),
        (lambda ctx: ctx.run(print), True),
    ],
)
def test_a_context_says_whether_it_holds_raw_sql(use: object, raw: bool) -> None:
    ctx = MigrationContext("collect", dialect="mariadb")
    assert (ctx.mode, ctx.dialect, ctx.flavor, ctx.has_raw_sql) == ("collect", "mysql", "mariadb", False)
    assert callable(use)
    use(ctx)
    assert ctx.has_raw_sql is raw
    kinds = [op["type"] for op in ctx.get_collected_operations()]
    assert kinds in ([], ["create_schema"])
    with pytest.raises(TypeError, match="takes no wrong"):
        ctx.alter_column("t", "c", wrong=1)
    with pytest.raises(ValueError, match="'execute' or 'collect'"):
        MigrationContext("other")  # type: ignore[arg-type]
