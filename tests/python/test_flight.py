"""Several operations under way in one task."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from oxyde.queries._flight import together


class Step:
    """An operation of a few waits that writes down what happens to it."""

    def __init__(self, name: str, log: list[str], *waits: asyncio.Future[None] | None) -> None:
        self.name, self.log, self.waits = name, log, waits

    def __await__(self) -> Generator[Any, Any, None]:
        self.log.append(f"{self.name} begins")
        try:
            for wait in self.waits:
                if wait is None:
                    yield None
                else:
                    wait._asyncio_future_blocking = True
                    yield wait
                    wait.result()
        except GeneratorExit:
            self.log.append(f"{self.name} is closed")
            raise
        self.log.append(f"{self.name} ends")


def future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_all_begin_before_the_first_is_waited_for() -> None:
    log: list[str] = []
    first, second = future(), future()
    flight = asyncio.ensure_future(together([Step("a", log, first), Step("b", log, None, second)]))
    await asyncio.sleep(0)
    assert log == ["a begins", "b begins"]
    second.set_result(None)
    await asyncio.sleep(0.01)
    assert log[2:] == ["b ends"]
    first.set_result(None)
    await flight
    assert log[3:] == ["a ends"]


async def test_one_and_none_need_nothing() -> None:
    log: list[str] = []
    await together([])
    await together([Step("a", log)])
    await together([Step("b", log), Step("c", log, None, None)])
    assert log == ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]


async def test_an_error_closes_the_others() -> None:
    log: list[str] = []
    first, second = future(), future()
    flight = asyncio.ensure_future(together([Step("a", log, first), Step("b", log, second)]))
    await asyncio.sleep(0)
    second.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await flight
    assert log == ["a begins", "b begins", "a is closed"]


async def test_cancelling_closes_all() -> None:
    log: list[str] = []
    flight = asyncio.ensure_future(together([Step("a", log, future()), Step("b", log, future())]))
    await asyncio.sleep(0)
    flight.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flight
    assert log == ["a begins", "b begins", "a is closed", "b is closed"]


async def test_many_that_are_done_at_once() -> None:
    log: list[str] = []
    gate = future()
    flight = asyncio.ensure_future(together([Step(str(n), log, gate, None) for n in range(50)]))
    await asyncio.sleep(0)
    gate.set_result(None)
    await flight
    assert sorted(log) == sorted([f"{n} begins" for n in range(50)] + [f"{n} ends" for n in range(50)])


async def test_few_are_under_way_at_once() -> None:
    log: list[str] = []
    gates = [future() for _ in range(10)]
    flight = asyncio.ensure_future(together(Step(str(n), log, gate) for n, gate in enumerate(gates)))
    await asyncio.sleep(0)
    assert log == [f"{n} begins" for n in range(4)]
    gates[2].set_result(None)
    await asyncio.sleep(0.01)
    assert log[4:] == ["2 ends", "4 begins"]
    for gate in gates[:2] + gates[3:]:
        gate.set_result(None)
    await flight
    assert len(log) == 20
