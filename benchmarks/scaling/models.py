"""The models over the tables of the sweeps, and how the database is reached."""

from __future__ import annotations

from typing import Any

from benchmarks import models
from benchmarks.databases import POOL, Place
from benchmarks.models import SCHEMES, Person
from benchmarks.scaling import tables
from oxyde import PoolSettings, db


class ScalingMany(Person):
    class Meta:
        is_table = True
        table_name = tables.MANY


class ScalingFew(Person):
    class Meta:
        is_table = True
        table_name = tables.FEW


class ScalingOne(Person):
    class Meta:
        is_table = True
        table_name = tables.ONE


def wide_model(width: int) -> Any:
    """A model of so many columns."""
    columns: dict[str, type] = dict.fromkeys(tables.wide_columns(width), int)
    return models.wide_model(f"ScalingWide{width}", tables.wide_table(width), columns, __name__)


async def connect(place: Place) -> None:
    """A pool of ten."""
    url = f"sqlite:///{place.path}" if place.backend == "sqlite" else place.url(SCHEMES[place.backend])
    await db.init(default=url, settings=PoolSettings(max_connections=POOL, min_connections=POOL))
