"""What the front end asks first: settings, models, how many rows they have, what their records are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..auth import has_builtin_login
from ..http.call import Call, Route
from ..http.reply import json_response
from ..values.json_schema import describe_form
from .views import count_of, full_schema, viewable

if TYPE_CHECKING:
    from ..http.message import Response
    from ..security.rights import Rights

__all__ = ["ROUTES"]


async def config(call: Call) -> Response:
    """What is known before anybody has logged in; nothing about models or data."""
    settings = call.site.settings
    provider = settings.auth_provider
    enabled = provider is not None or settings.auth_check is not None
    builtin = has_builtin_login(provider)
    return await json_response(
        {
            "title": settings.title,
            "preset": settings.preset,
            "primary_color": settings.primary_color,
            "surface": settings.surface,
            "version": __version__,
            "auth_enabled": enabled,
            "login_url": settings.login_url,
            "per_page": settings.per_page,
            "export_chunk_size": settings.export_chunk_size,
            "max_export_rows": settings.max_export_rows,
            "auth": {
                "enabled": enabled,
                "login_url": settings.login_url,
                "builtin_login": builtin,
                "credentials_schema": (
                    describe_form(provider.credentials_model) if builtin and provider is not None else None
                ),
            },
            "locale": settings.locale,
            "timezone": settings.timezone,
            "audit": settings.audit,
            "limits": {
                "count": settings.count_limit,
                "offset": settings.max_offset,
                "bulk": settings.max_bulk_rows,
                "import": settings.max_import_rows,
                "body": settings.max_body,
            },
        }
    )


async def models(call: Call) -> Response:
    """The models that the user may view, with their options."""
    return await json_response([await _model(rights) for rights in await viewable(call)])


async def counts(call: Call) -> Response:
    """How many rows of each model there are for the user."""
    return await json_response(
        {rights.resource.slug: (await count_of(call, rights))[0] for rights in await viewable(call)}
    )


async def schema(call: Call) -> Response:
    """The fields of one model."""
    rights = call.rights()
    await rights.require("view")
    return await json_response(await full_schema(rights))


async def _model(rights: Rights) -> dict[str, Any]:
    resource, admin = rights.resource, rights.resource.admin
    hidden = await rights.hidden()

    def shown(names: Iterable[str] | None, given: object = True) -> list[str] | None:
        return None if names is None or given is None else [name for name in names if name not in hidden]

    async def seen(paths: Iterable[str], given: object) -> list[str] | None:
        if given is None:
            return None
        return [path for path in paths if await rights.sees(path.removeprefix("-"))]

    readonly = admin.readonly_fields
    return {
        "name": resource.slug,
        "verbose_name": resource.label,
        "field_count": len(await rights.visible()),
        "list_display": shown(resource.listed, admin.list_display),
        "search_fields": await seen(resource.searched, admin.search_fields),
        "list_filter": await seen(resource.filtered, admin.list_filter),
        "readonly_fields": None if readonly is None else shown(_named(rights, readonly)),
        "exclude_fields": None,
        "ordering": await seen(resource.ordering, admin.ordering),
        "display_field": resource.display
        if resource.display and await rights.sees(resource.display)
        else None,
        "column_labels": _labels(rights, admin.column_labels, hidden),
        "exportable": admin.exportable,
        "group": admin.group,
        "icon": admin.icon,
        "permissions": await rights.actions(),
    }


def _named(rights: Rights, names: Iterable[str]) -> list[str]:
    return [rights.resource.name_of(name) or name for name in names]


def _labels(
    rights: Rights, labels: Mapping[str, str] | None, hidden: frozenset[str]
) -> dict[str, str] | None:
    if labels is None:
        return None
    named = zip(_named(rights, labels), labels.values(), strict=True)
    return {name: label for name, label in named if name not in hidden}


ROUTES = (
    Route("GET", "/api/config", config, public=True),
    Route("GET", "/api/models", models),
    Route("GET", "/api/models/counts", counts, reads="all"),
    Route("GET", "/api/{m}/schema", schema),
)
