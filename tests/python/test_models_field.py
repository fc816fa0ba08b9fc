"""Field(): what it takes, how it merges, what becomes of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import pydantic
import pytest

from oxyde import Field, Model
from oxyde.models import OxydeFieldInfo
from oxyde.models.field import DB_DEFAULTS

Key = Annotated[int | None, Field(default=None, db_pk=True)]
Code = Annotated[str, Field(max_length=8, pattern=r"^[A-Z0-9]+$", db_index=True)]


def test_field_returns_a_field_info_with_the_db_values() -> None:
    field = Field(default=3, db_pk=True, db_column="c", gt=1)
    assert isinstance(field, OxydeFieldInfo)
    assert isinstance(field, pydantic.fields.FieldInfo)
    assert (field.default, field.db_pk, field.db_column) == (3, True, "c")
    bare = Field()
    assert {name: getattr(bare, name) for name in DB_DEFAULTS} == {
        "db_pk": False,
        "db_index": False,
        "db_index_name": None,
        "db_index_method": None,
        "db_unique": False,
        "db_column": None,
        "db_type": None,
        "db_default": None,
        "db_comment": None,
        "db_nullable": None,
        "db_fk": None,
        "db_on_delete": "RESTRICT",
        "db_on_update": "CASCADE",
        "db_reverse_fk": None,
        "db_m2m": False,
        "db_through": None,
        "db_through_fields": None,
    }
    assert OxydeFieldInfo(3, db_pk=True, db_column="c", gt=1).db_pk


def test_an_unknown_argument_names_the_nearest_one() -> None:
    with pytest.raises(TypeError, match=r"'db_indx'.*'db_index'"):
        Field(db_indx=True)
    with pytest.raises(TypeError, match=r"'max_lenght'.*'max_length'"):
        Field(max_lenght=3)


def test_default_and_factory_together_are_pydantic_s_error() -> None:
    with pytest.raises(TypeError, match="default_factory"):
        Field(default=1, default_factory=int)


@pytest.mark.parametrize("name", ["db_on_delete", "db_on_update"])
def test_referential_actions_are_checked(name: str) -> None:
    assert getattr(Field(**{name: "set null"}), name) == "SET NULL"
    with pytest.raises(ValueError, match="EXPLODE"):
        Field(**{name: "explode".upper()})


def test_virtual_fields_know_it() -> None:
    assert Field(db_reverse_fk="x").is_virtual
    assert Field(db_m2m=True).is_virtual
    assert not Field().is_virtual


def test_everything_in_annotated_and_the_assignment_is_merged_and_the_assignment_wins() -> None:
    class Berth(Model):
        id: Key
        code: Code = Field(db_unique=True, db_index=False)
        again: Annotated[Code, Field(db_comment="inner")] = Field(db_comment="outer")
        maybe: Code | None = None
        other: Code | None = Field(default=None, db_index=False)
        inner: Annotated[Annotated[str, Field(db_comment="in")], Field(db_comment="out")] | None = None

        class Meta:
            is_table = True

    fields = Berth.model_fields
    assert not fields["other"].db_index
    assert fields["inner"].db_comment == "out"
    assert fields["id"].db_pk and fields["id"].default is None
    assert fields["code"].db_unique and not fields["code"].db_index
    assert fields["again"].db_index and fields["again"].db_comment == "outer"
    assert fields["maybe"].db_index
    columns = Berth._db_meta.field_metadata
    assert [columns[n].max_length for n in ("code", "again", "maybe")] == [8, 8, 8]
    with pytest.raises(pydantic.ValidationError):
        Berth(code="a", again="A")


def test_a_field_the_database_fills_is_not_required_and_reads_none() -> None:
    class Entry(Model):
        id: int = Field(db_pk=True, db_type="BIGSERIAL")
        at: datetime = Field(db_default="CURRENT_TIMESTAMP")
        n: int = Field(db_default="7", ge=0)

        class Meta:
            is_table = True

    entry = Entry()
    assert (entry.id, entry.at, entry.n) == (None, None, None)
    assert entry.model_fields_set == set()
    assert "required" not in Entry.model_json_schema()
    columns = Entry._db_meta.field_metadata
    assert not columns["at"].nullable
    assert columns["at"].db_default == "CURRENT_TIMESTAMP"
    with pytest.raises(pydantic.ValidationError):
        Entry(n=-1)
    with pytest.raises(pydantic.ValidationError):
        Entry(n=None)
    assert entry.model_dump(mode="json") == {"id": None, "at": None, "n": None}
    assert entry.model_dump_json() == '{"id":null,"at":null,"n":null}'


def test_validated_defaults_do_not_trip_over_the_database_s_value() -> None:
    class Entry(Model):
        model_config = pydantic.ConfigDict(validate_default=True)
        n: int = Field(db_default="7")

    assert Entry().n is None


def test_an_explicit_default_beside_db_default_is_kept() -> None:
    class Entry(Model):
        n: int = Field(default=3, db_default="7")
        m: int | None = Field(default=None, db_default="7")

        class Meta:
            is_table = True

    assert Entry().n == 3
    assert Entry._db_meta.field_metadata["m"].nullable


@pytest.mark.parametrize(
    ("annotation", "default", "nullable"),
    [
        (int, ..., False),
        (int, 3, False),
        (int, None, True),
        (int | None, ..., True),
        (Annotated[int | None, "x"], ..., True),
    ],
)
def test_nullable_follows_annotation_and_default(annotation: Any, default: Any, nullable: bool) -> None:
    meta = type("Meta", (), {"is_table": True})
    space = {"__annotations__": {"a": annotation}, "a": Field(default), "Meta": meta}
    model = type("Nullable", (Model,), space)
    assert model._db_meta.field_metadata["a"].nullable is nullable
    space = {
        "__annotations__": {"a": annotation},
        "a": Field(default, db_nullable=not nullable),
        "Meta": meta,
    }
    model = type("Nullable", (Model,), space)
    assert model._db_meta.field_metadata["a"].nullable is not nullable


def test_aliases_work_for_input_and_the_name_is_always_accepted() -> None:
    class Aliased(Model):
        a: int = Field(alias="A")
        b: int = Field(validation_alias="B", serialization_alias="bb")

    assert Aliased(A=1, B=2) == Aliased(a=1, b=2)
    assert Aliased(a=1, b=2).model_dump(by_alias=True) == {"A": 1, "bb": 2}


def test_bare_annotations_equal_fields_with_defaults() -> None:
    class Plain(Model):
        a: int
        b: int = 3

    for field in Plain.model_fields.values():
        assert isinstance(field, OxydeFieldInfo)
        assert {name: getattr(field, name) for name in DB_DEFAULTS} == DB_DEFAULTS


def test_fields_show_only_what_was_given() -> None:
    assert repr(Field(db_pk=True)).count("db_") == 1
