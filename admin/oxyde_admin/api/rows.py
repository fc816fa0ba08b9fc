"""Reading: lists, records, options, inlines, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..exceptions import InvalidParameterError, RecordNotFoundError
from ..http.call import Call, Route
from ..http.reply import attachment, json_response
from ..rows.choices import choices
from ..rows.find import by_key, one, shown
from ..rows.inlines import inline_page
from ..rows.lists import page
from ..values.keys import key_of_text
from ..values.records import is_blob

if TYPE_CHECKING:
    from ..http.message import Response

__all__ = ["ROUTES"]


async def list_records(call: Call) -> Response:
    """GET /api/{m}"""
    rights = call.rights()
    await rights.require("view")
    found = await page(rights, call.arguments)
    response = await json_response(found.content())
    return response.with_headers(_truncated(found.truncated))


def _truncated(names: list[str]) -> dict[str, str]:
    return {"X-Admin-Truncated": ", ".join(names)} if names else {}


async def get_record(call: Call) -> Response:
    """GET /api/{m}/{pk}"""
    rights = call.rights()
    await rights.require("view")
    obj = await one(rights, call.params["pk"])
    await rights.require("view", obj)
    found = await shown(rights, obj)
    fixed = await rights.readonly(obj)
    response = await json_response(found.record)
    return response.with_headers(
        {
            "ETag": found.etag,
            "X-Admin-Allow": ", ".join(await rights.actions(obj)),
            # Hidden fields are read-only too, and not to be named.
            "X-Admin-Readonly": ", ".join(
                [
                    *(field.name for field in await rights.visible() if field.name in fixed),
                    *rights.resource.form_columns(),
                ]
            ),
            **_truncated(found.truncated),
        }
    )


async def list_options(call: Call) -> Response:
    """GET /api/{m}/options"""
    rights = call.rights()
    await rights.require("view")
    if not rights.resource.keys:
        raise RecordNotFoundError("Records without a key cannot be chosen.")
    try:
        limit = int(call.argument("limit") or 25)
    except ValueError as error:
        raise InvalidParameterError("limit must be a whole number.") from error
    include = [value for name, value in call.arguments if name == "include"]
    search = call.argument("search") or ""
    return await json_response(await choices(rights, search=search, limit=limit, include=include))


async def list_inline(call: Call) -> Response:
    """GET /api/{m}/{pk}/-/inlines/{name}"""
    rights = call.rights()
    await rights.require("view")
    parent = await one(rights, call.params["pk"])
    await rights.require("view", parent)
    found = await inline_page(rights, parent, call.params["name"], call.arguments)
    response = await json_response({**found.content(), "etags": found.etags})
    return response.with_headers(_truncated(found.truncated))


async def get_blob(call: Call) -> Response:
    """GET /api/{m}/{pk}/-/blob/{field}"""
    rights = call.rights()
    await rights.require("view")
    resource, key = rights.resource, key_of_text(rights.resource, call.params["pk"])
    obj = await by_key(rights, key)
    await rights.require("view", obj)
    name = resource.name_of(call.params["field"])
    field = resource.fields.get(name or "")
    if field is None or field.name in await rights.hidden() or field.shape != "column" or not is_blob(field):
        raise RecordNotFoundError("There is no such file.")
    content = getattr(obj, field.name)
    if not isinstance(content, bytes):
        raise RecordNotFoundError("There is no such file.")
    filename = f"{resource.slug}-{call.params['pk']}-{field.name}.bin"
    return attachment(content, filename, "application/octet-stream")


ROUTES = (
    Route("GET", "/api/{m}", list_records, reads="model"),
    Route("GET", "/api/{m}/options", list_options, reads="model"),
    Route("GET", "/api/{m}/{pk}", get_record, reads="model"),
    Route("GET", "/api/{m}/{pk}/-/inlines/{name}", list_inline, reads="model"),
    Route("GET", "/api/{m}/{pk}/-/blob/{field}", get_blob, reads="model"),
)
