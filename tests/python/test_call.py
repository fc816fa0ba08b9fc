"""Calling a model class goes past type.__call__, with the same outcome."""

from __future__ import annotations

import abc
from typing import Any

import pytest
from pydantic import ValidationError

from oxyde import Field, Model
from oxyde.models.base import ModelMetaclass


class Called(Model):
    id: int | None = Field(default=None, db_pk=True)
    value: int = 0

    class Meta:
        is_table = True
        table_name = "called"


def test_each_class_keeps_its_own_way_when_they_take_turns() -> None:
    class Other(Called):
        value: int = 5
        more: list[int] = Field(default_factory=list)

    for number in range(10):
        assert Called(value=number).__dict__ == {"id": None, "value": number}
        assert Other(id=number).__dict__ == {"id": number, "value": 5, "more": []}


def test_a_class_that_changes_between_two_calls() -> None:
    class Changing(Called):
        pass

    seen: list[Any] = []
    assert Changing(value=1).value == 1

    def post_init(self: Any, context: Any, /) -> None:
        seen.append(self.value)

    Changing.model_post_init = post_init  # type: ignore[method-assign]
    Changing(value=2)
    Changing.__init__ = lambda self, **values: seen.append(values)  # type: ignore[method-assign]
    Changing(value=3)
    assert seen[-1] == {"value": 3}
    del Changing.__init__
    assert Changing(value=4).value == 4


def test_a_class_that_is_rebuilt_between_two_calls() -> None:
    class Built(Called):
        pass

    assert Built(value=1).value == 1
    Built.model_fields["value"].default = 9
    Built.model_rebuild(force=True)
    assert Built().value == 9


def test_new_abstract_methods_and_positional_arguments_are_pythons() -> None:
    made: list[Any] = []

    class New(Called):
        def __new__(cls, **values: Any) -> Any:
            made.append(values)
            return super().__new__(cls)

    class Abstract(Called, abc.ABC):
        @abc.abstractmethod
        def todo(self) -> None: ...

    assert New(value=2).value == 2
    assert made == [{"value": 2}]
    with pytest.raises(TypeError, match="abstract"):
        Abstract(value=1)
    with pytest.raises(TypeError):
        Called(1)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Called(value="x")  # type: ignore[arg-type]
    assert Called(value="7").value == 7  # type: ignore[arg-type]


def test_a_metaclass_of_ones_own_comes_first() -> None:
    calls: list[Any] = []

    class Meta(ModelMetaclass):
        def __call__(cls, *args: Any, **values: Any) -> Any:
            calls.append(values)
            return super().__call__(*args, **values)

    class Own(Called, metaclass=Meta):
        pass

    assert Own(value=3).value == 3
    assert calls == [{"value": 3}]
    assert type.__call__(Called, value=4).value == 4
    assert Called.__new__(Called).__dict__ == {}
    assert object.__new__(Called).__dict__ == {}
