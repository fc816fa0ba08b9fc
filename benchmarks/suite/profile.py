"""Where our own time goes: `python -m benchmarks.suite.profile --database D --jobs A,B --results F`.

Processor time, waiting and page faults of a call by the kernel's account of this process; with `perf`
(Debian's linux-perf) also in which library and function the processor time is spent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import databases
from benchmarks.suite import contenders, rows
from benchmarks.suite.jobs import BY_NAME, Job
from benchmarks.suite.judging import missed
from benchmarks.suite.outcome import OURS, load, outcomes_in
from benchmarks.suite.run import scaled
from benchmarks.suite.stages import open_stage

FOLDER = "profiles"  # beside the outcomes
SECONDS = 0.5  # of a job that is looked at
SAMPLES = 2_000  # a second
WARMING = 3  # calls before
SHOWN = 4  # functions
STARTING = 0.3  # seconds that perf gets to begin
PLACES = (  # what a library stands for, by the beginning of its file's name
    ("_core.", "oxyde"),
    ("_postgres.", "oxyde"),
    ("_mysql.", "oxyde"),
    ("libsqlite3", "SQLite"),
    ("libpq", "libpq"),
    ("libmariadb", "libmariadb"),
    ("_pydantic_core", "pydantic-core"),
    ("python", "CPython"),
    ("libpython", "CPython"),
    ("[kernel", "kernel"),
    ("[guest.kernel", "kernel"),
)


@dataclass
class Profile:
    """Of one call, in seconds; shares are of the processor time, without perf there are none."""

    calls: int
    wall: float
    user: float
    system: float
    faults: float  # pages
    switches: float  # times it went to sleep
    places: dict[str, float] = field(default_factory=dict)
    functions: dict[str, float] = field(default_factory=dict)

    @property
    def waiting(self) -> float:
        """Neither in our code nor in the kernel on our account. A thread beside the loop makes it less."""
        return max(0.0, self.wall - self.user - self.system)


def place_of(library: str) -> str:
    """What people call it."""
    return next((title for beginning, title in PLACES if library.startswith(beginning)), library)


def shares(report: str) -> tuple[dict[str, float], dict[str, float]]:
    """By place and by function, from the lines `12.34% libfoo.so [.] name` of `perf report`."""
    places: dict[str, float] = {}
    functions: dict[str, float] = {}
    for line in report.splitlines():
        found = re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[.\]\s+(\S+)", line)
        if found is None:
            continue
        share, title = float(found[1]) / 100, place_of(found[2])
        places[title] = places.get(title, 0.0) + share
        if title != "kernel" and not found[3].startswith("0x"):
            functions[found[3]] = functions.get(found[3], 0.0) + share
    return largest(places, len(PLACES)), largest(functions, SHOWN)


def largest(found: dict[str, float], number: int) -> dict[str, float]:
    """The first so many, from a hundredth on."""
    ordered = sorted(found.items(), key=lambda item: -item[1])[:number]
    return {name: share for name, share in ordered if share >= 0.01}


@contextmanager
def sampled(into: dict[str, Any]) -> Iterator[None]:
    """Looks where this process is, if perf is there and may."""
    program = shutil.which("perf")
    if program is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="oxyde-profile-") as folder:
        data = Path(folder) / "data"
        command = [program, "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES), "-o", str(data)]
        command += ["-p", str(os.getpid())]
        watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(STARTING)
        try:
            yield
        finally:
            if watcher.poll() is None:
                watcher.send_signal(signal.SIGINT)
            watcher.wait()
        if data.exists():
            words = [program, "report", "-q", "--stdio", "--sort", "dso,symbol", "-i", str(data)]
            told = subprocess.run(words, capture_output=True, text=True, check=False)
            into["places"], into["functions"] = shares(told.stdout)


async def profile_of(call: Any, seconds: float) -> Profile:
    """Calls it for so long. The first calls fill caches and do not count."""
    for _ in range(WARMING):
        await call()
    found: dict[str, Any] = {}
    with sampled(found):
        calls = 0
        before = resource.getrusage(resource.RUSAGE_SELF)
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            await call()
            calls += 1
        after = resource.getrusage(resource.RUSAGE_SELF)
    return Profile(
        calls,
        elapsed / calls,
        (after.ru_utime - before.ru_utime) / calls,
        (after.ru_stime - before.ru_stime) / calls,
        (after.ru_minflt - before.ru_minflt) / calls,
        (after.ru_nvcsw - before.ru_nvcsw) / calls,
        **found,
    )


async def profiles(database: str, stage: Any, jobs: Iterable[Job]) -> dict[str, Profile]:
    """Of our own contender."""
    ours = contenders.make(contenders.of_database(database)[OURS])
    place = stage.prepare(OURS)
    await ours.open(place)
    found = {}
    try:
        for job in jobs:
            found[job.name] = await profile_of(getattr(ours, job.name), SECONDS)
            if job.writes:
                stage.clean(place)
    finally:
        await ours.close()
    return found


def missing_jobs(results: Path) -> dict[str, list[str]]:
    """Jobs with a figure below its target, by database, in the suite's order."""
    found: dict[str, set[str]] = {}
    for path in outcomes_in(results):
        outcome = load(path)
        below = {getattr(miss.found, "job", "") for miss in missed(outcome)}
        found.setdefault(outcome.database, set()).update(below)
    return {database: [name for name in BY_NAME if name in below] for database, below in found.items()}


def profile_missing(results: Path, url: str | None, streamed: int) -> None:
    """A process for each database whose results have such jobs; on asyncio."""
    for database, names in missing_jobs(results).items():
        if names:
            command = [sys.executable, "-m", "benchmarks.suite.profile", "--database", database]
            command += ["--jobs", ",".join(names), "--results", str(results), "--stream-rows", str(streamed)]
            subprocess.run(command + (["--url", url] if url else []), check=True)


def files_in(results: Path) -> list[Path]:
    """A file for each database."""
    return sorted((results / FOLDER).glob("*.json"))


def in_folder(results: Path) -> dict[str, dict[str, Profile]]:
    """What was kept there: database -> job -> profile."""
    return {
        path.stem: {name: Profile(**figures) for name, figures in json.loads(path.read_text()).items()}
        for path in files_in(results)
    }


def main() -> None:
    """Measures and keeps."""
    parser = argparse.ArgumentParser(prog="benchmarks.suite.profile", description=__doc__)
    parser.add_argument("--database", required=True, choices=databases.KNOWN)
    parser.add_argument("--url")
    parser.add_argument("--jobs", required=True, help="comma-separated, of " + ", ".join(BY_NAME))
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--stream-rows", type=int, default=rows.STREAMED)
    options = parser.parse_args()
    jobs = scaled([BY_NAME[name] for name in options.jobs.split(",")], options.stream_rows)
    with tempfile.TemporaryDirectory(prefix="oxyde-profile-") as folder:
        stage = open_stage(options.database, options.url, Path(folder), options.stream_rows)
        try:
            found = asyncio.run(profiles(options.database, stage, jobs))
        finally:
            stage.close()
    path = options.results / FOLDER / f"{options.database}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: asdict(profile) for name, profile in found.items()}))
    print(f"{options.database}: profiles of {', '.join(found)}")


if __name__ == "__main__":
    main()
