"""Bodies within limits of type, size, time and shape (contract, 6.2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from client import Client

from oxyde_admin.exceptions import AdminError
from oxyde_admin.http.body import expect, parse_object, read
from oxyde_admin.http.message import BodyTooLongError, ClientGoneError, Request


def request(*pieces: bytes, kind: str | None = "application/json", length: str | None = None) -> Request:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    headers = [("content-type", kind)] if kind is not None else []
    headers += [("content-length", length)] if length is not None else []
    return Request("POST", "/", headers=tuple(headers), body=body())


async def refusal(awaitable: Any) -> tuple[int, str]:
    with pytest.raises(AdminError) as raised:
        await awaitable
    return raised.value.status, raised.value.code


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json; profile=x",
    ],
)
def test_json_is_taken_as(kind: str) -> None:
    expect(request(kind=kind), "application/json")


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/merge-patch+json",
        "application/json; charset=latin-1",
        "text/plain; application/json",
    ],
)
def test_other_types_are_415(kind: str | None) -> None:
    with pytest.raises(AdminError) as raised:
        expect(request(kind=kind), "application/json")
    assert (raised.value.status, raised.value.code) == (415, "media_type")


async def test_numbers_keep_their_digits() -> None:
    text = b'{"a": 12345678901234567890123, "b": 0.1000000000000000000001, "c": 1e400, "d": -0.0}'
    parsed = await parse_object(text)
    assert parsed["a"] == 12345678901234567890123
    assert parsed["b"] == Decimal("0.1000000000000000000001")
    assert parsed["c"] == Decimal("1e400")
    assert str(parsed["d"]) == "-0.0"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\x00"}',
        b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}",
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1e999999999}',
        b'{"a": 1e-999999999}',
        '{"a": 1}'.encode("utf-16"),
    ],
    ids=lambda text: repr(text[:20]),
)
async def test_what_is_no_json_is_400(text: bytes) -> None:
    assert await refusal(parse_object(text)) == (400, "bad_json")


@pytest.mark.parametrize("text", [b"[]", b"1", b"null", b'"a"', b"[{}]"])
async def test_json_that_is_no_object_is_400(text: bytes) -> None:
    assert await refusal(parse_object(text)) == (400, "bad_body")


async def test_64_levels_are_allowed_and_brackets_in_texts_are_no_levels() -> None:
    assert await parse_object(b'{"a": ' + b"[" * 63 + b"]" * 63 + b"}")
    assert await parse_object(b'{"a": "' + b"[" * 100 + b'\\"' + b"{" * 100 + b'"}')


async def test_a_body_is_read_up_to_the_limit() -> None:
    assert await read(request(b"ab", b"", b"cd"), 4, 1) == b"abcd"
    assert await refusal(read(request(b"ab", b"cde"), 4, 1)) == (413, "too_large")


async def test_a_declared_length_is_refused_before_reading() -> None:
    unread = request(b"never read", length="5")
    assert await refusal(read(unread, 4, 1)) == (413, "too_large")
    assert unread.body is not None
    assert await unread.body.__anext__() == b"never read"
    assert await refusal(read(request(length="9" * 5000), 4, 1)) == (413, "too_large")


async def test_a_body_must_arrive_in_time() -> None:
    async def dripping() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b" "

    started = time.monotonic()
    assert await refusal(read(Request("POST", "/", body=dripping()), 1000, 0.2)) == (408, "slow_body")
    assert time.monotonic() - started < 5


async def test_the_limit_of_the_host_is_413_too() -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"a"
        raise BodyTooLongError

    assert await refusal(read(Request("POST", "/", body=cut()), 1000, 1)) == (413, "too_large")


async def test_a_client_who_goes_while_sending_is_no_fault(client: Client, caplog: Any) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"{"
        raise ClientGoneError

    headers = {"content-type": "application/json"}
    answer = await client.request("POST", "/api/depots", body=broken(), headers=headers)
    assert answer.status == 499
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_large_json_does_not_hold_the_loop() -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0)
    before = beats
    parsed = await parse_object(b'{"a": [' + b",".join([b'{"b": [1, 2]}'] * 60_000) + b"]}")
    during = beats - before
    beating.cancel()
    assert len(parsed["a"]) == 60_000
    assert during > 10


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": "' + b'\\"' * 500_000,
        b'{"a": "' + b'\\"' * 500_000 + b"\\",
        b"{" + b'"' * 1_000_000,
        b"[" * 10 + b"{}," * 300_000,
        b'{"a": "' + b"\\" * 1_000_001,
    ],
    ids=["quotes", "quotes and a backslash", "empty strings", "brackets", "backslashes"],
)
async def test_hostile_texts_are_read_in_linear_time(text: bytes) -> None:
    started = time.process_time()
    assert await refusal(parse_object(text)) == (400, "bad_json")
    assert time.process_time() - started < 5  # quadratic reading would take hours
