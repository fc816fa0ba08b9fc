"""From `using` and `client` to a handle and, if one is open, a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..exceptions import InterfaceError, ManagerError
from . import registry
from .pool import AsyncDatabase
from .transaction import AsyncTransaction, AtomicTransactionContext, active_transaction, atomic

__all__ = ["backend_of", "in_transaction", "resolve", "savepoint_if_open"]


def resolve(using: str | None, client: Any) -> tuple[AsyncDatabase, AsyncTransaction | None]:
    """What an operation with these arguments runs on, by the rules of section 6.1."""
    if client is None:
        database = registry.registered("default" if using is None else using)
        return database, active_transaction(database)
    if using is not None:
        raise ManagerError("Provide either 'client' or 'using', not both")
    if isinstance(client, AtomicTransactionContext):
        client = client.transaction
    if isinstance(client, AsyncTransaction):
        return client.database, client
    if isinstance(client, AsyncDatabase):
        if not client.connected:
            raise InterfaceError(f"database '{client.name}' is not connected")
        return client, None
    raise TypeError(f"client is an AsyncDatabase or a transaction, not {type(client).__name__}")


async def backend_of(using: str | None, client: Any) -> str:
    """The kind of database an operation would run on."""
    return resolve(using, client)[0].backend


@asynccontextmanager
async def in_transaction(using: str | None, client: Any) -> AsyncIterator[AsyncTransaction]:
    """One transaction around several statements: a savepoint in the open one, or one of its own."""
    database, open_one = resolve(using, client)
    if open_one is not None:
        async with open_one.savepoint():
            yield open_one
    elif client is None:
        # Visible to the task, so that hooks take part in it.
        async with atomic(using=database.name) as block:
            yield block.transaction
    else:
        async with AsyncTransaction(database) as own:
            yield own


@asynccontextmanager
async def savepoint_if_open(using: str | None, client: Any) -> AsyncIterator[None]:
    """A savepoint if a transaction is open, else nothing."""
    _, open_one = resolve(using, client)
    if open_one is None or open_one._task is not asyncio.current_task():
        yield
        return
    async with open_one.savepoint():
        yield
