"""`oxyde makemigrations`: compares the models with the files and writes what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ._session import NoInput, command, note, say, session_of, usage_error, warn

if TYPE_CHECKING:
    from ..migrations.config import OxydeConfig
    from ..migrations.files import MigrationFile

Operation = dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """A file that is to be written."""

    operations: Sequence[Any]
    name: str | None
    depends_on: str | list[str] | None
    atomic: bool = True


@command
def makemigrations(
    context: typer.Context,
    name: Annotated[Optional[str], typer.Option(help="Name of the file, without its number.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Show the file, write nothing.")] = False,
    check: Annotated[bool, typer.Option(help="Write nothing; exit 1 if there are changes.")] = False,
    empty: Annotated[bool, typer.Option(help="Write a file without operations.")] = False,
    merge: Annotated[bool, typer.Option(help="Join several heads.")] = False,
    rename: Annotated[
        Optional[list[str]],
        typer.Option(
            metavar="OLD:NEW", help="crate:box, crate.kg:weight_kg, state_enum.old:new; repeatable."
        ),
    ] = None,
    default: Annotated[
        Optional[list[str]],
        typer.Option(metavar="TABLE.COLUMN=SQL", help="Value for existing rows; repeatable."),
    ] = None,
    adopt: Annotated[bool, typer.Option(help="Add what older files left out, without asking.")] = False,
    concurrent_indexes: Annotated[
        bool, typer.Option(help="Indexes of existing tables in a second file, made without locking.")
    ] = False,
    stubs: Annotated[
        bool, typer.Option("--stubs/--no-stubs", help="Regenerate typed stubs, or leave them.")
    ] = True,
    no_input: NoInput = False,
) -> None:
    """Write a migration file with what changed in the models."""
    if empty and merge:
        usage_error("--empty and --merge are two different files")
    from ..migrations.files import load_files

    session = session_of(context)
    config = session.load() if empty or merge else session.load_models()
    files = load_files(config.migrations_dir)
    asks = session.asks(no_input) and not check
    untracked: list[str] = []
    if merge:
        from ._merge import merge_heads

        drafts = merge_heads(files, config.dialect, name, asks=asks)
    elif empty:
        drafts = [Draft([], name, _only_head(files))]
    else:
        from ._changes import Changes, parse_defaults

        old, new = _snapshots(config, files)
        changes = Changes(old, new, list(rename or ()), parse_defaults(default or ()), asks)
        operations, untracked = changes.operations(adopt=adopt)
        drafts = _drafts(operations, name, _only_head(files), concurrent_indexes)
        _report(operations)
        changes.hint(operations)
    if not drafts:
        say("No changes detected" if not merge else "Nothing to merge")
    elif dry_run and not check:
        _show(drafts, Path(config.migrations_dir))
    elif not check:
        _write(drafts, config)
        if stubs and not (empty or merge):
            _write_stubs()
    for line in untracked:
        say(line)
    if untracked:
        note("--adopt adds what was never migrated.")
    if check and drafts:
        raise typer.Exit(1)


def _only_head(files: Sequence[MigrationFile]) -> str | None:
    from ..migrations.errors import MigrationConflictError
    from ..migrations.files import heads

    found = heads(files)
    if len(found) > 1:
        raise MigrationConflictError(
            f"several migrations end the history: {', '.join(found)}; "
            "`oxyde makemigrations --merge` joins them"
        )
    return found[0] if found else None


def _snapshots(config: OxydeConfig, files: Sequence[MigrationFile]) -> tuple[Any, Any]:
    """What the files describe, and what the models do."""
    from ..migrations.extract import extract_current_schema
    from ..migrations.replay import replay_files

    new = extract_current_schema(config.dialect)
    _only_head(files)
    return replay_files(files, config.dialect).to_snapshot(), new


def _drafts(
    operations: Sequence[Operation], name: str | None, head: str | None, concurrent: bool
) -> list[Draft]:
    from ..migrations._concurrent import split_indexes

    first, later = split_indexes(operations) if concurrent else (operations, [])
    drafts = [Draft(first, name, head)] if first else []
    if later:
        second = f"{name}_indexes" if name and first else name
        drafts.append(Draft(later, second, head, atomic=False))
    return drafts


def _report(operations: Sequence[Operation]) -> None:
    from ..migrations._words import describe, loss_of, missing_value

    for op in operations:
        lost = loss_of(op)
        if lost:
            say(f"! {describe(op)}: {lost}", fg=typer.colors.RED)
        else:
            say(f"  {describe(op)}")
    for op in operations:
        missing = missing_value(op)
        if missing:
            warn(
                f"{missing} is NOT NULL without a value for existing rows; the migration is refused where "
                f"there are any. --default {missing}=SQL gives one."
            )


# --- writing ---------------------------------------------------------------------------------


def _show(drafts: Sequence[Draft], folder: Path) -> None:
    from ..migrations.generator import default_name, next_path, render_file

    before: str | None = None
    for at, draft in enumerate(drafts):
        path = next_path(folder, draft.name or default_name(draft.operations), skip=at)
        depends_on = draft.depends_on if before is None else before
        say(f"\n{path}\n", bold=True)
        say(render_file(draft.operations, depends_on=depends_on, atomic=draft.atomic))
        before = path.stem


def _write(drafts: Sequence[Draft], config: OxydeConfig) -> None:
    from ..migrations.generator import generate_migration_file

    before: str | None = None
    for draft in drafts:
        depends_on = draft.depends_on if before is None else before
        path = generate_migration_file(
            draft.operations,
            config.migrations_dir,
            draft.name or ("merge" if isinstance(depends_on, list) else None),
            depends_on=depends_on,
            atomic=draft.atomic,
        )
        say(f"Wrote {path}", fg=typer.colors.GREEN)
        before = path.stem
    note("Run `oxyde migrate` to apply.")


def _write_stubs() -> None:
    """A failure warns only: the migration is written."""
    from ..codegen import write_stubs
    from ._stubs import shown, stubs_of_project

    try:
        for path in write_stubs(stubs_of_project()):
            note(f"Wrote {shown(path)}")
    except Exception as error:  # whatever is odd in a module of models
        warn(f"the stubs were not written: {type(error).__name__}: {error}")
