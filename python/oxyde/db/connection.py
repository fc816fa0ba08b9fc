"""Connection: one connection of the pool, pinned for a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from .. import _core
from ..exceptions import InterfaceError, NotSupportedError

if TYPE_CHECKING:
    from ._transaction import AsyncTransaction
    from .pool import AsyncDatabase

__all__ = ["Connection"]

TransactionStatus = Literal["idle", "active", "intrans", "inerror", "unknown"]
_STATUSES: dict[str, TransactionStatus] = {
    "idle": "idle",
    "active": "active",
    "intrans": "intrans",
    "inerror": "inerror",
}


class Connection(_core.Session):
    """A pinned connection; made by `database.connection()`, and for the setting `init`.

    What is set for the session lasts until the block ends.
    """

    def __init__(self, database: AsyncDatabase, session: _core.Session) -> None:
        super().__init__()
        self._handle = database
        self._open_transaction: AsyncTransaction | None = None
        self._adopt(session)

    # --- statements ----------------------------------------------------------------------

    async def fetch(self, sql: str, params: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """Runs one statement; its rows as dicts."""
        _check("fetch()", sql, params)
        return await self._target._fetch(sql, params)

    async def execute(self, sql: str, params: Sequence[Any] | None = None) -> int:
        """Runs one statement; the number of rows it changed."""
        _check("execute()", sql, params)
        return await self._target._execute(sql, params)

    async def script(self, sql: str) -> None:
        """Runs several statements, without parameters and without rows."""
        _check("script()", sql, None)
        await self._target._script(sql)

    def transaction(self, **options: Any) -> AsyncTransaction:
        """A transaction on this connection: `async with conn.transaction(): ...`; options as `atomic`."""
        from ._transaction import AsyncTransaction

        tx = AsyncTransaction(self._handle, **options)
        tx._pinned = self
        return tx

    @property
    def _target(self) -> _core.Session:
        return self if self._open_transaction is None else self._open_transaction

    # --- what it is ----------------------------------------------------------------------------

    @property
    def database(self) -> AsyncDatabase:
        """The handle that it is a connection of."""
        return self._handle

    @property
    def backend(self) -> str:
        """`"sqlite"`, `"postgres"` or `"mysql"`."""
        return self._handle.backend

    @property
    def flavor(self) -> str:
        """As `backend`, but telling MariaDB from MySQL."""
        return str(self._target._info["flavor"])

    @property
    def server_version(self) -> tuple[int, ...]:
        """The version of the server or library."""
        return tuple(self._target._info["version"])

    @property
    def backend_pid(self) -> int | None:
        """What the server calls this session; None on SQLite."""
        return self._target._info["pid"] or None

    @property
    def transaction_status(self) -> TransactionStatus:
        """`"idle"`, `"active"`, `"intrans"`, `"inerror"` or `"unknown"`."""
        status = self._target._status
        return _STATUSES.get(status, "unknown")

    def parameter(self, name: str) -> str | None:
        """What a PostgreSQL server reports, as `server_version` or `in_hot_standby`; None if it does not."""
        if self.backend != "postgres":
            raise NotSupportedError(
                f"parameter() needs PostgreSQL, not {self.backend}",
                backend=self.backend,
                alias=self._handle.name,
            )
        return self._target._parameter(name)

    def fileno(self) -> int:
        """The socket's descriptor, to look at only."""
        if self.backend == "sqlite":
            raise NotSupportedError("SQLite has no socket", backend="sqlite", alias=self._handle.name)
        return int(self._target._info["fd"])

    def invalidate(self) -> None:
        """The connection is closed when the block ends, not used again."""
        self._target._invalidate()

    def __repr__(self) -> str:
        return f"<Connection of {self._handle.name!r} {self.transaction_status}>"

    # --- its end ----------------------------------------------------------------------------------

    async def _close(self) -> None:
        tx = self._open_transaction
        if tx is not None:
            await tx._abandon(InterfaceError("the connection of the transaction was given back"))
        self._release()


def _check(method: str, sql: Any, params: Any) -> None:
    if not isinstance(sql, str):
        raise TypeError(f"{method} takes the SQL as a str, not {type(sql).__name__}")
    if params is not None and not isinstance(params, (list, tuple)):
        raise TypeError(f"params is a list or tuple, not {type(params).__name__}")
