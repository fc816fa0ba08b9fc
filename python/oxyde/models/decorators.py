"""What `Meta.indexes` and `Meta.constraints` are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Check", "Index"]

METHODS = ("btree", "hash", "gin", "gist")


@dataclass
class Index:
    """An index over one or more columns.

    `fields` name fields (a relation means its id columns) or columns. `method` is used
    on PostgreSQL only. `where` makes the index partial (PostgreSQL and SQLite).
    """

    fields: Sequence[str]
    method: str | None = None
    name: str | None = None
    unique: bool = False
    where: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.fields, str):
            raise TypeError(f"Index takes a tuple or list of names, not the string {self.fields!r}")
        self.fields = tuple(self.fields)
        if not self.fields:
            raise ValueError("Index requires at least one field")
        if self.method is not None and self.method.lower() not in METHODS:
            raise ValueError(f"unknown index method {self.method!r}; one of {', '.join(METHODS)}")
        if self.where is not None:
            self.where = self.where.strip() or None


@dataclass
class Check:
    """A check constraint: `expression` is SQL and goes to the database as it is."""

    expression: str
    name: str | None = None

    def __post_init__(self) -> None:
        if not self.expression.strip():
            raise ValueError("Check requires an expression")
