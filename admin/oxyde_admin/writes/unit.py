"""One unit of work: everything that one request changes, or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from oxyde import atomic

from ..finishing import finished
from . import hooks

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["enlist", "writing"]


@asynccontextmanager
async def writing(rights: Rights, *, dry: bool = False) -> AsyncIterator[Any]:
    """A transaction on the model's database. `dry`: everything is done, and undone at the end."""
    alias, limit = rights.resource.alias(write=True), rights.site.settings.query_timeout
    async with atomic(using=alias, statement_timeout=limit) as block:
        yield block.transaction
        if dry:
            block.set_rollback()


async def enlist(rights: Rights, client: Any) -> None:
    """Lets the rights of one more model work in the transaction; their hook runs after its commit."""
    if rights.ctx.client is client:
        return
    rights.ctx.client = client
    await client.on_commit(partial(_committed, rights))


async def _committed(rights: Rights) -> None:
    rights.ctx.client = None
    await finished(hooks.after_commit(rights))
