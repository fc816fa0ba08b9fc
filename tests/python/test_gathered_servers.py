"""asyncio.gather() over reads on servers: no tasks, few packets, and the same outcome as with tasks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import servers
import uvloop
from runtime_support import is_quiet, until

from oxyde import Field, Model, MultipleObjectsReturned, NotFoundError, PoolSettings, atomic, db, execute_raw
from oxyde.exceptions import ConnectionLostError, DatabaseError, InterfaceError

NAMES = [name for name in servers.chosen() if name != "sqlite"]
ROWS = 200


class Stone(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=40)
    weight: float = 0.0

    class Meta:
        is_table = True
        table_name = "gathered_stones"


class Seen(Model):
    """Rows of a view."""

    id: int | None = Field(default=None, db_pk=True)
    share: int

    class Meta:
        is_table = True
        table_name = "gathered_view"


@pytest.fixture(scope="module", params=NAMES)
def place(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    with servers.fresh_database(request.param) as server:
        yield server


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest, place: servers.Server) -> Callable[..., Any]:
    """Runs a test on a loop of its own beside a table of stones."""

    def run(main: Callable[[], Awaitable[Any]], **settings: Any) -> Any:
        async def within() -> Any:
            async with stones(place, **settings):
                return await main()

        return request.param(within())

    return run


@asynccontextmanager
async def stones(place: servers.Server, **settings: Any) -> AsyncIterator[None]:
    await db.init(
        default=place.url, settings=PoolSettings(**{"max_connections": 4, "min_connections": 1, **settings})
    )
    try:
        await execute_raw("DROP VIEW IF EXISTS gathered_view")
        await execute_raw("DROP TABLE IF EXISTS gathered_stones")
        await execute_raw(
            "CREATE TABLE gathered_stones (id INTEGER PRIMARY KEY, name VARCHAR(40), weight DOUBLE PRECISION)"
        )
        await Stone.objects.bulk_create([Stone(id=n, name=f"n{n}", weight=n / 2) for n in range(1, ROWS + 1)])
        yield
        await is_quiet(await db.get_connection())
    finally:
        await db.close()


def get(key: int) -> Any:
    return Stone.objects.get(id=key)


async def wrapped(read: Coroutine[Any, Any, Any]) -> Any:
    """A coroutine: gets a task."""
    return await read


def outcome(value: Any) -> Any:
    return (type(value), str(value)) if isinstance(value, BaseException) else value


async def size() -> int:
    return int((await db.get_connection())._stats()["size"])


def test_results_and_errors_are_those_of_tasks(run: Callable[..., Any]) -> None:
    def reads() -> list[Any]:
        return [read for _ in range(8) for read in some()]

    def some() -> list[Any]:
        return [
            get(1),
            get(0),
            Stone.objects.get(weight__gt=3),
            Stone.objects.filter(id__in=[3, 1, 2]).order_by("-id").all(),
            Stone.objects.none().all(),
            Stone.objects.filter(id__gt=10).count(),
            Stone.objects.get_or_none(id=5),
            get(ROWS),
        ]

    async def main() -> None:
        for _ in range(3):
            alone = await asyncio.gather(*[wrapped(read) for read in reads()], return_exceptions=True)
            together = await asyncio.gather(*reads(), return_exceptions=True)
            assert [outcome(each) for each in together] == [outcome(each) for each in alone]
        assert [type(each) for each in together[1:3]] == [NotFoundError, MultipleObjectsReturned]
        with pytest.raises(NotFoundError):
            await asyncio.gather(get(1), get(0), get(2))

    run(main)


def test_no_task_is_made_while_they_wait(run: Callable[..., Any]) -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        reads = [get(key) for key in range(1, 100)]
        outer: Any = asyncio.gather(*reads)
        assert all(child is read for child, read in zip(outer._children, reads, strict=True))
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        assert [row.id for row in await outer] == list(range(1, 100))

    run(main)


def test_many_gathers_at_once(run: Callable[..., Any]) -> None:
    async def main() -> None:
        async def one(first: int) -> None:
            for _ in range(5):
                rows = await asyncio.gather(*[get(1 + (first + n) % ROWS) for n in range(20)])
                assert [row.id for row in rows] == [1 + (first + n) % ROWS for n in range(20)]

        await asyncio.gather(*[one(first) for first in range(12)])

    run(main)


def test_reads_that_callbacks_gather(run: Callable[..., Any]) -> None:
    async def main() -> None:
        more: list[Any] = []
        reads = [get(key) for key in (1, 2, 3)]
        outer = asyncio.gather(*reads)
        for read in reads:
            read.add_done_callback(lambda read: more.append(asyncio.gather(get(read.result().id + 10))))
        await outer
        await asyncio.sleep(0)
        assert sorted([(await each)[0].id for each in more]) == [11, 12, 13]

    run(main)


def test_gathered_inside_of_a_block(run: Callable[..., Any]) -> None:
    async def main() -> None:
        async with atomic():
            await Stone.objects.filter(id=1).update(name="inside")
            outside = await asyncio.gather(get(1), get(2))
            assert [row.name for row in outside] == ["n1", "n2"]
        async with atomic() as block:
            reads = [Stone.objects.get(id=key, client=block.transaction) for key in (1, 2)]
            assert [row.name for row in await asyncio.gather(*reads)] == ["inside", "n2"]

    run(main)


@asynccontextmanager
async def locked(place: servers.Server) -> AsyncIterator[None]:
    """Reads of the table wait."""
    other = servers.Admin(place)
    try:
        if place.backend == "postgres":
            other.rows("BEGIN")
            other.rows("LOCK TABLE gathered_stones")
        else:
            other.rows("LOCK TABLES gathered_stones WRITE")
        yield
    finally:
        other.close()


@pytest.mark.parametrize("how", ["outer", "child", "timeout", "close"])
def test_given_up_while_they_wait(run: Callable[..., Any], place: servers.Server, how: str) -> None:
    async def main() -> None:
        database = await db.get_connection()
        await asyncio.gather(*[get(key) for key in range(1, 9)])
        async with locked(place):
            reads = [get(key) for key in range(1, 9)]
            outer = asyncio.gather(*reads, return_exceptions=how in ("child", "close"))
            await until(lambda: database._stats()["busy"] > 0)
            await asyncio.sleep(0.02)
            assert not any(read.done() for read in reads)
            if how == "outer":
                assert outer.cancel("enough")
                with pytest.raises(asyncio.CancelledError):
                    await outer
                assert all(read.cancelled() for read in reads)
            elif how == "timeout":
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(outer, 0.05)
            elif how == "child":
                assert reads[3].cancel("not this one")
                assert not reads[3].cancel()
                assert reads[3].cancelled()
            else:
                reads[3].close()
        if how in ("child", "close"):
            found = await outer
            error = asyncio.CancelledError if how == "child" else RuntimeError
            assert isinstance(found.pop(3), error)
            assert [row.id for row in found] == [1, 2, 3, 5, 6, 7, 8]
        await is_quiet(database)
        assert [row.id for row in await asyncio.gather(get(1), get(2))] == [1, 2]

    run(main, cancel_timeout=2)


def test_the_loop_ends_while_they_wait(place: servers.Server) -> None:
    reads: list[Any] = []

    async def main() -> None:
        async with stones(place):
            pass
        await db.init(default=place.url)
        async with locked(place):
            reads.extend(get(key) for key in (1, 2, 3))
            asyncio.gather(*reads, return_exceptions=True)
            await asyncio.sleep(0.02)

    async def end() -> None:
        assert (await get(4)).id == 4
        await is_quiet(await db.get_connection())
        assert [row.id for row in await asyncio.gather(get(5), get(6))] == [5, 6]
        await db.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(main())
        asyncio.run(end())
        reads.clear()
        gc.collect()


def test_the_server_ends_the_session_while_they_wait(run: Callable[..., Any], place: servers.Server) -> None:
    async def main() -> None:
        await asyncio.gather(*[get(key) for key in range(1, 9)])
        async with locked(place):
            outer = asyncio.gather(*[get(key) for key in range(1, 9)], return_exceptions=True)
            await asyncio.sleep(0.05)
            admin = servers.Admin(place)
            if place.backend == "postgres":
                admin.rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE '%gathered_stones%' AND wait_event_type = 'Lock'"
                )
            else:
                for row in admin.rows("SHOW PROCESSLIST"):
                    if "lock" in str(row[6]).lower():
                        admin.rows(f"KILL {row[0]}")
            admin.close()
            await asyncio.sleep(0.05)
        found = await outer
        assert all(isinstance(each, (Stone, DatabaseError)) for each in found)
        assert any(isinstance(each, ConnectionLostError) for each in found)
        assert (await get(1)).id == 1

    run(main)


def test_the_pool_is_closed_while_they_wait(run: Callable[..., Any], place: servers.Server) -> None:
    async def main() -> None:
        async with locked(place):
            outer = asyncio.gather(*[get(key) for key in range(1, 9)], return_exceptions=True)
            await asyncio.sleep(0.02)
            await (await db.get_connection()).disconnect(timeout=0.05)
            found = await outer
        assert all(
            isinstance(each, (DatabaseError, InterfaceError, asyncio.CancelledError)) for each in found
        ), found
        await (await db.get_connection()).connect()
        assert (await get(1)).id == 1

    run(main, cancel_timeout=0.5)


# --- together: reads by key share a connection and a packet ------------------------------------


def test_reads_by_key_share_a_transaction(run: Callable[..., Any], place: servers.Server) -> None:
    """Unless the server is slow, which is what it may be at times."""
    if place.backend != "postgres":
        pytest.skip("only PostgreSQL's connections are shared")

    async def main() -> None:
        await execute_raw(
            "CREATE VIEW gathered_view AS SELECT id, (extract(epoch FROM now()) * 1000000)::int8 AS share "
            "FROM gathered_stones"
        )
        for _ in range(200):
            rows = await asyncio.gather(*[Seen.objects.get(id=key) for key in range(1, 31)])
            assert [row.id for row in rows] == list(range(1, 31))
            if len({row.share for row in rows}) == 2:  # those of two packets
                return
        pytest.fail("each read had its own transaction")

    run(main)


def test_a_read_that_fails_fails_alone(run: Callable[..., Any], place: servers.Server) -> None:
    if place.backend != "postgres":
        pytest.skip("only PostgreSQL's connections are shared")

    async def main() -> None:
        await execute_raw(
            "CREATE VIEW gathered_view AS SELECT id, 100 / (id - 5) AS share FROM gathered_stones"
        )
        for _ in range(3):
            found = await asyncio.gather(
                *[Seen.objects.get(id=key) for key in range(1, 12)], return_exceptions=True
            )
            error = found.pop(4)
            assert isinstance(error, DatabaseError)
            assert "division by zero" in str(error)
            assert [row.id for row in found] == [1, 2, 3, 4, *range(6, 12)]

    run(main)


def test_what_travels_together_is_a_near_answer(place: servers.Server) -> None:
    """It is waited for where it was sent from: the loop has something to do each time that it asks."""
    if place.name != "postgres":
        pytest.skip("elsewhere each goes by itself")
    waits: list[bool] = []

    async def main() -> None:
        async with stones(place, network_inline_budget=timedelta(milliseconds=1)):
            loop: Any = asyncio.get_running_loop()
            ask = loop._selector.select

            def noted(timeout: float | None = None) -> Any:
                waits.append(timeout is None or timeout > 0)
                return ask(timeout)

            loop._selector.select = noted
            try:
                for _ in range(100):
                    await asyncio.gather(*[get(key) for key in range(1, 11)])
            finally:
                del loop._selector.select

    asyncio.run(main())
    assert sum(waits) < 60, "each waited in the loop"


def test_slow_reads_are_spread(run: Callable[..., Any], place: servers.Server) -> None:
    if place.backend != "postgres":
        pytest.skip("only PostgreSQL's connections are shared")

    async def main() -> None:
        await execute_raw(
            "CREATE VIEW gathered_view AS "
            "SELECT id, CASE WHEN pg_sleep(0.002) IS NULL THEN 0 ELSE 1 END AS share FROM gathered_stones"
        )
        for _ in range(4):
            await asyncio.gather(*[Seen.objects.get(id=1) for _ in range(8)])
        assert await size() == 4

    run(main)


@pytest.mark.parametrize("seed", range(3))
def test_torn_gathers_leave_a_quiet_pool(run: Callable[..., Any], seed: int) -> None:
    """Gathers of every kind, cancelled wherever they are, beside blocks that hold connections."""
    chance = random.Random(seed)

    def read() -> tuple[Any, Any]:
        key = chance.randint(1, ROWS)
        choice: tuple[Callable[[], Any], Any] = chance.choice(
            [
                (lambda: get(key), f"n{key}"),
                (lambda: get(key), f"n{key}"),
                (lambda: asyncio.ensure_future(get(key)), f"n{key}"),
                (lambda: Stone.objects.filter(id__lte=key).count(), key),
                (lambda: Stone.objects.filter(weight__gte=0.0).order_by("name").all(), ROWS),
                (lambda: get(-key), NotFoundError),
            ]
        )
        return choice[0](), choice[1]

    def fits(got: Any, expected: Any) -> bool:
        if isinstance(got, asyncio.CancelledError):
            return True
        if isinstance(got, Exception):
            return type(got) is expected
        if isinstance(got, Stone):
            return bool(got.name == expected)
        return bool(expected == (len(got) if isinstance(got, list) else got))

    async def one() -> None:
        chosen = [read() for _ in range(chance.randint(1, 40))]
        outer: Any = asyncio.gather(*[each for each, _ in chosen], return_exceptions=True)
        for _ in range(chance.randint(0, 3)):
            await asyncio.sleep(chance.choice([0, 0, 0.0005]))
        if chance.random() < 0.2:
            outer.cancel("torn")
        for _ in range(chance.choice([0, 0, 1, 5])):
            chance.choice(list(outer._children)).cancel()
        try:
            found = await outer
        except asyncio.CancelledError:
            return
        assert all(fits(got, expected) for got, (_, expected) in zip(found, chosen, strict=True)), found

    async def block() -> None:
        async with atomic():
            await Stone.objects.filter(id=1).update(weight=0.5)
            await one()

    async def main() -> None:
        for _ in range(10):
            tasks = [asyncio.create_task(chance.choice([one, one, block])()) for _ in range(6)]
            await asyncio.sleep(chance.choice([0, 0, 0.001]))
            if chance.random() < 0.3:
                chance.choice(tasks).cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    run(main, max_connections=chance.choice([7, 8, 12]))


@pytest.mark.parametrize("loops", [asyncio, uvloop], ids=["asyncio", "uvloop"])
def test_what_ends_the_loop_leaves_the_rest_for_the_next_run(place: servers.Server, loops: Any) -> None:
    def interrupt(read: Any) -> None:
        raise KeyboardInterrupt

    async def interrupted() -> None:
        first = get(7)
        outer = asyncio.gather(first, get(10))
        first.add_done_callback(interrupt)
        later.append(outer)
        later.append(asyncio.gather(get(8), get(9)))
        await asyncio.sleep(1)

    loop = loops.new_event_loop()
    open_one = stones(place)
    later: list[Any] = []
    try:
        loop.run_until_complete(open_one.__aenter__())
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(interrupted())
        assert [row.id for row in loop.run_until_complete(later[1])] == [8, 9]
        assert [row.id for row in loop.run_until_complete(later[0])] == [7, 10]
        loop.run_until_complete(asyncio.sleep(0.02))
        loop.run_until_complete(open_one.__aexit__(None, None, None))
    finally:
        loop.close()
