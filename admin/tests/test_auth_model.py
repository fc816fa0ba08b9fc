"""ModelAuth: accounts in a table."""

from __future__ import annotations

from typing import Any

import depots
import pytest
from client import Client
from pydantic import SecretStr
from test_session import RIGHT, WRONG, NewPanel, account, model_auth

from oxyde import Field, Model, create_tables
from oxyde_admin.auth import AuthProvider, ModelAuth, has_builtin_login, hash_password, verify_password
from oxyde_admin.security import model_auth as module
from oxyde_admin.security import passwords

__all__ = ["account"]


async def test_hash_and_verify() -> None:
    stored = await hash_password("naïve")
    assert await verify_password("naïve", stored)
    assert not await verify_password("naive", stored)
    assert stored != await hash_password("naïve") and "naïve" not in stored


@pytest.mark.parametrize(
    "stored", ["", None, "plain", "scrypt$3$8$1$AAAA$AAAA", "scrypt$1073741824$8$1$AAAA$AAAA", "$$$$$"]
)
async def test_unusable_hash_verifies_nothing(stored: str | None) -> None:
    assert not await verify_password("", stored)
    assert not await verify_password("\ud800", stored)


async def test_hash_of_another_cost_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = await hash_password("x")
    monkeypatch.setattr(passwords, "N", 2**10)
    assert await verify_password("x", stored)


async def test_builtin_login() -> None:
    class Silent(AuthProvider):
        async def authenticate(self, request: Any) -> None:
            return None

    assert has_builtin_login(model_auth())
    assert not has_builtin_login(Silent()) and not has_builtin_login(None)


async def test_unknown_account_costs_as_much_as_a_wrong_password(
    account: Any, new_panel: NewPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[tuple[int, int, int]] = []
    scrypt = passwords._scrypt

    def counting(secret: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
        hashed.append((n, r, p))
        return scrypt(secret, salt, n, r, p)

    monkeypatch.setattr(passwords, "_scrypt", counting)
    client = Client(new_panel(auth_provider=model_auth()))
    costs, answers = [], []
    await account.objects.create(email="off@example.org", password_hash=account.password_hash, active=False)
    off = {"email": "off@example.org", "password": RIGHT["password"]}
    for credentials in (WRONG, {**WRONG, "email": "nobody@example.org"}, {**WRONG, "email": "\0"}, off):
        hashed.clear()
        answer = await client.post("/api/login", credentials)
        answers.append((answer.status, answer.json()["detail"], answer.json()["code"]))
        costs.append(list(hashed))
    assert set(answers) == {(401, "Invalid credentials", "unauthorized")}
    assert all(cost == costs[0] and len(cost) == 1 for cost in costs)


async def test_account_is_read_again_on_each_request(account: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(auth_provider=model_auth()))
    await client.login(**RIGHT)
    rows = depots.Account.objects.filter(id=account.id)
    await rows.update(roles=["clerk"])
    assert (await client.get("/api/-/session")).json()["user"]["roles"] == ["clerk"]
    await rows.update(active=False)
    assert (await client.get("/api/-/session")).status == 401
    await rows.update(active=True)
    assert (await client.get("/api/-/session")).status == 200
    await rows.update(password_hash=await hash_password("another"))
    assert (await client.get("/api/-/session")).status == 401, "the password has changed"
    await rows.delete()
    assert (await client.get("/api/-/session")).status == 401


async def test_tokens_of_one_model_mean_nothing_for_another(account: Any, new_panel: NewPanel) -> None:
    class Customer(Model):
        id: str = Field(db_pk=True)
        email: str
        password_hash: str

        class Meta:
            is_table = True
            table_name = "customers"

    from oxyde import db

    await create_tables(await db.get_connection(), models=[Customer])
    await Customer.objects.create(
        id=str(account.id), email=account.email, password_hash=account.password_hash
    )
    staff = Client(new_panel(auth_provider=model_auth(), store="database"))
    shop = Client(new_panel(auth_provider=ModelAuth(Customer), store="database"))
    token = (await shop.post("/api/login", RIGHT)).json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await shop.get("/api/-/session", headers=bearer)).status == 200
    assert (await staff.get("/api/-/session", headers=bearer)).status == 401
    await shop.login(**RIGHT)
    staff.cookies = dict(shop.cookies)
    assert (await staff.get("/api/-/session")).status == 401


async def test_login_field_names_the_field_of_the_form(database: Any, new_panel: NewPanel) -> None:
    provider = ModelAuth(depots.Tag, login_field="code", hash_field="label", roles=lambda tag: "chief")
    fields = provider.credentials_model.model_fields
    assert list(fields) == ["code", "password"] and fields["password"].annotation is SecretStr
    assert module.ModelAuth.credentials_model is not provider.credentials_model
