"""What each file does, in order, without a database: operations, raw SQL and code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .context import MigrationContext, collect
from .errors import IrreversibleError
from .files import CURRENT_FORMAT, MigrationFile
from .state import SchemaState

__all__ = ["Collected", "Raw", "collect_downgrade", "collect_files"]

Dict = dict[str, Any]


@dataclass(frozen=True)
class Raw:
    """SQL of the author's, or a call of his code; `position` operations come before it."""

    position: int
    text: str
    params: list[Any] | None = None
    is_code: bool = False


@dataclass(frozen=True)
class Collected:
    """A file with the snapshots around it."""

    file: MigrationFile
    before: Dict
    operations: list[Dict]
    raw: list[Raw]
    after: Dict


class _Recorder(MigrationContext):
    """A context that also notes where raw SQL and code stand among the operations."""

    def __init__(
        self, dialect: str | None, state: SchemaState, *, lenient: bool, backwards: bool = False
    ) -> None:
        super().__init__("collect", None, dialect, None, state, lenient=lenient, backwards=backwards)
        self.noted: list[Raw] = []

    def execute(self, sql: str, params: list[Any] | None = None) -> Any:
        self.noted.append(Raw(len(self.get_collected_operations()), sql, params))
        return super().execute(sql, params)

    def run(self, func: Callable[[Any], Any], reverse: Callable[[Any], Any] | None = None) -> None:
        called = reverse if self.backwards and reverse is not None else func
        name = getattr(called, "__name__", repr(called))
        self.noted.append(Raw(len(self.get_collected_operations()), f"ctx.run({name})", is_code=True))
        super().run(func, reverse)


def collect_files(files: Iterable[MigrationFile], dialect: str | None = None) -> list[Collected]:
    """Every file in order, from an empty schema on."""
    state = SchemaState()
    return [_collected(file, state, dialect) for file in files]


def collect_downgrade(file: MigrationFile, after: Dict, dialect: str | None = None) -> Collected:
    """The way back of one file, from the schema that it made."""
    if file.downgrade is None:
        raise IrreversibleError(f"{file.name} has no downgrade")
    return _collected(file, SchemaState.from_snapshot(after), dialect, backwards=True)


def _collected(
    file: MigrationFile, state: SchemaState, dialect: str | None, *, backwards: bool = False
) -> Collected:
    before = state.to_snapshot()
    context = _Recorder(dialect, state, lenient=file.format < CURRENT_FORMAT, backwards=backwards)
    function = file.downgrade if backwards else file.upgrade
    assert function is not None
    collect(context, function, file.name)
    return Collected(
        file, before, context.get_collected_operations(), context.noted, context.schema_state.to_snapshot()
    )
