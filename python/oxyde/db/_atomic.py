"""`atomic`: a block of one task that is a transaction, or a savepoint inside another."""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, overload

from typing_extensions import ParamSpec, Self

from ..exceptions import DeadlockError, InterfaceError, SerializationError, TransactionTimeoutError
from . import _debug, registry
from ._current import active_transaction
from ._hooks import Hook
from ._options import Options
from ._savepoint import Savepoint
from ._transaction import AsyncTransaction, Status
from .pool import AsyncDatabase
from .settings import Duration

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("oxyde.transaction")


class AtomicTransactionContext:
    """A block that is a transaction, or a savepoint inside another; made by `atomic`."""

    # While nobody has entered it.
    _transaction: AsyncTransaction | None = None
    _savepoint: Savepoint | None = None
    _outer_deadline: float | None = None
    _task: asyncio.Task[Any] | None = None

    def __init__(
        self,
        *,
        using: str = "default",
        timeout: Duration | None = None,
        isolation: str | None = None,
        readonly: bool = False,
        deferrable: bool = False,
        durable: bool = False,
        retries: int = 0,
        statement_timeout: Duration | None = None,
        lock_timeout: Duration | None = None,
    ) -> None:
        if not isinstance(using, str):
            raise TypeError(f"using is an alias, not {type(using).__name__}")
        if isinstance(retries, bool) or not isinstance(retries, int):
            raise TypeError(f"retries is an int, not {type(retries).__name__}")
        if retries < 0:
            raise ValueError(f"retries must be non-negative, got {retries}")
        self._use(
            using,
            Options(
                timeout=timeout,
                isolation=isolation,
                readonly=readonly,
                deferrable=deferrable,
                statement_timeout=statement_timeout,
                lock_timeout=lock_timeout,
            ),
            bool(durable),
            retries,
        )

    def _use(self, using: str, options: Options, durable: bool, retries: int) -> None:
        self._using = using
        self._options = options
        self._durable = durable
        self._retries = retries

    def _another(self) -> AtomicTransactionContext:
        """A block like this one that nobody has entered."""
        made = AtomicTransactionContext.__new__(AtomicTransactionContext)
        made._use(self._using, self._options, self._durable, self._retries)
        return made

    # --- what it is -----------------------------------------------------------------

    @property
    def using(self) -> str:
        """The alias."""
        return self._using

    @property
    def timeout(self) -> float | None:
        """The limit in seconds, or None."""
        return self._options.timeout

    @property
    def transaction(self) -> AsyncTransaction:
        """The transaction it is, or is part of."""
        if self._transaction is None:
            raise InterfaceError("atomic block not entered")
        return self._transaction

    @property
    def id(self) -> int:
        """The number of the transaction."""
        if self._transaction is None:
            raise InterfaceError("Transaction not started")
        return self._transaction.id

    @property
    def database(self) -> AsyncDatabase:
        """The handle it runs on."""
        return self.transaction.database

    @property
    def status(self) -> Status:
        """`"active"`, `"failed"`, `"committed"` or `"rolled back"`."""
        if self._transaction is None:
            raise InterfaceError("Transaction not started")
        return self._transaction.status

    def set_rollback(self, rollback: bool = True) -> None:
        """Makes the outermost block roll back at its end without an exception."""
        self.transaction.set_rollback(rollback)

    def savepoint(self, name: str | None = None) -> Savepoint:
        """A savepoint: `await` it, or use it with `async with`."""
        return self.transaction.savepoint(name)

    def on_commit(self, func: Hook, *, robust: bool = False) -> Awaitable[None]:
        """Calls a function after the outermost commit."""
        return self.transaction.on_commit(func, robust=robust)

    # --- as a block ----------------------------------------------------------------------

    def __aenter__(self) -> Coroutine[Any, Any, Self]:
        if self._retries:
            raise InterfaceError(
                "retries needs a function that can run again: use @atomic(...) or atomic(...).run()"
            )
        return self._enter()

    async def _enter(self) -> Self:
        if self._task is not None:
            raise InterfaceError("this atomic block is entered already; call atomic() again for another")
        database = registry.registered(self._using)
        task = asyncio.current_task()
        outer = None if task is None else database._session_of(task)
        if isinstance(outer, AsyncTransaction):
            await self._enter_nested(outer)
        else:
            own = AsyncTransaction._of(database, self._options)
            await own._begin(task)
            if task is not None:
                database._bind_task(task, own)
            self._transaction, self._savepoint = own, None
            _debug.entered(own)
        self._task = task
        return self

    async def _enter_nested(self, outer: AsyncTransaction) -> None:
        if self._durable:
            raise InterfaceError("a durable block must be the outermost of its alias")
        self._options.check_nested(outer._options)
        savepoint = await outer.savepoint()
        try:
            await outer._enter_block(self._options)
        except BaseException as error:
            await savepoint.__aexit__(None, error, None)
            raise
        self._savepoint, self._transaction = savepoint, outer
        self._outer_deadline = outer._deadline
        if self._options.timeout is not None:
            deadline = asyncio.get_running_loop().time() + self._options.timeout
            outer._deadline = (
                deadline if self._outer_deadline is None else min(deadline, self._outer_deadline)
            )

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._transaction is None or self._task is not asyncio.current_task():
            raise InterfaceError("transaction.atomic context mismatch: only the task that entered may leave")
        tx, savepoint = self._transaction, self._savepoint
        self._task = self._savepoint = None
        if savepoint is None:
            _debug.left(tx)
            await tx._end(error)
        else:
            await self._leave_nested(tx, savepoint, error)

    async def _leave_nested(
        self, tx: AsyncTransaction, savepoint: Savepoint, error: BaseException | None
    ) -> None:
        loop = asyncio.get_running_loop()
        overdue = tx._deadline is not None and loop.time() >= tx._deadline
        tx._deadline = self._outer_deadline
        try:
            if error is None and not overdue:
                await savepoint.__aexit__(None, None, None)
                return
            await savepoint.__aexit__(None, error or TransactionTimeoutError(), None)
            if error is None:
                raise tx._error(TransactionTimeoutError, f"Transaction {tx.id} exceeded timeout")
        finally:
            await tx._leave_block()

    # --- around a function ---------------------------------------------------------------------

    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        """Decorates an `async def`: each call is a block of its own."""
        if not inspect.iscoroutinefunction(func):
            raise TypeError(f"atomic decorates an async function, not {func!r}")

        @functools.wraps(func)
        async def in_block(*args: P.args, **kwargs: P.kwargs) -> R:
            return await self._another().run(func, *args, **kwargs)

        return in_block

    async def run(self, func: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs an async function in the block, again after conflicts if `retries` allows."""
        database = registry.registered(self._using)
        retries = self._retries if active_transaction(database) is None else 0
        for attempt in itertools.count():
            await self._enter()
            try:
                try:
                    result = await func(*args, **kwargs)
                except BaseException as error:
                    await self.__aexit__(type(error), error, error.__traceback__)
                    raise
                await self.__aexit__(None, None, None)
                return result
            except (SerializationError, DeadlockError) as conflict:
                if attempt >= retries:
                    raise
                _log.info("running the block again after %r", conflict)
                await asyncio.sleep(min(1.0, 0.01 * 2**attempt) * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable")


@overload
def atomic(func: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, Coroutine[Any, Any, R]]: ...
@overload
def atomic(
    *,
    using: str = "default",
    timeout: Duration | None = None,
    isolation: str | None = None,
    readonly: bool = False,
    deferrable: bool = False,
    durable: bool = False,
    retries: int = 0,
    statement_timeout: Duration | None = None,
    lock_timeout: Duration | None = None,
) -> AtomicTransactionContext: ...
def atomic(func: Any = None, /, **options: Any) -> Any:
    """A transaction: `async with atomic():`, `@atomic`, `@atomic(retries=3)` or `await atomic().run(f)`.

    Inside another block of the same alias and task it is a savepoint.
    """
    if func is None:
        return AtomicTransactionContext(**options) if options else _PLAIN._another()
    if options:
        raise TypeError("atomic() takes a function or options, not both")
    return _PLAIN(func)


# What most blocks are: nothing about it has to be checked again.
_PLAIN = AtomicTransactionContext()
