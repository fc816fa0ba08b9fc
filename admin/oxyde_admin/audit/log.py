"""Writing history: to the panel's table where the panel has `audit=True`, to a logger always.

An entry is written inside the transaction that it describes when both are on the same alias, and
after that transaction has committed otherwise. The logger hears of it after the commit: what was
rolled back did not happen. It is told which fields changed, never values.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oxyde import db
from oxyde.db.router import routed

from ..finishing import finished
from ..models import AdminLogEntry
from ..security.store import now
from ..values.keys import key_to_text
from .storable import fitting, storable

if TYPE_CHECKING:
    from ..auth import AdminUser
    from ..http.call import Call
    from ..options.context import AdminContext
    from ..options.resource import Resource
    from ..site import AdminSite

__all__ = ["Entry", "entry", "home", "of_login", "record", "stored_key"]

ROWS_AT_ONCE = 500

logger = logging.getLogger("oxyde_admin.audit")


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to one record, or to a model if there is no key.

    `label_field` is the path that the label comes from (`rights.display()`): without it nobody is
    shown the label, since nobody knows who may see it.
    """

    action: str
    key: tuple[Any, ...] | None = None
    label: str = ""
    label_field: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


async def entry(
    site: AdminSite,
    ctx: AdminContext,
    action: str,
    resource: Resource | None = None,
    *,
    key: tuple[Any, ...] | None = None,
    label: str = "",
    label_field: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Writes one entry. `key` holds the key's values, as `resource.key_of(record)` gives them;
    `changes` are what `audit.changes` found."""
    await record(site, ctx, [Entry(action, key, label, label_field, changes or {})], resource)


async def record(
    site: AdminSite, ctx: AdminContext, entries: Sequence[Entry], resource: Resource | None = None
) -> None:
    """Writes entries about records of one model, in few statements however many they are."""
    rows = [_row(ctx.user, ctx.request_id, item, resource) for item in entries]
    await _write(site, rows, ctx.client)


async def of_login(call: Call, action: str, user: AdminUser | None, account: str = "") -> None:
    """Writes that somebody logged in or out, or failed to. `account` is who they said they were."""
    row = _row(user, call.request_id, Entry(action, label=account), None)
    await _write(call.site, [row], None)


def stored_key(resource: Resource, key: tuple[Any, ...]) -> str:
    """A key as history keeps it: as it stands in a path."""
    return fitting(key_to_text(resource, key), 400)


def home() -> str:
    """The alias of the panel's own tables."""
    return routed(AdminLogEntry, True) or "default"


def _row(user: AdminUser | None, request_id: str, item: Entry, resource: Resource | None) -> AdminLogEntry:
    return AdminLogEntry(
        at=now(),
        user_id="" if user is None else fitting(user.id, 255),
        user_name="" if user is None else fitting(user.name, 255),
        action=item.action,
        model="" if resource is None else resource.slug,
        pk="" if resource is None or item.key is None else stored_key(resource, item.key),
        label=fitting(item.label, 255),
        label_field=fitting(item.label_field or "", 255),
        changes=storable(dict(item.changes)),
        request_id=request_id,
    )


async def _write(site: AdminSite, rows: list[AdminLogEntry], client: Any) -> None:
    if not rows:
        return
    if client is None:
        await _store(site, rows, None)
        _log(rows)
        return
    inside = site.settings.audit and client.database is await db.get_connection(home())
    if inside:
        await _store(site, rows, client)

    async def after_commit() -> None:
        if not inside:
            await finished(_store(site, rows, None))
        _log(rows)

    await client.on_commit(after_commit, robust=True)


async def _store(site: AdminSite, rows: list[AdminLogEntry], client: Any) -> None:
    if not site.settings.audit:
        return
    where = {"using": home()} if client is None else {"client": client}
    await AdminLogEntry.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE, **where)


def _log(rows: list[AdminLogEntry]) -> None:
    for row in rows:
        logger.info(
            "%s %s/%s by %s (request %s)",
            row.action,
            row.model,
            row.pk,
            row.user_id,
            row.request_id,
            extra={"audit": _told(row)},
        )


def _told(row: AdminLogEntry) -> dict[str, Any]:
    """The entry without values: a log is read by more people than may see every field."""
    return {
        "at": row.at.isoformat(),
        "user": {"id": row.user_id, "name": row.user_name},
        "action": row.action,
        "model": row.model,
        "pk": row.pk,
        "label": row.label if not row.model else "",
        "fields": sorted(row.changes),
        "request_id": row.request_id,
    }
