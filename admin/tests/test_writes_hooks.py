"""The hooks of a ModelAdmin and of the model: their order, their place, and what they may do."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from client import Client
from everywhere import EVERYWHERE
from writing import make, places

from oxyde import AsyncDatabase, Field, Model, create_tables, is_saved
from oxyde.exceptions import DatabaseError
from oxyde_admin.exceptions import ConflictError, InvalidDataError, PermissionDeniedError
from oxyde_admin.options.model_admin import ModelAdmin
from oxyde_admin.site import AdminSite

pytestmark = EVERYWHERE

CALLS: list[Any] = []


class Page(Model):
    id: int | None = Field(default=None, db_pk=True)
    title: str = Field(max_length=40, db_unique=True)
    slug: str = ""
    edits: int = 0
    secret: str = Field(default="", max_length=5)

    class Meta:
        is_table = True
        table_name = "hooked_pages"

    async def pre_save(self, *, is_create: bool, update_fields: Any = None) -> None:
        CALLS.append(("pre_save", is_create, update_fields, is_saved(self)))
        self.slug = self.title.lower()

    async def post_save(self, *, is_create: bool, update_fields: Any = None) -> None:
        CALLS.append(("post_save", is_create, update_fields))

    async def pre_delete(self) -> None:
        CALLS.append("pre_delete")

    async def post_delete(self) -> None:
        CALLS.append("post_delete")


class PageAdmin(ModelAdmin):
    exclude_fields = ["secret"]
    fails: Any = None

    async def _told(self, name: str, ctx: Any) -> None:
        CALLS.append(name)
        if self.fails is not None and self.fails[0] == name:
            raise self.fails[1]

    async def validate(self, ctx: Any, data: dict[str, Any], record: Any) -> dict[str, Any]:
        assert ctx.changes == data
        await self._told("validate", ctx)
        return {**data, "title": data["title"].strip()} if "title" in data else data

    async def before_save(self, ctx: Any, record: Any, created: bool) -> None:
        assert ctx.client is not None
        assert "title" in ctx.changes
        await self._told("before_save", ctx)
        record.edits += 1

    async def after_save(self, ctx: Any, record: Any, created: bool) -> None:
        assert record.id is not None
        await self._told("after_save", ctx)
        await Page.objects.filter(id=record.id).exists()

    async def before_delete(self, ctx: Any, record: Any) -> None:
        await self._told("before_delete", ctx)

    async def after_delete(self, ctx: Any, record: Any) -> None:
        await self._told("after_delete", ctx)

    async def after_commit(self, ctx: Any) -> None:
        assert ctx.client is None
        await self._told("after_commit", ctx)


@pytest.fixture
async def admin(database: AsyncDatabase) -> PageAdmin:
    await create_tables(database, models=[Page])
    return PageAdmin()


@pytest.fixture
async def client(admin: PageAdmin) -> Client:
    site = AdminSite()
    site.register(Page, admin)
    client = Client(site)
    await make(client, "hooked_pages", title="First")
    CALLS.clear()
    return client


async def test_the_order_of_a_create(client: Client) -> None:
    made = await make(client, "hooked_pages", title=" Second ")
    assert made == {"id": 2, "title": "Second", "slug": "second", "edits": 1}
    assert CALLS == [
        "validate",
        "before_save",
        ("pre_save", True, None, False),
        ("post_save", True, None),
        "after_save",
        "after_commit",
    ]


async def test_the_order_of_a_change_and_what_hooks_set_is_written(client: Client) -> None:
    answer = await client.patch("/api/hooked_pages/1", {"title": "Other"})
    assert answer.json() == {"id": 1, "title": "Other", "slug": "other", "edits": 2}
    assert [
        "validate",
        "before_save",
        ("pre_save", False, {"title"}, True),
        ("post_save", False, {"title", "slug", "edits"}),
        "after_save",
        "after_commit",
    ] == CALLS
    page = await Page.objects.get(id=1)
    assert (page.slug, page.edits) == ("other", 2)


async def test_the_order_of_a_delete(client: Client) -> None:
    assert (await client.delete("/api/hooked_pages/1")).json() == {"deleted": 1}
    assert CALLS == ["before_delete", "pre_delete", "post_delete", "after_delete", "after_commit"]


async def test_bulk_calls_run_them_for_each_record_and_commit_once(client: Client) -> None:
    await make(client, "hooked_pages", title="Second")
    CALLS.clear()
    await client.post("/api/hooked_pages/bulk-delete", {"ids": [1, 2]})
    one = ["before_delete", "pre_delete", "post_delete", "after_delete"]
    assert [*one, *one, "after_commit"] == CALLS


@pytest.mark.parametrize("name", ["validate", "before_save", "after_save"])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidDataError({"title": "no"}), 422),
        (PermissionDeniedError(), 403),
        (ConflictError(), 409),
        (RuntimeError("a fault"), 500),
    ],
)
async def test_what_a_hook_raises_rolls_everything_back(
    client: Client, admin: PageAdmin, name: str, error: Exception, status: int
) -> None:
    admin.fails = (name, error)
    for answer in (
        await client.post("/api/hooked_pages", {"title": "Second"}),
        await client.patch("/api/hooked_pages/1", {"title": "Second"}),
    ):
        assert answer.status == status
        assert "a fault" not in answer.text
    assert await Page.objects.values_list("title", flat=True).all() == ["First"]
    assert "after_commit" not in CALLS


@pytest.mark.parametrize("name", ["before_delete", "after_delete"])
async def test_a_hook_can_refuse_a_deletion(client: Client, admin: PageAdmin, name: str) -> None:
    admin.fails = (name, InvalidDataError("not this one"))
    answer = await client.delete("/api/hooked_pages/1")
    assert (answer.status, places(answer)) == (422, [[]])
    assert await Page.objects.count() == 1


async def test_after_commit_only_logs(
    client: Client, admin: PageAdmin, caplog: pytest.LogCaptureFixture
) -> None:
    admin.fails = ("after_commit", RuntimeError("mail server away"))
    with caplog.at_level(logging.ERROR, logger="oxyde_admin"):
        answer = await client.patch("/api/hooked_pages/1", {"title": "Other"})
    assert answer.status == 200
    assert "mail server away" in caplog.text
    assert (await Page.objects.get(id=1)).title == "Other"


async def test_a_client_who_goes_cuts_nothing_after_the_commit(
    database: AsyncDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    begun, gone, done = asyncio.Event(), asyncio.Event(), []

    class Telling(ModelAdmin):
        async def after_commit(self, ctx: Any) -> None:
            begun.set()
            await gone.wait()
            await asyncio.sleep(0.05)
            done.append(await Page.objects.count())

    await create_tables(database, models=[Page])
    site = AdminSite()
    site.register(Page, Telling)
    caplog.set_level(logging.INFO, "oxyde_admin.audit")
    data = {"title": "Told"}
    posting = asyncio.create_task(Client(site).post("/api/hooked_pages", data, gone=gone.wait))
    await asyncio.wait_for(begun.wait(), 10)
    gone.set()
    answer = await asyncio.wait_for(posting, 10)
    assert (answer.status, done) == (499, [1])
    assert [record.name for record in caplog.records].count("oxyde_admin.audit") == 1


async def test_hidden_names_in_what_a_hook_says_are_withheld(client: Client, admin: PageAdmin) -> None:
    admin.fails = ("validate", InvalidDataError({"secret": "too secret", "title": "no"}))
    answer = await client.post("/api/hooked_pages", {"title": "Second"})
    assert places(answer) == [[], ["title"]]
    assert "secret" not in answer.text


async def test_what_a_hook_sets_is_validated(client: Client, admin: PageAdmin) -> None:
    class Breaking(PageAdmin):
        async def before_save(self, ctx: Any, record: Any, created: bool) -> None:
            record.slug, record.secret = "fine", "far too long"

    site = AdminSite()
    site.register(Page, Breaking)
    other = Client(site)
    for answer in (
        await other.post("/api/hooked_pages", {"title": "Second"}),
        await other.patch("/api/hooked_pages/1", {"title": "Second"}),
    ):
        assert (answer.status, places(answer)) == (422, [[]])
        assert "secret" not in answer.text


async def test_a_database_error_in_a_hook_is_no_fault_of_ours(client: Client, admin: PageAdmin) -> None:
    admin.fails = ("before_save", DatabaseError("server text"))
    answer = await client.patch("/api/hooked_pages/1", {"title": "Other"})
    assert (answer.status, answer.json()["code"]) == (503, "database")
    assert "server text" not in answer.text
