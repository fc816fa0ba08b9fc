"""What is asked of the rows before anything of a migration runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ._fields import enum_key, normal_field
from ._fits import literal, misfit
from .errors import MigrationError
from .render import quoted
from .state import SchemaState, altered

if TYPE_CHECKING:
    from ._runner import Runner

__all__ = ["check"]

Dict = dict[str, Any]

_SHOWN = 5


class _Question(NamedTuple):
    """Rows of a table that stand in the way: the condition, empty for any row, and what to say."""

    table: Dict
    condition: str
    words: str


async def check(runner: Runner, operations: Sequence[Dict], name: str) -> None:
    """Refuses the migration if rows stand in its way, with their number and the first keys."""
    snapshot = runner.state.to_snapshot()
    for question in _questions(operations, snapshot, runner.dialect):
        await _ask(runner, question, name)


async def _ask(runner: Runner, question: _Question, name: str) -> None:
    table, dialect = question.table, runner.dialect
    schema = f"{quoted(dialect, table['schema'])}." if table.get("schema") else ""
    source = f"FROM {schema}{quoted(dialect, table['name'])}"
    where = f" WHERE {question.condition}" if question.condition else ""
    keys = [field["name"] for field in table["fields"] if field["primary_key"]]
    shown = ", ".join(quoted(dialect, key) for key in keys)
    (row,) = await runner.ask(f"SELECT count(*) AS n {source}{where}")
    if not row["n"]:
        return
    rows = await runner.ask(f"SELECT {shown} {source}{where} ORDER BY {shown} LIMIT {_SHOWN}") if keys else []
    first = ", ".join("/".join(str(value) for value in each.values()) for each in rows)
    which = f" ({', '.join(keys)} {first}{', ...' if row['n'] > _SHOWN else ''})" if rows else ""
    plural = "row" if row["n"] == 1 else "rows"
    raise MigrationError(f"{name}: {row['n']} {plural} of {table['name']}{which} {question.words}")


# --- what to ask ---------------------------------------------------------------------------


class _Origins:
    """Tables and columns of now, by what they were called before the first operation."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self.state = SchemaState.from_snapshot(snapshot)
        self.before = SchemaState.from_snapshot(snapshot)
        self.tables = {key: key for key in self.state.tables}
        self.columns = {
            (key, field["name"]): field["name"]
            for key, table in self.state.tables.items()
            for field in table["fields"]
        }

    def follow(self, op: Dict) -> None:
        """Applies the operation; what it makes has no origin."""
        kind = op["type"]
        keys = {id(table): key for key, table in self.state.tables.items()}
        if kind == "rename_column":
            key = self._key(op["table"])
            origin = self.columns.pop((key, op["old_name"]), None)
            if origin is not None:
                self.columns[key, op["new_name"]] = origin
        elif kind in ("drop_column", "alter_column"):
            # A column altered twice is not what the rows hold any more.
            self.columns.pop((self._key(op["table"]), op.get("column") or op["field"]), None)
        self.state.apply_operation(op)
        for key, table in self.state.tables.items():
            old = keys.get(id(table))
            if old is not None and old != key:
                self.tables[key] = self.tables.pop(old, "")
                moved = {at: name for at, name in self.columns.items() if at[0] == old}
                for (_, column), name in moved.items():
                    del self.columns[old, column]
                    self.columns[key, column] = name
        self.tables = {key: origin for key, origin in self.tables.items() if key in self.state.tables}

    def _key(self, name: str) -> str:
        table = self.state.find_table(name)
        return next((key for key, each in self.state.tables.items() if each is table), name)

    def table(self, name: str) -> Dict | None:
        """The table as it is in the database; None if it is made by the migration."""
        origin = self.tables.get(self._key(name))
        return self.before.tables.get(origin) if origin else None

    def column(self, table: str, name: str) -> str | None:
        """The column's name in the database."""
        return self.columns.get((self._key(table), name))


def _questions(operations: Sequence[Dict], snapshot: Dict, dialect: str) -> Iterator[_Question]:
    origins = _Origins(snapshot)
    for op in operations:
        if op["type"] == "add_column":
            yield from _of_new_column(op, origins)
        elif op["type"] == "alter_column":
            yield from _of_altered_column(op, origins, dialect)
        elif op["type"] == "replace_enum_type":
            yield from _of_removed_values(op, origins, dialect)
        origins.follow(op)


def _of_new_column(op: Dict, origins: _Origins) -> Iterator[_Question]:
    field, table = normal_field(op["field"]), origins.table(op["table"])
    has_value = field["nullable"] or op.get("backfill") or field.get("default") is not None
    if table is None or has_value or field["primary_key"]:
        return
    yield _Question(
        table,
        "",
        f"would have no value for the new column {field['name']}, which is NOT NULL: give add_column "
        "a backfill, or the column a default",
    )


def _of_altered_column(op: Dict, origins: _Origins, dialect: str) -> Iterator[_Question]:
    table, column = origins.table(op["table"]), origins.column(op["table"], op["column"])
    if table is None or column is None:
        return
    old = next(field for field in table["fields"] if field["name"] == column)
    new = normal_field(op["new_field"]) if op.get("new_field") else altered(old, op["changes"])
    if old["nullable"] and not new["nullable"] and not op.get("backfill") and not new["primary_key"]:
        yield _Question(
            table,
            f"{quoted(dialect, column)} IS NULL",
            f"have no value in {column}, which becomes NOT NULL: give alter_column a backfill",
        )
    if op.get("using") or old.get("db_type") or new.get("db_type"):
        return
    if old["column_type"] == new["column_type"]:
        return
    condition = misfit(column, old["column_type"], new["column_type"], dialect)
    if condition is not None:
        kind = _type_words(new["column_type"])
        yield _Question(
            table,
            f"{quoted(dialect, column)} IS NOT NULL AND ({condition})",
            f"hold a value in {column} that does not fit {kind}: change those rows first, or give using=",
        )


def _type_words(type_: Mapping[str, Any]) -> str:
    sizes = [str(type_[key]) for key in ("length", "precision", "scale") if type_.get(key) is not None]
    if type_["kind"] == "enum":
        return f"the enum type {type_['name']}"
    return f"{type_['kind']}({', '.join(sizes)})" if sizes else str(type_["kind"])


def _of_removed_values(op: Dict, origins: _Origins, dialect: str) -> Iterator[_Question]:
    mapping = op.get("mapping") or {}
    removed = [value for value in op["old_values"] if value not in op["new_values"] and value not in mapping]
    if not removed:
        return
    values = ", ".join(literal(value, dialect) for value in removed)
    for key, table in list(origins.state.tables.items()):
        origin = origins.table(key)
        for field in table["fields"]:
            column = origins.column(key, field["name"])
            is_list = field["column_type"]["kind"] == "array"
            if origin is None or column is None or enum_key(table, field["column_type"]) != op["name"]:
                continue
            if is_list and dialect != "postgres":
                continue
            name = quoted(dialect, column)
            text = "::text" if dialect == "postgres" else ""
            condition = f"{name}::text[] && ARRAY[{values}]" if is_list else f"{name}{text} IN ({values})"
            yield _Question(
                origin,
                condition,
                f"hold a value in {column} that {op['name']} will not have any more ({', '.join(removed)}): "
                "change those rows first, or give replace_enum_type a mapping",
            )
