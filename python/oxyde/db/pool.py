"""AsyncDatabase: a database with its pool of connections."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import math
import threading
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self

from .. import _core
from ..exceptions import InterfaceError
from . import observe, registry
from ._driver import configuration, require_files, warn_of_old_server
from ._fetch import Fetching
from ._watch import Watch
from .connection import Connection
from .settings import PoolSettings, seconds
from .urls import DatabaseUrl, parse_url, redact

__all__ = ["AsyncDatabase", "PoolSettings", "PoolStats"]

_log = logging.getLogger("oxyde.pool")

# Seconds until a replica that could not be connected is tried again; the engine doubles it.
_FIRST_RETRY = 0.5


@dataclass(frozen=True)
class PoolStats:
    """Figures of a pool at one moment. `holders` tells who has a connection, longest first."""

    size: int = 0
    idle: int = 0
    busy: int = 0
    waiting: int = 0
    max_size: int = 0
    opened: int = 0
    closed: int = 0
    acquired: int = 0
    timeouts: int = 0
    wait_seconds: float = 0.0
    transactions: int = 0
    last_error: BaseException | None = None
    holders: list[dict[str, Any]] = field(default_factory=list)


class AsyncDatabase(_core.Database, Fetching):
    """A database: URL, settings and, once connected, a pool of connections.

    Making one does no I/O and needs no running loop. `async with` connects and disconnects.
    `replicas` are URLs of servers that hold the same data for reading.
    """

    _role = "primary"

    def __init__(
        self,
        url: str,
        *,
        name: str = "default",
        settings: PoolSettings | None = None,
        auto_register: bool = True,
        overwrite: bool = False,
        replicas: Iterable[str] = (),
    ) -> None:
        super().__init__()
        if not isinstance(name, str):
            raise TypeError(f"name is a str, not {type(name).__name__}")
        if settings is not None and not isinstance(settings, PoolSettings):
            raise TypeError(f"settings is a PoolSettings, not {type(settings).__name__}")
        self._address: DatabaseUrl = parse_url(url)
        self._name = name
        self.settings: PoolSettings = PoolSettings() if settings is None else settings
        self._replaced: list[AsyncDatabase] = []
        self._build_lock = threading.Lock()
        self._building: concurrent.futures.Future[BaseException | None] | None = None
        self._watch = Watch()
        self._shown_as = name  # the alias that events name
        self._replicas: tuple[_core.Database, ...] = self._make_replicas(replicas)
        if auto_register:
            registry.register_connection(self, overwrite=overwrite)

    # --- what it is ------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The URL as given."""
        return self._address.text

    @property
    def name(self) -> str:
        """The alias."""
        return self._name

    @property
    def backend(self) -> str:
        """`"sqlite"`, `"postgres"` or `"mysql"`."""
        return self._address.backend

    @property
    def flavor(self) -> str | None:
        """As `backend`, but telling MariaDB from MySQL; None before connecting."""
        server = self._server
        return None if server is None else str(server["flavor"])

    @property
    def server_version(self) -> tuple[int, ...] | None:
        """The version of the server or library; None before connecting."""
        server = self._server
        return None if server is None else tuple(server["version"])

    @property
    def connected(self) -> bool:
        """Whether the pool stands."""
        return self._is_open

    @property
    def primary(self) -> AsyncDatabase:
        """The handle that writes go to: itself."""
        return self

    @property
    def replicas(self) -> tuple[AsyncDatabase, ...]:
        """The handles that plain reads outside transactions go to while they are healthy."""
        return tuple(handle for handle in self._replicas if isinstance(handle, AsyncDatabase))

    def _make_replicas(self, urls: Iterable[str]) -> tuple[AsyncDatabase, ...]:
        if isinstance(urls, (str, bytes)):
            raise TypeError(f"replicas is a list of URLs, not {type(urls).__name__}")
        handles = []
        for number, url in enumerate(urls):
            name = f"{self._name}.replica.{number}"
            handle = AsyncDatabase(url, name=name, settings=self.settings, auto_register=False)
            if handle.backend != self.backend:
                raise ValueError(f"{name} is {handle.backend}, its primary {self.backend}")
            handle._role, handle._shown_as = "replica", self._name
            handles.append(handle)
        return tuple(handles)

    def _readers(self) -> list[AsyncDatabase]:
        """Where a transaction that only reads may run: healthy replicas, least busy first, then itself."""
        now = time.monotonic()
        healthy = [r for r in self.replicas if r.connected and r._ailing_until <= now]
        busy = {id(r): r.stats() for r in healthy}
        healthy.sort(key=lambda r: busy[id(r)].busy + busy[id(r)].waiting)
        return [*healthy, self]

    def __repr__(self) -> str:
        state = "connected" if self.connected else "not connected"
        return f"<AsyncDatabase {self._name!r} {redact(self.url)} {state}>"

    # --- connecting --------------------------------------------------------------------

    async def connect(self) -> None:
        """Builds the pool and opens its first connections; concurrent calls build it once."""
        while not self._is_open:
            mine: concurrent.futures.Future[BaseException | None] | None = None
            with self._build_lock:
                building = self._building
                if building is None:
                    self._building = mine = concurrent.futures.Future()
            if mine is not None:
                await self._build(mine)
                return
            if building is None:
                continue
            # Another task, perhaps of another loop, is at it. Shielded, because cancelling
            # this wait must not cancel what others wait for.
            error = await asyncio.shield(asyncio.wrap_future(building))
            if error is not None:
                raise error

    async def _build(self, done: concurrent.futures.Future[BaseException | None]) -> None:
        outcome: BaseException | None = None
        try:
            arguments = self._configuration()
            require_files(self.backend, arguments["settings"], self._name)
            self._configure(**arguments)
            await self._open()
            observe.refresh(self)
            warn_of_old_server(self._name, self.flavor, self.server_version)
            if (self._server or {}).get("pooler"):
                _log.info("%s is behind a connection pooler: statements are not named", self._name)
            await self._connect_replicas()
        except asyncio.CancelledError:
            raise  # the others try for themselves
        except Exception as error:
            outcome = error
            raise
        finally:
            with self._build_lock:
                self._building = None
            done.set_result(outcome)
        replaced, self._replaced = self._replaced, []
        await disconnect_each(replaced)

    async def _connect_replicas(self) -> None:
        """Connects them all; one that fails is left out for a while, the engine tries it again."""
        replicas = self.replicas
        for replica in replicas:
            replica.settings = self.settings
        outcomes = await asyncio.gather(*(r.connect() for r in replicas), return_exceptions=True)
        for replica, outcome in zip(replicas, outcomes, strict=True):
            if isinstance(outcome, Exception):
                replica._set_aside(outcome)
            elif outcome is not None:
                raise outcome

    def _set_aside(self, error: Exception) -> None:
        """This replica does not answer: reads go elsewhere until it is time to try again."""
        _log.warning("%s is out of rotation: %s", self._name, error)
        self._ailing_until = time.monotonic() + _FIRST_RETRY

    async def ensure_connected(self) -> None:
        """Connects if that has not been done."""
        if not self._is_open:
            await self.connect()

    async def disconnect(self, *, timeout: float | None = None) -> None:
        """Closes the pool: idle connections at once, busy ones when they are done or time is up."""
        if timeout is None:
            limit = self.settings.limit("shutdown_timeout", 10)
        else:
            limit = seconds("timeout", timeout)
        try:
            await self._disconnect_own(limit)
        finally:
            await disconnect_each(self.replicas, timeout=timeout)

    async def _disconnect_own(self, limit: float | None) -> None:
        if not self._is_open:
            return
        from ._current import active_transaction

        # Waiting for the caller's own transaction to end would be waiting for oneself.
        own = active_transaction(self)
        if own is not None:
            await own._abandon(
                InterfaceError(f"database '{self._name}' was disconnected inside the transaction")
            )
        await self._close(math.inf if limit is None else limit)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.disconnect()

    # --- looking after it -----------------------------------------------------------------

    async def ping(self) -> float:
        """The time of a round trip, in seconds; `OperationalError` if nobody answers."""
        return await self._ping()

    def stats(self) -> PoolStats:
        """Figures of the pool; zeros while it is not connected."""
        return PoolStats(**self._stats()) if self._is_open else PoolStats()

    def _outer_wait(self) -> float | None:
        """How long a writer may wait that was started inside a block of SQLite; None: as others."""
        from ._debug import block_around

        tx = block_around(self)
        if tx is None or tx._options.readonly:
            return None
        return (self.settings.sqlite_busy_timeout or 0) / 1000

    def _explain_timeout(self, error: BaseException) -> None:
        """Adds whom the task waited for, if that is the block it was started in."""
        from ._debug import block_around

        tx = block_around(self) if self.backend == "sqlite" else None
        if tx is not None and tx._task is not None:
            name = tx._task.get_name()
            words = (
                f"; transaction {tx._id} of task {name!r}, which started this one: pass client=tx to share it"
            )
            error.args = (f"{error.args[0]}{words}",)

    @property
    def _single(self) -> bool:
        """Whether one connection serves readers and writers."""
        return self._address.in_memory or self.settings.max == 1

    # --- one connection ------------------------------------------------------------------------

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection for a block: `async with database.connection() as conn: ...`.

        On SQLite it is the one that writes.
        """
        await self.ensure_connected()
        wait = self.settings.limit("acquire_timeout", 30)
        session = await self._acquire("writer" if self.backend == "sqlite" else "any", wait)
        conn = Connection(self, session)
        try:
            yield conn
        finally:
            await conn._close()

    # --- for the engine ------------------------------------------------------------------------

    def _configuration(self) -> dict[str, Any]:
        """The arguments of `_configure`: the driver's settings as text, the pool's as numbers."""
        arguments = configuration(self._address, self.settings, self._name)
        if self.settings.init is not None:
            arguments["init"] = _initialiser(weakref.ref(self), self.settings.init)
        return arguments


def _initialiser(
    handle: weakref.ref[AsyncDatabase], init: Callable[[Connection], Awaitable[None]]
) -> Callable[[_core.Session], Awaitable[None]]:
    """What the engine calls with each new connection."""

    async def run(session: _core.Session) -> None:
        database = handle()
        if database is None:
            raise InterfaceError("the database is gone")
        conn = Connection(database, session)
        try:
            await init(conn)
        finally:
            # Given back, so that nobody who kept the object has a connection of the pool.
            session._adopt(conn)

    return run


async def disconnect_each(databases: Iterable[AsyncDatabase], timeout: float | None = None) -> None:
    """Disconnects all, also when one fails; then raises the first error."""
    first: BaseException | None = None
    for database in databases:
        try:
            await database.disconnect(timeout=timeout)
        except Exception as error:
            first = first or error
    if first is not None:
        raise first
