"""`oxyde inspectdb`: models of a database that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ._session import NoInput, command, fail, note, say, session_of, usage_error

if TYPE_CHECKING:
    from ..migrations.config import OxydeConfig


@command
def inspectdb(
    context: typer.Context,
    db_alias: Annotated[
        Optional[str], typer.Option(metavar="ALIAS", help="A database of DATABASES (default).")
    ] = None,
    url: Annotated[Optional[str], typer.Option(help="A database that is not in the configuration.")] = None,
    table: Annotated[
        Optional[list[str]], typer.Option(metavar="NAME", help="Only this table; repeatable.")
    ] = None,
    schema: Annotated[Optional[str], typer.Option(help="Schema, or database on MySQL.")] = None,
    output: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Write a new file instead of showing it.")
    ] = None,
    baseline: Annotated[
        bool, typer.Option(help="Write 0001_baseline too, and record it as applied.")
    ] = False,
    no_input: NoInput = False,
) -> None:
    """Show models of the tables of a database."""
    from ..migrations.config import OxydeConfig
    from ._database import on_database

    if url is not None and db_alias is not None:
        usage_error("--url and --db-alias name two different databases")
    session = session_of(context)
    file = None if output is None else output.absolute()
    if file is not None and file.exists():
        fail(f"{output} exists: it may have changes of yours, so it is not overwritten")
    config = session.load() if url is None or baseline else OxydeConfig()
    alias = db_alias or "default"
    if url is not None:
        config.databases, alias = {"default": url}, "default"
    if baseline:
        _require_no_files(config)
    source = on_database(config, alias, lambda: _inspect(config, alias, table, schema, baseline))
    if file is None:
        say(source.rstrip("\n"))
    else:
        file.write_text(source, encoding="utf-8")
        note(f"Wrote {output}")


def _require_no_files(config: OxydeConfig) -> None:
    from ..migrations.files import get_migration_files

    if get_migration_files(config.migrations_dir):
        fail(f"{config.migrations_dir} has migrations already: a baseline is the first one")


async def _inspect(
    config: OxydeConfig, alias: str, tables: list[str] | None, schema: str | None, baseline: bool
) -> str:
    from ..migrations.live import generate_models, inspect_database

    snapshot = await inspect_database(alias, tables=tables, schema=schema)
    absent = sorted(set(tables or ()) - {each["name"] for each in snapshot["tables"].values()})
    if absent:
        fail(f"there is no table {', '.join(absent)}")
    source = generate_models(snapshot)
    if baseline:
        await _write_baseline(config, alias, snapshot, source)
    return source


async def _write_baseline(config: OxydeConfig, alias: str, snapshot: Mapping[str, Any], source: str) -> None:
    """The first migration, which the database needs no more.

    It says what the models say rather than what the server prints, so that `makemigrations` finds
    nothing to do afterwards.
    """
    from ..migrations import compute_diff
    from ..migrations.executor import apply_migrations
    from ..migrations.generator import render_file
    from ..migrations.state import SchemaState

    operations = compute_diff(SchemaState().to_snapshot(), _snapshot_of(source))
    text = _with_preamble(render_file(operations, depends_on=None), snapshot.get("preamble") or ())
    path = _write_new(Path(config.migrations_dir), text)
    await apply_migrations(config.migrations_dir, alias, path.stem, fake=True)
    note(f"Wrote {path} and recorded it as applied")


def _write_new(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "0001_baseline.py"
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path


def _with_preamble(text: str, statements: Any) -> str:
    """Statements for types that no operation makes come first."""
    from ..migrations.generator import literal

    head, mark, tail = text.partition('    """Apply migration."""\n')
    return head + mark + "".join(f"    ctx.execute({literal(sql)})\n" for sql in statements) + tail


def _snapshot_of(source: str) -> dict[str, Any]:
    """What the models of this source describe."""
    import sys
    from types import ModuleType

    from ..migrations.extract import extract_current_schema
    from ..models.registry import clear_registry

    module = ModuleType("oxyde_inspected_models")
    sys.modules[module.__name__] = module
    clear_registry()
    try:
        exec(compile(source, f"<{module.__name__}>", "exec"), module.__dict__)
        return extract_current_schema()
    finally:
        clear_registry()
        del sys.modules[module.__name__]
