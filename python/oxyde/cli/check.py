"""`oxyde check`: whether models, files and database say the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._session import Alias, NoInput, command, note, say, session_of

if TYPE_CHECKING:
    from ..migrations.config import OxydeConfig

_HEADINGS = {
    "database": "The database differs from the models; this would change it:",
    "files": "The models are ahead of the files (`oxyde makemigrations`):",
    "pending": "Not applied (`oxyde migrate`):",
    "changed": "Changed since they were applied:",
    "missing": "Applied, and the file is missing:",
}


@command
def check(
    context: typer.Context,
    db_alias: Alias = "default",
    as_json: Annotated[bool, typer.Option("--json/--no-json", help="As an object.")] = False,
    no_input: NoInput = False,
) -> None:
    """Compare the models with the database and with the files."""
    from ._database import on_database

    config = session_of(context).load_models()
    found, strangers = on_database(config, db_alias, lambda: _compare(config, db_alias))
    if as_json:
        say(json.dumps(found, indent=2, default=str))
    else:
        _show(found)
    if strangers:
        note(f"Tables without a model: {', '.join(strangers)}")
    if any(found.values()):
        raise typer.Exit(1)


async def _compare(config: OxydeConfig, alias: str) -> tuple[dict[str, list[Any]], list[str]]:
    """What differs, by the keys of the headings, and the tables that no model has."""
    from ..migrations import compute_diff
    from ..migrations.extract import extract_current_schema
    from ..migrations.live import check_schema, inspect_database
    from ..migrations.replay import replay_migrations
    from ._history import read_history

    models = extract_current_schema(config.dialect)
    history = await read_history(config.migrations_dir, alias)
    found: dict[str, list[Any]] = {
        "database": await check_schema(alias),
        "files": compute_diff(replay_migrations(config.migrations_dir, config.dialect), models),
        "pending": [each.name for each in history if not each.applied],
        "changed": [each.name for each in history if each.changed],
        "missing": [each.name for each in history if each.missing],
    }
    live = await inspect_database(alias)
    known = {table["name"] for table in models["tables"].values()}
    return found, sorted({table["name"] for table in live["tables"].values()} - known)


def _show(found: dict[str, list[Any]]) -> None:
    for key, heading in _HEADINGS.items():
        if found[key]:
            say(heading, bold=True)
            _show_items(found[key])
    if not any(found.values()):
        say("Models, files and database agree")


def _show_items(items: Sequence[Any]) -> None:
    from ..migrations._words import describe, loss_of

    for item in items:
        if isinstance(item, str):
            say(f"  {item}")
            continue
        lost = loss_of(item)
        if lost:
            say(f"! {describe(item)}: {lost}", fg=typer.colors.RED)
        else:
            say(f"  {describe(item)}")
