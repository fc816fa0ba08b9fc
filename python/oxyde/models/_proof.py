"""Which fields the engine may load by itself.

A row is loaded as if its decoded values had been passed to the model's own validator, in lax
mode and by field name. `prove` reads the model's core schema and finds, for each field, a
loading rule with that same outcome: the value as it is, a check that C repeats, a lookup, or
the field's own validator. Where a schema holds anything that is not known here, the row goes
through the model's validator whole. A rule may be stricter than Pydantic, never looser: a row
that it does not pass is given to Pydantic after all.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic._internal import _model_construction
from pydantic_core import SchemaError, SchemaValidator

from .. import _core
from ._foreign_keys import inner_of
from ._proof_private import PlainPrivate, plain_private
from ._proof_rules import IDENTITY, VALIDATOR, Plain, Rule, field_rule, fresh_type, plain_of
from ._proof_schema import (
    KNOWN_CONFIG,
    Schema,
    definitions_of,
    depends_on_row,
    keys_known,
    needs_definitions,
    resolve,
)

__all__ = [
    "Default",
    "Parts",
    "Proof",
    "default_of",
    "extra_behaviour",
    "model_reason",
    "prove",
    "take_apart",
]

Default = tuple[str, Any, Callable[[], Any] | None]
Partial = Callable[[tuple[str, ...]], tuple[Callable[[dict[str, Any]], Any], list[Default]]]

# How rows are validated: every field's lax mode, by name.
_LAX: dict[str, Any] = {"strict": False, "by_alias": False, "by_name": True}

_init_private_attributes: Callable[[Any, Any], None] = _model_construction.init_private_attributes


class Proof(NamedTuple):
    """What `_core.Plan` and `FieldSpec` need to know about loading.

    fields: name -> `FieldSpec.load`. nullable: name -> `FieldSpec.load_nullable`. plain: name ->
    `FieldSpec.plain`, where there is one. The others are arguments of `Plan`, except reason: why
    rows go through the model whole, or "".
    """

    fields: dict[str, Rule]
    nullable: dict[str, bool]
    plain: dict[str, Plain]
    whole_model: bool
    absent: list[Default]
    attributes: tuple[str, ...]
    extra: dict[str, Any] | None
    validate_row: Callable[[dict[str, Any]], Any]
    init_private: Callable[[Any, Any], None] | PlainPrivate | None
    partial: Partial
    reason: str


class Parts(NamedTuple):
    """A model's core schema taken apart. fields is None where there are none to be found.

    stepped: the fields as callers meet them, with the steps of foreign keys.
    """

    cls: Any
    model: Schema | None
    fields: Schema | None
    definitions: dict[str, Schema]
    config: Schema
    wrapped: str  # what stands around the fields, or ""
    stepped: Schema | None = None


def prove(model: Any, load_kinds: Mapping[str, tuple[int, int]]) -> Proof:
    """Finds the loading rule of each column field.

    load_kinds: name of each field with a column -> (kind, kind of elements) that cells are
    decoded to, numbered as in `_core.KIND_NAMES`.
    """
    names = {number: name for name, number in _core.KIND_NAMES.items()}
    parts = take_apart(model)
    fields = _fields_of(parts)
    reason = model_reason(parts) or _row_reason(parts, load_kinds)
    rules: dict[str, Rule] = {}
    nullable: dict[str, bool] = {}
    plain: dict[str, Plain] = {}
    for name, numbers in load_kinds.items():
        kind, elem = (names[number] for number in numbers)
        rules[name], nullable[name] = (IDENTITY,), True
        if name not in fields:
            reason = reason or f"no schema of {name}"
            continue
        if not reason:
            rules[name], nullable[name], reason = _rule(parts, fields[name]["schema"], kind)
        shown = plain_of(fields[name]["schema"], parts.definitions, kind, elem)
        if shown is not None:
            plain[name] = shown
    absent_names = [name for name in fields if name not in load_kinds and not reason]
    return Proof(
        fields=rules,
        nullable=nullable,
        plain=plain,
        whole_model=bool(reason),
        absent=[default_of(name, fields[name]["schema"], parts) for name in absent_names],
        attributes=tuple(fields) or tuple(model.__pydantic_fields__),
        extra={} if extra_behaviour(parts) == "allow" else None,
        validate_row=functools.partial(model.__pydantic_validator__.validate_python, **_LAX),
        init_private=_init_private(model),
        partial=functools.partial(_partial, parts),
        reason=reason,
    )


# --- the model ------------------------------------------------------------------------------


def take_apart(cls: Any) -> Parts:
    """The layers of the model's core schema, and what stands around its fields."""
    if not cls.__pydantic_complete__:
        cls.model_rebuild()
    schema, definitions = definitions_of(cls.__pydantic_core_schema__)
    model: Schema | None = None
    wrapped = ""
    while schema["type"] != "model-fields":
        schema = resolve(schema, definitions)
        kind = schema["type"]
        if kind == "model" and model is None:
            model = schema
        elif kind.startswith("function-"):
            wrapped = "a validator of the model"
        if not isinstance(schema.get("schema"), dict):
            return Parts(cls, None, None, definitions, {}, f"a schema of type {kind!r}")
        schema = schema["schema"]
        if schema["type"] not in _MODEL_LAYERS:
            return Parts(cls, None, None, definitions, {}, f"a schema of type {schema['type']!r}")
    config = (model or {}).get("config") or {}
    return Parts(cls, model, _without_steps(schema), definitions, config, wrapped, schema)


def _without_steps(schema: Schema) -> Schema:
    """The fields as rows meet them: a row brings every id, and never a related instance."""
    fields = {
        name: {**field, "schema": inner_of(field["schema"]) or field["schema"]}
        for name, field in schema["fields"].items()
    }
    return {**schema, "fields": fields}


_MODEL_LAYERS = frozenset(
    {"model", "model-fields", "definition-ref", "function-before", "function-after", "function-wrap"}
)


def _fields_of(parts: Parts) -> Mapping[str, Schema]:
    return parts.fields["fields"] if parts.fields is not None else {}


def extra_behaviour(parts: Parts) -> str:
    """What becomes of arguments that are no fields: "ignore", "forbid" or "allow"."""
    own = (parts.fields or {}).get("extra_behavior") or (parts.model or {}).get("extra_behavior")
    return own or parts.config.get("extra_fields_behavior") or "ignore"


def model_reason(parts: Parts) -> str:
    """Why instances cannot be built field by field, or ""."""
    cls, model, fields = parts.cls, parts.model, parts.fields
    if parts.wrapped or model is None or fields is None:
        return parts.wrapped or "a schema without a model"
    checks = {
        "a plugin that watches validation": type(cls.__pydantic_validator__) is not SchemaValidator,
        "the schema of another class": model["cls"] is not cls,
        "unknown keys of the model's schema": not (keys_known(model) and keys_known(fields)),
        "unknown configuration": not parts.config.keys() <= KNOWN_CONFIG,
        "its own __init__": bool(model.get("custom_init")),
        "a root model": bool(model.get("root_model")),
        "its own model_post_init": not _post_init_known(cls, model),
        "its own __new__": cls.__new__ is not object.__new__,
        "abstract methods": inspect.isabstract(cls),
    }
    return next((reason for reason, found in checks.items() if found), "")


def _init_private(cls: Any) -> Callable[[Any, Any], None] | PlainPrivate | None:
    return (plain_private(cls) or _init_private_attributes) if cls.__private_attributes__ else None


def _post_init_known(cls: Any, model: Schema) -> bool:
    name = model.get("post_init")
    if name is None:
        return not cls.__private_attributes__
    return name == "model_post_init" and cls.model_post_init is _init_private_attributes


def _row_reason(parts: Parts, columns: Mapping[str, Any]) -> str:
    """Why a field needs the others, or a missing one cannot be filled in, or ""."""
    for name, field in _fields_of(parts).items():
        if not keys_known(field):
            return f"unknown keys of {name}"
        if name in columns:
            reason = depends_on_row(field["schema"], parts.definitions)
        else:
            reason = _absence_reason(field["schema"], parts)
        if reason:
            return f"{name}: {reason}"
    return ""


def _rule(parts: Parts, schema: Schema, kind: str) -> tuple[Rule, bool, str]:
    rule, nullable = field_rule(schema, parts.definitions, kind, parts.config)
    if rule is not None:
        return rule, nullable, ""
    try:
        validator = _validator(schema, parts)
    except SchemaError as error:
        return (IDENTITY,), True, f"a field that cannot be validated alone ({error})"
    fresh = fresh_type(schema, parts.definitions, kind, parts.config)
    return (VALIDATOR, validator) if fresh is None else (VALIDATOR, validator, fresh), nullable, ""


def _validator(schema: Schema, parts: Parts) -> SchemaValidator:
    whole: Any = schema
    if needs_definitions(schema):
        whole = {"type": "definitions", "schema": schema, "definitions": list(parts.definitions.values())}
    config: Any = parts.config or None
    return SchemaValidator(whole, config)


# --- defaults -------------------------------------------------------------------------------


def _absence_reason(schema: Schema, parts: Parts) -> str:
    """Why a field that no row brings cannot be filled in here, or ""."""
    schema = resolve(schema, parts.definitions)
    if schema["type"] != "default" or not keys_known(schema):
        return "no column and no default"
    if schema.get("default_factory_takes_data"):
        return "a default made of the other fields"
    if schema.get("validate_default") or (
        "validate_default" not in schema and parts.config.get("validate_default")
    ):
        return "a default that is validated"
    return ""


def default_of(name: str, schema: Schema, parts: Parts) -> Default:
    """(name, constant, factory) as Pydantic fills in a missing field; None where it could not."""
    schema = resolve(schema, parts.definitions)
    if schema["type"] != "default" or schema.get("default_factory_takes_data"):
        return name, None, None
    factory = schema.get("default_factory")
    if factory is not None:
        return name, None, factory
    default = schema.get("default")
    try:
        hash(default)
    except Exception:
        # As pydantic-core does: what cannot be hashed is taken to be mutable.
        if type(default) is list and not default:
            return name, None, list
        return name, None, functools.partial(copy.deepcopy, default)
    return name, default, None


# --- rows with some fields only ---------------------------------------------------------------


def _partial(parts: Parts, names: tuple[str, ...]) -> tuple[Callable[[dict[str, Any]], Any], list[Default]]:
    """A validator of these fields alone, made on its first use, and the defaults of the others.

    It returns (dict, extra, fields set). Validators of the model do not run.
    """
    fields = _fields_of(parts)
    if parts.fields is None:
        raise TypeError(f"{parts.cls.__name__} cannot be loaded in part: it has {parts.wrapped}")
    chosen = {name: field for name, field in fields.items() if name in names}
    schema = {key: value for key, value in parts.fields.items() if key in ("type", "model_name", "strict")}
    made: list[Callable[..., Any]] = []

    def validate(values: dict[str, Any]) -> Any:
        if not made:
            made.append(_validator({**schema, "fields": chosen}, parts).validate_python)
        return made[0](values, **_LAX)

    defaults = [default_of(name, fields[name]["schema"], parts) for name in fields if name not in chosen]
    return validate, defaults
