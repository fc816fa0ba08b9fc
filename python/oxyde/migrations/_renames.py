"""What may have been renamed rather than dropped and added, and what a value is replaced by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._fields import qualified

__all__ = ["Removed", "Rename", "removed_values", "rename_candidates"]

Operation = Mapping[str, Any]


@dataclass(frozen=True)
class Rename:
    """A possible rename; `text` is what `compute_diff(renames=...)` takes."""

    old: str
    new: str
    text: str


@dataclass(frozen=True)
class Removed:
    """A value that an enum type no longer has, and those it has."""

    enum: str
    value: str
    choices: tuple[str, ...]

    def becomes(self, value: str) -> str:
        """The answer as `compute_diff(renames=...)` takes it."""
        return f"{self.enum}.{self.value}:{value}"


def rename_candidates(operations: Sequence[Operation]) -> Iterator[Rename]:
    """Tables with the same columns, then columns of the same type and nullability in one table."""
    for gone in operations:
        if gone["type"] != "drop_table":
            continue
        for made in operations:
            if made["type"] == "create_table" and _columns(gone["table"]) == _columns(made["table"]):
                new = qualified(made["table"])
                yield Rename(gone["name"], new, f"{gone['name']}:{new}")
    for gone in operations:
        if gone["type"] != "drop_column":
            continue
        for made in operations:
            if (
                made["type"] == "add_column"
                and made["table"] == gone["table"]
                and _likeness(made["field"]) == _likeness(gone["field_def"])
            ):
                old, new = f"{gone['table']}.{gone['field']}", made["field"]["name"]
                yield Rename(old, f"{gone['table']}.{new}", f"{old}:{new}")


def _likeness(field: Mapping[str, Any]) -> Any:
    return _named(field["column_type"]), field.get("db_type"), field["nullable"]


def _named(type_: Mapping[str, Any]) -> Any:
    """The type; an enum counts by its name, its values have questions of their own."""
    if type_["kind"] == "array":
        return ["array", _named(type_["item"])]
    return {key: value for key, value in type_.items() if key != "values"}


def _columns(table: Mapping[str, Any]) -> Any:
    return {field["name"]: _likeness(field) for field in table["fields"]}


def removed_values(operations: Sequence[Operation]) -> Iterator[Removed]:
    """Values of enum types that are gone without a word on the rows that hold them."""
    for op in operations:
        if op["type"] == "alter_enum_type":
            for value in op["old_values"]:
                if value not in op["new_values"]:
                    yield Removed(op["name"], value, tuple(op["new_values"]))
