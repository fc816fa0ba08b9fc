"""Cancels every public call at every await point, on every server, thousands of times.

OXYDE_SEED chooses one seed, OXYDE_TORTURE_ROUNDS how many random cancellations each seed draws.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections import Counter

import pytest
import servers
import torture
from cancelling import Moment, drive
from memory import resident
from torture import SCENARIOS, World

from oxyde import DatabaseError

ROUNDS = int(os.environ.get("OXYDE_TORTURE_ROUNDS", "700"))
WORKERS = 8


def expected(error: BaseException | None) -> bool:
    """Transactions that ran into each other say so; nothing else may go wrong."""
    return error is None or (isinstance(error, DatabaseError) and bool(error.retryable))


async def one(world: World, name: str, moment: Moment | None, tally: Counter[str]) -> int:
    outcome = await drive(SCENARIOS[name](world, world.token()), moment)
    if not expected(outcome.error):
        raise AssertionError(f"{name}, cancelled at {moment}: {outcome.error!r}") from outcome.error
    tally["cancelled" if outcome.cancelled else "done" if outcome.error is None else "retryable"] += 1
    return outcome.points


async def storm(world: World, seed: int, rounds: int, tally: Counter[str]) -> None:
    """Random calls cancelled at random moments, several at once."""
    draw = random.Random(seed)
    points = {name: await one(world, name, None, tally) for name in sorted(SCENARIOS)}
    drawn = [draw.choice(sorted(SCENARIOS)) for _ in range(rounds)]
    plan = iter([(name, Moment.drawn(draw, max(points[name], 1))) for name in drawn])

    async def worker() -> None:
        for name, moment in plan:
            await one(world, name, moment, tally)

    await asyncio.gather(*(worker() for _ in range(WORKERS)))


async def test_calls_succeed_when_nobody_cancels(empty_database: servers.Server) -> None:
    """Otherwise the other tests would prove nothing."""
    async with torture.world_of(empty_database) as world:
        tally: Counter[str] = Counter()
        for name in SCENARIOS:
            for _ in range(3):
                await one(world, name, None, tally)
        assert tally == {"done": 3 * len(SCENARIOS)}
        assert len(world.committed) == 15
        await torture.sound(world)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_cancelled_at_every_await_point(empty_database: servers.Server, name: str) -> None:
    async with torture.world_of(empty_database) as world:
        tally: Counter[str] = Counter()
        await one(world, name, None, tally)
        points = await one(world, name, None, tally)
        for point in range(1, points + 1):
            for turns, seconds in ((0, 0.0), (1, 0.0), (2, 0.0), (0, 0.0004), (0, 0.0015), (0, 0.006)):
                await one(world, name, Moment(point, turns, seconds), tally)
        # Whether a moment was reached before the answer came is up to the machine: the storms count.
        await torture.sound(world)


async def test_storms_of_cancellations(empty_database: servers.Server, seed: int) -> None:
    async with torture.world_of(empty_database) as world:
        tally: Counter[str] = Counter()
        await storm(world, seed, ROUNDS, tally)
        assert tally["cancelled"] > ROUNDS / 3
        await torture.sound(world)


async def test_storms_leave_no_memory_behind(empty_database: servers.Server) -> None:
    async with torture.world_of(empty_database) as world:
        tally: Counter[str] = Counter()
        for part in range(2):  # caches fill
            await storm(world, part, 250, tally)
        await torture.quiet(world)
        gc.collect()
        objects, memory = len(gc.get_objects()), resident()
        for part in range(3):
            await storm(world, 10 + part, 250, tally)
        await torture.quiet(world)
        gc.collect()
        assert len(gc.get_objects()) - objects < 3000
        assert resident() - memory < 12 << 20
