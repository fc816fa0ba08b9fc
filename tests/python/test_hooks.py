"""Which calls run hooks, with what arguments, and what an exception in one prevents; on every server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import F, Field, Model, atomic, db, is_saved
from oxyde.models.registry import unregister_table

calls: list[Any] = []


class Stamped(Model):
    """A base with hooks; no table."""

    async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        calls.append(("base pre", is_create, update_fields))

    async def post_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        calls.append(("base post", is_create, update_fields))


class Letter(Stamped):
    id: int | None = Field(default=None, db_pk=True)
    ref: str = Field(db_unique=True, max_length=20)
    weight: int = 0
    slug: str = ""

    async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        await super().pre_save(is_create=is_create, update_fields=update_fields)
        if self.ref == "stop":
            raise LookupError("before")
        self.slug = self.ref.lower()

    async def post_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        await super().post_save(is_create=is_create, update_fields=update_fields)
        if self.ref == "late":
            raise LookupError("after")

    async def pre_delete(self) -> None:
        calls.append("pre delete")
        if self.ref == "keep":
            raise LookupError("before")

    async def post_delete(self) -> None:
        calls.append("post delete")

    class Meta:
        is_table = True
        table_name = "hook_letters"


unregister_table(Letter)
CREATED = [("base pre", True, None), ("base post", True, None)]


def updated(*fields: str) -> list[Any]:
    names = set(fields) or None
    return [("base pre", False, names), ("base post", False, names)]


@pytest_asyncio.fixture(autouse=True)
async def table(fresh_database: Server) -> AsyncIterator[None]:
    async with served(fresh_database, [Letter]):
        calls.clear()
        yield


def ran() -> list[Any]:
    found = list(calls)
    calls.clear()
    return found


async def test_saving_and_creating_run_both_once(table: None) -> None:
    letter = await Letter(ref="A").save()
    assert (ran(), letter.slug) == (CREATED, "a")
    letter.ref = "B"
    await letter.save()
    assert ran() == updated()
    assert (await Letter.objects.get(pk=letter.id)).slug == "b"
    await Letter.objects.create(ref="C")
    await Letter.objects.create({"ref": "D"})
    await Letter.objects.create(instance=Letter(ref="E"))
    assert ran() == CREATED * 3


async def test_in_a_partial_update_changes_of_the_hook_count_only_if_listed(table: None) -> None:
    letter = await Letter(ref="A").save()
    ran()
    letter.ref = "B"
    await letter.save(update_fields=["ref"])
    assert ran() == updated("ref")
    assert (await Letter.objects.get(pk=letter.id)).slug == "a"
    letter.ref = "C"
    await letter.save(update_fields={"ref", "slug"})
    assert ran() == updated("ref", "slug")
    assert (await Letter.objects.get(pk=letter.id)).slug == "c"


async def test_get_or_create_runs_them_only_when_it_creates(table: None) -> None:
    _, created = await Letter.objects.get_or_create(ref="A")
    assert (created, ran()) == (True, CREATED)
    _, created = await Letter.objects.get_or_create(ref="A")
    assert (created, ran()) == (False, [])


async def test_update_or_create_runs_them_as_what_it_does(table: None) -> None:
    await Letter.objects.update_or_create(ref="A", defaults={"weight": 1})
    assert ran() == CREATED
    await Letter.objects.update_or_create(ref="A", defaults={"weight": 2})
    assert ran() == updated("weight")
    await Letter.objects.update_or_create(ref="A")
    assert ran() == []


async def test_deleting_runs_its_own_also_without_a_row(table: None) -> None:
    letter = await Letter(ref="A").save()
    ran()
    assert await letter.delete() == 1
    assert await letter.delete() == 0
    assert ran() == ["pre delete", "post delete"] * 2


async def test_statements_for_many_rows_run_none(table: None) -> None:
    made = await Letter.objects.bulk_create([Letter(ref="A"), {"ref": "B"}])
    made[0].weight = 3
    await Letter.objects.bulk_update(made, ["weight"])
    await Letter.objects.upsert(ref="C", unique_fields=["ref"])
    await Letter.objects.filter(ref="A").update(weight=F("weight") + 1)
    await Letter.objects.filter(ref="A").increment("weight")
    await made[0].refresh()
    await Letter.objects.all()
    await Letter.objects.filter(ref="B").delete()
    assert ran() == []
    assert [letter.slug for letter in await Letter.objects.all()] == ["", ""]


async def test_an_exception_before_prevents_every_statement(table: None) -> None:
    kept = await Letter(ref="keep").save()
    with db.capture_queries() as queries:
        with pytest.raises(LookupError, match="before"):
            await Letter(ref="stop").save()
        with pytest.raises(LookupError, match="before"):
            await Letter.objects.create(ref="stop")
        with pytest.raises(LookupError, match="before"):
            await kept.delete()
    assert len(queries) == 0
    assert await Letter.objects.count() == 1


async def test_an_exception_afterwards_comes_through_and_the_row_stays(table: None) -> None:
    late = Letter(ref="late")
    with pytest.raises(LookupError, match="after"):
        await late.save()
    assert is_saved(late) and late.id is not None
    with pytest.raises(LookupError, match="after"):
        await late.save(update_fields=["weight"])
    assert await Letter.objects.filter(ref="late").count() == 1


async def test_hooks_share_the_transaction_of_their_caller(table: None) -> None:
    with pytest.raises(LookupError):
        async with atomic():
            await Letter(ref="A").save()
            await Letter(ref="late").save()
    assert await Letter.objects.count() == 0


async def test_what_a_hook_assigns_is_validated(table: None) -> None:
    class Checked(Letter):
        async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
            self.weight = "heavy"  # type: ignore[assignment]

        class Meta:
            is_table = True
            table_name = "hook_letters"

    unregister_table(Checked)
    with db.capture_queries() as queries, pytest.raises(pydantic.ValidationError, match="weight"):
        await Checked(ref="X").save()
    assert len(queries) == 0
