"""ASGI messages and what the panel makes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from ..http.message import ClientGoneError, Request, Response
from ..site import AdminSite

__all__ = ["Locate", "PanelApp", "make_request"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Locate = Callable[[Mapping[str, Any]], tuple[str, str]]


def make_request(
    scope: Mapping[str, Any],
    place: tuple[str, str],
    *,
    body: AsyncIterator[bytes] | None,
    gone: Callable[[], Awaitable[None]] | None,
    native: Any,
) -> Request:
    """The request of an HTTP scope; `place` is the mount and the raw path below."""
    client = scope.get("client")
    return Request(
        method=scope["method"].upper(),
        path=place[1],
        query=str(scope.get("query_string", b""), "latin-1"),
        mount=place[0],
        headers=tuple(
            (str(name, "latin-1").lower(), str(value, "latin-1")) for name, value in scope["headers"]
        ),
        body=body,
        client=client[0] if client else None,
        scheme=scope.get("scheme", "http"),
        native=native,
        gone=gone,
    )


class PanelApp:
    """An ASGI application that is nothing but the panel."""

    def __init__(self, site: AdminSite, locate: Locate, native: Callable[[Any], Any]) -> None:
        self._site = site
        self._locate = locate
        self._native = native

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one scope."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            request = make_request(
                scope,
                self._locate(scope),
                body=_body(receive),
                gone=lambda: wait_for_the_end(receive),
                native=self._native(scope),
            )
            await _send(await self._site.handle(request), send)


async def _live(receive: Receive, send: Send) -> None:
    """Starts and stops without doing anything: connections are the application's."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def wait_for_the_end(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(response: Response, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    body = response.body
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    if isinstance(body, bytes):
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    try:
        await send(start)
        async for chunk in body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except ClientGoneError:
        return
    finally:
        await response.close()
