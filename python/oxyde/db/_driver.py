"""What the engine is told when a handle is opened: the driver's settings as text, the pool's as numbers."""

from __future__ import annotations

import logging
import math
import os
from typing import Any

from .. import _core
from ..exceptions import NotSupportedError, OperationalError
from ._network import TLS_MODES, fold_mode
from .settings import PoolSettings
from .urls import DatabaseUrl

__all__ = ["configuration", "milliseconds", "require_files", "warn_of_old_server"]

_log = logging.getLogger("oxyde.pool")

# Plain reads that may be under way on one PostgreSQL connection.
_SHARE = 32
_OLDEST_SQLITE = (3, 35, 0)
_OLDEST = {
    "postgres": ((12,), "PostgreSQL 12"),
    "mysql": ((8,), "MySQL 8.0"),
    "mariadb": ((10, 6), "MariaDB 10.6"),
}
_MOST_MILLISECONDS = 2**31 - 1


def configuration(address: DatabaseUrl, settings: PoolSettings, alias: str) -> dict[str, Any]:
    """The arguments of `_configure` but `init`."""
    settings.validate()
    if address.backend == "sqlite":
        driver, gate = _sqlite(address, settings, alias)
    elif address.backend == "postgres":
        driver, gate = _postgres(address, settings), None
    else:
        driver, gate = _mysql(address, settings), None
    return {
        "backend": address.backend,
        "settings": driver,
        "pool": _pool_numbers(address, settings),
        "alias": alias,
        "gate": gate,
    }


def sqlite_version() -> tuple[int, ...]:
    """The version of the library that the engine uses."""
    number = _core.SQLITE_VERSION  # as 3040001
    return (number // 1_000_000, number // 1000 % 1000, number % 1000)


def warn_of_old_server(alias: str, flavor: str | None, version: tuple[int, ...] | None) -> None:
    """A record in the log if the server is older than what oxyde is made for."""
    oldest, name = _OLDEST.get(flavor or "", ((), ""))
    if version is not None and version < oldest:
        _log.warning(
            "database %r runs %s %s; oxyde is made for %s and later",
            alias,
            name.split()[0],
            ".".join(str(part) for part in version),
            name,
        )


def milliseconds(limit: float) -> int:
    """A limit as the servers take it: whole, and never 0, which they take for none."""
    return max(1, min(_MOST_MILLISECONDS, math.ceil(limit * 1000)))


# --- SQLite ------------------------------------------------------------------------------------


def _sqlite(address: DatabaseUrl, settings: PoolSettings, alias: str) -> tuple[dict[str, str], str | None]:
    version = sqlite_version()
    if version < _OLDEST_SQLITE:
        raise NotSupportedError(
            f"SQLite {'.'.join(map(str, version))} is too old: 3.35 is needed", backend="sqlite", alias=alias
        )
    path = address.path if address.in_memory or not address.path else address.resolved_path()
    return _sqlite_settings(address, settings, path), _gate(address, path)


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


# --- PostgreSQL ---------------------------------------------------------------------------------


def _postgres(address: DatabaseUrl, settings: PoolSettings) -> dict[str, str]:
    driver = _driver_settings(address)
    if settings.pg_application_name is not None:
        driver["application_name"] = settings.pg_application_name
    if settings.ssl_mode is not None:
        driver["sslmode"] = TLS_MODES[fold_mode(settings.ssl_mode)][0]
    _add_files(driver, settings, "sslrootcert", "sslcert", "sslkey")
    if driver.get("sslmode", "").startswith("verify") and "sslrootcert" not in driver:
        store = _system_store()
        if store is not None:
            driver["sslrootcert"] = store
    _add_limits(driver, settings)
    capacity = _own_capacity(settings, "postgres")
    if capacity is not None:
        driver["oxy.pooler"] = "no" if capacity > 0 else "yes"
    elif address.parameters.get("oxy.pooler") == "yes":
        driver["oxy.pooler"] = "yes"
    elif "oxy.statement_cache" in address.parameters:
        driver["oxy.pooler"] = "no" if int(address.parameters["oxy.statement_cache"]) > 0 else "yes"
    return driver


def _system_store() -> str | None:
    """The certificates that the system trusts, unless libpq has a file of its own to look at."""
    if "PGSSLROOTCERT" in os.environ or os.path.exists(os.path.expanduser("~/.postgresql/root.crt")):
        return None
    import ssl

    paths = ssl.get_default_verify_paths()
    for file in (paths.cafile, paths.openssl_cafile, *_BUNDLES):
        if file and os.path.exists(file):
            return file
    return None


_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
)


# --- MySQL and MariaDB ---------------------------------------------------------------------------


def _mysql(address: DatabaseUrl, settings: PoolSettings) -> dict[str, str]:
    driver = _driver_settings(address)
    driver.setdefault("charset", "utf8mb4")
    driver.setdefault("time_zone", "+00:00")
    if settings.mysql_charset is not None:
        driver["charset"] = settings.mysql_charset
    if settings.mysql_collation is not None:
        driver["collation"] = settings.mysql_collation
    if settings.mysql_sql_mode is not None:
        driver["sql_mode"] = settings.mysql_sql_mode
    if settings.ssl_mode is not None:
        driver["ssl_mode"] = TLS_MODES[fold_mode(settings.ssl_mode)][1]
    _add_files(driver, settings, "ssl_ca", "ssl_cert", "ssl_key")
    _add_limits(driver, settings)
    limit = _connect_timeout(address, settings)
    if limit is not None:
        driver["oxy.connect_timeout_ms"] = str(milliseconds(limit))
    return driver


def require_files(backend: str, driver: dict[str, str], alias: str) -> None:
    """MySQL's client library says that some file of TLS is missing, but not which: this says it first."""
    if backend != "mysql" or driver.get("ssl_mode") == "disabled":
        return
    for name in ("ssl_ca", "ssl_cert", "ssl_key"):
        path = driver.get(name)
        if path and not os.access(path, os.R_OK):
            raise OperationalError(
                f"cannot read {path!r}, which {name.replace('_', '-')} names", backend=backend, alias=alias
            )


# --- all ------------------------------------------------------------------------------------------


def _driver_settings(address: DatabaseUrl) -> dict[str, str]:
    """What the URL says to the driver, without what it says to the pool."""
    ours = ("connect_timeout", "oxy.statement_cache", "oxy.pooler")
    return {name: value for name, value in address.parameters.items() if name not in ours}


def _add_files(driver: dict[str, str], settings: PoolSettings, root: str, cert: str, key: str) -> None:
    given = {root: settings.ssl_root_cert, cert: settings.ssl_client_cert, key: settings.ssl_client_key}
    driver.update({name: os.fspath(path) for name, path in given.items() if path is not None})


def _add_limits(driver: dict[str, str], settings: PoolSettings) -> None:
    for name in ("statement_timeout", "lock_timeout"):
        limit = settings.limit(name, math.inf)
        if limit is not None:
            driver[f"oxy.{name}_ms"] = str(milliseconds(limit))


def _own_capacity(settings: PoolSettings, backend: str) -> int | None:
    """The number of prepared statements that the settings name."""
    if backend == "postgres" and settings.pg_statement_cache_capacity is not None:
        return settings.pg_statement_cache_capacity
    return settings.statement_cache_capacity


def _connect_timeout(address: DatabaseUrl, settings: PoolSettings) -> float | None:
    url = address.parameters.get("connect_timeout")
    # To libpq, zero and less mean to wait for ever.
    default = 10.0 if url is None else float(url) if float(url) > 0 else math.inf
    return settings.limit("connect_timeout", default)


def _pool_numbers(address: DatabaseUrl, settings: PoolSettings) -> dict[str, float | int | None]:
    capacity = _own_capacity(settings, address.backend)
    if capacity is None:
        capacity = int(address.parameters.get("oxy.statement_cache", "100"))
    shared = address.backend == "postgres" and settings.pg_pipeline
    numbers: dict[str, float | int | None] = {
        "max": settings.max,
        "min": settings.min,
        "acquire_timeout": settings.limit("acquire_timeout", 30),
        "idle_timeout": settings.limit("idle_timeout", 600),
        "max_lifetime": settings.limit("max_lifetime", 1800),
        "ping_after": 0.0 if settings.test_before_acquire else 30.0,
        "connect_timeout": _connect_timeout(address, settings),
        "connect_retry": settings.limit("connect_retry", 0),
        "statement_timeout": settings.limit("statement_timeout", math.inf),
        "lock_timeout": settings.limit("lock_timeout", math.inf),
        "cancel_timeout": settings.limit("cancel_timeout", 2),
        # More than a millisecond would keep the loop from everybody else.
        "near_budget": min(settings.limit("network_inline_budget", 0.0001) or 0.0, 0.001),
        "share_max": _SHARE if shared else 0,
        "session_reset": ("off", "auto", "full").index(settings.session_reset),
        "statement_cache": capacity,
    }
    if address.in_memory:
        # The data live in the connection: one, opened at once and never closed for its age.
        numbers.update(max=1, min=1, idle_timeout=None, max_lifetime=None)
    return numbers
