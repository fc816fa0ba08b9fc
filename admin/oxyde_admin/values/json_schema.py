"""JSON schemas of single fields, as Pydantic describes them.

Each field is described on its own, so that what is left out leaves no trace: no default, no
definition, no `required`.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, cast

import pydantic
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticUndefined

from ..options.fields import fields_of
from ..options.resource import AdminField
from .encode import encode

__all__ = ["describe_fields", "describe_form"]

_PREFIX = "#/$defs/"

Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """A type that has no JSON schema is described by nothing, `{}`, which allows everything."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


def describe_fields(model: type[Any], names: Iterable[str]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The schemas of these fields by name, and the definitions of sub-models that they refer to.

    Relations have none. The result is the caller's to change.
    """
    schemas, definitions = _described(cast("Hashable", model))
    chosen = {name: copy.deepcopy(schemas[name]) for name in names if name in schemas}
    return chosen, _reachable(chosen.values(), definitions)


def describe_form(form: type[pydantic.BaseModel]) -> Schema:
    """The schema of an action's form or of credentials: an object, its enums inlined."""
    schema = form.model_json_schema(by_alias=False, schema_generator=_Generator)
    definitions = schema.pop("$defs", {})
    inlined = _inline(schema, definitions)
    if "$ref" in inlined:
        inlined = copy.deepcopy(definitions[inlined["$ref"].removeprefix(_PREFIX)])
    kept = {name: _inline(each, definitions) for name, each in definitions.items()}
    found = _reachable([inlined], kept)
    return {**inlined, **({"$defs": found} if found else {})}


@functools.lru_cache(maxsize=256)
def _described(model: Any) -> tuple[Mapping[str, Schema], Mapping[str, Schema]]:
    adapters: list[tuple[str, Any, pydantic.TypeAdapter[Any]]] = []
    for field in fields_of(model).values():
        adapter = _adapter(field)
        if adapter is not None:
            adapters.append(
                (field.name, "serialization" if field.shape == "computed" else "validation", adapter)
            )
    found, whole = pydantic.TypeAdapter.json_schemas(adapters, by_alias=False, schema_generator=_Generator)
    definitions = whole.get("$defs", {})
    kept = {name: _inline(schema, definitions) for name, schema in definitions.items()}
    schemas = {
        name: {**_texts(fields_of(model)[name]), **_inline(schema, definitions)}
        for (name, _), schema in found.items()
    }
    return schemas, kept


def _adapter(field: AdminField) -> pydantic.TypeAdapter[Any] | None:
    if field.shape not in ("column", "computed"):
        return None
    try:
        return pydantic.TypeAdapter(field.annotation)
    except (pydantic.PydanticUserError, pydantic.errors.PydanticSchemaGenerationError):
        return pydantic.TypeAdapter(Any)


def _texts(field: AdminField) -> Schema:
    """What the field itself says: title, description, examples, default."""
    info = field.info
    texts: Schema = {"title": info.title or field.name.replace("_", " ").title()}
    if info.description:
        texts["description"] = info.description
    if info.examples:
        texts["examples"] = [encode(example, field) for example in info.examples]
    if isinstance(info.json_schema_extra, dict):
        texts.update(info.json_schema_extra)
    if (
        field.shape == "column"
        and not field.secret
        and not field.generated
        and field.column.db_default is None
    ):
        default = info.get_default(call_default_factory=False)
        if default is not PydanticUndefined and info.default_factory is None:
            texts["default"] = encode(default, field)
    return texts


# --- definitions -------------------------------------------------------------------------------


def _inline(schema: Any, definitions: Mapping[str, Schema], inside: tuple[str, ...] = ()) -> Any:
    """The schema with everything in it that is no sub-model written out."""
    if isinstance(schema, list):
        return [_inline(item, definitions, inside) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = _definition_of(schema)
    if name is not None and name not in inside and not _is_sub_model(definitions[name]):
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_inline(definitions[name], definitions, (*inside, name)), **beside}
    return {key: _inline(value, definitions, inside) for key, value in schema.items()}


def _definition_of(schema: Mapping[str, Any]) -> str | None:
    target = schema.get("$ref")
    if isinstance(target, str) and target.startswith(_PREFIX):
        return target.removeprefix(_PREFIX)
    return None


def _is_sub_model(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" and "properties" in schema


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _references(item)
    elif isinstance(schema, dict):
        name = _definition_of(schema)
        if name is not None:
            yield name
        for value in schema.values():
            yield from _references(value)


def _reachable(schemas: Iterable[Schema], definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that are referred to, directly or by others; copies."""
    found: dict[str, Schema] = {}
    waiting = [name for schema in schemas for name in _references(schema)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = copy.deepcopy(definitions[name])
            waiting.extend(_references(found[name]))
    return {name: found[name] for name in sorted(found)}
