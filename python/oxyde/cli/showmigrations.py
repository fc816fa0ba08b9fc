"""`oxyde showmigrations`: what is applied and what is not."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from ._session import Alias, NoInput, command, say, session_of

if TYPE_CHECKING:
    from ._history import Entry


@command
def showmigrations(
    context: typer.Context,
    db_alias: Alias = "default",
    as_json: Annotated[bool, typer.Option("--json/--no-json", help="As a list of objects.")] = False,
    no_input: NoInput = False,
) -> None:
    """List the migrations and which are applied."""
    from ._database import on_database
    from ._history import read_history

    config = session_of(context).load()
    entries = on_database(config, db_alias, lambda: read_history(config.migrations_dir, db_alias))
    if as_json:
        say(json.dumps([dataclasses.asdict(each) for each in entries], indent=2))
        return
    files = [each for each in entries if not each.missing]
    for each in files:
        _show(each)
    applied = sum(each.applied for each in files)
    say(f"Total: {len(files)} migration(s)")
    say(f"Applied: {applied}")
    say(f"Pending: {len(files) - applied}")
    gone = [each.name for each in entries if each.missing]
    if gone:
        say("Applied, and the file is missing:")
        for name in gone:
            say(f"  {name}")


def _show(entry: Entry) -> None:
    mark = "✓" if entry.applied else " "
    changed = " (changed since it was applied)" if entry.changed else ""
    say(f"  [{mark}] {entry.name}{changed}", fg=typer.colors.GREEN if entry.applied else None)
