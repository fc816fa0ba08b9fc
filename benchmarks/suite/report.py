"""REPORT.md from the results of all databases and loops: what misses its target first."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.suite.contenders import US
from benchmarks.suite.judging import (
    TAIL,
    TARGETS,
    Mean,
    Tail,
    Verdict,
    means,
    median_ratio,
    tails,
    verdicts,
)
from benchmarks.suite.measuring import NOT_ITS_WORK
from benchmarks.suite.outcome import OURS, Outcome, load
from benchmarks.suite.plots import plot

PACKAGES = (
    "pydantic",
    "pydantic-core",
    "uvloop",
    "asyncpg",
    "psycopg",
    "aiomysql",
    "asyncmy",
    "aiosqlite",
    "apsw",
    "sqlalchemy",
    "sqlmodel",
    "tortoise-orm",
    "piccolo",
    "django",
    "peewee",
)
MEMORY = "memory.json"
Row = Iterable[str]


def table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    """In Markdown; nothing at all without rows."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if lines:
        titles = list(head)
        yield "| " + " | ".join(titles) + " |"
        yield "|" + "---|" * len(titles)
        yield from lines
        yield ""


def named(outcome: Outcome) -> str:
    """Which database on which loop."""
    return f"{outcome.where['database']}, {outcome.loop}"


def machine() -> Iterator[str]:
    """Where the figures come from."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processors = len(os.sched_getaffinity(0))
    yield f"- {model}, {processors} processors, {memory:.0f} GiB, {platform.system()} {platform.release()}"
    yield f"- Python {platform.python_version()}"
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    yield "- " + ", ".join(found)


def commit() -> str:
    """What was measured; says so when files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.stdout.strip() or "unknown"


def misses(outcomes: list[Outcome]) -> Iterator[str]:
    """Everything below its target, worst first."""
    found: list[tuple[float, Row]] = []
    for outcome in outcomes:
        own = list(verdicts(outcome))
        for verdict in own:
            if not verdict.met:
                found.append((verdict.ratio / verdict.least, missed_row(outcome, verdict)))
        for mean in means(own):
            if not mean.met:
                found.append((mean.ratio / mean.target.mean, missed_mean(outcome, mean)))
        for tail in tails(outcome):
            if outcome.kinds[tail.contender] == US and not tail.met:
                found.append((TAIL * tail.p50 / tail.p99, missed_tail(outcome, tail)))
    yield "## What misses its target"
    yield ""
    if not found:
        yield "Nothing."
        yield ""
    found.sort(key=lambda miss: miss[0])
    head = ("share of the target", "where", "row", "against", "found", "wanted")
    yield from table(head, ((f"{share:.0%}", *row) for share, row in found))


def missed_row(outcome: Outcome, verdict: Verdict) -> Row:
    """A ratio of one job."""
    wanted = f"≥ {verdict.least}"
    ratio = f"{verdict.ratio:.2f} ± {verdict.spread:.2f}"
    return (named(outcome), verdict.title, f"{verdict.against} ({verdict.target.text})", ratio, wanted)


def missed_mean(outcome: Outcome, mean: Mean) -> Row:
    """The mean of a database."""
    against = f"{mean.against} ({mean.target.text})"
    return (named(outcome), "**geometric mean**", against, f"{mean.ratio:.2f}", f"≥ {mean.target.mean}")


def missed_tail(outcome: Outcome, tail: Tail) -> Row:
    """Slow calls."""
    return (
        named(outcome),
        tail.title,
        "its own p50",
        f"p99 {tail.p99 / tail.p50:.1f} times",
        f"≤ {TAIL} times",
    )


def classes(outcomes: list[Outcome]) -> Iterator[str]:
    """The table of targets, with what was found."""
    yield "## Targets"
    yield ""
    found = []
    for target in TARGETS:
        for outcome in outcomes:
            own = list(verdicts(outcome))
            for mean in means(own):
                if mean.target is not target:
                    continue
                rows = [
                    v for v in own if v.target is target and (target.fastest or v.against == mean.against)
                ]
                worst = min(rows, key=lambda verdict: verdict.ratio / verdict.least)
                missed = sum(not verdict.met for verdict in rows)
                found.append(
                    (
                        target.text,
                        named(outcome),
                        mean.against,
                        f"{worst.ratio:.2f} ({worst.title}; ≥ {worst.least})",
                        f"{missed} of {len(rows)}" if missed else "none",
                        f"{mean.ratio:.2f} (≥ {target.mean})" + ("" if mean.met else " **missed**"),
                    )
                )
    yield from table(("against", "where", "contender", "worst row", "rows missed", "geometric mean"), found)


def ratios(outcome: Outcome) -> Iterator[str]:
    """Every job against every contender."""
    names = [name for name in outcome.kinds if name != OURS]
    yield f"### {named(outcome)}"
    yield ""
    yield f"{outcome.settings}. ![ratios](plots/{outcome.database}-{outcome.loop}.svg)"
    yield ""
    found = []
    for job, row in outcome.measured.items():
        ours = sorted(row[OURS].seconds)[len(row[OURS].seconds) // 2]
        cells = [f"{median_ratio(row[OURS], row[name]):.2f}" if name in row else "-" for name in names]
        found.append((outcome.jobs[job]["title"], f"{ours * 1e6:,.0f}", *cells))
    yield from table(("job", "oxyde, µs", *names), found)
    reasons = [
        f"- {name}, {outcome.jobs[job]['title']}: {reason}"
        for job, absent in outcome.absent.items()
        for name, reason in absent.items()
        if reason != NOT_ITS_WORK
    ]
    if reasons:
        yield "Not measured:"
        yield ""
        yield from (*reasons, "")


def slow_calls(outcomes: list[Outcome]) -> Iterator[str]:
    """p50 and p99 of jobs with one row: ours, and the other with the shortest p99."""
    yield "## Single calls"
    yield ""
    found = []
    for outcome in outcomes:
        by_job: dict[str, list[Tail]] = {}
        for tail in tails(outcome):
            by_job.setdefault(tail.title, []).append(tail)
        for title, own in by_job.items():
            ours = next(tail for tail in own if tail.contender == OURS)
            others = [tail for tail in own if tail.contender != OURS]
            cells = [named(outcome), title, f"{ours.p50 * 1e6:,.1f}", f"{ours.p99 * 1e6:,.1f}"]
            cells.append(f"{ours.p99 / ours.p50:.1f}" + ("" if ours.met else " **missed**"))
            best = min(others, key=lambda tail: tail.p99, default=None)
            cells.append(f"{best.contender}: {best.p50 * 1e6:,.1f}, {best.p99 * 1e6:,.1f}" if best else "-")
            found.append(cells)
    head = (
        "where",
        "job",
        "p50, µs",
        "p99, µs",
        f"p99 / p50 (≤ {TAIL})",
        "shortest p99 of the others: p50, p99",
    )
    yield from table(head, found)


def memory(folder: Path) -> Iterator[str]:
    """Of many models."""
    path = folder / MEMORY
    if not path.exists():
        return
    found: dict[str, dict[str, float]] = json.loads(path.read_text())
    yield "## Memory of 100,000 models of four fields"
    yield ""
    rows = [(way, f"{kinds['live']:,.0f}", f"{kinds['resident']:,.0f}") for way, kinds in found.items()]
    yield from table(("made by", "live bytes a model", "resident bytes a model"), rows)
    met = found["oxyde"]["live"] <= found["model_validate"]["live"]
    yield "Live bytes no higher than model_validate's: " + ("met." if met else "**missed**.")
    yield ""


def write(folder: Path, target: Path) -> None:
    """From the results in a folder to a report and its plots."""
    outcomes = [load(path) for path in sorted(folder.glob("*.json")) if path.name != MEMORY]
    if not outcomes:
        raise SystemExit(f"no results in {folder}: measure first")
    lines = ["# Benchmarks: the whole suite", ""]
    lines += ["Generated by `make bench-all`; how it is measured: docs/internals/benchmarks.md.", ""]
    lines += [
        "Figures are times the contender's speed: the median of ratios taken round by round, in one run,"
    ]
    lines += ["± half the distance between the quartiles. Above 1 oxyde is faster.", ""]
    lines += [*machine(), f"- commit {commit()}", ""]
    lines += [*misses(outcomes), *classes(outcomes), *slow_calls(outcomes), *memory(folder)]
    lines += ["## Every row", ""]
    for outcome in outcomes:
        lines += ratios(outcome)
        plot(outcome, target.parent / "plots" / f"{outcome.database}-{outcome.loop}.svg")
    target.write_text("\n".join(lines).rstrip() + "\n")
