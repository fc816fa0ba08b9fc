"""Passwords: the right one, the wrong one, none; on every server, without ever showing one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import instances
import pytest
import servers

from oxyde import AsyncDatabase, ConnectionLostError, OperationalError, PoolSettings, execute_raw

PASSWORD = "se same@/:é%"
QUOTED = "se%20same%40%2F%3A%C3%A9%25"
METHODS = ("scram-sha-256", "md5", "password")


@pytest.fixture(scope="module")
def guarded() -> Iterator[instances.Postgres]:
    """PostgreSQL that wants a password from users named after the methods."""
    server = instances.Postgres(instances.folder(), instances.free_port())
    server.hba = "local all all trust\nhost all postgres 127.0.0.1/32 trust\n" + "".join(
        f'host all "{method}" 127.0.0.1/32 {method}\n' for method in METHODS
    )
    try:
        server.start()
        for method in METHODS:
            kind = "md5" if method == "md5" else "scram-sha-256"
            server.sql(f"SET password_encryption = '{kind}'; CREATE USER \"{method}\" PASSWORD '{PASSWORD}'")
        yield server
    finally:
        server.remove()


def handle(server: instances.Postgres, user: str, password: str | None, **settings: object) -> AsyncDatabase:
    login = user if password is None else f"{user}:{password}"
    return AsyncDatabase(
        f"postgresql://{login}@127.0.0.1:{server.port}/test",
        auto_register=False,
        settings=PoolSettings(**settings),  # type: ignore[arg-type]
    )


async def refused(database: AsyncDatabase) -> OperationalError:
    with pytest.raises(OperationalError) as caught:
        await database.connect()
    error = caught.value
    shown = f"{error} {error!r} {vars(error)} {error.__cause__!r} {database!r} {database.stats()!r}"
    for secret in (PASSWORD, QUOTED, "wrongly"):
        assert secret not in shown
    return error


@pytest.mark.parametrize("method", METHODS)
async def test_postgresql_takes_the_right_password_only(
    guarded: instances.Postgres,
    method: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    caplog.set_level(logging.DEBUG, "oxyde")
    async with handle(guarded, method, QUOTED) as database:
        assert await execute_raw("SELECT current_user::text AS u", client=database) == [{"u": method}]
    wrong = await refused(handle(guarded, method, "wrongly"))
    assert f'password authentication failed for user "{method}"' in str(wrong)
    assert (wrong.sqlstate, wrong.code) == ("28P01", "28P01")
    assert "password" in str(await refused(handle(guarded, method, None)))
    assert not any(secret in caplog.text for secret in (PASSWORD, QUOTED, "wrongly"))


async def test_postgresql_finds_passwords_where_libpq_does(
    guarded: instances.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    async with handle(guarded, "md5", None) as database:
        assert await database.ping() > 0
    monkeypatch.delenv("PGPASSWORD")
    file = tmp_path / "pass"
    file.write_text(f"127.0.0.1:{guarded.port}:test:md5:{PASSWORD.replace(':', chr(92) + ':')}\n")
    file.chmod(0o600)
    url = f"postgresql://md5@127.0.0.1:{guarded.port}/test?passfile={file}"
    async with AsyncDatabase(url, auto_register=False) as database:
        assert await database.ping() > 0


@pytest.mark.parametrize("name", [name for name in servers.chosen() if name in ("mariadb", "mysql")])
async def test_mysql_takes_the_right_password_only(name: str) -> None:
    with servers.fresh_database(name) as place:
        place.rows("CREATE USER oxy_login IDENTIFIED BY %s", (PASSWORD,))
        try:
            place.rows(f"GRANT ALL ON `{place.database}`.* TO oxy_login")
            base = f"@127.0.0.1:{place.port}/{place.database}"
            url = f"mysql://oxy_login:{QUOTED}{base}"
            async with AsyncDatabase(url, auto_register=False) as database:
                assert await database.ping() > 0
            wrong = AsyncDatabase(f"mysql://oxy_login:wrongly{base}", auto_register=False)
            error = await refused(wrong)
            assert "Access denied for user 'oxy_login'" in str(error)
            assert (error.sqlstate, error.code) == ("28000", 1045)
        finally:
            place.rows("DROP USER oxy_login")


async def test_a_stopped_server_comes_back(guarded: instances.Postgres) -> None:
    async with handle(guarded, "postgres", None, max_connections=2) as database:
        assert await database.ping() > 0
        guarded.stop()
        try:
            with pytest.raises(OperationalError) as caught:
                await execute_raw("SELECT 1", client=database)
            # Either the idle connection was seen to be gone and a new one refused, or it broke.
            assert isinstance(caught.value, ConnectionLostError) or "refused" in str(caught.value)
            late = handle(guarded, "postgres", None, connect_retry=60)
            waiting = asyncio.ensure_future(late.connect())
            await asyncio.sleep(0.2)
            assert not waiting.done()
        finally:
            await asyncio.to_thread(guarded.start)
        await waiting
        assert await execute_raw("SELECT 1 AS n", client=late) == [{"n": 1}]
        await late.disconnect()
        assert await execute_raw("SELECT 1 AS n", client=database) == [{"n": 1}]
