"""One shape for everything that goes wrong: `{"detail": text, "code": word}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from oxyde import (
    DatabaseError,
    DataError,
    FieldLookupValueError,
    ForeignKeyViolationError,
    IntegrityError,
    NotFoundError,
    UniqueViolationError,
)


class Error(BaseModel):
    """What every answer but a success holds."""

    detail: str
    code: str


class Problem(Exception):
    """An answer that is no success; raise it anywhere."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


def missing(what: str) -> Problem:
    """404: there is no such thing."""
    return Problem(404, "not_found", f"There is no such {what}.")


def forbidden() -> Problem:
    """403: somebody else may."""
    return Problem(403, "forbidden", "Your role does not allow this.")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses for the OpenAPI document; invalid input is possible everywhere."""
    return {status: {"model": Error} for status in (422, *statuses)}


# What the ORM raises about somebody's input; the first class that fits decides.
DATABASE: tuple[tuple[type[Exception], int, str, str], ...] = (
    (UniqueViolationError, 409, "taken", "This name, address or key is taken."),
    (ForeignKeyViolationError, 422, "unknown_reference", "Something that is referred to does not exist."),
    (IntegrityError, 422, "invalid", "The values break a rule of the database."),
    (DataError, 422, "invalid", "The database cannot hold one of the values."),
    (FieldLookupValueError, 422, "invalid", "A value cannot be looked for."),
    (NotFoundError, 404, "not_found", "There is no such thing."),
    (DatabaseError, 503, "database", "The database does not answer as it should; try again."),
)
HTTP_CODES: Mapping[int, str] = {404: "not_found", 405: "method", 401: "unauthorized"}


def install(app: FastAPI) -> None:
    """Makes the application answer in this shape only."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    for kind, *_ in DATABASE:
        app.add_exception_handler(kind, _database)


def _answer(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail, "code": code}, status, headers)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return _answer(error.status, error.code, error.detail, headers)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # FastAPI says 400 of a body that it cannot read at all.
    status = 422 if error.status_code == 400 else error.status_code
    return _answer(status, HTTP_CODES.get(status, "invalid"), str(error.detail), error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | ValidationError)
    texts = [f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors()]
    return _answer(422, "invalid", "; ".join(texts[:10]))


async def _database(_: Request, error: Exception) -> JSONResponse:
    status, code, detail = next(rest for kind, *rest in DATABASE if isinstance(error, kind))
    return _answer(int(str(status)), str(code), str(detail))
