"""Awaiting what must not be cut in half: COMMIT, ROLLBACK."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shielded(Generic[T]):
    """Awaits an operation to its end; a cancellation meanwhile is raised afterwards.

    `limit`: seconds to wait on after a cancellation; then the operation is given up and the
    cancellation raised. With `at_once` they count from the start, and without a cancellation
    `asyncio.TimeoutError` is raised. An operation that never waits costs nothing more than `await`.
    """

    __slots__ = ("_at_once", "_limit", "_operation")

    def __init__(self, operation: Awaitable[T], limit: float | None = None, *, at_once: bool = False) -> None:
        self._operation = operation
        self._limit = limit
        self._at_once = at_once

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self._operation.__await__()
        cancelled: asyncio.CancelledError | None = None
        give_up: float | None = None
        while True:
            try:
                future = steps.send(None)
            except StopIteration as end:
                if cancelled is not None:
                    raise cancelled from None
                result: T = end.value
                return result
            if future is None:  # only a turn of the loop
                try:
                    yield None
                except asyncio.CancelledError as error:
                    cancelled = error
                continue
            # What the engine waits for is not ours to cancel: wait for it through another future.
            future._asyncio_future_blocking = False
            while not future.done():
                loop = future.get_loop()
                outer = loop.create_future()
                wake = _waker(outer)
                future.add_done_callback(wake)
                if (cancelled is not None or self._at_once) and self._limit is not None:
                    give_up = give_up or loop.time() + self._limit
                    if loop.time() >= give_up:
                        steps.close()
                        raise cancelled or asyncio.TimeoutError
                    timer = loop.call_at(give_up, wake, None)
                else:
                    timer = None
                try:
                    yield from outer.__await__()
                except asyncio.CancelledError as error:
                    cancelled = error
                finally:
                    future.remove_done_callback(wake)
                    if timer is not None:
                        timer.cancel()


def _waker(outer: asyncio.Future[None]) -> Any:
    def wake(_: Any) -> None:
        if not outer.done():
            outer.set_result(None)

    return wake
