"""Inlines resolved: which foreign key of the other model points at the record of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from .fields import columns_of, fields_of
from .inline import Inline, ResolvedInline
from .names import did_you_mean
from .resource import Resource

__all__ = ["resolve_inlines"]


def resolve_inlines(
    resource: Resource, resource_of: Callable[[type[Any]], Resource]
) -> dict[str, ResolvedInline]:
    """The inlines of a model by name. `ValueError` for what cannot be one."""
    declared = list(resource.admin.inlines or ())
    for inline in declared:
        if not isinstance(inline, Inline):
            raise _wrong(resource.model, f"takes Inline(...), not {inline!r}")
    if declared and not resource.keys:
        raise _wrong(resource.model, f"{resource.model.__name__} has no key that inlines could point at")
    many = Counter(inline.model for inline in declared)
    found: dict[str, ResolvedInline] = {}
    for inline in declared:
        child = resource_of(inline.model)
        fk = _foreign_key(resource.model, inline)
        if not child.keys:
            raise _wrong(resource.model, f"{inline.model.__name__} has no key")
        name = child.slug if many[inline.model] == 1 else f"{child.slug}.{fk}"
        if name in found:
            raise _wrong(resource.model, f"{inline.model.__name__} is there twice by {fk!r}")
        found[name] = ResolvedInline(
            name=name,
            label=child.label,
            resource=child,
            fk=fk,
            fields=_fields(resource.model, inline, child, fk),
            max=inline.max,
            can_delete=inline.can_delete,
        )
    return found


def _wrong(model: type[Any], text: str) -> ValueError:
    return ValueError(f"{model.__name__}: option 'inlines': {text}")


def _foreign_key(parent: type[Any], inline: Inline) -> str:
    """The name of the inline's relation to the parent."""
    fields = fields_of(inline.model)
    relations = [name for name, field in fields.items() if field.shape == "foreign_key"]
    fitting = [name for name in relations if fields[name].target is parent]
    if inline.fk is None:
        if len(fitting) == 1:
            return fitting[0]
        found = f"several: {', '.join(fitting)}; name one with fk=" if fitting else "none"
        raise _wrong(
            parent, f"{inline.model.__name__} needs one foreign key to {parent.__name__} and has {found}"
        )
    name = columns_of(inline.model).get(inline.fk, inline.fk)
    field = fields.get(name)
    relation = name if field is None else field.relation or name
    if relation not in fitting:
        near = did_you_mean(inline.fk, fitting)
        raise _wrong(
            parent, f"{inline.model.__name__}.{inline.fk} is no foreign key to {parent.__name__}{near}"
        )
    return relation


def _fields(parent: type[Any], inline: Inline, child: Resource, fk: str) -> tuple[str, ...]:
    if inline.fields is None:
        return tuple(name for name in child.forms if name != fk and name in child.fields)
    names: list[str] = []
    for given in inline.fields:
        name = child.name_of(given)
        if name is None:
            near = did_you_mean(given, [*child.fields, *child.columns])
            raise _wrong(parent, f"{inline.model.__name__} has no field {given!r}{near}")
        if name in child.excluded:
            raise _wrong(parent, f"{inline.model.__name__}.{given} is excluded")
        name = child.fields[name].relation or name
        if name != fk:
            names.append(name)
    return tuple(dict.fromkeys(names))
