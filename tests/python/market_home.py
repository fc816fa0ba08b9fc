"""The market on a server, for tests that are no coroutines: random ones are not."""

from __future__ import annotations

import asyncio
from typing import Any

from market import BY_CHARACTER, market
from servers import Server


class Home:
    """The filled tables on a server, for all examples."""

    def __init__(self, server: Server, *, by_character: bool = True) -> None:
        collation = BY_CHARACTER.get(server.name) if by_character else None
        self.server = server
        self.loop = asyncio.new_event_loop()
        self.market = market(server, collation)
        self.run(self.market.__aenter__())

    def run(self, awaitable: Any) -> Any:
        async def wait() -> Any:
            return await awaitable

        return self.loop.run_until_complete(wait())

    def close(self) -> None:
        self.run(self.market.__aexit__(None, None, None))
        self.loop.close()
