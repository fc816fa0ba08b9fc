"""Cancels a call at a chosen await point, a chosen moment later.

An await point is where the call's coroutine hands control to the event loop. `drive` counts them
and, at the chosen one, has the task cancelled: in the same step, some turns of the loop later, or
after a time. So every stage of a call can be hit: before it is sent, on the wire, when the answer
is there but the task has not run yet.
"""

from __future__ import annotations

import asyncio
import random
import types
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Moment:
    """At which await point, and how long after it: turns of the loop, then seconds."""

    point: int
    turns: int = 0
    seconds: float = 0.0

    @staticmethod
    def drawn(random: random.Random, points: int) -> Moment:
        point = random.randint(1, points)
        how = random.randrange(4)
        if how == 0:
            return Moment(point)
        if how == 1:
            return Moment(point, turns=random.randint(1, 3))
        if how == 2:
            return Moment(point, seconds=random.choice((0.0001, 0.0003, 0.0005, 0.001)))
        return Moment(point, seconds=random.expovariate(1 / 0.002))


@types.coroutine
def _counted(
    call: Coroutine[Any, Any, Any], moment: Moment | None, count: list[int]
) -> Generator[Any, Any, Any]:
    task = asyncio.current_task()
    assert task is not None
    failure: BaseException | None = None
    sent: Any = None
    while True:
        try:
            waits_for = call.send(sent) if failure is None else call.throw(failure)
        except StopIteration as stop:
            return stop.value
        count[0] += 1
        if moment is not None and count[0] == moment.point:
            _cancel_later(task, moment)
        failure = sent = None
        try:
            sent = yield waits_for
        except BaseException as error:
            failure = error


def _cancel_later(task: asyncio.Task[Any], moment: Moment) -> None:
    loop = task.get_loop()

    def turn(left: int) -> None:
        if left:
            loop.call_soon(turn, left - 1)
        elif moment.seconds:
            loop.call_later(moment.seconds, task.cancel)
        else:
            task.cancel()

    turn(moment.turns)


@dataclass(frozen=True)
class Outcome:
    """How it ended: with a result, cancelled, or with an error; after how many await points."""

    points: int
    cancelled: bool
    result: Any = None
    error: BaseException | None = None


async def drive(call: Coroutine[Any, Any, Any], moment: Moment | None = None, seconds: float = 30) -> Outcome:
    """Runs the call in a task of its own; with a moment, cancelled then. It must end in time."""
    count = [0]

    async def body() -> Any:
        return await _counted(call, moment, count)

    task = asyncio.create_task(body())
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        stack = task.get_stack()
        where = (
            f"{stack[-1].f_code.co_qualname if hasattr(stack[-1].f_code, 'co_qualname') else stack[-1]}"
            if stack
            else "?"
        )
        task.cancel()
        await asyncio.wait([task], timeout=5)
        raise AssertionError(f"the call did not end within {seconds} s (await point {count[0]}, in {where})")
    if task.cancelled():
        return Outcome(count[0], True)
    error = task.exception()
    return Outcome(count[0], False, None if error else task.result(), error)
