"""Functions that are called after a commit."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Generator
from typing import Any

Hook = Callable[[], Any]

_log = logging.getLogger("oxyde.transaction")


class _Ready:
    """What a call that is done already gives to an optional `await`."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield


READY = _Ready()


def check_hook(func: Hook) -> None:
    """Refuses what cannot be called."""
    if not callable(func):
        raise TypeError(f"on_commit() takes a function, not {type(func).__name__}")


async def run_hook(func: Hook, robust: bool) -> None:
    """Calls a function, sync or async; with `robust` its errors are logged only."""
    try:
        result = func()
        if inspect.isawaitable(result):
            await result
    except Exception as error:
        if not robust:
            raise
        _log.error("on_commit hook %r failed", func, exc_info=error)


class CommitHooks:
    """The functions of one transaction, in the order of `on_commit`."""

    __slots__ = ("_hooks",)

    def __init__(self) -> None:
        self._hooks: list[tuple[Hook, bool]] = []

    def __len__(self) -> int:
        return len(self._hooks)

    def add(self, func: Hook, robust: bool) -> None:
        """One more."""
        self._hooks.append((func, robust))

    def cut(self, length: int) -> None:
        """Forgets those that were added since there were `length`."""
        del self._hooks[length:]

    async def run(self) -> None:
        """Calls all of them, once; the first error is raised when the last has run.

        A cancellation ends the one that it meets, and is raised before any error.
        """
        hooks, self._hooks = self._hooks, []
        first: BaseException | None = None
        for func, robust in hooks:
            try:
                await run_hook(func, robust)
            except asyncio.CancelledError as cancelled:
                first = cancelled
            except Exception as error:
                first = first or error
        if first is not None:
            raise first
