"""Reading history: what of it this user may know.

An entry is shown to whoever has `history` on its model, for rows that exist for them; of it, the
fields they see. Rows are looked up in bulk, and only where hooks make a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from oxyde import Q

from ..exceptions import AdminError, RecordNotFoundError
from ..models import AdminLogEntry
from ..options.model_admin import overrides
from ..rows.find import by_key
from ..values.keys import Key, key_of_text
from .log import home, stored_key
from .visible import Visibility

if TYPE_CHECKING:
    from ..http.call import Call
    from ..security.rights import Rights

__all__ = ["Page", "Wanted", "history", "page", "recent"]

PAGE = 50
SCANNED = 1_000
"""Entries that one request looks at; those it may not show count too."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of history. `after` is the position of the last entry of the page before."""

    model: str | None = None
    pk: str | None = None
    user: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int | None = None


@dataclass(slots=True)
class Page:
    """Entries, newest first, and the position at which the next page begins."""

    items: list[dict[str, Any]] = field(default_factory=list)
    next: int | None = None


async def page(call: Call, wanted: Wanted, size: int = PAGE) -> Page:
    """Entries of all models whose history the user may see, and logins for whoever may see all."""
    require_audit(call)
    readable = await _readable(call, wanted.model)
    found = Page(next=wanted.after)
    scope = Q(model__in=sorted(readable))
    if wanted.model is None and _all_history(call, readable):
        scope = scope | Q(model="")
    query = _narrowed(AdminLogEntry.objects.filter(scope), wanted, readable)
    seen = Visibility(readable)
    for _ in range(SCANNED // size):
        rows = await _next(query, found.next, size)
        for row in await seen.shown(rows[:size]):
            found.items.append(row)
            if len(found.items) == size:
                found.next = row["id"]
                return found
        if len(rows) <= size:
            found.next = None
            return found
        found.next = rows[size - 1].id
    return found


async def history(call: Call, rights: Rights, key_text: str, after: int | None) -> Page:
    """Entries about one record; of a deleted one only if no `query` says who might have seen it."""
    require_audit(call)
    await rights.require("history")
    key = key_of_text(rights.resource, key_text)
    exists = await _require_record(rights, key)
    about = {"model": rights.resource.slug, "pk": stored_key(rights.resource, key)}
    rows = await _next(AdminLogEntry.objects.filter(**about), after, PAGE)
    if not exists and not rows and after is None:
        raise RecordNotFoundError
    shown = await Visibility({rights.resource.slug: rights}).shown(rows[:PAGE])
    return Page(shown, rows[PAGE - 1].id if len(rows) > PAGE else None)


async def recent(call: Call, size: int = 10) -> list[dict[str, Any]]:
    """The newest entries this user may see, none where the panel keeps no history."""
    if not call.site.settings.audit:
        return []
    return (await page(call, Wanted(), size)).items


def require_audit(call: Call) -> None:
    """Raises where the panel keeps no history."""
    if not call.site.settings.audit:
        raise AdminError("This panel keeps no history.", status=404, code="not_enabled")


async def _require_record(rights: Rights, key: Key) -> bool:
    try:
        found = await by_key(rights, key)
    except RecordNotFoundError:
        if overrides(rights.resource.admin, "query"):
            raise
        return False
    await rights.require("history", found)
    return True


async def _readable(call: Call, model: str | None) -> Mapping[str, Rights]:
    """The rights on every model whose history the user may see, or on the one that is named."""
    if model is not None:
        rights = call.rights(call.site.resource(model), "history")
        await rights.require("history")
        return {rights.resource.slug: rights}
    every = [call.rights(resource, "history") for resource in call.site.registry.resources()]
    return {rights.resource.slug: rights for rights in every if await rights.allows("history")}


def _all_history(call: Call, readable: Mapping[str, Rights]) -> bool:
    """Whether that is every model that can have a history; one without a key cannot."""
    able = [resource for resource in call.site.registry.resources() if "history" in resource.offered]
    return bool(able) and all(resource.slug in readable for resource in able)


def _narrowed(query: Any, wanted: Wanted, readable: Mapping[str, Rights]) -> Any:
    conditions = {
        "user_id": wanted.user,
        "action": wanted.action,
        "at__gte": wanted.since,
        "at__lt": wanted.until,
        "pk": None if wanted.pk is None else _stored(wanted.pk, readable),
    }
    return query.filter(**{name: value for name, value in conditions.items() if value is not None})


def _stored(pk: str, readable: Mapping[str, Rights]) -> str:
    """The key as history has it; as it was given where it can be no key of the model."""
    if len(readable) != 1:
        return pk
    (rights,) = readable.values()
    try:
        return stored_key(rights.resource, key_of_text(rights.resource, pk))
    except RecordNotFoundError:
        return pk


async def _next(query: Any, after: int | None, size: int) -> list[AdminLogEntry]:
    if after is not None:
        query = query.filter(id__lt=after)
    rows: list[AdminLogEntry] = await query.order_by("-id").limit(size + 1).all(using=home())
    return rows
