"""Applies migrations in a process of its own: `python -m migrating_apart URL FOLDER [DIE_AT]`.

With DIE_AT the process kills itself before its statement of that number, counting those of the
migration alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from oxyde import PoolSettings, db
from oxyde.migrations import apply_migrations
from oxyde.migrations._runner import Runner


def _die_at(number: int) -> None:
    whole = Runner._do
    count = 0

    async def counted(self: Any, *args: Any, **kwargs: Any) -> int:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return await whole(self, *args, **kwargs)

    Runner._do = counted  # type: ignore[method-assign]


async def main(url: str, folder: str) -> None:
    async with db.connect(url, settings=PoolSettings(max_connections=1)):
        print(json.dumps(await apply_migrations(folder)))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        _die_at(int(sys.argv[3]))
    asyncio.run(main(sys.argv[1], sys.argv[2]))
