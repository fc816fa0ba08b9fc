"""What queries ask of a model's metadata."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..exceptions import FieldError
from .expressions import name_of


def key_fields(model: Any) -> tuple[str, ...]:
    """The fields of the primary key; none for a model without."""
    return tuple(model._db_meta.pk_fields)


def column_fields(model: Any) -> tuple[str, ...]:
    """All fields with a column, in order."""
    names: tuple[str, ...] = model.__oxyde_plan__.names
    return names


def unknown_field(model: Any, name: str) -> FieldError:
    """The error for a name the model does not have, with the nearest ones."""
    from ..models._unknown import unknown_field as explain

    return explain(model, name, column_fields(model))


def field_name(model: Any, field: Any, where: str) -> str:
    """The name of a column's field, given as a name, `pk`, a relation or a column expression."""
    field = name_of(field)
    if not isinstance(field, str):
        raise TypeError(f"{where} takes names of fields, not {type(field).__name__}")
    names = column_fields(model)
    if field in names:
        return field
    relation = model._db_meta.foreign_keys.get(field)
    if relation is not None and len(relation.ids) == 1:
        return str(relation.ids[0])
    keys = key_fields(model)
    if field == "pk" and len(keys) == 1:
        return keys[0]
    raise unknown_field(model, field)


def field_names(model: Any, fields: Iterable[Any], where: str) -> tuple[str, ...]:
    """As `field_name`, for several; a relation may stand for several fields.

    A single string is refused, because it would be taken apart.
    """
    if isinstance(fields, str):
        raise TypeError(f"{where} takes a list of names, not a str")
    relations = model._db_meta.foreign_keys
    names: list[str] = []
    for field in fields:
        name = name_of(field)
        key = relations.get(name) if isinstance(name, str) else None
        names += (field_name(model, field, where),) if key is None else key.ids
    return tuple(names)


def unique_sets(model: Any) -> list[tuple[str, ...]]:
    """Every set of fields that a key, unique column, unique constraint or unique index covers."""
    meta = model._db_meta
    found: list[tuple[str, ...]] = [tuple(meta.pk_fields)] if meta.pk_fields else []
    found += [(name,) for name in column_fields(model) if meta.field_metadata[name].unique]
    groups = [tuple(group) for group in meta.unique_together]
    groups += [tuple(index.fields) for index in meta.indexes if index.unique and not index.where]
    return found + [tuple(field for name in group for field in meta.fields_of(name)) for group in groups]


def is_unique(model: Any, name: str) -> bool:
    """Whether no two rows can have the same value in this field."""
    if name == "pk":
        return bool(key_fields(model))
    return (name,) in unique_sets(model)
