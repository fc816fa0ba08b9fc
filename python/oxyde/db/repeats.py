"""Statements that one task repeats: counted with the line they come from, and warned of.

The usual cause is a loop that reads related rows one parent at a time ("N+1"), where one
`prefetch()` reads them all.
"""

from __future__ import annotations

import asyncio
import re
import sys
import warnings
import weakref
from dataclasses import dataclass
from typing import Any

from ..exceptions import FieldLookupError
from . import observe
from ._debug import FORCED

__all__ = ["StatementCount", "detect_repeats", "statement_counts"]

# Statements that come later than this after the one before belong to no loop over rows.
_PAUSE = 1.0
# Different statements that are remembered for a task.
_MOST = 1000
_DEFAULT = 20

# A column compared with a value, behind WHERE.
_COMPARED = re.compile(r"""["`]([^"`]+)["`] (?:=|IN|<=>) """)


@dataclass
class StatementCount:
    """A statement, the line it came from, how often the task has run it there, and the seconds that took."""

    sql: str
    table: str | None
    origin: str
    count: int = 0
    seconds: float = 0.0


class _Entry:
    __slots__ = ("burst", "count", "last")

    def __init__(self, sql: str, table: str | None, origin: str) -> None:
        self.count = StatementCount(sql, table, origin)
        self.burst = 0  # without a pause
        self.last = float("-inf")


_Entries = dict[tuple[str, str], _Entry]

_limit: int | None = None
_tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], _Entries] = weakref.WeakKeyDictionary()
_warned: set[str] = set()


def detect_repeats(limit: int | None = _DEFAULT) -> None:
    """Counts statements per task, and warns once per line that ran the same SELECT `limit` times.

    Off by default, on in Python's development mode (`-X dev`) and with `OXYDE_DEBUG=1`. None: off.
    """
    global _limit  # noqa: PLW0603
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise TypeError(f"limit is an int or None, not {type(limit).__name__}")
    if limit is not None and limit < 2:
        raise ValueError(f"limit is at least 2, got {limit}")
    _limit = limit
    _warned.clear()
    _tasks.clear()
    observe.look_at_repeats(None if limit is None else _look)


def statement_counts(task: asyncio.Task[Any] | None = None) -> list[StatementCount]:
    """What a task, by default the current one, has run so far, most often first; see `detect_repeats`."""
    if task is None:
        task = asyncio.current_task()
    entries = {} if task is None else _tasks.get(task, {})
    return sorted((entry.count for entry in entries.values()), key=lambda count: -count.count)


def _look(event: observe.QueryEvent) -> None:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return
    if task is None or event.origin is None:
        return
    entries = _tasks.setdefault(task, {})
    key = (event.sql, event.origin)
    entry = entries.get(key)
    if entry is None:
        if len(entries) >= _MOST:
            return
        entry = entries[key] = _Entry(event.sql, event.table, event.origin)
    entry.count.count += 1
    entry.count.seconds += event.duration
    entry.burst = entry.burst + 1 if event.started - entry.last < _PAUSE else 1
    entry.last = event.started + event.duration
    if entry.burst == _limit and event.operation == "SELECT" and not observe.is_loading():
        _warn(entry.count, task)


def _warn(count: StatementCount, task: asyncio.Task[Any]) -> None:
    if count.origin in _warned:
        return
    _warned.add(count.origin)
    file, _, line = count.origin.rpartition(":")
    warnings.warn_explicit(
        f"task {task.get_name()!r} ran the same statement {count.count} times here: {_advice(count)} "
        f"({count.sql})",
        RuntimeWarning,
        file or count.origin,
        int(line) if line.isdigit() else 1,
    )


def _advice(count: StatementCount) -> str:
    found = _relations(count)
    if not found:
        return "read the rows at once, with one __in lookup, in_bulk() or .prefetch()"
    calls = " or ".join(f"{model}.objects.prefetch({name!r})" for model, name in found)
    return f"read the related rows at once with {calls}"


def _relations(count: StatementCount) -> list[tuple[str, str]]:
    """Relations whose rows such a statement reads for one parent: (model, relation)."""
    from ..models._relations import relation_of
    from ..models.registry import iter_tables

    _, _, where = count.sql.partition(" WHERE ")
    columns = set(_COMPARED.findall(where))
    found = []
    for model in iter_tables():
        for name in model._db_meta.relation_fields:
            try:
                spec = relation_of(model, name)
            except FieldLookupError:  # says so itself to whoever uses it
                continue
            if spec is None or spec.through is not None:
                continue
            target = spec.target._db_meta
            if target.table_name != count.table:
                continue
            if {target.field_metadata[field].db_column for _, field in spec.near} <= columns:
                found.append((model.__name__, name))
    return found


if FORCED or sys.flags.dev_mode:
    detect_repeats()
