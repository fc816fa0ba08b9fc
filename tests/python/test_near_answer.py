"""A statement waits for its answer inside of its call for a moment, while nothing else waits on the loop."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
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


def ends_at_once(work: Coroutine[Any, Any, Any]) -> bool:
    """Whether a coroutine ends in its first step, in which no loop can turn."""
    try:
        work.send(None)
    except StopIteration:
        return True
    work.throw(asyncio.CancelledError())
    return False


async def one(database: _core.Database) -> Any:
    return await run(database, "SELECT 1 AS one")


async def not_here_yet(name: str, database: _core.Database) -> Any:
    """An answer that cannot be there when the statement has just been sent; libmariadb looks at once."""
    return await run(database, "SELECT 1 AS one" if name == "postgres" else sleep(name, 0.02))


@servers_only
async def test_a_near_answer_needs_no_turn_of_the_loop(name: str) -> None:
    async with opened(name, near_budget=LONGEST) as database:
        await one(database)
        inline = 0
        for _ in range(200):
            try:
                inline += ends_at_once(one(database))
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)
        assert inline > 0


@servers_only
async def test_what_is_not_near_yet_is_slept_for_inside_of_the_call(name: str) -> None:
    async with opened(name, near_budget=SHORTEST) as database:
        await one(database)
        inline = 0
        for _ in range(200):
            try:
                inline += ends_at_once(one(database))
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)
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


@servers_only
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


@servers_only
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
        for _ in range(5):
            with pytest.raises(asyncio.CancelledError):
                ends_at_once(run(database, sleep(name, 0.003)))
            await asyncio.sleep(0.01)


@servers_only
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


@servers_only
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


@servers_only
async def test_without_a_budget_the_loop_waits(name: str) -> None:
    async with opened(name, near_budget=0) as database:
        await one(database)
        for _ in range(20):
            with pytest.raises(asyncio.CancelledError):
                ends_at_once(not_here_yet(name, database))
            await asyncio.sleep(0.01)


@servers_only
async def test_callbacks_that_are_ready_go_first(name: str) -> None:
    order: list[str] = []
    async with opened(name, near_budget=LONGEST) as database:
        await one(database)
        for _ in range(20):
            asyncio.get_running_loop().call_soon(order.append, "callback")
            await not_here_yet(name, database)
            order.append("answer")
    assert order == ["callback", "answer"] * 20


@servers_only
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


@servers_only
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


@servers_only
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


@servers_only
async def test_the_loop_turns_between_near_answers(name: str) -> None:
    turned = asyncio.Event()
    async with opened(name, near_budget=LONGEST) as database:
        asyncio.get_running_loop().call_later(0.005, turned.set)
        for _ in range(100_000):
            await one(database)
            if turned.is_set():
                break
    assert turned.is_set()


@servers_only
def test_uvloop_waits_as_loops_do(name: str) -> None:
    async def work() -> list[Any]:
        async with opened(name, near_budget=LONGEST) as database:
            return [await one(database) for _ in range(50)]

    assert len(uvloop.run(work())) == 50


@pytest.mark.parametrize(
    ("given", "budget"),
    [(None, 0.0001), (0, 0.0), (0.0002, 0.0002), (timedelta(microseconds=30), 0.00003), (5, LONGEST)],
)
def test_the_setting_has_a_limit(given: Any, budget: float) -> None:
    numbers = _pool_numbers(
        parse_url("postgresql://u@localhost/x"), PoolSettings(network_inline_budget=given)
    )
    assert numbers["near_budget"] == pytest.approx(budget)
