"""Fixtures for tests that run on every database server, and how random tests draw their cases."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
import servers

# The same cases in every run, so that a failure belongs to the change that shows it. With
# OXYDE_TEST_RANDOM=1 the cases are new ones each time: for looking for what nobody has thought of.
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None)
hypothesis.settings.register_profile("random", print_blob=True)
hypothesis.settings.load_profile("random" if os.environ.get("OXYDE_TEST_RANDOM") else "repeatable")


@pytest.fixture(scope="module", params=servers.chosen())
def server(request: pytest.FixtureRequest) -> servers.Server:
    """Each server in turn. One that does not answer fails the test; nothing is skipped."""
    try:
        return servers.available(request.param)
    except servers.ServerMissing as missing:
        words = str(missing)
    pytest.fail(words, pytrace=False)


@pytest.fixture(scope="module")
def fresh_database(server: servers.Server) -> Iterator[servers.Server]:
    """A database of the module's own on `server`: `.url`, `.backend`, `.name`, `.rows(sql)` …"""
    with servers.fresh_database(server.name) as database:
        yield database


@pytest.fixture
def empty_database(fresh_database: servers.Server) -> servers.Server:
    """The module's database without anything in it."""
    servers.drop_everything(fresh_database)
    return fresh_database
