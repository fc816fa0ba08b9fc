"""Sessions and login counters in the database, for panels that run in several processes."""

from __future__ import annotations

from datetime import datetime, timedelta

from typing_extensions import override

from oxyde import F

from ..models import AdminSession, AdminThrottle
from .store import SWEEP_EVERY, SessionEntry, Store, now

__all__ = ["DatabaseStore"]


class DatabaseStore(Store):
    """Every rule is one statement, so it holds between processes as well as between tasks."""

    persistent = True

    def __init__(self) -> None:
        self._writes = 0

    @override
    async def put(self, entry: SessionEntry) -> None:
        await self._sweep()
        await AdminSession.objects.upsert(
            digest=entry.digest,
            user_id=entry.user_id[:255],
            payload=entry.payload,
            created=entry.created,
            ends=entry.ends,
            last_end=entry.last_end,
            unique_fields=["digest"],
        )

    @override
    async def get(self, digest: str) -> SessionEntry | None:
        row = await AdminSession.objects.filter(digest=digest, ends__gt=now()).first()
        if row is None:
            return None
        return SessionEntry(row.digest, row.user_id, row.payload, row.created, row.ends, row.last_end)

    @override
    async def prolong(self, digest: str, ends: datetime) -> None:
        await AdminSession.objects.filter(digest=digest).update(ends=ends)

    @override
    async def drop(self, digest: str) -> None:
        await AdminSession.objects.filter(digest=digest).delete()

    @override
    async def count(self, digest: str, limit: int, window: timedelta) -> datetime | None:
        await self._sweep()
        rows = AdminThrottle.objects.filter(digest=digest)
        while True:
            moment = now()
            if await rows.filter(ends__gt=moment, failures__lt=limit).update(failures=F("failures") + 1):
                return None
            if await rows.filter(ends__lte=moment).update(failures=1, ends=moment + window):
                return None
            found = await rows.first()
            if found is None:
                # Whoever loses the race of two first attempts counts itself in the next round.
                await AdminThrottle.objects.bulk_create(
                    [AdminThrottle(digest=digest, failures=0, ends=moment + window)], ignore_conflicts=True
                )
            elif found.ends > moment and found.failures >= limit:
                return found.ends

    @override
    async def uncount(self, digest: str) -> None:
        await AdminThrottle.objects.filter(digest=digest, failures__gt=0).update(failures=F("failures") - 1)

    @override
    async def clear(self, digest: str) -> None:
        await AdminThrottle.objects.filter(digest=digest).delete()

    async def _sweep(self) -> None:
        """Removes what has ended, at the first write of a process and every so many after it."""
        self._writes += 1
        if self._writes % SWEEP_EVERY != 1:
            return
        moment = now()
        await AdminSession.objects.filter(ends__lte=moment).delete()
        await AdminThrottle.objects.filter(ends__lte=moment).delete()
