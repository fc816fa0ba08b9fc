"""What each route takes and answers, for the OpenAPI document; data, no code that runs in a route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["OPERATIONS", "SCHEMAS", "Operation"]

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `query` are parameters by name, `body` is the schema of the JSON body ("record" stands for those of
    the models), `answer` that of the answer; `media` its type if it is no JSON. `fails` are the
    statuses that it has beside those that every route has.
    """

    summary: str
    tag: str
    answer: Schema | None = None
    query: Mapping[str, Schema] | None = None
    body: Schema | str | None = None
    status: int = 200
    media: tuple[str, ...] = ("application/json",)
    body_media: str = "application/json"
    filters: bool = False


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": "integer"}
_OBJECT: Schema = {"type": "object"}
_KEY: Schema = {"type": ["string", "number", "boolean", "array"]}
_COUNTS: Schema = {"type": "object", "additionalProperties": _COUNT}


def _object(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


def _array(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_LIST_QUERY: Mapping[str, Schema] = {
    "page": _NUMBER,
    "per_page": _NUMBER,
    "ordering": _TEXT,
    "search": {"type": "string", "maxLength": 200},
    "after": _TEXT,
    "before": _TEXT,
    "fields": _TEXT,
    "count": {"type": "string", "enum": ["exact", "none"]},
}
_FORMAT: Mapping[str, Schema] = {"format": {"type": "string", "enum": ["csv", "json", "xlsx"]}}

SCHEMAS: Mapping[str, Schema] = {
    "ErrorEntry": _object(
        {"type": _TEXT, "loc": _array({"type": ["string", "integer"]}), "msg": _TEXT},
        ctx=_OBJECT,
        id=_KEY,
        row=_COUNT,
    ),
    "Error": _object(
        {"detail": {"anyOf": [_TEXT, _array(_ref("ErrorEntry"))]}},
        code=_TEXT,
        errors=_array(_ref("ErrorEntry")),
        request_id=_TEXT,
    ),
    "Record": _OBJECT,
    "Page": _object(
        {
            "items": _array(_ref("Record")),
            "total": _maybe(_COUNT),
            "page": _maybe(_NUMBER),
            "per_page": _NUMBER,
            "fk_labels": {"type": "object", "additionalProperties": _OBJECT},
            "total_exact": {"type": "boolean"},
            "next": _maybe(_TEXT),
            "prev": _maybe(_TEXT),
            "ignored": _array(_TEXT),
        },
        etags={"type": "object", "additionalProperties": _TEXT},
    ),
    "Selection": {
        "anyOf": [
            _object({"ids": _array(_KEY)}),
            _object(
                {
                    "where": _object(
                        {}, search=_TEXT, filters={"type": "object", "additionalProperties": _TEXT}
                    ),
                    "expect": _COUNT,
                }
            ),
        ]
    },
    "Session": _object(
        {
            "user": _object({"id": _TEXT, "name": _TEXT, "roles": _array(_TEXT)}),
            "csrf": _maybe(_TEXT),
            "expires": _maybe(_TEXT),
        }
    ),
    "History": _object({"items": _array(_OBJECT), "next": _maybe(_TEXT)}),
    "Import": _object(
        {
            "dry_run": {"type": "boolean"},
            "rows": _COUNT,
            "created": _COUNT,
            "updated": _COUNT,
            "unchanged": _COUNT,
            "error_count": _COUNT,
            "errors": _array(_ref("ErrorEntry")),
        }
    ),
    "ActionResult": _object(
        {
            "message": _maybe(_TEXT),
            "level": _TEXT,
            "refresh": {"type": "boolean"},
            "redirect": _maybe(_TEXT),
        }
    ),
}

_SELECTION = _ref("Selection")
_RECORD = _ref("Record")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BYTES: Schema = {"type": "string", "format": "binary"}

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/api/config"): Operation("Settings of the panel", "panel", _OBJECT),
    ("POST", "/api/login"): Operation(
        "A token for credentials", "session", _object({"token": _TEXT}), body=_OBJECT
    ),
    ("GET", "/api/-/session"): Operation("Who is logged in", "session", _ref("Session")),
    ("POST", "/api/-/session"): Operation("Log in with a cookie", "session", _ref("Session"), body=_OBJECT),
    ("DELETE", "/api/-/session"): Operation("Log out", "session", status=204),
    ("GET", "/api/models"): Operation("Models and their options", "models", _array(_OBJECT)),
    ("GET", "/api/models/counts"): Operation("Rows of each model", "models", _COUNTS),
    ("GET", "/api/{m}/schema"): Operation("Fields of a model", "models", _OBJECT),
    ("GET", "/api/-/dashboard"): Operation(
        "The first page",
        "panel",
        _object({"groups": _array(_OBJECT), "charts": _array(_OBJECT), "recent": _array(_OBJECT)}),
    ),
    ("GET", "/api/-/charts/{name}"): Operation(
        "Points of a chart", "panel", _object({"points": _array({"type": "array"})})
    ),
    ("GET", "/api/-/openapi.json"): Operation("This document", "panel", _OBJECT),
    ("GET", "/api/-/audit"): Operation(
        "History of all models",
        "history",
        _ref("History"),
        query=dict.fromkeys(("model", "pk", "user", "action", "from", "to", "after"), _TEXT),
    ),
    ("GET", "/api/{m}"): Operation("List records", "records", _ref("Page"), query=_LIST_QUERY, filters=True),
    ("POST", "/api/{m}"): Operation("Create a record", "records", _RECORD, body="record", status=201),
    ("GET", "/api/{m}/{pk}"): Operation("One record", "records", _RECORD),
    ("PATCH", "/api/{m}/{pk}"): Operation("Change a record", "records", _RECORD, body=_OBJECT),
    ("DELETE", "/api/{m}/{pk}"): Operation("Delete a record", "records", _object({"deleted": _COUNT})),
    ("GET", "/api/{m}/options"): Operation(
        "Records to pick from",
        "records",
        _array(_object({"value": {}, "label": _TEXT})),
        query={"search": _TEXT, "limit": _NUMBER, "include": _array(_TEXT)},
    ),
    ("GET", "/api/{m}/export"): Operation(
        "Export records",
        "transfer",
        {},
        query={**_FORMAT, "columns": _TEXT, "ids": _TEXT, "ordering": _TEXT, "search": _TEXT, "bom": _TEXT},
        media=("text/csv", "application/json", _XLSX),
        filters=True,
    ),
    ("POST", "/api/{m}/-/import"): Operation(
        "Import records",
        "transfer",
        _ref("Import"),
        query={
            "mode": {"type": "string", "enum": ["create", "update", "upsert"]},
            "dry_run": {"type": "string", "enum": ["true", "false"]},
        },
        body=_TEXT,
        body_media="text/csv",
    ),
    ("POST", "/api/{m}/bulk-delete"): Operation(
        "Delete many records", "records", _object({"deleted": _COUNT}), body=_SELECTION
    ),
    ("POST", "/api/{m}/bulk-update"): Operation(
        "Change many records",
        "records",
        _object({"updated": _COUNT}),
        body={"allOf": [_SELECTION, _object({"data": _OBJECT})]},
    ),
    ("POST", "/api/{m}/-/delete-preview"): Operation(
        "What deleting would take along",
        "records",
        _object({"delete": _COUNTS, "set_null": _COUNTS, "protected": _COUNTS}),
        body=_SELECTION,
    ),
    ("POST", "/api/{m}/-/actions/{name}"): Operation(
        "Run an action",
        "records",
        _ref("ActionResult"),
        body={"type": "object", "properties": {"form": _OBJECT}},
    ),
    ("GET", "/api/{m}/{pk}/-/history"): Operation(
        "History of a record", "history", _ref("History"), query={"after": _TEXT}
    ),
    ("GET", "/api/{m}/{pk}/-/inlines/{name}"): Operation(
        "Records that belong to one", "records", _ref("Page"), query=_LIST_QUERY, filters=True
    ),
    ("GET", "/api/{m}/{pk}/-/blob/{field}"): Operation(
        "The bytes of a field", "records", _BYTES, media=("application/octet-stream",)
    ),
}
"""By method and pattern, as the routes have them."""
