"""The transaction that the current task is in."""

from __future__ import annotations

import asyncio

from . import registry
from ._hooks import Hook, check_hook, run_hook
from ._transaction import AsyncTransaction
from .pool import AsyncDatabase


def active_transaction(database: AsyncDatabase) -> AsyncTransaction | None:
    """The current task's open transaction on a handle."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    session = None if task is None else database._session_of(task)
    return session if isinstance(session, AsyncTransaction) else None


def get_active_transaction(using: str = "default") -> AsyncTransaction | None:
    """The transaction that the current task's queries on this alias run in, or None."""
    database = registry.connections.get(using)
    return None if database is None else active_transaction(database)


async def on_commit(func: Hook, *, using: str = "default", robust: bool = False) -> None:
    """Calls a function after the current transaction's commit; at once when none is open."""
    active = get_active_transaction(using)
    if active is not None:
        await active.on_commit(func, robust=robust)
        return
    check_hook(func)
    await run_hook(func, robust)
