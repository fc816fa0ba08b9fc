"""PostgreSQL: plain reads that share a connection do not touch each other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import servers
import torture
from torture import Account, World

from oxyde import DataError, Field, Model, PoolSettings, atomic, db


class Slow(Model):
    """A view whose rows take some milliseconds each."""

    id: int = Field(db_pk=True)

    class Meta:
        is_table = True
        table_name = "slow"


class Wrong(Model):
    """A view whose rows cannot be computed."""

    id: int = Field(db_pk=True)

    class Meta:
        is_table = True
        table_name = "wrong"


@pytest_asyncio.fixture(params=[1, 2], ids=["one connection", "two"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    with servers.fresh_database("postgres") as server:
        async with torture.world_of(server, max_connections=request.param) as world:
            server.rows(
                "CREATE VIEW slow AS SELECT n + length(pg_sleep(0.004)::text) AS id "
                "FROM generate_series(1, 100) AS n OFFSET 0"
            )
            server.rows("CREATE VIEW wrong AS SELECT 1 / (n - n) AS id FROM generate_series(1, 3) AS n")
            yield world
            await torture.sound(world)


async def fast(number: int) -> None:
    torture.same((await Account.objects.get(id=number % 6)).id, number % 6)


async def slow(rows: int) -> None:
    torture.same(len(await Slow.objects.limit(rows).all()), rows)


async def test_everybody_gets_his_own(world: World) -> None:
    calls = (slow(2) if number % 5 == 0 else fast(number) for number in range(200))
    await asyncio.wait_for(asyncio.gather(*calls), 20)


async def test_one_that_fails_fails_alone(world: World) -> None:
    async def one(number: int) -> None:
        if number % 4:
            await fast(number)
        else:
            with pytest.raises(DataError, match="division by zero"):
                await Wrong.objects.all()

    await asyncio.gather(*(one(number) for number in range(100)))


async def test_cancelled_ones_hurt_nobody(world: World, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(6):
        tasks = [
            asyncio.create_task(slow(draw.randint(1, 8)) if draw.random() < 0.4 else fast(number))
            for number in range(30)
        ]
        victims = set(draw.sample(tasks, 10))
        for victim in draw.sample(sorted(victims, key=tasks.index), 10):
            await asyncio.sleep(draw.expovariate(1 / 0.004))
            victim.cancel()
        outcomes = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        for task, outcome in zip(tasks, outcomes, strict=True):
            if task in victims:
                assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome
            else:
                assert outcome is None, outcome


async def test_timeouts_hit_only_who_is_late(world: World) -> None:
    async def late() -> None:
        with pytest.raises((TimeoutError, asyncio.TimeoutError)):
            await asyncio.wait_for(slow(90), 0.05)

    await asyncio.gather(late(), *(fast(number) for number in range(40)), late(), slow(3))


async def test_blocks_are_alone(world: World) -> None:
    async def block(number: int) -> None:
        async with atomic():
            await torture.move(f"b{number}", 0, 1, 1)

    await asyncio.gather(*(block(number) if number % 3 == 0 else fast(number) for number in range(60)))
    assert len(world.server.rows("SELECT token FROM ledger")) == 20


async def test_it_can_be_turned_off(world: World) -> None:
    settings = PoolSettings(max_connections=1, pg_pipeline=False)
    async with db.connect(world.server.url, name="alone", settings=settings) as database:
        waiting = asyncio.gather(*(Slow.objects.limit(3).all(using="alone") for _ in range(5)))
        await asyncio.sleep(0.01)
        assert database.stats().waiting == 4
        await waiting
