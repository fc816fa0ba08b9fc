"""One database and one event loop: every contender at every job, in turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.suite import contenders
from benchmarks.suite.contenders import APART, US, Entry
from benchmarks.suite.jobs import Job
from benchmarks.suite.judging import median_ratio
from benchmarks.suite.measuring import NOT_ITS_WORK, Local
from benchmarks.suite.outcome import OURS, Measured, Outcome

LOOKED_AT = 1_000  # single calls in a turn, of jobs with one row: the first ones find everybody's caches cold
OTHERS_LOOK = 0.05  # seconds of it, for those that are not us
SLOW_ROUNDS = 3  # of a contender of which one call lasts longer than a slice


@dataclass(frozen=True)
class Pace:
    """How long to measure."""

    rounds: int
    slice: float


async def measure(job: Job, runners: dict[str, Any], pace: Pace) -> dict[str, Measured]:
    """Turns of one slice each; then, of jobs with one row, turns of single calls."""
    results = {name: Measured() for name in runners}
    order = list(runners)
    rounds = min(pace.rounds, job.rounds or pace.rounds)
    if job.rounds is None:  # prepared statements and caches; a job that lasts long warms itself
        for runner in runners.values():
            await runner.slice(job, pace.slice / 4)
    for number in range(rounds):
        turn = number % len(order)
        for name in order[turn:] + order[:turn]:
            found = results[name].seconds
            if name != OURS and number >= SLOW_ROUNDS and min(found) > pace.slice:
                continue
            gc.collect()
            found.append(await runners[name].slice(job, pace.slice))
    if job.single:
        for _ in range(rounds):
            for name in order:
                gc.collect()
                number = looked_at(name, min(results[name].seconds), pace)
                results[name].calls += await runners[name].calls(job, number)
    return results


def looked_at(name: str, seconds: float, pace: Pace) -> int:
    """How many single calls of a contender a turn takes; a quick look takes fewer."""
    if name == OURS:
        return LOOKED_AT if pace.rounds >= SLOW_ROUNDS else LOOKED_AT // 10
    return max(20, min(LOOKED_AT, int(OTHERS_LOOK / seconds)))


async def run(stage: Any, entries: dict[str, Entry], jobs: Iterable[Job], pace: Pace, out: Outcome) -> None:
    """Fills the outcome."""
    runners: dict[str, Any] = {}
    opened: dict[str, Any] = {}
    places = {}
    try:
        for name, entry in entries.items():
            lender = contenders.lender_of(name)
            made = opened[name] = contenders.make(entry, opened.get(lender))
            runner = made if entry.kind in APART else Local(made)
            places[name] = places.get(lender) or stage.prepare(name)
            await runner.open(places[name])
            runners[name] = runner
            out.kinds[name] = entry.kind
        for job in jobs:
            able: dict[str, Any] = {}
            absent: dict[str, str] = {}
            once: dict[str, Measured] = {}
            for name, runner in runners.items():
                if job.rounds == 1:
                    gc.collect()
                start = time.perf_counter()
                reason = await runner.attempt(job)
                if reason is None:
                    able[name] = runner
                    once[name] = Measured([time.perf_counter() - start])
                elif entries[name].kind == US:
                    raise RuntimeError(f"{name} cannot do {job.name}: {reason}")
                else:
                    absent[name] = reason
            out.jobs[job.name] = asdict(job)
            out.absent[job.name] = absent
            out.measured[job.name] = once if job.rounds == 1 else await measure(job, able, pace)
            if job.writes:
                for place in places.values():
                    stage.clean(place)
            print(progress(job, out.measured[job.name], absent), flush=True)
    finally:
        for runner in runners.values():
            await runner.close()


def progress(job: Job, row: dict[str, Measured], absent: dict[str, str]) -> str:
    """A line for the terminal."""
    ours = row[OURS]
    others = ", ".join(f"{name} {median_ratio(ours, row[name]):.2f}" for name in row if name != OURS)
    lines = [f"  {job.title}: {sorted(ours.seconds)[len(ours.seconds) // 2] * 1e6:,.1f} µs; {others}"]
    lines += [f"      {name}: {reason}" for name, reason in absent.items() if reason != NOT_ITS_WORK]
    return "\n".join(lines)


def scaled(jobs: Iterable[Job], streamed: int) -> list[Job]:
    """With another number of rows to stream, for a quick look."""
    return [
        replace(job, rows=streamed, title=job.title.replace("1,000,000", f"{streamed:,}"))
        if job.name == "stream"
        else job
        for job in jobs
    ]
