"""`python -m benchmarks`: measures, prints the table, writes the plot, judges the targets."""

from __future__ import annotations

import argparse
import asyncio
import platform
import sqlite3
import sys
import tempfile
from pathlib import Path

from benchmarks import harness, report
from benchmarks.contenders import CONTENDERS
from benchmarks.jobs import JOBS


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--jobs", help="comma-separated; default all: " + ",".join(job.name for job in JOBS))
    parser.add_argument("--against", help="comma-separated contenders; default all: " + ",".join(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=9, help="time slices per contender and job (9)")
    parser.add_argument("--slice", type=float, default=0.1, help="seconds per slice (0.1)")
    parser.add_argument("--uvloop", action="store_true", help="run on uvloop")
    parser.add_argument("--plot", type=Path, default=Path("build/bench/sqlite.svg"))
    return parser.parse_args()


def main() -> int:
    """Exit status 1 if a target is missed."""
    options = arguments()
    names = [harness.OURS] + [
        name
        for name in (options.against.split(",") if options.against else CONTENDERS)
        if name != harness.OURS
    ]
    jobs = harness.chosen_jobs(options.jobs.split(",") if options.jobs else None)
    where = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}"
    print(f"oxyde side by side on SQLite: {where}; {options.rounds} rounds of {options.slice} s")
    with tempfile.TemporaryDirectory(prefix="oxyde-bench-") as folder:
        work = harness.run(names, jobs, options.rounds, options.slice, Path(folder))
        if options.uvloop:
            import uvloop

            results = uvloop.run(work)
        else:
            results = asyncio.run(work)
    print()
    print(
        "times their speed (median of the rounds ± half the quartile distance); first column: our time a call"
    )
    print(report.table(jobs, results, names))
    report.plot(jobs, results, names, options.plot, f"oxyde on SQLite, {where}")
    print(f"\nplot: {options.plot}")
    judged = report.verdicts(jobs, results)
    for met, text in judged:
        print(f"  {'met   ' if met else 'MISSED'}  {text}")
    return 0 if all(met for met, _ in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
