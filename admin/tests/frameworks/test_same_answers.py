"""Below the mount the same request gives the same status, headers and body on all five frameworks."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wire import Answer, Host, served, wait_for

FRAMEWORKS = ("fastapi", "litestar", "sanic", "quart", "falcon")
SERVERS = {"quart": "hypercorn"}  # the server that comes with it


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Host]]:
    folder: Path = tmp_path_factory.mktemp("hosts")
    with contextlib.ExitStack() as stack:
        started = {
            name: stack.enter_context(
                served(name, f"sqlite:///{folder}/{name}.db", SERVERS.get(name, "uvicorn"))
            )
            for name in FRAMEWORKS
        }
        for host in started.values():
            wait_for(host)
        yield started


@pytest.fixture(params=FRAMEWORKS)
def host(request: pytest.FixtureRequest, hosts: dict[str, Host]) -> Host:
    return hosts[request.param]


def request(status: int, method: str, path: str, *, name: str | None = None, **more: Any) -> Any:
    return pytest.param(status, method, path, more, id=name or f"{method} {path}")


JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": "Bearer secret-token"}
REQUESTS = [
    # pages and assets
    request(200, "GET", "/admin/"),
    request(200, "HEAD", "/admin/"),
    request(405, "POST", "/admin/"),
    request(200, "GET", "/admin/parcels/7?x=1"),
    request(200, "GET", "/admin/docs"),
    request(200, "GET", "/admin/openapi.json"),
    request(200, "GET", "/admin/schema"),
    request(200, "GET", "/admin/redoc"),
    request(200, "GET", "/admin/assets/index-Ab3dEf7h.js"),
    request(
        200, "GET", "/admin/assets/index-Ab3dEf7h.js", headers={"Accept-Encoding": "gzip"}, name="compressed"
    ),
    request(200, "HEAD", "/admin/assets/index-Ab3dEf7h.js"),
    request(405, "DELETE", "/admin/assets/index-Ab3dEf7h.js"),
    request(404, "GET", "/admin/assets/"),
    request(404, "GET", "/admin/assets/nothing.js"),
    request(404, "GET", "/admin/assets/../index.html"),
    request(404, "GET", "/admin/assets/..%2findex.html"),
    request(404, "GET", "/admin/assets/%2e%2e/index.html"),
    # paths
    request(404, "GET", "/admin/api"),
    request(404, "GET", "/admin/api/"),
    request(200, "GET", "/admin/api/-/probe/echo"),
    request(200, "GET", "/admin/api/-/probe/echo/"),
    request(404, "GET", "/admin/api/-/probe/echo//"),
    request(200, "GET", "/admin//api/-/probe/echo"),
    request(404, "GET", "/admin/api//-/probe/echo"),
    request(200, "GET", "/admin/%61pi/-/probe/echo"),
    request(200, "GET", "/admin/api/-/probe/echo?a=1&a=%C3%A4&b=&c=+x"),
    request(400, "GET", "/admin/api/-/probe/echo?a=%ff"),
    request(200, "HEAD", "/admin/api/-/probe/echo"),
    request(405, "DELETE", "/admin/api/-/probe/echo"),
    request(405, "OPTIONS", "/admin/api/-/probe/echo"),
    request(405, "PUT", "/admin/api/-/probe/json", data={}),
    request(404, "GET", "/admin/api/../api/-/probe/echo"),
    request(404, "GET", "/admin/api/%2e%2e/-/probe/echo"),
    request(404, "GET", "/admin/api/x%2Fy"),
    request(404, "GET", "/admin/api/x%5Cy"),
    request(404, "GET", "/admin/api/x\\y"),
    request(404, "GET", "/admin/api/x%00y"),
    request(404, "GET", "/admin/api/x%FFy"),
    request(404, "GET", "/admin/api/a/b/c/d/e"),
    # errors
    request(500, "GET", "/admin/api/-/probe/fault"),
    request(500, "HEAD", "/admin/api/-/probe/fault"),
    # bodies
    request(200, "POST", "/admin/api/-/probe/json", data={"b": 1, "a": [1.5]}),
    request(400, "POST", "/admin/api/-/probe/json", data=[1]),
    request(400, "POST", "/admin/api/-/probe/json", body=b"{", headers=JSON, name="bad JSON"),
    request(400, "POST", "/admin/api/-/probe/json", body=b'{"a": NaN}', headers=JSON, name="NaN"),
    request(400, "POST", "/admin/api/-/probe/json", body=b'{"a": "\xff"}', headers=JSON, name="no UTF-8"),
    request(415, "POST", "/admin/api/-/probe/json", body=b"{}", name="no media type"),
    request(
        415,
        "POST",
        "/admin/api/-/probe/json",
        body=b"{}",
        headers={"Content-Type": "text/plain"},
        name="text",
    ),
    request(415, "POST", "/admin/api/-/probe/json", name="no body"),
    request(413, "POST", "/admin/api/-/probe/json", body=b" " * 100_001, headers=JSON, name="too large"),
    request(200, "POST", "/admin/api/-/probe/body", body=b"x" * 4_000_000, name="a large body"),
    # cross-site
    request(
        403,
        "POST",
        "/admin/api/-/probe/json",
        data={},
        headers={"Sec-Fetch-Site": "cross-site"},
        name="cross",
    ),
    request(
        200,
        "POST",
        "/admin/api/-/probe/json",
        data={},
        headers={"Sec-Fetch-Site": "same-origin"},
        name="same",
    ),
    request(
        403,
        "POST",
        "/admin/api/-/probe/json",
        data={},
        headers={"Origin": "https://evil.test"},
        name="origin",
    ),
    # somebody and nobody
    request(401, "GET", "/admin2/api/-/probe/echo"),
    request(401, "GET", "/admin2/api/-/probe/nothing"),
    request(200, "GET", "/admin2/api/-/probe/streams/"),
    request(401, "POST", "/admin2/api/depots", data={"name": "x"}),
    request(404, "GET", "/admin2/api/-/probe/nothing", headers=BEARER, name="unknown path, known user"),
    request(200, "POST", "/admin2/api/login", data={"email": "a@b.c", "password": "right"}, name="login"),
    request(
        401, "POST", "/admin2/api/login", data={"email": "a@b.c", "password": "wrong"}, name="wrong login"
    ),
    request(422, "POST", "/admin2/api/login", data={}, name="empty login"),
    request(404, "POST", "/admin/api/login", data={}, name="login of a panel without"),
    request(401, "GET", "/admin2/api/-/session"),
    request(200, "GET", "/admin2/api/-/session", headers=BEARER, name="session of a token"),
    request(401, "DELETE", "/admin2/api/-/session"),
    # models and keys with the names of routes
    request(200, "GET", "/admin/api/~63onfig"),
    request(200, "GET", "/admin/api/config/"),
    request(200, "GET", "/admin/api/~63onfig/~6Fptions"),
    request(200, "GET", "/admin/api/~63onfig/options"),
    request(200, "GET", "/admin/api/tags/a~2Fb~2Cc~5C~7E.%C3%BC"),
    request(404, "GET", "/admin/api/tags/a%2Fb"),
    request(404, "GET", "/admin/api/shelves/x,1"),
    # data
    request(200, "GET", "/admin/api/models"),
    request(200, "GET", "/admin/api/models/counts"),
    request(200, "GET", "/admin/api/depots/schema"),
    request(200, "GET", "/admin/api/depots?ordering=-name&per_page=1&city=k"),
    request(400, "GET", "/admin/api/depots?ordering=nothing"),
    request(200, "HEAD", "/admin/api/depots"),
    request(200, "GET", "/admin/api/depots/1"),
    request(200, "HEAD", "/admin/api/depots/1"),
    request(404, "GET", "/admin/api/depots/99"),
    request(404, "GET", "/admin/api/depots/one"),
    request(201, "POST", "/admin/api/depots", data={"name": "Größe"}, name="create"),
    request(409, "POST", "/admin/api/depots", data={"name": "Größe"}, name="create again"),
    request(422, "POST", "/admin/api/depots", data={"name": None}, name="create nothing"),
    request(200, "PATCH", "/admin/api/depots/3", data={"city": "Rom"}, name="change"),
    request(
        412, "PATCH", "/admin/api/depots/3", data={"city": "Bonn"}, headers={"If-Match": '"x"'}, name="stale"
    ),
    request(200, "DELETE", "/admin/api/depots/3"),
    request(200, "DELETE", "/admin/api/depots/99"),
    request(200, "POST", "/admin/api/depots/-/actions/report", data={}, name="action"),
    request(200, "GET", "/admin/api/depots/export?format=csv"),
    request(200, "HEAD", "/admin/api/depots/export?format=json"),
    request(
        403, "POST", "/admin/api/depots/-/import", body=b"name\r\nX\r\n", headers={"Content-Type": "text/csv"}
    ),
    request(200, "GET", "/admin/api/-/openapi.json"),
    # streams
    request(200, "GET", "/admin/api/-/probe/stream?n=20"),
    request(200, "HEAD", "/admin/api/-/probe/stream?n=20"),
    request(200, "GET", "/admin/api/-/probe/stream?n=0"),
]


@pytest.mark.parametrize(("status", "method", "path", "more"), REQUESTS)
def test_the_same_request_gives_the_same_answer(
    hosts: dict[str, Host], status: int, method: str, path: str, more: dict[str, Any]
) -> None:
    answers = {name: host.send(method, path, **more).comparable() for name, host in hosts.items()}
    for name, answer in answers.items():
        if path.endswith("probe/echo") and isinstance(answer[2], dict):
            answer[2].pop("native", None)  # the framework's own, on purpose
        assert answer == answers["fastapi"], name
        assert answer[0] == status


@pytest.mark.parametrize(
    ("path", "status", "mount", "below"),
    [
        ("/admin/api/-/probe/echo", 200, "/admin", "/api/-/probe/echo"),
        ("/admin/api/-/probe/echo/", 200, "/admin", "/api/-/probe/echo/"),
        ("/admin/%61pi/-/probe/echo", 200, "/admin", "/%61pi/-/probe/echo"),
    ],
)
def test_the_mount_is_found(host: Host, path: str, status: int, mount: str, below: str) -> None:
    answer = host.get(path)
    assert answer.status == status
    assert (answer.json()["mount"], answer.json()["path"]) == (mount, below)


def test_every_answer_carries_the_headers(host: Host) -> None:
    for path in ("/admin/", "/admin/api/nothing/x/y", "/admin/api/-/probe/echo", "/admin/assets/x.js"):
        headers = dict(host.get(path).headers)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert len(headers["x-request-id"]) >= 16
        if "/api/" in path:
            assert headers["cache-control"] == "no-store"


def test_the_request_id_is_that_of_the_body(host: Host) -> None:
    answer = host.get("/admin/api/-/probe/fault")
    assert answer.status == 500
    assert answer.json() == {
        "detail": "The panel failed. The log knows more under the id of this request.",
        "code": "internal",
        "errors": [],
        "request_id": dict(answer.headers)["x-request-id"],
    }


# --- the host ---------------------------------------------------------------------------------


def test_the_host_keeps_its_own(host: Host) -> None:
    assert b"the host's" in host.get("/administrator").content
    for path in ("/nothing", "/adminx", "/administrators", "/admi"):
        answer = host.get(path)
        assert answer.status == 404, path
        assert b"the host's 404" in answer.content
        assert "x-request-id" not in dict(answer.headers)


def test_the_mount_without_a_slash_is_the_page_or_leads_there(host: Host) -> None:
    answer = host.get("/admin")
    if answer.status in (307, 308, 301):
        assert dict(answer.headers)["location"].endswith("/admin/")
    else:
        assert answer.comparable() == host.get("/admin/").comparable()


def test_two_panels_in_one_host_are_two(host: Host) -> None:
    assert host.get("/admin/api/-/probe/echo").json()["mount"] == "/admin"
    answer = host.get("/admin2/api/-/probe/echo", headers=BEARER)
    assert answer.json()["mount"] == "/admin2"
    assert host.get("/admin2/api/-/probe/echo").json() == {"detail": "Unauthorized"}


def test_litestar_gives_paths_back_that_only_begin_like_the_mount(hosts: dict[str, Host]) -> None:
    assert hosts["litestar"].get("/administration/7").content == b"the host's 7"
    assert hosts["litestar"].get("/administration/x").content == b"the host's 404"


def test_openapi_of_the_host_has_no_entry_of_the_panel(hosts: dict[str, Host]) -> None:
    assert list(hosts["fastapi"].get("/openapi.json").json()["paths"]) == ["/administrator"]
    paths = hosts["litestar"].get("/schema/openapi.json").json()["paths"]
    assert sorted(paths) == ["/administration/{number}", "/administrator"]


def test_a_session_of_one_panel_is_nothing_to_the_other(host: Host) -> None:
    answer = host.send("POST", "/admin2/api/-/session", data={"email": "a@b.c", "password": "right"})
    assert answer.status == 200
    line = dict(answer.headers)["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/admin2"} <= set(line.split("; "))
    cookie = {"Cookie": line.partition(";")[0]}
    assert host.get("/admin2/api/-/session", headers=cookie).json()["user"]["name"] == "Ann"
    refused = host.send("POST", "/admin2/api/-/probe/json", data={}, headers=cookie)
    assert (refused.status, refused.json()["code"]) == (403, "csrf")
    token = {**cookie, "X-CSRF-Token": answer.json()["csrf"]}
    assert host.send("POST", "/admin2/api/-/probe/json", data={}, headers=token).status == 200
    assert host.send("DELETE", "/admin2/api/-/session", headers=token).status == 204
    assert host.get("/admin2/api/-/session", headers=cookie).status == 401


# --- streams, and clients who go -----------------------------------------------------------------


def counts(host: Host) -> dict[str, int]:
    return host.get("/admin/api/-/probe/streams").json()  # type: ignore[no-any-return]


def eventually(met: Callable[[], bool], seconds: float = 8) -> bool:
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_stream_arrives_whole(host: Host) -> None:
    answer = host.get("/admin/api/-/probe/stream?n=200")
    assert answer.content == b"".join(f"{index:09}\n".encode() * 1000 for index in range(200))
    headers = dict(answer.headers)
    assert "content-length" not in headers
    assert headers["content-disposition"] == (
        "attachment; filename=\"gr__e.txt\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt"
    )


def test_a_stream_that_breaks_does_not_look_whole(host: Host) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        host.get("/admin/api/-/probe/broken")


def test_a_client_who_goes_stops_a_stream(host: Host) -> None:
    before = counts(host)
    with host.socket() as connection:
        connection.sendall(b"GET /admin/api/-/probe/stream?n=1000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert counts(host)["open"] == before["open"] + 1
    assert eventually(lambda: counts(host)["closed"] == before["closed"] + 1)


def test_a_slow_client_holds_a_stream_back(host: Host) -> None:
    """While nobody reads, chunks are not produced: memory does not grow with what is exported."""
    before = counts(host)
    with host.socket() as connection:
        connection.sendall(b"GET /admin/api/-/probe/stream?n=30000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.5)
        # 300 MB at full speed would be over by now, were it not for the client.
        assert counts(host)["closed"] == before["closed"]
    assert eventually(lambda: counts(host)["closed"] == before["closed"] + 1)


def test_a_client_who_goes_stops_the_work(host: Host) -> None:
    before = counts(host)
    with host.socket() as connection:
        connection.sendall(b"GET /admin/api/-/probe/slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert eventually(lambda: counts(host)["open"] == before["open"] + 1)
    assert eventually(lambda: counts(host)["closed"] == before["closed"] + 1)


# --- bodies in pieces ---------------------------------------------------------------------------------


def status_of(connection: Any) -> tuple[int, dict[str, Any]]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read())


HEAD = b"POST /admin/api/-/probe/json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_a_body_that_stops_is_given_up(host: Host) -> None:
    with host.socket() as connection:
        started = time.monotonic()
        connection.sendall(HEAD + b'Content-Length: 20\r\n\r\n{"a":')
        status, content = status_of(connection)
        assert (status, content["code"]) == (408, "slow_body")
        assert 0.9 < time.monotonic() - started < 5


def test_a_body_that_drips_is_given_up(host: Host) -> None:
    with host.socket() as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        connection.settimeout(0.2)
        for _ in range(25):
            with contextlib.suppress(OSError):
                connection.sendall(b" ")
            time.sleep(0.1)
            with contextlib.suppress(TimeoutError, OSError):
                connection.settimeout(0.01)
                if connection.recv(1, 2):  # MSG_PEEK: an answer has come
                    break
        connection.settimeout(5)
        status, content = status_of(connection)
        assert (status, content["code"]) == (408, "slow_body")


def test_a_body_without_a_length_is_limited_too(host: Host) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 10_000

    answer: Answer | None = None
    with contextlib.suppress(ConnectionError):
        answer = host.send(
            "POST",
            "/admin/api/-/probe/json",
            body=pieces(),
            headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        )
    assert answer is not None
    assert (answer.status, answer.json()["code"]) == (413, "too_large")


def test_chunked_bodies_arrive(host: Host) -> None:
    answer = host.send(
        "POST",
        "/admin/api/-/probe/json",
        body=iter([b'{"a"', b": 1, ", b'"b": 2}']),
        headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
    )
    assert (answer.status, answer.json()) == (200, {"keys": ["a", "b"]})
