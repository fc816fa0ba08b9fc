"""The OpenAPI document of the panel's routes, with the models that the asking user may see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..http.call import Call, Route
from ..http.reply import json_response
from ..security.gate import COOKIE
from ..values.schema import model_schema
from .operations import OPERATIONS, SCHEMAS, Operation
from .views import view_of, viewable

if TYPE_CHECKING:
    from ..http.message import Response

__all__ = ["ROUTES"]

_PARAMETER = re.compile(r"\{(\w+)\}")
_DEFINITIONS = "#/$defs/"
_COMPONENTS = "#/components/schemas/"

Json = dict[str, Any]


async def openapi(call: Call) -> Response:
    """The document. Whoever asks learns of no model and no field that they may not see."""
    from . import routes  # which are collected from this module too

    slugs: list[str] = []
    creatable: list[str] = []
    schemas: Json = dict(SCHEMAS)
    for rights in await viewable(call):
        slug = rights.resource.slug
        slugs.append(slug)
        schemas |= _components(slug, model_schema(await view_of(rights)))
        if await rights.allows("create"):
            creatable.append(slug)
    paths: dict[str, Json] = {}
    for route in routes():
        operation = OPERATIONS[route.method, route.pattern]
        described = _operation(route, operation, slugs, creatable)
        paths.setdefault(route.pattern, {})[route.method.lower()] = described
    return await json_response(
        {
            "openapi": "3.1.0",
            "info": {"title": call.site.settings.title, "version": __version__},
            "servers": [{"url": call.request.mount or "/"}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer"},
                    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                },
            },
            "security": [{"token": []}, {"session": []}],
        }
    )


def _operation(route: Route, operation: Operation, slugs: list[str], creatable: list[str]) -> Json:
    described: Json = {
        "operationId": _identifier(route),
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": {
            str(operation.status): _answer(operation),
            "default": {"description": "Refused", "content": _json({"$ref": _COMPONENTS + "Error"})},
        },
    }
    parameters = [_path_parameter(name, slugs) for name in _PARAMETER.findall(route.pattern)]
    parameters += [
        {"name": name, "in": "query", "schema": schema} for name, schema in (operation.query or {}).items()
    ]
    if operation.filters:
        # Filters are named after fields: `name=value` and `name__lookup=value`.
        schema = {"type": "object", "additionalProperties": {"type": "string"}}
        parameters.append(
            {"name": "filters", "in": "query", "style": "form", "explode": True, "schema": schema}
        )
    if parameters:
        described["parameters"] = parameters
    body = _body(operation, creatable)
    if body is not None:
        described["requestBody"] = {"required": True, "content": {operation.body_media: {"schema": body}}}
    if route.public:
        described["security"] = []
    return described


def _identifier(route: Route) -> str:
    words = re.findall(r"\w+", route.pattern.removeprefix("/api"))
    return "_".join([route.method.lower(), *words])


def _path_parameter(name: str, slugs: list[str]) -> Json:
    schema: Json = {"type": "string", "minLength": 1}
    if name == "m" and slugs:
        schema = {"type": "string", "enum": slugs}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _answer(operation: Operation) -> Json:
    if operation.answer is None:
        return {"description": operation.summary}
    content = {media: {"schema": operation.answer} for media in operation.media}
    return {"description": operation.summary, "content": content}


def _json(schema: Mapping[str, Any]) -> Json:
    return {"application/json": {"schema": schema}}


def _body(operation: Operation, creatable: list[str]) -> Any:
    if operation.body != "record":
        return operation.body
    if not creatable:
        return {"type": "object"}
    return {"anyOf": [{"$ref": _COMPONENTS + _component(slug)} for slug in creatable]}


# --- models ------------------------------------------------------------------------------------


def _component(slug: str, definition: str | None = None) -> str:
    """The name of a component; other signs than these may not stand in one."""
    safe = re.sub(r"[^A-Za-z0-9._-]", lambda found: f"-{ord(found[0]):x}-", slug)
    return (
        f"model.{safe}"
        if definition is None
        else f"model.{safe}.{re.sub(r'[^A-Za-z0-9._-]', '-', definition)}"
    )


def _components(slug: str, schema: Json) -> Json:
    """The model's schema and its definitions as components, which refer to each other by those names."""
    definitions = schema.pop("$defs", {})
    found = {_component(slug): schema}
    found |= {_component(slug, name): each for name, each in definitions.items()}
    return {name: _renamed(each, slug) for name, each in found.items()}


def _renamed(schema: Any, slug: str) -> Any:
    if isinstance(schema, list):
        return [_renamed(item, slug) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _renamed(value, slug) for name, value in schema.items() if name != "x-admin"}
    target = schema.get("$ref")
    if isinstance(target, str) and target.startswith(_DEFINITIONS):
        found["$ref"] = _COMPONENTS + _component(slug, target.removeprefix(_DEFINITIONS))
    return found


ROUTES = (Route("GET", "/api/-/openapi.json", openapi),)
