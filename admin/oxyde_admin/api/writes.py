"""Routes that create, change and delete records (contract, 7 and 7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..exceptions import RecordNotFoundError
from ..http.call import Call, Route
from ..http.reply import json_response
from ..rows.find import shown
from ..values.keys import Key, key_of_text, key_to_text
from ..writes.bulk import change_all, delete_all
from ..writes.change import change
from ..writes.create import create
from ..writes.delete import delete
from ..writes.locking import check
from ..writes.preview import preview
from ..writes.selection import bad_body, selected
from ..writes.stored import locked
from ..writes.unit import writing

if TYPE_CHECKING:
    from ..http.message import Response
    from ..security.rights import Rights

__all__ = ["ROUTES"]


async def _create(call: Call) -> Response:
    rights = call.rights(action="create")
    await rights.require("create")
    data = await call.json()
    async with writing(rights) as client:
        record = await create(call, rights, data, client)
        answer = await _record(rights, record, client, 201)
    resource = rights.resource
    key = key_to_text(resource, resource.key_of(record)) if resource.keys else None
    path = f"{call.request.mount}/api/{resource.slug}"
    return answer.with_headers({"location": path if key is None else f"{path}/{key}"})


async def _change(call: Call) -> Response:
    rights = call.rights(action="change")
    await rights.require("change")
    data = await call.json()
    key = key_of_text(rights.resource, call.params["pk"])
    async with writing(rights) as client:
        record = await _locked(rights, key, client)
        if record is None:
            raise RecordNotFoundError
        await rights.require("change", record)
        await check(rights, record, call.request.header("if-match"), client)
        return await _record(rights, await change(call, rights, record, data, client), client)


async def _delete(call: Call) -> Response:
    rights = call.rights(action="delete")
    await rights.require("delete")
    key = key_of_text(rights.resource, call.params["pk"])
    async with writing(rights) as client:
        record = await _locked(rights, key, client)
        if record is None:
            return await json_response({"deleted": 0})
        await rights.require("delete", record)
        await check(rights, record, call.request.header("if-match"), client)
        return await json_response({"deleted": await delete(rights, record, client)})


async def _bulk_change(call: Call) -> Response:
    rights = call.rights(action="change")
    await rights.require("change")
    body = await call.json()
    data = body.get("data")
    if not isinstance(data, dict):
        raise bad_body("data is an object.")
    async with writing(rights) as client:
        query = await selected(call, rights, body, client)
        return await json_response({"updated": await change_all(call, rights, query, data, client)})


async def _bulk_delete(call: Call) -> Response:
    rights = call.rights(action="delete")
    await rights.require("delete")
    body = await call.json()
    async with writing(rights) as client:
        query = await selected(call, rights, body, client)
        return await json_response({"deleted": await delete_all(rights, query, client)})


async def _preview(call: Call) -> Response:
    rights = call.rights(action="delete")
    await rights.require("delete")
    query = await selected(call, rights, await call.json())
    return await json_response(await preview(rights, query))


async def _locked(rights: Rights, key: Key, client: Any) -> Any:
    found = await locked(rights, [key], client)
    return found[0] if found else None


async def _record(rights: Rights, record: Any, client: Any, status: int = 200) -> Response:
    """The record as a GET would show it, read before the transaction ends."""
    answer = await shown(rights, record, client=client)
    response = await json_response(answer.record, status)
    if rights.resource.keys:
        response.with_headers({"etag": answer.etag})
    if answer.truncated:
        response.with_headers({"x-admin-truncated": ", ".join(answer.truncated)})
    return response


ROUTES = (
    Route("POST", "/api/{m}", _create),
    Route("PATCH", "/api/{m}/{pk}", _change),
    Route("DELETE", "/api/{m}/{pk}", _delete),
    Route("POST", "/api/{m}/bulk-update", _bulk_change),
    Route("POST", "/api/{m}/bulk-delete", _bulk_delete),
    Route("POST", "/api/{m}/-/delete-preview", _preview, reads="model"),
)
