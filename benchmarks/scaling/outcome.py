"""What was found at each size, how it is kept, and what it says about growth."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path

FLAT = 2.0  # times the cheapest of the large points
LARGE = 4.0  # times the shortest call: the fixed cost is a quarter of such a call at most


@dataclass
class Found:
    """At one size: seconds a call, the processor's part of them in this process, or why there are none."""

    size: int
    units: int
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    refused: str = ""

    @property
    def call(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.seconds)

    @property
    def per_unit(self) -> float:
        """Seconds a row, query, cell or condition."""
        return self.call / self.units

    @property
    def busy_per_unit(self) -> float:
        """Processor seconds of this process."""
        return statistics.median(self.busy) / self.units


def spread(costs: list[float]) -> float | None:
    """The largest beside the smallest."""
    return max(costs) / min(costs) if len(costs) > 1 else None


@dataclass
class Growth:
    """One way to do it, at every size."""

    title: str
    found: list[Found] = field(default_factory=list)

    @property
    def measured(self) -> list[Found]:
        """Without what was refused."""
        return [found for found in self.found if found.seconds]

    @property
    def large(self) -> list[Found]:
        """The points from which on the fixed cost of a call counts little; they alone are judged."""
        shortest = min((found.call for found in self.measured), default=0.0)
        kept = takewhile(lambda found: found.call >= LARGE * shortest, reversed(self.measured))
        return list(kept)[::-1]

    def times_cheapest(self, found: Found) -> float:
        """Cost of a unit beside the cheapest of the whole sweep."""
        return found.per_unit / min(other.per_unit for other in self.measured)

    def bends(self, found: Found) -> bool:
        """Whether a large point costs too much a unit."""
        large = self.large
        return found in large and found.per_unit > FLAT * min(other.per_unit for other in large)

    @property
    def worst(self) -> float | None:
        """The dearest large point beside the cheapest; None with fewer than two."""
        return spread([found.per_unit for found in self.large])

    @property
    def worst_busy(self) -> float | None:
        """The same of this process's processor time: tells whether it is us who bend."""
        return spread([found.busy_per_unit for found in self.large])

    @property
    def exponent(self) -> float | None:
        """Of the last step: 1 is linear, 2 is quadratic."""
        if len(self.large) < 2:
            return None
        before, last = self.large[-2:]
        return math.log(last.call / before.call) / math.log(last.units / before.units)

    def line(self) -> tuple[float, float] | None:
        """Fixed seconds of a call and seconds a unit, which fit all points best in relation to each."""
        points = [(found.units, found.call) for found in self.measured]
        if len(points) < 2:
            return None
        # Least squares of (fixed + slope * units) / seconds - 1.
        ones = sum(1 / y**2 for _, y in points)
        mixed = sum(x / y**2 for x, y in points)
        squares = sum(x**2 / y**2 for x, y in points)
        left, right = sum(1 / y for _, y in points), sum(x / y for x, y in points)
        whole = ones * squares - mixed**2
        return (left * squares - right * mixed) / whole, (right * ones - left * mixed) / whole


@dataclass
class Swept:
    """A quantity that grew."""

    title: str
    unit: str
    growths: list[Growth] = field(default_factory=list)


@dataclass
class Outcome:
    """A database: sweep -> what was found."""

    database: str
    version: str
    settings: str
    sweeps: dict[str, Swept] = field(default_factory=dict)

    def growths(self) -> Iterator[tuple[Swept, Growth]]:
        """Of all sweeps."""
        for swept in self.sweeps.values():
            for growth in swept.growths:
                yield swept, growth

    def save(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)))


def load(path: Path) -> Outcome:
    """What save wrote."""
    out = Outcome(**json.loads(path.read_text()))
    for name, swept in out.sweeps.items():
        out.sweeps[name] = made = Swept(**swept)  # type: ignore[arg-type]
        made.growths = [Growth(**growth) for growth in made.growths]  # type: ignore[arg-type]
        for growth in made.growths:
            growth.found = [Found(**found) for found in growth.found]  # type: ignore[arg-type]
    return out
