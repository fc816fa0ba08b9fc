"""Logging in and out, cookies, tokens, forged requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import depots
import pytest
from client import Answer, Client
from everywhere import EVERYWHERE

from oxyde import AsyncDatabase, create_tables
from oxyde_admin.auth import (
    AdminUser,
    AuthProvider,
    AuthRequest,
    DefaultCredentials,
    ModelAuth,
    hash_password,
)
from oxyde_admin.models import OWN_TABLES, AdminSession
from oxyde_admin.security.gate import COOKIE
from oxyde_admin.site import AdminSite

NewPanel = Callable[..., AdminSite]
RIGHT = {"email": "ann@example.org", "password": "correct horse"}
WRONG = {**RIGHT, "password": "wrong horse"}


class Tokens(AuthProvider):
    """A provider with tokens that it never forgets, as signed tokens are."""

    def __init__(self) -> None:
        self.asked = 0
        self.left: list[str] = []

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        token = request.headers.get("authorization", "")
        return AdminUser("7", "Ann", roles=["chief"]) if token == "Bearer signed" else None

    async def login(self, credentials: DefaultCredentials) -> str | None:
        self.asked += 1
        return "signed" if credentials.password.get_secret_value() == RIGHT["password"] else None

    async def logout(self, request: AuthRequest) -> None:
        self.left.append(request.headers["authorization"])


class External(AuthProvider):
    """Logs nobody in itself."""

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        return AdminUser("1") if request.headers.get("authorization") == "Bearer outside" else None


@pytest.fixture
async def account(database: AsyncDatabase) -> AsyncIterator[depots.Account]:
    await create_tables(database, models=list(OWN_TABLES))
    yield await depots.Account.objects.create(
        email=RIGHT["email"],
        password_hash=await hash_password(RIGHT["password"]),
        roles=["chief"],
        permissions=["depots:view"],
    )


def model_auth(**more: Any) -> ModelAuth:
    return ModelAuth(
        depots.Account, active_field="active", roles="roles", permissions=lambda a: a.permissions, **more
    )


def set_cookie(answer: Answer) -> str:
    return next(line for name, line in answer.pairs if name == "set-cookie")


async def test_token_of_login_is_a_bearer_token_and_no_cookie(account: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=model_auth()))
    answer = await client.post("/api/login", RIGHT)
    assert answer.status == 200 and list(answer.json()) == ["token"] and not client.cookies
    assert (await client.get("/api/-/session")).json() == {"detail": "Unauthorized"}
    bearer = {"authorization": f"Bearer {answer.json()['token']}"}
    shown = await client.get("/api/-/session", headers=bearer)
    assert shown.json() == {
        "user": {"id": str(account.id), "name": RIGHT["email"], "roles": ["chief"]},
        "csrf": None,
        "expires": None,
    }


@EVERYWHERE
@pytest.mark.parametrize("store", ["memory", "database"])
async def test_session_holds_the_token_and_ends_everywhere(
    account: Any, new_panel: NewPanel, store: str
) -> None:
    provider = model_auth()
    site = new_panel(auth_provider=provider, store=store)
    client = Client(site)
    opened = await client.login(**RIGHT)
    assert opened.status == 200 and opened.json()["user"]["roles"] == ["chief"]
    assert "token" not in opened.text and opened.json()["expires"].endswith("+00:00")
    shown = (await client.get("/api/-/session")).json()
    assert shown["csrf"] == opened.json()["csrf"] and shown["user"] == opened.json()["user"]
    if store == "database":  # another process
        elsewhere = Client(new_panel(auth_provider=model_auth(), store=store))
        elsewhere.cookies = dict(client.cookies)
        assert (await elsewhere.get("/api/-/session")).status == 200
    stolen = dict(client.cookies)
    gone = await client.delete("/api/-/session")
    assert gone.status == 204 and gone.content == b"" and "Max-Age=0" in set_cookie(gone)
    client.cookies = stolen
    assert (await client.get("/api/-/session")).status == 401
    if store == "database":
        assert (await elsewhere.get("/api/-/session")).status == 401
        assert await AdminSession.objects.count() == 0


async def test_store_keeps_neither_cookie_nor_token(account: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=model_auth(), store="database"))
    token = (await client.post("/api/login", RIGHT)).json()["token"]
    await client.post("/api/-/session", {}, headers={"authorization": f"Bearer {token}"})
    kept = repr(await AdminSession.objects.values().all())
    assert await AdminSession.objects.count() == 2
    assert client.cookies[COOKIE] not in kept and token not in kept


@pytest.mark.parametrize(
    ("scheme", "secure", "flagged"),
    [("http", "auto", False), ("https", "auto", True), ("http", True, True), ("https", False, False)],
)
async def test_flags_of_the_cookie(
    account: Any, new_panel: NewPanel, scheme: str, secure: Any, flagged: bool
) -> None:
    client = Client(new_panel(auth_provider=Tokens(), cookie_secure=secure), mount="/back/office")
    line = set_cookie(await client.post("/api/-/session", RIGHT, scheme=scheme))
    value, *flags = line.split("; ")
    assert value.startswith(f"{COOKIE}=") and len(value) > len(COOKIE) + 40
    assert set(flags) - {"Secure"} == {"Path=/back/office", "HttpOnly", "SameSite=Strict"}
    assert ("Secure" in flags) == flagged


async def test_mount_cannot_add_to_the_cookie(database: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Tokens()), mount="/x; Domain=evil.test")
    assert "; Domain" not in set_cookie(await client.post("/api/-/session", RIGHT))


async def test_each_login_has_a_new_cookie_and_ends_the_old(database: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Tokens()))
    client.cookies[COOKIE] = "chosen-by-somebody-else"
    await client.login(**RIGHT)
    first = client.cookies[COOKIE]
    await client.login(**RIGHT)
    assert len({"chosen-by-somebody-else", first, client.cookies[COOKIE]}) == 3
    for old in ("chosen-by-somebody-else", first):
        assert (await with_cookie(client, old).get("/api/-/session")).status == 401


def with_cookie(client: Client, cookie: str) -> Client:
    other = Client(client.site)
    other.cookies[COOKIE] = cookie
    return other


async def test_unsafe_requests_of_a_session_need_its_token(database: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Tokens()))
    await client.login(**RIGHT)
    other = Client(client.site)
    await other.login(**RIGHT)
    right = client.headers.pop("x-csrf-token")
    for token in ("", "x", other.headers["x-csrf-token"], right[:-1]):
        refused = await client.post("/api/depots", {"name": "x"}, headers={"x-csrf-token": token})
        assert (refused.status, refused.json()["code"]) == (403, "csrf")
        assert (await client.delete("/api/-/session", headers={"x-csrf-token": token})).status == 403
    assert await depots.Depot.objects.count() == 0
    assert (await client.get("/api/-/session")).status == 200
    assert (await client.delete("/api/-/session", headers={"x-csrf-token": right})).status == 204


async def test_bearer_goes_before_cookie_and_needs_no_csrf_token(database: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Tokens()))
    await client.login(**RIGHT)
    del client.headers["x-csrf-token"]
    bad = await client.get("/api/-/session", headers={"authorization": "Bearer forged"})
    assert bad.status == 401
    basic = await client.get("/api/-/session", headers={"authorization": "Basic YTpi"})
    assert basic.status == 200 and basic.json()["csrf"] is not None


async def test_token_that_its_provider_cannot_forget_ends_here(database: Any, new_panel: NewPanel) -> None:
    provider = Tokens()
    client = Client(new_panel(auth_provider=provider))
    bearer = {"authorization": "Bearer signed"}
    opened = await client.post("/api/-/session", {}, headers=bearer)
    assert opened.status == 200 and provider.asked == 0
    assert (await client.get("/api/-/session")).status == 200
    assert (await client.delete("/api/-/session", headers=bearer)).status == 204
    assert provider.left == ["Bearer signed"]
    assert (await client.get("/api/-/session", headers=bearer)).status == 401
    assert (await client.get("/api/-/session")).status == 401, "a session of the same token"
    assert (await client.post("/api/-/session", {}, headers=bearer)).status == 401


async def test_without_login_of_its_own(database: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=External()))
    for path in ("/api/login", "/api/-/session"):
        refused = await client.post(path, RIGHT)
        assert (refused.status, refused.json()["code"]) == (404, "not_enabled")
    opened = await client.post("/api/-/session", {}, headers={"authorization": "Bearer outside"})
    assert opened.status == 200 and opened.json()["user"]["id"] == "1"
    assert (await client.get("/api/-/session")).status == 200
    bad = await client.post("/api/-/session", {}, headers={"authorization": "Bearer other"})
    assert bad.json() == {"detail": "Unauthorized"}


async def test_without_provider_everybody_is_anonymous(
    database: Any, new_panel: NewPanel, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(new_panel())
    assert "everybody" in caplog.text
    shown = await client.get("/api/-/session")
    assert shown.json() == {
        "user": {"id": "anonymous", "name": "anonymous", "roles": []},
        "csrf": None,
        "expires": None,
    }
    assert (await client.post("/api/-/session", RIGHT)).status == 404
    assert (await client.delete("/api/-/session")).status == 204


@pytest.mark.parametrize("credentials", [{}, {"email": "x"}, {"email": 5, "password": "secret-value"}])
async def test_credentials_of_the_wrong_shape(database: Any, new_panel: NewPanel, credentials: Any) -> None:
    client = Client(new_panel(auth_provider=Tokens()))
    refused = await client.post("/api/login", credentials)
    assert refused.status == 422 and "secret-value" not in refused.text
    assert refused.json()["errors"][0]["loc"][0] in ("email", "password")


@pytest.mark.parametrize("kind", ["sync", "async", "object"])
async def test_auth_check_of_any_kind(database: Any, new_panel: NewPanel, kind: str) -> None:
    async def later(native: Any) -> bool:
        return native == "good"

    class Check:
        def __call__(self, native: Any) -> Any:
            return later(native)

    check: Any = {"sync": lambda native: native == "good", "async": later, "object": Check()}[kind]
    with pytest.warns(DeprecationWarning):
        client = Client(new_panel(auth_check=check))
    assert (await client.get("/api/-/session", native="good")).json()["user"]["id"] == "anonymous"
    assert (await client.get("/api/-/session", native="bad")).json() == {"detail": "Unauthorized"}


async def test_sessions_end_when_unused_and_when_old(database: Any, new_panel: NewPanel) -> None:
    import asyncio

    client = Client(new_panel(auth_provider=Tokens(), session_idle=0.4, session_max=1.0))
    await client.login(**RIGHT)
    for _ in range(3):
        await asyncio.sleep(0.25)
        assert (await client.get("/api/-/session")).status == 200, "used, so alive"
    await asyncio.sleep(0.3)
    assert (await client.get("/api/-/session")).status == 401, "used, but old"
    await client.login(**RIGHT)
    await asyncio.sleep(0.45)
    assert (await client.get("/api/-/session")).status == 401, "unused"
