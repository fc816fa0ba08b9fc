"""FastAPI: `host.mount("/backoffice", panel.app)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fastapi

from .asgi import PanelApp
from .base import AbstractAdapter
from .paths import locate

__all__ = ["FastAPIAdmin"]


class FastAPIAdmin(AbstractAdapter):
    """The panel as an application that FastAPI and Starlette mount."""

    def build_app(self) -> PanelApp:
        """An ASGI application."""
        return PanelApp(self, _place, fastapi.Request)


def _place(scope: Mapping[str, Any]) -> tuple[str, str]:
    # Starlette appends what it has matched to `root_path` and keeps what was there before.
    whole = scope.get("root_path", "").rstrip("/")
    root = scope.get("app_root_path", "").rstrip("/")
    prefix = whole.removeprefix(root)
    return locate(scope, root if whole.startswith(root) else "", prefix)
