"""Where sessions and login counters live: in this process, or in the database for several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from typing_extensions import override

__all__ = ["MemoryStore", "SessionEntry", "Store", "now"]

SWEEP_EVERY = 256
"""Writes after which expired entries are removed."""


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """What is stored of a session or token: `ends` moves with use, never beyond `last_end`."""

    digest: str
    user_id: str
    payload: str
    created: datetime
    ends: datetime
    last_end: datetime


class Store(ABC):
    """Sessions by digest, and counters that grow to a limit within a window."""

    persistent = False

    @abstractmethod
    async def put(self, entry: SessionEntry) -> None:
        """Stores an entry; one of the same digest is replaced."""

    @abstractmethod
    async def get(self, digest: str) -> SessionEntry | None:
        """The entry, unless it is unknown or has ended."""

    @abstractmethod
    async def prolong(self, digest: str, ends: datetime) -> None:
        """Moves the end of an entry, if it is still there."""

    @abstractmethod
    async def drop(self, digest: str) -> None:
        """Removes an entry, known or not."""

    @abstractmethod
    async def count(self, digest: str, limit: int, window: timedelta) -> datetime | None:
        """Adds one to a counter that is below its limit: None. Else the moment its window ends.

        Of any number of callers at the same time, in any number of processes, no more than `limit`
        are given None.
        """

    @abstractmethod
    async def uncount(self, digest: str) -> None:
        """Takes one back."""

    @abstractmethod
    async def clear(self, digest: str) -> None:
        """Forgets a counter."""


class MemoryStore(Store):
    """Of this process; gone when it ends. No step of it can be interrupted by another task."""

    def __init__(self) -> None:
        self._sessions: dict[str, SessionEntry] = {}
        self._counters: dict[str, tuple[int, datetime]] = {}
        self._writes = 0

    @override
    async def put(self, entry: SessionEntry) -> None:
        self._sweep()
        self._sessions[entry.digest] = entry

    @override
    async def get(self, digest: str) -> SessionEntry | None:
        entry = self._sessions.get(digest)
        return entry if entry is not None and entry.ends > now() else None

    @override
    async def prolong(self, digest: str, ends: datetime) -> None:
        entry = self._sessions.get(digest)
        if entry is not None:
            self._sessions[digest] = SessionEntry(
                entry.digest, entry.user_id, entry.payload, entry.created, ends, entry.last_end
            )

    @override
    async def drop(self, digest: str) -> None:
        self._sessions.pop(digest, None)

    @override
    async def count(self, digest: str, limit: int, window: timedelta) -> datetime | None:
        self._sweep()
        moment = now()
        failures, ends = self._counters.get(digest, (0, moment))
        if ends <= moment:
            failures, ends = 0, moment + window
        if failures >= limit:
            return ends
        self._counters[digest] = (failures + 1, ends)
        return None

    @override
    async def uncount(self, digest: str) -> None:
        failures, ends = self._counters.get(digest, (0, now()))
        if failures > 0:
            self._counters[digest] = (failures - 1, ends)

    @override
    async def clear(self, digest: str) -> None:
        self._counters.pop(digest, None)

    def _sweep(self) -> None:
        """Removes what has ended, every so many writes, so that memory follows the living entries."""
        self._writes += 1
        if self._writes % SWEEP_EVERY:
            return
        moment = now()
        self._sessions = {key: entry for key, entry in self._sessions.items() if entry.ends > moment}
        self._counters = {key: pair for key, pair in self._counters.items() if pair[1] > moment}
