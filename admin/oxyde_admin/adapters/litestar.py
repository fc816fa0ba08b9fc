"""Litestar: `asgi("/backoffice", is_mount=True)(panel.app)` among the route handlers."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import litestar

from .asgi import PanelApp
from .base import AbstractAdapter
from .paths import locate_by_rest, raw_path

__all__ = ["LitestarAdmin"]


class LitestarAdmin(AbstractAdapter):
    """The panel as an application that Litestar mounts, whatever `copy_scope` says."""

    def build_app(self) -> PanelApp:
        """An ASGI application."""
        return _MountedApp(self, _place, litestar.Request)


class _MountedApp(PanelApp):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # Litestar leaves in `path` what is below the mount, and takes "/administrator" for something
        # below "/admin". Such a path is the host's, or that of another panel.
        if scope["type"] != "lifespan" and not scope["path"].startswith("/"):
            await _host_router(scope["litestar_app"])(_before_the_mount(scope), receive, send)
        else:
            await super().__call__(scope, receive, send)


def _place(scope: Mapping[str, Any]) -> tuple[str, str]:
    return locate_by_rest(scope, scope["path"])


def _before_the_mount(scope: Mapping[str, Any]) -> dict[str, Any]:
    path = unquote(raw_path(scope))
    return {**scope, "path": path if path.startswith("/") else f"/{path}"}


def _host_router(host: Any) -> Any:
    """The host's router as it would be if its mounts matched whole segments, the longest first."""
    router = copy.copy(host.asgi_router)
    mounts = sorted(router._mount_routes, key=len, reverse=True)
    router._mount_paths_regex = re.compile(
        "|".join(f"{re.escape(path)}(?=/|$)" for path in mounts if path != "/")
    )
    router.handle_routing = router._handle_routing
    return router
