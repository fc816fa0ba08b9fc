"""`model_fields_set` of loaded instances is made on first use, and nobody can tell."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from oxyde import Field, Model, create_tables, db


class Tag(Model):
    id: int | None = Field(default=None, db_pk=True)
    text: str
    note: str | None = None

    class Meta:
        is_table = True
        table_name = "fields_set_tags"


ALL = {"id", "text", "note"}


@pytest_asyncio.fixture(autouse=True)
async def tag() -> AsyncIterator[Tag]:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database, models=[Tag])
        await Tag.objects.create(text="a")
        yield await Tag.objects.get(text="a")


def test_it_is_a_plain_set_of_its_own(tag: Tag) -> None:
    assert type(tag.model_fields_set) is set
    assert tag.model_fields_set == ALL
    assert tag.__pydantic_fields_set__ is tag.model_fields_set


async def test_instances_do_not_share_it(tag: Tag) -> None:
    other = await Tag.objects.get(text="a")
    tag.model_fields_set.discard("note")
    assert other.model_fields_set == ALL


def test_assignment_copies_and_dumps_see_it(tag: Tag) -> None:
    assert copy.copy(tag).model_fields_set == ALL
    assert copy.deepcopy(tag).model_fields_set == ALL
    assert pickle.loads(pickle.dumps(tag)).model_fields_set == ALL
    assert tag.model_copy(update={"text": "b"}).model_fields_set == ALL
    tag.text = "c"
    assert tag.model_fields_set == ALL
    assert set(tag.model_dump(exclude_unset=True)) == ALL


async def test_refresh_and_save_fill_it(tag: Tag) -> None:
    await tag.refresh()
    assert tag.model_fields_set == ALL
    loaded = await Tag.objects.get(text="a")
    await loaded.save()
    assert loaded.model_fields_set == ALL


async def test_partial_instances_have_what_was_loaded() -> None:
    assert (await Tag.objects.only("text").get(text="a")).model_fields_set == {"id", "text"}


def test_equality_does_not_need_it(tag: Tag) -> None:
    assert tag == Tag(id=1, text="a", note=None)


def test_an_instance_without_values_has_none() -> None:
    with pytest.raises(AttributeError):
        Tag.__new__(Tag).__pydantic_fields_set__  # noqa: B018


def test_validation_still_sets_it() -> None:
    assert Tag(text="x").model_fields_set == {"text"}
    assert Tag.model_validate({"text": "x", "note": None}).model_fields_set == {"text", "note"}
    assert Tag.model_construct(text="x").model_fields_set == {"text"}
    assert Tag.model_validate(Tag(text="y")).model_fields_set == {"text"}
