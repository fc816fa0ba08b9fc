"""What a run found, and how it is kept between measuring and reporting."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OURS = "oxyde"
MEMORY = "memory.json"  # beside the outcomes


@dataclass
class Measured:
    """Of one contender at one job: seconds a call, a figure per round; seconds of single calls."""

    seconds: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)


@dataclass
class Outcome:
    """A database on an event loop: job -> contender -> what was measured, and why some are absent."""

    database: str
    loop: str
    where: dict[str, str]
    settings: str
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    measured: dict[str, dict[str, Measured]] = field(default_factory=dict)
    absent: dict[str, dict[str, str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)))


def load(path: Path) -> Outcome:
    """What save wrote."""
    found = json.loads(path.read_text())
    found["measured"] = {
        job: {name: Measured(**figures) for name, figures in row.items()}
        for job, row in found["measured"].items()
    }
    return Outcome(**found)


def outcomes_in(folder: Path) -> list[Path]:
    """Their files; none without the folder."""
    return [path for path in sorted(folder.glob("*.json")) if path.name != MEMORY]
