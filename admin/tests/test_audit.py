"""History: what is written, and who may read what of it."""

from __future__ import annotations

import logging
from typing import Any

import depots
import pytest
from client import Client
from everywhere import EVERYWHERE
from test_session import RIGHT, WRONG, NewPanel, Tokens

from oxyde import AsyncDatabase, create_tables, execute_raw
from oxyde.models import registered_tables
from oxyde_admin import ModelAdmin, action
from oxyde_admin.auth import AdminUser, AuthProvider, AuthRequest
from oxyde_admin.exceptions import InvalidDataError
from oxyde_admin.models import OWN_TABLES, AdminLogEntry


class Header(AuthProvider):
    """The user and the roles are what a header says."""

    async def authenticate(self, request: AuthRequest) -> AdminUser | None:
        name = request.headers.get("x-user", "")
        return AdminUser(name, name.title(), roles=name.split("+")) if name else None


@pytest.fixture(autouse=True)
async def tables(database: AsyncDatabase) -> None:
    await create_tables(database, models=list(OWN_TABLES))


def audited(new_panel: NewPanel, admin: Any = None, model: Any = depots.Depot, **options: Any) -> Any:
    others = [each for each in (depots.Depot, depots.Tag, depots.Parcel) if each is not model]
    site = new_panel(*others, audit=True, auth_provider=Header())
    site.register(model, admin or ModelAdmin, **options)
    return site


def user(site: Any, name: str = "chief") -> Client:
    client = Client(site)
    client.headers["x-user"] = name
    return client


async def entries(client: Client, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/-/audit", query=query)
    assert answer.status == 200, answer.text
    return list(answer.json()["items"])


@EVERYWHERE
async def test_life_of_a_record(database: Any, new_panel: NewPanel) -> None:
    client = user(audited(new_panel))
    made = (await client.post("/api/depots", {"name": "North", "city": "x"})).json()
    path = f"/api/depots/{made['id']}"
    changed = await client.patch(path, {"city": "y", "name": "North"})
    await client.delete(path)
    history = await client.get(f"{path}/-/history")
    assert history.status == 200, history.text
    items = history.json()["items"]
    assert [item["action"] for item in items] == ["delete", "change", "create"]
    assert items[1]["changes"] == {"city": ["x", "y"]}
    assert items[2]["changes"] == {"id": [None, made["id"]], "name": [None, "North"], "city": [None, "x"]}
    assert items[0]["changes"]["name"] == ["North", None]
    for item in items:
        assert item["user"] == {"id": "chief", "name": "Chief"}
        assert (item["model"], item["pk"], item["label"]) == ("depots", str(made["id"]), "North")
        assert item["at"].endswith("+00:00")
    assert items[1]["request_id"] == changed.headers["x-request-id"]
    assert await entries(client) == items


@EVERYWHERE
async def test_links_and_secrets(database: Any, new_panel: NewPanel) -> None:
    client = user(audited(new_panel, model=depots.Account))
    await depots.Depot.objects.create(name="d")
    for code in ("a", "b"):
        await depots.Tag.objects.create(code=code, label="l")
    parcel = (await client.post("/api/parcels", {"code": "A", "depot_id": 1, "tags": ["a"]})).json()
    await client.patch(f"/api/parcels/{parcel['id']}", {"tags": ["b"], "label": "AAE="})
    (newest, *_) = await entries(client, model="parcels")
    assert newest["changes"] == {
        "tags": [["a"], ["b"]],
        "label": [None, {"bytes": 2}],
    }
    account = await client.post("/api/accounts", {"email": "a@example.org", "token": "very-hidden"})
    assert account.status == 201, account.text
    await client.patch(f"/api/accounts/{account.json()['id']}", {"token": "still-hidden"})
    shown = await entries(client, model="accounts")
    assert [item["action"] for item in shown] == ["change", "create"] and shown[0]["changes"] == {}
    stored = repr(await AdminLogEntry.objects.values().all())
    assert "hidden" not in stored


async def test_entry_and_change_are_one_transaction(database: Any, new_panel: NewPanel) -> None:
    class Refusing(ModelAdmin):
        async def after_save(self, ctx: Any, record: Any, created: bool) -> None:
            if record.city == "bad":
                raise InvalidDataError("no")

    client = user(audited(new_panel, Refusing))
    assert (await client.post("/api/depots", {"name": "a", "city": "bad"})).status == 422
    assert await AdminLogEntry.objects.count() == 0
    await execute_raw("DROP TABLE oxyde_admin_log")
    assert (await client.post("/api/depots", {"name": "a"})).status >= 500
    assert await depots.Depot.objects.count() == 0, "no history, no change"


async def test_bulk_calls_give_one_entry_each_and_actions_one_with_keys(
    database: Any, new_panel: NewPanel
) -> None:
    class Acting(ModelAdmin):
        @action("Touch")
        async def touch(self, ctx: Any, rows: Any, form: Any) -> str:
            return f"{await rows.update(city='t')}"

    client = user(audited(new_panel, Acting))
    await depots.Depot.objects.bulk_create([{"name": n} for n in "abc"])
    await client.post("/api/depots/bulk-update", {"ids": [1, 2], "data": {"city": "z"}})
    await client.post("/api/depots/-/actions/touch", {"ids": [2, 3]})
    await client.post("/api/depots/bulk-delete", {"ids": [1, 2, 3]})
    shown = await entries(client)
    assert [item["action"] for item in shown] == ["delete"] * 3 + ["touch"] + ["change"] * 2
    assert shown[3]["changes"] == {"keys": [None, ["2", "3"]]} and shown[3]["pk"] is None
    assert (await entries(client, action="touch", user="chief")) == [shown[3]]
    assert await entries(client, user="nobody") == []


async def test_logins(database: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel(depots.Depot, audit=True, auth_provider=Tokens(), login_limit=(1, 60)))
    await client.post("/api/login", RIGHT)
    await client.login(**RIGHT)
    await client.post("/api/login", WRONG)
    await client.delete("/api/-/session")
    client.headers["authorization"] = "Bearer signed"
    rows = await AdminLogEntry.objects.order_by("id").all()
    assert [(row.action, row.user_id, row.label) for row in rows] == [
        ("login", "7", RIGHT["email"]),
        ("login", "7", RIGHT["email"]),
        ("login_failed", "", RIGHT["email"]),
        ("logout", "7", ""),
    ]
    kept = repr(await AdminLogEntry.objects.values().all())
    assert RIGHT["password"] not in kept and WRONG["password"] not in kept


async def test_logins_are_shown_to_who_may_see_all_history(database: Any, new_panel: NewPanel) -> None:
    await AdminLogEntry.objects.create(at="2031-01-01T00:00:00Z", user_id="x", action="login")
    site = audited(new_panel, access={"history": ["chief"]})
    assert [item["action"] for item in await entries(user(site))] == ["login"]
    assert await entries(user(site, "clerk")) == []
    assert (await user(site, "").get("/api/-/audit")).status == 401


async def test_without_audit_there_is_no_history(database: Any, new_panel: NewPanel) -> None:
    client = Client(new_panel())
    await client.post("/api/depots", {"name": "a"})
    for path in ("/api/-/audit", "/api/depots/1/-/history"):
        answer = await client.get(path)
        assert (answer.status, answer.json()["code"]) == (404, "not_enabled")
    assert await AdminLogEntry.objects.count() == 0


async def test_logger_hears_of_everything_but_values(
    database: Any, new_panel: NewPanel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "oxyde_admin.audit")
    client = Client(new_panel())
    await client.post("/api/depots", {"name": "secret-name"})
    await client.post("/api/depots", {"name": "secret-name"})
    told = [record for record in caplog.records if record.name == "oxyde_admin.audit"]
    assert len(told) == 1, "what was rolled back did not happen"
    assert told[0].audit["fields"] == ["city", "id", "name"]  # type: ignore[attr-defined]
    assert told[0].audit["action"] == "create"  # type: ignore[attr-defined]
    assert "secret-name" not in caplog.text and "secret-name" not in repr(told[0].__dict__)


async def test_history_of_rows_of_others(database: Any, new_panel: NewPanel) -> None:
    class Mine(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return q if ctx.user.id == "chief" else q.filter(city=ctx.user.id)

    site = audited(new_panel, Mine)
    chief = user(site)
    for name, city in (("one", "ann"), ("two", "ben"), ("gone", "ann")):
        await chief.post("/api/depots", {"name": name, "city": city})
    await chief.delete("/api/depots/3")
    ann = user(site, "ann")
    assert [item["pk"] for item in await entries(ann)] == ["1"]
    assert (await ann.get("/api/depots/1/-/history")).status == 200
    for pk in ("2", "3", "99", "x"):
        answer = await ann.get(f"/api/depots/{pk}/-/history")
        assert (answer.status, answer.json()["code"]) == (404, "not_found"), pk
        assert await entries(ann, model="depots", pk=pk) == []
    assert [item["pk"] for item in await entries(chief)] == ["2", "1"], (
        "deleted rows: of whom, query cannot say"
    )


async def test_history_needs_its_right(database: Any, new_panel: NewPanel) -> None:
    class Careful(ModelAdmin):
        async def can(self, ctx: Any, action: str, record: Any = None) -> bool:
            return action != "history" or record is None or record.name != "private"

    site = audited(new_panel, Careful, access={"history": ["chief"], "view": ["chief", "clerk"]})
    chief = user(site)
    for name in ("open", "private"):
        await chief.post("/api/depots", {"name": name})
    assert [item["pk"] for item in await entries(chief)] == ["1"]
    assert (await chief.get("/api/depots/2/-/history")).status == 403
    clerk = user(site, "clerk")
    assert (await clerk.get("/api/depots/1/-/history")).status == 403
    assert (await clerk.get("/api/-/audit?model=depots")).status == 403
    assert await entries(clerk) == []
    assert (await user(site, "guest").get("/api/depots/1/-/history")).status == 404
    assert (await user(site, "guest").get("/api/-/audit?model=depots")).status == 404
    assert (await chief.get("/api/-/audit?model=nonsense")).status == 404


async def test_hidden_fields_are_hidden_in_history(database: Any, new_panel: NewPanel) -> None:
    access = {"name": {"view": ["chief"]}, "city": {"view": ["chief"]}}
    site = audited(new_panel, field_access=access)
    chief, clerk = user(site), user(site, "clerk")
    await chief.post("/api/depots", {"name": "hidden-name", "city": "hidden-city", "manager_id": 4})
    await chief.patch("/api/depots/1", {"city": "hidden-town"})
    assert (await entries(chief))[0]["label"] == "hidden-name"
    for path in ("/api/-/audit", "/api/depots/1/-/history"):
        answer = await clerk.get(path)
        assert answer.status == 200 and "hidden-" not in answer.text
        assert '"name":[' not in answer.text and "city" not in answer.text
        assert answer.json()["items"][0]["changes"] == {}
        assert answer.json()["items"][1]["changes"] == {"id": [None, 1], "manager_id": [None, 4]}


async def test_targets_out_of_sight_are_not_named(database: Any, new_panel: NewPanel) -> None:
    class Public(ModelAdmin):
        async def query(self, ctx: Any, q: Any) -> Any:
            return q if ctx.user.id == "chief" else q.filter(label="public")

    site = audited(new_panel, Public, depots.Tag)
    await depots.Depot.objects.create(name="d")
    await depots.Tag.objects.create(code="seen", label="public")
    await depots.Tag.objects.create(code="unseen", label="x")
    made = await user(site).post("/api/parcels", {"code": "A", "depot_id": 1, "tags": ["seen", "unseen"]})
    assert made.status == 201, made.text
    answer = await user(site, "clerk").get("/api/parcels/1/-/history")
    assert answer.json()["items"][0]["changes"]["tags"] == [[], ["seen"]]
    assert "unseen" not in answer.text


async def test_pages_by_position(database: Any, new_panel: NewPanel) -> None:
    client = user(audited(new_panel))
    await depots.Depot.objects.create(name="d")
    rows = [
        {
            "at": "2031-01-01T00:00:00Z" if n < 60 else "2031-02-01T12:00:00Z",
            "user_id": "u",
            "action": "change",
            "model": "depots",
            "pk": "1" if n % 2 else "2",
        }
        for n in range(120)
    ]
    await AdminLogEntry.objects.bulk_create(rows)
    seen, after = [], ""
    while True:
        answer = (await client.get("/api/-/audit", query={"after": after})).json()
        seen += [item["id"] for item in answer["items"]]
        assert len(answer["items"]) <= 50
        after = answer["next"]
        if after is None:
            break
    assert seen == sorted(seen, reverse=True) and len(set(seen)) == 120
    first = (await client.get("/api/depots/1/-/history")).json()
    rest = (await client.get("/api/depots/1/-/history", query={"after": first["next"]})).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (50, 10, None)

    async def many(**query: str) -> int:
        query = {name.strip("_"): value for name, value in query.items()}
        return len(await entries(client, **query))

    assert await many(from_="2031-02-01", to="2031-02-01") == 50
    assert await many(from_="2031-02-02") == 0 and await many(to="2031-01-31", pk="1", model="depots") == 30
    assert await many(to="2031-01-01T00:00:00Z") == 0
    for bad in ({"after": "x"}, {"after": "-1"}, {"from": "yesterday"}, {"to": "2031-99-99"}):
        answer = await client.get("/api/-/audit", query=bad)
        assert (answer.status, answer.json()["code"]) == (400, "bad_parameter"), bad


async def test_history_cannot_be_changed_through_a_panel(database: Any, new_panel: NewPanel) -> None:
    site = audited(new_panel)
    ours = {*depots.ALL, *OWN_TABLES}
    site.register_all(exclude={model for model in registered_tables().values() if model not in ours})
    assert not {model for model in OWN_TABLES if model in site.models}
    client = user(site)
    await client.post("/api/depots", {"name": "a"})
    for method in ("POST", "PATCH", "DELETE"):
        for path in ("/api/-/audit", "/api/depots/1/-/history", "/api/oxyde_admin_log/1"):
            assert (await client.request(method, path, data={})).status in (404, 405)
    assert len(await entries(client)) == 1


async def test_what_some_database_cannot_keep(database: Any, new_panel: NewPanel) -> None:
    from oxyde_admin.audit.storable import fitting, storable

    assert storable({"a\0": ["x\0", "\ud800", 1 << 70, True]}) == {
        "a\N{SYMBOL FOR NULL}": ["x\N{SYMBOL FOR NULL}", "?", str(1 << 70), True]
    }
    long = [fitting(sign * 500, 255) for sign in "ab"]
    assert len(set(long)) == 2 and all(len(text) == 255 for text in long)
    client = Client(new_panel(depots.Depot, audit=True, auth_provider=Tokens()))
    answer = await client.post("/api/login", {**WRONG, "email": "\0" + "x" * 1000})
    assert answer.status == 401
    assert len((await AdminLogEntry.objects.get()).label) == 255


@EVERYWHERE
async def test_labels_are_the_text_of_any_field_a_path_or_the_key(database: Any, new_panel: NewPanel) -> None:
    class Acting(ModelAdmin):
        @action("Touch", scope="row")
        async def touch(self, ctx: Any, record: Any, form: Any) -> None:
            pass

    site = new_panel(depots.Depot, depots.Tag, depots.Shelf, depots.ParcelTag, audit=True)
    site.register(depots.Event, Acting, display_field="parcel__weight")
    site.register(depots.Parcel, display_field="weight")
    client = Client(site)
    await depots.Depot.objects.create(name="d")
    await client.post("/api/parcels", {"code": "A-1", "depot_id": 1, "weight": 12, "tags": []})
    await depots.Tag.objects.create(code="a/b", label="l")
    made = await client.post("/api/parcel_tags", {"parcel_id": 1, "tag_code": "a/b"})
    assert made.status == 201, made.text
    await client.post("/api/events", {"parcel_id": 1, "text": "t"})
    assert (await client.post("/api/events/-/actions/touch", {"ids": [1]})).status == 200
    await client.delete("/api/events/1")
    told = [(item["model"], item["action"], item["label"]) for item in await entries(client)]
    assert told == [
        ("events", "delete", "12"),
        ("events", "touch", "12"),
        ("events", "create", "12"),
        ("parcel_tags", "create", "1,a~2Fb"),
        ("parcels", "create", "12"),
    ]


async def test_a_label_out_of_sight_is_the_key(database: Any, new_panel: NewPanel) -> None:
    site = audited(new_panel, field_access={"name": {"view": ["chief"]}})
    await user(site).post("/api/depots", {"name": "hidden-name", "city": "c"})
    assert (await entries(user(site)))[0]["label"] == "hidden-name"
    assert (await entries(user(site, "clerk")))[0]["label"] == "1"


async def test_models_without_history_do_not_hide_logins(database: Any, new_panel: NewPanel) -> None:
    await AdminLogEntry.objects.create(at="2031-01-01T00:00:00Z", user_id="x", action="login")

    class Rule(Header):
        async def authenticate(self, request: AuthRequest) -> AdminUser | None:
            found = await super().authenticate(request)
            if found is not None:
                found.permissions = ["*:*"] if found.id == "chief" else ["depots:*", "readings:*"]
            return found

    site = new_panel(
        depots.Depot, depots.Reading, depots.Tag, audit=True, auth_provider=Rule(), permissions="user"
    )
    assert [item["action"] for item in await entries(user(site))] == ["login"]
    assert await entries(user(site, "clerk")) == []
    without = new_panel(depots.Reading, audit=True, auth_provider=Rule(), permissions="user")
    assert await entries(user(without, "clerk")) == []
