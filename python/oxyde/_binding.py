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


def _without_returning(**statement: Any) -> Any:
    from .queries._returning import without_returning

    return without_returning(**statement)


def _read_and_load(*statement: Any) -> Any:
    from .queries._prefetch import read_and_load

    return read_and_load(*statement)


def bind() -> None:
    """Hands over exceptions and call-backs; once, when the package is imported."""
    _core.bind_exceptions(exceptions)
    _core.bind_package(
        registry=connections,  # type: ignore[arg-type]
        plan_of=_plan_of,
        unknown_name=_unknown_name,
        without_returning=_without_returning,
        read_and_load=_read_and_load,
    )
