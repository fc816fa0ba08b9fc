"""Litestar: `asgi("/backoffice", is_mount=True)(panel.app)` among the route handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar.exceptions import NotFoundException

from .asgi import PanelApp
from .base import AbstractAdapter
from .paths import locate_by_rest

__all__ = ["LitestarAdmin"]


class LitestarAdmin(AbstractAdapter):
    """The panel as an application that Litestar mounts, whatever `copy_scope` says."""

    def build_app(self) -> PanelApp:
        """An ASGI application."""
        return PanelApp(self, _place)


def _place(scope: Mapping[str, Any]) -> tuple[str, str]:
    # Litestar leaves in `path` what is below the mount. It takes "/administrator" for something
    # below "/admin" too, and that path is the host's.
    rest = scope["path"]
    if not rest.startswith("/"):
        raise NotFoundException
    return locate_by_rest(scope, rest)
