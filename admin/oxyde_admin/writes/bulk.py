"""Many records, each treated exactly as if it were the only one; all or none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..exceptions import AdminError, ErrorEntry, InvalidDataError
from ..values.keys import key_to_json
from .change import change
from .delete import delete
from .failures import about
from .selection import keys_of
from .sent import sort
from .stored import locked

if TYPE_CHECKING:
    from ..http.call import Call
    from ..security.rights import Rights

__all__ = ["batches", "change_all", "delete_all"]

BATCH = 200
MOST_ERRORS = 200


async def change_all(call: Call, rights: Rights, query: Any, data: Mapping[str, Any], client: Any) -> int:
    """Changes the rows of the query alike; how many were changed."""
    if not await sort(rights, data):
        return 0
    return await _for_each(rights, query, client, lambda record: _changed(call, rights, record, data, client))


async def _changed(call: Call, rights: Rights, record: Any, data: Mapping[str, Any], client: Any) -> int:
    return int(await change(call, rights, record, data, client) is not record)


async def delete_all(rights: Rights, query: Any, client: Any) -> int:
    """Deletes the rows of the query; how many there were."""
    return await _for_each(rights, query, client, lambda record: delete(rights, record, client))


async def batches(rights: Rights, query: Any, client: Any) -> AsyncIterator[list[Any]]:
    """The records of the query by key, locked batch by batch."""
    keys = await keys_of(rights, query, client)
    for start in range(0, len(keys), BATCH):
        yield await locked(rights, keys[start : start + BATCH], client)


async def _for_each(rights: Rights, query: Any, client: Any, do: Callable[[Any], Awaitable[int]]) -> int:
    """Calls `do` with each record. Errors of validation are told together, each with its `id`."""
    count, errors = 0, list[ErrorEntry]()
    async for records in batches(rights, query, client):
        for record in records:
            key = key_to_json(rights.resource, rights.resource.key_of(record))
            try:
                count += await do(record)
            except InvalidDataError as error:
                errors.extend(_with_id(error, key))
            except AdminError as error:
                error.errors = _with_id(error, key)
                raise
        if len(errors) >= MOST_ERRORS:
            raise InvalidDataError(errors=errors[:MOST_ERRORS])
    if errors:
        raise InvalidDataError(errors=errors)
    return count


def _with_id(error: AdminError, key: Any) -> list[ErrorEntry]:
    entries = error.errors or [about(error.code, (), error.detail)]
    return [{**entry, "id": key} for entry in entries]
