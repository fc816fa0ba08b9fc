"""Which route a raw path means, and which paths mean nothing (contract, 6.1)."""

from __future__ import annotations

import pytest

from oxyde_admin.exceptions import AdminError
from oxyde_admin.http.call import Call, Route
from oxyde_admin.http.message import Response
from oxyde_admin.http.router import Router, read_path


async def nothing(call: Call) -> Response:
    return Response()


PATTERNS = [
    "GET /api/{m}/{pk}",
    "GET /api/{m}",
    "POST /api/{m}",
    "PATCH /api/{m}/{pk}",
    "GET /api/models",
    "GET /api/config",
    "POST /api/login",
    "GET /api/models/counts",
    "GET /api/{m}/schema",
    "GET /api/{m}/options",
    "POST /api/{m}/bulk-delete",
    "GET /api/{m}/{pk}/-/history",
    "GET /api/-/audit",
    "POST /api/{m}/-/actions/{name}",
]


@pytest.fixture(params=["as declared", "reversed"])
def router(request: pytest.FixtureRequest) -> Router:
    routes = [Route(*line.split(), nothing) for line in PATTERNS]
    return Router(routes if request.param == "as declared" else reversed(routes))


def found(router: Router, method: str, raw: str) -> tuple[str, dict[str, str]]:
    route, params = router.find(method, read_path(raw).segments)
    return route.pattern, params


@pytest.mark.parametrize(
    ("raw", "pattern", "params"),
    [
        ("/api/parcels", "/api/{m}", {"m": "parcels"}),
        ("/api/parcels/", "/api/{m}", {"m": "parcels"}),
        ("/api/models", "/api/models", {}),
        ("/api/models/counts", "/api/models/counts", {}),
        ("/api/parcels/7", "/api/{m}/{pk}", {"m": "parcels", "pk": "7"}),
        ("/api/parcels/schema", "/api/{m}/schema", {"m": "parcels"}),
        ("/api/~63onfig", "/api/{m}", {"m": "~63onfig"}),
        ("/api/~63onfig/~6Fptions", "/api/{m}/{pk}", {"m": "~63onfig", "pk": "~6Fptions"}),
        ("/api/tags/a%20b%C3%A4", "/api/{m}/{pk}", {"m": "tags", "pk": "a bä"}),
        ("/api/tags/a~2Fb", "/api/{m}/{pk}", {"m": "tags", "pk": "a~2Fb"}),
        ("/api/%70arcels/%37", "/api/{m}/{pk}", {"m": "parcels", "pk": "7"}),
        ("/%61pi/config", "/api/config", {}),
        ("/api/-/audit", "/api/-/audit", {}),
        ("/api/parcels/7/-/history", "/api/{m}/{pk}/-/history", {"m": "parcels", "pk": "7"}),
    ],
)
def test_the_route_of_a_path(router: Router, raw: str, pattern: str, params: dict[str, str]) -> None:
    assert found(router, "GET", raw) == (pattern, params)
    assert found(router, "HEAD", raw) == (pattern, params)


@pytest.mark.parametrize(
    "raw",
    [
        "/api",
        "/api/",
        "/api/nothing/7/8",
        "/api/parcels//",
        "/api//parcels",
        "/api/-",
        "/api/-/7",
        "/api/parcels/-",
        "/api/parcels/create",
        "/api/api",
        "/api/assets/7",
        "/api/login/7",
        "/api/config/schema",
        "/api/models/schema",
        "/api/-/-/history",
    ],
)
def test_unknown_paths(router: Router, raw: str) -> None:
    with pytest.raises(AdminError) as raised:
        found(router, "GET", raw)
    assert (raised.value.status, raised.value.code) == (404, "unknown_path")


@pytest.mark.parametrize(
    "raw",
    [
        "/api/../config",
        "/api/%2e%2e/config",
        "/api/.%2E/config",
        "/api/./config",
        "/api/parcels/a%2Fb",
        "/api/parcels/a%5Cb",
        "/api/parcels/a\\b",
        "/api/parcels/a%00",
        "/api/parcels/%ff",
        "/assets/..%2findex.html",
        "/..%2fapi",
    ],
)
def test_tricks_are_no_paths(raw: str) -> None:
    with pytest.raises(AdminError) as raised:
        read_path(raw)
    assert (raised.value.status, raised.value.code) == (404, "unknown_path")


@pytest.mark.parametrize(
    ("method", "raw", "allowed"),
    [
        ("DELETE", "/api/parcels", "GET, HEAD, POST"),
        ("PUT", "/api/parcels/7", "GET, HEAD, PATCH"),
        ("GET", "/api/login", "POST"),
        ("POST", "/api/parcels/options", "GET, HEAD"),
        ("OPTIONS", "/api/config", "GET, HEAD"),
        ("GET", "/api/parcels/bulk-delete", "POST"),
    ],
)
def test_other_methods_are_named(router: Router, method: str, raw: str, allowed: str) -> None:
    with pytest.raises(AdminError) as raised:
        found(router, method, raw)
    assert (raised.value.status, raised.value.code) == (405, "method")
    assert raised.value.headers == {"Allow": allowed}


def test_two_routes_for_the_same_request_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two routes for GET /api/config"):
        Router([Route("GET", "/api/config", nothing), Route("GET", "/api/config", nothing)])


@pytest.mark.parametrize(
    ("raw", "area"),
    [
        ("/", "page"),
        ("", "page"),
        ("/parcels/7", "page"),
        ("/apiary", "page"),
        ("/api", "api"),
        ("/api/x", "api"),
        ("/assets", "assets"),
        ("/assets/a.js", "assets"),
        ("/assetsx", "page"),
    ],
)
def test_whose_a_path_is(raw: str, area: str) -> None:
    assert read_path(raw).area == area
