"""Plain calls of create(), update() and an instance's delete() run without a Python frame, as the written
functions would."""

from __future__ import annotations

import asyncio
import inspect
import sys
import types
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pydantic import field_validator

from oxyde import F, Field, Model, Q, _core, atomic, create_tables, db, execute_raw
from oxyde.exceptions import ManagerError
from oxyde.models._instance import dump_state, is_saved
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


class WrittenPair(Model):
    """A key of two columns."""

    a: int = Field(db_pk=True)
    b: str = Field(db_pk=True)

    class Meta:
        is_table = True


class WrittenCode(Model):
    code: uuid.UUID = Field(db_pk=True)

    class Meta:
        is_table = True


class WrittenKeyless(Model):
    a: int = 0

    class Meta:
        is_table = True


MODELS: list[type[Model]] = [
    WrittenOwner,
    WrittenRow,
    WrittenLink,
    WrittenLate,
    WrittenHooked,
    WrittenPair,
    WrittenCode,
    WrittenKeyless,
]

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
    return [
        await model.objects.values().order_by(*model._db_meta.pk_fields or ("a",)).all() for model in MODELS
    ]


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
    for owner, name in ((Query, "create"), (Query, "update"), (Model, "delete")):
        method = getattr(owner, name)
        written = method.__wrapped__
        assert inspect.signature(method) == inspect.signature(written)
        assert (method.__name__, method.__doc__) == (name, written.__doc__)
        assert inspect.isroutine(method)


def test_a_helper_is_for_writing_only() -> None:
    with pytest.raises(ValueError, match="a terminal reads"):
        _core.terminal(Query.delete, what=_core.DO_DELETE, helper=print)


# --- delete() of an instance ---------------------------------------------------------------------

DELETES: list[tuple[type[Model], dict[str, Any]]] = [
    (WrittenRow, {"id": 5}),
    (WrittenRow, {"id": 77}),
    (WrittenRow, {"id": None}),
    (WrittenRow, {"id": "no number"}),
    (WrittenRow, {"id": 5.5}),
    (WrittenRow, {"id": 1 << 70}),
    (WrittenRow, {"id": F("id")}),
    (WrittenRow, {"id": WrittenOwner.objects.values_list("id", flat=True)}),
    (WrittenPair, {"a": 1, "b": "x"}),
    (WrittenPair, {"a": 1, "b": "none"}),
    (WrittenPair, {"a": 1, "b": None}),
    (WrittenCode, {"code": uuid.UUID(int=7)}),
    (WrittenCode, {"code": str(uuid.UUID(int=7))}),
    (WrittenCode, {"code": "no code"}),
    (WrittenKeyless, {"a": 1}),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("model", "values"), DELETES)
async def test_what_is_deleted_is_the_function_s(
    tables: None, model: type[Model], values: dict[str, Any]
) -> None:
    said = []
    for function in (Model.delete, Model.delete.__wrapped__):  # type: ignore[attr-defined]
        await empty()
        await WrittenRow.objects.bulk_create([WrittenRow(id=n, a=n) for n in (4, 5, 6)])
        await WrittenPair.objects.bulk_create([WrittenPair(a=1, b=b) for b in "xy"])
        await WrittenCode.objects.bulk_create([WrittenCode(code=uuid.UUID(int=n)) for n in (6, 7)])
        await WrittenKeyless.objects.create(a=1)
        one = await model.objects.first()
        assert one is not None
        for name, value in values.items():
            one.__dict__[name] = value
        told = await answer(lambda f=function, o=one: f(o))
        said.append((told, await stored(), dump_state(one), one.__dict__))
    assert said[0] == said[1]


@pytest.mark.asyncio
async def test_the_state_after_delete_is_the_function_s(tables: None) -> None:
    said = []
    for function in (Model.delete, Model.delete.__wrapped__):  # type: ignore[attr-defined]
        await WrittenRow.objects.bulk_create([WrittenRow(id=n, a=n) for n in (4, 5, 6)])
        part = await WrittenRow.objects.only("id", "a").get(id=4)
        part.a = 9
        states = []
        for one in (part, WrittenRow(id=5), await WrittenRow.objects.get(id=6)):
            assert await function(one) == 1
            assert not is_saved(one)
            states.append(dump_state(one))
        said.append(states)
        assert await WrittenRow.objects.count() == 0
    assert said[0] == said[1]


@pytest.mark.asyncio
async def test_one_that_fails_leaves_the_state(tables: None) -> None:
    one = await WrittenRow.objects.create(a=1)
    table = WrittenRow.get_table_name()
    await execute_raw(f"CREATE TRIGGER no BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'no way'); END")
    with pytest.raises(Exception, match="no way"):
        await one.delete()
    assert is_saved(one)
    assert await WrittenRow.objects.count() == 1


@pytest.mark.asyncio
async def test_the_key_is_read_when_it_begins(tables: None) -> None:
    await WrittenRow.objects.bulk_create([WrittenRow(id=n, a=n) for n in (4, 5)])
    one = await WrittenRow.objects.get(id=4)
    waiting = one.delete()
    one.id = 5
    assert await waiting == 1
    assert await WrittenRow.objects.values_list("id", flat=True).all() == [4]
    waiting = one.delete()
    one.id = None
    with pytest.raises(ManagerError, match="primary key"):
        await waiting


@pytest.mark.asyncio
async def test_a_task_a_gathering_and_a_transaction_take_it(tables: None) -> None:
    rows = await WrittenRow.objects.bulk_create([WrittenRow(a=n) for n in range(5)])
    assert await asyncio.create_task(rows[0].delete()) == 1
    assert await asyncio.gather(rows[1].delete(), rows[2].delete()) == [1, 1]
    with pytest.raises(ZeroDivisionError):
        async with atomic():
            assert await rows[3].delete() == 1
            assert await WrittenRow.objects.count() == 1
            raise ZeroDivisionError
    assert [row.a for row in await WrittenRow.objects.order_by("a").all()] == [3, 4]


@pytest.mark.asyncio
async def test_a_subclass_calls_it_by_super(tables: None) -> None:
    class WrittenLoud(Model):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True
            table_name = WrittenOwner.get_table_name()

        async def delete(self, **where: Any) -> int:
            return await super().delete(**where) * 10

    one = await WrittenLoud.objects.first()
    assert one is not None
    assert await one.delete() == 10
    assert await one.delete(using="default") == 0


@pytest.mark.asyncio
async def test_its_sink_takes_instances_only(tables: None) -> None:
    one, rows = await WrittenRow.objects.create(a=1), WrittenRow.objects.filter(a=1)
    assert await _core.operation(_core.DO_DELETE, rows, _core.SINK_DELETED) == 1
    assert is_saved(one)
    assert await _core.operation(_core.DO_DELETE, rows, _core.SINK_DELETED, into=one) == 0
    assert not is_saved(one)
    with pytest.raises(ManagerError, match="int is no table"):
        await _core.operation(_core.DO_DELETE, rows, _core.SINK_DELETED, into=5)


def test_a_plain_delete_needs_no_frame() -> None:
    one = WrittenRow(id=1)
    one.delete().close()
    assert frames(one.delete) == []
    made = one.delete(using="default")
    assert isinstance(made, types.CoroutineType)
    made.close()
    with pytest.warns(RuntimeWarning, match="'delete' was never awaited"):
        one.delete()
    hooked: Any = WrittenHooked(id=1).delete()
    assert isinstance(hooked, _core.Operation)
    hooked.close()  # those of save() have no say


@pytest.mark.asyncio
async def test_what_is_no_row_is_refused_as_before(tables: None) -> None:
    for other in (5, Model):
        with pytest.raises(Exception) as plain:
            await Model.delete(other)  # type: ignore[arg-type]
        with pytest.raises(type(plain.value)) as written:
            await Model.delete.__wrapped__(other)  # type: ignore[attr-defined]
        assert str(plain.value) == str(written.value)
