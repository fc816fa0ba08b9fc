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
    CommitUnknownError,
    DatabaseError,
    DeadlockError,
    InterfaceError,
    OperationalError,
    PoolTimeoutError,
    SerializationError,
    TransactionAbortedError,
    TransactionTimeoutError,
)
from . import _debug, registry
from ._begin import begin, connect_by, lift_limits, limits
from ._fetch import Fetching
from ._options import Options
from ._savepoint import Savepoint
from ._shield import Shielded
from .connection import Connection
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


class AsyncTransaction(_core.Session, Fetching):
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
        self._server = database  # the handle its connection is of: a replica's, for reading
        self._pinned: Connection | None = None  # whose connection it runs on
        self._blocks: list[Options] = []  # those that are open, outermost first
        self._told_of_commit = False
        self._around: Any = None  # for _debug: the block that the context was in
        self._debugged = self._in_context = False
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
        options = self._options
        number = next(_ids)
        deadline = None if options.timeout is None else loop.time() + options.timeout
        before = () if self._handle.backend == "sqlite" else begin(self._handle, options)
        await self._take_connection(number, deadline)
        try:
            await self._send_begin(before)
        except BaseException:
            await self._leave_begin()
            raise
        self._id, self._state, self._task = number, "active", asyncio.current_task()
        self._deadline = deadline
        self._blocks.append(options)
        self._statement_timeout = options.statement_timeout
        self._handle._watch.add(self)

    async def _take_connection(self, number: int, deadline: float | None) -> None:
        if self._pinned is not None:
            if self._pinned._open_transaction is not None:
                raise InterfaceError("the connection has a transaction already; use its savepoint()")
            self._adopt(self._pinned)
            self._pinned._open_transaction = self
            return
        database = self._handle
        try:
            if not database.connected:
                await connect_by(database, deadline)
            self._adopt(await self._acquire_from(database, deadline))
        except (PoolTimeoutError, asyncio.TimeoutError):
            if deadline is not None and asyncio.get_running_loop().time() >= deadline:
                raise self._error(TransactionTimeoutError, f"Transaction {number} exceeded timeout") from None
            raise

    async def _acquire_from(self, database: AsyncDatabase, deadline: float | None) -> _core.Session:
        readonly = self._options.readonly
        role: Literal["any", "reader", "writer"] = "reader" if readonly else "writer"
        if database.backend != "sqlite":
            role = "any"
        candidates = database._readers() if readonly else [database]
        for handle in candidates:
            wait = database.settings.limit("acquire_timeout", 30)
            if deadline is not None:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                wait = left if wait is None else min(left, wait)
            try:
                session = await handle._acquire(role, wait)
            except PoolTimeoutError:
                raise
            except OperationalError as error:
                if handle is candidates[-1]:
                    raise
                handle._set_aside(error)
            else:
                self._server = handle
                return session
        raise AssertionError("unreachable")

    async def _send_begin(self, before: tuple[str, ...]) -> None:
        options = self._options
        if self._handle.backend != "sqlite":
            # They travel with the first statement; a block without any sends nothing.
            flavor = self._server.flavor or self._handle.backend
            first = limits(flavor, options, 0)
            statements = (*before, *first) if flavor == "postgres" else (*first, *before)
            # Until they are sent, any connection will do, unless the user has chosen it.
            self._begin_with(statements, self._pinned is None)
            return
        if options.readonly and self._server._single:
            # Readers are so anyway; a single connection serves both.
            await Shielded(self._run("PRAGMA query_only = ON", write=False))
        for statement in limits("sqlite", options, 0):
            await Shielded(self._run(statement, write=False))
        start = "BEGIN" if options.readonly else "BEGIN IMMEDIATE"
        await Shielded(self._run(start, write=not options.readonly))

    async def _leave_begin(self) -> None:
        """BEGIN failed, or was cancelled when it had succeeded."""
        try:
            if self._status == "intrans":
                await Shielded(self._run("ROLLBACK"))
            await self._restore_session()
        finally:
            self._give_back()

    async def _restore_session(self) -> None:
        """Settings of the session that do not end with the transaction."""
        if self._status != "idle":
            return
        flavor = self._server.flavor or self._handle.backend
        busy_timeout = self._handle.settings.sqlite_busy_timeout
        for statement in lift_limits(flavor, self._options, None, 0, busy_timeout):
            await Shielded(self._run(statement, write=False))
        if self._options.readonly and self._server._single and flavor == "sqlite":
            await Shielded(self._run("PRAGMA query_only = OFF", write=False))

    def _give_back(self, reuse: bool = True) -> None:
        """The connection goes back to whoever had it."""
        pinned = self._pinned
        if pinned is None:
            self._release(reuse=reuse)
            return
        pinned._open_transaction = None
        if self._held:
            pinned._adopt(self)
            if not reuse:
                pinned._invalidate()

    def _committed_by_itself(self, sql: str) -> None:
        """MySQL ended the transaction after a statement that did not fail: the engine tells."""
        words = sql.split(None, 1)
        if words and words[0].upper().rstrip(";") in ("COMMIT", "ROLLBACK"):
            return  # by hand, which ends the block
        if not self._told_of_commit:
            self._told_of_commit = True
            _log.warning(
                "%s commits transaction %s by itself on %s; a new one begins for the rest of the block",
                " ".join(sql.split()[:2]),
                self._id,
                self._handle.name,
            )
        for savepoint in self._savepoints:
            savepoint._over = "ended by a statement that commits"
        self._savepoints.clear()
        self._begin_with(begin(self._handle, self._options))

    # --- limits of nested blocks -----------------------------------------------------------------

    async def _enter_block(self, options: Options) -> None:
        """A nested block begins, its savepoint being set."""
        for statement in limits(self._server.flavor or "", options, len(self._blocks)):
            await Shielded(self._run(statement, write=False))
        self._blocks.append(options)
        if options.statement_timeout is not None:
            self._statement_timeout = options.statement_timeout

    async def _leave_block(self) -> None:
        """The innermost block ends; its savepoint is gone."""
        options = self._blocks.pop()
        limited = options.statement_timeout is not None or options.lock_timeout is not None
        if not limited:
            return
        outer = Options()
        for block in self._blocks:
            outer.narrow(block)
        self._statement_timeout = outer.statement_timeout
        if self._status not in ("intrans", "active"):
            return
        for statement in lift_limits(self._server.flavor or "", options, outer, len(self._blocks), None):
            await Shielded(self._run(statement, write=False))

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
        # "active": something is still being stopped or read; COMMIT waits for it, and looks again.
        failed = self._status not in ("intrans", "active")
        # The deadline is for statements; the end must get through.
        self._deadline = None
        if error is None and not self._rollback_only and not overdue and not failed:
            await self._finish()
            await self._run_hooks()
            return
        await self._roll_back(error)
        if error is None and overdue:
            raise self._error(TransactionTimeoutError, f"Transaction {self._id} exceeded timeout")
        if error is None and failed and not self._rollback_only:
            raise self._error(
                TransactionAbortedError,
                f"Transaction {self._id} was ended by an earlier error and has been rolled back",
            )

    async def _finish(self) -> None:
        """COMMIT; nothing if no statement ran."""
        if self._handle.backend == "sqlite":
            commit, limit = self._run("COMMIT"), None
        elif self._pending:
            self._drop_pending()
            self._close("committed")
            return
        else:
            commit, limit = self._commit(), self._handle.settings.limit("cancel_timeout", 2)
        cancelled: asyncio.CancelledError | None = None
        try:
            await Shielded(commit, limit)
        except asyncio.CancelledError as error:
            if self._status != "idle":  # given up, or not begun
                await self._roll_back(error)
                raise
            # The COMMIT got through; the cancellation came meanwhile and is raised at the end.
            cancelled = error
        except CommitUnknownError:
            self._close("failed", reuse=False)
            raise
        except BaseException as error:
            await self._roll_back(error)
            raise
        try:
            await self._restore_session()
        finally:
            self._close("committed")
        if cancelled is not None:
            await self._run_hooks()
            raise cancelled

    async def _roll_back(self, error: BaseException | None = None) -> None:
        """ROLLBACK, whatever happens; a connection that cannot is closed."""
        limit = self._handle.settings.limit("cancel_timeout", 2)
        remote = self._handle.backend != "sqlite"
        # A cancelled task has waited long enough; else the limit counts from a cancellation on.
        at_once = remote and isinstance(error, asyncio.CancelledError)
        clean = not remote
        try:
            if remote and self._pending:
                self._drop_pending()
            elif self._status in ("intrans", "inerror", "active"):
                await Shielded(self._run("ROLLBACK"), limit, at_once=at_once)
            await self._restore_session()
            clean = True
        except Exception as failure:
            _log.warning(
                "rolling back transaction %s failed, its connection is closed: %r", self._id, failure
            )
        finally:
            self._close("rolled back", reuse=clean)

    def _close(self, state: Status, reuse: bool = True) -> None:
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
        self._give_back(reuse)

    def _unbind(self) -> None:
        if self._task is not None and self._handle._session_of(self._task) is self:
            self._handle._bind_task(self._task, None)

    async def _abandon(self, reason: BaseException) -> None:
        """Rolls back now; later statements and the exit raise the reason."""
        self._ended_by = reason
        self._block(reason)
        await self._roll_back()

    def _check_alive(self) -> None:
        """Raises unless the transaction stands, perhaps in a state that a savepoint can mend."""
        if self._status == "inerror" and self._handle.backend == "postgres" and self._state == "active":
            return
        self._check_open()

    def _check_open(self) -> None:
        """Raises unless statements can still run."""
        if self._ended_by is not None:
            raise self._ended_by
        if self._state is None:
            raise InterfaceError("Transaction not started")
        if self._state != "active":
            raise InterfaceError(f"transaction {self.id} is over: {self._state}")
        if self._status in ("inerror", "idle"):
            raise self._error(TransactionAbortedError, f"Transaction {self.id} was ended by an earlier error")

    def _error(self, kind: type[DatabaseError], message: str) -> DatabaseError:
        """An error of this transaction that no server has told of."""
        return kind(message, backend=self._handle.backend, alias=self._handle.name)

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
            _debug.entered(own)
        self._task = task

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
