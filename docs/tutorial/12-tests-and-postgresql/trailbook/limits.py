"""How often somebody may fail to log in."""

from __future__ import annotations

import time
from collections import OrderedDict

ATTEMPTS = 5
SECONDS = 300.0
REMEMBERED = 10_000


class LoginLimit:
    """Counts attempts by account and address within one process."""

    def __init__(self, attempts: int = ATTEMPTS, seconds: float = SECONDS) -> None:
        self._attempts, self._seconds = attempts, seconds
        self._seen: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def admit(self, account: str, address: str) -> bool:
        """Counts an attempt before it is checked, so that parallel ones do not slip through."""
        now = time.monotonic()
        key = (account.casefold(), address)
        recent = [at for at in self._seen.pop(key, []) if now - at < self._seconds]
        admitted = len(recent) < self._attempts
        self._seen[key] = [*recent, now] if admitted else recent
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return admitted

    def forget(self, account: str, address: str) -> None:
        """After a success."""
        self._seen.pop((account.casefold(), address), None)
