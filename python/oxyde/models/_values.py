"""Validating single values as Pydantic validates an assignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_core import SchemaValidator

from .. import _core
from . import _in_step, _instance
from ._settings import unloaded_rule

__all__ = ["prepare_for_write", "validate_field"]


def _fields_schema(core: Any) -> Any:
    """The schema of the fields alone: no model, no validators of the model as a whole."""
    definitions = core.get("definitions") if core["type"] == "definitions" else None
    schema = core["schema"] if definitions is not None else core
    while schema["type"] != "model-fields":
        if schema["type"] == "definition-ref":
            wanted = schema["schema_ref"]
            schema = next(d for d in definitions or () if d.get("ref") == wanted)
        else:
            schema = schema["schema"]
    # A frozen field refuses assignment by the user, not the writing of a new value.
    fields = {name: {**field, "frozen": False} for name, field in schema["fields"].items()}
    schema = {**schema, "fields": fields}
    schema.pop("ref", None)
    if definitions is not None:
        return {"type": "definitions", "schema": schema, "definitions": definitions}
    return schema


def _config_of(core: Any) -> Any:
    schema = core["schema"] if core["type"] == "definitions" else core
    if schema["type"] == "definition-ref":
        schema = next(d for d in core["definitions"] if d.get("ref") == schema["schema_ref"])
    while schema["type"] != "model":
        schema = schema["schema"]
    return {**schema.get("config", {}), "title": schema["cls"].__name__}


def _validator_of(model: Any) -> SchemaValidator:
    made = model.__dict__.get("__oxyde_assignment__")
    if made is None:
        core = model.__pydantic_core_schema__
        made = SchemaValidator(_fields_schema(core), _config_of(core))
        type.__setattr__(model, "__oxyde_assignment__", made)
    validator: SchemaValidator = made
    return validator


def validate_field(model: Any, name: str, value: Any) -> Any:
    """The value as the field takes it: constraints and field validators run, those of the model do not."""
    result: Any = _validator_of(model).validate_assignment({}, name, value)
    values: dict[str, Any] = result[0]
    return values[name]


def prepare_for_write(model: Any, instances: Sequence[Any]) -> None:
    """Prepares instances of `model` for being written: reads the keys of related instances that were
    saved meanwhile, and validates the fields assigned since construction or loading.
    """
    relations = model._db_meta.relation_fields
    strict = bool(relations) and unloaded_rule(model) == "raise"
    for instance in _core.unsettled(model, instances, relations, strict):
        _in_step.before_write(instance)
        state = _instance.state_of(instance)
        if state is not None and state.dirty:
            _validate_assigned(instance, state.dirty)


def _validate_assigned(instance: Any, assigned: frozenset[str]) -> None:
    model = type(instance)
    validator = model.__pydantic_validator__
    for name in model.__pydantic_fields__:
        if name in assigned:
            validator.validate_assignment(instance, name, instance.__dict__[name])
    _instance.forget_assigned(instance)
