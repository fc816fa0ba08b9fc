"""What a newcomer sees when a server cannot be had, and whose error every error is."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import servers

from oxyde import (
    AsyncDatabase,
    ConnectionLostError,
    DatabaseError,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    PoolSettings,
    PoolTimeoutError,
    ProgrammingError,
    TransactionAbortedError,
    TransactionTimeoutError,
    atomic,
    db,
    execute_raw,
)

SLEEP = {"postgres": "SELECT pg_sleep({})", "mysql": "SELECT SLEEP({})"}


@pytest.fixture(scope="module", params=[name for name in servers.chosen() if name != "sqlite"])
def place(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    with servers.fresh_database(request.param) as made:
        yield made


@pytest_asyncio.fixture
async def database(place: servers.Server) -> AsyncIterator[AsyncDatabase]:
    async with db.connect(place.url, settings=PoolSettings(max_connections=2)) as handle:
        yield handle


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody who takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


def with_password(place: servers.Server, host: str, port: int, **parts: str) -> str:
    scheme = "postgresql" if place.backend == "postgres" else "mysql"
    database = parts.get("database", place.database)
    return f"{scheme}://{parts.get('user', place.user)}:sesame@{host}:{port}/{database}"


async def refused(url: str, **settings: object) -> OperationalError:
    """The error of connecting; it tells whose it is, and never the password."""
    handle = AsyncDatabase(url, name="shop", auto_register=False, settings=PoolSettings(**settings))  # type: ignore[arg-type]
    with pytest.raises(OperationalError) as caught:
        await handle.connect()
    error = caught.value
    signed(error, handle)
    assert "sesame" not in f"{error} {error!r} {vars(error)} {error.__cause__!r}"
    assert not handle.connected
    return error


def signed(error: DatabaseError, database: AsyncDatabase) -> None:
    assert (error.backend, error.alias, error.retryable) == (database.backend, database.name, False)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.alias) == (type(error), str(error), error.alias)


async def test_nobody_listens(place: servers.Server, closed_port: int) -> None:
    error = await refused(with_password(place, "127.0.0.1", closed_port))
    assert "127.0.0.1" in str(error)
    assert type(error) is OperationalError
    if place.backend == "postgres":
        assert "Connection refused. Is the server running on that host" in str(error)
        both = f"postgresql://me@127.0.0.1:{closed_port},127.0.0.1:{closed_port}/shop"
        assert str(await refused(both)).count("connections?") == 2


async def test_an_unknown_host(place: servers.Server) -> None:
    error = await refused(with_password(place, "no-such-host.invalid", place.port))
    assert "no-such-host.invalid" in str(error)


async def test_an_unknown_database(place: servers.Server) -> None:
    error = await refused(place.on("no_such_database").url)
    assert "no_such_database" in str(error)
    assert error.code == ("3D000" if place.backend == "postgres" else 1049)


async def test_an_unknown_user(place: servers.Server) -> None:
    error = await refused(with_password(place, place.host, place.port, user="no_such_user"))
    assert "no_such_user" in str(error)
    assert error.sqlstate == "28000"


@pytest.mark.parametrize("limit", ["connect_timeout", "acquire_timeout"])
async def test_a_silent_server_is_given_up(place: servers.Server, silent_port: int, limit: str) -> None:
    started = time.monotonic()
    error = await refused(with_password(place, "127.0.0.1", silent_port), **{limit: 0.2})
    assert "timed out" in str(error)
    # The limits of neither setting's default, 10 s and 30 s.
    assert 0.2 <= time.monotonic() - started < 8
    assert isinstance(error, PoolTimeoutError) == (limit == "acquire_timeout")


async def test_a_silent_host_is_passed_over(place: servers.Server, silent_port: int) -> None:
    """connect_timeout is each host's own; one that accepts the connection and says nothing costs so much."""
    if place.backend != "postgres":
        pytest.skip("several hosts are PostgreSQL's")
    user, _, rest = place.url.partition("@")
    path = rest.partition("/")[2]
    for hosts in (f"127.0.0.1:{silent_port},{place.host}:{place.port}",
                  f"localhost:{silent_port},127.0.0.1:{silent_port},localhost:{place.port}"):  # fmt: skip
        settings = PoolSettings(connect_timeout=0.6)
        started = time.monotonic()
        handle = AsyncDatabase(f"{user}@{hosts}/{path}", auto_register=False, settings=settings)
        async with handle:
            assert 0.6 <= time.monotonic() - started < 8
            assert await handle.ping() > 0
    error = await refused(
        f"{user}@127.0.0.1:{silent_port},127.0.0.1:{silent_port}/{path}", connect_timeout=0.3
    )
    assert "timed out" in str(error)


async def test_a_connection_is_made_although_nobody_waits(place: servers.Server) -> None:
    async with AsyncDatabase(
        place.url, auto_register=False, settings=PoolSettings(acquire_timeout=0)
    ) as handle:
        assert await execute_raw("SELECT 1 AS n", client=handle) == [{"n": 1}]


async def test_tls_that_is_not_offered(place: servers.Server) -> None:
    if place.name == "mysql":
        pytest.skip("this server offers it")
    error = await refused(place.url, ssl_mode="require")
    assert "server does not support TLS" in str(error)


async def test_a_ca_file_that_is_not_there_is_named(place: servers.Server) -> None:
    if place.name != "mysql":
        pytest.skip("needs a server that offers TLS")
    error = await refused(place.url, ssl_mode="verify-ca", ssl_root_cert="/no/such/ca.pem")
    assert "/no/such/ca.pem" in str(error)


async def test_a_block_does_not_wait_longer_for_its_database_than_for_anything(
    place: servers.Server, silent_port: int
) -> None:
    AsyncDatabase(with_password(place, "127.0.0.1", silent_port), name="silent")
    started = time.monotonic()
    try:
        with pytest.raises(TransactionTimeoutError, match="exceeded timeout") as caught:
            async with atomic(using="silent", timeout=0.2):
                raise AssertionError("entered")
    finally:
        db.unregister_connection("silent")
    assert time.monotonic() - started < 8
    assert (caught.value.backend, caught.value.alias) == (place.backend, "silent")


# --- errors that no server has told of -----------------------------------------------------------


async def test_a_full_pool_tells_whose_it_is(place: servers.Server) -> None:
    settings = PoolSettings(max_connections=1, acquire_timeout=0.2)
    # A server under load may need longer than that for the first connection.
    async with AsyncDatabase(place.url, auto_register=False, settings=PoolSettings()) as handle:
        pass
    handle.settings = settings
    for attempt in range(20):
        try:
            await handle.connect()
            break
        except PoolTimeoutError:
            assert attempt < 19
    async with handle, handle.connection():
        with pytest.raises(PoolTimeoutError) as caught:
            await execute_raw("SELECT 1", client=handle)
    signed(caught.value, handle)


async def test_an_overdue_block_tells_whose_it_is(database: AsyncDatabase) -> None:
    with pytest.raises(TransactionTimeoutError) as at_exit:
        async with atomic(timeout=0.1):
            await execute_raw("SELECT 1")
            await asyncio.sleep(0.2)
    signed(at_exit.value, database)
    with pytest.raises(TransactionTimeoutError) as at_once:
        async with atomic(timeout=0):
            await execute_raw("SELECT 1")
    signed(at_once.value, database)
    with pytest.raises(TransactionTimeoutError) as running:
        async with atomic(timeout=0.2):
            await execute_raw(SLEEP[database.backend].format(5))
    signed(running.value, database)


async def test_an_aborted_block_tells_whose_it_is(database: AsyncDatabase) -> None:
    if database.backend != "postgres":
        pytest.skip("there the block goes on")
    await execute_raw("CREATE TABLE IF NOT EXISTS once (id integer PRIMARY KEY)")
    with pytest.raises(TransactionAbortedError) as caught:
        async with atomic():
            for _ in range(2):
                with contextlib.suppress(IntegrityError):
                    await execute_raw("INSERT INTO once VALUES (1)")
    signed(caught.value, database)


async def test_what_one_server_lacks_tells_whose_it_is(database: AsyncDatabase) -> None:
    if database.backend == "postgres":
        pytest.skip("has both")
    with pytest.raises(NotSupportedError) as caught:
        async with atomic(isolation="serializable", readonly=True, deferrable=True):
            raise AssertionError("entered")
    signed(caught.value, database)
    async with database.connection() as conn:
        with pytest.raises(NotSupportedError) as parameter:
            conn.parameter("TimeZone")
    signed(parameter.value, database)


async def test_parameters_are_counted(database: AsyncDatabase) -> None:
    mark = "$1" if database.backend == "postgres" else "?"
    for params in ([], [1, 2], ["a", "b"], [1, None]):
        with pytest.raises(ProgrammingError, match="parameter") as caught:
            await execute_raw(f"SELECT {mark} AS n", params)
        signed(caught.value, database)
    assert await execute_raw(f"SELECT {mark} AS n", [1]) == [{"n": 1}]


async def test_a_lost_connection_stays_lost(place: servers.Server, database: AsyncDatabase) -> None:
    async with database.connection() as conn:
        pid = int(conn.backend_pid or 0)
        running = asyncio.ensure_future(conn.fetch(SLEEP[database.backend].format(30)))
        for _ in range(500):
            if any(row[0] == pid and "30" in str(row[2]) for row in place.sessions()):
                break
            await asyncio.sleep(0.01)
        place.rows(f"SELECT pg_terminate_backend({pid})" if place.backend == "postgres" else f"KILL {pid}")
        for attempt in (running, conn.fetch("SELECT 1"), conn.execute("SELECT 1")):
            with pytest.raises(ConnectionLostError) as caught:
                await attempt
            signed(caught.value, database)
    assert await execute_raw("SELECT 1 AS n") == [{"n": 1}]
