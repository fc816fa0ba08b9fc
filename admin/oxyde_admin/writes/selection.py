"""Selections: some records by their keys, or all that match (contract, 7.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..exceptions import AdminError, ConflictError
from ..rows.among import among
from ..rows.filters import arguments_of, narrow
from ..values.keys import key_of_json

if TYPE_CHECKING:
    from ..http.call import Call
    from ..security.rights import Rights

__all__ = ["bad_body", "keys_of", "selected"]


def bad_body(text: str) -> AdminError:
    """400 for a body that is not built as it has to be."""
    return AdminError(text, code="bad_body")


async def selected(call: Call, rights: Rights, body: Mapping[str, Any], client: Any = None) -> Any:
    """The query over the selected rows that exist for this user.

    `{"ids": [...]}`, or `{"where": {"search", "filters"}, "expect": n}`, which is 409 unless exactly n
    rows match. More than the panel takes at once is 400 `too_many`.
    """
    if ("ids" in body) == ("where" in body):
        raise bad_body("Give either ids or where.")
    if "ids" in body:
        return await _by_ids(call, rights, body["ids"], client)
    return await _matching(call, rights, body["where"], body.get("expect"), client)


async def keys_of(rights: Rights, query: Any, client: Any = None) -> list[tuple[Any, ...]]:
    """The keys of the rows of a selection, in order. Locks taken in this order never cross."""
    names = rights.resource.keys
    rows = await query.order_by().order_by(*names).values_list(*names).all(**rights.resource.on(client))
    return list(dict.fromkeys(tuple(row) for row in rows))


async def _by_ids(call: Call, rights: Rights, ids: Any, client: Any) -> Any:
    if not isinstance(ids, list):
        raise bad_body("ids is a list of keys.")
    resource = rights.resource
    if not resource.keys:
        raise bad_body("Records of this model have no keys to choose by.")
    _refuse_more(call, len(ids))
    keys = list(dict.fromkeys(key_of_json(resource, item) for item in ids))
    rows = await rights.rows(client)
    return among(rows, resource.keys, keys)


async def _matching(call: Call, rights: Rights, where: Any, expect: Any, client: Any) -> Any:
    if not isinstance(where, Mapping):
        raise bad_body("where is an object of search and filters.")
    if not isinstance(expect, int) or isinstance(expect, bool) or expect < 0:
        raise bad_body("expect is the number of matching rows.")
    search, filters = where.get("search"), where.get("filters", {})
    if search is not None and not isinstance(search, str):
        raise bad_body("search is text.")
    if not isinstance(filters, Mapping):
        raise bad_body("filters is an object of names and values.")
    rows = await rights.rows(client)
    query, _ = await narrow(rows, rights, arguments_of(filters), search=search, refuse=True)
    most = call.site.settings.max_bulk_rows
    count = await query.order_by().limit(most + 1).count(**rights.resource.on(client))
    _refuse_more(call, count)
    if count != expect:
        raise ConflictError("The selection has changed meanwhile.", code="selection_changed")
    return query


def _refuse_more(call: Call, count: int) -> None:
    most = call.site.settings.max_bulk_rows
    if count > most:
        raise AdminError(f"At most {most} records are taken at once.", code="too_many")
