"""`python -m benchmarks`: measures, prints the table, writes the plot, judges the targets."""

from __future__ import annotations

import argparse
import asyncio
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import databases, harness, report
from benchmarks.contenders import CONTENDERS


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "--database",
        help="comma-separated, of " + ", ".join(databases.NAMES) + "; default: all that answer",
    )
    parser.add_argument("--url", help="of the server, if one is chosen; else the environment's")
    parser.add_argument("--jobs", help="comma-separated names of methods; default all")
    parser.add_argument("--against", help="comma-separated contenders; default all of the database")
    parser.add_argument("--rounds", type=int, default=9, help="time slices per contender and job (9)")
    parser.add_argument("--slice", type=float, default=0.1, help="seconds per slice (0.1)")
    parser.add_argument("--uvloop", action="store_true", help="run on uvloop")
    parser.add_argument("--plots", type=Path, default=Path("build/bench"), help="folder (build/bench)")
    parser.epilog = (
        "Servers: OXYDE_BENCH_POSTGRES_URL ("
        + databases.DEFAULTS["postgres"]
        + "), OXYDE_BENCH_MYSQL_URL ("
        + databases.DEFAULTS["mysql"]
        + "). Tables named "
        + databases.PREFIX
        + "* are made there and dropped at the end."
    )
    return parser.parse_args()


def chosen_contenders(database: str, wanted: str | None) -> list[str]:
    """Ours and the others."""
    known = CONTENDERS[database]
    names = wanted.split(",") if wanted else list(known)
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise SystemExit(f"{database}: unknown contenders {', '.join(unknown)}; there are {', '.join(known)}")
    return [harness.OURS] + [name for name in names if name != harness.OURS]


def measure(name: str, options: argparse.Namespace) -> int:
    """One database; exit status 1 if a target is missed."""
    names = chosen_contenders(name, options.against)
    with tempfile.TemporaryDirectory(prefix="oxyde-bench-") as folder:
        database = databases.open_database(name, options.url, Path(folder))
        jobs = harness.chosen_jobs(options.jobs.split(",") if options.jobs else None, database.jobs)
        where = f"Python {platform.python_version()}, {database.version()}, {platform.machine()}"
        print(
            f"oxyde side by side on {database.title}: {where}; {options.rounds} rounds of {options.slice} s"
        )
        work = harness.run(database, names, jobs, options.rounds, options.slice)
        try:
            if options.uvloop:
                import uvloop

                results = uvloop.run(work)
            else:
                results = asyncio.run(work)
        finally:
            database.close()
    print()
    print(
        "times their speed (median of the rounds ± half the quartile distance); first column: our time a call"
    )
    print(report.table(jobs, results, names))
    plot = options.plots / f"{name}.svg"
    report.plot(jobs, results, names, plot, f"oxyde on {database.title}, {where}")
    print(f"\nplot: {plot}")
    judged = report.verdicts(name, jobs, results)
    for met, text in judged:
        print(f"  {'met   ' if met else 'MISSED'}  {text}")
    return 0 if all(met for met, _ in judged) else 1


def main() -> int:
    """Each database in a process of its own, so that none inherits from another."""
    options = arguments()
    asked = options.database.split(",") if options.database else []
    unknown = sorted(set(asked) - set(databases.NAMES))
    if unknown:
        raise SystemExit(f"unknown databases {', '.join(unknown)}; there are {', '.join(databases.NAMES)}")
    if len(asked) == 1:
        try:
            return measure(asked[0], options)
        except databases.Unreachable as error:
            print(f"not measured: {error}")
            return 2
    if options.url:
        raise SystemExit("--url needs one --database")
    status = 0
    for name in asked or databases.NAMES:
        command = [sys.executable, "-m", "benchmarks", *sys.argv[1:], "--database", name]
        ended = subprocess.run(command, check=False)
        print(flush=True)
        if asked or ended.returncode != 2:  # what was not asked for may be absent
            status = status or ended.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
