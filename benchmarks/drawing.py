"""What every plot has in common: SVG that is the same text whenever the figures are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MARKERS = "osD^v<>Ph*Xdp8"


def pyplot() -> Any:
    """Matplotlib, set up to write files."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "oxyde"
    return plt


def save(figure: Any, path: Path) -> None:
    """Writes a figure and lets go of it."""
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot().close(figure)
