"""Python code that comes back into the runtime while it is at work on a connection."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import wire_support
from runtime_support import SLOW, configured, is_quiet, opened, run, value

from oxyde import Field, Model, _core
from oxyde.exceptions import OxydeError

# More objects than any of these operations makes for itself.
ALLOCATIONS = range(1, 80)
# Longer than this nothing here takes that is not lost.
PATIENCE = 10.0
SERVERS = pytest.mark.parametrize("name", wire_support.NAMES)


@pytest.fixture(autouse=True)
def nothing_to_walk() -> Iterator[None]:
    """Collections look at what a test makes."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Item(Model):
    id: int = Field(db_pk=True)

    class Meta:
        is_table = True
        table_name = "reentry_items"


class Garbage:
    """A cycle, whose end the collector brings."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action, self.me = action, self

    def __del__(self) -> None:
        self.action()


@contextmanager
def collecting(after: int, action: Callable[[], None]) -> Iterator[None]:
    """Carries out the action inside of the collection that so many new objects bring, soon in any case."""
    threshold = gc.get_threshold()
    in_any_case = asyncio.get_running_loop().call_later(0.05, gc.collect)
    gc.collect()
    Garbage(action)
    gc.set_threshold(after)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        in_any_case.cancel()
        gc.collect()


async def outcome(awaitable: Awaitable[Any]) -> Any:
    """What comes of it, which may be an error of the package, but not nothing."""
    try:
        return await asyncio.wait_for(awaitable, PATIENCE)
    except OxydeError as error:
        return error


def with_init(path: Path, init: Callable[[Any], Any]) -> _core.Database:
    database = _core.Database()
    database._configure(
        backend="sqlite",
        settings={"path": str(path), "mode": "rwc"},
        pool={"max": 1, "min": 0},
        alias="default",
        gate=str(path),
        init=init,
    )
    return database


async def test_init_may_release_its_session_while_it_is_called(tmp_path: Path) -> None:
    async def rest() -> None:
        await asyncio.sleep(0)

    def init(session: Any) -> Any:
        session._release()
        return rest()

    database = with_init(tmp_path / "released.db", init)
    await database._open()
    assert await value(database, "SELECT 1 AS n") == 1
    assert database._stats()["busy"] == 0
    await database._close(5)


async def test_a_connection_that_is_given_while_the_wait_for_it_is_made_is_taken(tmp_path: Path) -> None:
    async with opened(tmp_path / "given.db", max=1) as database:
        for n in ALLOCATIONS:
            session = await database._acquire("writer", None)
            with collecting(n, session._release):
                assert await asyncio.wait_for(value(database, "SELECT 7 AS n"), PATIENCE) == 7, n


async def test_a_session_that_is_released_while_its_rows_are_made(tmp_path: Path) -> None:
    many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT n FROM c"
    async with opened(tmp_path / "rows.db", max=1) as database:
        for n in ALLOCATIONS:
            session = await database._acquire("writer", None)
            with collecting(n, session._release):
                rows = await outcome(run(session, many))
            assert isinstance(rows, OxydeError) or [row["n"] for row in rows] == list(range(1, 10))
            await is_quiet(database)


@SERVERS
async def test_a_session_of_a_server_that_is_released_while_it_is_asked(name: str) -> None:
    async with wire_support.opened(name, max=1) as database:
        for n in ALLOCATIONS:
            session = await database._acquire("any", None)
            with collecting(n, session._release):
                rows = await outcome(run(session, "SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3"))
            assert isinstance(rows, OxydeError) or [row["n"] for row in rows] == [1, 2, 3]
            assert await value(database, "SELECT 5 AS n") == 5
        await is_quiet(database)


async def test_who_joins_the_queue_of_a_session_that_is_released_meanwhile_hears_of_it(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "queue.db", max=1) as database:
        for n in ALLOCATIONS[:10]:
            session = await database._acquire("writer", None)
            first = asyncio.ensure_future(outcome(run(session, SLOW.format(10**5))))
            await asyncio.sleep(0.002)
            with collecting(n, session._release):
                await outcome(run(session, "SELECT 1 AS n"))
            await first
            await is_quiet(database)


async def test_closing_hears_of_a_connection_that_came_back_before_it_waited(tmp_path: Path) -> None:
    for n in ALLOCATIONS:
        database = configured(tmp_path / "closing.db", max=1)
        await database._open()
        session = await database._acquire("writer", None)
        with collecting(n, session._release):
            await asyncio.wait_for(database._close(10 * PATIENCE), PATIENCE)


@contextmanager
def observed(observer: Callable[..., None]) -> Iterator[None]:
    _core.set_observer(observer)
    try:
        yield
    finally:
        _core.set_observer(None)


async def test_an_observer_may_release_the_session(tmp_path: Path) -> None:
    async with opened(tmp_path / "observed.db", max=1) as database:
        session = await database._acquire("writer", None)
        with observed(lambda **event: session._release()):
            assert [row["n"] for row in await run(session, "SELECT 3 AS n")] == [3]
        await is_quiet(database)
        assert not session._held


async def with_items(database: _core.Database, doubled: int) -> None:
    with suppress(OxydeError):
        await run(database, "DROP TABLE reentry_items")
    await run(database, "CREATE TABLE reentry_items (id bigint PRIMARY KEY)")
    await run(database, "INSERT INTO reentry_items VALUES (0)")
    for n in range(doubled):
        await run(database, f"INSERT INTO reentry_items SELECT id + {2**n} FROM reentry_items")


@SERVERS
async def test_a_session_that_is_released_with_a_stream_that_rests(name: str) -> None:
    database = wire_support.configured(name, max=1)
    await database._open()
    await with_items(database, 17)
    session = await database._acquire("any", None)
    stream = _core.operation(
        _core.DO_SELECT, Item.objects.order_by("id"), _core.SINK_LIST, client=session, chunk=10
    )
    assert [item.id for item in await stream] == list(range(10))
    session._release()
    await asyncio.wait_for(database._close(0), PATIENCE)
    with pytest.raises(OxydeError):
        await stream
