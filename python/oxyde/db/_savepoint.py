"""Savepoints: parts of a transaction that can be undone on their own."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from ..exceptions import InterfaceError, TransactionAbortedError
from ._begin import quoted
from ._shield import Shielded

if TYPE_CHECKING:
    from ._transaction import AsyncTransaction

__all__ = ["Savepoint"]

_log = logging.getLogger("oxyde.transaction")


class Savepoint:
    """`sp = await tx.savepoint()` and then `rollback()` or `release()`; or `async with tx.savepoint()`."""

    __slots__ = ("_begun", "_hooks", "_name", "_over", "_tx")

    def __init__(self, tx: AsyncTransaction, name: str) -> None:
        self._tx = tx
        self._name = name
        self._hooks = 0
        self._begun = False
        self._over: str | None = None

    @property
    def name(self) -> str:
        """The name in SQL."""
        return self._name

    def __repr__(self) -> str:
        return f"<Savepoint {self._name!r} of transaction {self._tx.id}>"

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._begin().__await__()

    async def _begin(self) -> Self:
        if self._begun:
            raise InterfaceError(f"savepoint {self._name!r} was set already")
        self._tx._check_open()
        await self._tx._run(f"SAVEPOINT {self._sql_name}")
        self._begun = True
        self._hooks = len(self._tx._hooks)
        self._tx._savepoints.append(self)
        return self

    @property
    def _sql_name(self) -> str:
        return quoted(self._tx.database.backend, self._name)

    def _check(self, mends: bool = False) -> None:
        if not self._begun:
            raise InterfaceError(f"savepoint {self._name!r} was not set: await it first")
        if self._over is not None:
            raise InterfaceError(f"savepoint {self._name!r} was {self._over}")
        if mends:
            self._tx._check_alive()
        else:
            self._tx._check_open()

    def _end_inner(self, how: str, including: bool) -> None:
        """Savepoints set after this one end with it."""
        stack = self._tx._savepoints
        at = stack.index(self) + (0 if including else 1)
        for inner in stack[at:]:
            inner._over = how if inner is self else f"{how} with the savepoint {self._name!r} around it"
        del stack[at:]

    async def rollback(self) -> None:
        """Undoes what was done since it was set; the savepoint stays."""
        self._check(mends=True)
        limit = self._tx.database.settings.limit("cancel_timeout", 2)
        await Shielded(self._tx._run(f"ROLLBACK TO SAVEPOINT {self._sql_name}"), limit)
        self._tx._hooks.cut(self._hooks)
        self._end_inner("rolled back", False)

    async def release(self) -> None:
        """Keeps what was done since it was set; the savepoint is gone."""
        self._check()
        limit = self._tx.database.settings.limit("cancel_timeout", 2)
        await Shielded(self._tx._run(f"RELEASE SAVEPOINT {self._sql_name}"), limit)
        self._end_inner("released", True)

    async def __aenter__(self) -> Self:
        return await self._begin()

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._over is not None:
            return
        failed = error is None and self._tx._status == "inerror"
        if error is None and not failed:
            await self.release()
            return
        try:
            await self.rollback()
            await self.release()
        except Exception as failure:
            # The transaction is gone as a whole; its own exit says so. What matters here is the
            # error on its way.
            _log.debug("savepoint %r could not be rolled back: %r", self._name, failure)
        if failed:
            raise self._tx._error(
                TransactionAbortedError,
                f"an error ended the block of the savepoint {self._name!r}, which has been rolled back",
            )
