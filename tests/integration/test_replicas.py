"""A PostgreSQL primary with two streaming replicas: spreading, losing, promoting."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import instances
import pytest
import pytest_asyncio
import torture
from torture import Account, Item

from oxyde import DatabaseError, OperationalError, PoolSettings, atomic, db, execute_raw
from oxyde.exceptions import CommitUnknownError


@dataclass
class Cluster:
    primary: instances.Postgres
    replicas: list[instances.Postgres]

    @property
    def everyone(self) -> list[instances.Postgres]:
        return [self.primary, *self.replicas]

    def multi_host(self, attrs: str) -> str:
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.everyone)
        return f"postgresql://postgres@{hosts}/test?target_session_attrs={attrs}&connect_timeout=2"

    def caught_up(self) -> None:
        """Waits until every replica has what the primary has."""
        position = self.primary.sql("SELECT pg_current_wal_lsn()")
        for replica in self.replicas:
            if replica.pid() is not None:
                assert instances.wait_until(
                    lambda replica=replica: (
                        replica.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "t"
                    ),
                    10,
                )


def build() -> Cluster:
    primary = instances.Postgres(
        instances.folder(), instances.free_port(), {"synchronous_commit": "on", "max_connections": "60"}
    )
    cluster = Cluster(primary, [])
    try:
        primary.start()
        for statement in torture.TABLES:
            primary.sql(statement.format(key=torture.KEY["postgres"]))
        primary.sql(f"INSERT INTO accounts SELECT n, {torture.START} FROM generate_series(0, 5) AS n")
        primary.sql("INSERT INTO items (token, note, hits) VALUES ('known', 'stays', 0)")
        for _ in range(2):
            cluster.replicas.append(primary.standby(instances.folder(), instances.free_port()))
            cluster.replicas[-1].start()
        cluster.caught_up()
    except BaseException:
        remove(cluster)
        raise
    return cluster


def remove(cluster: Cluster) -> None:
    for server in reversed(cluster.everyone):
        server.remove()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Built anew for each test: they kill and promote."""
    built = build()
    try:
        yield built
    finally:
        remove(built)


@pytest_asyncio.fixture
async def connected(cluster: Cluster) -> AsyncIterator[Cluster]:
    settings = PoolSettings(max_connections=4, connect_timeout=2, acquire_timeout=5, cancel_timeout=0.5)
    await db.init(
        default={
            "primary": cluster.primary.url,
            "replicas": [replica.url for replica in cluster.replicas],
            "settings": settings,
        }
    )
    try:
        yield cluster
    finally:
        await db.close()


async def roles(reads: int = 40) -> Counter[int]:
    """Ports that answered plain reads at the same time."""
    found: Counter[int] = Counter()
    with db.capture_queries() as log:
        await asyncio.gather(*(Account.objects.get(id=number % 6) for number in range(reads)))
    for event in log:
        found[event.role] += 1
    return found


async def port_of(**options: object) -> int:
    (row,) = await execute_raw("SELECT current_setting('port')::int AS port", **options)  # type: ignore[arg-type]
    return int(row["port"])


async def test_reads_spread_and_writes_go_to_the_primary(connected: Cluster) -> None:
    assert await roles() == {"replica": 40}
    assert await port_of() == connected.primary.port, "execute_raw goes to the primary"
    assert await port_of(using="default.primary") == connected.primary.port
    replica_ports = {replica.port for replica in connected.replicas}
    assert await port_of(using="default.replica") in replica_ports
    with db.capture_queries() as log:
        await Item.objects.create(token="new")
        await Item.objects.filter(token="new").update(note="x")
        await Account.objects.filter(id=1).for_update().all()
    assert {event.role for event in log} == {"primary"}
    busy = await asyncio.gather(*(port_of(using="default.replica") for _ in range(20)))
    assert set(busy) == replica_ports, "least busy first: both serve"


async def test_a_block_reads_its_own_writes(connected: Cluster) -> None:
    for replica in connected.replicas:  # replicas that stay behind for good
        await asyncio.to_thread(replica.sql, "SELECT pg_wal_replay_pause()", "postgres")
    async with atomic():
        item = await Item.objects.create(token="mine")
        assert (await Item.objects.get(id=item.id)).token == "mine"
    assert await Item.objects.get_or_none(token="mine") is None
    assert (await Item.objects.get(token="mine", using="default.primary")).note == ""
    async with atomic(readonly=True):
        assert await Item.objects.filter(token="mine").exists() is False, "a read-only block reads a replica"


async def test_a_killed_replica_leaves_the_rotation_and_comes_back(connected: Cluster) -> None:
    await roles()
    lost = connected.replicas[0]
    await asyncio.to_thread(lost.kill)
    answers = await asyncio.gather(
        *(Account.objects.get(id=number % 6) for number in range(100)), return_exceptions=True
    )
    broken = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(error, OperationalError) for error in broken), broken
    for _ in range(20):  # from now on nobody notices
        await Account.objects.get(id=1)
    health = await db.health()
    assert [health[f"default.replica.{number}"]["ok"] for number in range(2)] == [False, True]
    assert health["default"]["ok"]
    await asyncio.to_thread(lost.start)
    end = time.monotonic() + 40
    while not (await db.health())["default.replica.0"]["ok"]:
        assert time.monotonic() < end, "it does not come back"
        await asyncio.sleep(0.2)
    end = time.monotonic() + 40
    while lost.port not in {await port_of(using="default.replica") for _ in range(8)}:
        assert time.monotonic() < end, "it is not used again"
        await asyncio.gather(*(Account.objects.get(id=1) for _ in range(8)))
        await asyncio.sleep(0.2)


async def test_without_replicas_the_primary_reads(connected: Cluster) -> None:
    for replica in connected.replicas:
        await asyncio.to_thread(replica.kill)
    await asyncio.gather(*(Account.objects.get(id=1) for _ in range(20)), return_exceptions=True)
    assert await roles(10) == {"primary": 10}


async def test_connecting_needs_no_replica(cluster: Cluster) -> None:
    await asyncio.to_thread(cluster.replicas[0].kill)
    await asyncio.to_thread(cluster.replicas[1].kill)
    await db.init(
        default={"primary": cluster.primary.url, "replicas": [replica.url for replica in cluster.replicas]}
    )
    try:
        assert (await Account.objects.get(id=1)).id == 1
    finally:
        await db.close()


async def test_several_hosts_and_target_session_attrs(cluster: Cluster) -> None:
    for attrs, wanted in (
        ("read-write", {cluster.primary.port}),
        ("primary", {cluster.primary.port}),
        ("standby", {replica.port for replica in cluster.replicas}),
        ("any", {server.port for server in cluster.everyone}),
    ):
        async with db.connect(cluster.multi_host(attrs), name="hosts"):
            assert await port_of(using="hosts") in wanted


async def test_a_promoted_replica_is_found_and_nothing_committed_is_lost(cluster: Cluster) -> None:
    # What is reported as committed must be on the one that is promoted: wait for both to have it.
    cluster.primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'ANY 2 (*)'", "postgres")
    cluster.primary.sql("SELECT pg_reload_conf()", "postgres")
    settings = PoolSettings(
        max_connections=4, connect_timeout=3, acquire_timeout=10, cancel_timeout=0.5, connect_retry=20
    )
    committed: set[str] = set()
    stopping = False

    async with db.connect(cluster.multi_host("read-write"), settings=settings):

        async def worker(name: int) -> None:
            number = 0
            while not stopping:
                number += 1
                token = f"w{name}-{number}"
                try:
                    async with atomic():
                        await torture.move(token, 0, 1, 1)
                    committed.add(token)
                except CommitUnknownError:
                    pass
                except DatabaseError as error:
                    assert isinstance(error, OperationalError), error
                    await asyncio.sleep(0.02)

        workers = [asyncio.create_task(worker(name)) for name in range(4)]
        await asyncio.sleep(0.7)
        before = len(committed)
        assert before > 5
        await asyncio.to_thread(cluster.primary.kill)
        heir = cluster.replicas[0]
        await asyncio.to_thread(heir.sql, "ALTER SYSTEM SET synchronous_standby_names = ''", "postgres")
        await asyncio.to_thread(heir.promote)
        end = time.monotonic() + 20
        while len(committed) < before + 20:
            assert time.monotonic() < end, "the new primary is not found"
            await asyncio.sleep(0.05)
        stopping = True
        await asyncio.wait_for(asyncio.gather(*workers), 20)
        assert await port_of() == heir.port
    there = set(heir.sql("SELECT token FROM ledger").split())
    assert committed <= there
    balances = dict(
        line.split("|") for line in heir.sql("SELECT id, balance FROM accounts ORDER BY id").splitlines()
    )
    assert int(balances["0"]) == torture.START - len(there)
    assert int(balances["1"]) == torture.START + len(there)


async def test_a_demoted_server_is_left_when_it_refuses_to_write(cluster: Cluster) -> None:
    """25006 on a write: the connection goes with all idle ones, the next finds the primary."""
    async with db.connect(
        cluster.multi_host("read-write"), settings=PoolSettings(max_connections=3)
    ) as handle:
        await asyncio.gather(*(port_of() for _ in range(6)))
        for server in cluster.everyone:
            server.sql("ALTER SYSTEM SET default_transaction_read_only = on", "postgres")
            server.sql("SELECT pg_reload_conf()", "postgres")
        await asyncio.sleep(0.3)
        with pytest.raises(DatabaseError, match="read-only"):
            await execute_raw("INSERT INTO items (token, note, hits) VALUES ('a', '', 0)")
        assert handle.stats().size <= 1
        cluster.primary.sql("ALTER SYSTEM SET default_transaction_read_only = off", "postgres")
        cluster.primary.sql("SELECT pg_reload_conf()", "postgres")
        await asyncio.sleep(0.3)
        await execute_raw("INSERT INTO items (token, note, hits) VALUES ('a', '', 0)")
