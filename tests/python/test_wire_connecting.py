"""Connecting that takes too long: the pool's patience and the driver's own end, at the same moment."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from wire_support import NAMES, configured, settings_of

from oxyde.exceptions import OperationalError

DRIVER = 0.020  # seconds; the driver counts milliseconds


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Where somebody listens, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listening:
        yield int(listening.getsockname()[1])


@pytest.mark.parametrize("name", [name for name in NAMES if name != "postgres"])
async def test_a_driver_that_gives_up_while_it_is_given_up(name: str, silent_port: int) -> None:
    """Its thread may report while the connection is being closed: the report is about nobody then."""
    settings = settings_of(name, **{"oxy.connect_timeout_ms": str(int(DRIVER * 1000))})
    settings.update(host="127.0.0.1", port=str(silent_port))
    for step in range(150):
        patience = DRIVER - 0.0005 + step * 0.00002
        database = configured(name, settings=settings, connect_timeout=patience, acquire_timeout=1)
        with pytest.raises(OperationalError, match=r"timed out|Lost connection"):
            await database._open()
        await database._close(1)
