"""One record deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import history, hooks
from .failures import refusals
from .unit import enlist

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["delete"]


async def delete(rights: Rights, record: Any, client: Any) -> int:
    """Deletes `record`, which was read locked in the transaction `client`; how many rows went.

    What hangs on it is the database's: it cascades, empties references or refuses (409 `protected`).
    """
    await enlist(rights, client)
    await rights.require("delete", record)
    rights.ctx.changes = {}
    told, labelled = history.state(rights, record), await history.label(rights, record)
    async with refusals(rights, deleting=True):
        await hooks.run(rights, "before_delete", record)
        count: int = await record.delete(client=client)
        await hooks.run(rights, "after_delete", record)
    await history.written(rights, "delete", record, before=told, labelled=labelled)
    return count
