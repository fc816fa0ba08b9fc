"""What an operation yields: a future to tasks, resolved without a turn of the loop."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import uvloop
from runtime_support import until
from wire_support import NAMES, opened, sleep

from oxyde import _core

pytestmark = [pytest.mark.parametrize("name", NAMES)]
here: contextvars.ContextVar[int] = contextvars.ContextVar("here", default=0)


def fetch(database: Any, sql: str = "SELECT 1 AS n") -> Any:
    return _core.raw_operation(sql, None, client=database)


RUNNERS: list[Callable[[Any], Any]] = [asyncio.run, lambda main: asyncio.run(main, debug=True), uvloop.run]


@pytest.mark.parametrize("run", RUNNERS, ids=["asyncio", "debug", "uvloop"])
def test_each_task_goes_on_in_its_own_context(name: str, run: Callable[[Any], Any]) -> None:
    async def task(database: Any, number: int) -> None:
        here.set(number)
        for _ in range(10):
            await fetch(database)
            assert here.get() == number

    async def main() -> None:
        async with opened(name) as database:
            await asyncio.gather(*(task(database, number) for number in range(1, 21)))
            assert here.get() == 0

    run(main())


@pytest.mark.parametrize("run", RUNNERS, ids=["asyncio", "debug", "uvloop"])
def test_a_task_cancels_others_that_are_resumed_with_it(name: str, run: Callable[[Any], Any]) -> None:
    async def forever(database: Any) -> None:
        while True:
            await fetch(database)

    async def main() -> None:
        async with opened(name) as database:
            for turns in range(8):
                others = [asyncio.create_task(forever(database)) for _ in range(6)]
                for _ in range(turns):
                    await asyncio.sleep(0)
                await fetch(database)
                canceled = [other.cancel() for other in others]
                assert all(canceled)
                ends = await asyncio.gather(*others, return_exceptions=True)
                assert all(isinstance(end, asyncio.CancelledError) for end in ends)
            assert await fetch(database) == [{"n": 1}]

    run(main())


async def test_only_one_task_runs_at_a_time(name: str) -> None:
    """A task that is resumed wakes others while it runs: they go on after it."""
    inside = 0

    async def task(database: Any) -> None:
        nonlocal inside
        for _ in range(20):
            await fetch(database)
            assert inside == 0
            inside += 1
            assert asyncio.current_task() is not None
            second = asyncio.create_task(asyncio.sleep(0))
            inside -= 1
            await second

    async with opened(name) as database:
        await asyncio.gather(*(task(database) for _ in range(20)))


async def test_other_tasks_get_their_turn(name: str) -> None:
    turns = 0

    async def ticker() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with opened(name) as database:
        other = asyncio.create_task(ticker())
        await asyncio.gather(*(fetch(database) for _ in range(1000)))
        other.cancel()
    assert turns > 5


async def test_it_is_a_future(name: str) -> None:
    calls: list[Any] = []
    async with opened(name) as database:
        operation = fetch(database, sleep(name, 0.05))
        wakeup: Any = operation.send(None)
        assert asyncio.isfuture(wakeup)
        assert wakeup.get_loop() is asyncio.get_running_loop()
        assert not wakeup.done()
        with pytest.raises(asyncio.InvalidStateError):
            wakeup.result()
        with pytest.raises(asyncio.InvalidStateError):
            wakeup.exception()
        wakeup.add_done_callback(calls.append)
        wakeup.add_done_callback(lambda w: calls.append(here.get()), context=contextvars.copy_context())
        wakeup.add_done_callback(calls.append)
        assert wakeup.remove_done_callback(calls.append) == 2
        await until(wakeup.done)
        await asyncio.sleep(0)
        assert calls == [0]
        assert wakeup.result() is None
        assert wakeup.exception() is None
        assert not wakeup.cancel()
        assert not wakeup.cancelled()
        wakeup.add_done_callback(calls.append)
        assert calls == [0]
        await asyncio.sleep(0)
        assert calls == [0, wakeup]
        operation.close()


async def test_cancelling_it_calls_back_later(name: str) -> None:
    calls: list[Any] = []
    async with opened(name) as database:
        operation = fetch(database, sleep(name, 0.05))
        wakeup: Any = operation.send(None)
        wakeup.add_done_callback(calls.append)
        assert wakeup.cancel(msg="enough")
        assert wakeup.done() and wakeup.cancelled()
        assert calls == []
        await asyncio.sleep(0)
        assert calls == [wakeup]
        with pytest.raises(asyncio.CancelledError, match="enough"):
            wakeup.result()
        assert not wakeup.cancel()
        operation.close()


async def test_tasks_written_in_python(name: str) -> None:
    loop = asyncio.get_running_loop()
    async with opened(name) as database:
        task = asyncio.tasks._PyTask(fetch(database), loop=loop)  # type: ignore[attr-defined]
        assert await task == [{"n": 1}]
        task = asyncio.tasks._PyTask(fetch(database, sleep(name, 5)), loop=loop)  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_nothing_is_left_behind(name: str) -> None:
    class Marker:
        pass

    async def task(database: Any, marker: Marker) -> None:
        await fetch(database)

    async with opened(name) as database:
        marker = Marker()
        ref = weakref.ref(marker)
        await asyncio.create_task(task(database, marker))
        del marker
        gc.collect()
        assert ref() is None


QUITS = """
import asyncio, sys
sys.path[:0] = {path!r}
from wire_support import opened
from test_runtime_wakeup import fetch

async def main():
    async with opened({name!r}) as database:
        async def quits():
            await fetch(database)
            raise {what}
        task = asyncio.create_task(quits())
        try:
            await asyncio.sleep(10)
        finally:
            print("left")

asyncio.run(main())
"""


@pytest.mark.parametrize(("what", "code"), [("SystemExit(7)", 7), ("KeyboardInterrupt", -2)])
def test_what_ends_the_program_ends_the_loop(name: str, what: str, code: int) -> None:
    script = QUITS.format(path=sys.path, name=name, what=what)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (code, 130 if code < 0 else code), done.stderr
    assert done.stdout == "left\n"
