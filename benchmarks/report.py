"""Terminal table, targets and SVG plot of one run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.harness import OURS, Result, ratio
from benchmarks.jobs import Job

Results = Mapping[str, Mapping[str, Result]]


@dataclass(frozen=True)
class Target:
    """A promise: at this job, at least so many times the speed of that contender."""

    job: str
    against: str
    least: float
    text: str


TARGETS: dict[str, tuple[Target, ...]] = {
    "sqlite": (
        Target("get", "aiosqlite", 2.0, "get → model, v. aiosqlite execute_fetchall → tuple"),
        Target("all_rows", "sqlite3", 1.0, "1,000 rows → models, v. sqlite3 fetchall → tuples"),
        Target("create", "aiosqlite", 1.0, "create, v. aiosqlite insert plus commit"),
    ),
    "postgres": (
        Target("get", "asyncpg", 1.3, "get → model, v. asyncpg fetchrow → Record"),
        Target("all_rows", "asyncpg", 1.0, "1,000 rows → models, v. asyncpg fetch → Records"),
        Target("pool_gets", "asyncpg pool", 1.5, "100 concurrent gets on 10 connections, v. asyncpg's pool"),
    ),
    "mysql": tuple(
        Target("get", driver, 1.5, f"get → model, v. {driver} → tuple") for driver in ("aiomysql", "asyncmy")
    ),
}
LEAST_AGAINST_ORM = 2.0


def geometric_mean(values: list[float]) -> float:
    """The mean that suits ratios."""
    return math.exp(sum(map(math.log, values)) / len(values))


def table(jobs: list[Job], results: Results, names: list[str]) -> str:
    """Ratios of speed, ours over theirs, median and half the spread between quartiles."""
    others = [name for name in names if name != OURS]
    width = max(len(job.title) for job in jobs) + 2
    lines = [f"{'':{width}}{'oxyde':>12}" + "".join(f"{name:>17}" for name in others)]
    for job in jobs:
        row = results[job.name]
        cells = [f"{row[OURS].median * 1e6:>9,.1f} µs"]
        for name in others:
            found = ratio(row[OURS], row[name])
            cells.append(f"{found.median:>9.2f} ± {(found.high - found.low) / 2:<5.2f}")
        lines.append(f"{job.title:{width}}{cells[0]}" + "".join(cells[1:]))
    means = [
        geometric_mean([ratio(results[j.name][OURS], results[j.name][n]).median for j in jobs])
        for n in others
    ]
    lines.append(f"{'geometric mean':{width}}{'':>12}" + "".join(f"{mean:>9.2f}{'':8}" for mean in means))
    return "\n".join(lines)


def verdicts(database: str, jobs: list[Job], results: Results) -> list[tuple[bool, str]]:
    """Every target that this run can judge."""
    found = []
    for target in TARGETS[database]:
        row = results.get(target.job, {})
        if target.against in row:
            value = ratio(row[OURS], row[target.against]).median
            found.append((value >= target.least, f"{target.text}: {value:.2f} (at least {target.least})"))
    for job in jobs:
        row = results[job.name]
        orms = {name: row[name].median for name in row if CONTENDERS[database][name][1] == "orm"}
        if orms:
            best = min(orms, key=lambda name: orms[name])
            value = ratio(row[OURS], row[best]).median
            text = f"{job.title}, v. the fastest ORM ({best}): {value:.2f} (at least {LEAST_AGAINST_ORM})"
            found.append((value >= LEAST_AGAINST_ORM, text))
    return found


def plot(jobs: list[Job], results: Results, names: list[str], path: Path, title: str) -> None:
    """A bar a contender and job, on a logarithmic axis with 1 = our speed."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    others = [name for name in names if name != OURS]
    height = 0.8 / max(1, len(others))
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.16 * len(jobs) * (len(others) + 1)))
    for number, name in enumerate(others):
        ratios = [ratio(results[job.name][OURS], results[job.name][name]) for job in jobs]
        places = [row + number * height for row in range(len(jobs))]
        spread = [[r.median - r.low for r in ratios], [r.high - r.median for r in ratios]]
        axes.barh(places, [r.median for r in ratios], height=height, xerr=spread, label=name)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(jobs))], [job.title for job in jobs])
    axes.invert_yaxis()
    axes.set_xlabel("times their speed (1 = equal; further right: oxyde is faster)")
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
