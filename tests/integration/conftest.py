"""Servers of one's own for the tests that kill them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import instances
import packages
import pytest
import servers

NETWORK = [name for name in servers.chosen() if name != "sqlite"]
SEEDS = [int(os.environ["OXYDE_SEED"])] if "OXYDE_SEED" in os.environ else [1, 20, 300]

Maker = Callable[..., instances.Instance]


def make_instance(name: str, port: int | None = None) -> instances.Instance:
    """A server that is nobody else's, not started."""
    port = port or instances.free_port()
    if name == "postgres":
        return instances.Postgres(instances.folder(), port)
    if name == "mariadb":
        return instances.MariaDB(instances.folder(), port)
    root = packages.tree("sid", "mysql-server-core", "usr/sbin/mysqld")
    folder = Path(root) / "srv" / f"tmp-{os.getpid()}-{port}"
    folder.mkdir(parents=True)
    return instances.MySQL(folder, port, root=root)


@pytest.fixture(scope="module", params=NETWORK)
def network(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    """A database of the module's own on each server that is reached by TCP."""
    try:
        servers.available(request.param)
    except servers.ServerMissing as missing:
        words = str(missing)
    else:
        with servers.fresh_database(request.param) as database:
            yield database
        return
    pytest.fail(words, pytrace=False)


@pytest.fixture
def empty_network(network: servers.Server) -> servers.Server:
    servers.drop_everything(network)
    return network


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed{seed}")
def seed(request: pytest.FixtureRequest) -> int:
    print(f"OXYDE_SEED={request.param}")
    return int(request.param)


@pytest.fixture(scope="module", params=NETWORK)
def own_instance(request: pytest.FixtureRequest) -> Iterator[tuple[servers.Server, instances.Instance]]:
    """A server that may be killed: how to reach it, and the server itself."""
    instance = make_instance(request.param)
    try:
        instance.start()
        yield servers.Server(request.param, instance.url), instance  # type: ignore[attr-defined]
    finally:
        instance.remove()


@pytest.fixture
def killable(
    own_instance: tuple[servers.Server, instances.Instance],
) -> tuple[servers.Server, instances.Instance]:
    """The same, running and empty."""
    server, instance = own_instance
    instance.start()
    servers.drop_everything(server)
    return server, instance
