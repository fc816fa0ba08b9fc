"""The route of custom actions (contract, 4 and 7)."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from ..http.call import Call, Route
from ..http.reply import attachment, json_response
from ..writes.actions import run_action

if TYPE_CHECKING:
    from ..http.message import Response

__all__ = ["ROUTES"]


async def _run(call: Call) -> Response:
    result = await run_action(call, call.params["name"], await call.json())
    if result.content is not None:
        name = result.filename or "download"
        return attachment(result.content, name, mimetypes.guess_type(name)[0] or "application/octet-stream")
    return await json_response(
        {
            "message": result.message,
            "level": result.level,
            "refresh": result.refresh,
            "redirect": result.redirect,
        }
    )


ROUTES = (Route("POST", "/api/{m}/-/actions/{name}", _run),)
