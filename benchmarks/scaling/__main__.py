"""`python -m benchmarks.scaling`: the four sweeps on every database that answers, and their report."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks import databases
from benchmarks.own_servers import own_servers
from benchmarks.processes import ABSENT, run_each
from benchmarks.scaling import measuring, models, report
from benchmarks.scaling.outcome import Outcome
from benchmarks.scaling.sweeps import NAMES, QUICK_ROWS, ROWS, sweeps
from benchmarks.scaling.tables import Stage

QUICK = (3, 0.02)  # rounds and seconds of a slice


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.scaling", description=__doc__)
    parser.add_argument("--database", help="comma-separated, of " + ", ".join(databases.KNOWN))
    parser.add_argument("--url", help="of the server, if one database is chosen; else the environment's")
    parser.add_argument("--sweeps", help="comma-separated, of " + ", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=5, help="slices of each point (5)")
    parser.add_argument("--slice", type=float, default=0.1, help="seconds of a slice (0.1)")
    parser.add_argument("--largest", type=int, default=ROWS[-1], help="rows, up to 1,000,000 (the default)")
    parser.add_argument(
        "--quick", action="store_true", help=f"a quick look: 3 short slices, {QUICK_ROWS:,} rows"
    )
    parser.add_argument("--results", type=Path, default=Path("build/bench/scaling"), help="folder of results")
    parser.add_argument("--report", action="store_true", help="write the report and its plots, too")
    parser.add_argument("--report-only", action="store_true", help="write it from the results that are there")
    parser.add_argument("--report-file", type=Path, default=Path("benchmarks/SCALING.md"), help="its place")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.slice = QUICK
        options.largest = min(options.largest, QUICK_ROWS)
    return options


async def run(stage: Stage, wanted: list[str], options: argparse.Namespace, out: Outcome) -> None:
    """Fills the outcome."""
    from oxyde import db

    known = sweeps(stage.place.backend, options.largest)
    await models.connect(stage.place)
    try:
        for name in wanted:
            out.sweeps[name] = await measuring.measure(known[name], options.rounds, options.slice)
    finally:
        await db.close()


def measure(database: str, options: argparse.Namespace) -> None:
    """One database, in this process."""
    wanted = options.sweeps.split(",") if options.sweeps else list(NAMES)
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        raise SystemExit(f"unknown sweeps {', '.join(unknown)}; there are {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(prefix="oxyde-bench-") as folder:
        stage = Stage(database, options.url, Path(folder), options.largest)
        try:
            settings = f"{options.rounds} rounds of {options.slice} s, up to {options.largest:,} rows"
            out = Outcome(database, stage.version(), settings)
            print(f"\n{out.version}; {settings}\n", flush=True)
            asyncio.run(run(stage, wanted, options, out))
        finally:
            stage.close()
    print("\n".join(report.of_database(out)), flush=True)
    out.save(options.results / f"{database}.json")


def main() -> int:
    """Measures, reports, or both."""
    options = arguments()
    measured = () if options.report_only else databases.chosen(options.database) or databases.NAMES
    with own_servers(measured, options.url):
        return measure_and_report(options)


def measure_and_report(options: argparse.Namespace) -> int:
    """On servers that are there."""
    asked = databases.chosen(options.database)
    if len(asked) == 1 and not (options.report or options.report_only):
        try:
            measure(asked[0], options)
        except databases.Unreachable as error:
            print(f"not measured: {error}")
            return ABSENT
        return 0
    status = 0
    if not options.report_only:
        choices = (["--database", name] for name in asked or databases.NAMES)
        status = run_each("benchmarks.scaling", choices, asked=bool(asked))
    if options.report or options.report_only:
        report.write(options.results, options.report_file)
        print(f"report: {options.report_file}")
    return status


if __name__ == "__main__":
    sys.exit(main())
