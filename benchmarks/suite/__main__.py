"""`python -m benchmarks.suite`: the whole suite on every database that answers, on asyncio and uvloop."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import databases
from benchmarks.suite import rows
from benchmarks.suite.contenders import US, lender_of, of_database
from benchmarks.suite.jobs import BY_NAME, JOBS
from benchmarks.suite.outcome import Outcome
from benchmarks.suite.run import Pace, run, scaled
from benchmarks.suite.stages import open_stage

LOOPS = ("asyncio", "uvloop")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.suite", description=__doc__)
    parser.add_argument("--database", help="comma-separated, of " + ", ".join(databases.NAMES))
    parser.add_argument("--url", help="of the server, if one database is chosen; else the environment's")
    parser.add_argument("--loop", help="comma-separated, of " + ", ".join(LOOPS))
    parser.add_argument("--jobs", help="comma-separated, of " + ", ".join(BY_NAME))
    parser.add_argument("--against", help="comma-separated contenders; default all of the database")
    parser.add_argument("--rounds", type=int, default=7, help="slices of a contender and job (7)")
    parser.add_argument("--slice", type=float, default=0.1, help="seconds of a slice (0.1)")
    parser.add_argument("--stream-rows", type=int, default=rows.STREAMED, help="rows to stream (1,000,000)")
    parser.add_argument("--results", type=Path, default=Path("build/bench/suite"), help="folder of results")
    parser.add_argument("--report", action="store_true", help="then measure memory and write the report")
    parser.add_argument("--report-only", action="store_true", help="write it from the results that are there")
    parser.add_argument("--report-file", type=Path, default=Path("benchmarks/REPORT.md"), help="its place")
    return parser.parse_args()


def measure(database: str, loop: str, options: argparse.Namespace) -> None:
    """One database on one loop, in this process."""
    entries = of_database(database)
    if options.against:
        wanted = options.against.split(",")
        unknown = sorted(set(wanted) - set(entries))
        if unknown:
            raise SystemExit(f"{database}: unknown {', '.join(unknown)}; there are {', '.join(entries)}")
        wanted += [lender_of(name) for name in wanted]
        entries = {name: e for name, e in entries.items() if e.kind == US or name in wanted}
    jobs = [BY_NAME[name] for name in options.jobs.split(",")] if options.jobs else list(JOBS)
    with tempfile.TemporaryDirectory(prefix="oxyde-bench-") as folder:
        stage = open_stage(database, options.url, Path(folder), options.stream_rows)
        try:
            versions = {"python": platform.python_version(), "database": stage.version()}
            pace = Pace(options.rounds, options.slice)
            settings = f"{pace.rounds} rounds of {pace.slice} s"
            out = Outcome(database, loop, versions, settings)
            print(f"{stage.version()}, Python {versions['python']}, {loop}; {settings}", flush=True)
            work = run(stage, entries, scaled(jobs, options.stream_rows), pace, out)
            if loop == "uvloop":
                import uvloop

                uvloop.run(work)
            else:
                asyncio.run(work)
        finally:
            stage.close()
    out.save(options.results / f"{database}-{loop}.json")


def main() -> int:
    """Each database and loop in a process of its own, so that none inherits from another."""
    options = arguments()
    asked = options.database.split(",") if options.database else []
    loops = options.loop.split(",") if options.loop else list(LOOPS)
    unknown = sorted((set(asked) - set(databases.NAMES)) | (set(loops) - set(LOOPS)))
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}")
    if len(asked) == 1 and len(loops) == 1 and not (options.report or options.report_only):
        try:
            measure(asked[0], loops[0], options)
        except databases.Unreachable as error:
            print(f"not measured: {error}")
            return 2
        return 0
    status = 0 if options.report_only else measure_all(asked, loops)
    if options.report or options.report_only:
        from benchmarks.suite import memory, report

        if options.report:
            options.results.mkdir(parents=True, exist_ok=True)
            (options.results / report.MEMORY).write_text(json.dumps(memory.measure()))
        report.write(options.results, options.report_file)
        print(f"report: {options.report_file}")
    return status


def measure_all(asked: list[str], loops: list[str]) -> int:
    """Each pair in a process of its own."""
    status = 0
    for database in asked or databases.NAMES:
        for loop in loops:
            own = ["--database", database, "--loop", loop]
            others = [word for word in sys.argv[1:] if word != "--report"]
            command = [sys.executable, "-m", "benchmarks.suite", *others, *own]
            ended = subprocess.run(command, check=False).returncode
            if asked or ended != 2:  # what was not asked for may be absent
                status = status or ended
    return status


if __name__ == "__main__":
    sys.exit(main())
