"""What a request can fail with. Each class knows its HTTP status and its `code`.

No error carries stored or submitted values, SQL or the names of hidden fields: its texts reach
whoever sent the request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

__all__ = [
    "AdminError",
    "ConflictError",
    "ErrorEntry",
    "ExportNotAllowedError",
    "ExportTooLargeError",
    "InvalidDataError",
    "InvalidParameterError",
    "LoginFailedError",
    "LoginNotAvailableError",
    "ModelNotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "RecordNotFoundError",
    "StaleRecordError",
]


class ErrorEntry(TypedDict, total=False):
    """One thing that is wrong. `loc` begins with the field's name, `[]` means the whole."""

    type: str
    loc: list[str | int]
    msg: str
    ctx: dict[str, Any]
    id: Any
    row: int


class AdminError(Exception):
    """A request is refused. `detail` is the text of the answer, `code` its machine-readable cause.

    `errors` are entries about single fields, `headers` go out with the answer, `extra` are further
    keys of its body.
    """

    status = 400
    code = "bad_request"
    detail = "The request cannot be carried out."

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        status: int | None = None,
        errors: Sequence[ErrorEntry] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.detail = detail if detail is not None else type(self).detail
        self.code = code if code is not None else type(self).code
        self.status = status if status is not None else type(self).status
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        super().__init__(self.detail)


class ModelNotFoundError(AdminError):
    """No such model, or the user may not view it."""

    status, code, detail = 404, "unknown_model", "There is no such model."


class RecordNotFoundError(AdminError):
    """No such record, or it lies outside what the user may see, or the key cannot be read."""

    status, code, detail = 404, "not_found", "There is no such record."


class LoginNotAvailableError(AdminError):
    """The panel has no login of its own."""

    status, code, detail = 404, "not_enabled", "This panel has no login of its own."


class LoginFailedError(AdminError):
    """The credentials were refused."""

    status, code, detail = 401, "unauthorized", "Invalid credentials"


class ExportNotAllowedError(AdminError):
    """The model is not exportable."""

    status, code, detail = 403, "export_disabled", "This model cannot be exported."


class ExportTooLargeError(AdminError):
    """More rows match than one request may take."""

    code, detail = "too_many", "More rows match than one request may take. Narrow the filters."


class InvalidParameterError(AdminError):
    """A query parameter or an argument of the body cannot be used."""

    code, detail = "bad_parameter", "A parameter cannot be used."


class ConflictError(AdminError):
    """The database refuses: unique, check, foreign key, or the selection has changed."""

    status, code, detail = 409, "conflict", "The change conflicts with stored data."


class PermissionDeniedError(AdminError):
    """The user may not do this."""

    status, code, detail = 403, "forbidden", "You may not do this."


class StaleRecordError(AdminError):
    """The record was changed since it was read. `extra["current"]` is what it is now."""

    status, code, detail = 412, "stale", "The record was changed by somebody else."


class InvalidDataError(AdminError):
    """What was sent is not valid. Takes `{"field": "text"}`, a text about the whole, or entries."""

    status, code, detail = 422, "invalid", "The data is not valid."

    def __init__(
        self,
        problems: Mapping[str, str] | str | None = None,
        *,
        errors: Sequence[ErrorEntry] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        entries = list(errors)
        if isinstance(problems, str):
            entries.append({"type": "invalid", "loc": [], "msg": problems})
        elif problems is not None:
            entries.extend({"type": "invalid", "loc": [name], "msg": text} for name, text in problems.items())
        super().__init__(errors=entries, extra=extra)


class RateLimitedError(AdminError):
    """Too many failed logins. `headers` name the wait in seconds."""

    status, code, detail = 429, "rate_limited", "Too many attempts. Wait before you try again."

    def __init__(self, wait: int) -> None:
        super().__init__(headers={"Retry-After": str(max(1, wait))})
