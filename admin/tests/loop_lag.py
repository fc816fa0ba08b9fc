"""How long the event loop was held by one thing at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Lag", "watched_loop"]

TICK = 0.002


class Lag:
    """`longest` are seconds in which nothing else could run."""

    longest = 0.0


@asynccontextmanager
async def watched_loop() -> AsyncIterator[Lag]:
    """Measures while the block runs; what it is held by before the first turn counts too."""
    lag = Lag()

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK)
            now = time.perf_counter()
            lag.longest = max(lag.longest, now - last - TICK)
            last = now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    try:
        yield lag
        await asyncio.sleep(TICK)
    finally:
        ticking.cancel()
        await asyncio.wait([ticking])
