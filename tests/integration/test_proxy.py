"""The proxy itself: what the tests of faults build on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from proxy import Plan, Proxy


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


async def answer(proxy: Proxy, words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(words)
        got = b""
        while len(got) < len(words):
            more = await asyncio.wait_for(reader.read(1000), 0.3)
            if not more:
                break
            got += more
        return got
    finally:
        writer.close()


async def test_it_forwards(proxy: Proxy) -> None:
    assert await answer(proxy, b"0123456789") == b"0123456789"
    proxy.split = random.Random(1)
    assert await answer(proxy, b"0123456789" * 50) == b"0123456789" * 50


async def test_it_cuts_and_closes_at_the_byte(proxy: Proxy) -> None:
    proxy.plan = Plan(after=4, act="cut")
    assert await answer(proxy, b"0123456789") == b"0123"
    proxy.plan = Plan(after=4, towards="server", act="garble", once=True)
    assert await answer(proxy, b"0123456789") == b"0123" + bytes(byte ^ 255 for byte in b"456789")
    assert await answer(proxy, b"0123456789") == b"0123456789"


async def test_it_resets_and_stalls(proxy: Proxy) -> None:
    proxy.plan = Plan(after=4, act="reset")
    with pytest.raises(ConnectionResetError):
        await answer(proxy, b"0123456789")
    proxy.plan = Plan(after=4, act="stall")
    with pytest.raises(asyncio.TimeoutError):
        await answer(proxy, b"0123456789")
