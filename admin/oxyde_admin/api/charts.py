"""The charts that a user sees: those of the project, and records a day of models that ask for it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from oxyde import Count
from oxyde.queries.functions import Trunc

from ..values.encode import encode_plain
from .views import viewable

if TYPE_CHECKING:
    from ..http.call import Call
    from ..options.charts import Chart
    from ..security.rights import Rights

__all__ = ["Shown", "charts_of"]

DAYS = 30
"""How far back the charts of models go."""

Points = list[list[Any]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A chart that the user may see. `await points()` gives its `[label, number]` pairs."""

    name: str
    title: str
    kind: str
    points: Callable[[], Awaitable[Points]]


async def charts_of(call: Call) -> list[Shown]:
    """All charts for this user, those of the project first; they win over a model's of the same name."""
    found = {
        declared.name: _of_project(call, declared)
        for declared in call.site.charts.values()
        if declared.roles is None or not declared.roles.isdisjoint(call.user.roles)
    }
    for rights in await viewable(call):
        chart = await _of_model(rights)
        if chart is not None:
            found.setdefault(chart.name, chart)
    return list(found.values())


def _of_project(call: Call, chart: Chart) -> Shown:
    async def points() -> Points:
        return _checked(chart.name, await chart.load(call.user))

    return Shown(chart.name, chart.title, chart.kind, points)


def _checked(name: str, loaded: Iterable[tuple[Any, Any]]) -> Points:
    points: Points = []
    for label, number in loaded:
        if isinstance(number, bool) or not isinstance(number, (int, float, Decimal)):
            raise TypeError(f"chart {name!r}: {type(number).__name__} is no number")
        value = float(number) if isinstance(number, Decimal) else number
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"chart {name!r}: {value} cannot be drawn")
        shown = encode_plain(label)
        points.append([shown if isinstance(shown, str) else str(shown), value])
    return points


# --- records a day -----------------------------------------------------------------------------


async def _of_model(rights: Rights) -> Shown | None:
    resource = rights.resource
    given = resource.admin.chart
    name = None if given is None else resource.name_of(given)
    if name is None or name in await rights.hidden():
        return None

    async def points() -> Points:
        return await _per_day(rights, name)

    return Shown(f"{resource.slug}.{name}", resource.label, "line", points)


async def _per_day(rights: Rights, name: str) -> Points:
    """How many records have each of the last days, today among them; days are those of UTC."""
    field = rights.resource.fields[name]
    today = datetime.now(timezone.utc).date()
    first = today - timedelta(days=DAYS - 1)
    start, end = (_moment(day, field.kind) for day in (first, today + timedelta(days=1)))
    query = (await rights.rows()).filter(**{f"{name}__gte": start, f"{name}__lt": end}).order_by()
    rows = await (
        query.annotate(records=Count("*"))
        .group_by(day=Trunc(name, "day"))
        .values("day", "records")
        .all(**rights.resource.on())
    )
    numbers: dict[date, int] = {}
    for row in rows:
        day = row["day"].date() if isinstance(row["day"], datetime) else row["day"]
        numbers[day] = numbers.get(day, 0) + row["records"]
    days = (first + timedelta(days=index) for index in range(DAYS))
    return [[day.isoformat(), numbers.get(day, 0)] for day in days]


def _moment(day: date, kind: str) -> Any:
    """The day, or its first moment, as the column holds it."""
    if kind == "date":
        return day
    return datetime.combine(day, time(), timezone.utc if kind == "date_time_utc" else None)
