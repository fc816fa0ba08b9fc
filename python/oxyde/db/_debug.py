"""Child tasks and the block they were started in: a warning for queries beside it, while debugging."""

from __future__ import annotations

import asyncio
import os
import warnings
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from . import observe

if TYPE_CHECKING:
    from ._transaction import AsyncTransaction
    from .pool import AsyncDatabase

__all__ = ["block_around", "entered", "left"]

FORCED = os.environ.get("OXYDE_DEBUG", "") not in ("", "0")

# Child tasks inherit it. Weak, because a transaction that is dropped must end.
_block: ContextVar[weakref.ref[AsyncTransaction] | None] = ContextVar("oxyde_block", default=None)
_seen: set[str] = set()


def entered(tx: AsyncTransaction) -> None:
    """The current task entered an outermost block."""
    tx._debugged = FORCED or asyncio.get_running_loop().get_debug()
    if not tx._debugged and tx._handle.backend != "sqlite":
        return
    tx._around = _block.get()
    tx._in_context = True
    _block.set(weakref.ref(tx))
    if tx._debugged:
        observe.look_at_outsiders(_look, 1)


def left(tx: AsyncTransaction) -> None:
    """The task that entered leaves."""
    if not tx._in_context:
        return
    tx._in_context = False
    _block.set(tx._around)
    if tx._debugged:
        observe.look_at_outsiders(_look, -1)


def block_around(database: AsyncDatabase) -> AsyncTransaction | None:
    """The open block of another task in which the current one was started."""
    reference = _block.get()
    while reference is not None:
        tx = reference()
        if tx is None:
            return None
        if tx._in_context and tx._handle.name == database._shown_as:
            return None if tx._task is asyncio.current_task() else tx
        reference = tx._around
    return None


def _look(database: Any) -> None:
    """A statement ran outside of any transaction: was one open where its task came from?"""
    tx = block_around(database)
    if tx is not None and tx._debugged:
        _warn(tx)


def _warn(tx: AsyncTransaction) -> None:
    place = observe.caller()
    if place in _seen:
        return
    _seen.add(place)
    owner = "another task" if tx._task is None else f"task {tx._task.get_name()!r}"
    file, _, line = place.rpartition(":")
    warnings.warn_explicit(
        f"this query runs outside transaction {tx.id} of {owner}: pass client=tx to have it inside",
        RuntimeWarning,
        file or place,
        int(line) if line.isdigit() else 1,
    )
