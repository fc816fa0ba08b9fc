"""`Model.schema_class`: a Pydantic class made of some of a model's fields.

For what an application receives and answers: nothing of the field is written twice. The class is
an ordinary `pydantic.BaseModel` without table, manager and methods.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NamedTuple, Optional, cast

import pydantic
from pydantic_core import PydanticUndefined

from ..exceptions import FieldError
from ._foreign_keys import RelationLink, target_of
from ._plan import finished_meta
from ._schema_code import add_code
from ._unknown import unknown_field
from .metadata import ModelMeta

__all__ = ["make_schema_class"]

Schema = type[pydantic.BaseModel]

# What a field's own arguments say beside its annotation, its default and its constraints.
_ARGUMENTS = (
    "alias",
    "alias_priority",
    "validation_alias",
    "serialization_alias",
    "title",
    "field_title_generator",
    "description",
    "examples",
    "exclude",
    "exclude_if",
    "discriminator",
    "deprecated",
    "json_schema_extra",
    "frozen",
    "validate_default",
    "repr",
)
# Settings of a model that say how it is built, not what its values are.
_NOT_TAKEN = frozenset({"title", "defer_build", "json_schema_extra"})

_lock = threading.RLock()


class _Choice(NamedTuple):
    """What a schema class is made of; equal choices give the same class.

    computed: the computed fields asked for, None for all that can be had.
    """

    names: tuple[str, ...]
    computed: tuple[str, ...] | None
    optional: frozenset[str]
    related: tuple[tuple[str, Schema], ...]
    name: str


def make_schema_class(
    model: Any,
    *,
    include: Iterable[str] | None,
    exclude: Iterable[str] | None,
    optional: Iterable[str] | bool,
    relations: Mapping[str, Any] | None,
    name: str | None,
) -> Schema:
    """`Model.schema_class`."""
    if model._db_meta.is_table:
        finished_meta(model)
    elif not model.__pydantic_complete__:
        model.model_rebuild()
    related = _relations(model, relations)
    names, computed = _chosen(model, include, exclude, related)
    choice = _Choice(
        names,
        computed,
        _optional(model, optional, names, related),
        tuple(sorted(related.items(), key=lambda item: item[0])),
        name or f"{model.__name__}Schema",
    )
    with _lock:
        made = vars(model).get("__oxyde_schemas__")
        if made is None:
            made = {}
            type.__setattr__(model, "__oxyde_schemas__", made)
        known: Schema | None = made.get(choice)
        if known is None:
            known = made[choice] = _make(model, choice)
        return known


# --- which fields -----------------------------------------------------------------------------


def _listed(option: str, names: Any) -> list[str]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"schema_class({option}=...) takes a collection of names, not {names!r}")
    return [str(name) for name in names]


def _is_relation(model: Any, name: str) -> bool:
    meta: ModelMeta = model._db_meta
    return meta.is_relation(name)


def _known(model: Any, names: Iterable[str]) -> None:
    fields, computed = model.__pydantic_fields__, model.__pydantic_decorators__.computed_fields
    for name in names:
        if name not in fields and name not in computed:
            raise unknown_field(model, name, [*fields, *computed])


def _chosen(
    model: Any, include: Any, exclude: Any, related: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Fields in the model's order; computed fields that were asked for, None for all that can be."""
    wanted = None if include is None else _listed("include", include)
    left_out = set() if exclude is None else set(_listed("exclude", exclude))
    _known(model, [*(wanted or ()), *left_out])
    for name in wanted or ():
        if _is_relation(model, name) and name not in related:
            raise FieldError(
                f"{model.__name__}.{name} is a relation: say what stands for it with "
                f"schema_class(relations={{{name!r}: ...}})"
            )
    names = tuple(
        name
        for name in model.__pydantic_fields__
        if name not in left_out
        and (name in related if _is_relation(model, name) else wanted is None or name in wanted)
    )
    both = left_out & related.keys()
    if both:
        raise FieldError(f"{model.__name__}.{min(both)} is in exclude and in relations of schema_class()")
    all_computed = model.__pydantic_decorators__.computed_fields
    if wanted is None and not left_out & all_computed.keys():
        return names, None
    return names, tuple(n for n in all_computed if n not in left_out and (wanted is None or n in wanted))


def _optional(
    model: Any, optional: Any, names: tuple[str, ...], related: Mapping[str, Any]
) -> frozenset[str]:
    if isinstance(optional, bool):
        return frozenset(names).difference(related) if optional else frozenset()
    chosen = _listed("optional", optional)
    _known(model, chosen)
    for name in chosen:
        if name not in names:
            raise FieldError(f"{model.__name__}.{name} is optional in schema_class(), but is not in it")
    return frozenset(chosen)


def _relations(model: Any, relations: Any) -> dict[str, Schema]:
    """Relation name -> the class that stands for the related model."""
    if relations is None:
        return {}
    if not isinstance(relations, Mapping):
        raise TypeError(
            "schema_class(relations=...) takes a dict: name of a relation -> schema class or True"
        )
    found: dict[str, Schema] = {}
    for name, schema in relations.items():
        if name not in model.__pydantic_fields__:
            raise unknown_field(model, name)
        if not _is_relation(model, name):
            raise FieldError(f"{model.__name__}.{name} is no relation; a schema class cannot stand for it")
        if schema is True:
            target, _ = target_of(model.__pydantic_fields__[name])
            if not hasattr(target, "schema_class"):
                raise FieldError(f"{model.__name__}.{name} does not say what it holds; name a schema class")
            schema = target.schema_class()  # noqa: PLW2901
        if not (isinstance(schema, type) and issubclass(schema, pydantic.BaseModel)):
            raise TypeError(
                f"schema_class(relations={{{name!r}: ...}}) takes a Pydantic class or True, not {schema!r}"
            )
        found[name] = schema
    return found


# --- the class ----------------------------------------------------------------------------------


def _make(model: Any, choice: _Choice) -> Schema:
    namespace: dict[str, Any] = {
        "__module__": model.__module__,
        "__qualname__": choice.name,
        "__annotations__": {},
        "model_config": _config(model),
    }
    documented = vars(model).get("__doc__")
    if documented:
        namespace["__doc__"] = documented
    related = dict(choice.related)
    for name in choice.names:
        schema = related.get(name)
        field = model.__pydantic_fields__[name]
        if schema is None:
            annotation, info = _plain_field(field, name in choice.optional)
        else:
            annotation, info = _relation_field(model, name, field, schema)
        namespace["__annotations__"][name] = annotation
        if info is not None:
            namespace[name] = info
    add_code(model, namespace, frozenset(choice.names), choice.optional, choice.computed)
    made = types.new_class(choice.name, (pydantic.BaseModel,), {}, lambda body: body.update(namespace))
    return cast(Schema, made)


def _config(model: Any) -> dict[str, Any]:
    taken = {key: value for key, value in model.model_config.items() if key not in _NOT_TAKEN}
    return {**taken, "from_attributes": True}


def _absent() -> None:
    """The value of an optional field that was not given. A factory, so that no null is documented."""


def _plain_field(field: Any, optional: bool) -> tuple[Any, Any]:
    """The annotation with everything that judges the value, and what else is said of the field."""
    metadata = [item for item in field.metadata if not isinstance(item, RelationLink)]
    in_step = len(metadata) < len(field.metadata)
    annotation: Any = field.annotation
    for item in metadata:
        annotation = Annotated[annotation, item]
    given = {
        key: getattr(field, key)
        for key in _ARGUMENTS
        if key in field._attributes_set and getattr(field, key) is not None
    }
    if in_step:
        given.pop("validate_default", None)
    if optional:
        given["default_factory"] = _absent
        given["validate_default"] = False
    elif field.default_factory is not None:
        given["default_factory"] = field.default_factory
    elif field.default is not PydanticUndefined:
        given["default"] = field.default
    return annotation, pydantic.Field(**given) if given else None


def _relation_field(model: Any, name: str, field: Any, schema: Schema) -> tuple[Any, Any]:
    _, many = target_of(field)
    meta: ModelMeta = model._db_meta
    described: dict[str, Any] = {"description": field.description} if field.description else {}
    factory: Callable[[], Any] = list
    if many:
        return list[schema], pydantic.Field(default_factory=factory, **described)  # type: ignore[valid-type]
    key = meta.field_metadata.get(name)
    if name in meta.foreign_keys and key is not None and not key.nullable:
        return schema, pydantic.Field(**described)
    return Optional[schema], pydantic.Field(default=None, **described)
