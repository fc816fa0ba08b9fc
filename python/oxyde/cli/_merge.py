"""`oxyde makemigrations --merge`: one file that depends on all heads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from ..migrations._collected import collect_files
from ..migrations._fields import normal_field, qualified
from ..migrations._words import describe
from ..migrations.files import heads
from ._session import fail, say

if TYPE_CHECKING:
    from ..migrations.files import MigrationFile
    from .makemigrations import Draft

Operation = Mapping[str, Any]


def merge_heads(files: Sequence[MigrationFile], dialect: str, name: str | None, *, asks: bool) -> list[Draft]:
    """The file that joins the heads; none if there is one head only."""
    from .makemigrations import Draft

    ends = heads(files)
    if len(ends) < 2:
        return []
    collected = {each.file.name: each for each in collect_files(files, dialect)}
    before = {end: _ancestors(end, files) for end in ends}
    shared = set.intersection(*before.values())
    touched: dict[str, set[str]] = {}
    for end in ends:
        say(f"{end}:", bold=True)
        own = [file.name for file in files if file.name in before[end] - shared]
        operations = [op for each in own for op in collected[each].operations]
        for op in operations:
            say(f"  {describe(op)}")
        if any(collected[each].raw for each in own):
            say("  raw SQL or code")
        touched[end] = {thing for op in operations for thing in _touched(op)}
    clashes = sorted(_clashes(touched))
    if clashes:
        text = f"both sides change {', '.join(clashes)}"
        if not asks:
            fail(f"{text}: run --merge on a terminal to say that this is right, or edit one of them")
        if not typer.confirm(f"{text}. Merge all the same?", default=False, err=True):
            fail("not merged")
    return [Draft([], name or "merge", ends)]


def _ancestors(end: str, files: Sequence[MigrationFile]) -> set[str]:
    known = {file.name: file for file in files}
    found: set[str] = set()
    waiting = [end]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += known[name].depends_on
    return found


def _clashes(touched: Mapping[str, set[str]]) -> Iterable[str]:
    """What two heads change; a table as a whole clashes with everything in it."""
    ends = list(touched)
    for at, one in enumerate(ends):
        for other in ends[at + 1 :]:
            for a in touched[one]:
                for b in touched[other]:
                    if a == b or a.startswith(f"{b}.") or b.startswith(f"{a}."):
                        yield max(a, b, key=len)


def _touched(op: Operation) -> list[str]:
    """Columns, constraints, tables and types that an operation changes."""
    kind = op["type"]
    if kind == "create_table":
        return [f"table {qualified(op['table'])}"]
    if kind == "drop_table":
        return [f"table {op['name']}"]
    if kind == "rename_table":
        return [f"table {op['old_name']}", f"table {op['new_name']}"]
    if "enum" in kind or kind == "create_schema":
        return [f"{'schema' if kind == 'create_schema' else 'enum'} {op['name']}"]
    table = f"table {op['table']}"
    return [f"{table}.{part}" for part in _parts(op)] or [table]


def _parts(op: Operation) -> list[str]:
    kind = op["type"]
    if kind == "add_column":
        return [normal_field(op["field"])["name"]]
    if kind in ("drop_column", "alter_column"):
        return [op.get("column") or op["field"]]
    if kind in ("rename_column", "rename_index"):
        return [op["old_name"], op["new_name"]]
    if kind == "alter_primary_key":
        return ["primary key"]
    if kind == "set_comment" and op.get("column"):
        return [op["column"]]
    item = op.get("index") or op.get("fk") or op.get("check")
    name = item["name"] if item else op.get("name")
    return [name] if name else []
