"""`render_operations`: the SQL of operations, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from .. import _core
from ..db._begin import quoted as quoted_for
from ..exceptions import NotSupportedError
from ._describe import describe_enums, describe_tables
from ._fields import enum_key, normal_field, qualified
from ._mysql_keys import own_index, with_keys_moved
from .errors import SchemaError
from .state import SchemaState

__all__ = [
    "Source",
    "Step",
    "dialect_named",
    "plan_steps",
    "quoted",
    "rebuild_sources",
    "render_operations",
]

Dict = dict[str, Any]
Operation = Mapping[str, Any]

_DIALECTS = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mariadb": "mariadb",
}

# Where an operation names its subject: the list of the table, and the key that holds the item or its name.
_ITEMS = {
    "add_column": ("fields", "field"),
    "drop_column": ("fields", "field"),
    "alter_column": ("fields", "column"),
    "create_index": ("indexes", "index"),
    "drop_index": ("indexes", "name"),
    "add_foreign_key": ("foreign_keys", "fk"),
    "drop_foreign_key": ("foreign_keys", "name"),
    "add_check": ("checks", "check"),
    "drop_check": ("checks", "name"),
}
_OF_ONE_TABLE = {*_ITEMS, "rename_column", "alter_primary_key", "rename_index"}
_REPLACED_VALUE = 3  # oxy_rename_kind


def dialect_named(name: str) -> str:
    """The engine's name of a dialect, or `SchemaError`."""
    known = _DIALECTS.get(name)
    if known is None:
        raise SchemaError(f"unknown dialect {name!r}: it is one of {', '.join(_DIALECTS)}")
    return known


class Step:
    """Operations that become statements together: one, or on SQLite those that share a rebuild.

    `before` and `after` are the snapshots around it.
    """

    __slots__ = ("after", "before", "operations", "rebuilds", "statements")

    def __init__(
        self,
        operations: Sequence[Operation],
        before: Dict,
        after: Dict,
        statements: list[str],
        *,
        rebuilds: bool,
    ) -> None:
        self.operations = operations
        self.before = before
        self.after = after
        self.statements = statements
        self.rebuilds = rebuilds


def render_operations(
    operations: Iterable[Operation], dialect: str, *, state: Mapping[str, Any] | None = None
) -> list[str]:
    """The statements of the operations, in order. `state` is the snapshot before the first one."""
    return [sql for step in plan_steps(operations, dialect, state) for sql in step.statements]


def plan_steps(
    operations: Iterable[Operation], dialect: str, state: Mapping[str, Any] | None = None
) -> Iterator[Step]:
    """The operations as steps, each with its statements."""
    name = dialect_named(dialect)
    current = SchemaState.from_snapshot(state or {}, strict=state is not None)
    waiting = list(operations)
    while waiting:
        run = _run_length(waiting, current) if name == "sqlite" else 1
        yield _step(waiting[:run], current, name)
        del waiting[:run]


def _run_length(operations: Sequence[Operation], state: SchemaState) -> int:
    """How many operations from the first on change the same table."""
    first = operations[0]
    if first["type"] not in _OF_ONE_TABLE:
        return 1
    table = state.find_table(first["table"])
    n = 1
    while (
        n < len(operations)
        and operations[n]["type"] in _OF_ONE_TABLE
        and state.find_table(operations[n]["table"]) is table
    ):
        n += 1
    return n


def _step(operations: Sequence[Operation], state: SchemaState, dialect: str) -> Step:
    before = start = state.to_snapshot()
    statements: list[str] = []
    rebuilds = False
    for op in operations:
        state.apply_operation(op)
        after = state.to_snapshot()
        rendered = _statements(op, before, after, dialect)
        rebuilds = rebuilds or rendered is None
        statements += rendered or ()
        before = after
    if rebuilds:
        statements = _rebuild(operations, start, before)
    return Step(operations, start, before, statements, rebuilds=rebuilds)


# --- one operation -----------------------------------------------------------------------------


def _statements(op: Operation, before: Dict, after: Dict, dialect: str) -> list[str] | None:
    """None where SQLite makes the table anew."""
    if op["type"] == "rename_index":
        return _renamed_index(op, before, after, dialect)
    if dialect not in ("mysql", "mariadb"):
        return _own_statements(op, before, after, dialect)
    return with_keys_moved(op, before, after, partial(_with_own_index, dialect))


def _with_own_index(dialect: str, op: Operation, before: Dict, after: Dict) -> list[str]:
    """MySQL: the index that the server made for a foreign key goes with it."""
    statements = _own_statements(op, before, after, dialect) or []
    table = _find(before, op["table"]) if op["type"] == "drop_foreign_key" else None
    name = None if table is None else own_index(op, table)
    if table is None or name is None:
        return statements
    index = {"name": name, "fields": [table["fields"][0]["name"]], "unique": False}
    drop = {"type": "drop_index", "table": op["table"], "name": name}
    stub = {**table, "indexes": [index]}
    with_index = {**before, "tables": {**before["tables"], qualified(table): stub}}
    return [*statements, *(_own_statements(drop, with_index, with_index, dialect) or ())]


def _own_statements(op: Operation, before: Dict, after: Dict, dialect: str) -> list[str] | None:
    kind = op["type"]
    named = "table" if kind in _OF_ONE_TABLE | {"set_schema", "set_comment"} else None
    old_name, new_name = _table_names(op, named)
    old, new = _find(before, old_name), _find(after, new_name)
    old_tables, new_tables = _concerned(op, old, before), _concerned(op, new, after)
    change = (
        kind,
        _number(old_tables, old),
        _number(new_tables, new),
        _item(op, old, before, gone=True),
        _item(op, new, after, gone=False),
        str(op.get("value") or op.get("old") or (op.get("name") if kind == "create_schema" else "") or ""),
        str(op.get("before") or (op.get("new") if kind == "rename_enum_value" else "") or ""),
    )
    try:
        return _core.ddl_change(
            (describe_tables(old_tables), describe_enums(before["enums"]), ()),
            (describe_tables(new_tables), describe_enums(after["enums"]), ()),
            change,
            _extra(op),
            dialect,
        )
    except (ValueError, NotSupportedError) as error:
        raise SchemaError(f"{kind}: {error}") from error


def _table_names(op: Operation, named: str | None) -> tuple[str | None, str | None]:
    kind = op["type"]
    if kind == "create_table":
        table = op["table"]
        return None, f"{table['schema']}.{table['name']}" if table.get("schema") else table["name"]
    if kind == "drop_table":
        return op["name"], None
    if kind == "rename_table":
        schema, dot, _ = op["old_name"].rpartition(".")
        return op["old_name"], f"{schema}{dot}{op['new_name'].rpartition('.')[2]}"
    if kind == "set_schema":
        bare = op["table"].rpartition(".")[2]
        return op["table"], f"{op['new']}.{bare}" if op.get("new") else bare
    return (op[named], op[named]) if named else (None, None)


def _find(snapshot: Dict, name: str | None) -> Dict | None:
    return None if name is None else SchemaState.from_snapshot(snapshot).find_table(name)


def _concerned(op: Operation, table: Dict | None, snapshot: Dict) -> list[Dict]:
    """The tables that the statements may look at: the one, or all that use the enum type."""
    if "enum" not in op["type"]:
        return [] if table is None else [table]
    return [
        each
        for each in snapshot["tables"].values()
        if any(enum_key(each, field["column_type"]) == op["name"] for field in each["fields"])
    ]


def _number(tables: list[Dict], table: Dict | None) -> int | None:
    return None if table is None else tables.index(table)


def _item(op: Operation, table: Dict | None, snapshot: Dict, *, gone: bool) -> int | None:
    kind = op["type"]
    if "enum" in kind:
        names = list(snapshot["enums"])
        return names.index(op["name"]) if op["name"] in names else None
    if table is None:
        return None
    if kind == "rename_column":
        return _position(table["fields"], op["old_name" if gone else "new_name"])
    if kind == "set_comment":
        return None if op.get("column") is None else _position(table["fields"], op["column"])
    if kind not in _ITEMS:
        return None
    items, key = _ITEMS[kind]
    return _position(table[items], op.get(key, op.get("field")))


def _position(items: list[Dict], item: Any) -> int | None:
    name = item["name"] if isinstance(item, Mapping) else item
    return next((at for at, each in enumerate(items) if each["name"] == name), None)


def _extra(op: Operation) -> tuple[str, str, str, bool, list[tuple[int, str, str, str]]]:
    mapping = op.get("mapping") or {}
    return (
        op.get("backfill") or "",
        op.get("using") or "",
        op.get("constraint_name") or "",
        bool(op.get("concurrently")),
        [(_REPLACED_VALUE, "", old, new) for old, new in mapping.items()],
    )


def quoted(dialect: str, name: str) -> str:
    """A name as the database takes it."""
    return quoted_for("mysql" if dialect == "mariadb" else dialect, name)


def _renamed_index(op: Operation, before: Dict, after: Dict, dialect: str) -> list[str] | None:
    """Where the database has no word for it, dropped and created."""
    table = _find(after, op["table"])
    if table is not None and dialect != "sqlite" and _position(table["indexes"], op["new_name"]) is not None:
        old, new = quoted(dialect, op["old_name"]), quoted(dialect, op["new_name"])
        schema = f"{quoted(dialect, table['schema'])}." if table.get("schema") else ""
        if dialect == "postgres":
            return [f"ALTER INDEX {schema}{old} RENAME TO {new}"]
        return [f"ALTER TABLE {schema}{quoted(dialect, table['name'])} RENAME INDEX {old} TO {new}"]
    drop = {"type": "drop_index", "table": op["table"], "name": op["old_name"]}
    at = None if table is None else _position(table["indexes"], op["new_name"])
    if table is None or at is None:
        raise SchemaError(f"rename_index: {op['table']!r} has no index {op['old_name']!r}")
    create = {"type": "create_index", "table": op["table"], "index": table["indexes"][at]}
    return [
        *(_statements(drop, before, after, dialect) or ()),
        *(_statements(create, before, after, dialect) or ()),
    ]


# --- SQLite: a table made anew -----------------------------------------------------------------------


class Source:
    """Where a column of the new table comes from, followed through the operations."""

    __slots__ = ("converts", "expression", "old_name")

    def __init__(self, old_name: str | None, expression: str = "") -> None:
        self.old_name = old_name
        self.expression = expression
        self.converts = False


def rebuild_sources(step: Step) -> tuple[Dict, Dict, dict[str, Source]]:
    """The table before and after a step that makes it anew, and where its columns come from."""
    return _sources_of(step.operations, step.before, step.after)


def _sources_of(
    operations: Sequence[Operation], before: Dict, after: Dict
) -> tuple[Dict, Dict, dict[str, Source]]:
    name = operations[0]["table"]
    old, new = _find(before, name), _find(after, name)
    if old is None or new is None:
        raise SchemaError(f"there is no table {name!r} that could be made anew")
    sources = {field["name"]: Source(field["name"]) for field in old["fields"]}
    for op in operations:
        _follow(op, sources)
    return old, new, sources


def _rebuild(operations: Sequence[Operation], before: Dict, after: Dict) -> list[str]:
    old, new, sources = _sources_of(operations, before, after)
    places = {field["name"]: at for at, field in enumerate(old["fields"])}
    given = []
    for field in new["fields"]:
        source = sources.get(field["name"], Source(None))
        place = None if source.old_name is None else places[source.old_name]
        given.append((place, source.expression, source.converts))
    (described_old,), (described_new,) = describe_tables([old]), describe_tables([new])
    return _core.ddl_rebuild(described_old, described_new, given)


def _follow(op: Operation, sources: dict[str, Source]) -> None:
    kind = op["type"]
    if kind == "rename_column" and op["old_name"] in sources:
        sources[op["new_name"]] = sources.pop(op["old_name"])
    elif kind == "drop_column":
        sources.pop(op["field"], None)
    elif kind == "add_column":
        sources[normal_field(op["field"])["name"]] = Source(None, op.get("backfill") or "")
    elif kind == "alter_column" and op["column"] in sources:
        source = sources[op["column"]]
        if op.get("using"):
            source.expression, source.converts = op["using"], True
        elif op.get("backfill") and not source.converts:
            source.expression = op["backfill"]
