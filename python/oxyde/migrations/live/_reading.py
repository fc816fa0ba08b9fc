"""What a reader of a database collects: tables as in a snapshot, and what a snapshot cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ... import _core
from .._fields import in_key_order

__all__ = ["HISTORY", "Dict", "Reading", "Session", "set_keys"]

Dict = dict[str, Any]

HISTORY = "oxyde_migrations"
"""The table in which migrations are recorded: nobody's model."""


Session = _core.Session
"""A connection or a transaction, for the catalog queries."""


@dataclass
class Reading:
    """A database as it is.

    `tables`: by name, in the form of a snapshot. `enums`: the types that columns of models can have;
    `labels`: all there are. `types`: (table, column) to the type as the server
    prints it. `notes`: what a snapshot cannot hold, by table, view or type. `preamble`: statements
    that must run before the tables can be made: types no model can name.
    """

    dialect: str
    flavor: str
    tables: dict[str, Dict] = field(default_factory=dict)
    enums: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    types: dict[tuple[str, str], str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    preamble: list[str] = field(default_factory=list)

    def note(self, owner: str, text: str) -> None:
        """Remembers what has no place in the snapshot."""
        self.notes.setdefault(owner, []).append(text)

    def merge(self, other: Reading) -> None:
        """Takes over what was read of another schema of the same database."""
        self.tables.update(other.tables)
        self.enums.update(other.enums)
        self.labels.update(other.labels)
        self.types.update(other.types)
        self.notes.update(other.notes)

    def snapshot(self) -> Dict:
        """The reading as a snapshot; `notes` and `preamble` are there only if there is something in them."""
        found: Dict = {"version": 1, "tables": self.tables, "enums": self.enums}
        extra = {"notes": self.notes, "preamble": self.preamble}
        return {**found, **{key: value for key, value in extra.items() if value}}


def set_keys(table: Dict, columns: Sequence[str]) -> None:
    """Marks the primary key; a key that is one number counts by itself if its column says so."""
    for each in table["fields"]:
        each["primary_key"] = each["name"] in columns
        if each["primary_key"]:
            each["unique"] = each["unique"] and len(columns) > 1
            each["nullable"] = False
    table["fields"] = in_key_order(table["fields"], columns)
