"""The models over the tables of the sweeps, and how the database is reached."""

from __future__ import annotations

from typing import Any

from benchmarks.databases import Place
from benchmarks.jobs import POOL
from benchmarks.scaling import tables
from oxyde import Field, Model, PoolSettings, db

SCHEMES = {"sqlite": "sqlite", "postgres": "postgresql", "mysql": "mysql"}


class ScalingPerson(Model):
    """Six columns; the abstract part of three tables."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=100)
    email: str
    age: int
    score: float
    active: bool


class ScalingMany(ScalingPerson):
    class Meta:
        is_table = True
        table_name = tables.MANY


class ScalingFew(ScalingPerson):
    class Meta:
        is_table = True
        table_name = tables.FEW


class ScalingOne(ScalingPerson):
    class Meta:
        is_table = True
        table_name = tables.ONE


def wide_model(width: int) -> Any:
    """A model of so many columns. Its Meta has to look as if it stood in the class statement, or
    Pydantic takes it for a field."""
    name = f"ScalingWide{width}"
    meta = {"__module__": __name__, "__qualname__": f"{name}.Meta"}
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__qualname__": name,
        "__annotations__": {"id": int, **dict.fromkeys(tables.wide_columns(width), int)},
        "id": Field(db_pk=True),
        "Meta": type("Meta", (), {**meta, "is_table": True, "table_name": tables.wide_table(width)}),
    }
    return type(Model)(name, (Model,), namespace)


async def connect(place: Place) -> None:
    """A pool of ten."""
    url = f"sqlite:///{place.path}" if place.backend == "sqlite" else place.url(SCHEMES[place.backend])
    await db.init(default=url, settings=PoolSettings(max_connections=POOL, min_connections=POOL))
