"""Counting failed logins: per account and address, per address, per account.

An attempt is counted before the provider is asked, so that attempts in parallel cannot slip through,
and taken back where it turns out to be none. One that is refused counts nowhere: whoever is locked
out of one account does not lock others out of theirs.
"""

from __future__ import annotations

import ipaddress
import math
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from ..exceptions import RateLimitedError
from .secrets import digest
from .store import Store, now

__all__ = ["Attempt", "Throttle", "account_of"]

ACCOUNT_NAMES = ("email", "username", "login", "user", "account")
PER_ADDRESS, PER_ACCOUNT = 4, 20
IPV6_SITE_BITS = 64
"""Whoever has one IPv6 address has as many as this network holds."""


def account_of(credentials: BaseModel) -> str:
    """The text by which attempts on the same account are recognised; never a secret."""
    values = {name: value for name, value in credentials if isinstance(value, (str, int))}
    named = [str(values[name]) for name in ACCOUNT_NAMES if name in values]
    return "\0".join(named or [str(value) for value in values.values()])


class Attempt:
    """A login that has been counted and not yet decided."""

    def __init__(self, store: Store, counters: list[str]) -> None:
        self._store = store
        self._counters = counters

    async def succeeded(self) -> None:
        """Clears the account's counter at this address; for the others it was no failure."""
        address, own, account = self._counters
        await self._store.clear(own)
        await self.undo([address, account])

    async def undo(self, counters: list[str] | None = None) -> None:
        """Takes the attempt back: nobody has decided it."""
        for counter in self._counters if counters is None else counters:
            await self._store.uncount(counter)


class Throttle:
    """At most `limit` failures within `seconds` per account and address; four times as many per
    address, twenty times per account."""

    def __init__(self, store: Store, limit: int, seconds: float) -> None:
        self._store = store
        self._limit = limit
        self._window = timedelta(seconds=seconds)

    async def attempt(self, account: str, address: str | None) -> Attempt:
        """Counts an attempt; raises RateLimitedError, naming the wait, where there were too many."""
        name = _folded(account)
        where = _network(address)
        # The address first: what it is refused for then leaves no counter, whatever names it makes up.
        rules = (
            (digest("address", where), PER_ADDRESS * self._limit),
            (digest("account and address", f"{name}\0{where}"), self._limit),
            (digest("account", name), PER_ACCOUNT * self._limit),
        )
        counted = Attempt(self._store, [])
        for counter, limit in rules:
            ends = await self._store.count(counter, limit, self._window)
            if ends is not None:
                await counted.undo()
                raise RateLimitedError(_seconds_until(ends))
            counted._counters.append(counter)
        return counted


def _folded(account: str) -> str:
    return unicodedata.normalize("NFKC", account).casefold().strip()


def _network(address: str | None) -> str:
    try:
        parsed: Any = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_SITE_BITS), strict=False))


def _seconds_until(moment: datetime) -> int:
    return math.ceil((moment - now()).total_seconds())
