"""Python code that comes back into the runtime while it is at work on a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runtime_support import value

from oxyde import _core


def with_init(path: Path, init: Callable[[Any], Any]) -> _core.Database:
    database = _core.Database()
    database._configure(
        backend="sqlite",
        settings={"path": str(path), "mode": "rwc"},
        pool={"max": 1, "min": 0},
        alias="default",
        gate=str(path),
        init=init,
    )
    return database


async def test_init_may_release_its_session_while_it_is_called(tmp_path: Path) -> None:
    async def rest() -> None:
        await asyncio.sleep(0)

    def init(session: Any) -> Any:
        session._release()
        return rest()

    database = with_init(tmp_path / "released.db", init)
    await database._open()
    assert await value(database, "SELECT 1 AS n") == 1
    assert database._stats()["busy"] == 0
    await database._close(5)
