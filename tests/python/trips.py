"""What tests of round trips share: a connection for all examples, what counts as the same, how many."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import math
import os
import re
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from decimal import Decimal
from typing import Any

import pydantic
from hypothesis import HealthCheck, settings
from servers import Server, drop_everything
from subjects import Subject

from oxyde import create_tables, db

# OXYDE_ROUND_TRIPS=200 asks for as many random examples of each kind, new ones each time.
WANTED = int(os.environ.get("OXYDE_ROUND_TRIPS", "0"))

PROFILE = settings(
    max_examples=WANTED or 4,
    derandomize=not WANTED and not os.environ.get("OXYDE_TEST_RANDOM"),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Home:
    """One database connection for all examples, on a loop of its own."""

    def __init__(self, server: Server, tables: Iterable[Any]) -> None:
        self.server = server
        self.tables = list(tables)
        self.loop = asyncio.new_event_loop()
        self.handle: Any = None

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    async def open(self) -> None:
        sqlite = self.server.backend == "sqlite"
        url = "sqlite://:memory:" if sqlite else self.server.url
        self.handle = db.AsyncDatabase(url, name="trips", overwrite=True)
        await self.handle.connect()
        await create_tables(self.handle, models=self.tables)

    async def close(self) -> None:
        await self.handle.disconnect()

    @contextlib.asynccontextmanager
    async def undone(self) -> AsyncIterator[Any]:
        """A transaction that is rolled back: nothing of an example reaches a disk."""
        with contextlib.suppress(_Undo):
            async with self.handle.connection() as pinned, pinned.transaction() as client:
                yield client
                raise _Undo


class _Undo(Exception):
    """Rolls an example back."""


@contextlib.contextmanager
def home_of(server: Server, tables: Iterable[Any]) -> Iterator[Home]:
    """A database with these tables, on a loop of its own."""
    if server.backend != "sqlite":
        drop_everything(server)
    home = Home(server, tables)
    home.run(home.open())
    try:
        yield home
    finally:
        home.run(home.close())
        home.loop.close()


def given_value(subject: Subject, value: Any) -> Any:
    """The value as it is given to a model."""
    return value if value is None else subject.given(value)


def identical(found: Any, value: Any) -> bool:  # noqa: PLR0911
    """Equal, of the same type, and everything inside too."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        # zone-aware columns give UTC
        return type(found) is dt.datetime and found.utcoffset() == dt.timedelta(0) and found == value
    if type(found) is not type(value):
        return False
    if isinstance(value, float):
        return math.isnan(found) if math.isnan(value) else found == value
    if isinstance(value, Decimal):
        return bool(found == value)
    if isinstance(value, dict):
        return found.keys() == value.keys() and all(identical(found[key], value[key]) for key in value)
    if isinstance(value, (list, tuple)):
        return len(found) == len(value) and all(map(identical, found, value))
    if isinstance(value, re.Pattern):
        return bool(found.pattern == value.pattern)
    return bool(found == value)


def shown(subject: Subject, found: Any) -> Any:
    """What values() gave, as the attribute would hold it."""
    if found is None or not subject.plain:
        return found
    return pydantic.TypeAdapter(subject.annotation).validate_python(found, by_alias=False, by_name=True)
