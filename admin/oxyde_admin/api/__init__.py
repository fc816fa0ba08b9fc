"""The routes below /api/: thin handlers, one file per line of work. Those that answer have `ROUTES`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..http.call import Route

__all__ = ["routes"]


@cache
def routes() -> tuple[Route, ...]:
    """All routes of the API: those of every module here that has any."""
    # Imported on the first request: the document of openapi.py is made from this list.
    modules = [import_module(f".{info.name}", __name__) for info in iter_modules(__path__)]
    return tuple(route for module in modules for route in getattr(module, "ROUTES", ()))
