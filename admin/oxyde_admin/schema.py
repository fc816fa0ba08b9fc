"""`build_schema`: a model's JSON schema with what the database knows of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .options.model_admin import ModelAdmin
from .options.registry import Registry
from .options.resource import with_relations
from .options.slugs import slug_to_text
from .values.schema import View, model_schema

__all__ = ["build_schema"]


def build_schema(model: type[Any], exclude: Collection[str] | None = None) -> dict[str, Any]:
    """The schema of a table model without the fields named in `exclude`.

    It is what a panel answers to somebody who may do everything, on a model without options. Fields
    with `Field(exclude=True)` are left out always; names that the model does not have are ignored.
    """
    registry = Registry()
    registry.register(model, ModelAdmin())
    resource = registry.resources()[0]
    named = {resource.name_of(name) for name in exclude or ()} - {None}
    left_out = resource.excluded | with_relations(resource.fields, [name for name in named if name])
    unset = {name for name, field in resource.fields.items() if field.generated or field.shape == "computed"}
    kept = {name for name, field in resource.fields.items() if field.primary_key or field.frozen}
    return model_schema(
        View(
            resource=resource,
            visible=resource.fields.keys() - left_out,
            fixed=unset | kept,
            unset=unset,
            slug_of=lambda target: slug_to_text(target.get_table_name()),
        )
    )
