"""A statement waits for its answer inside of its call for a moment, while nothing else waits on the loop."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import uvloop
from runtime_support import run
from wire_support import NAMES, opened, sleep

from oxyde import InterfaceError, PoolSettings, _core
from oxyde.db._driver import _pool_numbers
from oxyde.db.urls import parse_url

LONGEST = 0.001  # seconds: the longest budget there is
SHORTEST = 0.000001  # no server answers while it is looked for so long

servers_only = pytest.mark.parametrize("name", NAMES)


def on_each_loop(test: Callable[[str], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test on every server, on asyncio's loop and on uvloop's."""

    @functools.wraps(test)
    def on(name: str, loop: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        loop(test(name))

    del on.__wrapped__  # type: ignore[attr-defined]  # pytest reads its arguments
    loops = pytest.mark.parametrize("loop", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
    return servers_only(loops(on))


def ends_at_once(work: Coroutine[Any, Any, Any]) -> bool:
    """Whether a coroutine ends in its first step, in which no loop can turn."""
    try:
        work.send(None)
    except StopIteration:
        return True
    work.throw(asyncio.CancelledError())
    return False


async def inline_of(database: _core.Database, statement: str, times: int) -> int:
    """How many of so many statements end in their first step."""
    inline = 0
    for _ in range(times):
        try:
            inline += ends_at_once(run(database, statement))
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
    return inline


async def one(database: _core.Database) -> Any:
    return await run(database, "SELECT 1 AS one")


async def not_here_yet(name: str, database: _core.Database) -> Any:
    """An answer that cannot be there when the statement has just been sent; libmariadb looks at once."""
    return await run(database, "SELECT 1 AS one" if name == "postgres" else sleep(name, 0.02))


@on_each_loop
async def test_a_near_answer_needs_no_turn_of_the_loop(name: str) -> None:
    async with opened(name, near_budget=LONGEST) as database:
        await one(database)
        inline = await inline_of(database, "SELECT 1", 200)
        assert inline > 0


@on_each_loop
async def test_what_is_not_near_yet_is_slept_for_inside_of_the_call(name: str) -> None:
    async with opened(name, near_budget=SHORTEST) as database:
        await one(database)
        inline = await inline_of(database, "SELECT 1", 200)
        assert inline > 20, "three in a row that are looked for are late, and then one in sixteen is"


@contextmanager
def threads_that_wait_for_the_gil() -> Iterator[None]:
    """Another thread runs while this one sleeps only, not because its turn has come."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def meanwhile(work: Callable[[], object], operation: Any) -> bool:
    """The first step of an operation, and whether another thread did this work in it."""
    asked, done = threading.Event(), threading.Event()

    def wait() -> None:
        asked.wait()
        work()
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        with threads_that_wait_for_the_gil():
            asked.set()
            operation.send(None)
    finally:
        during = done.is_set()
        thread.join()
    return during


@on_each_loop
async def test_other_threads_run_while_a_call_sleeps(name: str) -> None:
    async with opened(name, near_budget=SHORTEST) as database:
        for _ in range(100):
            operation = run(database, sleep(name, 0.02))
            during = meanwhile(lambda: None, operation)
            operation.close()
            if during:
                return
            await asyncio.sleep(0.01)
            await one(database)  # answered in time: the next one sleeps, too
    pytest.fail("another thread never ran")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="nobody looks on one processor")
@on_each_loop
async def test_slower_answers_of_this_machine_are_looked_for_longer(name: str) -> None:
    processors = os.sched_getaffinity(0)
    spent = 0.0
    try:
        async with opened(name, near_budget=LONGEST) as database:
            for number in range(200):
                await one(database)
                # Where the server has just answered nobody looks: half of the time this is elsewhere.
                os.sched_setaffinity(0, {sorted(processors)[number % 2]})
                operation = run(database, sleep(name, 0.003))
                before = time.thread_time()
                try:
                    operation.send(None)
                except StopIteration:
                    spent = max(spent, time.thread_time() - before)
                operation.close()
                if spent > 2 * LONGEST:
                    return
                await asyncio.sleep(0.005)
    finally:
        os.sched_setaffinity(0, processors)
    pytest.fail(f"{spent * 1000:.1f} ms of processor time: the rest was slept")


PARTS = 60
BETWEEN = 0.0003  # seconds; postgres sends 8 KB at a time
KEPT = 3  # a text that came before is prepared, and its rows are taken as they come


def parts(number: int, seconds: float) -> str:
    """Rows that come four at a time, with a pause of at least so long in between."""
    return (
        "SELECT i, repeat('x', 2100) AS text, CASE WHEN i % 4 = 0 THEN pg_sleep("
        f"{seconds}) END AS pause FROM generate_series(1, {number * 4}) AS i"
    )


async def spent_in(database: _core.Database, statement: str) -> tuple[float, float]:
    """Seconds of this thread's processor time, and seconds."""
    before, start = time.thread_time(), time.perf_counter()
    rows = await run(database, statement)
    found = time.thread_time() - before, time.perf_counter() - start
    assert [row["i"] for row in rows] == list(range(1, len(rows) + 1))
    return found


on_postgres = pytest.mark.skipif(
    "postgres" not in NAMES, reason="how a result is cut into parts is the server's affair"
)
on_both = pytest.mark.parametrize("runs", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


@on_postgres
@on_both
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="nobody looks on one processor")
def test_rows_that_come_for_long_are_napped_for(runs: Callable[..., None]) -> None:
    processors = sorted(os.sched_getaffinity(0))

    async def work() -> None:
        async with opened("postgres", near_budget=LONGEST) as database:
            shares = []
            for number in range(12):
                # Where the server has just answered nobody looks: half of the time this is elsewhere.
                os.sched_setaffinity(0, {processors[number % 2]})
                spent, took = await spent_in(database, parts(PARTS, BETWEEN))
                assert took > PARTS * BETWEEN
                shares.append(spent / took)
            assert max(shares) < 0.5, shares

    try:
        runs(work())
    finally:
        os.sched_setaffinity(0, processors)


@on_postgres
@on_both
def test_while_rows_come_others_have_a_collector(runs: Callable[..., None]) -> None:
    """It is off while rows are built, not while they are waited for."""
    seen: list[bool] = []
    over = False

    def watch() -> None:
        while not over:
            seen.append(gc.isenabled())
            time.sleep(0.0002)

    async def work() -> None:
        async with opened("postgres", near_budget=SHORTEST) as database:
            for _ in range(KEPT):
                await spent_in(database, parts(PARTS, BETWEEN))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        with threads_that_wait_for_the_gil():
            runs(work())
    finally:
        over = True
        thread.join()
    assert len(seen) > 10
    assert all(seen)
    assert gc.isenabled()


@on_postgres
@on_both
def test_the_loop_turns_while_rows_come(runs: Callable[..., None]) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.002)
            turns += 1

    async def work() -> None:
        async with opened("postgres", near_budget=LONGEST) as database:
            for _ in range(KEPT):
                await spent_in(database, parts(PARTS, 0.002))
            counting = asyncio.create_task(count())
            await spent_in(database, parts(PARTS, 0.002))
            counting.cancel()

    runs(work())
    assert turns > 20


@on_each_loop
async def test_calls_do_not_sleep_while_a_thread_computes(name: str) -> None:
    """It would have the GIL after each, for its whole turn."""
    over = False

    def compute() -> None:
        while not over:
            pass

    interval = sys.getswitchinterval()
    async with opened(name, near_budget=SHORTEST) as database:
        await run(database, sleep(name, 0.003))
        thread = threading.Thread(target=compute)
        sys.setswitchinterval(0.02)
        thread.start()
        try:
            for _ in range(3):
                await run(database, sleep(name, 0.003))
        finally:
            over = True
            sys.setswitchinterval(interval)
            thread.join()
        assert await inline_of(database, sleep(name, 0.003), 10) < 5, "some are there before we look"


@on_each_loop
async def test_a_session_may_be_released_by_another_thread_while_its_statement_sleeps(name: str) -> None:
    async with opened(name, near_budget=SHORTEST) as database:
        for _ in range(100):
            session = await database._acquire("writer", None)
            operation = session._fetch(sleep(name, 0.02))
            try:
                meanwhile(session._release, operation)
            except InterfaceError as error:
                assert "released while the statement ran" in str(error)
                break
            operation.close()
            await asyncio.sleep(0.01)
            await one(database)
        else:
            pytest.fail("another thread was never in time")
        assert await one(database) == [{"one": 1}]


@on_each_loop
async def test_after_a_slow_phase_near_answers_are_found_again(name: str) -> None:
    async with opened(name, near_budget=LONGEST) as database:
        for _ in range(20):
            await run(database, sleep(name, 0.01))
        inline = 0
        for _ in range(400):
            try:
                inline += ends_at_once(one(database))
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)
            else:
                if inline == 20:
                    break
    assert inline == 20, "they are looked for one after the other again, not only now and then"


@on_each_loop
async def test_without_a_budget_the_loop_waits(name: str) -> None:
    async with opened(name, near_budget=0) as database:
        await one(database)
        for _ in range(20):
            with pytest.raises(asyncio.CancelledError):
                ends_at_once(not_here_yet(name, database))
            await asyncio.sleep(0.01)


@on_each_loop
async def test_callbacks_that_are_ready_go_first(name: str) -> None:
    order: list[str] = []
    async with opened(name, near_budget=LONGEST) as database:
        await one(database)
        for _ in range(20):
            asyncio.get_running_loop().call_soon(order.append, "callback")
            await not_here_yet(name, database)
            order.append("answer")
    assert order == ["callback", "answer"] * 20


@on_each_loop
async def test_sockets_of_others_go_first(name: str) -> None:
    order: list[str] = []
    here, there = socket.socketpair()
    loop = asyncio.get_running_loop()

    def heard() -> None:
        here.recv(10)
        order.append("socket")

    loop.add_reader(here, heard)
    async with opened(name, near_budget=LONGEST) as database:
        await one(database)
        await asyncio.sleep(0)  # markers of the warm-up
        for _ in range(20):
            there.send(b"x")
            await run(database, sleep(name, 0.02))
            order.append("answer")
    loop.remove_reader(here)
    here.close()
    there.close()
    assert order == ["socket", "answer"] * 20


@on_each_loop
async def test_a_call_sleeps_until_the_first_timer_at_most(name: str) -> None:
    order: list[str] = []
    async with opened(name, near_budget=SHORTEST) as database:
        for _ in range(20):
            await one(database)
            asyncio.get_running_loop().call_later(0.002, order.append, "timer")
            await run(database, sleep(name, 0.008))
            order.append("answer")
            await asyncio.sleep(0.005)
    pairs = list(zip(order[::2], order[1::2], strict=True))
    assert ("timer", "answer") in pairs, "a busy machine may keep us from some of them, not from all"


@on_each_loop
async def test_others_work_while_answers_are_late(name: str) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.002)
            turns += 1

    async with opened(name, near_budget=LONGEST) as database:
        counting = asyncio.create_task(count())
        for _ in range(5):
            await run(database, sleep(name, 0.1))
        counting.cancel()
    assert turns > 20


@on_each_loop
async def test_the_loop_turns_between_near_answers(name: str) -> None:
    turned = asyncio.Event()
    async with opened(name, near_budget=LONGEST) as database:
        asyncio.get_running_loop().call_later(0.005, turned.set)
        for _ in range(100_000):
            await one(database)
            if turned.is_set():
                break
    assert turned.is_set()


class Silent(uvloop.Loop):
    """A loop that shows nothing of what waits on it."""

    _get_backend_id = None


class Unlike(uvloop.Loop):
    """A loop that holds more timers than it was asked for."""

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        super().call_later(0.001, lambda: None)
        return super().call_later(delay, callback, *args, context=context)


@servers_only
@pytest.mark.parametrize("kind", [uvloop.Loop, Silent, Unlike])
def test_a_loop_that_does_not_tell_waits_as_loops_do(name: str, kind: type[uvloop.Loop]) -> None:
    told: list[int] = []

    async def work() -> None:
        async with opened(name, near_budget=LONGEST) as database:
            await one(database)
            told.append(await inline_of(database, sleep(name, 0.003), 20))

    loop = kind()
    try:
        loop.run_until_complete(work())
    finally:
        loop.close()
    assert (told[0] > 3) == (kind is uvloop.Loop), "the others' are there before anybody looks, at most"


@on_each_loop
async def test_a_listening_server_and_timers_keep_nobody_from_waiting(name: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    timers = [loop.call_later(60 + i, lambda: None) for i in range(5)]
    try:
        async with opened(name, near_budget=LONGEST) as database:
            await one(database)
            assert await inline_of(database, "SELECT 1", 200) > 0
    finally:
        for timer in timers:
            timer.cancel()
        server.close()
        await server.wait_closed()


@on_each_loop
async def test_what_was_written_is_not_held_up(name: str) -> None:
    """uvloop sends what a task wrote at the end of the turn: a call does not wait before that."""
    here, there = socket.socketpair()
    there.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=here)
    async with opened(name, near_budget=LONGEST) as database:
        for _ in range(20):
            await one(database)
            transport.write(b"x")
            operation = run(database, sleep(name, 0.003))
            try:
                ended = ends_at_once(operation)
            except asyncio.CancelledError:
                ended = False
            if ended:
                assert there.recv(10) == b"x", "the call waited, with the write behind it"
            else:
                await asyncio.sleep(0.01)
                assert there.recv(10) == b"x"
    transport.close()
    await asyncio.sleep(0.01)  # it is closed on the next turn
    there.close()


@pytest.mark.parametrize(
    ("given", "budget"),
    [(None, 0.0001), (0, 0.0), (0.0002, 0.0002), (timedelta(microseconds=30), 0.00003), (5, LONGEST)],
)
def test_the_setting_has_a_limit(given: Any, budget: float) -> None:
    numbers = _pool_numbers(
        parse_url("postgresql://u@localhost/x"), PoolSettings(network_inline_budget=given)
    )
    assert numbers["near_budget"] == pytest.approx(budget)
