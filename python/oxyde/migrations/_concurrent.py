"""Which operations may wait for a second file, where indexes are made without locking the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._fields import qualified

__all__ = ["split_indexes"]

Operation = Mapping[str, Any]


def split_indexes(operations: Sequence[Operation]) -> tuple[list[Operation], list[Operation]]:
    """The operations without those on indexes of existing tables, and those, marked `concurrently`.

    Left where they are: constraints, which no server adds so; indexes whose table or columns change
    in the same migration in a way that the index would not survive, or that a new foreign key needs.
    """
    made = {qualified(op["table"]) for op in operations if op["type"] == "create_table"}
    moved = {op["old_name"] for op in operations if op["type"] == "rename_table"}
    moved |= {op["table"] for op in operations if op["type"] == "set_schema"}
    gone = {(op["table"], op["field"]) for op in operations if op["type"] == "drop_column"}
    gone |= {(op["table"], op["old_name"]) for op in operations if op["type"] == "rename_column"}
    keys = [op["fk"] for op in operations if op["type"] == "add_foreign_key"]
    needed = {(fk["ref_table"], tuple(fk["ref_columns"])) for fk in keys}

    def create_waits(op: Operation) -> bool:
        index = op["index"]
        key = (op["table"], tuple(index["fields"]))
        return op["table"] not in made and not index.get("constraint") and key not in needed

    creates = [op for op in operations if op["type"] == "create_index"]
    # A name that is given again in the first file has to be free by then.
    taken = {(op["table"], op["index"]["name"]) for op in creates if not create_waits(op)}

    def drop_waits(op: Operation) -> bool:
        index = op["index_def"]
        survives = not any((op["table"], column) in gone for column in index["fields"])
        free = (op["table"], op["name"]) not in taken
        return op["table"] not in moved and not index.get("constraint") and survives and free

    waits = {"create_index": create_waits, "drop_index": drop_waits}
    later = [op for op in operations if op["type"] in waits and waits[op["type"]](op)]
    first = [op for op in operations if not any(op is other for other in later)]
    return first, [{**op, "concurrently": True} for op in later]
