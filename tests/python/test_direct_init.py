"""Calling a class makes an instance as BaseModel.__init__ does, also where it takes the short way."""

from __future__ import annotations

import functools
import subprocess
import sys
import warnings
from typing import Any
from unittest import mock

import pydantic
import pytest

from oxyde import Model


class Parcel(Model):
    number: int = 0
    label: str = ""


class PlainParcel(pydantic.BaseModel):
    number: int = 0
    label: str = ""


def outcome(model: Any, args: Any, kwargs: Any) -> Any:
    """What calling the class gives, in a form that two classes can share."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            made = model(*args, **kwargs)
        except pydantic.ValidationError as error:
            return error.errors(), [str(w.message) for w in seen]
        except TypeError as error:
            return str(error)
    return vars(made), made.model_fields_set, [(str(w.message), w.filename) for w in seen]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((), {"number": "4"}),
        ((), {"number": "four", "label": 1}),
        ((), {"self": 1, "number": 2}),
        ((1,), {}),
        ((), {1: 2}),
    ],
)
def test_it_is_what_pydantic_makes(args: Any, kwargs: Any) -> None:
    assert outcome(Parcel, args, kwargs) == outcome(PlainParcel, args, kwargs)


def test_pydantic_s_init_is_one_that_is_known() -> None:
    from oxyde.models import base

    assert base._INIT_IS_KNOWN


def test_the_attribute_is_pydantic_s() -> None:
    assert Parcel.__init__ is pydantic.BaseModel.__init__


def test_another_object_from_a_validator_is_warned_of() -> None:
    def another(base: Any) -> Any:
        class Other(base):  # type: ignore[misc]
            @pydantic.model_validator(mode="after")
            def replace(self) -> Any:
                return PlainParcel()

        return Other

    plain = outcome(another(PlainParcel), (), {"number": 1})
    assert outcome(another(Parcel), (), {"number": 1}) == plain
    assert plain[-1][0][1] == __file__


def test_validators_change_their_own_copy_of_the_arguments() -> None:
    class Changing(Model):
        number: int = 0

        @pydantic.model_validator(mode="before")
        @classmethod
        def change(cls, data: Any) -> Any:
            data["number"] = 5
            return data

    given = {"number": 1}
    assert type.__call__(Changing, **given).number == 5
    assert functools.partial(Changing, **given)().number == 5
    assert given == {"number": 1}


def test_own_init_of_the_class_and_of_a_base_behind_it() -> None:
    class Mixed(pydantic.BaseModel):
        number: int = 0

        def __init__(self, **data: Any) -> None:
            super().__init__(**{**data, "number": 7})

    class Own(Parcel):
        def __init__(self, number: int) -> None:
            super().__init__(number=number + 1)

    class Behind(Parcel, Mixed):
        pass

    class Below(Own):
        pass

    assert Own(1).number == 2
    assert Below(1).number == 2
    assert Behind(number=1).number == 7


def test_init_assigned_later() -> None:
    class Base(Model):
        number: int = 0

    class Child(Base):
        pass

    def init(self: Any, **data: Any) -> None:
        pydantic.BaseModel.__init__(self, number=9)

    with mock.patch.object(Base, "__init__", init):
        assert Base(number=1).number == 9
        assert Child(number=1).number == 9
    assert Base(number=1).number == 1
    assert Child(number=1).number == 1


PYDANTIC_S = """
from unittest import mock
import pydantic
from oxyde import Model

class Base(Model):
    number: int = 0

class Child(Base):
    pass

with mock.patch.object(pydantic.BaseModel, "__init__", lambda self, **data: None):
    assert not vars(Child(number=1))
assert Child(number=1).number == 1
"""


def test_pydantic_s_init_assigned_later() -> None:
    """In a process of its own: afterwards every class that there was takes the long way."""
    done = subprocess.run([sys.executable, "-c", PYDANTIC_S], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unfinished_class_looks_for_names_where_it_is_called() -> None:
    class Holder(Model):
        model_config = pydantic.ConfigDict(defer_build=True)
        part: Part

    class Part(pydantic.BaseModel):
        number: int = 0

    assert Holder(part={"number": 3}).part.number == 3  # type: ignore[arg-type]
