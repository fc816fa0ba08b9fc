"""Targets of relations: only those that exist for this user may be linked to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from oxyde import Query
from oxyde.exceptions import FieldLookupValueError

from ..exceptions import ErrorEntry, InvalidDataError
from ..rows.among import among
from .failures import about

if TYPE_CHECKING:
    from ..security.rights import Rights

__all__ = ["GONE", "check_references", "seen"]

BATCH = 500
GONE = "There is no such record."


async def seen(
    rights: Rights, model: type[Any], fields: Sequence[str], keys: Iterable[tuple[Any, ...]], client: Any
) -> set[tuple[Any, ...]]:
    """Those of the keys, values of `fields`, under which this user can reach a row of `model`.

    A model that is not registered has no rights: all its rows can be reached. One that the user may
    not view has no rows.
    """
    base = await _reachable(rights, model, client)
    if base is None:
        return set()
    wanted, found = _storable(base, fields, list(dict.fromkeys(keys))), set[tuple[Any, ...]]()
    for start in range(0, len(wanted), BATCH):
        chosen = among(base, fields, wanted[start : start + BATCH])
        rows = await chosen.values_list(*fields).all(client=client)
        found.update(tuple(row) for row in rows)
    return found


def _storable(base: Any, fields: Sequence[str], keys: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Without the keys that no column can hold, such as integers beyond 64 bits: no row has them."""
    kept = []
    for key in keys:
        try:
            among(base, fields, [key])
        except FieldLookupValueError:
            continue
        kept.append(key)
    return kept


async def _reachable(rights: Rights, model: type[Any], client: Any) -> Any:
    target = rights.of(model)
    if target is None:
        return Query(model)
    return await target.rows(client) if await target.allows("view") else None


async def check_references(
    rights: Rights, record: Any, names: Iterable[str], before: Any, sent_as: dict[str, str]
) -> None:
    """Raises for every foreign key among the id fields `names` that points at nothing this user sees.

    `before` is the stored record: what stays as it was may point at what the user cannot see.
    """
    meta = rights.resource.model._db_meta
    given = set(names)
    errors: list[ErrorEntry] = []
    for key in meta.foreign_keys.values():
        if not given.intersection(key.ids):
            continue
        ids = tuple(getattr(record, name) for name in key.ids)
        if None in ids or (before is not None and ids == tuple(getattr(before, n) for n in key.ids)):
            continue
        if not await seen(rights, key.target, key.references, [ids], rights.ctx.client):
            shown = sent_as.get(key.ids[0], next(name for name in key.ids if name in given))
            errors.append(about("not_found", (shown,), GONE))
    if errors:
        raise InvalidDataError(errors=errors)
