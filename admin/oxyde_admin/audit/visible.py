"""Which entries of history a user may see, and what of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oxyde.models.unchecked import unchecked

from ..exceptions import AdminError
from ..options.model_admin import overrides
from ..rows.among import among
from ..rows.columns import columns_of
from ..rows.reading import read
from ..values.encode import encode_plain
from ..values.keys import Key, key_of_json, key_of_text, key_to_text

if TYPE_CHECKING:
    from ..models import AdminLogEntry
    from ..options.resource import AdminField
    from ..security.rights import Rights

__all__ = ["Visibility"]

KEYS = "keys"
"""The entry of an action holds the keys of its rows under this name."""
MOST_KEYS = 200
"""Keys of one entry that are shown; a bulk action may have had thousands."""
FACTS = frozenset({"rows", "format", "mode", "created", "updated", "unchanged"})
"""What entries of exports and imports hold: nothing of any field."""


class Visibility:
    """What one user may see of entries, by the rights on the models they are about."""

    def __init__(self, rights: Mapping[str, Rights]) -> None:
        self._rights = rights

    async def shown(self, rows: Sequence[AdminLogEntry]) -> list[dict[str, Any]]:
        """The entries this user may see, as JSON, in their order."""
        by_model: defaultdict[str, list[AdminLogEntry]] = defaultdict(list)
        for row in rows:
            by_model[row.model].append(row)
        shown: dict[int | None, dict[str, Any]] = {}
        for slug, entries in by_model.items():
            if not slug:
                shown |= {row.id: _as_json(row, row.label or None, {}) for row in entries}
            else:
                shown |= await _of_model(self._rights[slug], entries)
        return [shown[row.id] for row in rows if row.id in shown]


async def _of_model(rights: Rights, entries: Sequence[AdminLogEntry]) -> dict[int | None, dict[str, Any]]:
    keys = {row.id: _keys(rights, row) for row in entries}
    allowed = await _allowed(rights, {key for several in keys.values() for key in several})
    links = await _links(rights, entries)
    shown = {}
    for row in entries:
        own = keys[row.id]
        if own and allowed is not None and allowed.isdisjoint(own):
            continue
        changes = await _changes(rights, row, links)
        if KEYS in row.changes:
            left = [key for key in own if allowed is None or key in allowed]
            changes[KEYS] = [None, [key_to_text(rights.resource, key) for key in left]]
        shown[row.id] = _as_json(row, await _label(rights, row), changes)
    return shown


def _keys(rights: Rights, row: AdminLogEntry) -> list[Key]:
    """The keys of the records that an entry is about; what cannot be read any more is left out."""
    found: list[Key] = []
    try:
        if row.pk:
            found.append(key_of_text(rights.resource, row.pk))
        found += [key_of_json(rights.resource, item) for item in row.changes.get(KEYS, ())[:MOST_KEYS]]
    except AdminError:
        return found
    return list(dict.fromkeys(found))


async def _allowed(rights: Rights, keys: set[Key]) -> set[Key] | None:
    """Those of the keys whose history the user may see; None if that is all of them."""
    admin, resource = rights.resource.admin, rights.resource
    own_rows, own_say = overrides(admin, "query"), overrides(admin, "can")
    if not keys or not (own_rows or own_say):
        return None
    names = None if own_say else resource.keys
    query = among(await rights.rows(), resource.keys, keys)
    found = await read(query.order_by(), columns_of(resource, names), resource.on(None))
    records = {tuple(values[name] for name in resource.keys): values for values in found}
    gone = set() if own_rows else keys - records.keys()
    if not own_say:
        return gone | records.keys()
    return gone | {
        key
        for key, values in records.items()
        if await rights.allows("history", unchecked(resource.model, values))
    }


async def _label(rights: Rights, row: AdminLogEntry) -> str | None:
    """The label; the key where there is none, or one read from a field that this user does not see."""
    key = row.pk or None
    if not row.label or not row.label_field:
        return key
    try:
        return row.label if await rights.sees(row.label_field) else key
    except (ValueError, LookupError):  # the model has no such field any more
        return key


async def _changes(rights: Rights, row: AdminLogEntry, links: Mapping[str, set[Any]]) -> dict[str, Any]:
    if not row.pk:
        return {name: [None, value] for name, value in row.changes.items() if name in FACTS}
    changes: dict[str, Any] = {}
    for visible in await rights.visible():
        if visible.name in row.changes and not visible.secret:
            known = links.get(visible.name)
            change = row.changes[visible.name]
            changes[visible.name] = change if known is None else _narrowed(change, known)
    return changes


def _narrowed(change: Sequence[list[Any]], known: set[Any]) -> list[list[Any]]:
    return [[key for key in keys if _hashable(key) in known] for keys in change]


async def _links(rights: Rights, entries: Sequence[AdminLogEntry]) -> dict[str, set[Any]]:
    """By many-to-many relation whose targets have a `query` of their own, the keys this user sees."""
    found: dict[str, set[Any]] = {}
    for relation in rights.resource.fields.values():
        target = _guarded_target(rights, relation)
        changed = [row.changes[relation.name] for row in entries if relation.name in row.changes]
        if target is None or not changed:
            continue
        keys = [key for change in changed for side in change for key in side]
        found[relation.name] = await _seen(target, keys)
    return found


def _guarded_target(rights: Rights, relation: AdminField) -> Rights | None:
    if relation.shape != "many_to_many" or relation.target is None:
        return None
    target = rights.of(relation.target)
    return target if target is not None and overrides(target.resource.admin, "query") else None


async def _seen(target: Rights, keys: Iterable[Any]) -> set[Any]:
    resource = target.resource
    wanted: set[Key] = set()
    for key in keys:
        try:
            wanted.add(key_of_json(resource, key))
        except AdminError:
            continue
    if not wanted:
        return set()
    query = among(await target.rows(), resource.keys, wanted)
    rows = await read(query.order_by(), columns_of(resource, resource.keys), resource.on(None))
    return {_hashable([encode_plain(row[name]) for name in resource.keys]) for row in rows}


def _hashable(key: Any) -> Any:
    parts = key if isinstance(key, list) else [key]
    return tuple(str(part) for part in parts)


def _as_json(row: AdminLogEntry, label: str | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as an answer has it."""
    return {
        "id": row.id,
        "at": encode_plain(row.at),
        "user": {"id": row.user_id, "name": row.user_name},
        "action": row.action,
        "model": row.model or None,
        "pk": row.pk or None,
        "label": label,
        "changes": dict(changes),
        "request_id": row.request_id,
    }
