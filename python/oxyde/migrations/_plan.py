"""What a run would do: which files, in which order, and what each of them holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..db.connection import Connection
from .context import MigrationContext, collect, queue
from .errors import IrreversibleError, MigrationError, MigrationFileNotFoundError, UnknownMigrationError
from .files import CURRENT_FORMAT, MigrationFile, find
from .replay import replay_files
from .state import SchemaState

__all__ = [
    "Planned",
    "Squashed",
    "as_dict",
    "context_for",
    "function_of",
    "missing_file",
    "plan_one",
    "queue_one",
    "resolve_history",
    "state_of",
    "stored_checksums",
    "to_apply",
    "to_roll_back",
]

Dict = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """One file of a run: its operations, and how it will run.

    `queued` is the context that holds them already, in the order in which they will run.
    """

    file: MigrationFile
    backwards: bool
    operations: Sequence[Dict]
    before: SchemaState
    after: SchemaState
    raw_sql: Sequence[str]
    has_raw_sql: bool
    calls_code: bool
    first_raw_at: int
    transaction: bool
    queued: MigrationContext | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name


def plan_one(file: MigrationFile, state: SchemaState, flavor: str, *, backwards: bool = False) -> Planned:
    """Collects the operations of a file from this state on, and checks what needs no database."""
    after = SchemaState.from_snapshot(state.to_snapshot())
    lenient = file.format < CURRENT_FORMAT
    context = MigrationContext("collect", None, flavor, None, after, lenient=lenient, backwards=backwards)
    collect(context, function_of(file, backwards), file.name)
    return _planned(file, state, context)


def queue_one(
    file: MigrationFile, state: SchemaState, conn: Connection, *, backwards: bool = False
) -> Planned:
    """The same for a run. A plain function is called once: what it queues is what will run.

    Of an async one is to be known before its transaction what it does after it first waits: it is
    collected, and called again to run.
    """
    context = context_for(file, state, conn, backwards)
    if not queue(context, function_of(file, backwards), file.name):
        return plan_one(file, state, conn.flavor, backwards=backwards)
    return replace(_planned(file, state, context), queued=context)


def function_of(file: MigrationFile, backwards: bool) -> Callable[[Any], Any]:
    """What a file does in this direction."""
    function = file.downgrade if backwards else file.upgrade
    if function is None:
        raise IrreversibleError(f"{file.name} has no downgrade: it cannot be rolled back")
    return function


def context_for(
    file: MigrationFile, state: SchemaState, conn: Connection, backwards: bool
) -> MigrationContext:
    """A context that executes on the connection."""
    lenient = file.format < CURRENT_FORMAT
    before = SchemaState.from_snapshot(state.to_snapshot(), strict=not lenient)
    alias, flavor = conn.database.name, conn.flavor
    context = MigrationContext("execute", alias, flavor, conn, before, lenient=lenient, backwards=backwards)
    assert context.runner is not None
    context.runner.name = file.name
    return context


def _planned(file: MigrationFile, before: SchemaState, context: MigrationContext) -> Planned:
    operations = context.get_collected_operations()
    return Planned(
        file=file,
        backwards=context.backwards,
        operations=operations,
        before=before,
        after=SchemaState.from_snapshot(context.schema_state.to_snapshot()),
        raw_sql=tuple(context.raw_sql),
        has_raw_sql=context.has_raw_sql,
        calls_code=context.calls_code,
        first_raw_at=len(operations) if context.first_raw_at is None else context.first_raw_at,
        transaction=_in_transaction(file, operations, context),
    )


def _in_transaction(file: MigrationFile, operations: Iterable[Dict], context: MigrationContext) -> bool:
    on_postgres = context.flavor == "postgres"
    if any(op.get("concurrently") for op in operations) and on_postgres and file.atomic:
        raise MigrationError(
            f"{file.name} makes or drops an index concurrently, which PostgreSQL does outside of "
            "transactions only: write atomic = False into the file, best with nothing else in it"
        )
    if not file.atomic:
        return False
    # PostgreSQL takes a new enum value only after the transaction that added it.
    used_at_once = context.has_raw_sql and any(op["type"] == "add_enum_value" for op in operations)
    return not (on_postgres and used_at_once)


# --- which ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Squashed:
    """A squashed file whose replaced ones were applied one by one."""

    file: MigrationFile
    unfinished: Sequence[MigrationFile]  # replaced ones that are to be applied before it is recorded


def resolve_history(
    files: Sequence[MigrationFile], applied: Iterable[str]
) -> tuple[list[MigrationFile], list[Squashed]]:
    """The files that count, and the squashed ones that stand for files applied before.

    Of a squashed file and those it replaces only one side counts.
    """
    done = set(applied)
    there = {file.name: file for file in files}
    hidden: set[str] = set()
    squashed: list[Squashed] = []
    for file in files:
        if not file.replaces:
            continue
        known = [name for name in file.replaces if name in done]
        if file.name in done or not known:
            hidden.update(file.replaces)
            continue
        missing = [name for name in file.replaces if name not in done]
        gone = [name for name in missing if name not in there]
        if gone:
            raise MigrationError(
                f"{file.name} replaces {len(file.replaces)} migrations of which {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} not applied here, and {', '.join(gone)} "
                f"{'has' if len(gone) == 1 else 'have'} no file any more: apply the old files first, "
                "or squash with keep"
            )
        hidden.update(file.replaces)
        squashed.append(Squashed(file, [there[name] for name in there if name in missing]))
    return [file for file in files if file.name not in hidden], squashed


def to_apply(
    files: Sequence[MigrationFile], applied: Iterable[str], target: str | None
) -> list[MigrationFile]:
    """The pending files in order; with a target those that it depends on or follows, and itself."""
    done = set(applied)
    pending = [file for file in files if file.name not in done]
    if target is None:
        return pending
    wanted = find(target, files)
    if wanted.name in done:
        return []
    return [file for file in pending if files.index(file) <= files.index(wanted)]


def to_roll_back(
    files: Sequence[MigrationFile], applied: Sequence[str], target: str | None
) -> list[MigrationFile]:
    """The applied files after the target, newest first; all of them without a target."""
    order = {file.name: at for at, file in enumerate(files)}
    last = -1
    if target is not None:
        found = find(target, files)
        if found.name not in applied:
            raise UnknownMigrationError(f"{found.name} is not applied: there is nothing to roll back to")
        last = order[found.name]
    gone = [name for name in applied if name not in order]
    if gone and target is None:
        raise missing_file(gone)
    names = sorted((name for name in applied if order.get(name, -1) > last), key=order.__getitem__)
    by_name = {file.name: file for file in files}
    return [by_name[name] for name in reversed(names)]


def missing_file(names: Sequence[str]) -> MigrationFileNotFoundError:
    """The error for applied files that are gone."""
    one = len(names) == 1
    return MigrationFileNotFoundError(
        f"{', '.join(names)} {'was' if one else 'were'} applied, and the file{'' if one else 's'} "
        f"{'is' if one else 'are'} gone: bring {'it' if one else 'them'} back to roll back"
    )


def state_of(files: Iterable[MigrationFile], applied: Iterable[str], flavor: str) -> SchemaState:
    """The schema that these applied files have made."""
    done = set(applied)
    return replay_files([file for file in files if file.name in done], flavor)


def as_dict(planned: Planned, changed: bool) -> Dict:
    """A planned file for those who print it."""
    return {
        "name": planned.name,
        "direction": "backward" if planned.backwards else "forward",
        "operations": list(planned.operations),
        "before": planned.before.to_snapshot(),
        "transaction": planned.transaction,
        "raw_sql": list(planned.raw_sql),
        "changed": changed,
    }


def stored_checksums(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Name to checksum, where there is one."""
    return {row["name"]: row["checksum"] for row in rows if row["checksum"]}
