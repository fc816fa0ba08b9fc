"""What one contender does in its turn: a slice of calls, or calls looked at one by one."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.slices import slice_of
from benchmarks.suite.jobs import Job

NOT_ITS_WORK = "not its kind of work"


class WrongAnswer(Exception):
    """A contender did not do what the job asks for."""


class Local:
    """A contender in this process."""

    def __init__(self, contender: Any) -> None:
        self.contender = contender

    async def open(self, place: Any) -> None:
        await self.contender.open(place)

    async def close(self) -> None:
        await self.contender.close()

    async def attempt(self, job: Job) -> str | None:
        """Does the job once and looks at the answer; why it cannot, if so."""
        call = getattr(self.contender, job.name, None)
        if call is None:
            return NOT_ITS_WORK
        answer = await call()
        if job.checked and len(answer) != job.rows:
            raise WrongAnswer(f"{job.name}: {len(answer)} rows instead of {job.rows}")
        if job.counted and answer != job.rows:
            raise WrongAnswer(f"{job.name}: {answer} rows instead of {job.rows}")
        return None

    async def slice(self, job: Job, seconds: float) -> float:
        """Seconds a call."""
        return await slice_of(getattr(self.contender, job.name), seconds)

    async def calls(self, job: Job, number: int) -> list[float]:
        """Seconds of each of so many calls."""
        call = getattr(self.contender, job.name)
        found = []
        for _ in range(number):
            start = time.perf_counter()
            await call()
            found.append(time.perf_counter() - start)
        return found
