"""A slice of time: the unit of every measurement here."""

from __future__ import annotations

import time
from typing import Any


async def slice_of(job: Any, seconds: float) -> float:
    """Calls the job for about so many seconds; returns seconds per call."""
    calls, batch = 0, 1
    start = time.perf_counter()
    while True:
        for _ in range(batch):
            await job()
        calls += batch
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return elapsed / calls
        batch = min(batch * 2, max(1, int(calls * (seconds - elapsed) / max(elapsed, 1e-9))) or 1)
