"""Behind PgBouncer in transaction mode, without any setting."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import instances
import pytest
import pytest_asyncio
import servers
import torture
from torture import Account, World

from oxyde import DatabaseError, PoolSettings, atomic, db, execute_raw


@pytest.fixture(scope="module")
def bouncer() -> Iterator[tuple[instances.PgBouncer, servers.Server]]:
    with servers.fresh_database("postgres") as database:
        made = instances.PgBouncer(instances.folder(), instances.free_port())
        made.target, made.pool_size = database.port, 3
        try:
            made.start()
            yield made, database
        finally:
            made.remove()


@pytest_asyncio.fixture
async def world(bouncer: tuple[instances.PgBouncer, servers.Server]) -> AsyncIterator[World]:
    made, database = bouncer
    servers.drop_everything(database)
    async with torture.world_of(database, through=made.port, max_connections=8) as world:
        yield world


async def test_every_call_works(world: World) -> None:
    for _ in range(3):
        for name in torture.SCENARIOS:
            if name != "other_handle":
                await torture.SCENARIOS[name](world, world.token())
    await torture.sound(world)


async def test_statements_prepared_elsewhere_are_no_trouble(world: World) -> None:
    """Many texts, more clients than server sessions: each session knows other statements."""

    async def one(number: int) -> None:
        for turn in range(10):
            kind = (number + turn) % 7
            (row,) = await execute_raw(f"SELECT $1::int + {kind} AS v", [number])
            torture.same(row["v"], number + kind)
            torture.same((await Account.objects.get(id=number % 6)).id, number % 6)

    await asyncio.gather(*(one(number) for number in range(40)))
    await torture.sound(world)


async def test_transactions_stay_on_one_server_session(world: World) -> None:
    async def one(number: int) -> None:
        token = world.token()
        async with atomic():
            (first,) = await execute_raw("SELECT pg_backend_pid() AS pid, txid_current() AS id")
            await asyncio.sleep(0.001)
            (second,) = await execute_raw("SELECT pg_backend_pid() AS pid, txid_current() AS id")
            assert first == second
            await torture.move(token, number % 6, (number + 1) % 6, 1)
        world.committed.add(token)

    await asyncio.gather(*(one(number) for number in range(40)))
    await torture.sound(world)


async def test_a_duplicate_is_told_once(world: World) -> None:
    """A statement that really fails is not taken for the pooler's trouble."""
    for _ in range(3):
        with pytest.raises(DatabaseError) as caught:
            await torture.Item.objects.create(token="known")
        assert caught.value.sqlstate == "23505"


async def test_time_zone_is_utc(world: World) -> None:
    (row,) = await execute_raw("SHOW TimeZone")
    assert row["TimeZone"] in ("UTC", "Etc/UTC")


async def test_detection_is_logged_and_can_be_chosen(
    bouncer: tuple[instances.PgBouncer, servers.Server], caplog: pytest.LogCaptureFixture
) -> None:
    made, database = bouncer
    url = database.at(made.port).url
    with caplog.at_level(logging.DEBUG, "oxyde.pool"):
        for extra, settings in (
            ("", {}),
            ("?pgbouncer=true", {}),
            ("", {"pg_statement_cache_capacity": 0}),
        ):
            async with db.connect(
                url + extra, name="b", settings=PoolSettings(max_connections=4, **settings)
            ):
                for turn in range(3):
                    values = await asyncio.gather(
                        *(execute_raw("SELECT $1::int AS v", [n], using="b") for n in range(20))
                    )
                    assert [row["v"] for (row,) in values] == list(range(20)), turn
    assert any("pooler" in record.getMessage() for record in caplog.records)


async def test_what_needs_a_session_gives_a_warning(world: World, caplog: pytest.LogCaptureFixture) -> None:
    statements = {
        "listen birds": "LISTEN",
        "create  temporary table pick (id int)": "a temporary table",
        "SELECT pg_try_advisory_lock(1)": "a lock of the session",
        "SELECT 1 AS listen": None,
        "SELECT pg_advisory_xact_lock(1)": None,
        "CREATE TABLE temp_of_birds (id int)": None,
    }
    for sql, made in statements.items():
        caplog.clear()
        with caplog.at_level(logging.WARNING, "oxyde.pool"):
            await execute_raw(sql)
        found = [record.getMessage() for record in caplog.records]
        assert len(found) == (made is not None), (sql, found)
        if made is not None:
            assert found[0].startswith(f"{made} of default is made through a connection pooler")
    await execute_raw("SELECT pg_advisory_unlock_all()")


async def test_cancelling_reaches_the_right_session(world: World) -> None:
    outcomes: Counter[str] = Counter()

    async def one(number: int) -> None:
        try:
            await asyncio.wait_for(execute_raw(world.echo(5 if number % 2 else 0.01), [str(number)]), 0.5)
            outcomes["answered"] += 1
        except (TimeoutError, asyncio.TimeoutError):
            outcomes["timed out"] += 1

    for number in range(6):
        await one(number)
    assert outcomes == {"answered": 3, "timed out": 3}
    await torture.sound(world)
