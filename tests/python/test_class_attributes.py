"""Attributes of model classes are read without Python's detour, and mean what they always meant."""

from __future__ import annotations

from typing import Any

import pytest

from oxyde import Field, Model, _core
from oxyde.models.base import ModelMetaclass


class Shelf(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str

    class Meta:
        is_table = True
        table_name = "attribute_shelves"


def plain_metaclass() -> tuple[type[Any], list[str]]:
    """A metaclass that notes what it is asked for."""
    asked: list[str] = []

    class Meta(type):
        def __getattr__(cls, name: str) -> Any:
            asked.append(name)
            if name == "missing":
                raise AttributeError(name)
            if name == "broken":
                raise ZeroDivisionError
            return (cls, name)

        @property
        def failing(cls) -> Any:
            raise AttributeError("of the property")

    return Meta, asked


def test_what_is_there_is_found_and_the_rest_is_asked_for() -> None:
    meta, asked = plain_metaclass()
    _core.look_directly(meta)

    class Thing(metaclass=meta):
        here = 3

        def __getattr__(self, name: str) -> Any:
            raise AssertionError("that of instances is not for the class")

    thing: Any = Thing
    assert thing.here == 3 and thing.__name__ == "Thing" and asked == []
    assert thing.away == (Thing, "away")
    assert thing.failing == (Thing, "failing")
    assert not hasattr(thing, "missing")
    with pytest.raises(ZeroDivisionError):
        _ = thing.broken
    assert asked == ["away", "failing", "missing", "broken"]


def test_later_changes_of_the_metaclass_and_derived_ones_count() -> None:
    meta, _ = plain_metaclass()
    _core.look_directly(meta)

    class Derived(meta):  # type: ignore[misc, valid-type]
        def __getattr__(cls, name: str) -> Any:
            return "derived"

    class Looking(meta):  # type: ignore[misc, valid-type]
        def __getattribute__(cls, name: str) -> Any:
            return "looked" if name == "away" else type.__getattribute__(cls, name)

    class Same(meta):  # type: ignore[misc, valid-type]
        pass

    things: Any = [kind("Thing", (), {}) for kind in (meta, Derived, Looking, Same)]
    assert [thing.away for thing in things] == [(things[0], "away"), "derived", "looked", (things[3], "away")]
    meta.__getattr__ = lambda cls, name: "changed"  # type: ignore[attr-defined]
    assert [thing.away for thing in things] == ["changed", "derived", "looked", "changed"]
    meta.__getattribute__ = lambda cls, name: "all"  # type: ignore[method-assign, assignment]
    assert things[0].away == things[3].anything == "all"


def test_a_class_changes_under_the_look() -> None:
    meta, _ = plain_metaclass()
    _core.look_directly(meta)
    thing: Any = meta("Thing", (), {})
    for _ in range(3):  # what the interpreter remembers of the place must not outlive the attribute
        found = []
        for step in range(4):
            if step == 1:
                thing.late = 1
            elif step == 3:
                del thing.late
            found.append(thing.late)
        assert found == [(thing, "late"), 1, 1, (thing, "late")]


def test_models() -> None:
    assert Shelf.objects is Shelf.objects
    assert Shelf.label is Shelf.label
    assert Shelf.objects.get_query()._model is Shelf

    class Lower(Shelf):
        pass

    assert Lower.objects is not Shelf.objects
    with pytest.raises(AttributeError, match="nothing"):
        _ = Shelf.nothing
    with pytest.raises(AttributeError, match="label"):
        _ = Model.label
    assert type(Lower) is ModelMetaclass


def test_only_metaclasses() -> None:
    for wrong in (int, 3):
        with pytest.raises(TypeError, match="metaclass"):
            _core.look_directly(wrong)  # type: ignore[arg-type]
