"""The routes below /api/: thin handlers, one file per line of work. Each module has `ROUTES`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..http.call import Route

__all__ = ["MODULES", "routes"]

MODULES = (
    "session",
    "models",
    "rows",
    "writes",
    "actions",
    "transfer",
    "audit",
    "dashboard",
    "openapi",
)


@cache
def routes() -> tuple[Route, ...]:
    """All routes of the API."""
    # Imported on the first request: the document of openapi.py is made from this list.
    modules = (import_module(f".{name}", __name__) for name in MODULES)
    return tuple(route for module in modules for route in module.ROUTES)
