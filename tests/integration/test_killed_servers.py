"""kill -9 of a server in the middle of work, and its restart."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import instances
import pytest
import pytest_asyncio
import servers
import torture
from torture import Account, World

from oxyde import DatabaseError, OperationalError, PoolSettings, atomic, db, execute_raw
from oxyde.exceptions import CommitUnknownError, ConnectionLostError

SETTINGS = {"connect_timeout": 2.0, "cancel_timeout": 0.5, "statement_timeout": 10.0, "acquire_timeout": 5.0}

Killable = tuple[servers.Server, instances.Instance]


@pytest_asyncio.fixture
async def world(killable: Killable) -> AsyncIterator[World]:
    async with torture.world_of(killable[0], **SETTINGS) as world:
        yield world


async def in_thread(call: object) -> None:
    await asyncio.to_thread(call)  # type: ignore[arg-type]


async def test_killed_under_load(killable: Killable, world: World) -> None:
    _, instance = killable
    unknown: set[str] = set()
    failed: set[str] = set()
    stopping = False
    slowest = 0.0

    async def worker() -> None:
        nonlocal slowest
        while not stopping:
            token = world.token()
            began = time.monotonic()
            try:
                await torture.SCENARIOS["transfer"](world, token)
            except CommitUnknownError:
                unknown.add(token)
            except DatabaseError as error:
                assert isinstance(error, OperationalError), error
                failed.add(token)
                await asyncio.sleep(0.01)
            slowest = max(slowest, time.monotonic() - began)

    workers = [asyncio.create_task(worker()) for _ in range(6)]
    for _ in range(2):
        await asyncio.sleep(0.4)
        await in_thread(instance.kill)
        await asyncio.sleep(0.3)
        before = len(world.committed)
        await in_thread(instance.start)
        end = time.monotonic() + 10
        while len(world.committed) < before + 5:
            assert time.monotonic() < end, "the pool does not recover by itself"
            await asyncio.sleep(0.02)
    stopping = True
    await asyncio.wait_for(asyncio.gather(*workers), 15)
    assert slowest < 10
    assert failed
    await torture.sound(world)
    there = {token for (token,) in world.server.rows("SELECT token FROM ledger")}
    assert not failed & there, "reported as failed, but committed"
    assert there <= world.committed | unknown


async def test_killed_while_a_statement_runs(killable: Killable, world: World) -> None:
    _, instance = killable
    task = asyncio.create_task(execute_raw(world.echo(9), ["x"]))
    await asyncio.sleep(0.2)
    await in_thread(instance.kill)
    with pytest.raises(ConnectionLostError):
        await asyncio.wait_for(task, 3)
    with pytest.raises(OperationalError):
        await execute_raw(world.echo(), ["y"])
    await in_thread(instance.start)
    world.answer(await execute_raw(world.echo(), ["z"]), "z")
    await torture.sound(world)


async def test_killed_inside_a_block(killable: Killable, world: World) -> None:
    _, instance = killable
    with pytest.raises(OperationalError):
        async with atomic():
            await Account.objects.filter(id=0).increment("balance", 99)
            await in_thread(instance.kill)
            with contextlib.suppress(OperationalError):
                await Account.objects.filter(id=1).increment("balance", 99)
            await Account.objects.filter(id=2).increment("balance", 99)
    await in_thread(instance.start)
    await torture.sound(world)


async def test_restarted_while_idle(killable: Killable, world: World) -> None:
    _, instance = killable
    await torture.full_capacity(world)
    await in_thread(instance.stop)
    await in_thread(instance.start)
    for number in range(2 * torture.POOL):
        world.answer(await execute_raw(world.echo(), [str(number)]), str(number))


async def test_connect_waits_for_a_server_that_starts(killable: Killable) -> None:
    server, instance = killable
    await in_thread(instance.stop)
    impatient = db.AsyncDatabase(server.url, auto_register=False)
    began = time.monotonic()
    with pytest.raises(OperationalError):
        await impatient.connect()
    assert time.monotonic() - began < 2
    patient = db.AsyncDatabase(server.url, auto_register=False, settings=PoolSettings(connect_retry=30))
    connecting = asyncio.create_task(patient.connect())
    await asyncio.sleep(0.5)
    assert not connecting.done()
    await in_thread(instance.start)
    await asyncio.wait_for(connecting, 15)
    assert await patient.ping() > 0
    await patient.disconnect()
