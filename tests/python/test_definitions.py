"""Class statements: what cannot work fails there, and harms nothing that comes after."""

from __future__ import annotations

import enum
import types
import warnings
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest

from oxyde import Field, Index, Model
from oxyde.db.schema import describe_tables
from oxyde.exceptions import FieldError
from oxyde.models import _plan
from oxyde.models.registry import assert_no_pending_models, clear_registry, registered_tables


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    clear_registry()
    yield
    clear_registry()


class Level(enum.IntEnum):
    LOW = 1


def table(
    name: str = "Broken", module: str = __name__, meta: dict[str, Any] | None = None, **fields: Any
) -> Any:
    """A table class made by its parts: name=(annotation, field)."""
    body: dict[str, Any] = {
        "__module__": module,
        "__qualname__": name,
        "__annotations__": {key: annotation for key, (annotation, _) in fields.items()},
        "Meta": type("Meta", (), {"is_table": True, **(meta or {})}),
    }
    body.update({key: field for key, (_, field) in fields.items()})
    return types.new_class(name, (Model,), {}, lambda namespace: namespace.update(body))


KEY = (int | None, Field(default=None, db_pk=True))
BROKEN: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"a": (Level, Field())}, TypeError, r"Broken\.a: .*Level.*Use a str-valued Enum.*db_type"),
    ({"a": (Level | None, None)}, TypeError, "Level"),
    ({"a": (list[Level], Field())}, TypeError, "Level"),
    ({"a": (bytes, Field(db_type="DATE"))}, TypeError, r"Broken\.a.*DATE.*bytes"),
    (
        {"a": (int, Field()), "b": (int, Field(db_column="a"))},
        FieldError,
        r"Broken\.b and Broken\.a.*column 'a'",
    ),
    (
        {"a": (int, Field()), "meta": {"indexes": [Index(["b"])]}},
        FieldError,
        r"Broken\.Meta\.indexes names 'b'",
    ),
    (
        {"meta": {"unique_together": [("id", "idd")]}},
        FieldError,
        r"Broken\.Meta\.unique_together.*'idd'.*'id'",
    ),
    ({"meta": {"ordering": ["-nothing"]}}, FieldError, r"Broken\.Meta\.ordering names 'nothing'"),
    ({"meta": {"unloaded": "lazy"}}, ValueError, r"Broken\.Meta\.unloaded.*'lazy'"),
    ({"meta": {"indexes": ["id"]}}, TypeError, r"Broken\.Meta\.indexes takes Index objects"),
    ({"a": (int, Field(db_fk="id"))}, FieldError, r"Broken\.a.*db_fk"),
    ({"a": (bytearray, Field())}, pydantic.PydanticSchemaGenerationError, "bytearray"),
]


@pytest.mark.parametrize(("parts", "error", "words"), BROKEN, ids=lambda part: str(part)[:40])
def test_what_cannot_work_fails_at_its_definition(parts: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=f"(?s){words}"):
        table(id=KEY, **parts)
    assert registered_tables() == {}
    assert_no_pending_models()
    # The same name, and one that the broken class was meant for, work at once.
    fine = table(id=KEY, a=(int, 3))
    other = table("Other", id=KEY, broken=(fine, None), meta={"indexes": [Index(["id"], name="other_idx")]})
    assert list(registered_tables().values()) == [fine, other]
    assert len(describe_tables([fine, other])) == 2
    assert fine().a == 3


@pytest.mark.parametrize("fields", [(), []])
def test_an_index_needs_a_field(fields: Any) -> None:
    with pytest.raises(ValueError, match="Index requires at least one field"):
        Index(fields)


@pytest.mark.parametrize("option", ["db_on_delete", "db_on_update"])
def test_actions_are_known_in_any_case(option: str) -> None:
    assert getattr(Field(**{option: " set  null"}), option) == "SET NULL"
    with pytest.raises(ValueError, match=rf"{option}='EXPLODE'.*CASCADE"):
        Field(**{option: "EXPLODE"})


def test_an_unknown_argument_names_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"'db_indx'.*'db_index'"):
        Field(db_indx=True)


def test_two_classes_of_one_name_live_side_by_side() -> None:
    one = table("Twin", module="first_module", id=KEY, a=(int, 1), meta={"table_name": "one"})
    two = table("Twin", module="second_module", id=KEY, b=(str, "x"), meta={"table_name": "two"})
    assert list(registered_tables()) == ["first_module.Twin", "second_module.Twin"]
    assert (one.get_table_name(), two.get_table_name()) == ("one", "two")
    assert (one.__oxyde_plan__.names, two.__oxyde_plan__.names) == (("id", "a"), ("id", "b"))
    assert '"one"' in one.objects.all.__self__.sql()[0] and '"two"' in two.objects.all.__self__.sql()[0]
    assert one() != two()


def test_a_broken_class_between_two_that_wait_disturbs_neither() -> None:
    space: dict[str, Any] = {"__name__": "waiting_module"}
    exec(
        "from __future__ import annotations\n"
        "from oxyde import Field, Model\n"
        "class First(Model):\n"
        "    id: int = Field(db_pk=True)\n"
        "    second: Second | None = None\n"
        "    class Meta:\n"
        "        is_table = True\n",
        space,
    )
    with pytest.raises(FieldError):
        table("Second", module="waiting_module", id=KEY, meta={"ordering": ["nothing"]})
    exec(
        "class Second(Model):\n    id: int = Field(db_pk=True)\n    class Meta:\n        is_table = True\n",
        space,
    )
    assert_no_pending_models()
    assert space["First"].__oxyde_plan__.names == ("id", "second_id")


def test_defining_many_models_makes_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 classes of 20 fields: what a query needs of a class is made by its first query."""
    made: list[Any] = []
    build = _plan._build
    monkeypatch.setattr(_plan, "_build", lambda model: made.append(model) or build(model))
    kinds: list[Any] = [int, str, float, bool, bytes | None]
    fields = {f"f{number}": (kinds[number % 5], None if number % 5 == 4 else Field()) for number in range(19)}
    models = [table(f"Many{number}", id=KEY, **fields) for number in range(200)]
    assert made == []
    assert len(registered_tables()) == 200
    models[7].objects.filter(f0=1).sql()
    models[7].objects.filter(f1="x").sql()
    assert made == [models[7]]


def test_a_null_that_the_column_refuses_is_warned_of() -> None:
    target = table("Target", id=KEY)
    with pytest.warns(UserWarning, match=r"SET NULL.*NOT NULL|NOT NULL.*SET NULL"):
        table("Pointing", id=KEY, target=(target, Field(db_on_delete="SET NULL")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table("Fine", id=KEY, target=(target | None, Field(default=None, db_on_delete="SET NULL")))
