"""From `using` and `client` to a handle and, if one is open, a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..exceptions import InterfaceError, ManagerError
from . import registry
from ._atomic import AtomicTransactionContext, atomic
from ._current import active_transaction
from ._transaction import AsyncTransaction
from .pool import AsyncDatabase
from .router import routed

__all__ = ["flavor_of", "for_write", "in_transaction", "reading_again", "resolve", "savepoint_if_open"]


def resolve(
    using: str | None, client: Any, model: type[Any] | None = None, write: bool = True
) -> tuple[AsyncDatabase, AsyncTransaction | None]:
    """What an operation with these arguments runs on, by the rules of section 6.1."""
    if client is None:
        database = registry.registered(using or routed(model, write) or "default")
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


def for_write(using: str | None, client: Any, model: type[Any]) -> str | None:
    """`using` for reads that decide what is written: on the primary, where its rows are."""
    if client is not None:
        return using
    alias = using or routed(model, True) or "default"
    database = registry.registered(alias)
    return f"{alias}.primary" if database._replicas and alias in registry.connections else alias


def reading_again(query: Any, using: str | None, client: Any) -> Any:
    """The query, seeing what others committed since the transaction's first read.

    MySQL's transactions read from a snapshot, but what they lock as it is now.
    """
    database, open_one = resolve(using, client)
    if open_one is None or database.backend != "mysql" or open_one._options.readonly:
        return query
    return query._with(lock=(1, False, False, ()))


async def flavor_of(using: str | None, client: Any, model: type[Any]) -> str:
    """The kind of database an operation would run on, telling MariaDB from MySQL."""
    database, _ = resolve(using, client, model, write=False)
    await database.ensure_connected()
    return database.flavor or database.backend


@asynccontextmanager
async def in_transaction(
    using: str | None, client: Any, model: type[Any] | None = None
) -> AsyncIterator[AsyncTransaction]:
    """One transaction around several statements: a savepoint in the open one, or one of its own."""
    database, open_one = resolve(using, client, model)
    if open_one is not None:
        async with open_one.savepoint():
            yield open_one
    elif client is None and registry.connections.get(database.name) is database:
        # Visible to the task, so that hooks take part in it.
        async with atomic(using=database.name) as block:
            yield block.transaction
    else:
        async with AsyncTransaction(database) as own:
            yield own


@asynccontextmanager
async def savepoint_if_open(
    using: str | None, client: Any, model: type[Any] | None = None
) -> AsyncIterator[None]:
    """A savepoint if a transaction is open, else nothing.

    A transaction shared by tasks has savepoints only where an error would end it without:
    theirs would enclose each other's statements.
    """
    database, open_one = resolve(using, client, model)
    shared = open_one is not None and open_one._task is not asyncio.current_task()
    if open_one is None or (shared and database.backend != "postgres"):
        yield
        return
    async with open_one.savepoint():
        yield
