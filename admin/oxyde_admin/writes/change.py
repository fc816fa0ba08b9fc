"""One record changed, with its links and inlines."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from oxyde import Query

from ..exceptions import RecordNotFoundError
from . import history, hooks, inlines, links
from .checked import checked, reviewed
from .failures import refusals
from .sent import Sent, sort
from .stored import columns_held, key_filter, require_seen
from .targets import check_references
from .unit import enlist
from .versions import next_version

if TYPE_CHECKING:
    from ..http.call import Call
    from ..security.rights import Rights

__all__ = ["change"]


async def change(
    call: Call,
    rights: Rights,
    record: Any,
    data: Mapping[str, Any],
    client: Any,
    *,
    only: Collection[str] | None = None,
) -> Any:
    """Changes what the user may change of `record`, which was read locked in the transaction `client`.

    Gives the record as it is now, the same object if there was nothing to write. Raises what the
    contract says of PATCH; the caller's transaction must then be rolled back.
    """
    await enlist(rights, client)
    await rights.require("change", record)
    async with refusals(rights):
        sent = await sort(rights, data, record, only)
        return await _changed(call, rights, record, sent, client) if sent else record


async def _changed(call: Call, rights: Rights, record: Any, sent: Sent, client: Any) -> Any:
    await reviewed(rights, sent, record)
    before, told = columns_held(record), history.state(rights, record)
    valid = await checked(rights, sent, before)
    # A copy of what was read knows which row it is; it takes over what validation made of the values.
    changed = record.model_copy(update=columns_held(valid))
    await check_references(rights, changed, sent.by_user, record, sent.sent_as)
    plans = links.plan(rights, sent.links)
    rights.ctx.changes = {**{name: getattr(changed, name) for name in sent.values}, **sent.links}
    await _save(rights, changed, sent, before, client)
    linked = await links.apply(rights, changed, plans, client)
    await inlines.apply(call, rights, changed, sent.inlines, client)
    await hooks.run(rights, "after_save", changed, False)
    await require_seen(rights, changed, client)
    after = history.state(rights, changed)
    await history.written(rights, "change", changed, before=told, after=after, links=linked)
    return changed


async def _save(rights: Rights, record: Any, sent: Sent, before: Mapping[str, Any], client: Any) -> None:
    """Writes the columns that were sent and those that hooks have set, and no other."""
    names = set(sent.values)
    as_sent = copy.deepcopy(columns_held(record))
    await hooks.run(rights, "before_save", record, False)
    await record.pre_save(is_create=False, update_fields=set(names))
    now = columns_held(record)
    names |= {name for name, value in now.items() if value != as_sent[name]}
    names -= set(rights.resource.keys)
    values = {name: now[name] for name in names}
    version = rights.resource.admin.version_field
    if version is not None:
        values[version] = next_version(rights.resource, before.get(version), now.get(version))
    if values:
        await _update(rights, record, values, client)
    await record.post_save(is_create=False, update_fields=names)


async def _update(rights: Rights, record: Any, values: dict[str, Any], client: Any) -> None:
    row = Query(rights.resource.model).filter(**key_filter(rights, record))
    if not await row.update(values, client=client):
        raise RecordNotFoundError
    await record.refresh(client=client)
