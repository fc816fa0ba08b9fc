"""Every way a request can fail, as an answer. The one place where exceptions become JSON."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import ValidationError

import oxyde

from ..exceptions import AdminError, ConflictError, InvalidDataError
from ..problems import entries_of
from .message import Response
from .reply import json_response

__all__ = ["UnauthorizedError", "error_response", "internal_error", "method_error", "unknown_path"]

log = logging.getLogger("oxyde_admin")


class UnauthorizedError(AdminError):
    """Nobody is logged in."""

    status, code, detail = 401, "unauthorized", "Unauthorized"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


def unknown_path() -> AdminError:
    """404 for a path that is nobody's."""
    return AdminError("There is nothing at this path.", status=404, code="unknown_path")


def method_error(allowed: list[str]) -> AdminError:
    """405 naming what is allowed."""
    return AdminError(
        "This path does not know the method.",
        status=405,
        code="method",
        headers={"Allow": ", ".join(allowed)},
    )


def _database(detail: str, code: str = "database") -> AdminError:
    return AdminError(detail, status=503, code=code)


_BUSY = "The database took too long. Narrow the search, or try again."
_AWAY = "The database cannot answer at the moment."

# The first class that fits; details of the database stay in the log.
_OF_THE_DATABASE: tuple[tuple[type[BaseException], Any], ...] = (
    (oxyde.UniqueViolationError, lambda: ConflictError("Another record has this value already.")),
    (oxyde.ForeignKeyViolationError, lambda: ConflictError("A related record is missing or still in use.")),
    (oxyde.IntegrityError, ConflictError),
    (oxyde.DataError, lambda: InvalidDataError("A value does not fit its column.")),
    (oxyde.PoolTimeoutError, lambda: _database(_AWAY)),
    (oxyde.QueryCanceled, lambda: _database(_BUSY, "timeout")),
    (oxyde.LockTimeout, lambda: _database(_BUSY, "timeout")),
    (oxyde.TransactionTimeoutError, lambda: _database(_BUSY, "timeout")),
    (oxyde.DatabaseError, lambda: _database(_AWAY)),
    (oxyde.InterfaceError, lambda: _database(_AWAY)),
)


def translated(error: BaseException) -> AdminError | None:
    """The refusal that an exception means, None if it is a fault of the panel or of a hook."""
    if isinstance(error, AdminError):
        return error
    if isinstance(error, ValidationError):
        return InvalidDataError(errors=entries_of(error))
    for kind, make in _OF_THE_DATABASE:
        if isinstance(error, kind):
            refusal: AdminError = make()
            return refusal
    return None


async def error_response(error: Exception, request_id: str) -> Response:
    """The answer to a request that ended with `error`."""
    refusal = translated(error)
    if refusal is None:
        log.error("request %s failed", request_id, exc_info=error)
        return await internal_error(request_id)
    if refusal.status == 503:
        log.warning("request %s: %s: %s", request_id, type(error).__name__, error)
    if isinstance(refusal, UnauthorizedError):
        response = await json_response({"detail": refusal.detail}, 401)
        return response.with_headers(refusal.headers)
    errors = [dict(entry) for entry in refusal.errors]
    content = {
        "detail": errors if refusal.status == 422 else refusal.detail,
        "code": refusal.code,
        "errors": errors,
        "request_id": request_id,
        **refusal.extra,
    }
    response = await json_response(content, refusal.status)
    return response.with_headers(refusal.headers)


async def internal_error(request_id: str) -> Response:
    """500; what happened is in the log under the same id."""
    content = {
        "detail": "The panel failed. The log knows more under the id of this request.",
        "code": "internal",
        "errors": [],
        "request_id": request_id,
    }
    return await json_response(content, 500)
