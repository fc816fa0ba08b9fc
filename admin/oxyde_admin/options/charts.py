"""Charts that a project adds to the dashboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["KINDS", "Chart", "Load"]

Load = Callable[[Any], Awaitable[Iterable[tuple[Any, float]]]]
KINDS = ("bar", "line", "pie", "number")


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: `await load(user)` gives `(label, number)` pairs. `roles` None: shown to everybody."""

    name: str
    title: str
    load: Load
    kind: str = "bar"
    roles: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"the chart {self.name!r} has kind {self.kind!r}; there are {', '.join(KINDS)}")
        if not self.name or any(sign in self.name for sign in "/\\\0") or self.name in (".", ".."):
            raise ValueError(f"{self.name!r} cannot stand in a path; name the chart otherwise")
