"""What statements ran: log, hooks, captures. Costs one flag test per statement while nobody looks."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from .. import _core

__all__ = ["QueryEvent", "add_query_hook", "capture_queries", "remove_query_hook"]

_log = logging.getLogger("oxyde.sql")


@dataclass(frozen=True)
class QueryEvent:
    """A statement that ran. `started` is the loop's clock, `duration` in seconds, `rows` read or changed.

    `params` is None unless the database's settings say `log_parameters=True`. `origin` is the line
    that ran it, as `file:line`: the innermost one outside of this package.
    """

    alias: str
    backend: str
    role: str
    operation: str
    table: str | None
    sql: str
    params: tuple[Any, ...] | None
    rows: int
    started: float
    duration: float
    error: BaseException | None
    transaction_id: int | None
    origin: str | None = None


Hook = Callable[[QueryEvent], object]


class _Capture:
    __slots__ = ("events", "using")

    def __init__(self, using: str | None) -> None:
        self.using = using
        self.events: list[QueryEvent] = []


_lock = threading.RLock()
_hooks: list[tuple[Hook, str | None]] = []
_captures: ContextVar[tuple[_Capture, ...]] = ContextVar("oxyde_captures", default=())
_capturing = 0
_outsiders: Callable[[Any], None] | None = None  # told of statements outside transactions
_debugging = 0
_repeats: Callable[[QueryEvent], None] | None = None  # told of every statement, to count them
_watched: weakref.WeakSet[Any] = weakref.WeakSet()  # handles with echo or a threshold


def refresh(database: Any = None) -> None:
    """Switches the engine's reports on if anybody wants them, else off."""
    with _lock:
        if database is not None:
            settings = database.settings
            if settings.echo or settings.slow_query_threshold is not None:
                _watched.add(database)
            else:
                _watched.discard(database)
        wanted = bool(_hooks) or _capturing > 0 or _debugging > 0 or len(_watched) > 0 or _repeats is not None
        wanted = wanted or _log.isEnabledFor(logging.DEBUG)
        _core.set_observer(_observe if wanted else None)


def look_at_outsiders(look: Callable[[Any], None], change: int) -> None:
    """While the changes sum up above 0, `look(database)` is called after statements outside transactions."""
    global _outsiders, _debugging  # noqa: PLW0603
    with _lock:
        _outsiders = look
        _debugging += change
        refresh()


def look_at_repeats(look: Callable[[QueryEvent], None] | None) -> None:
    """Calls `look(event)` after each statement; None: nobody."""
    global _repeats  # noqa: PLW0603
    with _lock:
        _repeats = look
        refresh()


class _Logger(type(_log)):  # type: ignore[misc]
    """The logger `oxyde.sql`: a change of its level switches the reports."""

    def setLevel(self, level: int | str) -> None:
        super().setLevel(level)
        refresh()


_log.__class__ = _Logger


def _observe(
    *,
    database: Any,
    session: Any,
    alias: str,
    backend: str,
    table: str | None,
    sql: str,
    params: Any,
    rows: int,
    started: float,
    duration: float,
    error: BaseException | None,
) -> None:
    settings = getattr(database, "settings", None)
    shown = tuple(params) if settings is not None and settings.log_parameters and params is not None else None
    words = sql.split(None, 1)
    captures = _captures.get()
    event = QueryEvent(
        alias=getattr(database, "_shown_as", alias),
        backend=backend,
        role=getattr(database, "_role", "primary"),
        operation=words[0].upper() if words else "",
        table=table,
        sql=sql,
        params=shown,
        rows=rows,
        started=started,
        duration=duration,
        error=error,
        transaction_id=getattr(session, "_id", None),
        origin=caller() if captures or _hooks or _repeats is not None else None,
    )
    if _debugging > 0 and session is None and _outsiders is not None:
        _outsiders(database)
    _write_log(event, settings)
    if _repeats is not None:
        _repeats(event)
    for capture in captures:
        if capture.using is None or capture.using == event.alias:
            capture.events.append(event)
    for hook, using in tuple(_hooks):
        if using is None or using == event.alias:
            _call(hook, event)


def _call(hook: Hook, event: QueryEvent) -> None:
    try:
        hook(event)
    except Exception:
        _log.exception("query hook %r failed", hook)


def _write_log(event: QueryEvent, settings: Any) -> None:
    level = logging.INFO if settings is not None and settings.echo else logging.DEBUG
    extra = {
        "sql": event.sql,
        "params": event.params,
        "duration": event.duration,
        "rows": event.rows,
        "alias": event.alias,
        "backend": event.backend,
        "transaction_id": event.transaction_id,
    }
    if _log.isEnabledFor(level):
        values = "" if event.params is None else f" {event.params!r}"
        _log.log(
            level,
            "%s%s (%.3f ms, %d rows, %s)",
            event.sql,
            values,
            event.duration * 1000,
            event.rows,
            event.alias,
            extra=extra,
        )
    slow = None if settings is None else settings.limit("slow_query_threshold", float("inf"))
    if slow is not None and event.duration >= slow:
        _log.warning(
            "slow query: %.3f s, task %s, called from %s: %s",
            event.duration,
            _task_name(),
            caller(),
            event.sql,
            extra=extra,
        )


def _task_name() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return "none" if task is None else repr(task.get_name())


def caller() -> str:
    """The innermost place outside this package."""
    frame = sys._getframe(1)
    while frame is not None:
        if not str(frame.f_globals.get("__name__", "")).startswith("oxyde."):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "unknown"


def is_loading() -> bool:
    """Whether the statement that is reported is one of `prefetch()`: then its number is no accident."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "load" and frame.f_globals.get("__name__") == "oxyde.queries._prefetch":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def add_query_hook(func: Hook, *, using: str | None = None) -> None:
    """Calls `func(event)` after each statement, on the loop's thread; its errors are logged, not raised."""
    if not callable(func):
        raise TypeError(f"add_query_hook() takes a function, not {type(func).__name__}")
    with _lock:
        _hooks.append((func, using))
        refresh()


def remove_query_hook(func: Hook) -> None:
    """Takes a hook off again; silent if there is none."""
    with _lock:
        # Equality, because each access to a bound method makes another object.
        _hooks[:] = [entry for entry in _hooks if entry[0] != func]
        refresh()


@contextmanager
def capture_queries(using: str | None = None) -> Iterator[list[QueryEvent]]:
    """Collects the statements of the current context: `with db.capture_queries() as log: ...`."""
    global _capturing  # noqa: PLW0603
    capture = _Capture(using)
    token = _captures.set((*_captures.get(), capture))
    with _lock:
        _capturing += 1
        refresh()
    try:
        yield capture.events
    finally:
        _captures.reset(token)
        with _lock:
            _capturing -= 1
            refresh()
