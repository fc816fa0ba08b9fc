"""`generate_migration_file`: operations as the text of a migration file."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ._words import describe, loss_of, missing_value
from .errors import SchemaError
from .files import CURRENT_FORMAT

__all__ = ["default_name", "generate_migration_file", "inverse_of", "literal", "next_path", "render_file"]

Dict = dict[str, Any]
Operation = Mapping[str, Any]

_WIDTH = 100
_UNSET: Any = object()


def generate_migration_file(
    operations: Sequence[Operation],
    migrations_dir: str | Path = "migrations",
    name: str | None = None,
    *,
    depends_on: str | Sequence[str] | None = _UNSET,
    atomic: bool = True,
) -> Path:
    """Writes the operations, and their inverse, as the next file of the directory; its path.

    Without `depends_on` the file follows the last one by name. A file that exists is never
    overwritten.
    """
    folder = Path(migrations_dir)
    folder.mkdir(parents=True, exist_ok=True)
    there = stems(folder)
    before = (there[-1] if there else None) if depends_on is _UNSET else depends_on
    path = next_path(folder, name or default_name(operations))
    with path.open("x", encoding="utf-8") as file:
        file.write(render_file(operations, depends_on=before, atomic=atomic))
    return path


def stems(folder: Path) -> list[str]:
    """The names of the migration files of a directory, sorted."""
    return sorted(path.stem for path in folder.glob("[0-9]*.py"))


def next_path(folder: Path, name: str, *, skip: int = 0) -> Path:
    """The path of the next file; `skip` files that are not written yet come before it."""
    numbers = [int(found.group()) for found in (re.match(r"[0-9]+", stem) for stem in stems(folder)) if found]
    return folder / f"{max(numbers, default=0) + 1 + skip:04d}_{_slug(name)}.py"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "migration"


# --- names ---------------------------------------------------------------------------------


def _bare(table: str) -> str:
    return table.rpartition(".")[2]


def _enum_word(name: str) -> str:
    return _bare(name).removesuffix("_enum")


_NAMES: dict[str, Callable[[Operation], str]] = {
    "create_table": lambda op: f"create_{op['table']['name']}_table",
    "drop_table": lambda op: f"drop_{_bare(op['name'])}_table",
    "rename_table": lambda op: f"rename_{_bare(op['old_name'])}_to_{_bare(op['new_name'])}",
    "add_column": lambda op: f"add_{op['field']['name']}_to_{_bare(op['table'])}",
    "drop_column": lambda op: f"drop_{op['field']}_from_{_bare(op['table'])}",
    "rename_column": lambda op: f"rename_column_{op['old_name']}_to_{op['new_name']}",
    "alter_column": lambda op: f"alter_{op['column']}_on_{_bare(op['table'])}",
    "create_index": lambda op: f"create_{op['index']['name']}",
    "drop_index": lambda op: f"drop_{op['name']}",
    "add_foreign_key": lambda op: f"add_{op['fk']['name']}",
    "drop_foreign_key": lambda op: f"drop_{op['name']}",
    "add_check": lambda op: f"add_{op['check']['name']}",
    "drop_check": lambda op: f"drop_{op['name']}",
    "create_enum_type": lambda op: f"create_{_enum_word(op['name'])}_enum",
    "drop_enum_type": lambda op: f"drop_{_enum_word(op['name'])}_enum",
    "add_enum_value": lambda op: f"add_{op['value']}_to_{_enum_word(op['name'])}_enum",
    "alter_enum_type": lambda op: f"alter_{_enum_word(op['name'])}_enum",
}


def default_name(operations: Sequence[Operation]) -> str:
    """What the first operation does, in a few words."""
    if not operations:
        return "empty"
    first = operations[0]
    make = _NAMES.get(first["type"])
    if make is not None:
        return make(first)
    about = first.get("table") or first.get("name") or "schema"
    return f"change_{_bare(about if isinstance(about, str) else about['name'])}"


# --- the other way ----------------------------------------------------------------------------


def inverse_of(op: Operation) -> list[Dict]:
    """The operations that undo this one."""
    make = _INVERSES.get(op["type"])
    if make is None:
        raise SchemaError(f"operation {op['type']!r} has no inverse")
    return make(op)


def _swapped(*pairs: tuple[str, str]) -> Callable[[Operation], list[Dict]]:
    def swap(op: Operation) -> list[Dict]:
        result = dict(op)
        for one, other in pairs:
            result[one], result[other] = op.get(other), op.get(one)
        return [result]

    return swap


def _saved(op: Operation, key: str) -> Any:
    if op.get(key) is None:
        raise SchemaError(f"{op['type']} of {op.get('name', op.get('field'))!r} does not say what it drops")
    return op[key]


def _concurrently(op: Operation) -> Dict:
    return {"concurrently": True} if op.get("concurrently") else {}


def _drop_made_table(op: Operation) -> list[Dict]:
    table = op["table"]
    name = f"{table['schema']}.{table['name']}" if table.get("schema") else table["name"]
    return [{"type": "drop_table", "name": name, "table": table}]


def _unalter(op: Operation) -> list[Dict]:
    old, new = _saved(op, "old_field"), _saved(op, "new_field")
    keys = op["changes"]
    return [{**op, "changes": {key: old.get(key) for key in keys}, "old_field": new, "new_field": old}]


def _rename_table_back(op: Operation) -> list[Dict]:
    schema, dot, old = op["old_name"].rpartition(".")
    return [{"type": "rename_table", "old_name": f"{schema}{dot}{_bare(op['new_name'])}", "new_name": old}]


def _drop_value(op: Operation) -> list[Dict]:
    values: list[str] = []
    for use in op.get("fields") or ():
        type_ = use["field"]["column_type"]
        while type_["kind"] == "array":
            type_ = type_["item"]
        values = list(type_["values"])
    less = [value for value in values if value != op["value"]]
    replace = {"old_values": values, "new_values": less, "fields": list(op.get("fields") or ())}
    return [{"type": "replace_enum_type", "name": op["name"], "mapping": None, **replace}]


def _unreplace(op: Operation) -> list[Dict]:
    mapping = {new: old for old, new in (op.get("mapping") or {}).items() if new not in op["old_values"]}
    back = {"old_values": op["new_values"], "new_values": op["old_values"], "mapping": mapping or None}
    return [{**op, **back}]


_INVERSES: dict[str, Callable[[Operation], list[Dict]]] = {
    "create_table": _drop_made_table,
    "drop_table": lambda op: [{"type": "create_table", "table": _saved(op, "table")}],
    "rename_table": _rename_table_back,
    "add_column": lambda op: [
        {"type": "drop_column", "table": op["table"], "field": op["field"]["name"], "field_def": op["field"]}
    ],
    "drop_column": lambda op: [
        {"type": "add_column", "table": op["table"], "field": _saved(op, "field_def")}
    ],
    "rename_column": _swapped(("old_name", "new_name")),
    "alter_column": _unalter,
    "alter_primary_key": _swapped(("old_columns", "new_columns")),
    "create_index": lambda op: [
        {
            "type": "drop_index",
            "table": op["table"],
            "name": op["index"]["name"],
            "index_def": op["index"],
            **_concurrently(op),
        }
    ],
    "drop_index": lambda op: [
        {
            "type": "create_index",
            "table": op["table"],
            "index": _saved(op, "index_def"),
            **_concurrently(op),
        }
    ],
    "rename_index": _swapped(("old_name", "new_name")),
    "add_foreign_key": lambda op: [
        {"type": "drop_foreign_key", "table": op["table"], "name": op["fk"]["name"], "fk_def": op["fk"]}
    ],
    "drop_foreign_key": lambda op: [
        {"type": "add_foreign_key", "table": op["table"], "fk": _saved(op, "fk_def")}
    ],
    "add_check": lambda op: [
        {"type": "drop_check", "table": op["table"], "name": op["check"]["name"], "check_def": op["check"]}
    ],
    "drop_check": lambda op: [{"type": "add_check", "table": op["table"], "check": _saved(op, "check_def")}],
    "create_enum_type": lambda op: [{**op, "type": "drop_enum_type"}],
    "drop_enum_type": lambda op: [{**op, "type": "create_enum_type", "values": _saved(op, "values")}],
    "add_enum_value": _drop_value,
    "rename_enum_value": _swapped(("old", "new")),
    "replace_enum_type": _unreplace,
    "alter_enum_type": _swapped(("old_values", "new_values")),
    "set_comment": _swapped(("comment", "old_comment")),
    "set_schema": lambda op: [
        {
            **op,
            "table": f"{op['new']}.{_bare(op['table'])}" if op.get("new") else _bare(op["table"]),
            "old": op.get("new"),
            "new": op.get("old"),
        }
    ],
    "create_schema": lambda op: [],
}


# --- text ----------------------------------------------------------------------------------------


def literal(value: Any, indent: int = 0, room: int = _WIDTH) -> str:
    """A value as Python with double quotes: on one line where it fits, else an item per line."""
    flat = _flat(value)
    if len(flat) + indent <= room or not isinstance(value, (dict, list, tuple)) or not value:
        return flat
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        items = [f"{pad}{_flat(key)}: {literal(item, indent + 4, room - 1)}," for key, item in value.items()]
        return "{\n" + "\n".join(items) + "\n" + " " * indent + "}"
    items = [f"{pad}{literal(item, indent + 4, room - 1)}," for item in value]
    return "[\n" + "\n".join(items) + "\n" + " " * indent + "]"


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flat(key)}: {_flat(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flat(item) for item in value) + "]"
    return repr(value)


def _quoted(text: str) -> str:
    plain = repr(text)
    if plain.startswith('"'):
        return plain
    return '"' + plain[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'


def _call(name: str, args: Iterable[tuple[str | None, Any]], *, broken: bool = False) -> list[str]:
    """A call of the context; with `broken`, or where it is too long, one argument per line."""
    shown = list(args)
    flat = ", ".join((f"{key}=" if key else "") + _flat(value) for key, value in shown)
    line = f"    ctx.{name}({flat})"
    if not broken and len(line) <= _WIDTH:
        return [line]
    lines = [f"    ctx.{name}("]
    for key, value in shown:
        lines.append(" " * 8 + (f"{key}=" if key else "") + literal(value, 8) + ",")
    return [*lines, "    )"]


def _table_lines(op: Operation) -> list[str]:
    table = op["table"]
    args: list[tuple[str | None, Any]] = [(None, table["name"]), ("fields", table["fields"])]
    lists = ("indexes", "foreign_keys", "checks", "comment", "schema")
    args += [(key, table[key]) for key in lists if table.get(key)]
    return _call("create_table", args, broken=True)


def _simple(*keys: str, optional: Sequence[str] = ()) -> Callable[[Operation], list[str]]:
    def lines(op: Operation) -> list[str]:
        args: list[tuple[str | None, Any]] = [(None, op[key]) for key in keys]
        args += [(key, op[key]) for key in optional if op.get(key)]
        return _call(op["type"], args)

    return lines


def _alter_lines(op: Operation) -> list[str]:
    args: list[tuple[str | None, Any]] = [(None, op["table"]), (None, op["column"])]
    args += op["changes"].items()
    args += [(key, op[key]) for key in ("backfill", "using") if op.get(key)]
    return _call("alter_column", args)


def _key_lines(op: Operation) -> list[str]:
    fk = op["fk"]
    names = ("name", "columns", "ref_table", "ref_columns")
    args: list[tuple[str | None, Any]] = [(None, op["table"]), *((None, fk[name]) for name in names)]
    args += [(key, fk[key]) for key in ("on_delete", "on_update") if fk.get(key)]
    return _call("add_foreign_key", args, broken=True)


def _check_lines(op: Operation) -> list[str]:
    return _call(
        "add_check", [(None, op["table"]), *((None, op["check"][k]) for k in ("name", "expression"))]
    )


def _comment_lines(op: Operation) -> list[str]:
    args: list[tuple[str | None, Any]] = [(None, op["table"]), (None, op.get("comment"))]
    return _call("set_comment", args + ([("column", op["column"])] if op.get("column") else []))


def _alter_enum_lines(op: Operation) -> list[str]:
    old, new = _flat(op["old_values"]), _flat(op["new_values"])
    message = f"Manual enum migration required for {op['name']}: {old} -> {new}"
    return [*_simple("name", "old_values", "new_values")(op), *_call("require_manual", [(None, message)])]


_LINES: dict[str, Callable[[Operation], list[str]]] = {
    "create_table": _table_lines,
    "drop_table": _simple("name"),
    "rename_table": _simple("old_name", "new_name"),
    "add_column": _simple("table", "field", optional=("backfill",)),
    "drop_column": _simple("table", "field"),
    "rename_column": _simple("table", "old_name", "new_name"),
    "alter_column": _alter_lines,
    "alter_primary_key": _simple("table", "old_columns", "new_columns"),
    "create_index": _simple("table", "index", optional=("concurrently",)),
    "drop_index": _simple("table", "name", optional=("concurrently",)),
    "rename_index": _simple("table", "old_name", "new_name"),
    "add_foreign_key": _key_lines,
    "drop_foreign_key": _simple("table", "name"),
    "add_check": _check_lines,
    "drop_check": _simple("table", "name"),
    "create_enum_type": _simple("name", "values"),
    "drop_enum_type": _simple("name"),
    "add_enum_value": _simple("name", "value", optional=("fields", "before")),
    "rename_enum_value": _simple("name", "old", "new", optional=("fields",)),
    "replace_enum_type": _simple("name", "old_values", "new_values", "fields", optional=("mapping",)),
    "alter_enum_type": _alter_enum_lines,
    "set_comment": _comment_lines,
    "set_schema": _simple("table", "old", "new"),
    "create_schema": _simple("name"),
}


def _body(operations: Iterable[Operation]) -> list[str]:
    return [line for op in operations for line in _LINES[op["type"]](op)] or ["    pass"]


def _remarks(op: Operation) -> list[str]:
    """What to know before the operation runs, as comments."""
    lost, missing = loss_of(op), missing_value(op)
    found = [f"! {describe(op)}: {lost}"] if lost else []
    if missing and not lost:
        found.append(f"! {missing} has no value for existing rows: refused unless the table is empty")
    return [f"    # {' '.join(text.split())}" for text in found]


def render_file(
    operations: Sequence[Operation],
    *,
    depends_on: str | Sequence[str] | None,
    atomic: bool = True,
    now: datetime.datetime | None = None,
) -> str:
    """The text of a migration file; the downgrade undoes the operations in reverse."""
    created = (now or datetime.datetime.now()).strftime("%Y-%m-%d %H:%M:%S")
    backwards = [inverse for op in reversed(operations) for inverse in inverse_of(op)]
    head = [
        '"""Auto-generated migration.',
        "",
        f"Created: {created}",
        '"""',
        "",
        f"format = {CURRENT_FORMAT}",
        f"depends_on = {literal(depends_on if isinstance(depends_on, str | None) else list(depends_on))}",
        *([] if atomic else ["atomic = False"]),
    ]
    forwards = [line for op in operations for line in (*_remarks(op), *_body([op]))] or ["    pass"]
    up = ["def upgrade(ctx):", '    """Apply migration."""', *forwards]
    down = ["def downgrade(ctx):", '    """Revert migration."""', *_body(backwards)]
    return "\n".join([*head, "", "", *up, "", "", *down, ""])
