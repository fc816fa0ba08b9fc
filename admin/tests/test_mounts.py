"""Where the panel lies: below root_path, behind proxies that strip a prefix or do not (contract, 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import depots
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from oxyde_admin import FastAPIAdmin
from oxyde_admin.adapters.paths import locate, locate_by_rest, split_path
from oxyde_admin.http.call import Call, Route
from oxyde_admin.http.reply import json_response
from oxyde_admin.http.router import Router

NewPanel = Callable[..., Any]


def scope(path: str, root: str = "", raw: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"path": path, "root_path": root}
    return made if raw is None else {**made, "raw_path": raw.encode()}


@pytest.mark.parametrize(
    ("raw", "segments", "rest"),
    [
        ("/a/b/c", 1, "/b/c"),
        ("/a/b/c", 3, ""),
        ("/a/", 1, "/"),
        ("//a//b", 1, "//b"),
        ("/a", 5, ""),
        ("", 0, ""),
        ("/a%2Fb/c", 1, "/c"),
    ],
)
def test_splitting_paths(raw: str, segments: int, rest: str) -> None:
    assert split_path(raw, segments) == rest


@pytest.mark.parametrize(
    ("where", "root", "prefix", "mount", "below"),
    [
        (scope("/admin/api"), "", "/admin", "/admin", "/api"),
        (scope("/admin"), "", "/admin", "/admin", ""),
        (scope("/admin/a b"), "", "/admin", "/admin", "/a%20b"),
        (scope("/admin/a/b", raw="/admin/a%2Fb"), "", "/admin", "/admin", "/a%2Fb"),
        (scope("/admin/x", raw="/admin/x?y=/z"), "", "/admin", "/admin", "/x"),
        # the proxy strips, and the server puts the prefix back
        (scope("/tools/admin/x", "/tools"), "/tools", "/admin", "/tools/admin", "/x"),
        # the proxy strips, and nobody puts it back
        (scope("/admin/x", "/tools"), "/tools", "/admin", "/tools/admin", "/x"),
        (scope("/büro/x"), "", "/büro", "/b%C3%BCro", "/x"),
        (scope("/x"), "", "", "", "/x"),
        (scope("/x", "/tools"), "/tools", "", "/tools", "/x"),
    ],
)
def test_a_known_prefix(where: dict[str, Any], root: str, prefix: str, mount: str, below: str) -> None:
    assert locate(where, root, prefix) == (mount, below)


@pytest.mark.parametrize(
    ("where", "rest", "mount", "below"),
    [
        (scope("", raw="/admin/api/x"), "/api/x/", "/admin", "/api/x"),
        (scope("", raw="/admin/"), "/", "/admin", "/"),
        (scope("", raw="/admin"), "/", "/admin", ""),
        (scope("", raw="/a/b//api//x/"), "/api/x/", "/a/b", "//api//x/"),
        (scope("", raw="/admin/a%2Fb"), "/a/b/", "/admin", "/a%2Fb"),
        (scope("", "/tools", "/tools/admin/x"), "/x/", "/tools/admin", "/x"),
        (scope("", "/tools", "/admin/x"), "/x/", "/tools/admin", "/x"),
        (scope("", raw="/x"), "/x/", "", "/x"),
    ],
)
def test_a_known_rest(where: dict[str, Any], rest: str, mount: str, below: str) -> None:
    assert locate_by_rest(where, rest) == (mount, below)


async def echo(call: Call) -> Any:
    return await json_response([call.request.mount, call.request.path])


def panel() -> FastAPIAdmin:
    made = FastAPIAdmin()
    made.register(depots.Depot)
    made.router = Router([Route("GET", "/api/-/echo", echo)])
    return made


async def seen(app: Any, path: str, root_path: str = "") -> Any:
    transport = httpx.ASGITransport(app, root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://panel.test") as client:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def test_fastapi_below_what_there_may_be() -> None:
    host = FastAPI()
    host.mount("/backoffice", panel().app)
    assert await seen(host, "/backoffice/api/-/echo") == ["/backoffice", "/api/-/echo"]
    # behind a proxy that strips: the server is told, and puts the prefix in front of the path or not
    below = ["/tools/backoffice", "/api/-/echo"]
    assert await seen(host, "/tools/backoffice/api/-/echo", root_path="/tools") == below
    assert await seen(host, "/backoffice/api/-/echo", root_path="/tools") == below


async def test_fastapi_in_other_applications() -> None:
    outer = Starlette(routes=[Mount("/a", app=Starlette(routes=[Mount("/b", app=panel().app)]))])
    assert await seen(outer, "/a/b/api/-/echo") == ["/a/b", "/api/-/echo"]
    tenants = Starlette(routes=[Mount("/t/{tenant}/admin", app=panel().app)])
    assert await seen(tenants, "/t/küste/admin/api/-/echo") == ["/t/k%C3%BCste/admin", "/api/-/echo"]
    assert await seen(panel().app, "/api/-/echo") == ["", "/api/-/echo"]
