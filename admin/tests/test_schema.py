"""The JSON schema of a model: what the database knows of it, and nothing that is left out."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Optional
from uuid import uuid4

import depots
import pytest
from pydantic import BaseModel, SecretStr, computed_field
from pydantic import Field as Constraint

from oxyde import Field, Model
from oxyde_admin.schema import build_schema


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


class Hidden(str, Enum):
    NOBODY_SEES = "nobody-sees"


class Part(BaseModel):
    colour: Colour
    parts: list[Part] = Constraint(default_factory=list)


class Odd:
    """No type that Pydantic describes."""


class Thing(Model):
    code: str = Field(db_pk=True, max_length=8)
    serial: int = Field(db_column="serial_no", db_comment="counted by hand", title="Serial number")
    colour: Colour | None = None
    colours: list[Colour] = Field(default_factory=list)
    part: Part | None = None
    secret: SecretStr = SecretStr("swordfish")
    whisper: Hidden = Field(default=Hidden.NOBODY_SEES, exclude=True)
    built: date = Field(default=date(2020, 1, 2), frozen=True, description="When it was built")
    prices: list[list[float]] = Field(default_factory=list)

    @computed_field
    @property
    def shout(self) -> str:
        return self.code.upper()

    class Meta:
        is_table = True


def properties(model: type[Model], **more: Any) -> dict[str, Any]:
    return build_schema(model, **more)["properties"]


@pytest.mark.parametrize("model", [*depots.ALL, Thing])
def test_it_is_a_valid_schema_of_an_object_at_the_top(model):
    jsonschema = pytest.importorskip("jsonschema")
    schema = build_schema(model)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert (schema["type"], "$ref" in schema, "allOf" in schema) == ("object", False, False)


def test_columns_are_described():
    serial = properties(Thing)["serial"]
    assert serial["title"] == "Serial number"
    assert {name: value for name, value in serial.items() if name.startswith("x-db")} == {
        "x-db-primary-key": False,
        "x-db-readonly": False,
        "x-db-nullable": False,
        "x-db-unique": False,
        "x-db-index": False,
        "x-db-kind": "big_integer",
        "x-db-column": "serial_no",
        "x-db-comment": "counted by hand",
    }
    code = properties(Thing)["code"]
    assert (code["x-db-primary-key"], code["x-db-readonly"], code["x-admin"]["create"]) == (True, True, True)
    assert (code["x-db-max-length"], code["x-db-unique"], code["x-db-nullable"]) == (8, True, False)
    assert properties(depots.Parcel)["id"]["x-admin"]["create"] is False
    made = properties(depots.Parcel)["made"]
    assert made["x-db-default"] == "CURRENT_TIMESTAMP"
    assert "default" not in made
    assert properties(depots.Parcel)["note"]["x-db-type"] == "TEXT"


def test_arrays_name_the_type_of_their_elements():
    fields = properties(Thing)
    assert (fields["colours"]["x-db-array"], fields["colours"]["x-db-array-item-type"]) == (True, "string")
    assert fields["prices"]["x-db-array-item-type"] == "number"
    assert properties(depots.Parcel)["marks"]["x-db-array-item-type"] == "integer"


def test_foreign_keys_stand_on_the_relation():
    fields = properties(depots.Parcel)
    assert fields["depot"]["x-db-foreign-key"] == {"model": "depots", "field": "id"}
    assert fields["depot"]["x-db-column"] == "depot_id"
    assert "x-db-foreign-key" not in fields["depot_id"]
    assert (fields["depot"]["x-db-nullable"], fields["origin"]["x-db-nullable"]) == (False, True)
    assert {"code", "depot_id"} == set(build_schema(depots.Parcel)["required"])


def test_many_to_many_names_target_and_junction():
    tags = properties(depots.Parcel)["tags"]
    assert (tags["x-db-m2m"], tags["x-db-target"], tags["x-db-through"]) == (True, "tags", "ParcelTag")
    assert tags["items"]["type"] == "string"
    assert "events" not in properties(depots.Parcel)


def test_the_slug_of_a_target_is_the_one_in_paths():
    class Choice(Model):
        id: int | None = Field(default=None, db_pk=True)
        setting: depots.Setting | None = None

        class Meta:
            is_table = True

    assert properties(Choice)["setting"]["x-db-foreign-key"]["model"] == "~63onfig"


def test_enums_are_written_out_and_only_sub_models_are_definitions():
    schema = build_schema(Thing)
    assert set(schema["$defs"]) == {"Part"}
    assert schema["properties"]["colour"]["anyOf"][0]["enum"] == ["red", "blue"]
    assert schema["properties"]["colours"]["items"]["enum"] == ["red", "blue"]
    assert schema["$defs"]["Part"]["properties"]["colour"]["enum"] == ["red", "blue"]
    assert "$defs" not in build_schema(depots.Depot)


def test_what_is_excluded_leaves_no_trace():
    text = json.dumps(build_schema(Thing, exclude={"part", "serial_no"}))
    for trace in ("whisper", "Hidden", "nobody-sees", "Part", "serial"):
        assert trace not in text
    assert "depot" not in json.dumps(build_schema(depots.Parcel, exclude={"depot_id", "origin"}))
    assert "password_hash" not in json.dumps(build_schema(depots.Account))


def test_secrets_have_no_default_and_defaults_are_as_in_records():
    fields = properties(Thing)
    assert "swordfish" not in json.dumps(fields)
    assert fields["secret"]["writeOnly"] is True
    assert fields["built"]["default"] == "2020-01-02"
    assert fields["built"]["x-db-readonly"] is True
    assert fields["built"]["x-admin"] == {
        "label": "Built",
        "help": "When it was built",
        "widget": None,
        "create": True,
        "sortable": True,
        "filters": None,
    }
    assert properties(depots.Parcel)["price"]["default"] == "0.00"


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (int, "big_integer"),
        (Optional[Annotated[Decimal, Constraint(ge=0)]], "decimal"),
        (Annotated[float | None, "note"], "double"),
        (bool, "boolean"),
        (datetime, "date_time"),
        (date, "date"),
        (str, None),
        (int | str, None),
        (list[int], None),
        (Colour, None),
    ],
)
def test_computed_fields_say_their_kind(annotation: Any, kind: str | None):
    class Kinds(Model):
        id: int | None = Field(default=None, db_pk=True)

        @computed_field(return_type=annotation)
        @property
        def made(self) -> Any:
            return None

        class Meta:
            is_table = True
            table_name = f"kinds_{uuid4().hex}"

    assert properties(Kinds)["made"].get("x-db-kind") == kind


def test_computed_fields_are_read_only():
    shout = properties(Thing)["shout"]
    assert (shout["x-db-readonly"], shout["x-admin"]["create"], shout["type"]) == (True, False, "string")
