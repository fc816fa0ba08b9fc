"""The project's databases, for as long as a command runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..db.lifecycle import _handle, close
from ..db.registry import register_connection
from ._session import fail

if TYPE_CHECKING:
    from ..migrations.config import OxydeConfig

T = TypeVar("T")


def on_database(config: OxydeConfig, alias: str, work: Callable[[], Awaitable[T]]) -> T:
    """Runs `work` while the databases of the configuration are registered; they are closed after it."""
    if alias not in config.databases:
        known = ", ".join(config.databases) or "none"
        fail(f"there is no database {alias!r} in DATABASES; there is {known}")

    async def run() -> T:
        try:
            for name, spec in config.databases.items():
                _register(name, spec)
            return await work()
        finally:
            await close()

    return asyncio.run(run())


def _register(name: str, spec: Any) -> None:
    try:
        register_connection(_handle(name, spec, None), overwrite=True)
    except (ValueError, TypeError) as error:
        fail(f"DATABASES: {error}")
