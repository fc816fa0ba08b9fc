"""`python -m benchmarks.suite`: the suite on every database that answers, on asyncio and uvloop.

With --report its report is written, too: for a whole run to benchmarks/REPORT.md; one that is narrowed
down leaves that alone and writes beside its own results."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks import databases
from benchmarks.own_servers import own_servers
from benchmarks.processes import ABSENT, run_each
from benchmarks.suite import profile, rows
from benchmarks.suite.contenders import US, lender_of, of_database
from benchmarks.suite.jobs import BY_NAME, JOBS
from benchmarks.suite.judging import missed
from benchmarks.suite.outcome import MEMORY, Outcome, load, outcomes_in
from benchmarks.suite.run import Pace, run, scaled
from benchmarks.suite.stages import open_stage

LOOPS = ("asyncio", "uvloop")
BUILT = Path("build/bench")
WHOLE, PART = BUILT / "suite", BUILT / "part"  # results of whole runs, and of those narrowed down


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.suite", description=__doc__)
    parser.add_argument("--database", help="comma-separated, of " + ", ".join(databases.KNOWN))
    parser.add_argument("--url", help="of the server, if one database is chosen; else the environment's")
    parser.add_argument("--loop", help="comma-separated, of " + ", ".join(LOOPS))
    parser.add_argument("--jobs", help="comma-separated, of " + ", ".join(BY_NAME))
    parser.add_argument("--against", help="comma-separated contenders; default all of the database")
    parser.add_argument("--rounds", type=int, default=5, help="slices of a contender and job (5)")
    parser.add_argument("--slice", type=float, default=0.05, help="seconds of a slice (0.05)")
    parser.add_argument("--stream-rows", type=int, default=rows.STREAMED, help="rows to stream (1,000,000)")
    parser.add_argument(
        "--results", type=Path, help=f"folder of results ({WHOLE}, of part of the suite {PART})"
    )
    parser.add_argument("--report", action="store_true", help="then measure memory and write the report")
    parser.add_argument("--report-only", action="store_true", help="write it from the results that are there")
    parser.add_argument("--report-file", type=Path, help="its place (benchmarks/REPORT.md, or beside a part)")
    options = parser.parse_args()
    narrowed = options.database or options.loop or options.jobs or options.against
    part = bool(narrowed) or options.stream_rows != rows.STREAMED
    options.results = options.results or (PART if part else WHOLE)
    options.report_file = options.report_file or (
        options.results / "REPORT.md" if part else Path("benchmarks/REPORT.md")
    )
    return options


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
            settings = f"{stage.commits()}; {pace.rounds} rounds of {pace.slice} s"
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


def judged(results: Path) -> int:
    """Says how many figures miss their target; exit status 1 if any does."""
    below = sum(1 for path in outcomes_in(results) for _ in missed(load(path)))
    print(f"{below} figures miss their target" if below else "every figure meets its target")
    return 1 if below else 0


def main() -> int:
    """Measures, reports, or both."""
    options = arguments()
    measured = () if options.report_only else databases.chosen(options.database) or databases.NAMES
    with own_servers(measured, options.url):
        return measure_and_report(options)


def measure_and_report(options: argparse.Namespace) -> int:
    """On servers that are there."""
    asked = databases.chosen(options.database)
    loops = options.loop.split(",") if options.loop else list(LOOPS)
    unknown = sorted(set(loops) - set(LOOPS))
    if unknown:
        raise SystemExit(f"unknown loops {', '.join(unknown)}; there are {', '.join(LOOPS)}")
    if len(asked) == 1 and len(loops) == 1 and not (options.report or options.report_only):
        try:
            measure(asked[0], loops[0], options)
        except databases.Unreachable as error:
            print(f"not measured: {error}")
            return ABSENT
        return 0
    status = 0
    if not options.report_only:
        for path in (*outcomes_in(options.results), *profile.files_in(options.results)):
            path.unlink()  # of another run: a report is about one
        pairs = [(name, loop) for name in asked or databases.NAMES for loop in loops]
        choices = [
            ["--database", name, "--loop", loop, "--results", str(options.results)] for name, loop in pairs
        ]
        status = run_each("benchmarks.suite", choices, asked=bool(asked))
    if options.report or options.report_only:
        from benchmarks.suite import memory, report

        if options.report:
            options.results.mkdir(parents=True, exist_ok=True)
            (options.results / MEMORY).write_text(json.dumps(memory.measure()))
            profile.profile_missing(options.results, options.url, options.stream_rows)
        report.write(options.results, options.report_file)
        print(f"report: {options.report_file}")
    return status or judged(options.results)


if __name__ == "__main__":
    sys.exit(main())
