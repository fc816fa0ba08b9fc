"""A picture of a sweep: cost of a unit over the size, a panel for each database."""

from __future__ import annotations

from pathlib import Path

from benchmarks.drawing import MARKERS, pyplot, save
from benchmarks.scaling.outcome import Outcome


def plot(name: str, outcomes: list[Outcome], path: Path) -> None:
    """Both axes logarithmic: a line that stays level is a cost that stays flat."""
    outcomes = [outcome for outcome in outcomes if name in outcome.sweeps]
    figure, panels = pyplot().subplots(
        1, len(outcomes), figsize=(3 + 4 * len(outcomes), 4.5), sharey=True, squeeze=False
    )
    for outcome, axes in zip(outcomes, panels[0]):
        swept = outcome.sweeps[name]
        for number, growth in enumerate(swept.growths):
            if growth.measured:
                axes.plot(
                    [found.size for found in growth.measured],
                    [found.per_unit * 1e6 for found in growth.measured],
                    marker=MARKERS[number % len(MARKERS)],
                    markersize=4,
                    linewidth=1,
                    label=growth.title,
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.grid(which="major", linewidth=0.3)
        axes.set_xlabel(swept.title)
        axes.set_title(outcome.version, fontsize=10)
    panels[0][0].set_ylabel(f"µs a {outcomes[0].sweeps[name].unit}")
    panels[0][-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)
