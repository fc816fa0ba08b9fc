"""Instances that lead nowhere are not tracked by the collector; one that may be part of a cycle is."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import functools
import gc
import inspect
import operator
import pickle
import sys
import types
import uuid
import weakref
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from pydantic import ConfigDict, PrivateAttr, field_validator

from oxyde import Field, Model, _core, create_tables, db

KNOWN = (3, 11) <= sys.version_info < (3, 12)
pytestmark = pytest.mark.skipif(not KNOWN, reason="only where instances are known to be reached by __dict__")


class Elm(Model):
    """Holds nothing that refers to anything."""

    model_config = ConfigDict(ignored_types=(functools.cached_property,))

    id: int | None = Field(default=None, db_pk=True)
    name: str | None = None
    height: float = 1.5
    felled: bool = False
    bark: bytes = b""
    seen: dt.datetime | None = None
    price: decimal.Decimal | None = None

    class Meta:
        is_table = True
        table_name = "leaf_elms"

    @functools.cached_property
    def itself(self) -> Elm:
        return self


class Nest(Model):
    """Leads to an elm."""

    id: int | None = Field(default=None, db_pk=True)
    elm: Elm | None = None
    eggs: list[Egg] = Field(default_factory=list, db_reverse_fk="nest")

    class Meta:
        is_table = True
        table_name = "leaf_nests"


class Egg(Model):
    id: int | None = Field(default=None, db_pk=True)
    nest: Nest | None = None
    note: Any = None

    class Meta:
        is_table = True
        table_name = "leaf_eggs"


def loaded(**values: Any) -> Any:
    row = {
        name: None if name in ("id", "name", "seen", "price") else Elm(id=1).__dict__[name]
        for name in Elm.model_fields
    }
    return Elm.__oxyde_plan__.load({**row, **values})


def called(**values: Any) -> Any:
    Elm(id=0)  # how instances are made is noted by the first call
    return Elm(**values)


@pytest.fixture(params=[loaded, called])
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def quiet() -> Iterator[None]:
    """No collection but those that are asked for."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def table(bases: Any = (Model,), annotations: dict[str, Any] | None = None, **namespace: Any) -> Any:
    meta = type(
        "Meta",
        (),
        {"__qualname__": "Oak.Meta", "__module__": __name__, "is_table": True, "table_name": "leaf_oaks"},
    )
    return types.new_class(
        "Oak",
        bases,
        exec_body=lambda ns: ns.update(
            {
                "__module__": __name__,
                "__annotations__": {"id": int | None, **(annotations or {})},
                "id": Field(default=None, db_pk=True),
                "Meta": meta,
                **namespace,
            }
        ),
    )


def both(cls: Any, **values: Any) -> tuple[Any, Any]:
    """A row and an instance of a call."""
    cls(**values)
    whole = {name: values.get(name) for name in cls.model_fields}
    return cls.__oxyde_plan__.load(whole), cls(**values)


# --- what is one -------------------------------------------------------------------------


def test_the_interpreter_is_known() -> None:
    assert _core.LEAVES == KNOWN


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"id": 1, "name": "Ü" * 20},
        {"height": 2.5, "felled": True, "bark": b"x"},
        {"seen": dt.datetime(2026, 1, 1), "price": decimal.Decimal("1.50")},
    ],
)
def test_values_that_lead_nowhere(make: Any, values: Any) -> None:
    elm = make(**values)
    assert not gc.is_tracked(elm)
    assert {name: getattr(elm, name) for name in values} == values
    assert not gc.is_tracked(elm)  # reading shows nothing


@pytest.mark.parametrize("value", [[], {}, {1}, (1, [2]), object, Elm(), lambda: 1, uuid.UUID(int=1)])
def test_values_that_may_lead_somewhere(value: Any) -> None:
    row, instance = both(Egg, note=value)
    assert gc.is_tracked(row)
    assert gc.is_tracked(instance)


def test_lists_and_related_instances_count() -> None:
    assert gc.is_tracked(Nest(id=1, eggs=[]))
    assert gc.is_tracked(Egg(id=1, nest=Nest(id=1)))


class Mixin:
    pass


class Watching:
    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


@pytest.mark.parametrize(
    "make_class",
    [
        pytest.param(lambda: table((Mixin, Model)), id="a __dict__ of a mixin's comes first"),
        pytest.param(lambda: table((Watching, Model)), id="a __setattr__ that Model's does not hear of"),
        pytest.param(lambda: table(__setattr__=object.__setattr__), id="object's __setattr__"),
        pytest.param(lambda: table(model_config=ConfigDict(extra="allow")), id="extra"),
        pytest.param(
            lambda: table(annotations={"_own": list}, _own=PrivateAttr(default_factory=list)), id="private"
        ),
        pytest.param(lambda: table(annotations={"_own": int}, _own=PrivateAttr(1)), id="plain private"),
        pytest.param(lambda: table(__slots__=("more",)), id="slots"),
    ],
)
def test_classes_that_have_none(make_class: Callable[[], Any]) -> None:
    row, instance = both(make_class(), id=1)
    assert gc.is_tracked(row)
    assert gc.is_tracked(instance)


def test_a_class_that_is_no_table_has_none() -> None:
    class Bare(Model):
        a: int = 1

    Bare()
    assert gc.is_tracked(Bare())


def test_what_the_validator_makes_is_tracked() -> None:
    Elm(id=1)
    assert gc.is_tracked(Elm(id="5"))
    with pytest.raises(ValueError, match="id"):
        Elm(id="no number")
    assert gc.is_tracked(Elm.model_validate({"id": 1}))
    assert gc.is_tracked(Elm.model_construct(id=1))


def test_initialising_one_again(make: Any) -> None:
    elm = make(id=1)
    elm.__init__(id=2, name="again")
    assert (elm.id, elm.name) == (2, "again")
    egg = both(Egg, id=1)[1]
    egg.__init__(note=[egg])
    assert gc.is_tracked(egg)


# --- cycles ----------------------------------------------------------------------------------


def through_dict(elm: Any, other: Any) -> None:
    elm.__dict__["other"] = other


def through_vars(elm: Any, other: Any) -> None:
    vars(elm)["other"] = other


def by_replacing_dict(elm: Any, other: Any) -> None:
    elm.__dict__ = {"id": 1, "other": other}


def by_replacing_it_past_everything(elm: Any, other: Any) -> None:
    object.__setattr__(elm, "__dict__", {"other": other})


def by_cached_property(elm: Any, other: Any) -> None:
    assert elm.itself is elm
    elm.itself = other


def by_update(elm: Any, other: Any) -> None:
    elm.__dict__.update(other=other)


def by_setstate(elm: Any, other: Any) -> None:
    elm.__setstate__({**elm.__getstate__(), "__dict__": {"id": 1, "other": other}})


def by_fields_set(elm: Any, other: Any) -> None:
    class Name(str):
        pass

    name = Name("id")
    name.of = other  # type: ignore[attr-defined]
    elm.model_fields_set.clear()
    elm.model_fields_set.add(name)


def by_write_attribute(elm: Any, other: Any) -> None:
    _core.write_attribute(elm, "name", other)


WAYS = [
    through_dict,
    through_vars,
    by_replacing_dict,
    by_replacing_it_past_everything,
    by_cached_property,
    by_update,
    by_setstate,
    by_fields_set,
    by_write_attribute,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("held", [lambda elm: elm, lambda elm: [elm], lambda elm: {"elm": elm}])
def test_a_cycle_is_collected(quiet: None, make: Any, way: Any, held: Any) -> None:
    elm = make(id=1)
    assert not gc.is_tracked(elm)
    gone = weakref.ref(elm)
    way(elm, held(elm))
    del elm
    assert gone() is not None
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("name", ["nest", "note"])
@pytest.mark.parametrize("held", [list, tuple, lambda eggs: {"eggs": list(eggs)}])
def test_a_cycle_of_assigned_fields_is_collected(quiet: None, name: str, held: Any) -> None:
    for egg in both(Egg, id=1):
        assert not gc.is_tracked(egg)
        gone = weakref.ref(egg)
        if name == "note":
            egg.note = held([egg])
        else:
            egg.nest = Nest(id=1)
            egg.nest.eggs = list(held([egg])) if held in (list, tuple) else [egg]
        del egg
    gc.collect()
    assert gone() is None


def test_a_cycle_of_two_through_setattr_is_collected(quiet: None) -> None:
    one, two = both(Egg, id=1)
    gone = weakref.ref(one), weakref.ref(two)
    setattr(one, "note", two)  # noqa: B010
    setattr(two, "note", one)  # noqa: B010
    del one, two
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda elm: elm.model_copy(), lambda elm: pickle.loads(pickle.dumps(elm))],
)
def test_copies_are_like_any_other(quiet: None, make: Any, duplicate: Any) -> None:
    original = make(id=1, name="a")
    elm = duplicate(original)
    assert elm == original
    gone = weakref.ref(elm)
    elm.__dict__["other"] = elm
    del elm
    gc.collect()
    assert gone() is None


def test_a_dict_that_somebody_keeps(quiet: None, make: Any) -> None:
    elm = make(id=1)
    attributes = vars(elm)
    gone = weakref.ref(elm)
    attributes["other"] = elm
    del elm, attributes
    gc.collect()
    assert gone() is None


# --- the attribute -------------------------------------------------------------------------------


def test_dict_is_what_it_was(make: Any) -> None:
    elm = make(id=1, name="a")
    assert type(elm.__dict__) is dict
    assert elm.__dict__ is vars(elm)
    assert inspect.getattr_static(elm, "name") == "a"
    with pytest.raises(TypeError, match="must be set to a dictionary"):
        elm.__dict__ = 3
    del elm.__dict__
    assert elm.__dict__ == {}
    assert elm.model_fields_set == elm.model_fields_set
    assert type(Elm.__dict__) is types.MappingProxyType
    assert isinstance(vars(Model)["__dict__"], types.GetSetDescriptorType)
    with pytest.raises(TypeError):
        vars(Model)["__dict__"].__get__(3)


def test_dumps_and_comparison_are_the_same(make: Any) -> None:
    assert make(id=1) == make(id=1)
    assert make(id=1).model_dump(include={"id"}) == {"id": 1}
    assert repr(make(id=1)).startswith("Elm(id=1, ")


# --- reading -----------------------------------------------------------------------------------------


@pytest.fixture
async def database() -> Any:
    async with db.connect("sqlite://:memory:") as opened:
        await create_tables(opened, models=[Elm, Nest, Egg])
        await Elm.objects.bulk_create([{"id": n, "name": f"elm {n}"} for n in range(1, 301)])
        await Nest.objects.bulk_create([{"id": n, "elm_id": n} for n in range(1, 301)])
        await Egg.objects.bulk_create(
            [{"id": n, "nest_id": n % 300 + 1, "note": None} for n in range(1, 1201)]
        )
        yield opened


async def test_rows_of_large_and_small_results(database: Any) -> None:
    for rows in (await Elm.objects.all(), await Elm.objects.limit(3).all(), [await Elm.objects.get(id=1)]):
        assert not any(map(gc.is_tracked, rows))
        assert gc.is_tracked(rows)
    assert not any([gc.is_tracked(elm) async for elm in Elm.objects.iterator(chunk_size=70)])


async def test_joined_rows(database: Any) -> None:
    nests = await Nest.objects.join("elm").all()
    assert all(map(gc.is_tracked, nests))
    assert all(gc.is_tracked(nest.__dict__) for nest in nests)
    assert not any(gc.is_tracked(nest.elm) for nest in nests)


async def test_prefetched_rows_and_their_parents(database: Any) -> None:
    nests = await Nest.objects.prefetch("eggs").all()
    assert all(map(gc.is_tracked, nests))
    for nest in nests:
        assert len(nest.eggs) == 4
        assert gc.is_tracked(nest.eggs)


async def test_parents_that_were_leaves_are_tracked_once_they_have_rows(database: Any) -> None:
    eggs = await Egg.objects.prefetch("nest").all()
    assert all(egg.nest is not None for egg in eggs)
    assert all(map(gc.is_tracked, eggs))
    gone = weakref.ref(eggs[0])
    eggs[0].nest.__dict__["found"] = eggs[0]
    del eggs
    gc.collect()
    assert gone() is None


async def test_written_and_refreshed_instances(database: Any) -> None:
    elm = called(name="new")
    await elm.save()
    assert elm.id is not None
    await elm.refresh()
    many = [called(name=str(n)) for n in range(200)]
    await Elm.objects.bulk_create(many)
    assert not any(map(gc.is_tracked, many))
    gone = weakref.ref(many[0])
    many[0].__dict__["all"] = many
    del many
    gc.collect()
    assert gone() is None


async def test_a_refresh_that_brings_something_to_collect(database: Any) -> None:
    class Note(Model):
        id: int | None = Field(default=None, db_pk=True)
        data: dict[str, Any] | None = None

        class Meta:
            is_table = True
            table_name = "leaf_notes"

    await create_tables(database, models=[Note])
    note = await Note.objects.create(data=None)
    note = await Note.objects.get(id=note.id)
    assert not gc.is_tracked(note)
    await Note.objects.filter(id=note.id).update(data={"a": [1]})
    await note.refresh()
    assert note.data == {"a": [1]}
    gone = weakref.ref(note)
    note.data["note"] = note
    del note
    gc.collect()
    assert gone() is None


# --- closed ones ----------------------------------------------------------------------------------------


def closed(cls: Any = None) -> Iterator[Any]:
    """Instances with a list that was not loaded, each held by the caller alone."""
    cls = cls or Nest
    assert cls.__oxyde_plan__
    rows = list(both(cls, id=1))
    while rows:
        yield rows.pop()


def test_lists_that_were_not_loaded_are_closed() -> None:
    for nest in closed():
        assert not gc.is_tracked(nest)
        assert nest.id == 1
        assert nest.elm is None
        assert not gc.is_tracked(nest)
        eggs = nest.eggs
        assert eggs == []
        assert all(map(gc.is_tracked, (nest, eggs, nest.__dict__)))
        assert nest.eggs is eggs


def by_getattr(nest: Any) -> Any:
    return getattr(nest, "eggs")  # noqa: B009


def by_getter(nest: Any) -> Any:
    return operator.attrgetter("eggs")(nest)


def by_match(nest: Any) -> Any:
    match nest:
        case Nest(eggs=eggs):
            return eggs


def by_vars(nest: Any) -> Any:
    return vars(nest)["eggs"]


def by_iteration(nest: Any) -> Any:
    return dict(nest)["eggs"]


def by_dump(nest: Any) -> Any:
    nest.model_dump()
    return nest.eggs


@pytest.mark.parametrize(
    "read", [lambda nest: nest.eggs, by_getattr, by_getter, by_match, by_vars, by_iteration, by_dump]
)
def test_a_cycle_through_a_list_that_was_read_is_collected(quiet: None, read: Any) -> None:
    for nest in closed():
        gone = weakref.ref(nest)
        read(nest).append(nest)
        del nest
        gc.collect()
        assert gone() is None


@pytest.mark.parametrize("way", [*WAYS[:3], by_update, by_setstate, by_fields_set])
def test_a_cycle_tied_otherwise_is_collected_with_its_list(quiet: None, way: Any) -> None:
    for nest in closed():
        gone = weakref.ref(nest)
        way(nest, [nest])
        del nest
        gc.collect()
        assert gone() is None


def test_a_row_and_its_list_that_the_same_object_leads_to(quiet: None) -> None:
    for nest in closed():
        egg = both(Egg, id=1)[0]
        egg.nest = nest
        nest.eggs.append(egg)
        gone = weakref.ref(nest), weakref.ref(egg)
        del nest, egg
        gc.collect()
        assert [ref() for ref in gone] == [None, None]


def test_a_getattr_of_the_class_is_asked_as_ever() -> None:
    def ask(self: Any, name: str) -> Any:
        if name == "wings":
            return 2
        return super(oak, self).__getattr__(name)

    oak = table(__getattr__=ask)
    for row in both(oak, id=1):
        assert row.wings == 2
        with pytest.raises(AttributeError, match="legs"):
            _ = row.legs
        assert not hasattr(row, "legs")
        assert row.id == 1


def test_a_getattr_that_comes_later_is_asked() -> None:
    oak = table()
    row = both(oak, id=1)[0]
    with pytest.raises(AttributeError):
        _ = row.wings
    type.__setattr__(oak, "__getattr__", lambda self, name: name.upper())
    assert row.wings == "WINGS"
    assert both(oak, id=1)[1].wings == "WINGS"
    type.__delattr__(oak, "__getattr__")
    with pytest.raises(AttributeError):
        _ = row.wings


def test_a_getattribute_that_comes_later_is_asked() -> None:
    class Hive(Model):
        id: int | None = Field(default=None, db_pk=True)
        bees: list[Bee] = Field(default_factory=list, db_reverse_fk="hive")

        class Meta:
            is_table = True

    class Bee(Model):
        id: int | None = Field(default=None, db_pk=True)
        hive: Hive | None = None

        class Meta:
            is_table = True

    row = next(closed(Hive))
    assert not gc.is_tracked(row)
    seen: list[str] = []

    def watch(self: Any, name: str) -> Any:
        seen.append(name)
        return object.__getattribute__(self, name)

    type.__setattr__(Hive, "__getattribute__", watch)
    try:
        assert row.id == 1
        assert seen == ["id"]
        assert all(map(gc.is_tracked, closed(Hive)))
    finally:
        type.__delattr__(Hive, "__getattribute__")
    assert row.id == 1


def test_other_errors_of_attributes_pass() -> None:
    def fail(self: Any) -> Any:
        raise RuntimeError("on purpose")

    oak = table(crown=property(fail))
    for row in both(oak, id=1):
        with pytest.raises(RuntimeError, match="on purpose"):
            _ = row.crown


def test_factories_that_make_more_than_lists() -> None:
    oak = table(
        annotations={"eggs": list[int] | None},
        eggs=Field(default_factory=list),
    )
    assert oak(id=1).eggs == []
    instance = both(Nest, id=1, elm=None)[1]
    instance.__init__(id=2)
    eggs = instance.eggs
    assert all(map(gc.is_tracked, (instance, eggs, instance.__dict__)))


async def test_rows_with_lists_of_large_and_small_results(database: Any) -> None:
    for query in (Nest.objects.all, Nest.objects.limit(3).all):
        nests = await query()
        assert not any(map(gc.is_tracked, nests))
        gone = [weakref.ref(nest) for nest in nests]
        for nest in nests:
            nest.eggs.extend(nests)
        assert all(gc.is_tracked(nest.eggs) for nest in nests)
        del nests, nest
        gc.collect()
        assert [ref() for ref in gone if ref() is not None] == []


async def test_joined_rows_with_lists(database: Any) -> None:
    for query in (Egg.objects.join("nest").all, Egg.objects.join("nest").limit(5).all):
        eggs = await query()
        gone = [weakref.ref(egg.nest) for egg in eggs]
        for egg in eggs:
            egg.nest.eggs.append(egg)
        del eggs, egg
        gc.collect()
        assert [ref() for ref in gone if ref() is not None] == []


async def test_prefetched_rows_with_lists(database: Any) -> None:
    elms = await Elm.objects.limit(1).all()
    nests = await Nest.objects.prefetch("eggs").all()
    gone = [weakref.ref(egg) for nest in nests for egg in nest.eggs]
    for nest in nests:
        for egg in nest.eggs:
            egg.nest = nest
    del nests, nest, egg, elms
    gc.collect()
    assert [ref() for ref in gone if ref() is not None] == []


async def test_rows_beside_some_that_the_validator_made(database: Any) -> None:
    """What was hidden is shown without taking closed rows for it."""

    class Odd(Model):
        id: int | None = Field(default=None, db_pk=True)
        name: Annotated[str, Field(max_length=7)] | None = None
        twigs: list[Twig] = Field(default_factory=list, db_reverse_fk="odd")

        @field_validator("name", mode="wrap")
        @classmethod
        def shorten(cls, value: Any, handler: Any) -> Any:
            try:
                return handler(value)
            except ValueError:
                return "long"

        class Meta:
            is_table = True
            table_name = "leaf_elms"

    class Twig(Model):
        id: int | None = Field(default=None, db_pk=True)
        odd: Odd | None = None

        class Meta:
            is_table = True
            table_name = "leaf_twigs"

    rows = await Odd.objects.all()
    gone = [weakref.ref(row) for row in rows]
    for row in rows:
        row.twigs.append(row)
    del rows, row
    gc.collect()
    assert [ref() for ref in gone if ref() is not None] == []
