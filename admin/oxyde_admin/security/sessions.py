"""Sessions and tokens: random secrets that end when unused, when old, or when somebody logs out."""

from __future__ import annotations

from datetime import datetime, timedelta

from .secrets import digest, new_secret, seal, unseal
from .store import SessionEntry, Store, now

__all__ = ["Session", "Sessions"]

TOUCHES_PER_IDLE = 20
"""How often within the idle time a session in use is written, at most."""
REMEMBERED = timedelta(days=30)
"""How long a token is refused that ended here though its provider would go on taking it."""


class Session:
    """A living session or token: what it stands for, and until when."""

    def __init__(self, payload: str, ends: datetime) -> None:
        self.payload = payload
        self.ends = ends


class Sessions:
    """Opens, finds and ends them; each purpose (cookie, token of a provider) has its own."""

    def __init__(self, store: Store, idle: float, longest: float) -> None:
        self.store = store
        self._idle = timedelta(seconds=idle)
        self._longest = timedelta(seconds=longest)

    async def open(self, purpose: str, payload: str, user_id: str = "") -> tuple[str, Session]:
        """A new secret that stands for the payload; the store could tell neither."""
        secret, moment = new_secret(), now()
        last_end = moment + self._longest
        ends = min(moment + self._idle, last_end)
        sealed = seal(secret, payload)
        await self.store.put(SessionEntry(digest(purpose, secret), user_id, sealed, moment, ends, last_end))
        return secret, Session(payload, ends)

    async def find(self, purpose: str, secret: str) -> Session | None:
        """What the secret stands for; that it was used keeps it alive."""
        key = digest(purpose, secret)
        entry = await self.store.get(key)
        if entry is None:
            return None
        payload = unseal(secret, entry.payload)
        if payload is None:
            return None
        ends = min(now() + self._idle, entry.last_end)
        if ends - entry.ends < self._idle / TOUCHES_PER_IDLE:
            return Session(payload, entry.ends)
        await self.store.prolong(key, ends)
        return Session(payload, ends)

    async def end(self, purpose: str, secret: str) -> None:
        """Ends it at once, here and in every process that shares the store."""
        await self.store.drop(digest(purpose, secret))

    async def refuse(self, token: str) -> None:
        """Remembers that a provider's token ended."""
        moment = now()
        until = moment + max(self._longest, REMEMBERED)
        await self.store.put(SessionEntry(digest("ended", token), "", "", moment, until, until))

    async def refused(self, token: str) -> bool:
        """Whether the token was ended here."""
        return await self.store.get(digest("ended", token)) is not None
