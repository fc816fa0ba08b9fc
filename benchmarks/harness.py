"""Alternating measurement: in each round every contender does the job for one time slice."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks import contenders
from benchmarks.databases import Place
from benchmarks.jobs import Job

OURS = "oxyde"


@dataclass
class Result:
    """Seconds per call of one contender at one job, a figure per round."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The figure to quote."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Ratio:
    """How many times our speed is another's: the median over rounds, and its quartiles."""

    median: float
    low: float
    high: float


def ratio(ours: Result, theirs: Result) -> Ratio:
    """Ratio pair by pair, so that a drift of the machine cancels out."""
    pairs = sorted(b / a for a, b in zip(ours.seconds, theirs.seconds))
    if len(pairs) < 2:
        return Ratio(pairs[0], pairs[0], pairs[0])
    quartiles = statistics.quantiles(pairs, n=4, method="inclusive")
    return Ratio(quartiles[1], quartiles[0], quartiles[2])


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


async def measure(job: Job, runners: dict[str, Any], rounds: int, seconds: float) -> dict[str, Result]:
    """All contenders at one job."""
    results = {name: Result() for name in runners}
    for runner in runners.values():  # warm-up: caches, prepared statements
        await slice_of(getattr(runner, job.name), seconds / 4)
    order = list(runners)
    for round_number in range(rounds):
        turn = round_number % len(order)
        for name in order[turn:] + order[:turn]:
            gc.collect()
            results[name].seconds.append(await slice_of(getattr(runners[name], job.name), seconds))
    return results


async def run(
    database: Any, names: list[str], jobs: list[Job], rounds: int, seconds: float
) -> dict[str, dict[str, Result]]:
    """Every job, every contender; job name -> contender -> result."""
    places: dict[str, Place] = {}
    runners: dict[str, Any] = {}
    results = {}
    try:
        for name in names:
            places[name] = database.prepare(name)
            runner = contenders.make(database.name, name)
            await runner.open(places[name])
            runners[name] = runner
        for job in jobs:
            results[job.name] = await measure(job, runners, rounds, seconds)
            for place in places.values():
                database.clean(place)
            print(f"  {job.title}: {results[job.name][OURS].median * 1e6:,.1f} µs a call", flush=True)
    finally:
        for runner in runners.values():
            await runner.close()
        for place in places.values():
            database.drop(place)
    return results


def chosen_jobs(names: list[str] | None, known_jobs: tuple[Job, ...]) -> list[Job]:
    """Jobs by name, all by default."""
    known = {job.name: job for job in known_jobs}
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        raise SystemExit(f"unknown jobs {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names] if names else list(known_jobs)
