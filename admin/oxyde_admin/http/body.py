"""Reading request bodies within limits of size, time and shape (contract, 6.2)."""

from __future__ import annotations

import asyncio
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from ..exceptions import AdminError
from .message import BodyTooLongError

if TYPE_CHECKING:
    from .message import Request

__all__ = ["decode", "expect", "parse_object", "read"]

DEPTH = 64
DIGITS = 4300  # of one number; Python itself refuses longer integers as text
IN_THREAD = 64 * 1024  # bytes from which parsing would hold the event loop noticeably

# Never fails once it has begun: a string without an end would be tried from each quote in it.
_STRINGS = re.compile(r'"(?:[^"\\]+|\\.)*"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[{]|[\]}]")


def expect(request: Request, media_type: str) -> None:
    """Raises 415 unless the body is declared as that type, in UTF-8."""
    declared, *parameters = (request.header("content-type") or "").split(";")
    charsets = [
        value.strip().strip('"').lower()
        for name, _, value in (parameter.partition("=") for parameter in parameters)
        if name.strip().lower() == "charset"
    ]
    if declared.strip().lower() != media_type or any(
        charset not in ("utf-8", "utf8") for charset in charsets
    ):
        raise AdminError(f"The body must be {media_type} in UTF-8.", status=415, code="media_type")


async def read(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body. 413 when it is longer than `limit`, 408 when it takes longer than `seconds`."""
    declared = request.header("content-length")
    if declared is not None and declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        raise _too_large(limit)
    if request.body is None:
        return b""
    try:
        return await asyncio.wait_for(_collect(request, limit), seconds)
    except BodyTooLongError:
        raise _too_large(limit) from None
    except asyncio.TimeoutError:
        raise AdminError("The body arrived too slowly.", status=408, code="slow_body") from None


async def _collect(request: Request, limit: int) -> bytes:
    collected = bytearray()
    assert request.body is not None
    async for chunk in request.body:
        collected += chunk
        if len(collected) > limit:
            raise _too_large(limit)
    return bytes(collected)


def _too_large(limit: int) -> AdminError:
    return AdminError(f"The body is longer than {limit} bytes.", status=413, code="too_large")


def decode(raw: bytes) -> str:
    """Bytes as UTF-8 text, or 400."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad_json("The body is not UTF-8.") from None


async def parse_object(raw: bytes) -> dict[str, Any]:
    """A JSON object. 400 for anything else, NaN and more than 64 levels included."""
    value = await asyncio.to_thread(_parse, raw) if len(raw) > IN_THREAD else _parse(raw)
    if not isinstance(value, dict):
        raise AdminError("The body must be a JSON object.", code="bad_body")
    return value


def _parse(raw: bytes) -> Any:
    text = decode(raw)
    if _depth(text) > DEPTH:
        raise _bad_json(f"The body is nested deeper than {DEPTH} levels.")
    try:
        return json.loads(text, parse_float=_fraction, parse_int=_integer, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise _bad_json("The body is not JSON.") from None


def _depth(text: str) -> int:
    """How deep brackets outside of strings are nested."""
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
        if deepest > DEPTH:
            break
    return deepest


def _integer(digits: str) -> int:
    if len(digits) > DIGITS:
        raise _bad_json(f"A number has more than {DIGITS} digits.")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    number = Decimal(digits)
    # 1e999999999 is ten characters here, and a gigabyte once somebody makes an integer of it.
    if len(digits) > DIGITS or abs(number.adjusted()) > DIGITS:
        raise _bad_json(f"A number has more than {DIGITS} digits.")
    return number


def _constant(name: str) -> NoReturn:
    raise _bad_json(f"{name} is no JSON.")


def _bad_json(detail: str) -> AdminError:
    return AdminError(detail, code="bad_json")
