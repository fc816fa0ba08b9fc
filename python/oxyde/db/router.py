"""Routers: which alias the statements of a model go to when nobody says."""

from __future__ import annotations

from typing import Any, Protocol

from .. import _core

__all__ = ["Router", "routed", "set_router"]


class Router(Protocol):
    """What `set_router` takes has at least one of these; None leaves the choice to `"default"`."""

    def db_for_read(self, model: type[Any]) -> str | None:
        """The alias for reads of a model."""

    def db_for_write(self, model: type[Any]) -> str | None:
        """The alias for writes of a model."""


_router: Any = None


def set_router(router: Any) -> None:
    """Asks `router.db_for_read(model)` and `router.db_for_write(model)` where no `using` is given.

    Either may be missing. None takes the router away.
    """
    global _router  # noqa: PLW0603
    if router is not None:
        methods = [getattr(router, name, None) for name in ("db_for_read", "db_for_write")]
        if not any(callable(method) for method in methods):
            raise TypeError("a router has db_for_read(model) or db_for_write(model)")
    _router = router
    _core.set_router(None if router is None else routed)


def routed(model: type[Any] | None, write: bool) -> str | None:
    """The router's answer."""
    if _router is None or model is None:
        return None
    ask = getattr(_router, "db_for_write" if write else "db_for_read", None)
    alias = None if ask is None else ask(model)
    if alias is not None and not isinstance(alias, str):
        raise TypeError(f"a router names an alias or None, not {type(alias).__name__}")
    return alias
