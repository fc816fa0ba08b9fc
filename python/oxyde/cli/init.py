"""`oxyde init`: writes the configuration file."""

from __future__ import annotations

import re
from typing import Annotated, Any, Optional

import typer

from ._session import NoInput, command, note, say, session_of, usage_error

URLS = {
    "postgres": "postgresql://localhost/mydb",
    "mysql": "mysql://localhost/mydb",
    "sqlite": "sqlite:///mydb.db",
}


@command
def init(
    context: typer.Context,
    models: Annotated[Optional[str], typer.Option(help="Modules of models, separated by commas.")] = None,
    dialect: Annotated[Optional[str], typer.Option(help="postgres, sqlite or mysql.")] = None,
    url: Annotated[Optional[str], typer.Option(help="URL of the default database.")] = None,
    dir: Annotated[Optional[str], typer.Option("--dir", help="Directory of the migration files.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Overwrite, and take what is usual.")] = False,
    no_input: NoInput = False,
) -> None:
    """Write oxyde_config.py."""
    from ..migrations.config import find_config, known_dialect, save_config
    from ..migrations.errors import SchemaError
    from ..migrations.utils import detect_dialect

    session = session_of(context)
    asks = session.asks(no_input) and not yes
    file = find_config(session.config_path)
    if file.exists() and not yes:
        note(f"{file} exists:\n\n{file.read_text(encoding='utf-8')}")
        if not asks or not typer.confirm("Overwrite it?", default=False, err=True):
            say("Aborted.")
            return

    def answer(given: str | None, question: str, default: str) -> str:
        if given is not None or not asks:
            return default if given is None else given
        reply: Any = typer.prompt(question, default=default, err=True)
        return str(reply).strip()

    modules = [name for name in re.split(r"[,\s]+", answer(models, "Modules of models", "models")) if name]
    usual = "postgres" if url is None else detect_dialect(url)
    try:
        chosen = known_dialect(answer(dialect, "Dialect (postgres, sqlite, mysql)", usual), "init")
    except SchemaError as error:
        usage_error(str(error))
    address = answer(url, "URL of the database", URLS[chosen])
    folder = answer(dir, "Directory of the migration files", "migrations")
    path = save_config(modules, chosen, folder, {"default": address}, file)
    say(f"Wrote {path}")
    note("Next: write your models, then `oxyde makemigrations` and `oxyde migrate`.")
