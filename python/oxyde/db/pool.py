"""AsyncDatabase: a database with its pool of connections."""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self

from .. import _core
from ..exceptions import InterfaceError, NotSupportedError
from . import observe, registry
from ._watch import Watch
from .settings import PoolSettings, seconds
from .urls import DatabaseUrl, parse_url, redact

__all__ = ["AsyncDatabase", "PoolSettings", "PoolStats"]

_DRIVERS = {"postgres": "PostgreSQL (libpq)", "mysql": "MySQL and MariaDB (libmariadb)"}


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


class AsyncDatabase(_core.Database):
    """A database: URL, settings and, once connected, a pool of connections.

    Making one does no I/O and needs no running loop. `async with` connects and disconnects.
    """

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
        if tuple(replicas):
            raise NotSupportedError("replicas are not available in this version")
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
        return self.backend if self.connected else None

    @property
    def server_version(self) -> tuple[int, ...] | None:
        """The version of the server or library; None before connecting."""
        if not self.connected:
            return None
        number = _core.SQLITE_VERSION  # of the library the engine uses, as 3040001
        return (number // 1_000_000, number // 1000 % 1000, number % 1000)

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
        """Handles that reads may go to: none in this version."""
        return ()

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
            self._configure(**self._configuration())
            await self._open()
            observe.refresh(self)
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
        if not self._is_open:
            return
        from .transaction import active_transaction

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
        """The time of a round trip, in seconds."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        await _core.raw_operation("SELECT 1", None, client=self)
        return loop.time() - started

    def stats(self) -> PoolStats:
        """Figures of the pool; zeros while it is not connected."""
        return PoolStats(**self._stats()) if self._is_open else PoolStats()

    @property
    def _single(self) -> bool:
        """Whether one connection serves readers and writers."""
        return self._address.in_memory or self.settings.max == 1

    # --- for the engine ------------------------------------------------------------------------

    def _configuration(self) -> dict[str, Any]:
        """The arguments of `_configure`: the driver's settings as text, the pool's as numbers."""
        if self.backend != "sqlite":
            raise NotSupportedError(
                f"{_DRIVERS[self.backend]} has no driver in this version; SQLite is available",
                backend=self.backend,
                alias=self._name,
            )
        settings = self.settings
        settings.validate()
        address = self._address
        path = address.path if address.in_memory or not address.path else address.resolved_path()
        return {
            "backend": "sqlite",
            "settings": _sqlite_settings(address, settings, path),
            "pool": _pool_numbers(settings, address.in_memory),
            "alias": self._name,
            "gate": _gate(address, path),
        }


def _gate(address: DatabaseUrl, path: str) -> str | None:
    """What two handles on the same data have in common, so that their writers take turns."""
    if not address.path:
        return None
    return f"memory:{path}" if address.in_memory else os.path.realpath(path)


def _sqlite_settings(address: DatabaseUrl, settings: PoolSettings, path: str) -> dict[str, str]:
    parameters = address.parameters
    driver = {"path": path or ":memory:", "mode": "memory" if address.in_memory else "rwc"}
    driver.update(parameters)
    if address.in_memory and address.path:
        driver.setdefault("cache", "shared")
    read_only = parameters.get("mode") == "ro" or parameters.get("immutable") in ("1", "true")
    if settings.sqlite_journal_mode is not None and not address.in_memory and not read_only:
        driver["journal_mode"] = settings.sqlite_journal_mode.upper()
    if settings.sqlite_synchronous is not None:
        driver["synchronous"] = settings.sqlite_synchronous.upper()
    if settings.sqlite_cache_size is not None:
        driver["cache_size"] = str(settings.sqlite_cache_size)
    if settings.sqlite_busy_timeout is not None:
        driver["busy_timeout_ms"] = str(settings.sqlite_busy_timeout)
    for name, value in settings.sqlite_pragmas.items():
        driver[f"pragma.{name}"] = str(int(value)) if isinstance(value, bool) else str(value)
    for schema, file in settings.sqlite_attach.items():
        driver[f"attach.{schema}"] = os.fspath(file)
    budget = settings.limit("sqlite_inline_budget", 0.001)
    driver["inline_budget_ns"] = str(2**62 if budget is None else int(budget * 1e9))
    return driver


def _pool_numbers(settings: PoolSettings, in_memory: bool) -> dict[str, float | int | None]:
    capacity = settings.statement_cache_capacity
    numbers: dict[str, float | int | None] = {
        "max": settings.max,
        "min": settings.min,
        "acquire_timeout": settings.limit("acquire_timeout", 30),
        "idle_timeout": settings.limit("idle_timeout", 600),
        "max_lifetime": settings.limit("max_lifetime", 1800),
        "ping_after": 0.0 if settings.test_before_acquire else 30.0,
        "connect_timeout": settings.limit("connect_timeout", 10),
        "connect_retry": settings.limit("connect_retry", 0),
        "statement_timeout": settings.limit("statement_timeout", math.inf),
        "session_reset": ("off", "auto", "full").index(settings.session_reset),
        "statement_cache": 100 if capacity is None else capacity,
    }
    if in_memory:
        # The data live in the connection: one, opened at once and never closed for its age.
        numbers.update(max=1, min=1, idle_timeout=None, max_lifetime=None)
    return numbers


async def disconnect_each(databases: Iterable[AsyncDatabase]) -> None:
    """Disconnects all, also when one fails; then raises the first error."""
    first: BaseException | None = None
    for database in databases:
        try:
            await database.disconnect()
        except Exception as error:
            first = first or error
    if first is not None:
        raise first
