"""Calling a class makes what Pydantic's validator makes of the arguments: same object, or same error."""

from __future__ import annotations

import datetime as dt
import decimal
import types
from typing import Annotated, Any
from unittest import mock

import pydantic
import pydantic_core
import pytest
import strategies
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from loading import outcome
from strategies import CASES, Case, Colour, Inner, Level, Made, Size

from oxyde import Field, Model

# --- the promise ------------------------------------------------------------------------------


class Base(Model):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)


class Text(str):
    pass


class Moment(dt.datetime):
    pass


class Real(float):
    pass


class NoZone(dt.tzinfo):
    def utcoffset(self, when: dt.datetime | None) -> None:
        return None

    def __repr__(self) -> str:
        return "no zone"


ODD_VALUES: list[Any] = [
    None, True, 0, 1, 5, -1, 2**70, 1.0, 2.5, float("nan"), float("inf"), "5", "a", "", " b ", "\ud800",
    "\ud800bcd", "12", "red", b"5", b"", Text("a"), Real(1.0), strategies.OddInt(3), Colour.RED, Size.S,
    Level.LOW, Level.HIGH, strategies.Mixed.TEXT, decimal.Decimal("1.50"), decimal.Decimal("NaN"),
    dt.date(2020, 1, 2), dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 2, tzinfo=dt.timezone.utc),
    dt.datetime(2020, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    dt.datetime(2020, 1, 2, tzinfo=NoZone()), Moment(2020, 1, 2), dt.time(1),
    dt.time(1, tzinfo=dt.timezone.utc), dt.timedelta(1),
    [], [1], (1,), {}, {"a": 1}, {"x": 1}, {1}, Inner(ex=1), "2020-01-02",
]  # fmt: skip


def by_pydantic(model: Any, kwargs: dict[str, Any]) -> Any:
    made = model.__new__(model)
    answer = model.__pydantic_validator__.validate_python(kwargs, self_instance=made)
    return answer if answer is made else ("another", answer)


def called(model: Any, kwargs: dict[str, Any]) -> Any:
    made = model(**kwargs)
    assert getattr(made, "__oxyde_state__", None) is None
    return made


def same(model: Any, kwargs: dict[str, Any]) -> None:
    """Twice, for the first call of a class is when it is looked at."""
    wanted = outcome(lambda k: by_pydantic(model, k), kwargs)
    assert outcome(lambda k: called(model, k), kwargs) == wanted
    assert outcome(lambda k: called(model, k), kwargs) == wanted
    if wanted[0] == "loaded":
        ours, theirs = vars(called(model, kwargs)), vars(by_pydantic(model, kwargs))
        for name, value in kwargs.items():
            assert (ours.get(name) is value) == (theirs.get(name) is value), name


@st.composite
def arguments(draw: st.DrawFn, model: Any, made: Made) -> dict[str, Any]:
    given: dict[str, Any] = {}
    fields = model.__pydantic_fields__
    names = draw(st.permutations(sorted(fields))) if draw(st.integers(0, 3)) == 0 else list(fields)
    for name in names:
        how = draw(st.integers(0, 11))
        if how == 0:
            continue
        case = made.columns.get(name)
        if how <= 2 or case is None:
            value = draw(st.sampled_from(ODD_VALUES))
        else:
            value = draw(case.values())
            if isinstance(value, str) and case.annotation in (Colour, Size) and value in ("red", "s"):
                value = case.annotation(value)
        alias = fields[name].alias
        given[alias if alias is not None and draw(st.booleans()) else name] = value
        if alias is not None and draw(st.integers(0, 9)) == 0:
            given[name] = value
    if draw(st.integers(0, 11)) == 0:
        given["further"] = 1
    return given


NAMING: list[dict[str, Any]] = [
    {},
    {"validate_by_alias": False, "validate_by_name": True},
    {"validate_by_alias": True, "validate_by_name": False},
]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_call_makes_exactly_what_pydantic_makes(data: st.DataObject) -> None:
    config = data.draw(st.sampled_from(NAMING))
    base = types.new_class("Naming", (Base,), {}, lambda ns: ns.update({"model_config": config}))
    try:
        with mock.patch.object(strategies, "Row", base):
            made: Made = data.draw(strategies.models())
    except HypothesisException:
        raise
    except Exception:
        assume(False)  # Pydantic refuses the class itself
        raise
    for _ in range(5):
        kwargs = data.draw(arguments(made.model, made))
        note(f"{made.text} {made.traits} {config} {kwargs}")
        same(made.model, kwargs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.annotation}-{case.kind}"[:60])
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_kind_of_field_takes_what_pydantic_takes(case: Case, data: st.DataObject) -> None:
    class Only(Base):
        f0: case.annotation  # type: ignore[name-defined]

    for value in (*ODD_VALUES, *data.draw(st.lists(case.values(), min_size=4, max_size=4))):
        same(Only, {"f0": value})


# --- the short way is taken -----------------------------------------------------------------------

_SLOT: Any = vars(pydantic.BaseModel)["__pydantic_fields_set__"]


def is_short(made: Any) -> bool:
    """What was made without the validator has no set of fields of its own until it is read."""
    return type(_SLOT.__get__(made)) is not set


class Many(Model):
    number: int = 0
    share: float | None = None
    label: Annotated[str, pydantic.Field(max_length=5)]
    tags: list[str] = []
    colour: Colour = Colour.RED
    at: pydantic.AwareDatetime | None = None
    price: Annotated[decimal.Decimal, pydantic.Field(max_digits=5, decimal_places=2)] | None = None
    other: Any = None


@pytest.mark.parametrize(
    ("kwargs", "short"),
    [
        ({"label": "a"}, True),
        ({"label": "a", "number": 2**80, "share": 1.5, "colour": Colour.BLUE, "other": [1]}, True),
        ({"share": None, "label": "äöü"}, True),
        ({"label": "a", "at": dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)}, True),
        ({"label": "a", "price": decimal.Decimal("1.50")}, True),
        ({"label": "a", "further": 1}, True),
        ({"label": "a", "number": "5"}, False),
        ({"label": "a", "number": True}, False),
        ({"label": "a", "share": 1}, False),
        ({"label": Text("a")}, False),
        ({"label": "a", "colour": "blue"}, False),
        ({"label": "a", "tags": ["b"]}, False),
        ({"label": "a", "at": dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))}, False),
    ],
)
def test_which_values_are_taken_as_they_are(kwargs: dict[str, Any], short: bool) -> None:
    made = Many(**kwargs)
    assert is_short(made) is short
    assert made.model_fields_set == kwargs.keys() - {"further"}
    assert not is_short(made)
    same(Many, kwargs)


@pytest.mark.parametrize("kwargs", [{}, {"label": None}, {"label": "too long"}, {"label": "\ud800"}])
def test_what_is_refused_is_refused_in_pydantic_s_words(kwargs: dict[str, Any]) -> None:
    same(Many, kwargs)
    with pytest.raises(pydantic.ValidationError):
        Many(**kwargs)


def test_sets_of_fields_and_mutable_defaults_are_an_instance_s_own() -> None:
    one, two = Many(label="a"), Many(label="b")
    assert is_short(one)
    assert one.tags == []
    assert one.tags is not two.tags
    one.model_fields_set.add("number")
    assert two.model_fields_set == {"label"}
    assert type(two.__pydantic_fields_set__) is set
    assert two.model_copy().model_dump(exclude_unset=True) == {"label": "b"}


def test_factories_are_called_in_order_and_only_when_nothing_can_be_refused_any_more() -> None:
    calls: list[str] = []

    def noting(name: str) -> Any:
        return lambda: calls.append(name) or name

    class Made(Model):
        first: str = pydantic.Field(default_factory=noting("first"))
        second: str = pydantic.Field(default_factory=noting("second"))
        third: str = pydantic.Field(default_factory=noting("third"))
        number: int

    assert is_short(Made(number=1, second="given"))
    assert calls == ["first", "third"]
    calls.clear()
    with pytest.raises(pydantic.ValidationError):
        Made(number="x")
    assert calls == ["first", "second", "third"]


class _Boom(Exception):
    pass


@pytest.mark.parametrize(
    "error", [ValueError("v"), _Boom("b"), AssertionError("a"), pydantic_core.PydanticOmit(),
              pydantic_core.PydanticUseDefault(), pydantic_core.PydanticCustomError("t", "m"),
              pydantic_core.ValidationError.from_exception_data("inner", [])],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_a_factory_raises_arrives(error: Exception) -> None:
    def fail() -> Any:
        raise error

    class Failing(Model):
        number: int = pydantic.Field(default_factory=fail)
        label: str = ""

    same(Failing, {"label": "a"})


def test_more_fields_than_a_mask_has_bits() -> None:
    fields: Any = {f"f{i}": (int, pydantic.Field(default_factory=int) if i % 2 else i) for i in range(80)}
    Wide = pydantic.create_model("Wide", __base__=Model, **fields)
    same(Wide, {"f70": 1, "f3": 2, "f66": 3})
    assert not vars(Wide)["__oxyde_construction__"].whole


def test_another_validator_is_looked_at_anew() -> None:
    class Later(Model):
        number: int = 1

    assert is_short(Later())
    before = vars(Later)["__oxyde_construction__"]
    Later.__pydantic_fields__["number"].default = 2
    Later.model_rebuild(force=True)
    assert Later().number == 2
    assert vars(Later)["__oxyde_construction__"] is not before


def test_a_child_has_its_own() -> None:
    class Parent(Model):
        number: int = 1

    class Child(Parent):
        number: Annotated[int, pydantic.AfterValidator(lambda v: v + 1)] = 1

    assert is_short(Parent(number=1))
    assert Child(number=1).number == 2


class Secretive(Model):
    number: int = 0
    _plain: int = 3
    _list: list[int] = []
    _dict: dict[str, int] = pydantic.PrivateAttr({})
    _unset: int = pydantic.PrivateAttr()


def test_plain_private_attributes() -> None:
    same(Secretive, {"number": 1})
    one, two = Secretive(number=1), Secretive(number=1)
    assert is_short(one)
    assert one.__pydantic_private__ == {"_plain": 3, "_list": [], "_dict": {}}
    assert one._list is not two._list
    assert one._dict is not two._dict


def test_private_attributes_that_only_pydantic_makes() -> None:
    class Deep(Model):
        number: int = 0
        _deep: Any = pydantic.PrivateAttr([[1]])

    class Called(Model):
        number: int = 0
        _called: Any = pydantic.PrivateAttr(default_factory=list)

    for model in (Deep, Called):
        same(model, {"number": 1})
        assert not is_short(model(number=1))


def test_model_post_init_assigned_later() -> None:
    seen: list[Any] = []
    with mock.patch.object(Secretive, "model_post_init", lambda self, context: seen.append(self)):
        made = Secretive(number=1)
    assert seen == [made]
    assert is_short(Secretive(number=1))


class Author(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = ""

    class Meta:
        is_table = True
        table_name = "construct_authors"


class Book(Model):
    id: int | None = Field(default=None, db_pk=True)
    author: Author
    reader: Author | None = None
    title: str = ""

    class Meta:
        is_table = True
        table_name = "construct_books"


def test_ids_of_relations() -> None:
    author = Author(id=3)
    assert is_short(author)
    made = Book(author_id=1, title="a")
    assert is_short(made)
    assert (made.author_id, made.reader_id, made.reader) == (1, None, None)
    assert Book(author=author).author_id == 3
    for kwargs in (
        {}, {"author_id": 1}, {"author_id": "1"}, {"author_id": None}, {"author": author},
        {"author": author, "author_id": 3}, {"author": author, "author_id": 4},
        {"author_id": 1, "reader": author}, {"author_id": 1, "reader": None},
        {"author": None, "author_id": 2}, {"author_id": 1, "reader_id": 2},
        {"author_id": 1, "reader_id": None},
    ):  # fmt: skip
        same(Book, kwargs)


def test_arguments_of_other_calls() -> None:
    given = {"label": "a"}
    assert is_short(type.__call__(Many, **given))
    assert given == {"label": "a"}
    made = Many.__new__(Many)
    type(made).__init__(made, label="a")
    assert not is_short(made)
    with pytest.raises(TypeError, match="keywords must be strings"):
        Many(**{1: 2, "label": "a"})  # type: ignore[arg-type]
