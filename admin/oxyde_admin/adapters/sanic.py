"""Sanic: `host.blueprint(panel.blueprint)`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import cached_property
from itertools import count
from typing import Any

import sanic
from sanic.compat import Header

from ..http.message import ClientGoneError, Request, Response
from .base import AbstractAdapter
from .paths import split_path

__all__ = ["SanicAdmin"]

# Sanic knows its applications by name.
_numbers = count(1)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class SanicAdmin(AbstractAdapter):
    """The panel as a blueprint below `prefix`."""

    @cached_property
    def blueprint(self) -> sanic.Blueprint:
        """The blueprint, made when first asked for."""
        prefix = self.settings.prefix
        blueprint = sanic.Blueprint(f"oxyde_admin{re.sub('[^a-zA-Z0-9]', '_', prefix)}", url_prefix=prefix)

        # A function, since Sanic marks handlers and a method cannot be marked.
        async def answer(request: sanic.Request, rest: str = "") -> sanic.HTTPResponse | None:
            return await self._answer(request)

        for number, rule in enumerate(("/", "/<rest:path>")):
            blueprint.add_route(
                answer,
                rule,
                methods=_METHODS,
                stream=True,
                name=f"panel_{number}",
                strict_slashes=False,
            )
        return blueprint

    def register_exception_handlers(self, host: sanic.Sanic[Any, Any]) -> None:
        """Does nothing: the panel answers its own errors. Kept for projects that call it."""

    def build_app(self) -> sanic.Sanic[Any, Any]:
        """An application with nothing but the panel below `prefix`."""
        app: sanic.Sanic[Any, Any] = sanic.Sanic(f"oxyde_admin_{next(_numbers)}")
        app.blueprint(self.blueprint)
        return app

    async def _answer(self, request: sanic.Request) -> sanic.HTTPResponse | None:
        prefix = self.settings.prefix
        answer = await self.handle(
            Request(
                method=request.method,
                path=split_path(request.path, prefix.count("/")),
                query=request.query_string,
                mount=prefix,
                headers=tuple((name.lower(), value) for name, value in request.headers.items()),
                body=_body(request),
                client=request.conn_info.client_ip if request.conn_info else None,
                scheme="https" if request.conn_info and request.conn_info.ssl else "http",
                native=request,
                gone=None,  # Sanic itself cancels the task that answers
            )
        )
        return await _send(request, answer)


async def _body(request: sanic.Request) -> AsyncIterator[bytes]:
    while request.stream is not None:
        chunk = await request.stream.read()  # type: ignore[attr-defined]
        if chunk is None:
            return
        yield chunk


async def _send(request: sanic.Request, response: Response) -> sanic.HTTPResponse | None:
    headers = Header([(name, value) for name, value in response.headers if name != "content-type"])
    kind = next((value for name, value in response.headers if name == "content-type"), None)
    body = response.body
    if isinstance(body, bytes):
        return sanic.HTTPResponse(body, response.status, headers, kind)
    try:
        native: Any = await request.respond(status=response.status, headers=headers, content_type=kind)
        # Headers first: Sanic would take a stream without a chunk for a body of length 0.
        await native.send(b"", end_stream=False)
        async for chunk in body:
            await native.send(chunk)
        await native.eof()
    except ClientGoneError:
        pass
    except Exception:
        # Sanic would end the answer properly, and half of an export would look like all of it.
        transport: Any = request.transport
        if transport is not None:
            transport.abort()
        raise
    finally:
        await response.close()
    return None
