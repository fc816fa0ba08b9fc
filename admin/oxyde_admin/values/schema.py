"""The JSON schema of a model as the panel answers it (contract, 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any

from ..options.kinds import kind_of
from ..options.resource import AdminField, Resource, with_relations
from ..options.sorting import is_sortable
from .json_schema import Schema, describe_fields

__all__ = ["View", "model_schema"]

_ITEM_TYPES: Mapping[str, str] = {
    "big_integer": "integer",
    "double": "number",
    "decimal": "number",
    "boolean": "boolean",
}


@dataclass(frozen=True, slots=True)
class View:
    """What the asking user may know of a model.

    `fixed` are the fields that nobody of their rights writes in a stored record, `unset` those that
    cannot be given to a new one. `slug_of` gives the slug of another model, None if it does not
    exist for the user. `lookups` are those of the filters that the user has, by name.
    """

    resource: Resource
    visible: Collection[str]
    fixed: Collection[str]
    unset: Collection[str]
    slug_of: Callable[[type[Any]], str | None]
    lookups: Mapping[str, Sequence[str]] = member(default_factory=dict)


def model_schema(view: View) -> Schema:
    """The schema without the model's own `x-admin`: properties, `required`, definitions."""
    resource = view.resource
    fields = [field for name, field in resource.fields.items() if name in view.visible]
    described, definitions = describe_fields(resource.model, [field.name for field in fields])
    properties: dict[str, Schema] = {}
    for field in fields:
        schema = described.get(field.name) or _relation(field, described)
        properties[field.name] = {**schema, **_database(view, field), "x-admin": _admin(view, field)}
    answer: Schema = {
        "title": resource.label,
        "type": "object",
        "properties": properties,
        "required": [field.name for field in fields if field.required and field.shape == "column"],
    }
    if definitions:
        answer["$defs"] = definitions
    return answer


def _relation(field: AdminField, described: Mapping[str, Schema]) -> Schema:
    """A relation takes the key of its target; of a foreign key answers hold null."""
    title = field.info.title or field.name.replace("_", " ").title()
    schema: Schema = {"title": title}
    if field.info.description:
        schema["description"] = field.info.description
    if field.shape == "many_to_many":
        return {**schema, "type": "array", "items": _key_of(field.target)}
    if len(field.ids) != 1:
        return schema
    inner = {
        name: value for name, value in described[field.ids[0]].items() if name not in ("title", "default")
    }
    null = {"type": "null"}
    alternatives = [*inner.pop("anyOf", [inner])] if "anyOf" in inner else [inner]
    if null not in alternatives:
        alternatives.append(null)
    return {**schema, "anyOf": alternatives}


def _key_of(target: Any) -> Schema:
    """The key of a record as the panel takes it: a value, or an array of a composite one's parts."""
    keys = target._db_meta.pk_fields
    described, _ = describe_fields(target, keys)
    parts = [_without_null(described[name]) for name in keys]
    return parts[0] if len(parts) == 1 else {"type": "array", "prefixItems": parts, "items": False}


def _without_null(schema: Schema) -> Schema:
    kept = {name: value for name, value in schema.items() if name not in ("title", "default", "description")}
    alternatives = [item for item in kept.get("anyOf", ()) if item != {"type": "null"}]
    return alternatives[0] if len(alternatives) == 1 else kept


def _database(view: View, field: AdminField) -> Schema:
    """What the column is; of a foreign key most of it stands on the relation as well."""
    answer: Schema = {
        "x-db-primary-key": field.primary_key,
        "x-db-readonly": field.name in view.fixed,
        "x-db-nullable": field.nullable and not field.primary_key,
        "x-db-unique": field.unique,
    }
    if field.shape == "computed":
        kind = kind_of(field.annotation)
        return {**answer, "x-db-kind": kind} if kind else answer
    if field.shape == "many_to_many":
        return {
            **answer,
            "x-db-m2m": True,
            **_target(view, field),
        }
    column = field.column
    answer["x-db-index"] = column.index
    answer["x-db-kind"] = field.kind
    if field.shape == "foreign_key":
        answer["x-db-column"] = field.ids[0] if len(field.ids) == 1 else list(field.ids)
        slug = view.slug_of(field.target) if field.target is not None else None
        if slug is not None:
            answer["x-db-foreign-key"] = {"model": slug, "field": column.foreign_key.target_field}
            answer["x-db-target"] = slug
        return answer
    return {**answer, **_column(field)}


def _target(view: View, field: AdminField) -> Schema:
    slug = view.slug_of(field.target) if field.target is not None else None
    return {} if slug is None else {"x-db-target": slug, "x-db-through": field.link.through.__name__}


def _column(field: AdminField) -> Schema:
    column = field.column
    found: Schema = {
        "x-db-column": column.db_column if column.db_column != field.name else None,
        "x-db-type": column.db_type,
        "x-db-max-length": column.max_length if field.kind != "array" else None,
        "x-db-default": column.db_default,
        "x-db-comment": column.comment,
    }
    if field.kind == "array":
        found["x-db-array"] = True
        found["x-db-array-item-type"] = _ITEM_TYPES.get(column.column_type.elem, "string")
    return {name: value for name, value in found.items() if value is not None}


def _admin(view: View, field: AdminField) -> Schema:
    admin, names = view.resource.admin, _names(view.resource, field)
    lookups = next((view.lookups[name] for name in names if name in view.lookups), None)
    return {
        "label": _option(admin.column_labels, names) or _label(field),
        "help": _option(admin.help_texts, names) or field.info.description or _comment(field),
        "widget": _option(admin.widgets, names),
        "create": field.name not in view.unset,
        "sortable": is_sortable(field),
        "filters": None if lookups is None else list(lookups),
    }


def _names(resource: Resource, field: AdminField) -> list[str]:
    """The names under which options may speak of the field, its own first."""
    related = (
        sorted(with_relations(resource.fields, [field.name]) - {field.name})
        if field.ids or field.relation
        else []
    )
    columns = [column for column, name in resource.columns.items() if name == field.name]
    return [field.name, *columns, *related]


def _option(values: Mapping[str, str] | None, names: list[str]) -> str | None:
    return next((values[name] for name in names if name in values), None) if values else None


def _label(field: AdminField) -> str:
    return field.info.title or field.name.replace("_", " ").capitalize()


def _comment(field: AdminField) -> str | None:
    return getattr(field.column, "comment", None)
