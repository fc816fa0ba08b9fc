"""`Model.schema_class`: what of a model comes into the class, and what does not."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import pydantic
import pytest

from oxyde import Field, Model
from oxyde.exceptions import FieldError
from oxyde.models.registry import unregister_table


class Station(Model):
    code: str = Field(db_pk=True, max_length=8, description="As on the sign")
    label: str = ""
    wagons: list[Wagon] = Field(db_reverse_fk="home")

    class Meta:
        is_table = True
        table_name = "schema_stations"


class Wagon(Model):
    """A wagon and what it carries."""

    model_config = pydantic.ConfigDict(extra="forbid", title="Not for others")

    id: int | None = Field(default=None, db_pk=True)
    ref: Annotated[str, Field(max_length=9, pattern="^[A-Z]")] = Field(
        alias="reference", description="Painted on the side", examples=["A1"], db_unique=True
    )
    weight: int = Field(ge=0, lt=1000)
    most: int = 500
    built: datetime = Field(db_default="CURRENT_TIMESTAMP")
    tags: list[str] = Field(default_factory=list)
    secret: str = Field(default="", exclude=True)
    home: Station = Field(db_on_delete="CASCADE", description="Where it belongs")
    last: Station | None = None
    _scale: int = pydantic.PrivateAttr(default=2)

    @pydantic.field_validator("ref", "tags", mode="before")
    @classmethod
    def _clean(cls, value: Any) -> Any:
        return cls.cleaned(value)

    @classmethod
    def cleaned(cls, value: Any) -> Any:
        return value.strip() if isinstance(value, str) else value

    @pydantic.model_validator(mode="after")
    def _fits(self) -> Wagon:
        if self.weight > self.limit():
            raise ValueError("too heavy")
        return self

    def limit(self) -> int:
        return self.most * self._scale

    @pydantic.computed_field
    @property
    def tons(self) -> float:
        return self.weight / 1000

    @pydantic.computed_field
    @property
    def title(self) -> str:
        return f"{self.ref} ({self.tons} t)"

    @pydantic.field_serializer("weight", "most")
    def _with_unit(self, value: int) -> str:
        return f"{value} kg"

    class Meta:
        is_table = True
        table_name = "schema_wagons"


for model in (Station, Wagon):
    unregister_table(model)

REAL = ["id", "ref", "weight", "most", "built", "tags", "secret", "home_code", "last_code"]


def test_it_is_a_pydantic_class_with_the_fields_and_no_table() -> None:
    made = Wagon.schema_class()
    assert list(made.model_fields) == REAL, "relations only on request"
    assert (made.__name__, made.__module__, made.__doc__) == ("WagonSchema", __name__, Wagon.__doc__)
    assert made.__mro__[1:] == pydantic.BaseModel.__mro__, "nothing of Model"
    assert not hasattr(made, "objects")
    wagon = Wagon(reference="A1", weight=5, home_code="N", built=datetime(2031, 1, 2))
    assert made.model_validate(wagon).model_dump() == wagon.model_dump(exclude={"home", "last"})


def test_the_same_arguments_give_the_same_class() -> None:
    made = Wagon.schema_class(include={"ref", "weight"}, optional=["ref"], name="One")
    assert Wagon.schema_class(include=["weight", "ref"], optional={"ref"}, name="One") is made
    assert (
        Wagon.schema_class(exclude=[*set(REAL) - {"ref", "weight"}], optional={"ref"}, name="One") is not made
    )
    assert Wagon.schema_class(include={"ref", "weight"}, optional=["ref"], name="Two") is not made
    assert Wagon.schema_class(include={"ref", "weight"}, name="One") is not made
    assert Station.schema_class() is not Wagon.schema_class()


def test_a_class_of_the_same_name_has_schemas_of_its_own() -> None:
    def define(extra: Any) -> Any:
        class Twin(Model):
            a: int = extra

        return Twin

    one, other = define(1), define(2)
    assert one.schema_class()().a == 1
    assert other.schema_class()().a == 2


def test_subclasses_do_not_take_the_schemas_of_their_base() -> None:
    class Base(Model):
        a: int

    class Child(Base):
        b: int

    assert list(Base.schema_class().model_fields) == ["a"]
    assert list(Child.schema_class().model_fields) == ["a", "b"]


def test_include_and_exclude_choose_in_the_order_of_the_model() -> None:
    chosen = Wagon.schema_class(include=["weight", "ref", "tons", "most"])
    assert list(chosen.model_fields) == ["ref", "weight", "most"]
    assert list(chosen.model_computed_fields) == ["tons"]
    rest = Wagon.schema_class(include=["weight", "ref"], exclude=["ref"])
    assert list(rest.model_fields) == ["weight"]


def test_descriptions_constraints_aliases_and_defaults_are_kept() -> None:
    made = Wagon.schema_class(exclude=["id", "built"])
    described = made.model_json_schema()
    own = Wagon.model_json_schema()["$defs"]["Wagon"]["properties"]
    for name in ("reference", "most", "tags", "weight"):
        assert described["properties"][name] == own[name]
    assert described["description"] == Wagon.__doc__
    assert set(described["required"]) == {"reference", "weight", "home_code"}
    with pytest.raises(pydantic.ValidationError) as caught:
        made(reference="lower", weight=-1, home_code="x" * 9, unknown=1)
    assert {(e["loc"][0], e["type"]) for e in caught.value.errors()} == {
        ("reference", "string_pattern_mismatch"),
        ("weight", "greater_than_equal"),
        ("home_code", "string_too_long"),
        ("unknown", "extra_forbidden"),
    }
    first, second = made(reference="A", weight=1, home_code="N"), made(ref="A", weight=1, home_code="N")
    first.tags.append("x")  # type: ignore[attr-defined]
    assert second.tags == [], "each has a list of its own"  # type: ignore[attr-defined]
    assert "secret" not in second.model_dump()


def test_what_the_database_fills_is_not_required() -> None:
    made = Wagon.schema_class()
    assert made(reference="A", weight=1, home_code="N").built is None  # type: ignore[attr-defined]


def test_validators_and_serialisers_are_kept_with_what_they_need() -> None:
    made = Wagon.schema_class(exclude=["id", "built", "secret"])
    assert made(reference=" A ", weight=1, home_code="N").ref == "A"  # type: ignore[attr-defined]
    with pytest.raises(pydantic.ValidationError, match="too heavy"):
        made(reference="A", weight=900, most=400, home_code="N")
    dumped = made(reference="A", weight=1, home_code="N").model_dump()
    assert (dumped["weight"], dumped["most"], dumped["tons"]) == ("1 kg", "500 kg", 0.001)


def test_code_that_reads_a_missing_field_is_left_out() -> None:
    made = Wagon.schema_class(include=["ref", "weight", "home_code"])
    assert made(reference="A", weight=900, home_code="N").model_dump() == {
        "ref": "A",
        "weight": "900 kg",
        "home_code": "N",
    }, "the limit reads `most`; computed fields were not asked for"
    assert "tons" not in Wagon.schema_class(exclude=["weight"]).model_computed_fields
    with pytest.raises(FieldError, match=r"Wagon\.title reads ref.*include ref"):
        Wagon.schema_class(include=["weight", "title"])


def test_optional_fields_may_be_left_out_but_not_broken() -> None:
    made = Wagon.schema_class(exclude=["id"], optional=True, name="WagonPatch")
    patch = made(weight=3)
    assert patch.model_dump(exclude_unset=True, include={"weight"}) == {"weight": "3 kg"}
    assert patch.model_fields_set == {"weight"}
    assert "required" not in made.model_json_schema()
    assert "default" not in made.model_json_schema()["properties"]["weight"]
    for wrong in ({"weight": -1}, {"weight": None}):
        with pytest.raises(pydantic.ValidationError):
            made(**wrong)
    some = Wagon.schema_class(include=["ref", "weight"], optional=["weight"])
    assert some(reference="A").weight is None  # type: ignore[attr-defined]
    with pytest.raises(pydantic.ValidationError, match="reference"):
        some(weight=1)


def test_relations_are_replaced_by_schema_classes() -> None:
    station = Station.schema_class(include=["code"])
    made = Wagon.schema_class(include=["ref"], relations={"home": station, "last": True}, name="WagonOut")
    assert list(made.model_fields) == ["ref", "home", "last"]
    assert made.model_fields["home"].annotation is station
    assert made.model_fields["home"].description == "Where it belongs"
    assert made.model_fields["last"].annotation == Station.schema_class() | None
    wagon = Wagon(reference="A", weight=1, home=Station(code="N", label="North"))
    assert made.model_validate(wagon).model_dump() == {"ref": "A", "home": {"code": "N"}, "last": None}
    assert set(made.model_json_schema()["required"]) == {"reference", "home"}
    many = Station.schema_class(relations={"wagons": made})
    assert many(code="N").model_dump() == {"code": "N", "label": "", "wagons": []}
    assert many.model_fields["wagons"].annotation == list[made]  # type: ignore[valid-type]


def test_it_serves_as_a_response_model() -> None:
    """What FastAPI does with one: validate whatever the handler returned, dump it as JSON by alias."""
    made = Wagon.schema_class(
        include=["id", "ref"], relations={"home": Station.schema_class(include=["label"])}
    )
    adapter: Any = pydantic.TypeAdapter(list[made])  # type: ignore[valid-type]
    wagons = [Wagon(reference="A", weight=1, home=Station(code="N", label="North"))]
    seen = adapter.validate_python(wagons, from_attributes=True)
    assert json.loads(adapter.dump_json(seen, by_alias=True)) == [
        {"id": None, "reference": "A", "home": {"label": "North"}}
    ]
    with pytest.raises(pydantic.ValidationError, match="home"):
        adapter.validate_python([Wagon(reference="A", weight=1, home_code="N")], from_attributes=True)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"include": ["wieght"]}, FieldError, "Wagon has no field 'wieght'; did you mean 'weight'"),
        ({"exclude": ["nothing"]}, FieldError, "nothing"),
        ({"optional": ["nothing"]}, FieldError, "nothing"),
        ({"optional": ["id"], "exclude": ["id"]}, FieldError, "Wagon.id is optional"),
        ({"include": ["home"]}, FieldError, r"Wagon.home is a relation.*relations="),
        ({"relations": {"ref": True}}, FieldError, "Wagon.ref is no relation"),
        ({"relations": {"hmoe": True}}, FieldError, "hmoe.*home"),
        ({"relations": {"home": 3}}, TypeError, "takes a Pydantic class or True"),
        ({"relations": {"home": True}, "exclude": ["home"]}, FieldError, "Wagon.home is in exclude"),
        ({"relations": ["home"]}, TypeError, "takes a dict"),
        ({"include": "ref"}, TypeError, "collection of names"),
    ],
)
def test_mistakes_are_named(arguments: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Wagon.schema_class(**arguments)


def test_a_model_that_waits_for_a_name_says_so() -> None:
    class Waiting(Model):
        id: int = Field(db_pk=True)
        other: NowhereDefined | None = None  # type: ignore[name-defined] # noqa: F821

        class Meta:
            is_table = True

    with pytest.raises(FieldError, match="NowhereDefined"):
        Waiting.schema_class()
    unregister_table(Waiting)
