"""Which database an alias means: one dict, in which the engine looks as well."""

from __future__ import annotations

import difflib
import threading
from typing import TYPE_CHECKING

from .._binding import connections
from ..exceptions import UnknownAliasError

if TYPE_CHECKING:
    from .pool import AsyncDatabase

__all__ = ["connections", "disconnect_all", "get_connection", "register_connection", "unregister_connection"]

lock = threading.RLock()


def register_connection(database: AsyncDatabase, *, overwrite: bool = False) -> AsyncDatabase:
    """Makes a handle known under its name, and returns it."""
    from .pool import AsyncDatabase

    if not isinstance(database, AsyncDatabase):
        raise TypeError(f"register_connection() takes an AsyncDatabase, not {type(database).__name__}")
    with lock:
        old = connections.get(database.name)
        if old is database:
            return database
        if old is not None:
            if not overwrite:
                raise ValueError(f"Connection '{database.name}' already registered")
            database._replaced.append(old)
        connections[database.name] = database
    return database


def unregister_connection(name: str) -> None:
    """Forgets an alias; silent if there is none."""
    with lock:
        connections.pop(name, None)


def unknown_alias(name: str) -> UnknownAliasError:
    """The error for an alias nobody registered, naming those that are."""
    known = sorted(connections)
    near = difflib.get_close_matches(name, known, 1)
    if near:
        hint = f"; did you mean '{near[0]}'?"
    elif known:
        hint = ""
    else:
        hint = "; call db.init() or register an AsyncDatabase first"
    listed = ", ".join(f"'{alias}'" for alias in known) or "none"
    return UnknownAliasError(f"Connection '{name}' is not registered (registered: {listed}){hint}")


def registered(name: str) -> AsyncDatabase:
    """The handle of an alias, or `UnknownAliasError`. `"shop.primary"` and `"shop.replica"` name a role."""
    handle = connections.get(name)
    if handle is not None:
        return handle
    base, _, role = name.rpartition(".")
    handle = connections.get(base)
    if handle is None or role not in ("primary", "replica"):
        raise unknown_alias(name)
    return handle._readers()[0] if role == "replica" else handle.primary


async def get_connection(name: str = "default", *, ensure_connected: bool = True) -> AsyncDatabase:
    """The handle of an alias, connected."""
    database = registered(name)
    if ensure_connected:
        await database.ensure_connected()
    return database


async def disconnect_all() -> None:
    """Rolls back open transactions, closes every pool and empties the registry."""
    from .pool import disconnect_each

    with lock:
        databases = list(connections.values())
        connections.clear()
    await disconnect_each(databases)
