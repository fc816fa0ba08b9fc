"""Servers for the tests of the runtime: the engine's own handle on PostgreSQL, MariaDB and MySQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import servers

import oxyde  # noqa: F401  binds the exceptions
from oxyde import _core

NAMES = [name for name in servers.chosen() if name != "sqlite"]


def settings_of(name: str, **more: str) -> dict[str, str]:
    """The driver's settings for the server of that name."""
    url = urlsplit(servers.available(name).url)
    settings = {
        "host": str(url.hostname),
        "port": str(url.port),
        "user": url.username or "root",
        "dbname": url.path.strip("/"),
    }
    if url.password:
        settings["password"] = url.password
    return {**settings, **more}


def configured(
    name: str, *, init: Any = None, settings: dict[str, str] | None = None, **pool: Any
) -> _core.Database:
    """A handle with settings, not open."""
    database = _core.Database()
    database._configure(
        backend="postgres" if name == "postgres" else "mysql",
        settings=settings or settings_of(name),
        pool={"max": 3, "min": 1, **pool},
        alias=name,
        gate=None,
        init=init,
    )
    return database


@asynccontextmanager
async def opened(name: str, **options: Any) -> AsyncIterator[_core.Database]:
    """An open handle, closed at the end."""
    database = configured(name, **options)
    await database._open()
    try:
        yield database
    finally:
        await database._close(5)


def mark(name: str, number: int = 1) -> str:
    """A placeholder."""
    return f"${number}" if name == "postgres" else "?"


def sleep(name: str, seconds: float) -> str:
    """A statement that takes so long, and gives a row."""
    return f"SELECT {'pg_sleep' if name == 'postgres' else 'sleep'}({seconds})"


def own_id(name: str) -> str:
    return "SELECT pg_backend_pid() AS id" if name == "postgres" else "SELECT connection_id() AS id"


def kill(name: str, number: int) -> str:
    """A statement that ends another session."""
    return f"SELECT pg_terminate_backend({number})" if name == "postgres" else f"KILL {number}"
