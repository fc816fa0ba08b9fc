"""Rows with some of the fields, instance states, and writing past frozen."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import loading
import pydantic
import pytest
from pydantic import Field
from strategies import Case, Row

from oxyde import _core

INT = Case(int, "big_integer")


class Plain(Row):
    a: int
    b: int = 7
    c: list[int] = Field(default_factory=list)
    d: int = Field(ge=0)
    _hidden: list[int] = pydantic.PrivateAttr(default_factory=list)


class Checked(Plain):
    @pydantic.field_validator("d")
    @classmethod
    def _above_a(cls, value: int, info: pydantic.ValidationInfo) -> int:
        if value < info.data.get("a", 0):
            raise ValueError("below a")
        return value + 100

    @pydantic.model_validator(mode="after")
    def _complete(self) -> Checked:
        assert "b" in self.model_fields_set, "incomplete"
        return self

    def model_post_init(self, context: Any) -> None:
        raise AssertionError("post init ran")


COLUMNS = {"a": INT, "b": INT, "c": Case(list[int], "array", "big_integer"), "d": INT}


@pytest.mark.parametrize("model", [Plain, Checked])
def test_fields_that_were_not_selected_read_as_their_defaults(model: Any) -> None:
    obj = loading.plan_of(model, COLUMNS).load({"a": 1})
    assert list(obj.__dict__.items()) == [("a", 1), ("b", 7), ("c", []), ("d", None)]
    assert obj.model_fields_set == {"a"}
    assert obj.__oxyde_state__.loaded == {"a"}
    assert obj.__oxyde_state__.saved
    assert obj._hidden == []


def test_partial_rows_validate_their_fields_but_not_the_model() -> None:
    plan = loading.plan_of(Checked, COLUMNS)
    assert plan.load({"a": 3, "d": 4}).d == 104
    with pytest.raises(pydantic.ValidationError) as caught:
        plan.load({"a": 3, "d": 2})
    assert caught.value.title == "Checked"
    assert [(e["loc"], e["type"]) for e in caught.value.errors()] == [(("d",), "value_error")]


def test_partial_rows_report_every_field_that_fails() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        loading.plan_of(Plain, COLUMNS).load({"a": None, "d": -1})
    assert [e["loc"] for e in caught.value.errors()] == [("a",), ("d",)]


def test_complete_rows_count_everything_as_loaded() -> None:
    obj = loading.plan_of(Plain, COLUMNS).load({"a": 1, "b": 2, "c": [], "d": 3})
    assert obj.__oxyde_state__ == _core.InstanceState(saved=True)


def test_other_keys_become_attributes_behind_the_fields() -> None:
    for model in (Plain, WholeModel):
        obj = loading.plan_of(model, COLUMNS).load({"total": 9, "a": 1, "b": 2, "c": [], "d": 3})
        assert obj.total == 9
        assert list(obj.__dict__) == ["a", "b", "c", "d", "total"]
        assert obj.model_dump() == {"a": 1, "b": 2, "c": [], "d": 3}
        assert obj == model(a=1, b=2, c=[], d=3)


class WholeModel(Plain):
    @pydantic.model_validator(mode="after")
    def _same(self) -> WholeModel:
        return self


def test_validators_may_return_another_object() -> None:
    class Other(Plain):
        @pydantic.model_validator(mode="wrap")
        @classmethod
        def _replace(cls, data: Any, handler: Any) -> Any:
            return "something else"

    assert loading.plan_of(Other, COLUMNS).load({"a": 1, "b": 2, "c": [], "d": 3}) == "something else"


# --- InstanceState ------------------------------------------------------------------------


def test_states_compare_by_value_and_survive_copies() -> None:
    state = _core.InstanceState(True, frozenset("ab"), frozenset("r"), frozenset("a"))
    assert (state.saved, state.loaded, state.relations, state.dirty) == (
        True,
        frozenset("ab"),
        frozenset("r"),
        frozenset("a"),
    )
    for same in (copy.copy(state), copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        assert same == state
        assert hash(same) == hash(state)
    assert state != _core.InstanceState(False, frozenset("ab"), frozenset("r"), frozenset("a"))
    assert state != "state"
    assert "saved=True" in repr(state)


def test_states_are_immutable_and_start_unsaved() -> None:
    state = _core.InstanceState()
    assert (state.saved, state.loaded, state.relations, state.dirty) == (
        False,
        None,
        frozenset(),
        frozenset(),
    )
    with pytest.raises(AttributeError):
        state.saved = True  # type: ignore[misc]


# --- writing --------------------------------------------------------------------------------


def test_attributes_are_written_past_frozen_and_without_validation() -> None:
    class Frozen(Row, frozen=True):
        a: int = 0

    obj = Frozen()
    _core.write_attribute(obj, "a", "no number")
    assert obj.a == "no number"
    assert obj.model_fields_set == {"a"}


# --- memory -----------------------------------------------------------------------------------


def test_classes_and_their_plans_are_collected_together() -> None:
    def make() -> weakref.ref[Any]:
        class Local(Plain):
            pass

        plan = loading.plan_of(Local, COLUMNS)
        Local.__oxyde_plan__ = plan  # type: ignore[attr-defined]
        plan.load({"a": 1, "b": 2, "c": [], "d": 3})
        return weakref.ref(Local)

    gone = make()
    for _ in range(3):
        gc.collect()
    assert gone() is None


def test_loading_leaks_nothing() -> None:
    plan = loading.plan_of(Plain, COLUMNS)
    row = {"a": 100001, "b": 100002, "c": [1], "d": 100003}
    bad = {**row, "d": -1}

    def run(times: int) -> None:
        for _ in range(times):
            plan.load(row)
            plan.load({"a": 100001})
            with pytest.raises(pydantic.ValidationError):
                plan.load(bad)

    run(50)
    gc.collect()
    before = len(gc.get_objects())
    run(200)
    gc.collect()
    assert len(gc.get_objects()) - before < 50
