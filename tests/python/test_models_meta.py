"""Meta, inheritance, managers, the registry, and errors while defining."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

import pydantic
import pytest

from oxyde import Check, Field, Index, Model, Query, QueryManager
from oxyde.db.schema import describe_model
from oxyde.exceptions import FieldError, FieldLookupError
from oxyde.models import (
    clear_registry,
    iter_tables,
    register_table,
    registered_tables,
    unregister_table,
)
from oxyde.models import registry as registry_module
from oxyde.models.registry import find_tables, resolve_table


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    tables, pending = dict(registry_module._tables), dict(registry_module._pending)
    clear_registry()
    yield
    clear_registry()
    registry_module._tables.update(tables)
    registry_module._pending.update(pending)


class Base(Model):
    """Abstract: no table of its own."""

    id: int | None = Field(default=None, db_pk=True)
    made: int = Field(default=0, db_column="made_on", db_index=True)


def table(name: str = "Thing", bases: tuple[type, ...] = (Model,), **options: Any) -> Any:
    fields = {"id": int | None, "a": int, "b": str}
    space: dict[str, Any] = {
        "__annotations__": fields,
        "id": Field(default=None, db_pk=True),
        "Meta": type("Meta", (), {"is_table": True, **options}),
    }
    return type(name, bases, space)


# --- Meta -----------------------------------------------------------------------------


def test_a_model_without_meta_is_no_table() -> None:
    class Plain(Model):
        a: int

    meta = Plain._db_meta
    assert not meta.is_table
    assert meta.field_metadata == {}
    assert Plain.get_table_name() == "plain"
    assert registered_tables() == {}
    with pytest.raises(AttributeError):
        Plain.a  # noqa: B018


def test_model_itself_has_neither_manager_nor_metadata() -> None:
    with pytest.raises(AttributeError):
        Model.objects  # noqa: B018
    with pytest.raises(AttributeError):
        Model._db_meta  # noqa: B018


def test_options_are_read_and_unknown_ones_kept() -> None:
    index, check = Index(["a"]), Check("a > 0")
    thing = table(
        "StockItem",
        schema="shop",
        comment="Items",
        indexes=[index],
        unique_together=[["a", "b"]],
        constraints=[check],
        ordering=["-a"],
        unloaded="raise",
        color="red",
        _hidden=1,
    )
    meta = thing._db_meta
    assert (meta.table_name, meta.schema, meta.comment) == ("stockitem", "shop", "Items")
    assert (meta.indexes, meta.constraints, meta.ordering) == ([index], [check], ["-a"])
    assert meta.unique_together == [("a", "b")]
    assert (meta.unloaded, meta.extra) == ("raise", {"color": "red"})
    assert thing.Meta.color == "red"
    assert (meta.pk_field, meta.pk_column, meta.pk_fields) == ("id", "id", ("id",))
    assert list(meta.field_metadata) == ["id", "a", "b"]

    class Quiet(Model):
        a: int

        class Meta:
            comment = "a Meta alone makes no table"

    assert not Quiet._db_meta.is_table


def test_metadata_name_the_key() -> None:
    class Keyed(Model):
        note: str = ""
        day: int = Field(db_pk=True, db_column="on_day")
        place: int = Field(db_pk=True)

        class Meta:
            is_table = True

    class Keyless(Model):
        note: str = ""

        class Meta:
            is_table = True

    meta, without = Keyed._db_meta, Keyless._db_meta
    assert (meta.pk_field, meta.pk_column, meta.pk_fields) == ("day", "on_day", ("day", "place"))
    assert (without.pk_field, without.pk_column, without.pk_fields) == (None, None, ())


def test_none_counts_as_empty_and_inherited_options_count() -> None:
    class Common:
        is_table = True
        indexes = None

    class Thing(Model):
        a: int

        class Meta(Common):
            table_name = "things"
            ordering = None

    assert Thing._db_meta.is_table
    assert Thing.get_table_name() == "things"
    assert Thing._db_meta.indexes == Thing._db_meta.ordering == []


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"unloaded": "never"}, ValueError, "never"),
        ({"indexes": [Index(["nothing"])]}, FieldError, "nothing"),
        ({"unique_together": [("a", "bb")]}, FieldError, "'b'"),
        ({"ordering": ["-aa"]}, FieldError, "did you mean 'a'"),
        ({"unique_together": ["a"]}, TypeError, "unique_together"),
        ({"indexes": ["a"]}, TypeError, "Index"),
        ({"table_name": 3}, TypeError, "table_name"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        table(**options)
    assert registered_tables() == {}


def test_indexes_and_checks_are_values() -> None:
    assert Index(("a", "b")) == Index(["a", "b"])
    assert Index(["a"], where="  ").where is None
    assert Index(["a"], where=" a > 1 ").where == "a > 1"
    assert Check("a > 0") != Check("a > 1")
    for empty in ((), []):
        with pytest.raises(ValueError, match="Index requires at least one field"):
            Index(empty)


def test_two_fields_cannot_share_a_column() -> None:
    with pytest.raises(FieldError, match="same column 'a'"):

        class Twice(Model):
            a: int
            b: int = Field(db_column="a")

            class Meta:
                is_table = True


def test_names_in_meta_may_be_columns() -> None:
    class Thing(Model):
        note: str = Field(db_column="remark")

        class Meta:
            is_table = True
            indexes = (Index(["remark"]), Index(["note"]))
            unique_together = [("remark",)]

    described = describe_model(Thing)["indexes"]
    assert [index["columns"] for index in described] == [("remark",)] * 3


# --- classes ----------------------------------------------------------------------------


def test_columns_of_table_classes_are_expressions() -> None:
    from oxyde.queries import Column

    thing = table()
    assert isinstance(thing.a, Column)
    assert thing.a is thing.a
    assert repr(thing.a) == "Thing.a"
    with pytest.raises(AttributeError):
        thing.nothing  # noqa: B018


def test_inherited_fields_can_be_redeclared_without_a_warning() -> None:
    parent = table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Child(parent):
            a: str
            b: str = "x"

            class Meta:
                is_table = True

    assert Child.model_fields["a"].is_required()
    assert Child(a="1").b == "x"
    assert repr(Child.a) == "Child.a"
    assert Child._db_meta.field_metadata["a"].python_type is str
    assert Child.get_table_name() == "child"


def test_meta_is_not_inherited_but_can_be() -> None:
    parent = table(table_name="parents")

    class Dto(parent):
        pass

    class Same(parent):
        class Meta(parent.Meta):
            pass

    assert not Dto._db_meta.is_table
    assert list(Dto.model_fields) == ["id", "a", "b"]
    with pytest.raises(AttributeError):
        Dto.a  # noqa: B018
    assert Same._db_meta.is_table
    assert Same.get_table_name() == "parents"


def test_tables_inherit_fields_with_their_db_settings() -> None:
    class Order(Base):
        total: int = 0

        class Meta:
            is_table = True

    class Special(Order):
        extra: int = 0

        class Meta:
            is_table = True

    assert list(Special._db_meta.field_metadata) == ["id", "made", "total", "extra"]
    for model in (Order, Special):
        column = model._db_meta.field_metadata["made"]
        assert (column.db_column, column.index) == ("made_on", True)
        assert model.__oxyde_plan__.model is model
    assert Special.objects.model_class is Special
    assert Order.objects.model_class is Order


def test_generics_and_class_arguments_work_as_in_pydantic() -> None:
    T = TypeVar("T")

    class Page(Model, Generic[T]):
        items: list[T]

    assert Page[int](items=["1"]).items == [1]

    class Frozen(Model, frozen=True):
        a: int

    assert hash(Frozen(a=1)) == hash(Frozen(a=1))
    with pytest.raises(pydantic.ValidationError):
        Frozen(a=1).a = 2


def test_derived_metaclasses_and_hooks_of_classes_work() -> None:
    seen = []

    class Meta2(type(Model)):
        def __new__(mcs, name: str, bases: tuple[type, ...], space: dict[str, Any], **kwargs: Any) -> Any:
            return super().__new__(mcs, name, bases, space, **kwargs)

    class Local(pydantic.BaseModel):
        x: int

    class Thing(Model, metaclass=Meta2):
        local: Local | None = None

        @classmethod
        def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
            seen.append(cls.__name__)

    class Child(Thing):
        other: Local | None = None

    assert seen == ["Child"]
    assert Child(other={"x": 1}).other == Local(x=1)


# --- managers -----------------------------------------------------------------------------


def test_every_subclass_has_a_manager_of_its_own() -> None:
    one = table("One")
    two = type("Two", (one,), {"__annotations__": {}})
    assert isinstance(one.objects, QueryManager)
    assert one.objects is one.objects
    assert one.objects is not two.objects
    assert (one.objects.model_class, two.objects.model_class) == (one, two)
    assert one._db_meta is not two._db_meta
    assert (one._db_meta.table_name, two._db_meta.table_name) == ("one", "two")


def test_managers_in_the_class_body_are_kept_and_inherited_as_copies() -> None:
    class Recent(QueryManager):
        def get_query(self) -> Query[Any]:
            return super().get_query()

    class Parent(Model):
        objects = Recent()
        others: ClassVar[Recent] = Recent()
        a: int = 0

    class Child(Parent):
        class Meta:
            is_table = True

    assert type(Parent.objects) is type(Child.objects) is Recent
    assert Parent.objects is not Child.objects
    assert Child.others.model_class is Child
    assert Parent.others.model_class is Parent
    assert "others" not in Child.model_fields


# --- the registry ---------------------------------------------------------------------------


def test_tables_are_registered_under_module_and_qualified_name() -> None:
    thing = table()
    key = f"{__name__}.Thing"
    assert registered_tables() == {key: thing}
    assert iter_tables() == (thing,)
    registered_tables().clear()
    assert iter_tables() == (thing,)

    class Inner(Model):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True

    table("Earlier")
    assert list(registered_tables()) == [key, f"{__name__}.{Inner.__qualname__}", f"{__name__}.Earlier"]
    assert [model.__name__ for model in iter_tables()] == ["Thing", "Inner", "Earlier"]
    clear_registry()
    assert iter_tables() == ()


def test_a_new_class_of_the_same_name_replaces_the_old() -> None:
    one, two = table(), table()
    assert iter_tables() == (two,)
    with pytest.raises(ValueError, match=r"Table '.*Thing' is already registered"):
        register_table(one)
    register_table(one, overwrite=True)
    register_table(one)
    assert iter_tables() == (one,)
    unregister_table(one)
    unregister_table(one)
    assert iter_tables() == ()


def test_names_resolve_to_the_only_table_they_fit() -> None:
    thing = table()
    assert resolve_table("Thing") is thing
    assert resolve_table(f"{__name__}.Thing") is thing
    assert find_tables("hing") == []
    with pytest.raises(FieldLookupError, match="Related model 'Thang' is not registered"):
        resolve_table("Thang")
    other = table()
    other.__module__ = "elsewhere"
    register_table(thing, overwrite=True)
    register_table(other)
    assert resolve_table("Thing", __name__) is thing
    with pytest.raises(FieldLookupError, match="elsewhere"):
        resolve_table("Thing")


def named(module: str, name: str) -> Any:
    """A registered table of that module and qualified name."""
    made = table(name.rpartition(".")[2])
    unregister_table(made)
    made.__module__, made.__qualname__ = module, name
    register_table(made)
    return made


def test_a_table_of_the_same_module_comes_before_those_of_others() -> None:
    outer, nested = named("here", "Thing"), named("here", "Outer.Thing")
    there = named("there", "Outer.Box")
    box = named("here", "Outer.Box")
    assert resolve_table("Thing", "here") is outer
    assert resolve_table("Box", "here") is box
    assert resolve_table("Outer.Thing", "there") is nested
    assert resolve_table("Outer.Box", "there") is there
    for name in ("Thing", "Box"):
        with pytest.raises(FieldLookupError, match=rf"'{name}' is ambiguous: .*here\.Outer\.{name}"):
            resolve_table(name, "nowhere")
