"""A transaction on one connection: how it begins, ends, and what it may do between."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable
from typing import Any, Literal

from typing_extensions import Self

from .. import _core
from ..exceptions import (
    CommitUnknownError,
    DatabaseError,
    InterfaceError,
    OperationalError,
    PoolTimeoutError,
    TransactionAbortedError,
    TransactionTimeoutError,
)
from ._begin import begin, connect_by, lift_limits, limits
from ._fetch import Fetching
from ._hooks import READY, CommitHooks, Hook, check_hook
from ._options import Options
from ._savepoint import Savepoint
from ._shield import Shielded
from .connection import Connection
from .pool import AsyncDatabase
from .settings import Duration

Status = Literal["active", "failed", "committed", "rolled back"]

_log = logging.getLogger("oxyde.transaction")
_ids = itertools.count(1)


class AsyncTransaction(_core.Session, Fetching):
    """A transaction that is passed on with `client=`; `atomic` is the form that queries find by themselves.

    Only for `async with`: commits at the end, rolls back on an exception.
    """

    # What most transactions never change stands here: it costs nothing to begin with.
    _pinned: Connection | None = None  # whose connection it runs on
    _told_of_commit = False
    _around: Any = None  # for _debug: the block that the context was in
    _debugged = _in_context = False
    _id: int | None = None
    _state: Status | None = None
    _task: asyncio.Task[Any] | None = None
    _savepoint_number = 0
    _rollback_only = False
    _ended_by: BaseException | None = None

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
        if not isinstance(database, AsyncDatabase):
            raise TypeError(f"AsyncTransaction() takes an AsyncDatabase, not {type(database).__name__}")
        self._prepare(
            database,
            Options(
                timeout=timeout,
                isolation=isolation,
                readonly=readonly,
                deferrable=deferrable,
                statement_timeout=statement_timeout,
                lock_timeout=lock_timeout,
            ),
        )

    @classmethod
    def _of(cls, database: AsyncDatabase, options: Options) -> Self:
        """A transaction with options that are checked already."""
        made = cls.__new__(cls)
        made._prepare(database, options)
        return made

    def _prepare(self, database: AsyncDatabase, options: Options) -> None:
        self._handle = database
        self._server = database  # the handle its connection is of: a replica's, for reading
        self._backend = database.backend
        self._options = options
        self._blocks: list[Options] = []  # those that are open, outermost first
        self._hooks = CommitHooks()
        self._savepoints: list[Savepoint] = []

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
            self._savepoint_number += 1
            name = f"oxyde_{self._savepoint_number}"
        elif not isinstance(name, str):
            raise TypeError(f"the name of a savepoint is a str, not {type(name).__name__}")
        elif not name or "\0" in name:
            raise ValueError("the name of a savepoint is not empty and holds no NUL character")
        return Savepoint(self, name)

    def on_commit(self, func: Hook, *, robust: bool = False) -> Awaitable[None]:
        """Calls a function, sync or async, after the commit; with `robust` its errors are logged only."""
        check_hook(func)
        self._check_open()
        self._hooks.add(func, robust)
        return READY

    # --- beginning -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._state is not None:
            raise InterfaceError("a transaction object is used once; make another")
        await self._begin(asyncio.current_task())
        return self

    async def _begin(self, task: asyncio.Task[Any] | None) -> None:
        options, database, sqlite = self._options, self._handle, self._backend == "sqlite"
        number = next(_ids)
        deadline = None if options.timeout is None else asyncio.get_running_loop().time() + options.timeout
        before = () if sqlite else begin(database, options)
        if deadline is None and self._pinned is None and not options.readonly and database._is_open:
            self._adopt(await database._acquire("writer" if sqlite else "any", None))
        else:
            await self._take_connection(number, deadline)
        try:
            if sqlite:
                if options.limits_session:
                    await self._limit_sqlite()
                start = self._run(
                    "BEGIN" if options.readonly else "BEGIN IMMEDIATE", write=not options.readonly
                )
                if not start._at_once():
                    await Shielded(start)
            else:
                self._plan_begin(before)
        except BaseException:
            await self._leave_begin()
            raise
        self._id, self._state, self._task = number, "active", task
        if deadline is not None:
            self._deadline = deadline
        self._blocks.append(options)
        if options.statement_timeout is not None:
            self._statement_timeout = options.statement_timeout
        database._watch.add(self)

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
            wait = None  # as the settings say
            if deadline is not None:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                limit = database.settings.limit("acquire_timeout", 30)
                wait = left if limit is None else min(left, limit)
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

    def _plan_begin(self, statements: tuple[str, ...]) -> None:
        """They travel with the first statement; a block without any sends nothing."""
        if self._options.limits_session:
            flavor = self._server.flavor or self._backend
            first = limits(flavor, self._options, 0)
            statements = (*statements, *first) if flavor == "postgres" else (*first, *statements)
        # Until they are sent, any connection will do, unless the user has chosen it.
        self._begin_with(statements, self._pinned is None)

    async def _limit_sqlite(self) -> None:
        if self._options.readonly and self._server._single:
            # Readers are so anyway; a single connection serves both.
            await Shielded(self._run("PRAGMA query_only = ON", write=False))
        for statement in limits("sqlite", self._options, 0):
            await Shielded(self._run(statement, write=False))

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
        if not self._options.limits_session or self._status != "idle":
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
        if self._task is not asyncio.current_task():
            raise InterfaceError("transaction.atomic context mismatch: only the task that entered may leave")
        await self._end(error)

    async def _end(self, error: BaseException | None) -> None:
        """The task that entered leaves."""
        if self._ended_by is not None:
            self._unbind()
            if error is None or isinstance(error, asyncio.CancelledError):
                raise self._ended_by
            return
        overdue = False
        if self._deadline is not None:
            overdue = asyncio.get_running_loop().time() >= self._deadline
            # The deadline is for statements; the end must get through.
            self._deadline = None
        # "active": something is still being stopped or read; COMMIT waits for it, and looks again.
        failed = self._status not in ("intrans", "active")
        if error is None and not self._rollback_only and not overdue and not failed:
            await self._finish()
            if self._hooks:
                await self._hooks.run()
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
        limit: float | None = None
        if self._backend == "sqlite":
            commit = self._run("COMMIT")
        elif self._pending:
            self._drop_pending()
            self._close("committed")
            return
        else:
            commit, limit = self._commit(), self._handle.settings.limit("cancel_timeout", 2)
        cancelled: asyncio.CancelledError | None = None
        try:
            if not commit._at_once():
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
            if self._options.limits_session:
                await self._restore_session()
        finally:
            self._close("committed")
        if cancelled is not None:
            await self._hooks.run()
            raise cancelled

    async def _roll_back(self, error: BaseException | None = None) -> None:
        """ROLLBACK, whatever happens; a connection that cannot is closed."""
        limit = self._handle.settings.limit("cancel_timeout", 2)
        remote = self._backend != "sqlite"
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
            self._hooks.cut(0)
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
