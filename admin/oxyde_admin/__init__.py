"""An admin panel for oxyde on FastAPI, Litestar, Sanic, Quart and Falcon."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .adapters.falcon import FalconAdmin
    from .adapters.fastapi import FastAPIAdmin
    from .adapters.litestar import LitestarAdmin
    from .adapters.quart import QuartAdmin
    from .adapters.sanic import SanicAdmin
    from .auth import AdminUser, AuthProvider, AuthRequest, DefaultCredentials, ModelAuth
    from .config import Preset, PrimaryColor, Surface
    from .options.actions import ActionResult, action
    from .options.columns import column
    from .options.context import AdminContext
    from .options.inline import Inline
    from .options.model_admin import ModelAdmin

__all__ = [
    "ActionResult",
    "AdminContext",
    "AdminUser",
    "AuthProvider",
    "AuthRequest",
    "DefaultCredentials",
    "FalconAdmin",
    "FastAPIAdmin",
    "Inline",
    "LitestarAdmin",
    "ModelAdmin",
    "ModelAuth",
    "Preset",
    "PrimaryColor",
    "QuartAdmin",
    "SanicAdmin",
    "Surface",
    "__version__",
    "action",
    "column",
]

# Imported when first asked for: of the frameworks only the one that is used need be installed, and
# listing `oxyde_admin.models` in MODELS should not import the whole panel.
_HOMES = {
    "ActionResult": "options.actions",
    "AdminContext": "options.context",
    "AdminUser": "auth",
    "AuthProvider": "auth",
    "AuthRequest": "auth",
    "DefaultCredentials": "auth",
    "FalconAdmin": "adapters",
    "FastAPIAdmin": "adapters",
    "Inline": "options.inline",
    "LitestarAdmin": "adapters",
    "ModelAdmin": "options.model_admin",
    "ModelAuth": "auth",
    "Preset": "config",
    "PrimaryColor": "config",
    "QuartAdmin": "adapters",
    "SanicAdmin": "adapters",
    "Surface": "config",
    "action": "options.actions",
    "column": "options.columns",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'oxyde_admin' has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
