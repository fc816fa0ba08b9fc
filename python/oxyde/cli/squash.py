"""`oxyde migrations squash`: one file in place of many."""

from __future__ import annotations

from typing import Annotated

import typer

from ._session import NoInput, command, fail, note, say, session_of, warn


@command
def squash(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Name of the new file, without its number.")] = "squashed",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the old files beside the new one.")] = False,
    no_input: NoInput = False,
) -> None:
    """Replace all migration files by one that makes the same schema."""
    from ..migrations.files import load_files, without_replaced
    from ..migrations.squash import squash_migrations

    session = session_of(context)
    config = session.load()
    files = without_replaced(load_files(config.migrations_dir))
    if not files:
        say("No migration files")
        return
    if not yes and not keep:
        if not session.asks(no_input):
            fail(f"squashing deletes {len(files)} file(s): --yes agrees to that, --keep keeps them")
        note("\n".join(f"  {file.name}" for file in files))
        if not typer.confirm(f"Replace these {len(files)} file(s) by one?", default=False, err=True):
            say("Aborted.")
            return
    result = squash_migrations(config.migrations_dir, name, keep=keep)
    if not result.deleted_files and not keep:
        say(f"Nothing to squash: {files[0].name} is the only file")
        return
    say(f"Wrote {result.new_file} ({result.table_count} table(s))", fg=typer.colors.GREEN)
    for gone in result.deleted_files:
        say(f"  deleted {gone}")
    for each in result.legacy_files:
        say(f"  {each} was of an older format")
    if result.raw_sql_files:
        warn(
            f"raw SQL or code of {', '.join(result.raw_sql_files)} stands in the new file as comments: "
            "move what a new database needs into upgrade()"
        )
    note("Databases that have all of them applied record the new file at the next `oxyde migrate`.")
