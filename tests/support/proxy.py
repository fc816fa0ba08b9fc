"""A TCP proxy that misbehaves on demand: drops, stalls, splits and cuts at a chosen byte.

    async with Proxy(port_of_server) as proxy:
        proxy.plan = Plan(after=37, towards="client", act="cut")
        ... connect to proxy.port ...

A plan holds for every connection from then on (each counts its own bytes) until it is replaced;
`once=True` spends it on the first connection that reaches it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass
from typing import Literal

Act = Literal["close", "reset", "cut", "stall", "garble"]
Direction = Literal["client", "server"]


@dataclass(eq=False)
class Plan:
    """What happens when a connection has carried `after` bytes towards one side.

    close: both sides end in order; reset: by RST; cut: bytes after it are lost, then both end;
    stall: nothing more goes through in either direction; garble: the next bytes arrive inverted,
    the later ones as they were.
    """

    after: int
    towards: Direction = "client"
    act: Act = "reset"
    once: bool = False
    spent: bool = False


class Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.client, self.server = client, server
        self.carried: dict[Direction, int] = {"client": 0, "server": 0}
        self.stalled = False
        self.start: dict[Direction, int] = {"client": 0, "server": 0}  # where the plan's count begins
        self.plan = proxy.plan

    def end(self, *, reset: bool = False) -> None:
        for writer in (self.client, self.server):
            if reset:
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                with contextlib.suppress(Exception):
                    writer.close()


class Proxy:
    """Listens on a port of its own and forwards to `port`."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.target = (host, port)
        self.port = 0
        self.lines: set[Line] = set()
        self.accepted = 0
        self.refusing = False
        self.split: random.Random | None = None  # with a generator: bytes trickle in random pieces
        self.delay = 0.0  # seconds before each piece
        self._plan: Plan | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.base_events.Server | None = None

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def plan(self) -> Plan | None:
        return self._plan

    @plan.setter
    def plan(self, plan: Plan | None) -> None:
        """For new connections from their first byte, for open ones from the byte they have come to."""
        self._plan = plan
        for line in self.lines:
            line.plan = plan
            line.start = dict(line.carried)

    def drop(self, *, reset: bool = True) -> None:
        """Ends every connection now."""
        for line in list(self.lines):
            line.end(reset=reset)

    def stall(self) -> None:
        """Every open connection goes silent, without ending."""
        for line in self.lines:
            line.stalled = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        try:
            if self.refusing:
                writer.transport.abort()
                return
            try:
                server_reader, server = await asyncio.open_connection(*self.target)
            except OSError:
                writer.transport.abort()
                return
            line = Line(self, writer, server)
            self.lines.add(line)
            try:
                pumps = [
                    asyncio.ensure_future(self._pump(line, reader, server, "server")),
                    asyncio.ensure_future(self._pump(line, server_reader, writer, "client")),
                ]
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
                    await asyncio.gather(*pumps, return_exceptions=True)
            finally:
                self.lines.discard(line)
                line.end()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _pump(
        self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, towards: Direction
    ) -> None:
        while True:
            try:
                data = await reader.read(65536)
            except OSError:
                return
            if not data:
                return
            if line.stalled:
                await asyncio.sleep(3600)
            for piece in self._pieces(data):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if not await self._send(line, piece, writer, towards):
                    return

    def _pieces(self, data: bytes) -> list[bytes]:
        if self.split is None:
            return [data]
        pieces = []
        while data:
            size = self.split.choice((1, 2, 3, 5, 17, 256, 4096))
            pieces.append(data[:size])
            data = data[size:]
        return pieces

    async def _send(self, line: Line, data: bytes, writer: asyncio.StreamWriter, towards: Direction) -> bool:
        """Passes bytes on, up to where the plan says stop; false when the connection is over."""
        plan = line.plan
        room = len(data)
        if plan is not None and plan.towards == towards and not plan.spent:
            room = line.start[towards] + plan.after - line.carried[towards]
        if room >= len(data):
            line.carried[towards] += len(data)
            return await self._write(writer, data)
        assert plan is not None
        line.carried[towards] += max(room, 0)
        if room > 0 and plan.act != "close" and not await self._write(writer, data[:room]):
            return False
        plan.spent = plan.once
        if plan.act == "stall":
            line.stalled = True
            await asyncio.sleep(3600)
        if plan.act == "garble":
            line.plan = None
            return await self._write(writer, bytes(byte ^ 0xFF for byte in data[max(room, 0) :]))
        line.end(reset=plan.act == "reset")
        return False

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> bool:
        try:
            writer.write(data)
            await writer.drain()
            if self.split is not None:
                await asyncio.sleep(0)
        except (OSError, RuntimeError):
            return False
        return True
