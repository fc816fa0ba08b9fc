"""Errors, headers, the page and its files (contract, 6.3 and 13)."""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from client import Client, read
from pydantic import BaseModel, Field, ValidationError

import oxyde
from oxyde_admin.exceptions import AdminError, InvalidDataError, RateLimitedError, RecordNotFoundError
from oxyde_admin.http.assets import asset
from oxyde_admin.http.errors import UnauthorizedError, error_response
from oxyde_admin.http.headers import finish
from oxyde_admin.http.message import Request, Response
from oxyde_admin.http.page import page
from oxyde_admin.http.reply import attachment, json_response
from oxyde_admin.http.watch import Streamed, Watch
from oxyde_admin.site import AdminSite

NewPanel = Callable[..., AdminSite]


async def answered(error: Exception) -> tuple[int, Any]:
    response = await error_response(error, "id7")
    assert isinstance(response.body, bytes)
    return response.status, json.loads(response.body)


# --- errors -----------------------------------------------------------------------------------


async def test_the_form_of_errors() -> None:
    assert await answered(RecordNotFoundError()) == (
        404,
        {"detail": "There is no such record.", "code": "not_found", "errors": [], "request_id": "id7"},
    )
    entries = [{"type": "invalid", "loc": ["name"], "msg": "no"}]
    assert await answered(InvalidDataError({"name": "no"}, extra={"rows": 3})) == (
        422,
        {"detail": entries, "code": "invalid", "errors": entries, "request_id": "id7", "rows": 3},
    )
    assert await answered(UnauthorizedError()) == (401, {"detail": "Unauthorized"})


async def test_headers_of_errors_go_out() -> None:
    response = await error_response(RateLimitedError(17), "x")
    assert (response.status, ("retry-after", "17") in response.headers) == (429, True)
    assert dict((await error_response(UnauthorizedError(), "x")).headers)["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (oxyde.UniqueViolationError("UNIQUE failed: parcels.secret"), 409, "conflict"),
        (oxyde.ForeignKeyViolationError("secret"), 409, "conflict"),
        (oxyde.CheckViolationError("secret"), 409, "conflict"),
        (oxyde.NotNullViolationError("secret"), 409, "conflict"),
        (oxyde.DataError("secret"), 422, "invalid"),
        (oxyde.StatementTimeout("secret"), 503, "timeout"),
        (oxyde.QueryCanceled("secret"), 503, "timeout"),
        (oxyde.LockTimeout("secret"), 503, "timeout"),
        (oxyde.TransactionTimeoutError("secret"), 503, "timeout"),
        (oxyde.PoolTimeoutError("secret"), 503, "database"),
        (oxyde.ConnectionLostError("secret"), 503, "database"),
        (oxyde.DeadlockError("secret"), 503, "database"),
        (oxyde.ProgrammingError("no such table: secret"), 503, "database"),
        (oxyde.InterfaceError("secret"), 503, "database"),
        (LookupError("secret"), 500, "internal"),
        (RecursionError("secret"), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_errors_of_the_database_and_faults(error: Exception, status: int, code: str) -> None:
    got, content = await answered(error)
    assert (got, content["code"]) == (status, code)
    assert "secret" not in json.dumps(content)
    assert content["request_id"] == "id7"


async def test_faults_are_in_the_log_with_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "oxyde_admin"):
        await answered(LookupError("what happened"))
    assert "id7" in caplog.text
    assert "LookupError: what happened" in caplog.text
    caplog.clear()
    await answered(RecordNotFoundError())
    assert not caplog.records


class Inner(BaseModel):
    kind: str = Field(max_length=3)


class Sent(BaseModel):
    count: int = Field(ge=1)
    when: float
    inner: list[Inner]


async def test_errors_of_pydantic_name_limits_and_no_values() -> None:
    with pytest.raises(ValidationError) as raised:
        Sent.model_validate({"count": 0, "when": "marker-value", "inner": [{"kind": "marker-value"}]})
    status, content = await answered(raised.value)
    assert status == 422
    assert [entry["loc"] for entry in content["detail"]] == [["count"], ["when"], ["inner", 0, "kind"]]
    assert content["detail"][0]["ctx"] == {"ge": 1}
    assert content["detail"][2]["ctx"] == {"max_length": 3}
    assert "marker" not in json.dumps(content)


async def test_texts_that_are_no_utf_8_can_be_answered() -> None:
    answer = await read(await json_response({"a": "\ud800 ä"}))
    assert answer.json() == {"a": "\ud800 ä"}


# --- headers ------------------------------------------------------------------------------------


def test_what_every_answer_carries() -> None:
    headers = dict(finish(Response(body=b"abc"), "id7", head=False, api=True).headers)
    assert headers == {
        "content-length": "3",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "x-request-id": "id7",
    }


def test_no_content_has_no_length() -> None:
    assert "content-length" not in dict(finish(Response(204), "x", head=False, api=True).headers)


def test_head_keeps_the_length() -> None:
    response = finish(Response(body=b"abc"), "x", head=True, api=False)
    assert (response.body, dict(response.headers)["content-length"]) == (b"", "3")


def test_header_values_cannot_begin_new_lines() -> None:
    response = Response(headers=[("location", "/a\r\nset-cookie: x=1"), ("x-names", "größe")])
    headers = dict(finish(response, "x", head=False, api=True).headers)
    assert headers["location"] == "/a%0D%0Aset-cookie: x=1"
    assert headers["x-names"] == "gr%C3%B6%C3%9Fe"


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("parcels.csv", 'attachment; filename="parcels.csv"'),
        ("ä.csv", "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%A4.csv"),
        ('a"b\\c\r\n.csv', "attachment; filename=\"a_b_c__.csv\"; filename*=UTF-8''a%22b%5Cc%0D%0A.csv"),
        ("../x", "attachment; filename=\".._x\"; filename*=UTF-8''..%2Fx"),
        ("\ud800", "attachment; filename=\"_\"; filename*=UTF-8''%3F"),
    ],
)
def test_files_are_attachments(name: str, disposition: str) -> None:
    headers = dict(attachment(b"", name, "text/html").headers)
    assert headers["content-disposition"] == disposition
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_a_stream_ends_its_work_however_it_ends() -> None:
    closed: list[str] = []

    async def body() -> Any:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append("closed")

    streamed = Streamed(body(), Watch(Request("GET", "/")))
    assert await streamed.__anext__() == b"a"
    await streamed.aclose()
    assert closed == ["closed"]


# --- the page and its files -----------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path) -> Path:
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "index.html").write_text(
        '<base href="__OXYDE_BASE__"><meta nonce="__OXYDE_NONCE__"><title>__OXYDE_TITLE__</title>'
    )
    (assets / "index-BxZ3_k9a.js").write_text("let a = 1;" * 100)
    (assets / "index-BxZ3_k9a.js.gz").write_bytes(gzip.compress(b"let a = 1;" * 100))
    (assets / "index-BxZ3_k9a.js.br").write_bytes(b"as if by brotli")
    (assets / "logo.svg").write_text("<svg/>")
    (assets / "odd.exe").write_text("x")
    return tmp_path


def fetch(folder: Path, *segments: str, encodings: str = "") -> Response:
    headers = (("accept-encoding", encodings),) if encodings else ()
    return asset(Request("GET", "/", headers=headers), segments, folder / "assets")


def test_hashed_assets_are_immutable(built: Path) -> None:
    headers = dict(fetch(built, "index-BxZ3_k9a.js").headers)
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["vary"] == "Accept-Encoding"
    assert dict(fetch(built, "logo.svg").headers)["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("encodings", "sent"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("BR;q=1.0", "br"),
        ("br;q=0.000, gzip;q=0", None),
    ],
)
def test_assets_are_sent_as_the_client_takes_them(built: Path, encodings: str, sent: str | None) -> None:
    response = fetch(built, "index-BxZ3_k9a.js", encodings=encodings)
    assert dict(response.headers).get("content-encoding") == sent
    assert isinstance(response.body, bytes)
    plain = b"let a = 1;" * 100
    content = {None: response.body, "gzip": response.body, "br": plain}[sent]
    assert (gzip.decompress(content) if sent == "gzip" else content) == plain


@pytest.mark.parametrize(
    "segments",
    [
        (),
        ("nothing.js",),
        ("..", "secret.txt"),
        ("../secret.txt",),
        ("..\\secret.txt",),
        ("/etc/passwd",),
        ("", "index-BxZ3_k9a.js"),
        (".hidden.js",),
        ("odd.exe",),
        ("index-BxZ3_k9a.js.gz",),
        ("index-BxZ3_k9a.js\0.svg",),
    ],
)
def test_there_are_no_other_files(built: Path, segments: tuple[str, ...]) -> None:
    with pytest.raises(AdminError) as raised:
        fetch(built, *segments)
    assert (raised.value.status, raised.value.code) == (404, "unknown_path")


def html(site: AdminSite, folder: Path, mount: str = "/back/office") -> tuple[str, dict[str, str]]:
    response = page(site, Request("GET", "/", mount=mount), folder)
    assert isinstance(response.body, bytes)
    return response.body.decode(), dict(response.headers)


def test_the_page_knows_its_mount_and_its_title(built: Path) -> None:
    text, headers = html(AdminSite(title='<b>"Trail" & log</b>'), built)
    assert '<base href="/back/office/">' in text
    assert "<title>&lt;b&gt;&quot;Trail&quot; &amp; log&lt;/b&gt;</title>" in text
    assert headers["cache-control"] == "no-store"
    assert '<base href="/">' in html(AdminSite(), built, mount="")[0]


def test_the_nonce_is_new_each_time_and_that_of_the_policy(built: Path) -> None:
    nonces = set()
    for _ in range(3):
        text, headers = html(AdminSite(), built)
        found = re.search('nonce="(.+?)"', text)
        assert found is not None
        assert headers["content-security-policy"] == (
            f"default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{found[1]}'; "
            "img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        nonces.add(found[1])
    assert len(nonces) == 3


@pytest.mark.parametrize(
    ("login_url", "rule"),
    [
        (None, None),
        ("auth/login", None),
        ("/auth/login", None),
        ("https://id.example/login", "connect-src 'self' https://id.example"),
        ("https://u:p@id.example:8443/login", "connect-src 'self' https://id.example:8443"),
    ],
)
def test_an_external_login_may_be_called(built: Path, login_url: str | None, rule: str | None) -> None:
    policy = html(AdminSite(login_url=login_url), built)[1]["content-security-policy"]
    assert next((part for part in policy.split("; ") if part.startswith("connect-src")), None) == rule


async def test_without_a_front_end_the_api_works(
    new_panel: NewPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AdminError) as raised:
        page(AdminSite(), Request("GET", "/"), tmp_path)
    assert (raised.value.status, raised.value.detail) == (404, "Frontend not built")
    assert (await Client(new_panel()).get("/api/config")).status == 200


async def test_the_page_is_only_read(new_panel: NewPanel) -> None:
    answer = await Client(new_panel()).post("/depots", {})
    assert answer.status in (404, 405)  # 404 as long as the front end is not built
    if answer.status == 405:
        assert answer.headers["allow"] == "GET, HEAD"
