"""What a plan makes of the relations it is given: asked once, refused where they make no sense."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from loading import plan_of
from strategies import Case, Row

from oxyde import FieldLookupError, ManagerError, Q, _core
from oxyde.models._relations import RelationSpec

INT = Case(int, "big_integer")


class Answer:
    """The callable of a plan: counts how often it is asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, name: str) -> Any:
        self.asked.append(name)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def node(answer: Any, relations: Any = ("up",)) -> tuple[Any, Answer]:
    """A plan of a class with a relation `up`, and what it asks."""

    class Node(Row):
        a: int
        up_a: int

    relation = Answer(answer)
    plan = plan_of(Node, {"a": INT, "up_a": INT}, relations=relations, relation=relation)
    Node.__oxyde_plan__ = plan
    return plan, relation


def forward(near: Any = (("up_a", "a"),), **changes: Any) -> RelationSpec:
    return RelationSpec(_core.REL_FORWARD, changes.pop("target", None), near, **changes)


def test_a_relation_is_asked_for_once_and_not_before_it_is_needed() -> None:
    plan, relation = node(None)
    relation.answer = forward(target=plan.model)
    plan.check(Q(a=1))
    assert relation.asked == []
    plan.check(Q(up__up__a__gt=1, up=3))
    plan.check(Q(up__a=1))
    assert relation.asked == ["up"]


@pytest.mark.parametrize(
    ("spec", "error", "text"),
    [
        (None, FieldLookupError, "Node.up is no relation"),
        (FieldLookupError("not registered"), FieldLookupError, "not registered"),
        ({"near": ()}, ValueError, "no fields to compare"),
        ({"near": (("up_b", "a"),)}, ValueError, "'up_b', which is no field of Node"),
        ({"near": (("up_a", "b"),)}, ValueError, "'b', which is no field of Node"),
        ({"near": (("up_a",),)}, TypeError, "pair"),
        ({"target": int}, ManagerError, "int is no table"),
        ({"kind": 9}, ValueError, "RelationSpec.kind is out of range"),
        ({"kind": _core.REL_MANY}, TypeError, "None"),
    ],
)
def test_a_relation_that_makes_no_sense_is_refused(spec: Any, error: type[Exception], text: str) -> None:
    plan, relation = node(spec)
    if isinstance(spec, dict):
        changes = {"target": plan.model, **spec}
        relation.answer = forward(**{k: v for k, v in changes.items() if k != "kind"})
        relation.answer = relation.answer._replace(kind=spec.get("kind", _core.REL_FORWARD))
    for _ in range(2):  # what failed is asked for again
        with pytest.raises(error, match=text):
            plan.check(Q(up__a=1))
    assert relation.asked == ["up", "up"]


def test_names_of_relations_are_text() -> None:
    with pytest.raises(TypeError, match="the name of a relation is a str, not int"):
        node(None, relations=(1,))


def test_a_path_has_an_end() -> None:
    plan, relation = node(None)
    relation.answer = forward(target=plan.model, near=(("up_a", "up_a"),))
    plan.check(Q(**{"__".join(["up"] * 16 + ["a"]): 1}))
    with pytest.raises(FieldLookupError, match="at most 16 relations"):
        plan.check(Q(**{"__".join(["up"] * 17 + ["a"]): 1}))


def test_plans_that_refer_to_each_other_can_go() -> None:
    plan, relation = node(None)
    relation.answer = forward(target=plan.model)
    plan.check(Q(up__up_a=1))
    model = weakref.ref(plan.model)
    del plan, relation
    gc.collect()
    assert model() is None
