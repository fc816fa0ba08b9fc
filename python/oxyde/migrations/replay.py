"""`replay_migrations`: the schema that the files describe, without a database."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ._fields import is_legacy
from .context import MigrationContext, collect
from .files import CURRENT_FORMAT, MigrationFile, find, load_files, without_replaced
from .state import SchemaState

__all__ = ["SchemaState", "replay_files", "replay_migrations"]


def replay_migrations(
    migrations_dir: str | Path = "migrations", dialect: str | None = None, *, until: str | None = None
) -> dict[str, Any]:
    """The snapshot after every file of the directory, or after `until` (included).

    Raw SQL does not count: only operations change the state.
    """
    files = load_files(migrations_dir)
    if until is None:
        files = without_replaced(files)
    else:
        last = find(until, files)
        # On the way to a replaced file its squashed one is no stop.
        files = [file for file in files if last.name not in file.replaces]
        files = without_replaced(files[: files.index(last) + 1])
    return replay_files(files, dialect).to_snapshot()


def replay_files(files: Iterable[MigrationFile], dialect: str | None = None) -> SchemaState:
    """The state after these files, in their order."""
    state = SchemaState()
    for file in files:
        context = MigrationContext(
            "collect", None, dialect, None, state, lenient=file.format < CURRENT_FORMAT
        )
        before = set(state.tables)
        collect(context, file.upgrade, file.name)
        operations = context.get_collected_operations()
        if any(_describes_as_older_files(op) for op in operations):
            warnings.warn(
                f"{file.name} describes its columns as oxyde did before 0.8; it keeps working, "
                "`oxyde migrations squash` writes it anew",
                FutureWarning,
                stacklevel=2,
            )
        _mark(state, file, before, operations)
    return state


def _describes_as_older_files(op: dict[str, Any]) -> bool:
    fields = op["table"]["fields"] if op["type"] == "create_table" else [op.get("field")]
    return any(isinstance(field, dict) and (is_legacy(field) or "python_type" in field) for field in fields)


def _mark(
    state: SchemaState, file: MigrationFile, before: set[str], operations: list[dict[str, Any]]
) -> None:
    """Notes which tables are known from older files only: what those left out is no difference."""
    if file.format < CURRENT_FORMAT:
        for name in state.tables.keys() - before:
            state.tables[name].setdefault("legacy", True)
        return
    for op in operations:
        table = op.get("table")
        found = state.find_table(table) if isinstance(table, str) else None
        if found is not None:
            found.pop("legacy", None)
