"""Transactions: `atomic`, and `AsyncTransaction` for those that pass it on by hand."""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Literal, TypeVar, overload

from typing_extensions import ParamSpec, Self

from .. import _core
from ..exceptions import (
    DeadlockError,
    InterfaceError,
    PoolTimeoutError,
    SerializationError,
    TransactionAbortedError,
    TransactionTimeoutError,
)
from . import registry
from ._options import Options
from ._savepoint import Savepoint
from ._shield import Shielded
from .pool import AsyncDatabase
from .settings import Duration

__all__ = [
    "AsyncTransaction",
    "AtomicTransactionContext",
    "TransactionTimeoutError",
    "atomic",
    "get_active_transaction",
    "on_commit",
]

P = ParamSpec("P")
R = TypeVar("R")
Hook = Callable[[], Any]
Status = Literal["active", "failed", "committed", "rolled back"]

_log = logging.getLogger("oxyde.transaction")
_ids = itertools.count(1)


class _Ready:
    """What a call that is done already gives to an optional `await`."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield


_READY = _Ready()


class AsyncTransaction(_core.Session):
    """A transaction that is passed on with `client=`; `atomic` is the form that queries find by themselves.

    Only for `async with`: commits at the end, rolls back on an exception.
    """

    def __init__(
        self,
        database: AsyncDatabase,
        timeout: Duration | None = None,
        *,
        isolation: str | None = None,
        readonly: bool = False,
        deferrable: bool = False,
        statement_timeout: Duration | None = None,
        lock_timeout: Duration | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(database, AsyncDatabase):
            raise TypeError(f"AsyncTransaction() takes an AsyncDatabase, not {type(database).__name__}")
        self._handle = database
        self._options = Options(
            timeout=timeout,
            isolation=isolation,
            readonly=readonly,
            deferrable=deferrable,
            statement_timeout=statement_timeout,
            lock_timeout=lock_timeout,
        )
        self._id: int | None = None
        self._state: Status | None = None
        self._task: asyncio.Task[Any] | None = None
        self._hooks: list[tuple[Hook, bool]] = []
        self._savepoints: list[Savepoint] = []
        self._numbers = itertools.count(1)
        self._rollback_only = False
        self._ended_by: BaseException | None = None

    # --- what it is --------------------------------------------------------------------

    @property
    def database(self) -> AsyncDatabase:
        """The handle it runs on."""
        return self._handle

    @property
    def id(self) -> int:
        """A number that no other transaction of the process has."""
        if self._id is None:
            raise InterfaceError("Transaction not started")
        return self._id

    @property
    def status(self) -> Status:
        """`"active"`, `"failed"`, `"committed"` or `"rolled back"`."""
        if self._state is None:
            raise InterfaceError("Transaction not started")
        if self._state == "active" and self._status in ("inerror", "broken", "idle", "released"):
            return "failed"
        return self._state

    @property
    def _usable(self) -> bool:
        """Whether statements can still run in it."""
        return self._state == "active" and self._held and self._status in ("intrans", "active", "inerror")

    def __repr__(self) -> str:
        number = "not started" if self._id is None else f"{self._id} {self.status}"
        return f"<AsyncTransaction {number} on {self._handle.name!r}>"

    # --- what it can do ------------------------------------------------------------------

    def set_rollback(self, rollback: bool = True) -> None:
        """Makes the end roll back without an exception; False takes that back."""
        self._rollback_only = bool(rollback)

    def savepoint(self, name: str | None = None) -> Savepoint:
        """A savepoint: `await` it, or use it with `async with`."""
        self._check_open()
        if name is None:
            name = f"oxyde_{next(self._numbers)}"
        elif not isinstance(name, str):
            raise TypeError(f"the name of a savepoint is a str, not {type(name).__name__}")
        elif not name or "\0" in name:
            raise ValueError("the name of a savepoint is not empty and holds no NUL character")
        return Savepoint(self, name)

    def on_commit(self, func: Hook, *, robust: bool = False) -> Awaitable[None]:
        """Calls a function, sync or async, after the commit; with `robust` its errors are logged only."""
        if not callable(func):
            raise TypeError(f"on_commit() takes a function, not {type(func).__name__}")
        self._check_open()
        self._hooks.append((func, robust))
        return _READY

    # --- beginning -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._state is not None:
            raise InterfaceError("a transaction object is used once; make another")
        await self._begin()
        return self

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        database, options = self._handle, self._options
        number = next(_ids)
        deadline = None if options.timeout is None else loop.time() + options.timeout
        await database.ensure_connected()
        role: Literal["reader", "writer"] = "reader" if options.readonly else "writer"
        wait = database.settings.limit("acquire_timeout", 30)
        left = None if deadline is None else max(0.0, deadline - loop.time())
        try:
            session = await database._acquire(role, wait if left is None else min(left, wait or left))
        except PoolTimeoutError:
            if deadline is not None and loop.time() >= deadline:
                raise TransactionTimeoutError(f"Transaction {number} exceeded timeout") from None
            raise
        self._adopt(session)
        try:
            if options.readonly and database._single:
                # Readers are so anyway; a single connection serves both.
                await Shielded(self._run("PRAGMA query_only = ON", write=False))
            await Shielded(
                self._run("BEGIN" if options.readonly else "BEGIN IMMEDIATE", write=not options.readonly)
            )
        except BaseException:
            await self._leave_begin()
            raise
        self._id, self._state, self._task = number, "active", asyncio.current_task()
        self._deadline = deadline
        database._watch.add(self)

    async def _leave_begin(self) -> None:
        """BEGIN failed, or was cancelled when it had succeeded."""
        try:
            if self._status == "intrans":
                await Shielded(self._run("ROLLBACK"))
            await self._allow_writes()
        finally:
            self._release()

    async def _allow_writes(self) -> None:
        if self._options.readonly and self._handle._single and self._status == "idle":
            await Shielded(self._run("PRAGMA query_only = OFF", write=False))

    # --- ending ----------------------------------------------------------------------------------

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        await self._end(error)

    async def _end(self, error: BaseException | None) -> None:
        if self._task is not asyncio.current_task():
            raise InterfaceError("transaction.atomic context mismatch: only the task that entered may leave")
        if self._ended_by is not None:
            self._unbind()
            if error is None or isinstance(error, asyncio.CancelledError):
                raise self._ended_by
            return
        loop = asyncio.get_running_loop()
        overdue = self._deadline is not None and loop.time() >= self._deadline
        failed = self._status != "intrans"
        # The deadline is for statements; the end must get through.
        self._deadline = None
        if error is None and not self._rollback_only and not overdue and not failed:
            await self._commit()
            await self._run_hooks()
            return
        await self._roll_back()
        if error is None and overdue:
            raise TransactionTimeoutError(f"Transaction {self._id} exceeded timeout")
        if error is None and failed and not self._rollback_only:
            raise TransactionAbortedError(
                f"Transaction {self._id} was ended by an earlier error and has been rolled back"
            )

    async def _commit(self) -> None:
        cancelled: asyncio.CancelledError | None = None
        try:
            await Shielded(self._run("COMMIT"))
        except asyncio.CancelledError as error:
            if self._status == "intrans":
                await self._roll_back()
                raise
            # The COMMIT got through; the cancellation came meanwhile and is raised at the end.
            cancelled = error
        except BaseException:
            await self._roll_back()
            raise
        try:
            await self._allow_writes()
        finally:
            self._close("committed")
        if cancelled is not None:
            await self._run_hooks()
            raise cancelled

    async def _roll_back(self) -> None:
        """ROLLBACK, whatever happens; a connection that cannot is closed."""
        limit = self._handle.settings.limit("cancel_timeout", 2)
        try:
            if self._status in ("intrans", "inerror", "active"):
                await Shielded(self._run("ROLLBACK"), limit)
            await self._allow_writes()
        except Exception as error:
            _log.warning("rolling back transaction %s failed, its connection is closed: %r", self._id, error)
        finally:
            self._close("rolled back")

    def _close(self, state: Status) -> None:
        self._state = state
        self._savepoints.clear()
        if state != "committed":
            self._hooks.clear()
        self._handle._watch.discard(self)
        # One that was ended under its owner stays the task's until the owner leaves: its next
        # statement must raise, not run in autocommit.
        if self._ended_by is None:
            self._unbind()
        # What the connection's own status shows decides whether it is used again.
        self._release()

    def _unbind(self) -> None:
        if self._task is not None and self._handle._session_of(self._task) is self:
            self._handle._bind_task(self._task, None)

    async def _abandon(self, reason: BaseException) -> None:
        """Rolls back now; later statements and the exit raise the reason."""
        self._ended_by = reason
        self._block(reason)
        await self._roll_back()

    def _check_open(self) -> None:
        """Raises unless statements can still run."""
        if self._ended_by is not None:
            raise self._ended_by
        if self._state is None:
            raise InterfaceError("Transaction not started")
        if self._state != "active":
            raise InterfaceError(f"transaction {self.id} is over: {self._state}")
        if self._status in ("inerror", "idle"):
            raise TransactionAbortedError(f"Transaction {self.id} was ended by an earlier error")

    async def _run_hooks(self) -> None:
        hooks, self._hooks = self._hooks, []
        first: BaseException | None = None
        for func, robust in hooks:
            try:
                await _call(func)
            except Exception as error:
                if robust:
                    _log.error("on_commit hook %r failed", func, exc_info=error)
                else:
                    first = first or error
        if first is not None:
            raise first


async def _call(func: Hook) -> None:
    result = func()
    if inspect.isawaitable(result):
        await result


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
    if not callable(func):
        raise TypeError(f"on_commit() takes a function, not {type(func).__name__}")
    try:
        await _call(func)
    except Exception as error:
        if not robust:
            raise
        _log.error("on_commit hook %r failed", func, exc_info=error)


class AtomicTransactionContext:
    """A block that is a transaction, or a savepoint inside another; made by `atomic`."""

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
        self._arguments: dict[str, Any] = {
            "using": using,
            "timeout": timeout,
            "isolation": isolation,
            "readonly": readonly,
            "deferrable": deferrable,
            "durable": durable,
            "retries": retries,
            "statement_timeout": statement_timeout,
            "lock_timeout": lock_timeout,
        }
        self._options = Options(
            timeout=timeout,
            isolation=isolation,
            readonly=readonly,
            deferrable=deferrable,
            statement_timeout=statement_timeout,
            lock_timeout=lock_timeout,
        )
        self._using = using
        self._durable = bool(durable)
        self._retries = retries
        self._transaction: AsyncTransaction | None = None
        self._savepoint: Savepoint | None = None
        self._outer_deadline: float | None = None
        self._task: asyncio.Task[Any] | None = None

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

    async def __aenter__(self) -> Self:
        if self._retries:
            raise InterfaceError(
                "retries needs a function that can run again: use @atomic(...) or atomic(...).run()"
            )
        await self._enter()
        return self

    async def _enter(self) -> None:
        if self._task is not None:
            raise InterfaceError("this atomic block is entered already; call atomic() again for another")
        database = registry.registered(self._using)
        task = asyncio.current_task()
        outer = active_transaction(database)
        if outer is not None:
            await self._enter_nested(outer)
        else:
            own = AsyncTransaction(database)
            own._options = self._options
            await own._begin()
            if task is not None:
                database._bind_task(task, own)
            self._transaction, self._savepoint = own, None
        self._task = task

    async def _enter_nested(self, outer: AsyncTransaction) -> None:
        if self._durable:
            raise InterfaceError("a durable block must be the outermost of its alias")
        self._options.check_nested(outer._options)
        self._savepoint = await outer.savepoint()
        self._transaction = outer
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
            await tx._end(error)
        else:
            await self._leave_nested(tx, savepoint, error)

    async def _leave_nested(
        self, tx: AsyncTransaction, savepoint: Savepoint, error: BaseException | None
    ) -> None:
        loop = asyncio.get_running_loop()
        overdue = tx._deadline is not None and loop.time() >= tx._deadline
        tx._deadline = self._outer_deadline
        if error is None and not overdue:
            await savepoint.release()
            return
        await savepoint.__aexit__(None, error or TransactionTimeoutError(), None)
        if error is None:
            raise TransactionTimeoutError(f"Transaction {tx.id} exceeded timeout")

    # --- around a function ---------------------------------------------------------------------

    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        """Decorates an `async def`: each call is a block of its own."""
        if not inspect.iscoroutinefunction(func):
            raise TypeError(f"atomic decorates an async function, not {func!r}")

        @functools.wraps(func)
        async def in_block(*args: P.args, **kwargs: P.kwargs) -> R:
            return await AtomicTransactionContext(**self._arguments).run(func, *args, **kwargs)

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
        return AtomicTransactionContext(**options)
    if options:
        raise TypeError("atomic() takes a function or options, not both")
    return AtomicTransactionContext()(func)
