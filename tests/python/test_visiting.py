"""The collector visits instances of tables as CPython would, but directly."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref
from typing import Any

import pytest
from pydantic import PrivateAttr

from oxyde import Field, Model, _core

KNOWN = sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 11)


class Visited(Model):
    id: int | None = Field(default=None, db_pk=True)
    value: Any = None
    _note: Any = PrivateAttr(default=None)

    class Meta:
        is_table = True
        table_name = "visited"


class Above(Visited):
    """Not a table of its own: CPython's function, which comes to ours."""

    __slots__ = ("more",)


def fresh() -> Any:
    """A class whose plan is not made yet."""

    class Fresh(Model):
        id: int | None = Field(default=None, db_pk=True)
        value: Any = None

        class Meta:
            is_table = True
            table_name = "visited_fresh"

    return Fresh


def referents(instance: Any) -> list[int]:
    return sorted(map(id, gc.get_referents(instance)))


def test_it_is_the_way_taken_where_the_interpreter_is_known() -> None:
    assert Visited.__oxyde_plan__
    assert _core.VISITS_DIRECTLY == KNOWN
    assert _core.visits_directly(Visited) == KNOWN
    assert not _core.visits_directly(Model)
    assert not _core.visits_directly(3)  # type: ignore[arg-type]


def test_what_is_visited_is_what_cpython_visits() -> None:
    cls = fresh()
    instances = [cls(id=1, value=[1]), cls.model_construct(value=2), cls.__new__(cls)]
    instances.append(cls.__new__(cls))
    object.__setattr__(instances[3], "loose", [3])  # values without a dict
    held = [weakref.ref(instance) for instance in instances]
    before = [referents(instance) for instance in instances]
    assert cls.__oxyde_plan__
    assert [referents(instance) for instance in instances] == before
    assert all(held)


def test_instances_made_afterwards_show_their_class_and_dict_and_no_weak_reference() -> None:
    assert Visited.__oxyde_plan__
    for cls in (Visited, Above):
        instance = cls(id=1, value=[1])
        reference = weakref.ref(instance)
        found = referents(instance)
        assert found.count(id(cls)) == 1
        assert found.count(id(reference)) == 0
        assert not KNOWN or found.count(id(instance.__dict__)) == 1


def test_an_instance_without_a_dict_gets_one_when_it_is_needed() -> None:
    assert Visited.__oxyde_plan__
    for cls in (Visited, Above):
        instance = cls.__new__(cls)
        assert referents(instance).count(id(cls)) == 1
        marker = [cls]
        object.__setattr__(instance, "loose", marker)
        assert instance.__dict__ == {"loose": marker}
        assert gc.is_tracked(instance)
        assert [found for found in gc.get_referents(instance.__dict__) if found is marker]


@pytest.mark.parametrize("cls", [Visited, Above])
@pytest.mark.parametrize("where", ["value", "private", "slot"])
def test_cycles_through_any_word_are_found(cls: Any, where: str) -> None:
    assert Visited.__oxyde_plan__
    if where == "slot" and cls is Visited:
        pytest.skip("the class has no slot of its own")
    ended: list[int] = []

    class Ending:
        def __del__(self) -> None:
            ended.append(1)

    for _ in range(10):
        instance = cls(id=1)
        round_trip = [instance, Ending()]
        if where == "value":
            instance.value = round_trip
        elif where == "private":
            instance._note = round_trip
        else:
            object.__setattr__(instance, "more", round_trip)
        del instance, round_trip
    gc.collect()
    assert len(ended) == 10


def test_copies_and_pickles() -> None:
    assert Visited.__oxyde_plan__
    instance = Visited(id=1, value=[1])
    for twin in (copy.copy(instance), copy.deepcopy(instance), pickle.loads(pickle.dumps(instance))):
        assert twin == instance
        assert twin.model_fields_set == {"id", "value"}
    assert Visited.model_validate({"id": "2"}).id == 2
    assert Visited.model_construct(id="x").id == "x"


def test_attributes_are_read_and_written_in_a_loop() -> None:
    """Often enough for CPython to specialise the instructions."""
    assert Visited.__oxyde_plan__
    total = 0
    for number in range(200):
        instance = Visited(id=number, value=number)
        instance.value += 1
        total += instance.value
    assert total == sum(range(1, 201))
