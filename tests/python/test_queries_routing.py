"""Which connection a terminal runs on, and what stays out of the way of custom managers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from servers import Server

from oxyde import Field, Model, UnknownAliasError, atomic, create_tables, db
from oxyde.queries import Query, QueryManager


class VisibleManager(QueryManager[Any]):
    def get_query(self) -> Query[Any]:
        return super().get_query().filter(hidden=False)


class Shelf(Model):
    id: int | None = Field(default=None, db_pk=True)
    hidden: bool = False
    using: str = ""
    client: str = ""
    mode: int = 0
    folders: list[Folder] = Field(db_reverse_fk="shelf")

    objects = VisibleManager()
    everything = QueryManager[Any]()

    class Meta:
        is_table = True
        table_name = "routing_shelves"


class Folder(Model):
    id: int | None = Field(default=None, db_pk=True)
    hidden: bool = False
    shelf: Shelf | None = None

    objects = VisibleManager()

    class Meta:
        is_table = True
        table_name = "routing_folders"


@pytest_asyncio.fixture(autouse=True)
async def database(empty_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with db.connect(empty_database.url) as opened:
        await create_tables(opened, models=[Shelf, Folder])
        yield opened


async def test_the_alias_is_the_one_given_or_the_default() -> None:
    await Shelf.objects.create(instance=Shelf())
    async with db.connect("sqlite://:memory:", name="other") as other:
        await create_tables(other, models=[Shelf, Folder])
        assert await Shelf.objects.count() == 1
        assert await Shelf.objects.count(using="other") == 0
        assert await Shelf.objects.count(client=other) == 0
    with pytest.raises(UnknownAliasError):
        await Shelf.objects.count(using="other")


async def test_statements_join_the_transaction_of_their_task() -> None:
    async def child() -> int:
        return await Shelf.objects.count()

    with db.capture_queries() as log:
        async with atomic() as block:
            await Shelf.objects.count()
            await asyncio.create_task(child())
            await asyncio.gather(child(), child())
            await asyncio.create_task(Shelf.objects.count(client=block))
    counts = [event.transaction_id for event in log if "COUNT" in event.sql]
    own = counts[0]
    assert own is not None
    assert counts == [own, None, None, None, own]


async def test_relations_and_instances_see_every_row() -> None:
    shelf = await Shelf.objects.create(hidden=True)
    folder = await Folder.objects.create(hidden=True, shelf=shelf)
    assert await Shelf.objects.count() == await Folder.objects.count() == 0
    (loaded,) = await Shelf.everything.prefetch("folders").all()
    assert [found.id for found in loaded.folders] == [folder.id]
    assert await Shelf.everything.filter(folders__id=folder.id).count() == 1
    shelf.mode = 4
    await shelf.save()
    await shelf.refresh()
    assert shelf.mode == 4
    await folder.delete()
    await shelf.delete()
    assert await Shelf.everything.count() == 0


async def test_fields_named_like_keywords() -> None:
    await Shelf.objects.create(instance=Shelf(using="a", client="b", mode=3))
    assert (await Shelf.objects.get(using__exact="a", client__exact="b", mode__exact=3)).mode == 3
    assert await Shelf.objects.get_or_none(using__exact="b") is None
    assert await Shelf.objects.filter(using="a", client="b", mode=3).count() == 1
