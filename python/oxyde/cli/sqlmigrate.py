"""`oxyde sqlmigrate`: the SQL of a migration, without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ._session import NoInput, command, say, session_of, usage_error

if TYPE_CHECKING:
    from ..migrations._collected import Collected
    from ..migrations.config import OxydeConfig


@command
def sqlmigrate(
    context: typer.Context,
    name: Annotated[Optional[str], typer.Argument(help="Name, number or beginning of a migration.")] = None,
    backwards: Annotated[bool, typer.Option(help="The SQL that takes it back.")] = False,
    dialect: Annotated[
        Optional[str], typer.Option(help="postgres, sqlite, mysql or mariadb; DIALECT if left out.")
    ] = None,
    all: Annotated[bool, typer.Option("--all/--no-all", help="Every file as one script.")] = False,
    db_alias: Annotated[
        Optional[str],
        typer.Option(metavar="ALIAS", help="With --all: only what is pending in this database."),
    ] = None,
    no_input: NoInput = False,
) -> None:
    """Show the SQL of a migration."""
    from ..migrations._collected import collect_downgrade, collect_files
    from ..migrations.errors import SchemaError
    from ..migrations.files import find, load_files, without_replaced
    from ..migrations.render import dialect_named

    if all == (name is not None):
        usage_error("give the name of a migration, or --all")
    if all and backwards:
        usage_error("--all goes forwards only")
    if db_alias is not None and not all:
        usage_error("--db-alias belongs to --all")
    config = session_of(context).load()
    try:
        chosen = dialect_named(dialect or config.dialect)
    except SchemaError as error:
        usage_error(str(error))
    files = load_files(config.migrations_dir)
    if all:
        collected = collect_files(without_replaced(files), chosen)
        if db_alias is not None:
            pending = _pending(config, db_alias)
            collected = [each for each in collected if each.file.name in pending]
        say(_script(collected, chosen))
        return
    assert name is not None
    wanted = find(name, files)
    files = [file for file in files if wanted.name not in file.replaces]
    upward = collect_files(without_replaced(files[: files.index(wanted) + 1]), chosen)[-1]
    shown = collect_downgrade(wanted, upward.after, chosen) if backwards else upward
    say(f"-- {wanted.name}{' backwards' if backwards else ''} ({chosen})")
    say("\n".join(_statements(shown, chosen)))


def _statements(shown: Collected, dialect: str) -> list[str]:
    """Statements, each with its semicolon, raw SQL and code where they stand among them."""
    from ..migrations.render import plan_steps

    lines: list[str] = []
    done = 0
    state: Any = shown.before
    for raw in (*shown.raw, None):
        upto = len(shown.operations) if raw is None else raw.position
        part = shown.operations[done:upto]
        for step in plan_steps(part, dialect, state):
            lines += _of_step(step)
            state = step.after
        done = upto
        if raw is not None:
            lines += _of_raw(raw)
    return lines or ["-- No operations (empty migration)"]


def _of_step(step: Any) -> list[str]:
    lines = [_ended(sql) for sql in step.statements]
    if step.rebuilds:
        # What a connection of oxyde sets around the transaction by itself.
        lines = [
            "PRAGMA foreign_keys = OFF;",
            "PRAGMA legacy_alter_table = ON;",
            *lines,
            "PRAGMA legacy_alter_table = OFF;",
            "PRAGMA foreign_keys = ON;",
        ]
    for op in step.operations:
        if op["type"] == "alter_enum_type":
            old, new = (f"[{', '.join(op[key])}]" for key in ("old_values", "new_values"))
            lines.append(f"-- manual migration required: enum {op['name']} {old} -> {new}")
    return lines


def _of_raw(raw: Any) -> list[str]:
    if raw.is_code:
        return [f"-- Python: {raw.text}"]
    lines = [_ended(raw.text)]
    return lines if raw.params is None else [f"-- parameters: {raw.params!r}", *lines]


def _ended(sql: str) -> str:
    text = sql.strip()
    return text if text.endswith(";") else f"{text};"


# --- every file ------------------------------------------------------------------------------


def _pending(config: OxydeConfig, alias: str) -> set[str]:
    """The names that the database has not applied yet."""
    from ._database import on_database
    from ._history import read_history

    entries = on_database(config, alias, lambda: read_history(config.migrations_dir, alias))
    return {each.name for each in entries if not each.applied}


def _script(collected: list[Collected], dialect: str) -> str:
    """All files with the rows of the history."""
    lines = [f"-- every migration ({dialect})", _history_table(dialect)]
    for each in collected:
        lines += ["", f"-- {each.file.name}", *_statements(each, dialect)]
        name = each.file.name.replace("'", "''")
        lines.append(
            f"INSERT INTO oxyde_migrations (name, checksum) VALUES ('{name}', '{each.file.checksum()}');"
        )
    return "\n".join(lines)


def _history_table(dialect: str) -> str:
    from ..migrations.tracker import CREATE_TABLE

    sql = CREATE_TABLE["mysql" if dialect == "mariadb" else dialect]
    return _ended(" ".join(sql.split()))
