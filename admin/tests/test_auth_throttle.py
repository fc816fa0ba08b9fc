"""Failed logins are counted before the provider is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from client import Client
from everywhere import EVERYWHERE
from test_session import RIGHT, WRONG, NewPanel, Tokens

from oxyde import AsyncDatabase, create_tables
from oxyde_admin.auth import DefaultCredentials
from oxyde_admin.exceptions import LoginFailedError
from oxyde_admin.models import OWN_TABLES, AdminThrottle

BOTH_STORES = pytest.mark.parametrize("store", ["memory", "database"])


class Slow(Tokens):
    """Asked by many at once."""

    async def login(self, credentials: DefaultCredentials) -> str | None:
        self.asked += 1
        await asyncio.sleep(0.05)
        return "signed" if credentials.password.get_secret_value() == RIGHT["password"] else None


@pytest.fixture(autouse=True)
async def tables(database: AsyncDatabase) -> None:
    await create_tables(database, models=list(OWN_TABLES))


@EVERYWHERE
@BOTH_STORES
async def test_attempts_in_parallel_do_not_slip_through(new_panel: NewPanel, store: str) -> None:
    provider = Slow()
    # Two panels on one store, as two processes are.
    panels = [new_panel(auth_provider=provider, store=store, login_limit=(3, 60))]
    if store == "database":
        panels.append(new_panel(auth_provider=provider, store=store, login_limit=(3, 60)))
    clients = [Client(panels[n % len(panels)]) for n in range(20)]
    answers = await asyncio.gather(*(client.post("/api/login", WRONG) for client in clients))
    assert sorted(answer.status for answer in answers) == [401] * 3 + [429] * 17
    assert provider.asked == 3
    late = await clients[0].post("/api/-/session", RIGHT)
    assert late.status == 429 and late.json()["code"] == "rate_limited"
    assert 1 <= int(late.headers["retry-after"]) <= 60
    assert provider.asked == 3, "the right password is not tried either"


@BOTH_STORES
async def test_success_clears_the_first_counter(new_panel: NewPanel, store: str) -> None:
    provider = Tokens()
    client = Client(new_panel(auth_provider=provider, store=store, login_limit=(2, 60)))
    for _ in range(3):
        assert (await client.post("/api/login", WRONG)).status == 401
        assert (await client.post("/api/login", RIGHT)).status == 200
    for _ in range(30):
        assert (await client.post("/api/login", RIGHT)).status == 200, "a success is no failure"


@BOTH_STORES
async def test_counters_of_address_and_account(new_panel: NewPanel, store: str) -> None:
    provider = Tokens()
    site = new_panel(auth_provider=provider, store=store, login_limit=(1, 60))
    here = Client(site, address="10.0.0.1")
    for n in range(4):
        assert (await here.post("/api/login", {**WRONG, "email": f"{n}@x"})).status == 401
    assert (await here.post("/api/login", {**WRONG, "email": "5@x"})).status == 429, "4n per address"
    for n in range(20):
        other = Client(site, address=f"10.0.1.{n}")
        assert (await other.post("/api/login", WRONG)).status == 401
    assert (await Client(site, address="10.0.2.1").post("/api/login", WRONG)).status == 429, "20n per account"
    assert (await Client(site, address="10.0.2.1").post("/api/login", {**WRONG, "email": "z"})).status == 401


async def test_one_ipv6_network_is_one_address(new_panel: NewPanel) -> None:
    site = new_panel(auth_provider=Tokens(), login_limit=(1, 60))
    assert (await Client(site, address="2001:db8::1").post("/api/login", WRONG)).status == 401
    assert (await Client(site, address="2001:db8::ffff").post("/api/login", WRONG)).status == 429
    assert (await Client(site, address="2001:db9::1").post("/api/login", WRONG)).status == 401


@pytest.mark.parametrize("email", ["Ann@Example.org", " ann@example.org ", "\uff41nn@example.org"])
async def test_spellings_of_one_account(new_panel: NewPanel, email: str) -> None:
    client = Client(new_panel(auth_provider=Tokens(), login_limit=(1, 60)))
    assert (await client.post("/api/login", WRONG)).status == 401
    assert (await client.post("/api/login", {**WRONG, "email": email})).status == 429


async def test_locked_account_does_not_lock_the_address(new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Tokens(), login_limit=(1, 60)))
    for _ in range(20):
        await client.post("/api/login", WRONG)
    assert (await client.post("/api/login", {**RIGHT, "email": "other@example.org"})).status == 200


@BOTH_STORES
async def test_window_ends(new_panel: NewPanel, store: str) -> None:
    client = Client(new_panel(auth_provider=Tokens(), store=store, login_limit=(1, 0.3)))
    assert (await client.post("/api/login", WRONG)).status == 401
    assert (await client.post("/api/login", WRONG)).status == 429
    await asyncio.sleep(0.35)
    assert (await client.post("/api/login", WRONG)).status == 401


async def test_failure_of_the_provider_is_no_failed_login(new_panel: NewPanel) -> None:
    class Broken(Tokens):
        async def login(self, credentials: Any) -> str | None:
            raise RuntimeError("no connection to the directory")

    client = Client(new_panel(auth_provider=Broken(), login_limit=(1, 60)))
    for _ in range(3):
        answer = await client.post("/api/login", RIGHT)
        assert answer.status == 500 and "directory" not in answer.text


async def test_database_knows_no_account_by_name(new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Tokens(), store="database"))
    await client.post("/api/login", WRONG)
    kept = repr(await AdminThrottle.objects.values().all())
    assert await AdminThrottle.objects.count() == 3
    assert "ann" not in kept and "127.0.0.1" not in kept


async def test_a_provider_that_refuses_by_raising_is_counted(new_panel: NewPanel) -> None:
    class Raising(Tokens):
        async def login(self, credentials: DefaultCredentials) -> str | None:
            if await super().login(credentials) is None:
                raise LoginFailedError
            return "signed"

    client = Client(new_panel(auth_provider=Raising(), login_limit=(2, 60)))
    found = [(await client.post("/api/login", WRONG)).status for _ in range(4)]
    assert found == [401, 401, 429, 429]


async def test_names_that_are_made_up_leave_nothing_once_the_address_is_refused(new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=Tokens(), store="database", login_limit=(1, 60)))
    for n in range(20):
        answer = await client.post("/api/login", {**WRONG, "email": f"{n}@example.org"})
        assert answer.status == (401 if n < 4 else 429)
    assert await AdminThrottle.objects.count() == 1 + 4 * 2
