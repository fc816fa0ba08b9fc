"""The sweeps as data: what is done at each size, and how many units one call has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.scaling.models import ScalingFew, ScalingMany, ScalingOne, wide_model
from benchmarks.scaling.tables import SEEDS, WIDE_ROWS, WIDTHS
from oxyde import Q

ROWS = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
QUICK_ROWS = 100_000
TASKS = (1, 3, 10, 30, 100, 300, 1_000)
CONDITIONS = (1, 10, 100, 1_000, 10_000)
ROW_BYTES = 800  # of memory that a row of `all()` takes at most, to see beforehand whether all fit


@dataclass(frozen=True)
class Point:
    """One call: how large, of how many units, and what it must answer."""

    size: int
    units: int
    call: Callable[[], Awaitable[int | None]]
    answer: int | None = None
    memory: int = 0


@dataclass(frozen=True)
class Series:
    """One way to do it, at every size."""

    title: str
    points: tuple[Point, ...]
    may_refuse: bool = False


@dataclass(frozen=True)
class Sweep:
    """A quantity that grows."""

    name: str
    title: str
    unit: str
    series: tuple[Series, ...]


async def all_of(query: Any) -> int:
    """As a list."""
    return len(await query.all())


async def each_of(query: Any) -> int:
    """As a stream."""
    number = 0
    async for _ in query.iterator():
        number += 1
    return number


def rows(largest: int) -> Sweep:
    """Of a model of six columns."""

    def points(read: Callable[[Any], Any], memory: int) -> Iterator[Point]:
        for size in ROWS:
            if size <= largest:
                query = ScalingMany.objects.filter(age__gte=0).limit(size)
                yield Point(size, size, partial(read, query), size, size * memory)

    return Sweep(
        "rows",
        "Rows of six columns",
        "row",
        (
            Series("all()", tuple(points(all_of, ROW_BYTES))),
            Series("iterator()", tuple(points(each_of, 0))),
        ),
    )


async def gets(number: int) -> int:
    """At the same time."""
    keys = (1 + place % SEEDS for place in range(number))
    return len(await asyncio.gather(*(ScalingFew.objects.get(id=key) for key in keys)))


def tasks() -> Sweep:
    """That ask one pool of ten."""
    points = tuple(Point(size, size, partial(gets, size), size) for size in TASKS)
    return Sweep("tasks", "Concurrent gets on a pool of ten", "query", (Series("gather of get()", points),))


async def one_of(model: Any) -> int:
    """By key."""
    await model.objects.get(id=WIDE_ROWS // 2)
    return 1


def columns() -> Sweep:
    """Whole numbers."""
    models = {width: wide_model(width) for width in WIDTHS}
    one = tuple(Point(width, width, partial(one_of, model), 1) for width, model in models.items())
    many = tuple(
        Point(width, width * WIDE_ROWS, partial(all_of, model.objects), WIDE_ROWS)
        for width, model in models.items()
    )
    series = (Series("get()", one), Series(f"all() of {WIDE_ROWS} rows", many))
    return Sweep("columns", "Columns of a model", "cell", series)


def all_true(number: int) -> Any:
    """Conditions in one filter()."""
    return ScalingOne.objects.filter(*[Q(age__gte=-value) for value in range(number)])


def any_true(number: int) -> Any:
    """Conditions joined one by one, as an application does in a loop."""
    condition = Q()
    for value in range(number):
        condition |= Q(age=value)
    return ScalingOne.objects.filter(condition)


def chained(number: int) -> Any:
    """A filter() for each condition."""
    query = ScalingOne.objects.filter()
    for value in range(number):
        query = query.filter(age__gte=-value)
    return query


def listed(number: int) -> Any:
    """As many keys in one condition."""
    return ScalingOne.objects.filter(id__in=list(range(1, number + 1)))


BUILDERS: dict[str, Callable[[int], Any]] = {
    "AND": all_true,
    "OR, by |=": any_true,
    "filter().filter()": chained,
    "IN": listed,
}


async def building(build: Callable[[int], Any], number: int) -> None:
    """The query alone."""
    build(number)


async def compiling(build: Callable[[int], Any], number: int, dialect: str) -> None:
    """Text and parameters, without a server."""
    build(number).sql(dialect=dialect)


async def running(query: Any) -> None:
    """On a table of one row, so that the conditions are what costs."""
    await query.all()


def conditions(dialect: str) -> Sweep:
    """Built, compiled, and run."""
    series = []
    for title, build in BUILDERS.items():
        points = tuple(Point(size, size, partial(building, build, size)) for size in CONDITIONS)
        series.append(Series(f"{title}: build", points))
    for title, build in BUILDERS.items():
        points = tuple(Point(size, size, partial(compiling, build, size, dialect)) for size in CONDITIONS)
        series.append(Series(f"{title}: build and compile", points))
    for title in ("AND", "OR, by |=", "IN"):
        points = tuple(Point(size, size, partial(running, BUILDERS[title](size))) for size in CONDITIONS)
        series.append(Series(f"{title}: run", points, may_refuse=True))
    return Sweep("conditions", "Conditions of a query", "condition", tuple(series))


def sweeps(dialect: str, largest: int) -> dict[str, Sweep]:
    """All of them, in order."""
    return {sweep.name: sweep for sweep in (rows(largest), tasks(), columns(), conditions(dialect))}


NAMES = ("rows", "tasks", "columns", "conditions")
