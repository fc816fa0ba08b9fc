"""Headers that every answer carries (contract, 13)."""

from __future__ import annotations

from .message import Response

__all__ = ["finish"]

_WITHOUT_BODY = (204, 304)


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
    return response
