"""The table of targets of the suite, and what an outcome makes of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.suite.contenders import BY_HAND, FLOOR, INLINE, ORM, PUBLISHED, TUNED, USED
from benchmarks.suite.outcome import OURS, Measured, Outcome

MANY_ROWS = 1_000


@dataclass(frozen=True)
class Target:
    """Against this kind: at least this ratio in every row, and in the geometric mean of a database.

    many: at least this where many rows come back. fastest: only the fastest of the kind counts in
    each row, else each of them does.
    """

    kind: str
    text: str
    every: float
    mean: float
    many: float | None = None
    fastest: bool = False


TARGETS = (
    Target(USED, "raw driver as its users use it, rows", 1.2, 2.0),
    Target(TUNED, "raw driver tuned, rows", 1.0, 1.3),
    Target(INLINE, "sqlite3 called inline, tuples", 0.4, 0.7, many=1.0),
    Target(BY_HAND, "raw driver plus Pydantic by hand", 1.5, 3.0),
    Target(ORM, "fastest other ORM of that row", 2.0, 4.0, fastest=True),
    Target(PUBLISHED, "published oxyde 0.8", 2.0, 5.0),
    Target(FLOOR, "C on the same client library", 0.3, 0.5),
)


@dataclass(frozen=True)
class Promise:
    """One job against one contender, beside the targets of its kind."""

    job: str
    against: str
    least: float
    text: str


PROMISES = (
    Promise("get", "aiosqlite", 2.0, "a row by key, model included"),
    Promise("get", "asyncpg connection", 1.3, "a row by key: one connection at hand, prepared"),
    Promise("filter_800", "asyncpg connection", 1.0, "800 rows: one connection at hand, prepared"),
    Promise("gather_100", "asyncpg", 1.5, "100 concurrent rows by key, ten connections each"),
    Promise("get", "aiomysql", 1.5, "a row by key, model included"),
    Promise("get", "asyncmy", 1.5, "a row by key, model included"),
)
TAIL = 2.0  # the 99th of a hundred calls may take so many times the median


@dataclass(frozen=True)
class Verdict:
    """One row against one contender."""

    job: str
    title: str
    target: Target | Promise
    against: str
    ratio: float
    spread: float
    least: float

    @property
    def met(self) -> bool:
        """As fast as promised."""
        return self.ratio >= self.least


def verdict(outcome: Outcome, job: str, target: Target | Promise, against: str, least: float) -> Verdict:
    """What was found of one."""
    ours, theirs = outcome.measured[job][OURS], outcome.measured[job][against]
    title = outcome.jobs[job]["title"]
    return Verdict(job, title, target, against, median_ratio(ours, theirs), spread(ours, theirs), least)


@dataclass(frozen=True)
class Mean:
    """All rows of a database against one contender, or the fastest in each."""

    target: Target
    against: str
    ratio: float
    rows: int

    @property
    def met(self) -> bool:
        """As fast as promised."""
        return self.ratio >= self.target.mean


@dataclass(frozen=True)
class Tail:
    """The slow calls of a job."""

    job: str
    title: str
    contender: str
    p50: float
    p99: float

    @property
    def met(self) -> bool:
        """Slow calls are not much slower."""
        return self.p99 <= TAIL * self.p50


def pairs(ours: Measured, theirs: Measured) -> list[float]:
    """Ratios round by round, so that a drift of the machine cancels out."""
    return sorted(b / a for a, b in zip(ours.seconds, theirs.seconds))


def median_ratio(ours: Measured, theirs: Measured) -> float:
    """How many times their speed ours is."""
    return statistics.median(pairs(ours, theirs))


def spread(ours: Measured, theirs: Measured) -> float:
    """Half the distance between the quartiles."""
    found = pairs(ours, theirs)
    if len(found) < 2:
        return 0.0
    quartiles = statistics.quantiles(found, n=4, method="inclusive")
    return (quartiles[2] - quartiles[0]) / 2


def geometric_mean(values: list[float]) -> float:
    """The mean that suits ratios."""
    return math.exp(sum(map(math.log, values)) / len(values))


def verdicts(outcome: Outcome) -> Iterator[Verdict]:
    """Each row against each contender that a target names."""
    for name, row in outcome.measured.items():
        job = outcome.jobs[name]
        for target in TARGETS:
            rivals = [rival for rival in row if outcome.kinds[rival] == target.kind]
            if target.fastest and rivals:
                rivals = [min(rivals, key=lambda rival: median_ratio(row[OURS], row[rival]))]
            for rival in rivals:
                many = target.many is not None and job["rows"] >= MANY_ROWS and not job["writes"]
                least = target.many if many and target.many is not None else target.every
                yield verdict(outcome, name, target, rival, least)


def promises(outcome: Outcome) -> Iterator[Verdict]:
    """Those that this outcome can judge."""
    for promise in PROMISES:
        if promise.against in outcome.measured.get(promise.job, {}):
            yield verdict(outcome, promise.job, promise, promise.against, promise.least)


def means(found: list[Verdict]) -> Iterator[Mean]:
    """By target, and by contender unless only the fastest counts."""
    for target in TARGETS:
        own = [verdict for verdict in found if verdict.target is target]
        rivals = [None] if target.fastest else list(dict.fromkeys(verdict.against for verdict in own))
        for rival in rivals:
            ratios = [verdict.ratio for verdict in own if rival in (None, verdict.against)]
            if ratios:
                yield Mean(target, rival or "the fastest of each row", geometric_mean(ratios), len(ratios))


def tails(outcome: Outcome) -> Iterator[Tail]:
    """Of all contenders, where single calls were looked at."""
    for name, row in outcome.measured.items():
        for contender, figures in row.items():
            if len(figures.calls) >= 20:
                cuts = statistics.quantiles(figures.calls, n=100, method="inclusive")
                yield Tail(name, outcome.jobs[name]["title"], contender, cuts[49], cuts[98])


@dataclass(frozen=True)
class Miss:
    """Anything below its target, and how far: 0.9 is a tenth."""

    share: float
    found: Verdict | Mean | Tail


def missed(outcome: Outcome) -> Iterator[Miss]:
    """Rows, means, promises, and our own tails."""
    own = list(verdicts(outcome))
    for row in (*own, *promises(outcome)):
        if not row.met:
            yield Miss(row.ratio / row.least, row)
    for mean in means(own):
        if not mean.met:
            yield Miss(mean.ratio / mean.target.mean, mean)
    for tail in tails(outcome):
        if tail.contender == OURS and not tail.met:
            yield Miss(TAIL * tail.p50 / tail.p99, tail)
