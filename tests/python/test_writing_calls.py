"""Plain calls of create() and update() run without a Python frame, as the written functions would."""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pydantic import field_validator

from oxyde import F, Field, Model, Q, _core, create_tables, db
from oxyde.queries import Query


class WrittenOwner(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = ""

    class Meta:
        is_table = True


class WrittenRow(Model):
    id: int | None = Field(default=None, db_pk=True)
    a: int = Field(default=0, le=100)
    name: str = ""
    data: str = ""
    instance: str = ""

    class Meta:
        is_table = True

    @field_validator("name")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()


class WrittenLink(Model):
    id: int | None = Field(default=None, db_pk=True)
    owner: WrittenOwner | None = None
    b: int = 0

    class Meta:
        is_table = True


class WrittenLate(Model):
    """Assigns a field while it is made: validated once more before it is written."""

    id: int | None = Field(default=None, db_pk=True)
    a: int = Field(default=0, le=100)

    class Meta:
        is_table = True

    def model_post_init(self, context: Any, /) -> None:
        if self.a == 7:
            self.a = 700
        elif self.a == 8:
            self.a = 80


class WrittenHooked(Model):
    id: int | None = Field(default=None, db_pk=True)
    a: int = 0
    seen: str = ""

    class Meta:
        is_table = True

    async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        self.seen = "hooked"


MODELS: list[type[Model]] = [WrittenOwner, WrittenRow, WrittenLink, WrittenLate, WrittenHooked]

CREATES: list[tuple[type[Model], dict[str, Any]]] = [
    (WrittenRow, {}),
    (WrittenRow, {"a": 1}),
    (WrittenRow, {"a": "12", "name": "UPPER"}),
    (WrittenRow, {"a": "no number"}),
    (WrittenRow, {"a": 1000}),
    (WrittenRow, {"missing": 1}),
    (WrittenRow, {"data": "a field of that name"}),
    (WrittenRow, {"data": "x", "a": 2, "self": 1}),
    (WrittenRow, {"instance": "no instance"}),
    (WrittenRow, {"instance": WrittenRow(a=4)}),
    (WrittenRow, {"instance": WrittenRow(a=4), "a": 5}),
    (WrittenRow, {"a": 5, "using": "default"}),
    (WrittenRow, {"a": 5, "using": "elsewhere"}),
    (WrittenRow, {"a": 5, "client": 3}),
    (WrittenRow, {"id": 9, "a": F("a")}),
    (WrittenLink, {"owner": WrittenOwner(id=1), "b": 2}),
    (WrittenLink, {"owner": WrittenOwner(), "b": 2}),
    (WrittenLink, {"owner": None}),
    (WrittenLink, {"owner_id": 1}),
    (WrittenLate, {"a": 6}),
    (WrittenLate, {"a": 7}),
    (WrittenLate, {"a": 8}),
    (WrittenHooked, {"a": 1}),
]

UPDATES: list[tuple[type[Model], dict[str, Any]]] = [
    (WrittenRow, {}),
    (WrittenRow, {"a": 1}),
    (WrittenRow, {"a": "12", "name": "UPPER"}),
    (WrittenRow, {"a": "no number"}),
    (WrittenRow, {"a": 1000}),
    (WrittenRow, {"a": None}),
    (WrittenRow, {"missing": 1}),
    (WrittenRow, {"pk": 700}),
    (WrittenRow, {"id": 700, "pk": 700}),
    (WrittenRow, {"a": F("a") + 1, "name": F("data")}),
    (WrittenRow, {"a": F("missing") + 1}),
    (WrittenRow, {"a": WrittenOwner.objects.filter(id=1).values_list("id", flat=True)}),
    (WrittenRow, {"values": 1}),
    (WrittenRow, {"data": "d", "instance": "i"}),
    (WrittenRow, {"a": 1, "returning": True}),
    (WrittenRow, {"a": 1, "returning": ["a"]}),
    (WrittenRow, {"a": 1, "using": "elsewhere"}),
    (WrittenRow, {"a": Q(a=1)}),
    (WrittenLink, {"owner": 1}),
    (WrittenLink, {"owner": WrittenOwner(id=1)}),
    (WrittenLink, {"owner_id": 1, "b": 3}),
    (WrittenLink, {"owner_id": 1, "owner": 2}),
]


@pytest_asyncio.fixture
async def tables() -> AsyncIterator[None]:
    opened = await db.init(default="sqlite://:memory:")
    try:
        await create_tables(opened, models=MODELS)
        await WrittenOwner.objects.create(name="first")
        yield
    finally:
        await db.close()


async def answer(call: Any) -> Any:
    try:
        given = await call()
    except Exception as error:
        return type(error), str(error)
    return given.__dict__ if isinstance(given, Model) else given


async def stored() -> list[Any]:
    return [await model.objects.values().order_by("id").all() for model in MODELS]


async def empty() -> None:
    for model in MODELS[1:]:
        await model.objects.delete()


@pytest.mark.asyncio
@pytest.mark.parametrize(("model", "kwargs"), CREATES)
async def test_what_is_created_is_the_function_s(
    tables: None, model: type[Model], kwargs: dict[str, Any]
) -> None:
    said = []
    for function in (Query.create, Query.create.__wrapped__):  # type: ignore[attr-defined]
        said.append((await answer(lambda f=function: f(Query(model), **dict(kwargs))), await stored()))
        for value in kwargs.values():
            if isinstance(value, WrittenRow):
                value.id = None
        await empty()
    assert said[0] == said[1]


@pytest.mark.asyncio
@pytest.mark.parametrize(("model", "kwargs"), UPDATES)
async def test_what_is_updated_is_the_function_s(
    tables: None, model: type[Model], kwargs: dict[str, Any]
) -> None:
    for query in (Query(model).filter(id=5), Query(model).filter(id__gte=5)[:1], Query(model).group_by("id")):
        said = []
        for function in (Query.update, Query.update.__wrapped__):  # type: ignore[attr-defined]
            await WrittenRow.objects.bulk_create([WrittenRow(id=n, a=n, data=f"d{n}") for n in (4, 5, 6)])
            await WrittenLink.objects.bulk_create([WrittenLink(id=n, b=n) for n in (4, 5, 6)])
            done = await answer(lambda f=function, q=query: f(q, **dict(kwargs)))
            shown = (
                [row.__dict__ if isinstance(row, Model) else row for row in done]
                if (isinstance(done, list))
                else done
            )
            said.append((shown, await stored()))
            await empty()
        assert said[0] == said[1]


def frames(call: Any) -> list[str]:
    """The Python functions that run in a call."""
    names: list[str] = []

    def note(frame: Any, event: str, _arg: Any) -> None:
        if event == "call":
            names.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        made = call()
    finally:
        sys.setprofile(None)
    made.close()
    return [name for name in names if "lambda" not in name]


def test_plain_calls_need_no_frame() -> None:
    class WrittenHere(Model):  # since nobody has put another __init__ into its bases
        id: int | None = Field(default=None, db_pk=True)
        name: str = ""

        class Meta:
            is_table = True

    owners, one = WrittenHere.objects, WrittenHere.objects.filter(id=1)
    owners.create(name="a").close()  # what is made once is made
    changed = F("id") + 1
    assert frames(lambda: owners.create(name="a")) == []
    assert frames(lambda: one.update(id=changed)) == []
    assert frames(lambda: owners.create({"name": "a"})) != []
    assert frames(lambda: one.update({"name": "a"})) != []


@pytest.mark.asyncio
async def test_a_hook_that_comes_later_is_called(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def note(self: Any, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        seen.append(type(self).__name__)

    await WrittenOwner.objects.create(name="before")
    for owner in (WrittenOwner, Model):
        with monkeypatch.context() as patch:
            patch.setattr(owner, "post_save", note)
            made = await WrittenOwner.objects.create(name="with")
            await made.save()
            assert seen == ["WrittenOwner", "WrittenOwner"]
        seen.clear()
    await WrittenOwner.objects.create(name="after")
    assert seen == []


@pytest.mark.asyncio
async def test_hooks_of_delete_that_come_later_are_called(
    tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def note(self: Any) -> None:
        seen.append(self.name)

    one = await WrittenOwner.objects.create(name="one")
    await one.delete()
    for name in ("pre_delete", "post_delete"):
        monkeypatch.setattr(WrittenOwner, name, note)
    two = await WrittenOwner.objects.create(name="two")
    assert await two.delete() == 1
    assert seen == ["two", "two"]


def test_they_look_like_functions() -> None:
    for name in ("create", "update"):
        method = getattr(Query, name)
        written = method.__wrapped__
        assert inspect.signature(method) == inspect.signature(written)
        assert (method.__name__, method.__doc__) == (name, written.__doc__)
        assert inspect.isroutine(method)


def test_a_helper_is_for_writing_only() -> None:
    with pytest.raises(ValueError, match="a terminal reads"):
        _core.terminal(Query.delete, what=_core.DO_DELETE, helper=print)
