"""Which table models there are, and which wait for a name to be defined.

Relations and metadata point at classes; the registry is asked only where a name
is all there is.
"""

from __future__ import annotations

import threading
from typing import Any

from ..exceptions import FieldLookupError

__all__ = [
    "assert_no_pending_models",
    "clear_registry",
    "finalize_pending",
    "iter_tables",
    "register_table",
    "registered_tables",
    "unregister_table",
]

_tables: dict[str, type[Any]] = {}
_pending: dict[str, type[Any]] = {}
_lock = threading.RLock()


def key_of(model: type[Any]) -> str:
    """The name a model is registered under: "module.QualName"."""
    return f"{model.__module__}.{model.__qualname__}"


def register_table(model: type[Any], *, overwrite: bool = False) -> None:
    """Adds a table model. Another class under the same name is a `ValueError` unless `overwrite`."""
    key = key_of(model)
    with _lock:
        known = _tables.get(key)
        if known is model:
            return
        if known is not None and not overwrite:
            raise ValueError(f"Table '{key}' is already registered")
        _tables[key] = model


def unregister_table(model: type[Any]) -> None:
    """Removes a table model; silent if it is not there."""
    key = key_of(model)
    with _lock:
        if _tables.get(key) is model:
            del _tables[key]
        if _pending.get(key) is model:
            del _pending[key]


def registered_tables() -> dict[str, type[Any]]:
    """A copy of the registry: "module.QualName" to class, in the order of registration."""
    with _lock:
        return dict(_tables)


def iter_tables() -> tuple[type[Any], ...]:
    """All registered table models."""
    with _lock:
        return tuple(_tables.values())


def clear_registry() -> None:
    """Forgets all table models. The classes go on working; only names no longer find them."""
    with _lock:
        _tables.clear()
        _pending.clear()


def add_pending(model: type[Any]) -> None:
    """Remembers a model whose annotations name something that is not there yet."""
    with _lock:
        _pending[key_of(model)] = model


def drop_pending(model: type[Any]) -> None:
    """The model is finished."""
    with _lock:
        if _pending.get(key_of(model)) is model:
            del _pending[key_of(model)]


def pending_models() -> tuple[type[Any], ...]:
    """Models that wait for a name."""
    with _lock:
        return tuple(_pending.values())


def finalize_pending() -> None:
    """Tries the pending models again; those that still cannot be resolved stay pending."""
    from ._finalize import try_finish

    for model in pending_models():
        try_finish(model, everything=True)


def assert_no_pending_models() -> None:
    """`RuntimeError` naming the unfinished models and the names they miss."""
    from ._finalize import missing_names

    finalize_pending()
    unfinished = pending_models()
    if unfinished:
        listed = "; ".join(
            f"{key_of(model)} (missing: {', '.join(missing_names(model)) or 'unknown'})"
            for model in unfinished
        )
        raise RuntimeError(f"Models with unresolved annotations: {listed}")


def find_tables(name: str, module: str | None = None) -> list[type[Any]]:
    """Table models of that bare or dotted name; of the module alone if it has one."""
    with _lock:
        tables = dict(_tables)
    if module is not None and f"{module}.{name}" in tables:
        return [tables[f"{module}.{name}"]]
    matching = [model for key, model in tables.items() if key == name or key.endswith(f".{name}")]
    if module is not None:
        local = [model for model in matching if model.__module__ == module]
        if len(local) == 1:
            return local
    return matching


def resolve_table(name: str, module: str | None = None) -> type[Any]:
    """The only table model of that name; `FieldLookupError` for none or several."""
    found = find_tables(name, module)
    if len(found) == 1:
        return found[0]
    if not found:
        raise FieldLookupError(f"Related model '{name}' is not registered")
    raise FieldLookupError(f"Related model '{name}' is ambiguous: {', '.join(key_of(m) for m in found)}")
