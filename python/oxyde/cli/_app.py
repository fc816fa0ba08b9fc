"""The application: global options, and the commands by name."""

from __future__ import annotations

import io
import sys
from typing import Annotated, Optional

import typer

from .._version import __version__
from ._session import NoInput, Session
from .check import check
from .generate_stubs import generate_stubs
from .init import init
from .inspectdb import inspectdb
from .makemigrations import makemigrations
from .migrate import migrate
from .showmigrations import showmigrations
from .sqlmigrate import sqlmigrate
from .squash import squash

__all__ = ["app"]

# Plain help and plain tracebacks: rich would cost more than the rest of a short command.
app = typer.Typer(
    name="oxyde",
    help="Migrations, existing databases and typed stubs of oxyde.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
migrations = typer.Typer(help="Work on the migration files themselves.", rich_markup_mode=None)
migrations.command("squash")(squash)

app.command("init")(init)
app.command("makemigrations")(makemigrations)
app.command("migrate")(migrate)
app.command("showmigrations")(showmigrations)
app.command("sqlmigrate")(sqlmigrate)
app.command("inspectdb")(inspectdb)
app.command("check")(check)
app.command("generate-stubs")(generate_stubs)
app.add_typer(migrations, name="migrations")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"oxyde {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    config: Annotated[
        Optional[str],
        typer.Option("--config", metavar="PATH", help="Configuration file (or OXYDE_CONFIG)."),
    ] = None,
    no_input: NoInput = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Migrations, existing databases and typed stubs of oxyde."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without the mark for what is applied
    context.obj = Session(config, no_input)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
