"""A sweep's points take turns: in each round every point gets one slice."""

from __future__ import annotations

import gc
import time
from pathlib import Path

from benchmarks.scaling.outcome import Found, Growth, Swept
from benchmarks.scaling.sweeps import Point, Series, Sweep
from benchmarks.slices import slice_of
from oxyde.exceptions import OxydeError

WORDS = 160  # of what a server says when it refuses


def free_memory() -> int:
    """Bytes that can be had without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not say how much memory is free")


async def attempt(series: Series, point: Point) -> str:
    """Does it once and looks at the answer; why it cannot be done, if so."""
    free = free_memory()
    if point.memory > free / 2:
        return f"left out: takes about {point.memory >> 20:,} MiB, {free >> 20:,} are free"
    try:
        answer = await point.call()
    except OxydeError as error:
        if not series.may_refuse:
            raise
        return " ".join(f"{type(error).__name__}: {error}".split())[:WORDS]
    if answer != point.answer:
        raise RuntimeError(f"{series.title} of {point.size}: {answer} instead of {point.answer}")
    return ""


async def slice_at(point: Point, found: Found, seconds: float) -> None:
    """A slice, with the processor's part of it."""
    gc.collect()
    began, busy = time.perf_counter(), time.process_time()
    call = await slice_of(point.call, seconds)
    share = (time.process_time() - busy) / (time.perf_counter() - began)
    found.seconds.append(call)
    found.busy.append(call * share)


async def measure(sweep: Sweep, rounds: int, seconds: float) -> Swept:
    """All points of all series, in turns. Each was done before, short ones for a while: the statement
    has to be known on every connection of the pool."""
    swept = Swept(sweep.title, sweep.unit)
    turns: list[tuple[Point, Found]] = []
    for series in sweep.series:
        growth = Growth(series.title)
        swept.growths.append(growth)
        for point in series.points:
            found = Found(point.size, point.units, refused=await attempt(series, point))
            growth.found.append(found)
            if not found.refused:
                await slice_of(point.call, seconds / 2)
                turns.append((point, found))
    for number in range(rounds):
        first = number % len(turns)
        for point, found in turns[first:] + turns[:first]:
            await slice_at(point, found, seconds)
    return swept
