"""Databases, panels and clients for the tests of the admin panel.

`panel` has all tables of depots.py without options on a fresh SQLite file. Mark a test with
`everywhere.EVERYWHERE` to run it on PostgreSQL too; `new_panel` makes panels with arguments of their own, and
`client.Client(panel)` speaks to them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import depots
import pytest
import servers
from client import Client

from oxyde import AsyncDatabase, create_tables, db

if TYPE_CHECKING:
    from oxyde_admin.site import AdminSite


@pytest.fixture
async def database(request: pytest.FixtureRequest) -> AsyncIterator[AsyncDatabase]:
    """The tables of depots.py on a fresh database, connected as `default`."""
    with servers.fresh_database(getattr(request, "param", "sqlite")) as place:
        await db.init(default=place.url)
        try:
            connected = await db.get_connection()
            await create_tables(connected, models=list(depots.ALL))
            yield connected
        finally:
            await db.close()


@pytest.fixture
def new_panel() -> Callable[..., AdminSite]:
    """Makes a panel: `new_panel(*models, **arguments)`; all tables when no model is named."""

    from oxyde_admin.site import AdminSite

    def make(*models: type[Any], **arguments: Any) -> AdminSite:
        site = AdminSite(**arguments)
        for model in models or depots.ALL:
            site.register(model)
        return site

    return make


@pytest.fixture
def panel(database: AsyncDatabase, new_panel: Callable[..., AdminSite]) -> AdminSite:
    """All tables, no options, open to everybody."""
    return new_panel()


@pytest.fixture
def client(panel: AdminSite) -> Client:
    """A client of `panel`."""
    return Client(panel)
