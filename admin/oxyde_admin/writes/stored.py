"""Records as they are stored, locked for being changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oxyde import Query
from oxyde.models.unchecked import unchecked

from ..exceptions import InvalidDataError
from ..options.model_admin import overrides
from ..rows.among import among
from ..rows.columns import columns_of
from ..rows.reading import read

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["columns_held", "key_filter", "locked", "require_seen"]


def key_filter(rights: Rights, record: Any) -> dict[str, Any]:
    """The lookup that finds the record's row."""
    return dict(zip(rights.resource.keys, rights.resource.key_of(record), strict=True))


def columns_held(record: Any) -> dict[str, Any]:
    """The values of all fields with columns."""
    held: Mapping[str, Any] = vars(record)
    return {name: held[name] for name in type(record)._db_meta.columns if name in held}


async def locked(rights: Rights, keys: Sequence[tuple[Any, ...]], client: Any) -> list[Any]:
    """The records of these keys that exist for the user, by key, locked until the transaction ends.

    First the rows are locked and then looked at with the user's eyes: who was overtaken by another
    write sees what that one has left. The lock is on the bare table, for what a user sees may be
    defined by joins and groups, which cannot be locked. On SQLite the transaction is the lock.
    """
    if not keys:
        return []
    names = rights.resource.keys
    base = Query(rights.resource.model)
    query = among(base, names, keys).order_by(*names).for_update()
    rows = await read(query, columns_of(rights.resource), {"client": client})
    if overrides(rights.resource.admin, "query"):
        visible = await _visible(rights, keys, client)
        rows = [row for row in rows if tuple(row[name] for name in names) in visible]
    return [unchecked(rights.resource.model, row) for row in rows]


async def _visible(rights: Rights, keys: Sequence[tuple[Any, ...]], client: Any) -> set[tuple[Any, ...]]:
    names = rights.resource.keys
    found = await among(await rights.rows(client), names, keys).values_list(*names).all(client=client)
    return {tuple(row) for row in found}


async def require_seen(rights: Rights, record: Any, client: Any) -> None:
    """Raises unless the record, as it is stored now, exists for the user who wrote it."""
    seen = await rights.allows("view", record)
    if seen and overrides(rights.resource.admin, "query"):
        query = (await rights.rows(client)).filter(**key_filter(rights, record))
        seen = await query.exists(client=client)
    if not seen:
        raise InvalidDataError("The record would be out of your sight.")
