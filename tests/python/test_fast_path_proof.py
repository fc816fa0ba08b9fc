"""The proof takes the quick way where it may, and Pydantic's own where anything is unknown."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import types
import uuid
from typing import Annotated, Any, Literal, Optional

import loading
import pydantic
import pytest
from pydantic import Field
from strategies import Case, Colour, Inner, Level, Row, Size

from oxyde import _core
from oxyde.models._proof import Proof, prove
from oxyde.models._proof_rules import DECIMAL, ENUM, FLOAT_RANGE, IDENTITY, INT_RANGE, LENGTH, VALIDATOR


def model_of(annotation: Any, namespace: dict[str, Any] | None = None, **config: Any) -> Any:
    body = {"__annotations__": {"f0": annotation}, "model_config": config, **(namespace or {})}
    return types.new_class("Only", (Row,), {}, lambda ns: ns.update(body))


def proof_of(annotation: Any, kind: str, elem: str = "unknown", **config: Any) -> Proof:
    return prove(model_of(annotation, **config), loading.kinds({"f0": Case(annotation, kind, elem)}))


RULES: list[tuple[Any, str, tuple[Any, ...]]] = [
    (int, "big_integer", (IDENTITY,)),
    (bool, "boolean", (IDENTITY,)),
    (float, "double", (IDENTITY,)),
    (str, "string", (IDENTITY,)),
    (bytes, "blob", (IDENTITY,)),
    (dt.datetime, "date_time", (IDENTITY,)),
    (pydantic.AwareDatetime, "date_time_utc", (IDENTITY,)),
    (pydantic.NaiveDatetime, "date_time", (IDENTITY,)),
    (dt.date, "date", (IDENTITY,)),
    (dt.time, "time", (IDENTITY,)),
    (dt.timedelta, "timedelta", (IDENTITY,)),
    (uuid.UUID, "uuid", (IDENTITY,)),
    (Any, "json", (IDENTITY,)),
    (decimal.Decimal, "decimal", (DECIMAL, None, None)),
    (Annotated[decimal.Decimal, Field(max_digits=8, decimal_places=2)], "decimal", (DECIMAL, 8, 2)),
    (Annotated[str, Field(max_length=9)], "string", (LENGTH, None, 9)),
    (Annotated[bytes, Field(min_length=2)], "blob", (LENGTH, 2, None)),
    (Annotated[int, Field(ge=1, lt=9)], "big_integer", (INT_RANGE, 1, None, None, 9)),
    (pydantic.FiniteFloat, "double", (FLOAT_RANGE, None, None, None, None, True)),
    (Colour, "enum", (ENUM, {"red": Colour.RED, "blue": Colour.BLUE})),
    (Size, "string", (ENUM, {"s": Size.S, "l": Size.L})),
    (Level, "big_integer", (ENUM, {1: Level.LOW, 2: Level.HIGH})),
    (Literal["a", "b"], "text", (ENUM, {"a": "a", "b": "b"})),
]


@pytest.mark.parametrize(("annotation", "kind", "rule"), RULES, ids=str)
def test_proved_fields_need_no_validator(annotation: Any, kind: str, rule: tuple[Any, ...]) -> None:
    for given, nullable in ((annotation, annotation is Any), (Optional[annotation], True)):
        proof = proof_of(given, kind)
        assert (proof.fields["f0"], proof.nullable["f0"], proof.reason) == (rule, nullable, "")


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (int, "boolean"),
        (int, "string"),
        (float, "big_integer"),
        (pydantic.AwareDatetime, "date_time"),
        (pydantic.UUID4, "uuid"),
        (Annotated[str, Field(pattern="a")], "string"),
        (Annotated[int, Field(multiple_of=2)], "big_integer"),
        (Annotated[int, Field(le=2**63)], "big_integer"),
        (Annotated[int, pydantic.AfterValidator(lambda v: v)], "big_integer"),
        (Literal[1, "a"], "string"),
        (Literal[True], "big_integer"),
        (Inner, "json"),
        (pydantic.HttpUrl, "string"),
    ],
    ids=str,
)
def test_other_fields_go_through_their_own_validator(annotation: Any, kind: str) -> None:
    proof = proof_of(annotation, kind)
    assert proof.fields["f0"][0] == VALIDATOR
    assert not proof.whole_model


@pytest.mark.parametrize(
    ("annotation", "kind", "config", "fresh"),
    [
        (dict[str, Any], "json", {}, dict),
        (Optional[dict[str, Any]], "json_binary", {}, dict),
        (dict, "json", {}, dict),
        (list, "json", {}, list),
        (list[Any], "json", {}, list),
        (dict[str, Optional[Any]], "json", {"strict": True}, dict),
        (list[Any], "array", {}, None),
        (dict[str, int], "json", {}, None),
        (dict[int, Any], "json", {}, None),
        (list[int], "json", {}, None),
        (Annotated[dict[str, Any], Field(min_length=1)], "json", {}, None),
        (Annotated[list[Any], Field(max_length=1)], "json", {}, None),
        (dict[Annotated[str, Field(max_length=2)], Any], "json", {}, None),
        (dict[str, Any], "json", {"str_strip_whitespace": True}, None),
        (dict[str, Any], "json", {"str_max_length": 3}, None),
        (Annotated[dict[str, Any], pydantic.AfterValidator(lambda v: v)], "json", {}, None),
        (set[Any], "json", {}, None),
    ],
    ids=str,
)
def test_containers_of_anything_out_of_json_need_no_copy(
    annotation: Any, kind: str, config: dict[str, Any], fresh: type | None
) -> None:
    rule = proof_of(annotation, kind, **config).fields["f0"]
    assert rule[0] == VALIDATOR
    assert (rule[2] if len(rule) > 2 else None) is fresh


@pytest.mark.parametrize(
    "config",
    [{"str_strip_whitespace": True}, {"str_to_lower": True}, {"str_to_upper": True}],
    ids=str,
)
def test_configuration_that_changes_text_is_seen(config: dict[str, Any]) -> None:
    assert proof_of(str, "string", **config).fields["f0"][0] == VALIDATOR


def test_lengths_of_the_configuration_are_checked() -> None:
    assert proof_of(str, "string", str_max_length=4).fields["f0"] == (LENGTH, None, 4)


def _info(cls: Any, value: Any, info: pydantic.ValidationInfo) -> Any:
    return value


def _model(self: Any) -> Any:
    return self


class _Abstract(Row):
    f0: int


_Abstract.__abstractmethods__ = frozenset({"missing"})


@pytest.mark.parametrize(
    ("namespace", "reason"),
    [
        ({"check": pydantic.model_validator(mode="after")(_model)}, "a validator of the model"),
        ({"check": pydantic.field_validator("f0")(classmethod(_info))}, "sees the other fields"),
        ({"model_post_init": lambda self, context: None}, "model_post_init"),
        ({"__init__": lambda self, **data: None}, "__init__"),
        ({"__new__": lambda cls, **data: object.__new__(cls)}, "__new__"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_models_with_code_of_their_own_are_validated_whole(namespace: dict[str, Any], reason: str) -> None:
    model = model_of(int, namespace)
    proof = prove(model, loading.kinds({"f0": Case(int, "big_integer")}))
    assert proof.whole_model
    assert reason in proof.reason


def test_abstract_models_are_validated_whole() -> None:
    assert prove(_Abstract, loading.kinds({"f0": Case(int, "big_integer")})).reason == "abstract methods"


class _Watching:
    """A validator that a plugin wrapped."""

    def __init__(self, validator: Any) -> None:
        self.validator = validator
        self.calls: list[Any] = []

    def validate_python(self, value: Any, **options: Any) -> Any:
        self.calls.append((value, options))
        return self.validator.validate_python(value, **options)


def test_a_plugin_that_watches_validation_sees_every_row() -> None:
    model = model_of(int)
    watching = model.__pydantic_validator__ = _Watching(model.__pydantic_validator__)
    plan = loading.plan_of(model, {"f0": Case(int, "big_integer")})
    assert plan.load({"f0": 3}).f0 == 3
    assert watching.calls == [({"f0": 3}, {"strict": False, "by_alias": False, "by_name": True})]


def _changed(path: tuple[str, ...], key: str, value: Any = True) -> Any:
    model = model_of(int)
    schema = copy.deepcopy(model.__pydantic_core_schema__)
    schema["cls"] = model
    part = schema
    for step in path:
        part = part[step]
    part[key] = value
    model.__pydantic_core_schema__ = schema
    return model


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ((), "new_key"),
        (("config",), "new_key"),
        (("schema",), "new_key"),
        (("schema", "fields", "f0"), "new_key"),
        (("schema", "fields", "f0", "schema"), "new_key"),
        (("schema", "fields", "f0", "schema"), "type"),
    ],
    ids=str,
)
def test_schemas_with_anything_unknown_are_validated_whole(path: tuple[str, ...], key: str) -> None:
    model = _changed(path, key, "unheard-of")
    assert prove(model, loading.kinds({"f0": Case(int, "big_integer")})).whole_model


def test_private_attributes_are_filled_without_validating_whole() -> None:
    model = model_of(int, {"_x": pydantic.PrivateAttr(default_factory=list), "_y": 3})
    plan = loading.plan_of(model, {"f0": Case(int, "big_integer")})
    assert not prove(model, loading.kinds({"f0": Case(int, "big_integer")})).whole_model
    first, second = plan.load({"f0": 1}), plan.load({"f0": 1})
    assert first._x == [] and first._y == 3
    assert first._x is not second._x


def test_defaults_of_fields_without_column_are_fresh_for_each_row() -> None:
    class Linked(Row):
        f0: int
        items: list[int] = Field(default_factory=list)
        tree: dict[str, Any] = {"a": []}

    plan = loading.plan_of(Linked, {"f0": Case(int, "big_integer")})
    first, second = plan.load({"f0": 1}), plan.load({"f0": 1})
    first.items.append(1)
    first.tree["a"].append(1)
    assert (second.items, second.tree) == ([], {"a": []})
    assert first.model_fields_set == {"f0"}


def test_recursive_models_load() -> None:
    class Tree(pydantic.BaseModel):
        leaves: list[Tree] = []

    class Forest(Row):
        f0: Tree

    Tree.model_rebuild(_types_namespace={"Tree": Tree})
    Forest.model_rebuild(force=True, _types_namespace={"Tree": Tree})
    plan = loading.plan_of(Forest, {"f0": Case(Tree, "json")})
    assert plan.load({"f0": {"leaves": [{"leaves": []}]}}).f0.leaves[0].leaves == []


@pytest.mark.parametrize(
    ("annotation", "kind", "elem", "value", "shown"),
    [
        (Colour, "enum", "unknown", "red", Colour.RED),
        (set[int], "array", "big_integer", [2, 1, 2], {1, 2}),
        (frozenset[Colour], "array", "string", ["red"], frozenset([Colour.RED])),
        (tuple[int, ...], "array", "big_integer", [1, 2], (1, 2)),
        (list[Colour], "array", "string", ["red", None], [Colour.RED, None]),
    ],
    ids=str,
)
def test_values_show_what_an_attribute_would_hold(
    annotation: Any, kind: str, elem: str, value: Any, shown: Any
) -> None:
    for given in (
        annotation,
        Optional[annotation],
        Annotated[annotation, pydantic.AfterValidator(lambda v: v)],
    ):
        plain = proof_of(given, kind, elem).plain["f0"]
        result = plain[value] if isinstance(plain, dict) else plain(value)
        assert result == shown
        assert type(result) is type(shown)


@pytest.mark.parametrize(
    ("annotation", "kind"), [(int, "big_integer"), (list[int], "array"), (Inner, "json")]
)
def test_values_show_other_fields_as_decoded(annotation: Any, kind: str) -> None:
    assert proof_of(annotation, kind, "big_integer").plain == {}


def test_plans_of_different_classes_do_not_mix() -> None:
    plan = loading.plan_of(model_of(int), {"f0": Case(int, "big_integer")})
    assert plan.names == ("f0",)
    assert plan.table == "t"
    with pytest.raises(TypeError, match="keyword"):
        _core.Plan(plan.model)
