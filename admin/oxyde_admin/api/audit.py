"""Routes of history: of the whole panel, and of one record (contract, 10)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING

from ..audit import read
from ..exceptions import InvalidParameterError
from ..http.call import Call, Route
from ..http.reply import json_response

if TYPE_CHECKING:
    from ..http.message import Response

__all__ = ["ROUTES"]

INT64 = range(1 << 63)
DAY = timedelta(days=1)


async def show_audit(call: Call) -> Response:
    """What happened in the panel, newest first."""
    read.require_audit(call)
    wanted = read.Wanted(
        model=call.argument("model") or None,
        pk=call.argument("pk") or None,
        user=call.argument("user") or None,
        action=call.argument("action") or None,
        since=_moment(call, "from"),
        until=_moment(call, "to", days_end=True),
        after=_position(call),
    )
    return await _answer(await read.page(call, wanted))


async def show_history(call: Call) -> Response:
    """What happened to one record, newest first."""
    read.require_audit(call)
    rights = call.rights(action="history")
    return await _answer(await read.history(call, rights, call.params["pk"], _position(call)))


async def _answer(page: read.Page) -> Response:
    return await json_response({"items": page.items, "next": None if page.next is None else str(page.next)})


def _position(call: Call) -> int | None:
    text = call.argument("after")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) in INT64):
        raise InvalidParameterError("after is no position of this list.")
    return int(text)


def _moment(call: Call, name: str, *, days_end: bool = False) -> datetime | None:
    """A moment, or a day: `from` its beginning, `to` its end. Without a zone it is UTC."""
    text = call.argument(name)
    if not text:
        return None
    try:
        if len(text) <= len("2031-05-06"):
            day = datetime.combine(date.fromisoformat(text), time(), timezone.utc)
            return day + DAY if days_end else day
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)).astimezone(
            timezone.utc
        )
    except (ValueError, OverflowError):
        raise InvalidParameterError(f"{name} is no date and no time.") from None


ROUTES = (
    Route("GET", "/api/-/audit", show_audit, reads="all"),
    Route("GET", "/api/{m}/{pk}/-/history", show_history, reads="model"),
)
