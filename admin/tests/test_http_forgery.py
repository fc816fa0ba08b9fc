"""Requests that somebody else's page sends, and requests of nobody (contract, 8.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from client import Client

from oxyde import AsyncDatabase
from oxyde_admin import AdminUser, AuthProvider, AuthRequest
from oxyde_admin.api import routes
from oxyde_admin.http.message import Request
from oxyde_admin.http.origin import behind_proxies
from oxyde_admin.site import AdminSite

NewPanel = Callable[..., AdminSite]
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
PUBLIC = {("GET", "/api/config"), ("POST", "/api/login"), ("POST", "/api/-/session")}


class Nobody(AuthProvider):
    """Knows no one, and counts who asks."""

    asked = 0

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        type(self).asked += 1
        return None


def filled(pattern: str) -> str:
    for name, value in {"m": "depots", "pk": "1", "name": "x", "field": "x"}.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern


def every_request() -> list[tuple[str, str]]:
    paths = sorted({route.pattern for route in routes()})
    methods = ("GET", "HEAD", "OPTIONS", *UNSAFE)
    return [(method, path) for path in (*paths, "/api", "/api/nothing/at/all/here") for method in methods]


async def test_every_path_and_method_needs_a_user(database: AsyncDatabase, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Nobody(), audit=True))
    wrong = []
    for method, pattern in every_request():
        if (method.replace("HEAD", "GET"), pattern) in PUBLIC:
            continue
        answer = await client.request(method, filled(pattern), data={} if method in UNSAFE else None)
        body = b"" if method == "HEAD" else b'{"detail":"Unauthorized"}'
        if (answer.status, answer.content) != (401, body):
            wrong.append((method, pattern, answer.status, answer.content))
    assert not wrong


async def test_the_page_and_assets_need_no_user(new_panel: NewPanel) -> None:
    Nobody.asked = 0
    client = Client(new_panel(auth_provider=Nobody()))
    for path in ("/", "/depots/1", "/login", "/assets/x.js"):
        assert (await client.get(path)).status in (200, 404)
    assert Nobody.asked == 0


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "Cross-Site", "origin": "http://panel.test"},
        {"origin": "http://evil.test"},
        {"origin": "null"},
        {"origin": "http://panel.test:8080"},
        {"origin": "http://panel.test.evil.test"},
        {"origin": "file://"},
        {"origin": "http://[bad"},
        {"origin": ""},
    ],
    ids=repr,
)
async def test_cross_site_requests_are_refused(
    new_panel: NewPanel, method: str, headers: dict[str, str]
) -> None:
    Nobody.asked = 0
    client = Client(new_panel(auth_provider=Nobody()))
    answer = await client.request(method, "/api/depots/1", data={}, headers=headers)
    assert (answer.status, answer.json()["code"]) == (403, "csrf")
    assert Nobody.asked == 0, "something was executed"


async def test_logging_somebody_in_from_elsewhere_is_refused(new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Nobody()))
    for path in ("/api/login", "/api/-/session"):
        answer = await client.post(path, {}, headers={"sec-fetch-site": "cross-site"})
        assert (answer.status, answer.json()["code"]) == (403, "csrf")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "https://seen-otherwise.test"},
        {"origin": "http://panel.test"},
        {"origin": "https://panel.test"},
        {"origin": "http://PANEL.test:80"},
        {"origin": "https://panel.test:443"},
        {"sec-fetch-site": "cross-site", "origin": "https://shop.example:8443"},
        {"origin": "HTTPS://shop.example:8443"},
    ],
    ids=repr,
)
async def test_requests_of_our_own_page_and_of_trusted_origins_pass(
    new_panel: NewPanel, headers: dict[str, str]
) -> None:
    client = Client(new_panel(auth_provider=Nobody(), trusted_origins=["https://Shop.example:8443/"]))
    answer = await client.request("DELETE", "/api/depots/1", headers=headers)
    assert answer.status == 401  # not forged; only nobody


async def test_reading_from_elsewhere_is_no_forgery(new_panel: NewPanel) -> None:
    answer = await Client(new_panel()).get("/api/config", headers={"sec-fetch-site": "cross-site"})
    assert answer.status == 200
    assert not any(name.startswith("access-control") for name in answer.headers)


# --- proxies ------------------------------------------------------------------------------------


def seen(proxies: int, **headers: str) -> tuple[Any, ...]:
    request = Request(
        "GET",
        "/",
        mount="/admin",
        client="10.0.0.1",
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
    )
    request = behind_proxies(request, proxies)
    return request.client, request.scheme, request.mount


def test_without_trusted_proxies_their_headers_are_nothing() -> None:
    told = {"x_forwarded_for": "1.1.1.1", "x_forwarded_proto": "https", "x_forwarded_prefix": "/p"}
    assert seen(0, **told) == ("10.0.0.1", "http", "/admin")


def test_only_the_entries_of_trusted_proxies_count() -> None:
    assert seen(1, x_forwarded_for="6.6.6.6, 1.1.1.1")[0] == "1.1.1.1"
    assert seen(2, x_forwarded_for="6.6.6.6, 1.1.1.1, 2.2.2.2")[0] == "1.1.1.1"
    assert seen(2, x_forwarded_for="1.1.1.1")[0] == "1.1.1.1"
    assert seen(1)[0] == "10.0.0.1"
    assert seen(1, x_forwarded_for="1.1.1.1:4711")[0] == "1.1.1.1"
    assert seen(1, x_forwarded_for="[2001:db8::1]:4711")[0] == "2001:db8::1"
    assert seen(1, x_forwarded_for="2001:db8::1")[0] == "2001:db8::1"
    assert seen(1, x_forwarded_proto="https")[1] == "https"
    assert seen(1, x_forwarded_proto="http, https")[1] == "https"
    assert seen(1, x_forwarded_proto="gopher")[1] == "http"


@pytest.mark.parametrize(
    ("prefix", "mount"),
    [
        ("/proxy", "/proxy/admin"),
        ("/a/b", "/a/b/admin"),
        ("", "/admin"),
        ("/admin", "/admin"),
        ("//evil.test", "/admin"),
        ('/"><script>', "/admin"),
        ("/a/", "/admin"),
        ("/a; Path=/", "/admin"),
    ],
)
def test_a_stripped_prefix_belongs_to_the_mount(prefix: str, mount: str) -> None:
    assert seen(1, x_forwarded_prefix=prefix)[2] == mount
