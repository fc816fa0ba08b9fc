"""`oxyde sqlmigrate`: the SQL of a migration, without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ._session import NoInput, command, say, session_of, usage_error

if TYPE_CHECKING:
    from ..migrations._collected import Collected


@command
def sqlmigrate(
    context: typer.Context,
    name: Annotated[Optional[str], typer.Argument(help="Name, number or beginning of a migration.")] = None,
    backwards: Annotated[bool, typer.Option(help="The SQL that takes it back.")] = False,
    dialect: Annotated[
        Optional[str], typer.Option(help="postgres, sqlite, mysql or mariadb; DIALECT if left out.")
    ] = None,
    all: Annotated[bool, typer.Option("--all/--no-all", help="Every file as one script.")] = False,
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
    config = session_of(context).load()
    try:
        chosen = dialect_named(dialect or config.dialect)
    except SchemaError as error:
        usage_error(str(error))
    files = load_files(config.migrations_dir)
    if all:
        collected = collect_files(without_replaced(files), chosen)
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


_HISTORY = {
    "sqlite": ("INTEGER PRIMARY KEY", "TEXT", "TEXT", "(datetime('now'))"),
    "postgres": ("SERIAL PRIMARY KEY", "VARCHAR(255)", "VARCHAR(64)", "NOW()"),
    "mysql": ("INT AUTO_INCREMENT PRIMARY KEY", "VARCHAR(255)", "VARCHAR(64)", "NOW()"),
}


def _history_table(dialect: str) -> str:
    key, name, checksum, now = _HISTORY["mysql" if dialect == "mariadb" else dialect]
    return (
        f"CREATE TABLE IF NOT EXISTS oxyde_migrations (id {key}, name {name} NOT NULL UNIQUE, "
        f"applied_at TIMESTAMP NOT NULL DEFAULT {now}, checksum {checksum} NULL);"
    )
