"""Several operations under way at once in one task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Iterable
from typing import Any

__all__ = ["together"]

# One terminal must not take all connections of a pool.
_AT_ONCE = 4


async def together(operations: Iterable[Awaitable[Any]]) -> None:
    """Awaits all, several at a time. The first error ends those that are under way."""
    await _Flight(operations)


class _Flight:
    """What `together` awaits. Spares the tasks that `asyncio.gather` would make.

    An operation yields futures of the engine; each of them, when it is done, names its operation
    as ready and wakes the one future that the task waits for.
    """

    __slots__ = ("_operations", "_ready", "_running", "_waker")

    def __init__(self, operations: Iterable[Awaitable[Any]]) -> None:
        self._operations = iter(operations)
        self._running: list[Generator[Any, Any, Any]] = []
        self._ready: list[Generator[Any, Any, Any]] = []
        self._waker: asyncio.Future[None] | None = None

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            while True:
                self._begin()
                if not self._running:
                    return
                if not self._ready:
                    self._waker = asyncio.get_running_loop().create_future()
                    yield from self._waker
                ready, self._ready = self._ready, []
                for steps in ready:
                    if self._move_on(steps):
                        yield  # a turn of the loop is all it asked for
        finally:
            self._waker = None
            for steps in self._running:
                steps.close()

    def _begin(self) -> None:
        """Takes up operations as far as there is room."""
        while len(self._running) < _AT_ONCE:
            operation = next(self._operations, None)
            if operation is None:
                return
            steps = operation.__await__()
            self._running.append(steps)
            self._ready.append(steps)

    def _move_on(self, steps: Generator[Any, Any, Any]) -> bool:
        """Lets an operation run until it waits or ends; whether it wants the loop to turn."""
        try:
            future = steps.send(None)
        except StopIteration:
            self._running.remove(steps)
            return False
        if future is None:
            self._ready.append(steps)
            return True
        future._asyncio_future_blocking = False

        def wake(_: Any) -> None:
            self._ready.append(steps)
            if self._waker is not None and not self._waker.done():
                self._waker.set_result(None)

        future.add_done_callback(wake)
        return False
