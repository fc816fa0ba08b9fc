"""Options: what a picker offers (contract, 7.2)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from oxyde import Q
from oxyde.exceptions import FieldLookupError

from ..exceptions import InvalidParameterError
from ..values.keys import Key, key_of_item, key_to_json, split
from .among import among
from .counts import bounded
from .filters import LONGEST_SEARCH, looked_for
from .guards import guarded, guards
from .labels import display_path, read_labelled

if TYPE_CHECKING:
    from ..options.paths import Path
    from ..options.resource import Resource
    from ..security.rights import Rights

__all__ = ["choices"]


async def choices(
    rights: Rights, *, search: str = "", limit: int = 25, include: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """`{"value": key, "label": text}` of the rows whose label matches, and of those in `include`.

    `include` are comma lists of keys; what is no key there is skipped.
    """
    if len(search) > LONGEST_SEARCH:
        raise InvalidParameterError(f"A search has at most {LONGEST_SEARCH} characters.")
    resource, most = rights.resource, rights.site.settings.per_page
    limit = max(1, min(limit, most))
    path, base = await display_path(rights), await rights.rows()
    query = await _ordered(rights, path, await _matching(rights, path, base, search))
    found = await read_labelled(rights, query.limit(limit))
    wanted = _keys(resource, include)[:most]
    if wanted:
        found += await read_labelled(rights, among(base, resource.keys, wanted).order_by().limit(most))
    answer: dict[Key, dict[str, Any]] = {}
    for row, label in found:
        key = tuple(row[name] for name in resource.keys)
        answer.setdefault(key, {"value": key_to_json(resource, key), "label": label})
    return list(answer.values())


async def _matching(rights: Rights, path: Path | None, query: Any, search: str) -> Any:
    if not search:
        return query
    resource = rights.resource
    either, found = Q(), False
    with contextlib.suppress(ValueError, FieldLookupError):
        if path is not None:
            either, found = Q(**looked_for(path, search), **await guards(rights, path)), True
    with contextlib.suppress(InvalidParameterError):
        either, found = either | (_is(resource, key_of_item(resource, search)) & _unlabelled(path)), True
    try:
        return query.filter(either) if found else query.none()
    except FieldLookupError:
        return query.none()


async def _ordered(rights: Rights, path: Path | None, query: Any) -> Any:
    """By label, unless that would sort a large table."""
    keys = rights.resource.keys
    if path is None:
        return query.order_by().order_by(*keys)
    if not _indexed(rights.resource, path):
        limit = rights.site.settings.count_limit
        _, all_of_them = await bounded(query, limit, on=rights.resource.on())
        if not all_of_them:
            return query.order_by().order_by(*keys)
    return query.order_by().order_by(await guarded(rights, path), *keys)


def _indexed(resource: Resource, path: Path) -> bool:
    """Whether the model says that the path is the beginning of an index."""
    field = resource.fields.get(path.text)
    if field is None or field.column is None:
        return False
    if field.unique or field.column.index:
        return True
    meta = resource.model._db_meta
    lists: list[Sequence[Any]] = [tuple(index.fields) for index in meta.indexes if not index.where]
    lists += [tuple(names) for names in meta.unique_together]
    return any(names and names[0] in (field.name, field.column.db_column) for names in lists)


def _keys(resource: Resource, include: Iterable[str]) -> list[Key]:
    keys: list[Key] = []
    for listed in include:
        for part in listed.split(","):
            with contextlib.suppress(InvalidParameterError):
                keys += [key_of_item(resource, text) for text in split(part)]
    return keys


def _unlabelled(path: Path | None) -> Q:
    """Records without a label show their key, and are found by it."""
    if path is None:
        return Q()
    without = Q(**{f"{path.text}__isnull": True})
    text = path.field is not None and path.field.kind in ("string", "text")
    return without | Q(**{f"{path.text}__exact": ""}) if text else without


def _is(resource: Resource, key: Key) -> Q:
    return Q(**dict(zip(resource.keys, key, strict=True)))
