"""PoolSettings: every choice about connections, checked before anything is opened."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from os import PathLike
from typing import Any, Union

from ._network import TLS_MODES, fold_mode

__all__ = ["Duration", "PoolSettings", "seconds"]

Duration = Union[int, float, timedelta]
"""Seconds, or a timedelta; `math.inf` switches a limit off."""

_DURATIONS = [
    "acquire_timeout",
    "idle_timeout",
    "max_lifetime",
    "transaction_timeout",
    "transaction_cleanup_interval",
    "connect_timeout",
    "connect_retry",
    "statement_timeout",
    "lock_timeout",
    "cancel_timeout",
    "shutdown_timeout",
    "sqlite_inline_budget",
    "network_inline_budget",
    "slow_query_threshold",
]
_JOURNAL_MODES = ("DELETE", "TRUNCATE", "PERSIST", "MEMORY", "WAL", "OFF")
_SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA", "0", "1", "2", "3")


def seconds(name: str, value: Any) -> float:
    """A duration in seconds; inf for no limit."""
    if isinstance(value, timedelta):
        number = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    else:
        raise TypeError(f"{name} is a number of seconds or a timedelta, not {type(value).__name__}")
    if math.isnan(number) or number < 0:
        raise ValueError(f"{name} must be non-negative, got {value!r}")
    return number


@dataclass
class PoolSettings:
    """Settings of a database's pool and connections. One object may serve several databases.

    Durations are seconds or `timedelta`; `math.inf` switches a limit off. None means the default
    named in the guide to connections.
    """

    max_connections: int | None = None
    min_connections: int | None = None
    acquire_timeout: Duration | None = None
    idle_timeout: Duration | None = None
    max_lifetime: Duration | None = None
    test_before_acquire: bool | None = None
    transaction_timeout: Duration | None = 300
    transaction_cleanup_interval: Duration | None = 60
    sqlite_journal_mode: str | None = "WAL"
    sqlite_synchronous: str | None = "NORMAL"
    sqlite_cache_size: int | None = 10000
    sqlite_busy_timeout: int | None = 5000
    ssl_mode: str | None = None
    ssl_root_cert: str | PathLike[str] | None = None
    ssl_client_cert: str | PathLike[str] | None = None
    ssl_client_key: str | PathLike[str] | None = None
    pg_application_name: str | None = None
    pg_statement_cache_capacity: int | None = None
    mysql_charset: str | None = None
    mysql_collation: str | None = None
    _: KW_ONLY
    connect_timeout: Duration | None = None
    connect_retry: Duration | None = 0
    statement_timeout: Duration | None = None
    lock_timeout: Duration | None = None
    cancel_timeout: Duration | None = 2
    shutdown_timeout: Duration | None = 10
    session_reset: str = "auto"
    statement_cache_capacity: int | None = None
    pg_pipeline: bool = True
    mysql_sql_mode: str | None = None
    sqlite_pragmas: dict[str, Any] = field(default_factory=dict)
    sqlite_attach: dict[str, str] = field(default_factory=dict)
    sqlite_inline_budget: Duration | None = 0.001
    network_inline_budget: Duration | None = 0.0001
    init: Callable[[Any], Awaitable[None]] | None = None
    slow_query_threshold: Duration | None = None
    echo: bool = False
    log_parameters: bool = False

    def __post_init__(self) -> None:
        self.validate()

    def validate(self) -> None:
        """Raises TypeError or ValueError for the first setting that cannot be."""
        for name in _DURATIONS:
            value = getattr(self, name)
            if value is not None:
                seconds(name, value)
        self._validate_counts()
        self._validate_choices()
        for name in ("sqlite_pragmas", "sqlite_attach"):
            if not isinstance(getattr(self, name), dict):
                raise TypeError(f"{name} is a dict, not {type(getattr(self, name)).__name__}")
        for pragma in self.sqlite_pragmas:
            if not isinstance(pragma, str) or not pragma.replace(".", "_").isidentifier():
                raise ValueError(f"sqlite_pragmas: {pragma!r} is no name of a pragma")
        if self.init is not None and not callable(self.init):
            raise TypeError(f"init is an async function, not {type(self.init).__name__}")

    def _validate_counts(self) -> None:
        for name in (
            "max_connections",
            "min_connections",
            "sqlite_cache_size",
            "sqlite_busy_timeout",
            "pg_statement_cache_capacity",
            "statement_cache_capacity",
        ):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name} is an int, not {type(value).__name__}")
            if value < 0 and name != "sqlite_cache_size":
                raise ValueError(f"{name} must be non-negative, got {value}")
        if self.max < 1:
            raise ValueError(f"max_connections must be at least 1, got {self.max}")
        if self.min_connections is not None and self.min_connections > self.max:
            raise ValueError(
                f"min_connections cannot exceed max_connections: {self.min_connections} > {self.max}"
            )

    def _validate_choices(self) -> None:
        self._choice("sqlite_journal_mode", _JOURNAL_MODES, str.upper)
        self._choice("sqlite_synchronous", _SYNCHRONOUS, str.upper)
        self._choice("ssl_mode", TLS_MODES, fold_mode)
        self._choice("session_reset", ("auto", "full", "off"), str)

    def _choice(self, name: str, allowed: Any, fold: Callable[[str], str]) -> None:
        value = getattr(self, name)
        if value is None:
            return
        if not isinstance(value, str):
            raise TypeError(f"{name} is a str, not {type(value).__name__}")
        if fold(value) not in allowed:
            raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value!r}")

    @property
    def max(self) -> int:
        """The upper bound of connections, with its default."""
        return 10 if self.max_connections is None else self.max_connections

    @property
    def min(self) -> int:
        """The number of connections opened at once, with its default."""
        return min(1, self.max) if self.min_connections is None else self.min_connections

    def limit(self, name: str, default: float) -> float | None:
        """A duration in seconds, or None if there is no limit."""
        value = getattr(self, name)
        number = default if value is None else seconds(name, value)
        return None if math.isinf(number) else number
