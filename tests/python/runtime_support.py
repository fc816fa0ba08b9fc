"""Databases for the tests of the runtime: the engine's own handle, without the package's layer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import oxyde  # noqa: F401  binds the exceptions
from oxyde import _core

# A read that takes far longer than any inline budget, and one that takes about a minute.
SLOW = (
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {}) SELECT count(*) AS n FROM c"
)
ENDLESS = SLOW.format(10**9)

Runner = Callable[[Awaitable[Any]], Any]


def configured(
    path: Path | str = ":memory:",
    *,
    alias: str = "default",
    budget_ns: int = 1_000_000,
    **pool: float | int | None,
) -> _core.Database:
    """A handle with settings, not open."""
    database = _core.Database()
    configure(database, path, alias=alias, budget_ns=budget_ns, **pool)
    return database


def configure(
    database: _core.Database,
    path: Path | str = ":memory:",
    *,
    alias: str = "default",
    budget_ns: int = 1_000_000,
    **pool: float | int | None,
) -> None:
    memory = str(path) == ":memory:"
    settings = {
        "path": str(path),
        "mode": "memory" if memory else "rwc",
        "busy_timeout_ms": "5000",
        "inline_budget_ns": str(budget_ns),
    }
    if not memory:
        settings.update(journal_mode="WAL", synchronous="NORMAL")
    database._configure(
        backend="sqlite",
        settings=settings,
        pool={"max": 5, "min": 1, **pool},
        alias=alias,
        gate=None if memory else str(path),
    )


@asynccontextmanager
async def opened(path: Path | str = ":memory:", **options: Any) -> AsyncIterator[_core.Database]:
    """An open handle, closed at the end."""
    database = configured(path, **options)
    await database._open()
    try:
        yield database
    finally:
        await database._close(5)


def run(client: Any, sql: str, params: Any = None, **options: Any) -> _core.Operation[Any]:
    """One statement, its rows."""
    return _core.raw_operation(sql, params, client=client, **options)


async def changed(client: Any, sql: str, params: Any = None) -> int:
    """One statement, how many rows it changed."""
    count: int = await _core.raw_operation(sql, params, client=client, sink=_core.SINK_AFFECTED)
    return count


async def value(client: Any, sql: str) -> Any:
    """The only value of the only row."""
    (row,) = await run(client, sql)
    (only,) = row.values()
    return only


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Waits until something is so; fails when it does not come."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        assert loop.time() < end, "it did not come"
        await asyncio.sleep(0.002)


async def is_quiet(database: _core.Database) -> None:
    """Every connection came back and nobody waits."""

    def quiet() -> bool:
        stats = database._stats()
        return stats["busy"] == 0 and stats["waiting"] == 0

    await until(quiet)


def collected() -> None:
    for _ in range(3):
        gc.collect()
