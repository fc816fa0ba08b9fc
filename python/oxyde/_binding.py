"""What the engine is given of the package. Imports nothing that needs a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core, exceptions

if TYPE_CHECKING:
    from .db.pool import AsyncDatabase

__all__ = ["bind", "connections"]

# The engine looks aliases up here at every operation; it is never replaced, only changed.
connections: dict[str, AsyncDatabase] = {}


def _plan_of(model: type[Any]) -> Any:
    from .models._plan import plan_of

    return plan_of(model)


def _unknown_name(model: type[Any], name: str, what: str) -> BaseException:
    from .models._unknown import unknown_name

    return unknown_name(model, name, what)


def bind() -> None:
    """Hands over exceptions and call-backs; once, when the package is imported."""
    _core.bind_exceptions(exceptions)
    _core.bind_package(registry=connections, plan_of=_plan_of, unknown_name=_unknown_name)  # type: ignore[arg-type]
