"""What a transaction's options are in SQL: statements before, and what undoes them after."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from ..exceptions import NotSupportedError
from ._driver import milliseconds
from ._options import Options

if TYPE_CHECKING:
    from .pool import AsyncDatabase

__all__ = ["begin", "connect_by", "lift_limits", "limits", "quoted"]


async def connect_by(database: AsyncDatabase, deadline: float | None) -> None:
    """Connects a database for a block that must be over at `deadline`; `asyncio.TimeoutError` then."""
    if deadline is None:
        await database.ensure_connected()
        return
    left = max(0.0, deadline - asyncio.get_running_loop().time())
    await asyncio.wait_for(database.ensure_connected(), left)


def quoted(backend: str, name: str) -> str:
    """A name as the database takes it."""
    mark = "`" if backend == "mysql" else '"'
    return mark + name.replace(mark, mark * 2) + mark


def begin(database: AsyncDatabase, options: Options) -> tuple[str, ...]:
    """The statements that begin a transaction on a server."""
    backend = database.backend
    if backend == "postgres":
        words = ["BEGIN"]
        if options.isolation is not None:
            words.append(f"ISOLATION LEVEL {options.isolation.upper()}")
        if options.readonly:
            words.append("READ ONLY")
        if options.deferrable:
            words.append("DEFERRABLE")
        return (" ".join(words),)
    if options.deferrable:
        raise NotSupportedError(
            "deferrable transactions need PostgreSQL", backend=backend, alias=database.name
        )
    start = "START TRANSACTION READ ONLY" if options.readonly else "START TRANSACTION"
    if options.isolation is None:
        return (start,)
    return (f"SET TRANSACTION ISOLATION LEVEL {options.isolation.upper()}", start)


# --- limits per statement and per lock ----------------------------------------------------------


def limits(flavor: str, options: Options, depth: int) -> list[str]:
    """Sets the block's `statement_timeout` and `lock_timeout`; `depth` counts the blocks around it."""
    if flavor == "postgres":
        return [f"SET LOCAL {name} = {value}" for name, value in _postgres_limits(options).items()]
    if flavor in ("mysql", "mariadb"):
        # Remembered in variables of the session: what stood before may be anybody's.
        sets = [
            f"@oxyde_{name}_{depth} = @@SESSION.{name}, SESSION {name} = {value}"
            for name, value in _mysql_limits(flavor, options).items()
        ]
        return [f"SET {', '.join(sets)}"] if sets else []
    if options.lock_timeout is not None and depth == 0:
        return [f"PRAGMA busy_timeout = {_or_none(options.lock_timeout)}"]
    return []


def lift_limits(
    flavor: str, options: Options, outer: Options | None, depth: int, busy_timeout: int | None
) -> list[str]:
    """Puts back what was in force before `limits`."""
    if flavor == "postgres":
        if outer is None:
            return []  # SET LOCAL ends with the transaction
        before = _postgres_limits(outer)
        return [f"SET LOCAL {name} = {before.get(name, 'DEFAULT')}" for name in _postgres_limits(options)]
    if flavor in ("mysql", "mariadb"):
        sets = [f"SESSION {name} = @oxyde_{name}_{depth}" for name in _mysql_limits(flavor, options)]
        return [f"SET {', '.join(sets)}"] if sets else []
    if options.lock_timeout is not None and depth == 0:
        return [f"PRAGMA busy_timeout = {busy_timeout or 0}"]
    return []


def _or_none(limit: float) -> int:
    """Milliseconds; 0 stands for no limit."""
    return 0 if math.isinf(limit) else milliseconds(limit)


def _postgres_limits(options: Options) -> dict[str, int]:
    given = {"statement_timeout": options.statement_timeout, "lock_timeout": options.lock_timeout}
    return {name: _or_none(limit) for name, limit in given.items() if limit is not None}


def _mysql_limits(flavor: str, options: Options) -> dict[str, str]:
    values: dict[str, str] = {}
    if options.statement_timeout is not None:
        number = _or_none(options.statement_timeout)
        if flavor == "mariadb":
            values["max_statement_time"] = f"{number / 1000:.3f}"
        else:
            values["max_execution_time"] = str(number)
    if options.lock_timeout is not None:
        longest = 1_073_741_824
        limit = longest if math.isinf(options.lock_timeout) else max(1, math.ceil(options.lock_timeout))
        values["innodb_lock_wait_timeout"] = str(min(limit, longest))
        values["lock_wait_timeout"] = str(min(limit, 31_536_000))
    return values
