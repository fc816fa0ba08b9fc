"""Falcon (ASGI): `panel.init_app(host)`."""

from __future__ import annotations

import re
from typing import Any

import falcon.asgi

from ..http.message import Response
from .asgi import make_request, wait_for_the_end
from .base import AbstractAdapter
from .paths import locate

__all__ = ["FalconAdmin"]


class FalconAdmin(AbstractAdapter):
    """The panel as a sink below `prefix`."""

    def init_app(self, host: falcon.asgi.App[Any, Any]) -> None:
        """Adds the panel to an application."""
        host.add_sink(self._answer, re.compile(f"{re.escape(self.settings.prefix)}(?=/|$)"))

    def build_app(self) -> falcon.asgi.App[Any, Any]:
        """An application with nothing but the panel below `prefix`."""
        app = falcon.asgi.App()
        self.init_app(app)
        return app

    async def _answer(self, req: falcon.asgi.Request, resp: Any, **groups: Any) -> None:
        if req.is_websocket:
            return  # never accepted, it is closed
        # Falcon tells of the end of a connection only to server-sent events.
        receive: Any = req._receive
        request = make_request(
            req.scope,
            locate(req.scope, req.scope.get("root_path", "").rstrip("/"), self.settings.prefix),
            body=req.stream.__aiter__(),
            gone=lambda: wait_for_the_end(receive),
            native=req,
        )
        _fill(resp, await self.handle(request))


def _fill(resp: falcon.asgi.Response, response: Response) -> None:
    resp.status = response.status
    for name, value in response.headers:
        resp.append_header(name, value)
    if isinstance(response.body, bytes):
        resp.data = response.body
    else:
        resp.stream = response.stream()
