"""Building answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

from .message import Response

__all__ = ["attachment", "json_response", "no_content"]

HEAVY = 256 * 1024
"""Signs from which encoding would hold the event loop noticeably."""
LIGHTEST = 8
"""Signs that a value costs at least, about."""


async def json_response(content: Any, status: int = 200) -> Response:
    """JSON in UTF-8. `content` is made of what `values` gives: no NaN, no objects, names are text."""
    if _weight(content) < HEAVY:
        body = _encoded(content)
    else:
        body = await asyncio.to_thread(lambda: b"".join(_pieces(content)))
    return Response(status, [("content-type", "application/json")], body)


def _weight(content: Any) -> int:
    """About how many signs the text will have; no more is counted than what makes it heavy."""
    total, left = 0, [content]
    while left and total < HEAVY:
        part = left.pop()
        if isinstance(part, str):
            total += len(part)
        elif isinstance(part, dict):
            left += part.values()
        elif isinstance(part, (list, tuple)):
            left += part
        total += LIGHTEST
    return total


def _pieces(content: Any) -> Iterator[bytes]:
    """The text in parts. Encoding is one call that lets no other thread run, so none may be heavy."""
    if _weight(content) < HEAVY:
        yield _encoded(content)
    elif isinstance(content, str):
        yield b'"'
        yield from (_encoded(content[at : at + HEAVY])[1:-1] for at in range(0, len(content), HEAVY))
        yield b'"'
    else:
        first, last = (b"{", b"}") if isinstance(content, dict) else (b"[", b"]")
        yield first
        yield from _members(list(content.items()) if isinstance(content, dict) else content, first == b"{")
        yield last


def _members(members: list[Any], named: bool) -> Iterator[bytes]:
    """What stands between the brackets: halves until they are light, or a single heavy member."""
    if _weight(members) < HEAVY:
        yield _encoded(dict(members) if named else members)[1:-1]
    elif len(members) > 1:
        middle = len(members) // 2
        yield from _members(members[:middle], named)
        yield b","
        yield from _members(members[middle:], named)
    elif named:
        name, member = members[0]
        yield _encoded(name) + b":"
        yield from _pieces(member)
    else:
        yield from _pieces(members[0])


def _encoded(content: Any) -> bytes:
    # Lone surrogates, which SQLite and MySQL may hold, have no UTF-8: they stay escaped.
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


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
