"""The panel without a framework: what is registered, with which settings, and who answers."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from .check import problems
from .http.app import handle
from .http.router import Router
from .options.charts import Chart, Load
from .options.registry import Registry
from .security.gate import Gate
from .settings import Settings

if TYPE_CHECKING:
    from .http.message import Request, Response
    from .options.model_admin import ModelAdmin
    from .options.resource import Resource

__all__ = ["AdminSite"]


class AdminSite:
    """Registered models and the answers to requests below one mount.

    Takes the arguments of the guide's table, all by keyword but `prefix`. It opens no database
    connection; the application it lives in does.
    """

    def __init__(self, prefix: str = "/admin", **arguments: Any) -> None:
        self.settings = Settings(prefix=prefix, **arguments)
        self.registry = Registry()
        self.gate = Gate(self)
        self.charts: dict[str, Chart] = {}

    def register(
        self,
        model: type[Any],
        admin: ModelAdmin | type[ModelAdmin] | None = None,
        /,
        **options: Any,
    ) -> None:
        """Adds a model. A second time is a ValueError, an unknown option a TypeError."""
        self.registry.register(model, admin, **options)

    def register_all(self, *, exclude: Collection[type[Any]] | None = None) -> None:
        """Adds every table model not in `exclude`, not added yet and not the panel's own."""
        self.registry.register_all(exclude=exclude)

    def exclude(self, model: type[Any]) -> None:
        """Takes a model out again; silent if it was never added."""
        self.registry.exclude(model)

    @property
    def models(self) -> dict[type[Any], ModelAdmin]:
        """A copy of what is registered."""
        return self.registry.models

    def resource(self, slug: str) -> Resource:
        """The registered model of that name in a path; ModelNotFoundError."""
        return self.registry.resource(slug)

    def chart(
        self,
        name: str,
        title: str,
        load: Load,
        *,
        kind: Literal["bar", "line", "pie", "number"] = "bar",
        roles: Collection[str] | None = None,
    ) -> None:
        """Adds a chart to the dashboard; `await load(user)` gives `(label, number)` pairs."""
        if name in self.charts:
            raise ValueError(f"the chart {name!r} is already registered")
        self.charts[name] = Chart(name, title, load, kind, None if roles is None else frozenset(roles))

    async def check(self) -> list[str]:
        """What is wrong: missing tables, options naming nothing, a panel open to everybody."""
        return await problems(self)

    async def handle(self, request: Request) -> Response:
        """Answers one request below the mount."""
        return await handle(self, request)

    @cached_property
    def router(self) -> Router:
        """The routes of the API."""
        from .api import routes

        return Router(routes())
