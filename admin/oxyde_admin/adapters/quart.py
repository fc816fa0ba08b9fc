"""Quart: `panel.init_app(host)`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import quart
from quart.routing import QuartRule
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter, PathConverter

from ..http.message import BodyTooLongError, Response
from .asgi import make_request
from .base import AbstractAdapter
from .paths import locate

__all__ = ["QuartAdmin"]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


class _Rest(PathConverter):
    """Everything that follows, empty segments and line ends included."""

    regex = "(?s:.*)"
    part_isolating = False


class _PanelRule(QuartRule):
    """A rule with a converter of its own, so that none need be added to the host."""

    def get_converter(
        self, variable_name: str, converter_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> BaseConverter:
        return _Rest(self.map)


class QuartAdmin(AbstractAdapter):
    """The panel as rules below `prefix`."""

    def init_app(self, host: quart.Quart) -> None:
        """Adds the panel to an application."""
        prefix = self.settings.prefix
        endpoint = f"oxyde_admin:{prefix}"
        host.view_functions[endpoint] = self._answer
        for path in {prefix or "/", f"{prefix}/<rest>"}:
            host.url_map.add(
                _PanelRule(
                    path,
                    methods=_METHODS,
                    endpoint=endpoint,
                    strict_slashes=True,
                    merge_slashes=False,
                    provide_automatic_options=False,
                )
            )

    def build_app(self) -> quart.Quart:
        """An application with nothing but the panel below `prefix`."""
        app = quart.Quart("oxyde_admin", static_folder=None)
        self.init_app(app)
        return app

    async def _answer(self, rest: str = "") -> quart.Response:
        request: Any = quart.request
        scope = request.scope
        answer = await self.handle(
            make_request(
                scope,
                locate(scope, scope.get("root_path", "").rstrip("/"), self.settings.prefix),
                body=_body(request.body),
                gone=None,  # Quart itself cancels the task that answers
                native=request._get_current_object(),
            )
        )
        return _native(answer)


async def _body(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in body:
            yield chunk
    except RequestEntityTooLarge:  # the host's own limit
        raise BodyTooLongError from None


def _native(response: Response) -> quart.Response:
    streamed = not isinstance(response.body, bytes)
    native = quart.Response(response.stream() if streamed else response.body, response.status)
    native.headers.clear()
    for name, value in response.headers:
        native.headers.add(name, value)
    if streamed:
        native.timeout = None  # an export takes as long as its client reads
    return native
