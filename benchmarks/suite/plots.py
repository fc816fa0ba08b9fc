"""A picture of a result: a line for each job, a point for each contender, 1 = our speed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.drawing import MARKERS, pyplot, save
from benchmarks.suite.judging import median_ratio
from benchmarks.suite.outcome import OURS, Outcome


def plot(outcome: Outcome, path: Path) -> None:
    """As SVG, which is the same text whenever the figures are."""
    jobs = list(outcome.measured)
    figure, axes = pyplot().subplots(figsize=(10, 1.5 + 0.32 * len(jobs)))
    for number, name in enumerate(name for name in outcome.kinds if name != OURS):
        found = [
            (place, median_ratio(outcome.measured[job][OURS], outcome.measured[job][name]))
            for place, job in enumerate(jobs)
            if name in outcome.measured[job]
        ]
        if found:
            axes.plot(
                [ratio for _, ratio in found],
                [place for place, _ in found],
                linestyle="none",
                marker=MARKERS[number % len(MARKERS)],
                markersize=5,
                alpha=0.8,
                label=name,
            )
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(jobs)), [outcome.jobs[job]["title"] for job in jobs])
    axes.invert_yaxis()
    axes.grid(axis="y", linewidth=0.3)
    axes.set_xlabel("times their speed (1 = equal; further right: oxyde is faster)")
    axes.set_title(f"{outcome.where['database']}, {outcome.loop}", fontsize=10)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)
