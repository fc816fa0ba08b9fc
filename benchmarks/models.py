"""Our models that more than one benchmark reads. The published oxyde is measured with them, too, so
they use only what both document."""

from __future__ import annotations

from typing import Any

from oxyde import Field, Model

SCHEMES = {"sqlite": "sqlite", "postgres": "postgresql", "mysql": "mysql"}  # of our URLs


class Person(Model):
    """Six columns; the abstract part of every table of users."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=100)
    email: str
    age: int
    score: float
    active: bool


def wide_model(name: str, table: str, columns: dict[str, type], module: str) -> Any:
    """A model of a key and these columns. Its Meta has to look as if it stood in the class statement,
    or Pydantic takes it for a field."""
    meta = {"__module__": module, "__qualname__": f"{name}.Meta"}
    namespace: dict[str, Any] = {
        "__module__": module,
        "__qualname__": name,
        "__annotations__": {"id": int, **columns},
        "id": Field(db_pk=True),
        "Meta": type("Meta", (), {**meta, "is_table": True, "table_name": table}),
    }
    return type(Model)(name, (Model,), namespace)
