"""asyncio.gather() over reads: without a task for each on SQLite, and with the same outcome."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
import warnings
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
import uvloop
from pydantic import AfterValidator, PrivateAttr
from runtime_support import collected, is_quiet, until

from oxyde import Field, Model, MultipleObjectsReturned, NotFoundError, PoolSettings, atomic, db, execute_raw
from oxyde.db import QueryEvent
from oxyde.exceptions import PoolTimeoutError

seen: list[object] = []
here: contextvars.ContextVar[int] = contextvars.ContextVar("here", default=0)
ROWS = 300


def noted(value: str) -> str:
    seen.append(asyncio.current_task())
    return value


class Stone(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=40)
    weight: float = 0.0

    class Meta:
        is_table = True
        table_name = "gathered_stones"


class Watched(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: Annotated[str, AfterValidator(noted)]

    class Meta:
        is_table = True
        table_name = "gathered_stones"


class Private(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str
    _where: object = PrivateAttr(default_factory=lambda: noted("") or asyncio.current_task())

    class Meta:
        is_table = True
        table_name = "gathered_stones"


def no_chips() -> list[Any]:
    seen.append(asyncio.current_task())
    return []


class Made(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str
    chips: list[Chip] = Field(default_factory=no_chips, db_reverse_fk="made")

    class Meta:
        is_table = True
        table_name = "gathered_stones"


class Chip(Model):
    id: int | None = Field(default=None, db_pk=True)
    made: Made | None = None

    class Meta:
        is_table = True
        table_name = "gathered_chips"


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    """Runs a test on a loop of its own beside a table of stones."""

    def run(main: Callable[[], Awaitable[Any]], **settings: Any) -> Any:
        async def within() -> Any:
            async with stones(tmp_path / "stones.db", **settings):
                return await main()

        return request.param(within())

    return run


@asynccontextmanager
async def stones(path: Path, **settings: Any) -> AsyncIterator[None]:
    await db.init(default=f"sqlite:///{path}", settings=PoolSettings(**settings))
    try:
        await execute_raw("DROP TABLE IF EXISTS gathered_stones")
        await execute_raw(
            "CREATE TABLE gathered_stones (id INTEGER PRIMARY KEY, name TEXT, weight DOUBLE PRECISION)"
        )
        await Stone.objects.bulk_create([Stone(name=f"n{n}", weight=n / 2) for n in range(1, ROWS + 1)])
        yield
        await is_quiet(await db.get_connection())
    finally:
        await db.close()


def apart(*reads: Any) -> bool:
    """Whether gather() takes them as they are; they run."""
    outer: Any = asyncio.gather(*reads, return_exceptions=True)
    taken = {child is read for child, read in zip(outer._children, reads, strict=True)}
    assert len(taken) == 1
    return taken.pop()


def get(key: int) -> Any:
    return Stone.objects.get(id=key)


async def wrapped(read: Coroutine[Any, Any, Any]) -> Any:
    """A coroutine: gets a task."""
    return await read


def test_reads_are_taken_without_tasks(run: Callable[..., Any]) -> None:
    async def main() -> None:
        for read in (
            lambda: get(1),
            lambda: Stone.objects.get_or_none(id=0),
            lambda: Stone.objects.filter(id__lt=5).all(),
            Stone.objects.count,
            lambda: Stone.objects.filter(id=3).exists(),
            lambda: Stone.objects.filter(id__lt=5).values("name").all(),
        ):
            assert apart(read(), read())
            found: list[Any] = await asyncio.gather(*[read(), read()])
            assert found == [await read(), await read()]

    run(main)


def test_whatever_runs_the_users_code_or_writes_has_its_task(run: Callable[..., Any]) -> None:
    async def main() -> None:
        for read in (
            Watched.objects.get(id=1),
            Private.objects.get(id=1),
            Made.objects.get(id=1),
            Stone.objects.create(name="new"),
            Stone.objects.filter(id=1).update(weight=1.0),
            execute_raw("SELECT 1"),
        ):
            assert not apart(read)
            await asyncio.sleep(0.01)
        seen.clear()
        await asyncio.gather(Watched.objects.get(id=1), Private.objects.get(id=2), Made.objects.get(id=3))
        assert len(set(seen)) == 3
        assert None not in seen
        assert asyncio.current_task() not in seen

    run(main)


def test_only_gather_is_told_that_it_is_a_future(run: Callable[..., Any]) -> None:
    async def main() -> None:
        read = get(1)
        assert not asyncio.isfuture(read)
        assert asyncio.iscoroutine(read)
        task = asyncio.ensure_future(read)
        assert isinstance(task, asyncio.Task)
        assert id(task) != id(read)
        assert (await task).name == "n1"
        assert (await asyncio.wait_for(get(2), 5)).name == "n2"
        assert (await asyncio.shield(get(3))).name == "n3"
        assert {(await each).id for each in asyncio.as_completed([get(4), get(5)])} == {4, 5}
        assert (await asyncio.create_task(get(6))).id == 6

    run(main)


def test_run_until_complete_and_gather_outside_of_a_loop(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    open_one = stones(tmp_path / "stones.db")
    try:
        loop.run_until_complete(open_one.__aenter__())
        assert loop.run_until_complete(get(1)).name == "n1"
        loop.run_until_complete(open_one.__aexit__(None, None, None))
    finally:
        loop.close()


def outcome(value: Any) -> Any:
    return (type(value), str(value)) if isinstance(value, BaseException) else value


def test_results_and_errors_are_those_of_tasks(run: Callable[..., Any]) -> None:
    def reads() -> list[Any]:
        return [
            get(1),
            get(0),
            Stone.objects.get(weight__gt=3),
            Stone.objects.filter(id__in=[3, 1, 2]).order_by("-id").all(),
            Stone.objects.none().all(),
            Stone.objects.filter(id__gt=10).count(),
            get(ROWS),
        ]

    async def main() -> None:
        alone = await asyncio.gather(*[wrapped(read) for read in reads()], return_exceptions=True)
        together = await asyncio.gather(*reads(), return_exceptions=True)
        assert [outcome(each) for each in together] == [outcome(each) for each in alone]
        assert [type(each) for each in together[1:3]] == [NotFoundError, MultipleObjectsReturned]
        with pytest.raises(NotFoundError) as caught:
            await asyncio.gather(get(1), get(0), get(2))
        with pytest.raises(NotFoundError) as expected:
            await asyncio.gather(wrapped(get(1)), wrapped(get(0)), wrapped(get(2)))
        assert str(caught.value) == str(expected.value)

    run(main)


def test_the_same_operation_twice_and_awaited_again(run: Callable[..., Any]) -> None:
    async def main() -> None:
        read = get(1)
        first, second = await asyncio.gather(read, read)
        assert first is second
        with pytest.raises(RuntimeError, match="cannot reuse already awaited operation"):
            await read
        with pytest.raises(RuntimeError, match="cannot reuse already awaited operation"):
            await asyncio.gather(read)
        read = get(1)
        outer = asyncio.gather(read)
        with pytest.raises(RuntimeError, match="cannot reuse already awaited operation"):
            await read
        assert (await outer)[0].id == 1
        over = get(1)
        await over
        with pytest.raises(RuntimeError, match="cannot reuse already awaited operation"):
            await asyncio.gather(over)
        closed = get(1)
        outer = asyncio.gather(closed)
        closed.close()
        with pytest.raises(RuntimeError, match="cannot reuse already awaited operation"):
            await outer

    run(main)


def test_nothing_begins_inside_of_gather_and_all_on_the_next_turn(run: Callable[..., Any]) -> None:
    async def main() -> None:
        reads = [get(key) for key in range(1, 6)]
        order: list[str] = []
        asyncio.get_running_loop().call_soon(order.append, "before")
        outer = asyncio.gather(*reads)
        asyncio.get_running_loop().call_soon(order.append, "after")
        assert not any(read.done() for read in reads)
        assert repr(reads[0]) == "<Operation statement, not awaited>"
        for read in reads:
            with pytest.raises(asyncio.InvalidStateError):
                read.result()
            with pytest.raises(asyncio.InvalidStateError):
                read.exception()
            read.add_done_callback(lambda read: order.append(read.result().name))
        assert order == []
        await outer
        await asyncio.sleep(0)
        assert sorted(order) == sorted(["before", "after", "n1", "n2", "n3", "n4", "n5"])
        assert order[0] == "before"
        late: list[Any] = []
        reads[0].add_done_callback(late.append)
        assert late == []
        await asyncio.sleep(0)
        assert late == [reads[0]]
        assert reads[0].exception() is None
        assert not reads[0].cancelled()
        assert not reads[0].cancel()

    run(main)


def test_callbacks_have_their_context_and_can_be_removed(run: Callable[..., Any]) -> None:
    async def main() -> None:
        got: list[int] = []

        def note(read: Any) -> None:
            got.append(here.get())
            here.set(99)

        def never(read: Any) -> None:
            got.append(-1)

        here.set(1)
        read, other = get(1), get(2)
        outer = asyncio.gather(read, other)
        here.set(2)
        read.add_done_callback(note)
        given = contextvars.copy_context()
        here.set(3)
        other.add_done_callback(note, context=given)
        other.add_done_callback(never)
        assert other.remove_done_callback(never) == 1
        assert other.remove_done_callback(never) == 0
        with pytest.raises(TypeError):
            other.add_done_callback()
        await outer
        await asyncio.sleep(0)
        assert got == [2, 2]
        assert here.get() == 3
        assert given[here] == 99

    run(main)


def test_a_callback_that_fails_is_reported_and_the_rest_goes_on(run: Callable[..., Any]) -> None:
    async def main() -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
        reads = [get(1), get(2)]
        outer = asyncio.gather(*reads)
        reads[0].add_done_callback(lambda read: 1 // 0)
        assert [row.id for row in await outer] == [1, 2]
        await asyncio.sleep(0)
        assert [type(each["exception"]) for each in reported] == [ZeroDivisionError]

    run(main)


@pytest.mark.parametrize("message", [None, "enough"])
def test_cancelled_before_the_start(run: Callable[..., Any], message: str | None) -> None:
    async def main() -> None:
        async def given_up(*reads: Any) -> tuple[Any, ...]:
            outer = asyncio.gather(*reads)
            assert outer.cancel(message)
            with pytest.raises(asyncio.CancelledError) as caught:
                await outer
            return caught.value.args

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read = get(1)
            expected = await given_up(asyncio.ensure_future(get(2)), asyncio.ensure_future(get(3)))
            assert await given_up(read, get(2)) == expected
            assert read.cancelled()
            assert read.done()
            assert read._cancel_message == message
            with pytest.raises(asyncio.CancelledError):
                read.exception()
            one, two = get(1), get(2)
            outer = asyncio.gather(one, two, return_exceptions=True)
            assert two.cancel()
            first, second = await outer
            assert isinstance(first, Stone)
            assert isinstance(second, asyncio.CancelledError)
            outer = asyncio.gather(three := get(3), get(4))
            three.cancel("alone")
            with pytest.raises(asyncio.CancelledError):
                await outer
            del read, one, two, three
            collected()

    run(main)


def test_gather_is_cancelled_from_outside(run: Callable[..., Any]) -> None:
    async def main() -> None:
        async def many() -> None:
            await asyncio.gather(*[get(key) for key in range(1, 100)])

        for turns in range(5):
            task = asyncio.create_task(many())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
                raise asyncio.CancelledError  # it was faster
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(get(1), asyncio.sleep(60)), 0.01)

    run(main)


def test_what_has_to_wait_goes_on_in_a_task(run: Callable[..., Any]) -> None:
    async def main() -> None:
        database = await db.get_connection()
        async with atomic():
            await execute_raw("SELECT 1")
            before = asyncio.all_tasks()
            here.set(7)
            reads = [get(key) for key in (1, 2, 3)]
            outer = asyncio.gather(*reads)
            here.set(8)
            await asyncio.sleep(0.01)
            tasks = asyncio.all_tasks() - before
            assert len(tasks) == 3
            assert not any(read.done() for read in reads)
            assert database._stats()["waiting"] == 3
            reads[1].cancel("not this one")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert reads[1].cancelled()
            assert database._stats()["waiting"] == 2
        with pytest.raises(asyncio.CancelledError) as caught:
            await outer
        assert caught.value.args in (("not this one",), ())
        await until(lambda: all(read.done() for read in reads))
        assert [reads[0].result().id, reads[2].result().id] == [1, 3]
        assert reads[0].exception() is None
        with pytest.raises(asyncio.CancelledError):
            reads[1].result()
        await is_quiet(database)

    run(main, max_connections=1)


def test_waiting_for_the_only_connection_ends_as_with_tasks(run: Callable[..., Any]) -> None:
    async def main() -> None:
        texts = []
        for shape in (wrapped, lambda read: read):
            async with atomic():
                await execute_raw("SELECT 1")
                found = await asyncio.gather(*[shape(get(key)) for key in (1, 2)], return_exceptions=True)
            assert [type(each) for each in found] == [PoolTimeoutError] * 2
            texts.append([str(each).split(" (")[0].split(";")[0] for each in found])
        assert texts[0] == texts[1]

    run(main, max_connections=1, acquire_timeout=0.25)  # opening the database takes part of it


def test_slow_reads_run_beside_each_other(run: Callable[..., Any]) -> None:
    async def main() -> None:
        query = Stone.objects.filter(weight__gte=0.0).order_by("name")
        alone = await query.all()
        found = await asyncio.gather(*[query.all() for _ in range(8)])
        assert found == [alone] * 8
        outer = asyncio.gather(*[query.all() for _ in range(8)])
        await asyncio.sleep(0)
        outer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outer

    run(main, sqlite_inline_budget=0.000001)


def test_gathered_inside_of_a_block_is_apart_from_it(run: Callable[..., Any]) -> None:
    async def main() -> None:
        async with atomic():
            await Stone.objects.filter(id=1).update(name="inside")
            outside = await asyncio.gather(get(1), get(2))
            expected = await asyncio.gather(wrapped(get(1)), wrapped(get(2)))
            assert [row.name for row in outside] == [row.name for row in expected] == ["n1", "n2"]
            assert (await get(1)).name == "inside"
        async with atomic() as block:
            await Stone.objects.filter(id=2).update(name="again")
            reads = [Stone.objects.get(id=key, client=block.transaction) for key in (1, 2)]
            assert [row.name for row in await asyncio.gather(*reads)] == ["inside", "again"]

    run(main)


def test_the_loop_turns_between_many(run: Callable[..., Any]) -> None:
    async def main() -> None:
        turns = 0
        over = False

        def turn() -> None:
            nonlocal turns
            turns += 1
            if not over:
                asyncio.get_running_loop().call_soon(turn)

        keys = [1 + n % ROWS for n in range(5000)]
        reads = [get(key) for key in keys]
        turn()
        found = await asyncio.gather(*reads)
        over = True
        assert [row.id for row in found] == keys
        assert turns > 3

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
        assert [[row.id for row in await each] for each in more] == [[11], [12], [13]]

    run(main)


@pytest.mark.parametrize("watched", ["observer", "factory", "debug"])
def test_who_watches_tasks_or_statements_sees_them(run: Callable[..., Any], watched: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        events: list[QueryEvent] = []
        if watched == "observer":
            db.add_query_hook(events.append)
        elif watched == "factory":
            loop.set_task_factory(lambda loop, coro, **more: asyncio.Task(coro, loop=loop, **more))
        else:
            loop.set_debug(True)
        try:
            assert not apart(get(1), get(2))
            await asyncio.sleep(0.01)
        finally:
            if watched == "observer":
                db.remove_query_hook(events.append)
        assert len(events) == (2 if watched == "observer" else 0)

    run(main)


def test_results_are_freed_with_what_was_gathered(run: Callable[..., Any]) -> None:
    async def main() -> None:
        rows = await asyncio.gather(get(1), get(2))
        marks = [weakref.ref(row) for row in rows]
        del rows
        await asyncio.sleep(0)  # the handle of this step has gather()'s future
        collected()
        assert [mark() for mark in marks] == [None, None]
        read = get(1)
        outer = asyncio.gather(read)
        read.add_done_callback(lambda done, read=read: None)  # a cycle
        await outer
        mark = weakref.ref(read.result())
        del read, outer
        await asyncio.sleep(0)
        collected()
        assert mark() is None

    run(main)


@pytest.mark.parametrize("seed", range(4))
def test_torn_gathers_leave_a_quiet_pool(run: Callable[..., Any], seed: int) -> None:
    """Gathers of every kind, cancelled wherever they are, beside blocks that hold connections."""
    chance = random.Random(seed)

    def read() -> tuple[Any, Any]:
        key = chance.randint(1, ROWS)
        choice: tuple[Callable[[], Any], Any] = chance.choice(
            [
                (lambda: get(key), f"n{key}"),
                (lambda: asyncio.ensure_future(get(key)), f"n{key}"),
                (lambda: Watched.objects.get(id=key), f"n{key}"),
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
        if isinstance(got, (Stone, Watched)):
            return bool(got.name == expected)
        return bool(expected == (len(got) if isinstance(got, list) else got))

    async def one() -> None:
        chosen = [read() for _ in range(chance.randint(1, 12))]
        outer: Any = asyncio.gather(*[each for each, _ in chosen], return_exceptions=True)
        for _ in range(chance.randint(0, 3)):
            await asyncio.sleep(chance.choice([0, 0, 0.0005]))
        if chance.random() < 0.2:
            outer.cancel("torn")
        if chance.random() < 0.3:
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
        for _ in range(20):
            tasks = [asyncio.create_task(chance.choice([one, one, block])()) for _ in range(6)]
            await asyncio.sleep(chance.choice([0, 0, 0.001]))
            if chance.random() < 0.3:
                chance.choice(tasks).cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    run(main, max_connections=chance.choice([2, 3, 5]), sqlite_inline_budget=chance.choice([1e-5, 1e-3]))


def test_an_error_that_nobody_asked_for_is_reported(run: Callable[..., Any]) -> None:
    async def main() -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
        for asked in (True, False):
            read = get(0)
            read.add_done_callback(lambda read: None)
            await asyncio.sleep(0.01)
            if asked:
                assert isinstance(read.exception(), NotFoundError)
            del read
            collected()
            assert len(reported) == (not asked)
        assert reported[0]["message"] == "Operation exception was never retrieved"
        assert isinstance(reported[0]["exception"], NotFoundError)

    run(main)


def test_a_loop_that_ends_before_they_begin(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        await db.init(default=f"sqlite:///{tmp_path / 'stones.db'}")
        await execute_raw("CREATE TABLE gathered_stones (id INTEGER PRIMARY KEY, name TEXT, weight REAL)")
        reads = [get(1), get(2)]
        asyncio.gather(*reads, return_exceptions=True)
        asyncio.get_running_loop().stop()
        return reads

    async def end() -> None:
        await is_quiet(await db.get_connection())
        await db.close()

    loop = asyncio.new_event_loop()
    reads = loop.run_until_complete(main())
    loop.close()
    del loop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        del reads
        collected()
    asyncio.run(end())


@pytest.mark.parametrize("loops", [asyncio, uvloop], ids=["asyncio", "uvloop"])
def test_what_ends_the_loop_leaves_the_rest_for_the_next_run(tmp_path: Path, loops: Any) -> None:
    def interrupt(read: Any) -> None:
        raise KeyboardInterrupt

    async def begin() -> Any:
        outer = asyncio.gather(*reads)
        reads[1].add_done_callback(lambda read: None)  # each callback on its own
        return outer

    async def interrupted() -> None:
        first = get(7)
        first.add_done_callback(interrupt)
        later.append(asyncio.gather(get(8), get(9)))
        await asyncio.sleep(0.01)

    loop = loops.new_event_loop()
    open_one = stones(tmp_path / "stones.db")
    reads = [get(key) for key in (1, 2, 3)]
    later: list[Any] = []
    try:
        loop.run_until_complete(open_one.__aenter__())
        outer = loop.run_until_complete(begin())
        assert [row.id for row in loop.run_until_complete(outer)] == [1, 2, 3]
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(interrupted())
        assert [row.id for row in loop.run_until_complete(later[0])] == [8, 9]
        loop.run_until_complete(asyncio.sleep(0.02))
        loop.run_until_complete(open_one.__aexit__(None, None, None))
    finally:
        loop.close()


@pytest.mark.parametrize("loops", [asyncio, uvloop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_loop_inside_of_a_read_arrives_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loops: Any, fatal: type[BaseException]
) -> None:
    def interrupt(self: NotFoundError, *args: object) -> None:
        raise fatal

    async def interrupted() -> None:
        later.append(asyncio.gather(get(8), get(ROWS + 1), get(9), return_exceptions=True))
        await asyncio.sleep(0.01)

    loop = loops.new_event_loop()
    open_one = stones(tmp_path / "stones.db")
    later: list[Any] = []
    try:
        loop.run_until_complete(open_one.__aenter__())
        with monkeypatch.context() as patched:
            patched.setattr(NotFoundError, "__init__", interrupt)
            with pytest.raises(fatal):
                loop.run_until_complete(interrupted())
        first, middle, last = loop.run_until_complete(later[0])
        assert [first.id, type(middle), last.id] == [8, fatal, 9]
        loop.run_until_complete(asyncio.sleep(0.02))
        loop.run_until_complete(open_one.__aexit__(None, None, None))
    finally:
        loop.close()
