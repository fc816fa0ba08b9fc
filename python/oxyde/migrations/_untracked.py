"""What older files left out: declared by models, never written to a file."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ._words import describe, type_words

__all__ = ["as_tracked", "untracked_words"]

Operation = Mapping[str, Any]


def as_tracked(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot as if its tables came from files that leave nothing out."""
    tracked = copy.deepcopy(dict(snapshot))
    for table in tracked["tables"].values():
        table.pop("legacy", None)
    return tracked


def untracked_words(changes: Sequence[Operation], adopted: Sequence[Operation]) -> list[str]:
    """A line for each operation that only adopting would add."""
    known = {_subject(op) for op in changes}
    return [f"declared but never migrated: {_words(op)}" for op in adopted if _subject(op) not in known]


def _subject(op: Operation) -> tuple[str, str]:
    return op["type"], describe(op)


def _words(op: Operation) -> str:
    kind = op["type"]
    if kind == "create_index" and op["index"].get("constraint"):
        return f"unique_together ({', '.join(op['index']['fields'])}) on {op['table']}"
    if kind == "set_comment":
        return f"comment on {op['table']}"
    if kind == "set_schema":
        return f"schema {op['new']} of {op['table']}"
    if kind == "alter_column" and "column_type" in op["changes"]:
        new = op.get("new_field") or op["changes"]
        return f"type {type_words(new['column_type'])} of {op['column']} on {op['table']}"
    if kind == "alter_column":
        return f"{', '.join(op['changes'])} of {op['column']} on {op['table']}"
    return describe(op)
