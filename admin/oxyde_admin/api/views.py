"""What the asking user may know of models: the parts that several answers are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..options.inline import ResolvedInline
from ..options.model_admin import overrides
from ..options.resource import with_relations
from ..rows.counts import bounded
from ..rows.filters import filterable, lookups_of
from ..values.json_schema import Schema, describe_fields, describe_form
from ..values.schema import View, model_schema

if TYPE_CHECKING:
    from ..http.call import Call
    from ..options.resource import Resource
    from ..security.rights import Rights

__all__ = ["count_of", "full_schema", "view_of", "viewable"]


async def viewable(call: Call) -> list[Rights]:
    """The rights on every model that exists for the user, in the order of registration."""
    found = (call.rights(resource) for resource in call.site.registry.resources())
    return [rights for rights in found if await rights.allows("view")]


async def count_of(call: Call, rights: Rights) -> tuple[int | None, bool]:
    """How many rows of a model there are for the user, and whether that is exact."""
    resource = rights.resource
    return await bounded(
        await rights.rows(),
        call.site.settings.count_limit,
        on=resource.on(),
        statistic=None if overrides(resource.admin, "query") else resource,
    )


async def full_schema(rights: Rights) -> Schema:
    """The schema of 7.3, with what the user may do."""
    resource, admin = rights.resource, rights.resource.admin
    hidden = await rights.hidden()
    schema = model_schema(await view_of(rights))
    schema["x-admin"] = {
        "permissions": await rights.actions(),
        "actions": await _actions(rights),
        "inlines": [
            described
            for inline in resource.inlines.values()
            if (described := await _inline(rights, inline)) is not None
        ],
        "form_fields": [name for name in resource.forms if name not in hidden],
        "fieldsets": _fieldsets(resource, hidden) if admin.fieldsets else None,
        "filters": await _path_filters(rights),
        "columns": [await _column(rights, name) for name in resource.computed],
        "version_field": None if _name(resource, admin.version_field) in hidden else admin.version_field,
    }
    return schema


async def view_of(rights: Rights) -> View:
    """What the user may know of the fields of a model."""
    resource = rights.resource
    visible = await rights.visible()
    unset = await rights.readonly()
    fixed = (name for name, field in resource.fields.items() if field.primary_key or field.frozen)
    slugs = {}
    for field in visible:
        related = rights.of(field.target) if field.target is not None else None
        if related is not None and await related.allows("view"):
            slugs[field.target] = related.resource.slug
    return View(
        resource=resource,
        visible=frozenset(field.name for field in visible),
        fixed=unset | with_relations(resource.fields, fixed),
        unset=unset,
        slug_of=slugs.get,
        lookups={name: lookups_of(path) for name, path in (await filterable(rights)).items()},
    )


async def _path_filters(rights: Rights) -> list[Mapping[str, Any]]:
    """The filters that are no field of the model: across relations, into JSON, by part of a date."""
    paths = {path.text: path for path in (await filterable(rights)).values()}
    found: list[Mapping[str, Any]] = []
    for text, path in paths.items():
        field = path.field
        if len(path.steps) == 1 and not path.keys:
            continue
        described: dict[str, Schema] = {}
        if field is not None and not path.keys:
            described, _ = describe_fields(path.steps[-1][0], [field.name])
        found.append(
            {
                "name": text,
                "label": (rights.resource.admin.column_labels or {}).get(text) or _path_label(text),
                "filters": list(lookups_of(path)),
                "kind": None if field is None or path.keys else field.kind,
                "schema": described.get(path.steps[-1][1]),
            }
        )
    return found


def _path_label(text: str) -> str:
    return " / ".join(part.replace("_", " ").capitalize() for part in text.split("__"))


async def _actions(rights: Rights) -> list[Mapping[str, Any]]:
    return [
        {
            "name": action.name,
            "label": action.label,
            "scope": action.scope,
            "confirm": action.confirm,
            "icon": action.icon,
            "form": None if action.form is None else describe_form(action.form),
        }
        for action in rights.resource.actions.values()
        if await rights.allows(action.name)
    ]


async def _inline(rights: Rights, inline: ResolvedInline) -> Mapping[str, Any] | None:
    """An inline as the page shows it; None if its model does not exist for the user."""
    child = rights.of_resource(inline.resource)
    if not await child.allows("view"):
        return None
    hidden = await child.hidden()
    return {
        "name": inline.name,
        "label": inline.label,
        "model": inline.resource.slug,
        "fk": inline.fk,
        "fields": [name for name in inline.fields if name not in hidden],
        "max": inline.max,
        "can_delete": inline.can_delete and await child.allows("delete"),
        "permissions": await child.actions(),
        # A model that is no page of its own has no other address to ask.
        "schema": model_schema(await view_of(child)) if rights.of(inline.resource.model) is None else None,
    }


async def _column(rights: Rights, name: str) -> Mapping[str, Any]:
    column = rights.resource.computed[name]
    path = None if column.ordering is None else column.ordering.removeprefix("-")
    admin = rights.resource.admin
    labels, helps = admin.column_labels or {}, admin.help_texts or {}
    return {
        "name": name,
        "label": labels.get(name) or column.label or name.replace("_", " ").capitalize(),
        "help": helps.get(name),
        "kind": column.kind or None,
        "sortable": path is not None and await rights.sees(path),
    }


def _fieldsets(resource: Resource, hidden: frozenset[str]) -> list[list[Any]]:
    sets = []
    for title, names in resource.admin.fieldsets or ():
        shown = [_name(resource, name) for name in names]
        sets.append([title, [name for name in shown if name not in hidden]])
    return [each for each in sets if each[1]]


def _name(resource: Resource, given: str | None) -> str | None:
    """The name that a form uses for a field: of a foreign key the relation; a `@column`'s own."""
    name = None if given is None else resource.name_of(given)
    return given if name is None else resource.fields[name].relation or name
