"""Plans made directly from model classes, and the comparison of what they load with Pydantic."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pydantic
from strategies import Case

from oxyde import _core
from oxyde.models._proof import prove


def spec(name: str, case: Case, proof: Any) -> SimpleNamespace:
    kind, elem = _core.KIND_NAMES[case.kind], _core.KIND_NAMES[case.elem]
    return SimpleNamespace(
        name=name, column=name, kind=kind, elem=elem, ndim=1, size=0, scale=-1, nullable=True,
        primary_key=False, generated=False, enum_name="", enum_schema="", db_type="", category=0,
        load_kind=kind, load_elem=elem, load_nullable=proof.nullable[name], load=proof.fields[name],
        coerce=None, to_stored=None, enum_members=None, plain=proof.plain.get(name),
    )  # fmt: skip


def kinds(columns: dict[str, Case]) -> dict[str, tuple[int, int]]:
    return {
        name: (_core.KIND_NAMES[case.kind], _core.KIND_NAMES[case.elem]) for name, case in columns.items()
    }


def plan_of(model: Any, columns: dict[str, Case], **more: Any) -> Any:
    proof = prove(model, kinds(columns))
    return _core.Plan(
        model,
        table="t",
        schema="",
        fields=[spec(name, case, proof) for name, case in columns.items()],
        pk=(),
        absent=proof.absent,
        attributes=proof.attributes,
        whole_model=proof.whole_model,
        validate_row=proof.validate_row,
        extra=proof.extra,
        order=(),
        init_private=proof.init_private,
        partial=proof.partial,
        **more,
    )


def by_pydantic(model: Any, row: dict[str, Any]) -> Any:
    return model.__pydantic_validator__.validate_python(row, strict=False, by_alias=False, by_name=True)


# --- comparing ------------------------------------------------------------------------------


def canon(value: Any) -> Any:  # noqa: PLR0911
    """Something that is equal exactly if value, its type and everything in it are."""
    kind = type(value)
    if kind is float:
        return kind, repr(value)
    if kind is decimal.Decimal:
        return kind, value.as_tuple()
    if kind in (dt.datetime, dt.time):
        return kind, value.replace(tzinfo=None), value.fold, str(value.tzinfo), type(value.tzinfo)
    if isinstance(value, dict):
        return kind, [(canon(key), canon(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return kind, [canon(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return kind, sorted((canon(item) for item in value), key=repr)
    if isinstance(value, pydantic.SecretStr):
        return kind, value.get_secret_value()
    if isinstance(value, re.Pattern):
        return kind, value.pattern, value.flags
    if isinstance(value, pydantic.BaseModel):
        return instance(value)
    if isinstance(value, BaseException):
        return kind, repr(value)
    return kind, value


def instance(value: pydantic.BaseModel) -> Any:
    return (
        type(value),
        canon(value.__dict__),
        sorted(value.__pydantic_fields_set__),
        canon(value.__pydantic_extra__),
        canon(value.__pydantic_private__),
    )


def outcome(load: Callable[[Any], Any], row: dict[str, Any]) -> Any:
    try:
        return "loaded", canon(load(copy.deepcopy(row)))
    except pydantic.ValidationError as error:
        return "refused", error.title, canon(error.errors(include_url=False)), str(error)
    except Exception as error:
        return "raised", type(error), repr(error)
