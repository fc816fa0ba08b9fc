"""SQLite: a table made anew from what is stored, with all that the files do not know of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._stored import StoredTable, parse_table, split_top, unquoted, words_outside
from .errors import MigrationError
from .render import Source, Step, quoted, rebuild_sources

if TYPE_CHECKING:
    from ._runner import Runner

__all__ = ["rebuild"]

Dict = dict[str, Any]


@dataclass
class _Live:
    """What the database holds of a table."""

    stored: StoredTable
    columns: list[Dict]  # of pragma table_xinfo
    indexes: dict[str, str]
    triggers: list[str]
    foreign_keys: list[tuple[list[str], str]]
    sequence: int | None
    options: list[str] = field(default_factory=list)

    def hidden(self, name: str) -> bool:
        """Whether the column is generated."""
        return any(column["name"].lower() == name.lower() and column["hidden"] for column in self.columns)


async def rebuild(runner: Runner, step: Step) -> None:
    """Runs a step that makes a table anew."""
    old, new, sources = rebuild_sources(step)
    live = await _read(runner, old)
    extra = _unknown(live, old)
    runner.reports += [f"table {old['name']}: {words}" for words in extra.words()]
    statements = _statements(step, (old, new, sources), live, extra)
    # Other tables, views and triggers go on saying what they say.
    await runner.run("PRAGMA legacy_alter_table = ON")
    try:
        for sql in statements:
            await runner.run(sql)
    finally:
        await runner.run("PRAGMA legacy_alter_table = OFF")


# --- reading -----------------------------------------------------------------------------------


async def _read(runner: Runner, table: Dict) -> _Live:
    name, schema = table["name"], table.get("schema") or "main"
    master = f"{quoted('sqlite', schema)}.sqlite_master"
    rows = await runner.ask(f"SELECT type, name, sql FROM {master} WHERE lower(tbl_name) = lower(?)", [name])
    made = [row["sql"] for row in rows if row["type"] == "table"]
    if not made:
        raise MigrationError(
            f"the table {name!r} that the migrations describe is not in the database: bring them in line "
            "first, `oxyde check` shows the differences"
        )
    stored = parse_table(made[0])
    columns = await runner.ask(
        "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?, ?) ORDER BY cid", [name, schema]
    )
    keys = await runner.ask(
        'SELECT id, "table" AS target, "from" AS source FROM pragma_foreign_key_list(?, ?) ORDER BY id, seq',
        [name, schema],
    )
    by_id: dict[int, tuple[list[str], str]] = {}
    for row in keys:
        by_id.setdefault(row["id"], ([], row["target"]))[0].append(row["source"])
    return _Live(
        stored=stored,
        columns=columns,
        indexes={row["name"]: row["sql"] for row in rows if row["type"] == "index" and row["sql"]},
        triggers=[row["sql"] for row in rows if row["type"] == "trigger"],
        foreign_keys=list(by_id.values()),
        sequence=await _sequence(runner, schema, name),
        options=[option.strip().upper() for option in split_top(stored.options)],
    )


async def _sequence(runner: Runner, schema: str, name: str) -> int | None:
    there = await runner.ask(
        f"SELECT 1 FROM {quoted('sqlite', schema)}.sqlite_master WHERE name = 'sqlite_sequence'"
    )
    if not there:
        return None
    rows = await runner.ask(
        f"SELECT seq FROM {quoted('sqlite', schema)}.sqlite_sequence WHERE name = ?", [name]
    )
    return int(rows[0]["seq"]) if rows else None


# --- what the files do not know --------------------------------------------------------------------


@dataclass
class _Unknown:
    columns: dict[str, str] = field(default_factory=dict)  # name to definition
    constraints: list[str] = field(default_factory=list)
    indexes: dict[str, str] = field(default_factory=dict)

    def words(self) -> list[str]:
        """For the report."""
        found = [("column", list(self.columns)), ("index", list(self.indexes))]
        listed = [f"{what} {', '.join(names)} carried over" for what, names in found if names]
        return listed + [f"constraint carried over: {text}" for text in self.constraints]


def _unknown(live: _Live, table: Dict) -> _Unknown:
    names = {each["name"].lower() for each in table["fields"]}
    indexes = {each["name"].lower() for each in table["indexes"]}
    result = _Unknown(
        indexes={name: sql for name, sql in live.indexes.items() if name.lower() not in indexes},
        constraints=[text for text in live.stored.constraints if not _is_known(text, table)],
    )
    for column in live.columns:
        if column["name"].lower() in names:
            continue
        text = live.stored.columns.get(column["name"].lower())
        if text is None or column["pk"]:
            raise MigrationError(
                f"the column {table['name']}.{column['name']} is in the database and not in the migrations, "
                "and it cannot be carried into the table made anew: drop it, or add it to a migration"
            )
        result.columns[column["name"]] = text
    return result


def _is_known(text: str, table: Dict) -> bool:
    """Whether a constraint of the table is one of those that the new definition makes or leaves out."""
    words = words_outside(text).split()
    named = None
    if words[0] == "CONSTRAINT":
        named = unquoted(re.split(r"\s+", text.strip(), maxsplit=2)[1]).lower()
        parts = ("foreign_keys", "checks", "indexes")
        if any(each["name"].lower() == named for part in parts for each in table[part]):
            return True
        text = text.strip().split(None, 2)[2]
        words = words_outside(text).split()
    kind = words[0].partition("(")[0]
    inside = text[text.index("(") + 1 :]
    columns = (
        [unquoted(part.split()[0]).lower() for part in split_top(_inner(inside))] if kind != "CHECK" else []
    )
    if kind == "PRIMARY":
        return True
    if kind == "FOREIGN":
        return any([c.lower() for c in fk["columns"]] == columns for fk in table["foreign_keys"])
    if kind == "UNIQUE":
        unique = [[f["name"].lower()] for f in table["fields"] if f["unique"]]
        groups = [[c.lower() for c in index["fields"]] for index in table["indexes"] if index["unique"]]
        return columns in unique + groups
    return False


def _inner(text: str) -> str:
    depth = 1
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return text[:at]
    return text


# --- the statements -------------------------------------------------------------------------------


def _statements(
    step: Step, change: tuple[Dict, Dict, Mapping[str, Source]], live: _Live, extra: _Unknown
) -> list[str]:
    old, new, sources = change
    create, rest = step.statements[0], step.statements[1:]
    kept_old = {each["name"]: each for each in old["fields"]}
    made = parse_table(create)
    columns = []
    for each in new["fields"]:
        source = sources.get(each["name"])
        before = (
            kept_old.get(each["name"]) if source is not None and source.old_name == each["name"] else None
        )
        text = made.columns[each["name"].lower()]
        stored = live.stored.columns.get(each["name"].lower())
        columns.append(stored if stored and before == each and _keeps(stored) else text)
        if "AUTOINCREMENT" in words_outside(stored or "") and "AUTOINCREMENT" not in words_outside(
            columns[-1]
        ):
            columns[-1] = columns[-1].replace("INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", 1)
    body = [*columns, *extra.columns.values(), *made.constraints, *extra.constraints]
    head = create[: create.index("(")]
    statements = [f"{head}({', '.join(body)}){' ' + live.stored.options if live.options else ''}"]
    statements += _copy(new, sources, old, live, extra)
    swap = [sql for sql in rest if not sql.startswith("INSERT INTO ")]
    if live.sequence is not None and "AUTOINCREMENT" in words_outside(statements[0].replace("(", " ", 1)):
        place = f"{quoted('sqlite', old['schema'])}." if old.get("schema") else ""
        temporary = _text(f"{new['name']}__new")
        swap.insert(0, f"DELETE FROM {place}sqlite_sequence WHERE name = {temporary}")
        swap.insert(
            1, f"INSERT INTO {place}sqlite_sequence (name, seq) VALUES ({temporary}, {live.sequence})"
        )
    return [*statements, *swap, *extra.indexes.values(), *live.triggers]


def _keeps(stored: str) -> bool:
    """Whether the column can stay as it is written: a key in it must not come twice, nor stay if dropped."""
    words = words_outside(stored).split()
    return "REFERENCES" not in words


def _copy(new: Dict, sources: Mapping[str, Source], old: Dict, live: _Live, extra: _Unknown) -> list[str]:
    targets, values = [], []
    for each in new["fields"]:
        source = sources.get(each["name"])
        if source is None or live.hidden(each["name"]) or (source.old_name is None and not source.expression):
            continue
        targets.append(quoted("sqlite", each["name"]))
        values.append(_value(source))
    for name in extra.columns:
        if not live.hidden(name):
            targets.append(quoted("sqlite", name))
            values.append(quoted("sqlite", name))
    if not targets:
        return []
    schema = f"{quoted('sqlite', new['schema'])}." if new.get("schema") else ""
    into = f"{schema}{quoted('sqlite', new['name'] + '__new')}"
    origin = f"{schema}{quoted('sqlite', old['name'])}"
    return [f"INSERT INTO {into} ({', '.join(targets)}) SELECT {', '.join(values)} FROM {origin}"]


def _value(source: Source) -> str:
    column = None if source.old_name is None else quoted("sqlite", source.old_name)
    if column is None or source.converts:
        return source.expression
    return f"COALESCE({column}, {source.expression})" if source.expression else column


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
