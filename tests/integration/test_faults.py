"""Lines that break at any byte: every caller gets a clear answer in time, nothing is torn, the pool heals."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
import pytest_asyncio
import servers
import torture
from proxy import Plan, Proxy
from torture import Account, Item, World

from oxyde import DatabaseError, OperationalError, PoolSettings, atomic, db, execute_raw
from oxyde.exceptions import CommitUnknownError, ConnectionLostError, StatementTimeout

# An attempt to connect that is not disturbed must get through on a machine under load, too.
PATIENT = {"connect_timeout": 4.0, "cancel_timeout": 0.4, "statement_timeout": 1.0, "acquire_timeout": 8.0}
BOUND = 10.0  # no call may take longer, whatever the line does
ACTS = ("close", "reset", "cut")


async def in_time(call: Awaitable[Any], seconds: float = BOUND) -> Any:
    """The result or the oxyde error of a call that must end by itself in time."""
    began = time.monotonic()
    try:
        return await asyncio.wait_for(call, seconds + 5)
    except DatabaseError as error:
        return error
    finally:
        took = time.monotonic() - began
        assert took < seconds, f"it took {took:.1f} s"


@pytest_asyncio.fixture
async def proxy(empty_network: servers.Server) -> AsyncIterator[Proxy]:
    async with Proxy(empty_network.port) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def world(empty_network: servers.Server, proxy: Proxy) -> AsyncIterator[World]:
    """The accounts, reached through the proxy; looked at around it."""
    async with torture.world_of(empty_network, **PATIENT, through=proxy.port) as world:
        yield world
        proxy.plan = None
        proxy.refusing = False


def handle(world_or_url: str, **settings: Any) -> db.AsyncDatabase:
    return db.AsyncDatabase(
        world_or_url, auto_register=False, settings=PoolSettings(max_connections=2, **{**PATIENT, **settings})
    )


# --- connecting -----------------------------------------------------------------------------------


async def test_connecting_breaks_at_any_byte(empty_network: servers.Server, proxy: Proxy, seed: int) -> None:
    draw = random.Random(seed)
    url = empty_network.at(proxy.port).url
    failures = 0
    for _ in range(25):
        plan = Plan(draw.randrange(400), draw.choice(("client", "server")), draw.choice((*ACTS, "garble")))  # type: ignore[arg-type]
        proxy.plan = plan
        database = handle(url)
        outcome = await in_time(database.connect())
        if outcome is not None:
            assert isinstance(outcome, DatabaseError), (plan, outcome)
            assert not database.connected
            failures += 1
        proxy.plan = None
        await in_time(database.disconnect())
    assert failures > 5
    database = handle(url)
    await database.connect()
    await database.disconnect()


async def test_connecting_to_silence_ends_in_time(empty_network: servers.Server, proxy: Proxy) -> None:
    for after in (0, 5, 60):
        proxy.plan = Plan(after, "client", "stall")
        database = handle(empty_network.at(proxy.port).url, connect_timeout=0.5)
        began = time.monotonic()
        with pytest.raises(OperationalError, match="timed out"):
            await database.connect()
        assert 0.3 < time.monotonic() - began < 2
        await database.disconnect()


# --- statements -------------------------------------------------------------------------------------


async def test_a_query_breaks_at_any_byte(world: World, proxy: Proxy, seed: int) -> None:
    draw = random.Random(seed)
    broken = 0
    for number in range(40):
        token = f"{seed}-{number}"
        plan = Plan(draw.randrange(160), draw.choice(("client", "server")), draw.choice(ACTS))  # type: ignore[arg-type]
        proxy.plan = plan
        outcome = await in_time(execute_raw(world.echo(), [token]))
        if isinstance(outcome, DatabaseError):
            assert isinstance(outcome, OperationalError), (plan, outcome)
            broken += 1
        else:
            world.answer(outcome, token)
        proxy.plan = None
        world.answer(await in_time(execute_raw(world.echo(), [f"after {token}"])), f"after {token}")
    assert broken > 5
    await torture.sound(world)


async def test_bytes_turned_over_never_hang(world: World, proxy: Proxy, seed: int) -> None:
    draw = random.Random(seed)
    for number in range(15):
        proxy.plan = Plan(draw.randrange(120), "client", "garble")
        await in_time(execute_raw(world.echo(), [str(number)]))
        proxy.plan = None
        proxy.drop()
        world.answer(await in_time(execute_raw(world.echo(), ["after"])), "after")
    await torture.sound(world)


async def test_transactions_break_at_any_byte(world: World, proxy: Proxy, seed: int) -> None:
    draw = random.Random(seed)
    unknown: set[str] = set()
    failed: set[str] = set()
    for number in range(40):
        token = world.token()
        proxy.plan = Plan(draw.randrange(1200), draw.choice(("client", "server")), draw.choice(ACTS))  # type: ignore[arg-type]
        outcome = await in_time(torture.SCENARIOS["transfer"](world, token))
        if isinstance(outcome, CommitUnknownError):
            unknown.add(token)
        elif isinstance(outcome, DatabaseError):
            assert isinstance(outcome, OperationalError), outcome
            failed.add(token)
        proxy.plan = None
        if number % 5 == 0:
            world.answer(await in_time(execute_raw(world.echo(), ["after"])), "after")
    await torture.sound(world)
    there = {token for (token,) in world.server.rows("SELECT token FROM ledger")}
    assert not failed & there, "reported as failed, but committed"
    assert failed
    assert world.committed <= there <= world.committed | unknown


async def test_an_answer_to_commit_that_is_lost_leaves_the_outcome_unknown(
    world: World, proxy: Proxy
) -> None:
    async with atomic():  # from now on nothing needs to be prepared
        await Item.objects.create(token="first")
    with pytest.raises(CommitUnknownError):
        async with atomic():
            await Item.objects.create(token="arrived")
            proxy.plan = Plan(0, "client", "cut")
    proxy.plan = None
    assert world.server.rows("SELECT note FROM items WHERE token = 'arrived'") == [("",)]
    with pytest.raises((CommitUnknownError, ConnectionLostError)):
        async with atomic():
            await Item.objects.create(token="never")
            proxy.plan = Plan(0, "server", "close")
    proxy.plan = None
    assert world.server.rows("SELECT note FROM items WHERE token = 'never'") == []
    await torture.sound(world)


async def test_a_commit_to_silence_ends_in_time(world: World, proxy: Proxy) -> None:
    async def block() -> None:
        async with atomic():
            await Item.objects.create(token="silence")
            proxy.plan = Plan(0, "client", "stall")

    assert isinstance(await in_time(block()), CommitUnknownError)
    proxy.plan = None
    await torture.sound(world)


# --- silence -------------------------------------------------------------------------------------


async def test_silence_becomes_a_statement_timeout(world: World, proxy: Proxy) -> None:
    proxy.plan = Plan(0, "client", "stall")
    began = time.monotonic()
    with pytest.raises(StatementTimeout):
        await execute_raw(world.echo(), ["x"])
    assert 0.9 < time.monotonic() - began < 3
    proxy.plan = None
    world.answer(await in_time(execute_raw(world.echo(), ["y"])), "y")
    await torture.sound(world)


async def test_cancelling_in_silence_returns_at_once(world: World, proxy: Proxy) -> None:
    for _ in range(torture.POOL):
        proxy.plan = Plan(0, "client", "stall")
        began = time.monotonic()
        with pytest.raises((TimeoutError, asyncio.TimeoutError)):
            await asyncio.wait_for(execute_raw(world.echo(), ["x"]), 0.1)
        assert time.monotonic() - began < 0.5
    proxy.plan = None
    await torture.sound(world)


# --- pieces ---------------------------------------------------------------------------------------


async def test_answers_in_pieces_are_whole(world: World, proxy: Proxy, seed: int) -> None:
    proxy.split = random.Random(seed)
    big = "x" * 50_000
    world.answer(await execute_raw(world.echo(), [big]), big)
    await Item.objects.bulk_create(
        [Item(token=f"many-{number:04}", note=str(number)) for number in range(500)]
    )
    rows = await Item.objects.filter(token__startswith="many").order_by("token").all()
    assert [row.note for row in rows] == [str(number) for number in range(500)]
    for name in ("transfer", "many_at_once", "write_item", "transfer_with_savepoints"):
        await torture.SCENARIOS[name](world, world.token())
    proxy.split = None
    await torture.sound(world)


# --- connections that went away ----------------------------------------------------------------------


async def test_idle_connections_that_were_cut_are_replaced_silently(world: World, proxy: Proxy) -> None:
    for reset in (True, False):
        await torture.full_capacity(world)
        proxy.drop(reset=reset)
        await asyncio.sleep(0.05)
        for number in range(torture.POOL * 2):
            world.answer(await execute_raw(world.echo(), [str(number)]), str(number))


async def test_a_server_that_refuses_fails_at_once_and_heals_at_once(world: World, proxy: Proxy) -> None:
    proxy.refusing = True
    proxy.drop()
    await asyncio.sleep(0.05)
    began = time.monotonic()
    outcomes = await asyncio.gather(
        *(in_time(execute_raw(world.echo(), ["x"])) for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(outcome, OperationalError) for outcome in outcomes), outcomes
    assert time.monotonic() - began < 4
    proxy.refusing = False
    # An attempt that began before may fail just now: that is nobody's any more.
    world.answer(await in_time(execute_raw(world.echo(), ["back"])), "back")
    await torture.sound(world)


async def test_a_line_lost_in_a_block_ends_the_block(world: World, proxy: Proxy) -> None:
    with pytest.raises(OperationalError):
        async with atomic():
            await Account.objects.filter(id=0).increment("balance", 99)
            proxy.drop()
            await asyncio.sleep(0.05)
            with contextlib.suppress(ConnectionLostError):
                await Account.objects.filter(id=0).increment("balance", 99)
            await Account.objects.filter(id=1).increment("balance", 99)
    await torture.sound(world)
