"""init, close, connect and lifespan: databases for the life of an application or a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict, Union

from . import registry
from .pool import AsyncDatabase, disconnect_each
from .settings import PoolSettings

__all__ = ["close", "connect", "health", "init", "lifespan"]


class DatabaseOptions(TypedDict, total=False):
    """A database with options, as `init` takes it."""

    primary: str
    url: str
    replicas: list[str]
    settings: PoolSettings | None


DatabaseSpec = Union[str, tuple[str, Union[PoolSettings, None]], DatabaseOptions]
"""A URL; `(url, PoolSettings)`; or a dict with `primary`, `replicas`, `settings`."""


_KEYS = ("primary", "url", "replicas", "settings")


def _handle(alias: str, spec: Any, settings: PoolSettings | None) -> AsyncDatabase:
    if isinstance(spec, str):
        return AsyncDatabase(spec, name=alias, settings=settings, auto_register=False)
    if isinstance(spec, tuple):
        if len(spec) != 2:
            raise ValueError(f"database {alias!r}: a tuple is (url, PoolSettings)")
        url, own = spec
        return AsyncDatabase(url, name=alias, settings=own or settings, auto_register=False)
    if isinstance(spec, Mapping):
        for key in spec:
            if key not in _KEYS:
                raise ValueError(f"database {alias!r}: unknown key {key!r}; known are {', '.join(_KEYS)}")
        if "primary" in spec and "url" in spec:
            raise ValueError(f"database {alias!r}: 'primary' and 'url' are the same, give one")
        url = spec.get("primary", spec.get("url"))
        if url is None:
            raise ValueError(f"database {alias!r}: the key 'primary' is missing")
        return AsyncDatabase(
            url,
            name=alias,
            settings=spec.get("settings") or settings,
            auto_register=False,
            replicas=spec.get("replicas") or (),
        )
    raise TypeError(f"database {alias!r} is a URL, a tuple or a dict, not {type(spec).__name__}")


async def init(
    databases: Mapping[str, DatabaseSpec] | None = None,
    /,
    *,
    settings: PoolSettings | None = None,
    migrate: bool | str | Path = False,
    **aliases: DatabaseSpec,
) -> None:
    """Connects and registers databases: `await db.init(default="sqlite:///shop.db")`.

    With `migrate` their pending migrations are applied, from the directory `migrations` or the one
    given. If one cannot be connected, those of this call are closed and the registry is as before;
    if one cannot be migrated, they are closed and forgotten.
    """
    handles = await _init({**(databases or {}), **aliases}, settings)
    if migrate is not False:
        await _migrate(handles, "migrations" if migrate is True else migrate)


async def _migrate(handles: list[AsyncDatabase], folder: str | Path) -> None:
    from ..migrations.executor import apply_migrations

    try:
        for handle in handles:
            await apply_migrations(folder, handle.name)
    except BaseException:
        with registry.lock:
            for handle in handles:
                if registry.connections.get(handle.name) is handle:
                    del registry.connections[handle.name]
        await disconnect_each(handles)
        raise


async def _init(specs: Mapping[str, DatabaseSpec], settings: PoolSettings | None) -> list[AsyncDatabase]:
    if not specs:
        raise ValueError("At least one database is needed: db.init(default=url)")
    handles = [_handle(alias, spec, settings) for alias, spec in specs.items()]
    with registry.lock:
        before = dict(registry.connections)
    try:
        for handle in handles:
            await handle.connect()
    except BaseException:
        await disconnect_each(handles)
        raise
    with registry.lock:
        for handle in handles:
            registry.connections[handle.name] = handle
    await disconnect_each([before[handle.name] for handle in handles if handle.name in before])
    return handles


async def close() -> None:
    """Rolls back open transactions, closes every pool and empties the registry."""
    await registry.disconnect_all()


@asynccontextmanager
async def connect(
    url: str, *, name: str = "default", settings: PoolSettings | None = None
) -> AsyncIterator[AsyncDatabase]:
    """A database for one block; hides and afterwards restores another one of the same name."""
    database = AsyncDatabase(url, name=name, settings=settings, auto_register=False)
    try:
        await database.connect()
    except BaseException:
        await database.disconnect()  # cancelled when it was open already
        raise
    with registry.lock:
        hidden = registry.connections.get(name)
        registry.connections[name] = database
    try:
        yield database
    finally:
        with registry.lock:
            if registry.connections.get(name) is database:
                if hidden is None:
                    del registry.connections[name]
                else:
                    registry.connections[name] = hidden
        await database.disconnect()


def lifespan(
    databases: Mapping[str, DatabaseSpec] | None = None,
    /,
    *,
    settings: PoolSettings | None = None,
    **aliases: DatabaseSpec,
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """For `FastAPI(lifespan=...)` and the like: connects at the start, closes its own at the end."""
    specs = {**(databases or {}), **aliases}
    if not specs:
        raise ValueError("At least one database is needed: db.lifespan(default=url)")

    @asynccontextmanager
    async def context(app: Any = None) -> AsyncIterator[None]:
        handles = await _init(specs, settings)
        try:
            yield None
        finally:
            with registry.lock:
                for handle in handles:
                    if registry.connections.get(handle.name) is handle:
                        del registry.connections[handle.name]
            await disconnect_each(handles)

    return context


async def health() -> dict[str, dict[str, Any]]:
    """For each alias whether it answers: `{"ok": ..., "latency": seconds, "error": ...}`.

    Replicas are listed as `alias.replica.0` and so on.
    """
    with registry.lock:
        databases = dict(registry.connections)
    handles: dict[str, AsyncDatabase] = {}
    for alias, database in databases.items():
        handles[alias] = database
        handles.update((replica.name, replica) for replica in database.replicas)
    # One that is closed while we look stays closed.
    answers = await asyncio.gather(*(_health_of(handle, not handle.connected) for handle in handles.values()))
    return dict(zip(handles, answers, strict=True))


async def _health_of(database: AsyncDatabase, connect: bool) -> dict[str, Any]:
    try:
        if connect:
            await database.ensure_connected()
        return {"ok": True, "latency": await database.ping(), "error": None}
    except Exception as error:
        return {"ok": False, "latency": None, "error": error}
