"""Transactions that nobody uses any more: rolled back after `transaction_timeout` without a statement."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from ..exceptions import TransactionTimeoutError

if TYPE_CHECKING:
    from ._transaction import AsyncTransaction

__all__ = ["Watch"]

_log = logging.getLogger("oxyde.transaction")


class Watch:
    """One timer per database and loop, running while transactions are open there."""

    def __init__(self) -> None:
        self._open: dict[asyncio.AbstractEventLoop, set[AsyncTransaction]] = {}
        self._rescues: set[asyncio.Task[Any]] = set()

    def add(self, tx: AsyncTransaction) -> None:
        """A transaction began on the running loop."""
        loop = asyncio.get_running_loop()
        group = self._open.get(loop)
        if group is None:
            settings = tx.database.settings
            limit = settings.limit("transaction_timeout", 300)
            if limit is None:
                return
            # Loops that ended with a transaction open are not asked again.
            self._open = {other: open_ for other, open_ in self._open.items() if not other.is_closed()}
            group = self._open[loop] = set()
            interval = settings.limit("transaction_cleanup_interval", 60)
            if interval is not None:
                loop.call_later(interval, self._look, loop, limit, interval)
        group.add(tx)

    def discard(self, tx: AsyncTransaction) -> None:
        """The transaction is over."""
        for group in self._open.values():
            group.discard(tx)

    def _look(self, loop: asyncio.AbstractEventLoop, limit: float, interval: float) -> None:
        group = self._open.get(loop)
        if not group:
            self._open.pop(loop, None)
            return
        for tx in tuple(group):
            if tx._idle >= limit:
                group.discard(tx)
                rescue = loop.create_task(_end_abandoned(tx, limit))
                self._rescues.add(rescue)
                rescue.add_done_callback(self._rescues.discard)
        loop.call_later(interval, self._look, loop, limit, interval)


async def _end_abandoned(tx: AsyncTransaction, limit: float) -> None:
    name = "unknown" if tx._task is None else tx._task.get_name()
    _log.warning("transaction %s of task %r was idle for %g s and is rolled back", tx.id, name, limit)
    reason = tx._error(
        TransactionTimeoutError, f"Transaction {tx.id} exceeded timeout: idle for more than {limit:g} s"
    )
    await tx._abandon(reason)
