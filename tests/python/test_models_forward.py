"""Forward references: names that are defined later, elsewhere, or nowhere."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any, Optional

import pydantic
import pytest

from oxyde import Field, Model
from oxyde.exceptions import FieldError, ManagerError
from oxyde.models._relations import relation_of
from oxyde.models.registry import (
    assert_no_pending_models,
    clear_registry,
    finalize_pending,
    register_table,
    registered_tables,
    unregister_table,
)


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    from oxyde.models import registry

    tables, pending = dict(registry._tables), dict(registry._pending)
    clear_registry()
    yield
    clear_registry()
    registry._tables.update(tables)
    registry._pending.update(pending)


def kind_of(model: Any, name: str) -> str:
    return model._db_meta.field_metadata[name].column_type.kind


def run(source: str, name: str | None = None) -> dict[str, Any]:
    """Executes source in a module of that name, or in globals that no module owns."""
    if name is None:
        space: dict[str, Any] = {}
    else:
        module = types.ModuleType(name)
        sys.modules[name] = module
        space = module.__dict__
    exec(source, space)
    return space


FORMS = ["Place | None", 'Optional["Place"]', '"Place | None"', "Optional[Place]"]
TEMPLATE = """
{future}
from typing import Optional
from pydantic import BaseModel
from oxyde import Field, Model
{before}
class Site(Model):
    id: int | None = Field(default=None, db_pk=True)
    place: {form} = None
    class Meta:
        is_table = True
{after}
"""
PLACE = "class Place(BaseModel):\n    x: int = 0\n"


# Without the future import Python itself evaluates unquoted names before the class exists.
CASES = [
    (form, future, later)
    for form in FORMS
    for future in (True, False)
    for later in (True, False)
    if future or not later or '"' in form
]


@pytest.mark.parametrize(("form", "future", "later"), CASES)
@pytest.mark.parametrize("module", ["forward_module", None])
def test_every_spelling_of_an_optional_reference_gives_the_same_column(
    form: str, future: bool, later: bool, module: str | None
) -> None:
    after = PLACE + "\nclass Next(Model):\n    n: int = 0\n" if later else ""
    space = run(
        TEMPLATE.format(
            form=form,
            future="from __future__ import annotations" if future else "",
            before="" if later else PLACE,
            after=after,
        ),
        module,
    )
    site = space["Site"]
    assert kind_of(site, "place") == "json"
    assert site._db_meta.field_metadata["place"].nullable
    assert site(place={"x": 3}).place.x == 3


def test_a_class_in_a_function_sees_the_names_of_the_function() -> None:
    class Place(pydantic.BaseModel):
        x: int

    class Site(Model):
        place: Place
        other: Optional["Place"] = None  # noqa: UP037

        class Meta:
            is_table = True

    assert kind_of(Site, "place") == "json"
    assert Site(place={"x": 1}).place == Place(x=1)


def test_a_class_in_a_function_sees_names_defined_after_it() -> None:
    class Site(Model):
        place: Place

        class Meta:
            is_table = True

    class Place(Model):
        x: int

    assert kind_of(Site, "place") == "json"
    assert Site(place={"x": 1}).place.x == 1


def test_a_nested_class_sees_its_siblings() -> None:
    class Outer:
        class Place(pydantic.BaseModel):
            x: int

        class Site(Model):
            place: Place  # noqa: F821

            class Meta:
                is_table = True

    assert Outer.Site(place={"x": 1}).place.x == 1


def test_a_model_may_refer_to_itself() -> None:
    class Node(Model):
        name: str
        children: list[Node] = []

    assert Node(name="a", children=[{"name": "b"}]).children[0].name == "b"


def test_a_model_with_an_unknown_name_is_pending_and_harms_nobody() -> None:
    class Lost(Model):
        id: int | None = Field(default=None, db_pk=True)
        place: Nowhere  # noqa: F821

        class Meta:
            is_table = True

    class Found(Model):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True

    assert Found(id=1).id == 1
    assert kind_of(Found, "id") == "big_integer"
    with pytest.raises(pydantic.errors.PydanticUserError, match="not fully defined"):
        Lost(place=1)
    with pytest.raises(FieldError, match="Nowhere"):
        Lost.__oxyde_plan__  # noqa: B018
    with pytest.raises(RuntimeError, match=r"Lost.*Nowhere"):
        assert_no_pending_models()
    finalize_pending()
    with pytest.raises(RuntimeError, match="Lost"):
        assert_no_pending_models()
    clear_registry()
    assert_no_pending_models()


def test_names_of_typing_resolve_where_the_module_lacks_them() -> None:
    space = run(
        "from oxyde import Field\nimport oxyde\n"
        "class Bare(oxyde.Model):\n"
        "    a: 'Optional[int]' = None\n"
        "    b: 'Sequence[int]' = ()\n"
        "    class Meta:\n"
        "        is_table = True\n",
        "bare_module",
    )
    finalize_pending()
    assert kind_of(space["Bare"], "a") == "big_integer"
    assert space["Bare"](b=[1]).b == [1]


@pytest.mark.parametrize("name", ["Model", "Query", "QueryManager"])
def test_our_own_names_resolve_where_the_module_lacks_them(name: str) -> None:
    space = run(
        f"import oxyde\nclass Bare(oxyde.Model):\n    a: 'type[{name}] | None' = None\n",
        "own_names_module",
    )
    import oxyde

    named = getattr(oxyde, name)
    assert space["Bare"](a=named).a is named
    with pytest.raises(pydantic.ValidationError):
        space["Bare"](a=int)


def test_a_name_of_typing_is_not_taken_before_the_module_had_its_chance() -> None:
    space = run(
        "from pydantic import BaseModel\nfrom oxyde import Model\n"
        "class Shelf(Model):\n"
        "    holds: 'Collection | None' = None\n"
        "    class Meta:\n"
        "        is_table = True\n"
        "class Collection(BaseModel):\n"
        "    x: int\n"
        "class Other(Model):\n"
        "    pass\n",
        "shelf_module",
    )
    assert space["Shelf"](holds={"x": 4}).holds.x == 4


def test_defining_a_class_changes_neither_module_nor_builtins() -> None:
    import builtins

    before = set(vars(builtins))
    space = run("from oxyde import Model\nclass One(Model):\n    a: int\n", "quiet_module")
    assert set(vars(builtins)) == before
    assert set(space) - {"__builtins__"} == {
        "__name__",
        "__doc__",
        "__package__",
        "__loader__",
        "__spec__",
        "Model",
        "One",
    }


def test_a_failed_class_statement_leaves_nothing_behind() -> None:
    with pytest.raises(FieldError):

        class Broken(Model):
            id: int | None = Field(default=None, db_pk=True)

            class Meta:
                is_table = True
                unique_together = [("id", "nothing")]

    assert registered_tables() == {}
    assert_no_pending_models()


def test_an_error_in_a_pending_model_is_raised_by_its_use_not_by_another_class() -> None:
    class Waiting(Model):
        a: Later
        b: int = Field(0, db_column="a")

        class Meta:
            is_table = True

    class Later(Model):
        x: int

    with pytest.raises(FieldError, match="same column"):
        Waiting.__oxyde_plan__  # noqa: B018


def test_querying_a_model_that_is_no_table_says_so() -> None:
    class Plain(Model):
        a: int

    with pytest.raises(ManagerError, match="is_table"):
        Plain.__oxyde_plan__  # noqa: B018


def test_a_name_that_comes_later_is_not_taken_from_elsewhere() -> None:
    """Found by a class of that name in another module's tests."""

    def elsewhere() -> type[Model]:
        class Wagon(Model):
            id: int | None = Field(default=None, db_pk=True)

            class Meta:
                is_table = True

        unregister_table(Wagon)
        Wagon.__module__ = "elsewhere.wagons"
        register_table(Wagon)
        return Wagon

    other = elsewhere()

    class Track(Model):
        id: int | None = Field(default=None, db_pk=True)
        wagons: list[Wagon] = Field(db_reverse_fk="track")

        class Meta:
            is_table = True

    class Wagon(Model):
        id: int | None = Field(default=None, db_pk=True)
        track: Track | None = None

        class Meta:
            is_table = True

    spec = relation_of(Track, "wagons")
    assert spec is not None
    assert spec.target is Wagon
    assert other is not Wagon
