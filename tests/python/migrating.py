"""Files of migrations written by tests, and a database connected for them."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import servers

from oxyde import AsyncDatabase, PoolSettings, db

__all__ = ["connected", "execute", "write"]

HEAD = "format = 2\n"


def write(folder: Path, name: str, up: str, down: str | None = "pass", *, head: str = HEAD) -> Path:
    """A file with these bodies of `upgrade` and `downgrade`; `async def` if one awaits."""
    folder.mkdir(exist_ok=True)
    text = head
    for function, body in (("upgrade", up), ("downgrade", down)):
        if body is None:
            continue
        word = "async def" if "await " in body else "def"
        text += (
            f"\n\n{word} {function}(ctx):\n"
            + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
            + "\n"
        )
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


@contextlib.asynccontextmanager
async def connected(server: servers.Server, **settings: Any) -> AsyncIterator[AsyncDatabase]:
    """The database as alias `default`, by default with a pool of one connection."""
    settings.setdefault("max_connections", 1)
    async with db.connect(server.url, settings=PoolSettings(**settings)) as database:
        yield database


async def execute(database: AsyncDatabase, sql: str) -> int:
    """One statement through the database's own pool."""
    async with database.connection() as conn:
        return await conn.execute(sql)
