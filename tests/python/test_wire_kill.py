"""How MySQL is told to stop: KILL QUERY over one connection beside the pool, which is kept."""

from __future__ import annotations

import asyncio

import pytest
import servers
from proxy import Proxy
from runtime_support import is_quiet, run, until, value
from wire_support import configured, opened, settings_of

from oxyde import _core

NAMES = [name for name in servers.chosen() if servers.server(name).backend == "mysql"]
MODES = ["disabled", "preferred"]


async def stopped(database: _core.Database) -> None:
    """A statement that is cancelled on the server, in no time."""
    task = asyncio.ensure_future(run(database, "SELECT SLEEP(20)"))
    await until(lambda: database._stats()["busy"] > 0)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await is_quiet(database)
    assert database._stats()["closed"] == 0, "its connection was closed instead"


def behind(name: str, proxy: Proxy, mode: str) -> dict[str, str]:
    return settings_of(name, host="127.0.0.1", port=str(proxy.port), ssl_mode=mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
async def test_one_connection_is_kept_for_it(name: str, mode: str) -> None:
    async with Proxy(servers.available(name).port) as proxy:
        database = configured(name, settings=behind(name, proxy, mode), max=1, cancel_timeout=8)
        await database._open()
        for _ in range(4):
            await stopped(database)
        assert proxy.accepted == 2
        await database._close(1)
        await until(lambda: not proxy.lines)


@pytest.mark.parametrize("name", NAMES)
async def test_another_one_is_opened_when_it_is_lost(name: str) -> None:
    async with (
        Proxy(servers.available(name).port) as proxy,
        opened(name, settings=behind(name, proxy, "disabled"), max=1, cancel_timeout=5) as database,
    ):
        await stopped(database)
        first, second = sorted(proxy.lines, key=lambda line: line.carried["server"])
        first.end(reset=True)  # it has carried less than the pool's
        await asyncio.sleep(0.05)
        await stopped(database)
        assert proxy.accepted == 3
        assert second in proxy.lines


@pytest.mark.parametrize("name", NAMES)
async def test_many_at_once_leave_one(name: str) -> None:
    async with Proxy(servers.available(name).port) as proxy:
        async with opened(
            name, settings=behind(name, proxy, "disabled"), max=4, cancel_timeout=8
        ) as database:
            tasks = [asyncio.ensure_future(run(database, "SELECT SLEEP(20)")) for _ in range(4)]
            await until(lambda: database._stats()["busy"] == 4)
            await asyncio.sleep(0.2)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await is_quiet(database)
            assert database._stats()["closed"] == 0
            await until(lambda: len(proxy.lines) == 5)
            assert await value(database, "SELECT 1") == 1
        await until(lambda: not proxy.lines)
