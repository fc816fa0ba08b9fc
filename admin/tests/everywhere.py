"""The databases that tests of the panel run on besides SQLite: `pytestmark = EVERYWHERE`.

OXYDE_TEST_SERVERS names others for all of them, for example `mysql`.
"""

from __future__ import annotations

import os

import pytest
import servers

__all__ = ["EVERYWHERE", "MARIADB_AND_MYSQL", "ON_ALL", "databases"]


def databases(*usual: str) -> list[str]:
    """What OXYDE_TEST_SERVERS names; without it the usual ones."""
    return servers.chosen() if "OXYDE_TEST_SERVERS" in os.environ else list(usual)


def _on(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("database", names, indirect=True)


# Making the tables takes MySQL half a second for each test: only what depends most on the
# database runs there every time.
EVERYWHERE = _on(databases("sqlite", "postgres"))
ON_ALL = _on(databases(*servers.ALL))
MARIADB_AND_MYSQL = _on(["mariadb", "mysql"])
