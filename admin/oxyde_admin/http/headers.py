"""Headers that every answer carries (contract, 13)."""

from __future__ import annotations

from string import punctuation
from urllib.parse import quote

from .message import Response

__all__ = ["finish"]

_WITHOUT_BODY = (204, 304)
_PRINTABLE = punctuation + " "


def finish(response: Response, request_id: str, *, head: bool, api: bool) -> Response:
    """Adds what is common; for HEAD takes the body away and leaves its headers."""
    present = {name for name, _ in response.headers}
    if isinstance(response.body, bytes) and response.status not in _WITHOUT_BODY:
        response.headers.append(("content-length", str(len(response.body))))
        if head:
            response.body = b""
    if api and "cache-control" not in present:
        response.headers.append(("cache-control", "no-store"))
    response.headers += [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-request-id", request_id),
    ]
    response.headers = [(name, _in_one_line(value)) for name, value in response.headers]
    return response


def _in_one_line(value: str) -> str:
    """A value of plain signs; anything else, a line's end above all, is percent-encoded."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=_PRINTABLE)
