"""The first page: models by group with counts, charts, recent changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..audit.read import recent
from ..exceptions import AdminError
from ..http.call import Call, Route
from ..http.reply import json_response
from .charts import charts_of
from .views import count_of, viewable

if TYPE_CHECKING:
    from ..http.message import Response

__all__ = ["ROUTES"]


async def dashboard(call: Call) -> Response:
    """Everything on the first page but the points of its charts."""
    groups: dict[str | None, list[dict[str, Any]]] = {}
    for rights in await viewable(call):
        resource = rights.resource
        count, exact = await count_of(call, rights)
        groups.setdefault(resource.admin.group, []).append(
            {
                "name": resource.slug,
                "label": resource.label,
                "icon": resource.admin.icon,
                "count": count,
                "exact": exact,
            }
        )
    return await json_response(
        {
            "groups": [{"name": name, "models": models} for name, models in groups.items()],
            "charts": [
                {"name": chart.name, "title": chart.title, "kind": chart.kind}
                for chart in await charts_of(call)
            ],
            "recent": await recent(call),
        }
    )


async def chart(call: Call) -> Response:
    """The points of one chart."""
    shown = next((each for each in await charts_of(call) if each.name == call.params["name"]), None)
    if shown is None:
        raise AdminError("There is no such chart.", status=404, code="not_found")
    return await json_response({"points": await shown.points()})


ROUTES = (
    Route("GET", "/api/-/dashboard", dashboard, reads="all"),
    Route("GET", "/api/-/charts/{name}", chart, reads="all"),
)
