"""Stopping work for a client who has gone: the statement on the server ends with the task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from .message import ClientGoneError, Request

__all__ = ["Streamed", "Watch"]


class Watch:
    """Cancels the task that works on a request once its client has gone.

    Started when the body has been read: from then on all that can arrive is the news of the end.
    """

    def __init__(self, request: Request) -> None:
        self.gone = False
        self._request = request
        self._watcher: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[object] | None = None

    def start(self) -> None:
        """Begins to watch, once, for the task that calls."""
        self.resume()
        if self._watcher is None and self._request.gone is not None:
            self._watcher = asyncio.ensure_future(self._wait(self._request))

    def resume(self) -> None:
        """From now on the calling task does the work."""
        self._worker = asyncio.current_task()

    def pause(self) -> None:
        """Nobody works at the moment: a task that is cancelled now would be somebody else's."""
        self._worker = None

    async def stop(self) -> None:
        """Ends watching."""
        self._worker = None
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait([watcher])

    async def _wait(self, request: Request) -> None:
        assert request.gone is not None
        await request.gone()
        self.gone = True
        if self._worker is not None:
            self._worker.cancel()

    def forgive(self) -> None:
        """Takes the cancellation back after it has been caught."""
        task = asyncio.current_task()
        if task is not None and hasattr(task, "uncancel"):  # from Python 3.11 on
            task.uncancel()


class Streamed:
    """A streamed body whose work stops with its client; ends the watch when it ends."""

    def __init__(self, body: AsyncIterator[bytes], watch: Watch) -> None:
        self._body = body
        self._watch = watch

    def __aiter__(self) -> Streamed:
        return self

    async def __anext__(self) -> bytes:
        if self._watch.gone:
            raise ClientGoneError
        self._watch.resume()
        try:
            return await self._body.__anext__()
        except asyncio.CancelledError:
            if not self._watch.gone:
                raise
            self._watch.forgive()
            raise ClientGoneError from None
        finally:
            self._watch.pause()

    async def aclose(self) -> None:
        """Closes the body. Adapters call it however sending ends."""
        await self._watch.stop()
        close = getattr(self._body, "aclose", None)
        if close is not None:
            await close()
