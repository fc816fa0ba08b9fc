"""Routes of export and import (contract, 7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http.call import Call, Route
from ..http.reply import attachment, json_response
from ..transfer.export import prepare
from ..transfer.imports import run

if TYPE_CHECKING:
    from ..http.message import Response

__all__ = ["ROUTES"]


async def export(call: Call) -> Response:
    """GET /api/{m}/export"""
    rights = call.rights(action="export")
    await rights.require("export")
    found = await prepare(call, rights)
    return attachment(found.body, found.filename, found.media_type)


async def import_(call: Call) -> Response:
    """POST /api/{m}/-/import"""
    rights = call.rights(action="import")
    return await json_response(await run(call, rights))


ROUTES = (
    Route("GET", "/api/{m}/export", export),
    Route("POST", "/api/{m}/-/import", import_),
)
