"""Export and import."""

from __future__ import annotations

from ..http.call import Route

__all__ = ["ROUTES"]

ROUTES: tuple[Route, ...] = ()
