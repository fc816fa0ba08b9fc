"""The request and the response that pass between an adapter and the panel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BodyTooLongError", "ClientGoneError", "Request", "Response"]


class ClientGoneError(ConnectionError):
    """The client closed the connection: nobody waits for an answer. Raised by bodies of both ways."""


class BodyTooLongError(Exception):
    """The host's own limit was met while a body was read."""


@dataclass(slots=True)
class Request:
    """One HTTP request below the mount.

    `path` is the raw (percent-encoded) path below the mount and begins with "/"; `mount` is the path
    at which the browser sees the panel, without a trailing slash ("" at the root). `headers` have
    lower-case names and may repeat. `body` yields the chunks as they arrive; nobody has read any.
    `gone` returns when the client has gone away; it is called at most once, after the body is read.
    `native` is the framework's own request.
    """

    method: str
    path: str
    query: str = ""
    mount: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: AsyncIterator[bytes] | None = None
    client: str | None = None
    scheme: str = "http"
    native: Any = None
    gone: Callable[[], Awaitable[None]] | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name; of equal names the first, which has the longest path."""
        found: dict[str, str] = {}
        for key, line in self.headers:
            if key == "cookie":
                for part in line.split(";"):
                    name, sign, value = part.strip().partition("=")
                    if sign:
                        found.setdefault(name, value)
        return found


@dataclass(slots=True)
class Response:
    """One HTTP response. `body` is complete bytes, or an iterator that streams.

    The adapter sends `headers` as they are, in order; names are in lower case. For HEAD it sends no
    body. It closes the iterator (`aclose`) however the sending ends.
    """

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncIterator[bytes] = b""

    def with_headers(self, more: Mapping[str, str] | Iterable[tuple[str, str]]) -> Response:
        """Adds headers and gives the response itself."""
        pairs = more.items() if isinstance(more, Mapping) else more
        self.headers.extend((name.lower(), value) for name, value in pairs)
        return self

    async def close(self) -> None:
        """Ends a streamed body; what it does on the server ends with it."""
        close = getattr(self.body, "aclose", None)
        if close is not None:
            await close()

    async def stream(self) -> AsyncIterator[bytes]:
        """A streamed body that closes itself, for frameworks that only iterate."""
        assert not isinstance(self.body, bytes)
        try:
            async for chunk in self.body:
                yield chunk
        except ClientGoneError:
            return
        finally:
            await self.close()
