"""What the proof knows of Pydantic's core schemas: their types and keys, up to the versions tested.

Nothing here is guessed: a type or key that is missing from these tables makes a model fall
back to its own validator, so that a newer Pydantic can only cost speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = [
    "KNOWN_CONFIG",
    "children",
    "definitions_of",
    "depends_on_row",
    "keys_known",
    "needs_definitions",
    "resolve",
    "with_children",
]

Schema = Mapping[str, Any]

_COMMON = frozenset({"type", "ref", "metadata", "serialization"})
_BOUNDS = "ge gt le lt"
_SIZES = "min_length max_length fail_fast strict"
_CUSTOM_ERROR = "custom_error_type custom_error_message custom_error_context"
_FIELD = "schema validation_alias serialization_alias serialization_exclude serialization_exclude_if frozen"
_CLASS = "cls config frozen generic_origin post_init revalidate_instances"
_DEFAULT = "default default_factory default_factory_takes_data on_error strict validate_default"
_URL = "max_length allowed_schemes host_required default_host default_port default_path strict"
_EXTRAS = "extra_behavior extras_schema extras_keys_schema computed_fields"

# Schema type -> the keys it may have besides the common ones.
_KEYS: dict[str, frozenset[str]] = {
    name: _COMMON | frozenset(keys.split())
    for name, keys in {
        "any": "",
        "none": "",
        "bool": "strict",
        "int": f"{_BOUNDS} multiple_of strict",
        "float": f"{_BOUNDS} multiple_of allow_inf_nan strict",
        "decimal": f"{_BOUNDS} multiple_of allow_inf_nan max_digits decimal_places strict",
        "complex": "strict",
        "str": "ascii_only coerce_numbers_to_str min_length max_length pattern regex_engine strict"
        " strip_whitespace to_lower to_upper",
        "bytes": "min_length max_length strict",
        "date": f"{_BOUNDS} now_op now_utc_offset strict",
        "time": f"{_BOUNDS} microseconds_precision tz_constraint strict",
        "datetime": f"{_BOUNDS} microseconds_precision now_op now_utc_offset tz_constraint strict",
        "timedelta": f"{_BOUNDS} multiple_of microseconds_precision strict",
        "literal": "expected",
        "enum": "cls members missing sub_type strict",
        "uuid": "version strict",
        "is-instance": "cls cls_repr",
        "is-subclass": "cls cls_repr",
        "callable": "",
        "url": _URL,
        "multi-host-url": _URL,
        "list": f"items_schema {_SIZES}",
        "tuple": f"items_schema variadic_item_index {_SIZES}",
        "set": f"items_schema {_SIZES}",
        "frozenset": f"items_schema {_SIZES}",
        "dict": f"keys_schema values_schema {_SIZES}",
        "default": f"schema {_DEFAULT}",
        "nullable": "schema strict",
        "union": f"choices auto_collapse mode strict {_CUSTOM_ERROR}",
        "tagged-union": f"choices discriminator from_attributes strict {_CUSTOM_ERROR}",
        "chain": "steps",
        "lax-or-strict": "lax_schema strict_schema strict",
        "json-or-python": "json_schema python_schema",
        "json": "schema",
        "custom-error": f"schema {_CUSTOM_ERROR}",
        "definitions": "schema definitions",
        "definition-ref": "schema_ref",
        "function-before": "schema function json_schema_input_schema",
        "function-after": "schema function",
        "function-wrap": "schema function json_schema_input_schema",
        "function-plain": "function json_schema_input_schema",
        "model": f"schema strict custom_init extra_behavior root_model {_CLASS}",
        "model-fields": f"fields model_name from_attributes strict {_EXTRAS}",
        "model-field": _FIELD,
        "typed-dict": f"cls cls_name fields config strict total {_EXTRAS}",
        "typed-dict-field": f"{_FIELD} required",
        "dataclass": f"cls_name schema fields slots strict {_CLASS}",
        "dataclass-args": "dataclass_name fields collect_init_only extra_behavior computed_fields",
        "dataclass-field": f"{_FIELD} name kw_only init init_only",
    }.items()
}

# Keys under which schemas lie. json_schema_input_schema is about JSON schema, not validation.
_CHILDREN = (
    "schema", "items_schema", "keys_schema", "values_schema", "lax_schema", "strict_schema", "json_schema",
    "python_schema", "extras_schema", "extras_keys_schema", "choices", "steps", "fields",
)  # fmt: skip

# Of these, the ones that may hold several by name.
_BY_NAME = frozenset({"choices", "fields"})

# Their fields have a data and a field name of their own, whatever stands around them.
_SCOPES = frozenset({"model-fields", "typed-dict", "dataclass-args"})

_CONFIG = """
    title strict extra_fields_behavior typed_dict_total from_attributes loc_by_alias
    revalidate_instances validate_default str_max_length str_min_length str_strip_whitespace
    str_to_lower str_to_upper allow_inf_nan ser_json_timedelta ser_json_temporal ser_json_bytes
    ser_json_inf_nan val_json_bytes hide_input_in_errors validation_error_cause
    coerce_numbers_to_str regex_engine cache_strings validate_by_alias validate_by_name
    serialize_by_alias polymorphic_serialization url_preserve_empty_path
"""
KNOWN_CONFIG = frozenset(_CONFIG.split())


def keys_known(schema: Schema) -> bool:
    """Whether a schema's type and each of its keys are in the tables above."""
    return schema.keys() <= _KEYS.get(schema["type"], frozenset())


def definitions_of(schema: Any) -> tuple[Schema, dict[str, Schema]]:
    """A schema without its outer `definitions`, and these by reference."""
    definitions: dict[str, Schema] = {}
    while schema["type"] == "definitions":
        definitions.update({item["ref"]: item for item in schema["definitions"]})
        schema = schema["schema"]
    return schema, definitions


def resolve(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """The schema that a chain of references stands for; the reference itself if it is unknown."""
    seen: set[str] = set()
    while schema["type"] == "definition-ref":
        ref = schema["schema_ref"]
        if ref in seen or ref not in definitions:
            return schema
        seen.add(ref)
        schema = definitions[ref]
    return schema


def children(schema: Schema) -> Iterator[Schema]:
    for key in _CHILDREN:
        child = schema.get(key)
        if child is None:
            continue
        if isinstance(child, dict):
            child = child.values() if key in _BY_NAME else [child]
        for item in child:
            # A choice may be (schema, label); one of a tagged union may name another.
            part = item[0] if isinstance(item, tuple) else item
            if isinstance(part, dict):
                yield part


def with_children(schema: Schema, change: Callable[[Schema], Schema]) -> dict[str, Any]:
    """A copy of a schema with each schema directly below it changed."""

    def changed(child: Any) -> Any:
        if isinstance(child, tuple):  # a choice and its label
            return (change(child[0]), *child[1:])
        return change(child) if isinstance(child, dict) else child

    made = dict(schema)
    for key in _CHILDREN:
        child = schema.get(key)
        if isinstance(child, (list, tuple)):
            made[key] = [changed(item) for item in child]
        elif isinstance(child, dict):
            by_name = key in _BY_NAME
            made[key] = {name: changed(item) for name, item in child.items()} if by_name else change(child)
    return made


def needs_definitions(schema: Schema) -> bool:
    """Whether a reference stands anywhere in the schema."""
    return schema["type"] == "definition-ref" or any(needs_definitions(child) for child in children(schema))


def depends_on_row(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """Why validating this field alone could differ from validating it in its row, or ""."""
    seen: set[tuple[str, bool]] = set()
    waiting = [(schema, False)]
    while waiting:
        part, scoped = waiting.pop()
        reason = _own_dependence(part, scoped)
        if reason:
            return reason
        if part["type"] == "definition-ref":
            ref = part["schema_ref"]
            if ref not in definitions:
                return f"unknown reference {ref!r}"
            if (ref, scoped) not in seen:
                seen.add((ref, scoped))
                waiting.append((definitions[ref], scoped))
        inside = scoped or part["type"] in _SCOPES
        waiting.extend((child, inside) for child in children(part))
    return ""


def _own_dependence(schema: Schema, scoped: bool) -> str:
    if not keys_known(schema):
        return f"unknown schema {schema['type']!r} with keys {sorted(schema)}"
    function = schema.get("function")
    if function is not None and function["type"] != "no-info" and not scoped:
        return "a validator that sees the other fields"
    if schema.get("default_factory_takes_data") and not scoped:
        return "a default made of the other fields"
    return ""
