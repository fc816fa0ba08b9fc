"""One new record with its links and inlines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from oxyde import Query

from . import history, hooks, inlines, links
from .checked import checked, reviewed
from .failures import refusals
from .sent import Sent, sort
from .stored import require_seen
from .targets import check_references
from .unit import enlist

if TYPE_CHECKING:
    from ..http.call import Call
    from ..security.rights import Rights

__all__ = ["create"]


async def create(
    call: Call,
    rights: Rights,
    data: Mapping[str, Any],
    client: Any,
    *,
    fixed: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
) -> Any:
    """Creates a record of what the user may give of `data`, in the transaction `client`.

    `fixed` are values by field that the panel itself gives, `only` the fields that `data` is narrowed
    to. Raises what the contract says of POST; the caller's transaction must then be rolled back.
    """
    await enlist(rights, client)
    await rights.require("create")
    async with refusals(rights):
        return await _created(call, rights, await sort(rights, data, only=only), fixed or {}, client)


async def _created(call: Call, rights: Rights, sent: Sent, fixed: Mapping[str, Any], client: Any) -> Any:
    sent.values.update(fixed)
    await reviewed(rights, sent, None)
    record = await checked(rights, sent, {})
    await check_references(rights, record, sent.by_user - fixed.keys(), None, sent.sent_as)
    plans = links.plan(rights, sent.links)
    rights.ctx.changes = {**{name: getattr(record, name) for name in sent.values}, **sent.links}
    await hooks.run(rights, "before_save", record, True)
    record = await Query(rights.resource.model).create(instance=record, client=client)
    linked = await links.apply(rights, record, plans, client)
    await inlines.apply(call, rights, record, sent.inlines, client)
    await hooks.run(rights, "after_save", record, True)
    await require_seen(rights, record, client)
    await history.written(rights, "create", record, after=history.state(rights, record), links=linked)
    return record
