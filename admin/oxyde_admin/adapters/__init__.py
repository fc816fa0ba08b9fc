"""The panel on each framework. A framework that is not installed leaves a stub that says so."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["FalconAdmin", "FastAPIAdmin", "LitestarAdmin", "QuartAdmin", "SanicAdmin"]

_PACKAGES = {
    "FalconAdmin": "falcon",
    "FastAPIAdmin": "fastapi",
    "LitestarAdmin": "litestar",
    "QuartAdmin": "quart",
    "SanicAdmin": "sanic",
}


def __getattr__(name: str) -> Any:
    package = _PACKAGES.get(name)
    if package is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = getattr(import_module(f".{package}", __name__), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        found = _stub(name, package)
    globals()[name] = found
    return found


def _stub(name: str, package: str) -> type[Any]:
    def refuse(self: object, *arguments: Any, **options: Any) -> None:
        raise ImportError(f"{name} needs {package}: pip install {package}", name=package)

    return type(name, (), {"__init__": refuse, "__doc__": f"Needs {package}, which is not installed."})
