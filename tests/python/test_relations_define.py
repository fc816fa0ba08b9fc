"""Defining relations: forward references, names, inheritance, metadata, and what is refused."""

from __future__ import annotations

import enum
import sys
import types
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, get_args
from uuid import UUID

import pytest
from fleet import Berth, Depot, Friendship, Person, Region, Truck, TruckCrew, Visit

from oxyde import Field, Index, Model
from oxyde.db.schema import describe_model
from oxyde.exceptions import FieldError, FieldLookupError
from oxyde.models._relations import relation_of
from oxyde.models.metadata import ColumnMeta, ForeignKeyInfo, RelationInfo
from oxyde.models.registry import (
    assert_no_pending_models,
    clear_registry,
    finalize_pending,
    register_table,
    registered_tables,
)


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    from oxyde.models import registry

    tables, pending = dict(registry._tables), dict(registry._pending)
    clear_registry()
    yield
    clear_registry()
    registry._tables.update(tables)
    registry._pending.update(pending)


def target_of(model: Any, name: str) -> Any:
    spec = relation_of(model, name)
    assert spec is not None
    return spec.target


def execute(source: str, names: dict[str, Any]) -> None:
    """Without the future import of this module."""
    exec(compile(source, "<test>", "exec", dont_inherit=True), names)


def run(source: str, module: str | None = None) -> dict[str, Any]:
    """Executes source as a module of that name, or in globals that no module owns."""
    head = "from oxyde import Field, Model\nfrom typing import Optional\n"
    if module is None:
        namespace: dict[str, Any] = {}
        execute(head + source, namespace)
        return namespace
    made = types.ModuleType(module)
    sys.modules[module] = made
    try:
        execute(head + source, vars(made))
    finally:
        del sys.modules[module]
    return vars(made)


# --- forward references ------------------------------------------------------------------------

HARBOR = """
class Harbor(Model):
    code: str = Field(db_pk=True, max_length=8)
    class Meta:
        is_table = True
"""
SHIP = """
class Ship(Model):
    id: int | None = Field(default=None, db_pk=True)
    home: {annotation} = None
    class Meta:
        is_table = True
"""
SPELLINGS = [
    "Harbor | None",
    "Optional[Harbor]",
    'Optional["Harbor"]',
    '"Harbor | None"',
    "'Optional[Harbor]'",
]


@pytest.mark.parametrize("future", [False, True])
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("place", ["module", "exec", "function", "class"])
@pytest.mark.parametrize("annotation", SPELLINGS)
def test_every_spelling_gives_the_same_foreign_key(
    annotation: str, place: str, where: str, future: bool
) -> None:
    quoted = "'" in annotation or '"' in annotation
    if (where == "after" or place == "class") and not quoted and not future:
        return  # Python itself refuses the name
    source = HARBOR + SHIP.format(annotation=annotation)
    if where == "after":
        source = SHIP.format(annotation=annotation) + HARBOR
    if place == "function":
        body = "".join(f"    {line}\n" for line in source.splitlines())
        source = f"def make():\n{body}    return Ship, Harbor\nShip, Harbor = make()\n"
    elif place == "class":
        body = "".join(f"    {line}\n" for line in source.splitlines())
        source = f"class Outer:\n{body}\nShip, Harbor = Outer.Ship, Outer.Harbor\n"
    head = "from __future__ import annotations\n" if future else ""
    names: dict[str, Any] = {}
    if place == "exec":
        execute(f"{head}from oxyde import Field, Model\nfrom typing import Optional\n{source}", names)
    else:
        made = types.ModuleType("harbors")
        sys.modules["harbors"] = made
        names = vars(made)
        try:
            execute(f"{head}from oxyde import Field, Model\nfrom typing import Optional\n{source}", names)
        finally:
            del sys.modules["harbors"]
    ship, harbor = names["Ship"], names["Harbor"]
    assert list(ship.model_fields) == ["id", "home", "home_code"]
    column = ship._db_meta.columns["home_code"]
    assert (column.nullable, column.max_length, column.python_type) == (True, 8, str)
    assert target_of(ship, "home") is harbor
    assert ship(home=harbor(code="N")).home_code == "N"
    assert_no_pending_models()


def test_models_may_refer_to_each_other_and_to_themselves() -> None:
    class Left(Model):
        id: int | None = Field(default=None, db_pk=True)
        right: Right | None = None
        other: Left | None = None
        rights: list[Right] = Field(db_reverse_fk="left")

        class Meta:
            is_table = True

    with pytest.raises(FieldError, match=r"Left is not finished.*Right"):
        Left.__oxyde_plan__  # noqa: B018

    class Right(Model):
        id: int | None = Field(default=None, db_pk=True)
        left: Left | None = None

        class Meta:
            is_table = True

    assert list(Left.model_fields) == ["id", "right", "other", "rights", "right_id", "other_id"]
    assert list(Right.model_fields) == ["id", "left", "left_id"]
    left = Left(id=1, right=Right(id=2), other=Left(id=3))
    assert (left.right_id, left.other_id) == (2, 3)
    assert left.model_dump()["right"] == {"id": 2, "left": None, "left_id": None}
    right = Right(id=2, left=left)
    left.rights = [right]
    assert left.model_dump()["rights"] == [{"id": 2, "left": None, "left_id": 1}]


def test_keys_may_be_foreign_keys_of_foreign_keys() -> None:
    class User(Model):
        id: UUID = Field(db_pk=True)

        class Meta:
            is_table = True

    class Profile(Model):
        user: User = Field(db_pk=True)
        avatar: Avatar | None = None

        class Meta:
            is_table = True

    class Avatar(Model):
        profile: Profile = Field(db_pk=True)

        class Meta:
            is_table = True

    assert Avatar._db_meta.pk_fields == ("profile_user_id",)
    assert list(Profile._db_meta.columns) == ["user_id", "avatar_profile_user_id"]
    column = Profile._db_meta.columns["avatar_profile_user_id"]
    assert (column.python_type, column.nullable) == (UUID, True)


def test_keys_made_of_each_other_are_refused() -> None:
    class Hen(Model):
        egg: Egg = Field(db_pk=True)

        class Meta:
            is_table = True

    class Egg(Model):
        hen: Hen = Field(db_pk=True)

        class Meta:
            is_table = True

    for model in (Hen, Egg):
        with pytest.raises(
            FieldError, match="these keys are made of each other; give one of the models a key of"
        ):
            model.__oxyde_plan__  # noqa: B018


def test_a_pending_model_waits_without_harm() -> None:
    class Cart(Model):
        id: int | None = Field(default=None, db_pk=True)
        wheel: Wheel | None = None  # noqa: F821

        class Meta:
            is_table = True

    class Horse(Model):
        id: int | None = Field(default=None, db_pk=True)
        cart: Cart | None = None

        class Meta:
            is_table = True

    finalize_pending()
    assert Horse(cart_id=3).cart_id == 3
    with pytest.raises(RuntimeError, match=r"Cart \(missing: Wheel\)"):
        assert_no_pending_models()
    with pytest.raises(FieldError, match="Wheel"):
        Cart.objects.filter(id=1)._plan  # noqa: B018


def test_names_resolve_in_other_modules_through_the_registry() -> None:
    truck = run(
        """
class Van(Model):
    id: int | None = Field(default=None, db_pk=True)
    garage: "Garage | None" = None
    class Meta:
        is_table = True
""",
        "vans",
    )["Van"]
    source = """
class Garage(Model):
    id: int | None = Field(default=None, db_pk=True)
    class Meta:
        is_table = True
"""
    garage = run(source, "garages")["Garage"]
    assert target_of(truck, "garage") is garage
    assert truck(garage_id=3).garage_id == 3


def test_a_name_that_several_models_have_is_ambiguous() -> None:
    source = """
class Garage(Model):
    id: int | None = Field(default=None, db_pk=True)
    class Meta:
        is_table = True
"""
    run(source, "one.garages")
    run(source, "two.garages")
    van = run(
        """
class Van(Model):
    id: int | None = Field(default=None, db_pk=True)
    garage: "Garage | None" = None
    crew: list["Van"] = Field(db_m2m=True, db_through="Garage")
    class Meta:
        is_table = True
""",
        "vans",
    )["Van"]
    with pytest.raises(
        FieldLookupError, match=r"'Garage' may be any of one\.garages\.Garage, two\.garages\.Gar"
    ):
        van.__oxyde_plan__  # noqa: B018


@pytest.mark.parametrize("own", [False, True])
def test_classes_that_pydantic_builds_later_or_by_themselves(own: bool) -> None:
    class Late(Model, defer_build=not own):
        id: int | None = Field(default=None, db_pk=True)
        depot: Depot
        trucks: list[Truck] = Field(db_m2m=True)

        if own:

            @classmethod
            def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
                return handler(source)

        class Meta:
            is_table = True

    assert list(Late.model_fields) == ["id", "depot", "trucks", "depot_code"]
    assert Late.__oxyde_plan__.names == ("id", "depot_code")
    late = Late(depot_code="N4")
    assert (late.depot, late.trucks, late.depot_code) == (None, [], "N4")
    if not own:
        assert Late(depot=Depot(code="N4")).depot_code == "N4"


# --- the id field ------------------------------------------------------------------------------------


class Hull(str, enum.Enum):
    SOUND = "sound"
    LEAKING = "leaking"


class Source(Model):
    """Something to point at, by many fields."""

    id: int | None = Field(default=None, db_pk=True, db_type="BIGSERIAL")
    code: Annotated[str, Field(max_length=5, pattern="^[A-Z]+$")] = Field(db_unique=True, db_column="ref")
    price: Decimal = Field(db_unique=True, max_digits=8, decimal_places=2)
    hull: Hull = Field(db_unique=True)
    big: int = Field(db_unique=True, db_type="BIGINT UNSIGNED")
    plain: str = ""
    paired: int = 0

    class Meta:
        is_table = True
        unique_together = [("paired",)]


def pointing(**arguments: Any) -> Any:
    class Pointer(Model):
        id: int | None = Field(default=None, db_pk=True)
        source: Source = Field(**arguments)

        class Meta:
            is_table = True

    return Pointer


def id_column(model: Any) -> ColumnMeta:
    (key,) = model._db_meta.foreign_keys.values()
    column: ColumnMeta = model._db_meta.columns[key.ids[0]]
    return column


def test_the_id_has_the_type_of_the_field_it_names() -> None:
    column = id_column(pointing())
    assert (column.name, column.db_type, column.python_type, column.nullable) == (
        "source_id",
        "BIGINT",
        int,
        False,
    )
    column = id_column(pointing(db_fk="code"))
    assert (column.name, column.max_length, column.nullable) == ("source_code", 5, False)
    column = id_column(pointing(db_fk="price"))
    assert (column.max_digits, column.decimal_places) == (8, 2)
    column = id_column(pointing(db_fk="hull"))
    assert column.column_type is not None
    assert (column.python_type, column.column_type.native_enum) == (Hull, Hull)
    assert id_column(pointing(db_fk="big")).db_type == "BIGINT UNSIGNED"
    assert id_column(pointing(db_fk="paired")).name == "source_paired"


def test_constraints_of_the_referenced_field_hold_for_the_id() -> None:
    model = pointing(db_fk="code")
    with pytest.raises(ValueError, match="pattern"):
        model(source_code="abc")


def test_serial_types_become_plain_integers() -> None:
    for given, expected in (("serial", "INTEGER"), ("SMALLSERIAL", "SMALLINT"), ("BIGSERIAL", "BIGINT")):

        class Numbered(Model):
            id: int | None = Field(default=None, db_pk=True, db_type=given)

            class Meta:
                is_table = True

        class Ref(Model):
            numbered: Numbered | None = None

            class Meta:
                is_table = True

        assert id_column(Ref).db_type == expected


def test_settings_of_the_column_go_to_the_id() -> None:
    model = pointing(
        db_column="src",
        db_unique=True,
        db_index=True,
        db_index_name="by_source",
        db_index_method="hash",
        db_nullable=True,
        db_default="7",
        db_comment="where from",
    )
    column = id_column(model)
    assert (column.name, column.db_column) == ("src", "src")
    assert (column.unique, column.index, column.index_name, column.index_method) == (
        True,
        True,
        "by_source",
        "hash",
    )
    assert (column.nullable, column.db_default, column.comment) == (True, "7", "where from")
    assert model().src is None
    assert model(source=Source(id=3, code="A", price=1, hull=Hull.SOUND, big=1)).src == 3


def test_a_key_of_a_relation_is_that_of_its_ids() -> None:
    assert id_column(pointing(db_pk=True)).primary_key
    assert not id_column(pointing()).primary_key


def test_an_optional_relation_has_an_optional_id() -> None:
    for model, name in ((Depot, "region_code"), (Visit, "berth_number"), (Truck, "home_code")):
        field = model.model_fields[name]
        assert (field.default, field.is_required()) == (None, False)
        assert type(None) in get_args(field.annotation)
    assert Depot(code="N4", region_code=None).region_code is None
    with pytest.raises(ValueError, match="source_id"):
        pointing()(source_id=None)


def test_ids_stand_in_the_place_of_their_relation_in_a_key() -> None:
    class Mooring(Model):
        berth: Berth = Field(db_pk=True)
        day: int = Field(db_pk=True)

        class Meta:
            is_table = True

    assert Mooring._db_meta.pk_fields == ("berth_depot_code", "berth_number", "day")
    assert describe_model(Mooring)["primary_key"] == ("berth_depot_code", "berth_number", "day")


def test_the_constraint_refers_to_columns() -> None:
    (key,) = describe_model(pointing(db_fk="code", db_column="src"))["foreign_keys"]
    assert (key["name"], key["columns"], key["target_columns"]) == ("fk_pointer_src", ("src",), ("ref",))


def test_foreign_keys_are_not_indexed_by_themselves() -> None:
    assert not id_column(pointing()).index
    assert describe_model(pointing())["indexes"] == []
    assert [index["name"] for index in describe_model(pointing(db_index=True))["indexes"]] == [
        "pointer_source_id_idx"
    ]


# --- metadata ------------------------------------------------------------------------------------------


def test_metadata_tell_of_relations() -> None:
    meta = Truck._db_meta
    assert list(meta.field_metadata) == ["id", "plate", "home", "licence", "crew", "home_code"]
    assert meta.field_metadata["home"].foreign_key == ForeignKeyInfo(
        target="fleet.Depot",
        column_name="home_code",
        target_field="code",
        nullable=False,
        on_delete="CASCADE",
        on_update="CASCADE",
    )
    assert (meta.field_metadata["home"].db_column, meta.field_metadata["home"].python_type) == (
        "home_code",
        Depot,
    )
    assert meta.relations == {
        "licence": RelationInfo("licence", "one_to_one", "fleet.Licence", "truck", None),
        "crew": RelationInfo("crew", "many_to_many", "fleet.Person", None, "TruckCrew"),
    }
    assert Depot._db_meta.relations["trucks"].kind == "one_to_many"
    assert Region._db_meta.field_metadata["parent"].foreign_key.on_delete == "SET NULL"  # type: ignore[union-attr]
    assert (Berth._db_meta.pk_field, Berth._db_meta.pk_column) == ("depot_code", "depot_code")
    assert Visit._db_meta.field_metadata["truck"].foreign_key.target_field == "plate"  # type: ignore[union-attr]
    assert list(Berth.__oxyde_plan__.names) == ["number", "length", "depot_code"]


def test_names_in_meta_may_be_relations() -> None:
    class Parcel(Model):
        id: int | None = Field(default=None, db_pk=True)
        depot: Depot
        berth: Berth
        ref: str

        class Meta:
            is_table = True
            unique_together = [("depot", "ref")]
            indexes = [Index(["berth", "ref"]), Index("depot_code" and ["depot_code"], unique=True)]
            ordering = ["-depot", "ref"]

    from oxyde.db.schema import describe_tables

    (table,) = describe_tables([Parcel])
    assert [(i["name"], i["columns"]) for i in table["indexes"]] == [
        (
            "parcel_berth_depot_code_berth_number_ref_idx",
            ("berth_depot_code", "berth_number", "ref"),
        ),
        ("parcel_depot_code_idx", ("depot_code",)),
        ("parcel_depot_code_ref_key", ("depot_code", "ref")),
    ]
    for option, value in (
        ("unique_together", [("depo", "ref")]),
        ("ordering", ["depo"]),
        ("indexes", [Index(["depo"])]),
    ):
        with pytest.raises(FieldError, match=rf"Meta\.{option} names 'depo'.*did you mean"):

            class Wrong(Model):
                depot: Depot
                ref: str
                Meta = type("Meta", (), {"is_table": True, option: value})


# --- inheritance ------------------------------------------------------------------------------------------


class Stamped(Model):
    """An abstract base with a foreign key."""

    author: Person | None = Field(default=None, db_on_delete="SET NULL", db_index=True)
    readers: list[Person] = Field(db_m2m=True, db_through="Reading")


def test_foreign_keys_of_abstract_bases_appear_in_tables() -> None:
    assert list(Stamped.model_fields) == ["author", "readers"]
    assert Stamped().readers == []

    class Essay(Stamped):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True

    assert list(Essay.model_fields) == ["author", "readers", "id", "author_id"]
    assert Essay._db_meta.columns["author_id"].index
    assert Essay(author=Person(id=1, name="Ana")).author_id == 1


def test_a_table_of_a_table_has_all_its_foreign_keys() -> None:
    class Van(Truck):
        seats: int = 2

        class Meta:
            is_table = True

    assert list(Van._db_meta.columns) == ["id", "plate", "seats", "home_code"]
    assert Van._db_meta.field_metadata["home"].foreign_key.on_delete == "CASCADE"  # type: ignore[union-attr]
    with pytest.raises(FieldLookupError, match=r"Van\.licence: Licence\.truck points at Truck, not at Van"):
        relation_of(Van, "licence")

    class Boat(Truck):
        home: Region | None = None  # type: ignore[assignment]

        class Meta:
            is_table = True

    assert target_of(Boat, "home") is Region
    assert Boat._db_meta.columns["home_code"].max_length == 4
    assert Truck._db_meta.columns["home_code"].max_length == 8


def test_a_plain_subclass_of_a_table_has_the_id_fields() -> None:
    class TruckOut(Truck):
        note: str = ""

    assert list(TruckOut.model_fields) == ["id", "plate", "home", "licence", "crew", "note", "home_code"]
    out = TruckOut(plate="A", home=Depot(code="N4"))
    assert out.home_code == "N4"
    out.home_code = "S1"
    assert out.home is None
    assert out.model_dump() == {
        "id": None,
        "plate": "A",
        "home": None,
        "licence": None,
        "crew": [],
        "note": "",
        "home_code": "S1",
    }


# --- what is refused ------------------------------------------------------------------------------------


def test_foreign_keys_that_cannot_work_are_refused_when_defined() -> None:
    with pytest.raises(
        FieldError, match=r"Pointer\.source: db_fk names 'cod', which Source does not .* 'code'"
    ):
        pointing(db_fk="cod")
    with pytest.raises(
        FieldError, match=r"db_fk names Source\.plain, which is not unique; give it db_unique"
    ):
        pointing(db_fk="plain")
    with pytest.raises(ValueError, match="db_on_delete='DROP'"):
        pointing(db_on_delete="DROP")

    class Keyless(Model):
        text: str

        class Meta:
            is_table = True

    with pytest.raises(
        FieldError, match=r"Ref\.keyless points at Keyless, which has no primary key; name a un"
    ):

        class Ref(Model):
            keyless: Keyless

            class Meta:
                is_table = True

    with pytest.raises(FieldError, match=r"Ref2\.name has db_fk, but <class 'str'> is no table model"):

        class Ref2(Model):
            name: str = Field(db_fk="code")

            class Meta:
                is_table = True

    with pytest.raises(
        FieldError, match=r"Ref3\.depots is a list of Depot, a table: say how they are related"
    ):

        class Ref3(Model):
            depots: list[Depot]

            class Meta:
                is_table = True

    with pytest.raises(FieldError, match=r"Ref4\.berth has db_column, but Berth has a key of 2 columns"):

        class Ref4(Model):
            berth: Berth = Field(db_column="b")

            class Meta:
                is_table = True

    with pytest.raises(FieldError, match="have the same column 'home_code'"):

        class Ref5(Model):
            other: str = Field(db_column="home_code")
            home: Depot

            class Meta:
                is_table = True

    assert not any(key.endswith(("Ref", "Ref2", "Ref3", "Ref4", "Ref5")) for key in registered_tables())


def test_set_null_on_a_column_that_cannot_be_null_is_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"Pointer\.source: db_on_delete='SET NULL' cannot work.* NOT NULL"):
        pointing(db_on_delete="set  null")
    with pytest.warns(UserWarning, match="db_on_update='SET NULL'"):
        pointing(db_on_update="SET NULL")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pointing(db_on_delete="SET NULL", db_nullable=True)


def reverse(**arguments: Any) -> Any:
    class Yard(Model):
        id: int | None = Field(default=None, db_pk=True)
        code: str = Field(default="", db_unique=True)
        carts: list[Cart] = Field(**arguments)
        one: Cart | None = Field(**arguments)
        bare: list = Field(**arguments)  # type: ignore[type-arg]
        maybe: list[Cart] | None = Field(**arguments)

        class Meta:
            is_table = True

    class Cart(Model):
        id: int | None = Field(default=None, db_pk=True)
        yard: Yard | None = Field(default=None, db_fk="code")
        first: Yard = Field(db_unique=True)
        plain: int = 0
        depot: Depot | None = None

        class Meta:
            is_table = True

    return Yard


def test_reverse_sides_are_found_by_attribute_id_or_plain_column() -> None:
    assert relation_of(reverse(db_reverse_fk="yard"), "carts").near == (("code", "yard_code"),)  # type: ignore[union-attr]
    assert relation_of(reverse(db_reverse_fk="yard_code"), "carts").near == (("code", "yard_code"),)  # type: ignore[union-attr]
    assert relation_of(reverse(db_reverse_fk="plain"), "carts").near == (("id", "plain"),)  # type: ignore[union-attr]
    assert relation_of(reverse(db_reverse_fk="first"), "one").near == (("id", "first_id"),)  # type: ignore[union-attr]
    yard = reverse(db_reverse_fk="yard")()
    assert (yard.carts, yard.one, yard.bare, yard.maybe) == ([], None, [], None)
    assert relation_of(type(yard), "maybe").near == (("code", "yard_code"),)  # type: ignore[union-attr]


def test_wrong_reverse_sides_are_told_at_first_use() -> None:
    for arguments, name, message in (
        ({"db_reverse_fk": "yrd"}, "carts", r"Yard\.carts: db_reverse_fk names 'yrd', which Cart .* 'yard'"),
        ({"db_reverse_fk": "depot"}, "carts", r"Yard\.carts: Cart\.depot points at Depot, not at Yard"),
        (
            {"db_reverse_fk": "yard"},
            "one",
            r"Yard\.one is one Cart, but Cart\.yard is not unique; annotate it wi",
        ),
        ({"db_reverse_fk": "yard"}, "bare", r"Yard\.bare is a bare list and cannot be loaded"),
        ({"db_m2m": True}, "carts", r"Yard\.carts is many-to-many; name its junction model with db_through"),
        ({"db_m2m": True, "db_through": "Nowhere"}, "carts", r"Related model 'Nowhere' is not registered"),
        (
            {"db_m2m": True, "db_through": "Cart"},
            "carts",
            r"junction Cart has 2 to Yard and 0 to Cart .*db_throug",
        ),
        (
            {"db_m2m": True, "db_through": "Cart", "db_through_fields": ("yard", "depo")},
            "carts",
            r"db_through_fields names 'depo', which is no foreign key of Cart.*'depot'",
        ),
        (
            {"db_m2m": True, "db_through": "Cart", "db_through_fields": ("yard", "depot")},
            "carts",
            r"names Cart\.depot, which points at Depot, not at Cart",
        ),
    ):
        model = reverse(**arguments)
        with pytest.raises(FieldLookupError, match=message):
            relation_of(model, name)


def test_a_foreign_key_that_is_the_key_has_one_row_on_the_other_side() -> None:
    class Hull(Model):
        id: int | None = Field(default=None, db_pk=True)
        paper: Paper | None = Field(db_reverse_fk="hull")

        class Meta:
            is_table = True

    class Paper(Model):
        hull: Hull = Field(db_pk=True)

        class Meta:
            is_table = True

    assert relation_of(Hull, "paper").target is Paper


def test_junctions_are_named_or_given() -> None:
    class Node(Model):
        id: int | None = Field(default=None, db_pk=True)
        out: list[Node] = Field(db_m2m=True, db_through="Edge")
        back: list[Node] = Field(db_m2m=True, db_through="Edge", db_through_fields=("end", "start_id"))

        class Meta:
            is_table = True

    class Edge(Model):
        id: int | None = Field(default=None, db_pk=True)
        start: Node
        end: Node

        class Meta:
            is_table = True

    out, back = relation_of(Node, "out"), relation_of(Node, "back")
    assert out is not None
    assert back is not None
    assert (out.near, out.far) == ((("id", "start_id"),), (("end_id", "id"),))
    assert (back.near, back.far) == ((("id", "end_id"),), (("start_id", "id"),))

    class Given(Model):
        id: int | None = Field(default=None, db_pk=True)
        people: list[Person] = Field(db_m2m=True, db_through=TruckCrew)

        class Meta:
            is_table = True

    with pytest.raises(
        FieldLookupError, match=r"junction TruckCrew has 0 to Given and 1 to Person foreign keys"
    ):
        relation_of(Given, "people")

    class Match(Model):
        """Two keys to one side: which of them is meant has to be said."""

        guest: Side = Field(db_pk=True)
        host: Side = Field(db_pk=True)
        referee: Person

        class Meta:
            is_table = True

    class Side(Model):
        id: int | None = Field(default=None, db_pk=True)
        referees: list[Person] = Field(db_m2m=True, db_through="Match")
        hosted: list[Person] = Field(db_m2m=True, db_through="Match", db_through_fields=("host", "referee"))

        class Meta:
            is_table = True

    with pytest.raises(FieldLookupError, match=r"has 2 to Side and 1 to Person .*db_through_fields"):
        relation_of(Side, "referees")
    hosted = relation_of(Side, "hosted")
    assert hosted is not None
    assert (hosted.near, hosted.far) == ((("id", "host_id"),), (("referee_id", "id"),))
    register_table(TruckCrew)
    assert relation_of(Truck, "crew").through is TruckCrew  # type: ignore[union-attr]
    assert relation_of(Person, "friends").through is Friendship  # type: ignore[union-attr]


def test_a_junction_s_name_means_the_one_beside_the_model() -> None:
    def both() -> tuple[Any, Any]:
        class Edge(Model):
            id: int | None = Field(default=None, db_pk=True)
            start: Node
            end: Node

            class Meta:
                is_table = True

        class Node(Model):
            id: int | None = Field(default=None, db_pk=True)
            out: list[Node] = Field(db_m2m=True, db_through="Edge")

            class Meta:
                is_table = True

        return Node, Edge

    # The second pair has the names of the first, and takes its place in the registry.
    for node, edge in [both(), both()]:
        spec = relation_of(node, "out")
        assert spec is not None
        assert spec.through is edge
