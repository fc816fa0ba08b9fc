"""A client inside the process: builds the requests that an adapter would build."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from oxyde_admin.http.message import Request, Response

if TYPE_CHECKING:
    from oxyde_admin.site import AdminSite


@dataclass
class Answer:
    """A response that was read to its end."""

    status: int
    pairs: list[tuple[str, str]]
    content: bytes

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Keeps cookies and sends the CSRF token of a session, as the front end does."""

    def __init__(self, site: AdminSite, *, mount: str = "/admin", address: str | None = "127.0.0.1") -> None:
        self.site = site
        self.mount = mount
        self.address = address
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {"host": "panel.test"}

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Any = None,
        data: Any = None,
        body: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """`data` is sent as JSON; `query` is a mapping or pairs; `more` are fields of Request."""
        path, _, inline = path.partition("?")
        sent = {**self.headers, **{name.lower(): value for name, value in (headers or {}).items()}}
        if self.cookies:
            sent.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if data is not None:
            body = json.dumps(data).encode()
            sent.setdefault("content-type", "application/json")
        request = Request(
            method=method,
            path=path,
            query=urlencode(query, doseq=True) if query else inline,
            mount=self.mount,
            headers=tuple(sent.items()),
            body=_once(body) if isinstance(body, bytes) else body,
            client=self.address,
            **more,
        )
        return self._taken(await read(await self.site.handle(request)))

    def _taken(self, answer: Answer) -> Answer:
        for name, line in answer.pairs:
            if name == "set-cookie":
                cookie, _, value = line.partition(";")[0].partition("=")
                self.cookies[cookie] = value
        return answer

    async def login(self, **credentials: Any) -> Answer:
        """Opens a session and remembers its CSRF token."""
        answer = await self.post("/api/-/session", credentials)
        if answer.status == 200:
            self.headers["x-csrf-token"] = answer.json()["csrf"]
        return answer

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.request("GET", path, **more)

    async def post(self, path: str, data: Any = None, **more: Any) -> Answer:
        return await self.request("POST", path, data=data, **more)

    async def patch(self, path: str, data: Any = None, **more: Any) -> Answer:
        return await self.request("PATCH", path, data=data, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.request("DELETE", path, **more)


async def read(response: Response) -> Answer:
    """Reads a body as an adapter does: to its end, and closes it."""
    if isinstance(response.body, bytes):
        return Answer(response.status, response.headers, response.body)
    content = b""
    try:
        async for chunk in response.body:
            content += chunk
    finally:
        close = getattr(response.body, "aclose", None)
        if close is not None:
            await close()
    return Answer(response.status, response.headers, content)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
