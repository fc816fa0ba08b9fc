"""Building answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from .message import Response

__all__ = ["attachment", "json_response", "no_content"]


def json_response(content: Any, status: int = 200) -> Response:
    """JSON in UTF-8. `content` is made of what `values` gives: no NaN, no objects."""
    # Lone surrogates, which SQLite and MySQL may hold, have no UTF-8: they stay escaped.
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        body = text.encode("utf-8")
    except UnicodeEncodeError:
        body = json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
    return Response(status, [("content-type", "application/json")], body)


def no_content() -> Response:
    """204 without a body."""
    return Response(204)


def attachment(body: bytes | AsyncIterator[bytes], filename: str, media_type: str) -> Response:
    """A download. Never shown inside the page, whatever its type."""
    plain = "".join(c if 32 <= ord(c) < 127 and c not in '"\\/%' else "_" for c in filename)
    disposition = f'attachment; filename="{plain}"'
    if plain != filename:
        disposition += f"; filename*=UTF-8''{quote(filename.encode('utf-8', 'replace'), safe='')}"
    return Response(
        200,
        [
            ("content-type", media_type),
            ("content-disposition", disposition),
            # Should a browser show it after all, it may do nothing there.
            ("content-security-policy", "sandbox; default-src 'none'"),
        ],
        body,
    )
