"""Instances of tables are freed by the engine; what is in any way different goes CPython's way."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest
from pydantic import PrivateAttr

from oxyde import Field, Model, _core

KNOWN = (3, 10) <= sys.version_info < (3, 13)


def table(**namespace: Any) -> Any:
    """A class of its own, with its plan."""

    class Thing(Model):
        id: int | None = Field(default=None, db_pk=True)
        value: Any = None

        class Meta:
            is_table = True
            table_name = "freed_things"

    for name, value in namespace.items():
        type.__setattr__(Thing, name, value)
    assert Thing.__oxyde_plan__
    return Thing


def load(cls: Any, value: Any = None) -> Any:
    return cls.__oxyde_plan__.load({"id": 1, "value": value})


class Seen:
    """Its end is seen."""

    def __init__(self, seen: list[str], name: str = "value") -> None:
        self.seen, self.name = seen, name

    def __del__(self) -> None:
        self.seen.append(self.name)


def test_it_is_the_way_taken_where_the_interpreter_is_known() -> None:
    assert _core.FREES_DIRECTLY == KNOWN
    assert _core.frees_directly(table()) == KNOWN
    assert not _core.frees_directly(Model)
    assert not _core.frees_directly(int)
    assert not _core.frees_directly(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [load, lambda cls, value: cls(id=1, value=value)])
def test_values_are_freed_and_classes_not_kept(make: Any) -> None:
    cls, seen = table(), []
    make(cls, None)  # how instances are made is noted once, and refers to the class
    before = sys.getrefcount(cls)
    instances = [make(cls, Seen(seen)) for _ in range(50)]
    assert sys.getrefcount(cls) >= before + 50
    del instances
    assert seen == ["value"] * 50
    assert sys.getrefcount(cls) == before


def test_weak_references_are_cleared_and_called() -> None:
    cls, called = table(), []
    instance = load(cls)
    reference = weakref.ref(instance, called.append)
    del instance
    assert reference() is None
    assert called == [reference]


def test_a_finaliser_of_the_class_runs_once_and_may_keep_the_instance() -> None:
    kept: list[Any] = []
    cls = table()

    def keep(self: Any) -> None:
        kept.append(self)

    type.__setattr__(cls, "__del__", keep)
    instance = load(cls, "still here")
    del instance
    assert [one.value for one in kept] == ["still here"]
    kept.clear()
    gc.collect()
    assert kept == []


def test_subclasses_come_here_through_their_own_way() -> None:
    seen: list[str] = []

    class Parent(table()):  # type: ignore[misc]
        class Meta:
            is_table = True
            table_name = "freed_parents"

    class Plain(Parent):
        __slots__ = ("more",)

        def __del__(self) -> None:
            seen.append("instance")

    assert Parent.__oxyde_plan__
    Plain(id=1)  # notes how instances are made
    seen.clear()
    before = sys.getrefcount(Plain)
    for _ in range(20):
        instance = Plain(id=1, value=Seen(seen))
        object.__setattr__(instance, "more", Seen(seen, "slot"))
        reference = weakref.ref(instance)
        del instance
        assert reference() is None
    assert seen == ["instance", "slot", "value"] * 20
    assert sys.getrefcount(Plain) == before
    # The classes above have their way back.
    assert _core.frees_directly(Parent) == KNOWN
    parent = load(Parent, Seen(seen))
    del parent
    assert seen[-1] == "value"


def test_an_instance_may_change_its_class() -> None:
    cls = table()

    class Other(cls):  # type: ignore[misc]
        pass

    before = sys.getrefcount(cls), sys.getrefcount(Other)
    for _ in range(20):
        seen: list[str] = []
        instance = load(cls, Seen(seen))
        object.__setattr__(instance, "__class__", Other)
        del instance
        assert seen == ["value"]
    assert (sys.getrefcount(cls), sys.getrefcount(Other)) == before


def test_private_attributes_sets_and_extra_are_freed() -> None:
    class Private(table()):  # type: ignore[misc]
        _note: Any = PrivateAttr(default=None)

        class Meta:
            is_table = True
            table_name = "freed_private"

    assert Private.__oxyde_plan__
    seen: list[str] = []
    for make in (load, lambda cls: cls(id=1)):
        instance = make(Private)
        instance._note = Seen(seen, "private")
        names = instance.model_fields_set
        references = sys.getrefcount(names)
        del instance
        assert seen == ["private"]
        assert sys.getrefcount(names) == references - 1
        seen.clear()


def test_values_without_a_dict_are_freed() -> None:
    cls, seen = table(), []
    instance = cls.__new__(cls)
    object.__setattr__(instance, "anything", Seen(seen))
    del instance
    assert seen == ["value"]


def test_a_long_chain_is_freed_without_a_deep_stack() -> None:
    cls, chain, seen = table(), None, []
    chain = Seen(seen)
    for _ in range(200_000):
        chain = load(cls, chain)
    del chain
    assert seen == ["value"]


def test_cycles_are_found_by_the_collector() -> None:
    cls, seen = table(), []
    for _ in range(10):
        instance = load(cls, [Seen(seen)])
        instance.value.append(instance)
        del instance
    gc.collect()
    assert seen == ["value"] * 10


def test_an_exception_under_way_stays() -> None:
    cls = table()

    def fail() -> None:
        instance = load(cls, "value")
        assert instance
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        fail()


@pytest.mark.parametrize("number", [0, 1, 2, 31, 32, 33, 100])
def test_lists_of_related_rows_are_freed_with_everything_in_them(number: int) -> None:
    """They are looked at before, whatever is in them."""
    cls, seen = table(), []

    class Strange(cls):  # type: ignore[misc]
        __slots__ = ("more",)

    def rows() -> list[Any]:
        changed = load(cls, Seen(seen))
        changed.__dict__["more"] = Seen(seen)  # a table of names of its own
        emptied = load(cls, None)
        emptied.__dict__.clear()
        strange = Strange(id=1, value=Seen(seen))
        object.__setattr__(strange, "more", Seen(seen))
        usual = load(cls, Seen(seen))
        return [usual, None, 7, changed, "text", emptied, {"a": Seen(seen)}, strange, [Seen(seen)]]

    for _ in range(3):
        seen.clear()
        related = [row for _ in range(number) for row in rows()]
        kept = related[::5]
        parent = load(cls, related)
        parent.__dict__["others"] = (related[:3], Seen(seen))
        expected = 7 * number + 1
        del related, parent
        assert len(seen) < expected or number == 0
        del kept
        assert len(seen) == expected
