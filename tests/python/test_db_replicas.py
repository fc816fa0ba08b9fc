"""Replicas and routers: which server a statement goes to.

Primary and replicas are databases with different rows, so that an answer tells who gave it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import servers

from oxyde import (
    DatabaseError,
    Field,
    InterfaceError,
    Model,
    PoolSettings,
    UnknownAliasError,
    atomic,
    create_tables,
    db,
    execute_raw,
)
from oxyde.db import AsyncDatabase, AsyncTransaction


class Place(Model):
    id: int = Field(db_pk=True)
    name: str = Field(max_length=20, db_unique=True)

    class Meta:
        is_table = True
        table_name = "places"


@pytest.fixture(scope="module")
def copies(server: servers.Server) -> Iterator[list[servers.Server]]:
    with (
        servers.fresh_database(server.name) as one,
        servers.fresh_database(server.name) as two,
        servers.fresh_database(server.name) as three,
    ):
        yield [one, two, three]


@pytest_asyncio.fixture
async def database(copies: list[servers.Server]) -> AsyncIterator[AsyncDatabase]:
    for copy, name in zip(copies, ("primary", "replica 0", "replica 1"), strict=True):
        servers.drop_everything(copy)
        async with db.connect(copy.url) as handle:
            await create_tables(handle, models=[Place])
            await Place.objects.create(id=1, name=name)
    await db.init(default={"primary": copies[0].url, "replicas": [copy.url for copy in copies[1:]]})
    try:
        yield await db.get_connection()
    finally:
        await db.close()


async def who(**options: Any) -> str:
    return (await Place.objects.get(id=1, **options)).name


async def test_plain_reads_go_to_replicas(database: AsyncDatabase) -> None:
    assert [replica.name for replica in database.replicas] == ["default.replica.0", "default.replica.1"]
    assert all(replica.connected for replica in database.replicas)
    assert database.primary is database
    for _ in range(5):
        assert (await who()).startswith("replica")
    assert (await Place.objects.values_list("name", flat=True).first()).startswith("replica")  # type: ignore[union-attr]
    assert await Place.objects.filter(name="primary").count() == 0
    assert (await who(client=database)).startswith("replica")


async def test_everything_else_goes_to_the_primary(database: AsyncDatabase) -> None:
    assert await execute_raw("SELECT name FROM places") == [{"name": "primary"}]
    async with atomic():
        assert await who() == "primary"
        await Place.objects.create(id=2, name="new")
        assert await Place.objects.count() == 2
    assert await Place.objects.count() == 1
    assert await Place.objects.filter(id=2).update(name="newer") == 1
    assert await who(using="default.primary") == "primary"
    assert (await Place.objects.get(id=2, using="default.primary")).name == "newer"
    async with AsyncTransaction(database) as tx:
        assert await who(client=tx) == "primary"
    async with atomic(using="default.primary"):
        assert await who() == "primary"


async def test_reads_that_lock_go_to_the_primary(database: AsyncDatabase) -> None:
    if database.backend == "sqlite":
        pytest.skip("has no locking reads")
    assert (await Place.objects.for_update().get(id=1)).name == "primary"


async def test_reads_that_decide_what_is_written_go_to_the_primary(database: AsyncDatabase) -> None:
    place, created = await Place.objects.get_or_create(name="primary", defaults={"id": 9})
    assert (place.id, created) == (1, False)
    place, created = await Place.objects.update_or_create(id=1, defaults={"name": "changed"})
    assert (place.name, created) == ("changed", False)
    assert (await who()).startswith("replica")


async def test_a_readonly_block_goes_to_a_replica(database: AsyncDatabase) -> None:
    async with atomic(readonly=True) as block:
        name = await who()
        assert name.startswith("replica")
        assert await who() == name
        assert (await execute_raw("SELECT name FROM places"))[0]["name"] == name
        assert block.database is database
        with pytest.raises(DatabaseError):
            async with atomic():
                await Place.objects.create(id=3, name="no")
    async with atomic(readonly=True, using="default.primary"):
        pass


async def test_roles_by_name(database: AsyncDatabase) -> None:
    assert (await who(using="default.replica")).startswith("replica")
    for wrong in ("default.other", "nobody.replica"):
        with pytest.raises(UnknownAliasError):
            await who(using=wrong)
    assert await db.get_connection("default.replica") in database.replicas


async def test_events_tell_the_role(database: AsyncDatabase) -> None:
    with db.capture_queries(using="default") as log:
        await who()
        await Place.objects.create(id=4, name="four")
    assert [(event.alias, event.role) for event in log] == [("default", "replica"), ("default", "primary")]


async def test_health_lists_them_and_closing_closes_them(database: AsyncDatabase) -> None:
    report = await db.health()
    assert list(report) == ["default", "default.replica.0", "default.replica.1"]
    assert all(entry["ok"] and entry["latency"] > 0 for entry in report.values())
    replicas = database.replicas
    await db.close()
    assert not any(replica.connected for replica in replicas)


async def test_a_replica_that_cannot_be_had_is_left_out_and_tried_again(
    copies: list[servers.Server], database: AsyncDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await db.close()
    missing = {
        "sqlite": f"sqlite:///{tmp_path}/not/there.db",
        "postgres": copies[0].url.rpartition("/")[0] + "/no_such_database",
        "mysql": copies[0].url.rpartition("/")[0] + "/no_such_database",
    }[copies[0].backend]
    settings = PoolSettings(max_connections=3)
    spec = {"primary": copies[0].url, "replicas": [missing, copies[1].url], "settings": settings}
    with caplog.at_level(logging.WARNING, "oxyde.pool"):
        await db.init(default=spec)  # type: ignore[arg-type]
    assert "default.replica.0 is out of rotation" in caplog.text
    for _ in range(10):
        assert await who() == "replica 0"
        await asyncio.sleep(0.1)
    report = await db.health()
    assert [entry["ok"] for entry in report.values()] == [True, False, True]
    assert isinstance(report["default.replica.0"]["error"], DatabaseError)
    await db.close()
    await db.init(default={"primary": copies[0].url, "replicas": [missing]})
    assert await who() == "primary"
    async with atomic(readonly=True):
        assert await who() == "primary"


async def test_a_replica_comes_back(copies: list[servers.Server], tmp_path: Path) -> None:
    if copies[0].backend != "sqlite":
        pytest.skip("the tests with a proxy do that")
    folder = tmp_path / "later"
    await db.init(default={"primary": copies[0].url, "replicas": [f"sqlite:///{folder}/r.db"]})
    try:
        assert await who() == "primary"
        folder.mkdir()
        async with db.connect(f"sqlite:///{folder}/r.db", name="maker") as maker:
            await create_tables(maker, models=[Place])
            await Place.objects.create(id=1, name="late", using="maker")
        loop = asyncio.get_running_loop()
        until = loop.time() + 5
        while await who() == "primary":
            assert loop.time() < until
            await asyncio.sleep(0.05)
        assert await who() == "late"
    finally:
        await db.close()


# --- routers ------------------------------------------------------------------------------------


@pytest.fixture
def no_router() -> Iterator[None]:
    yield
    db.set_router(None)


async def test_a_router_is_asked_where_nobody_says(no_router: None) -> None:
    asked: list[tuple[str, str]] = []

    class Router:
        def db_for_read(self, model: type[Any]) -> str | None:
            asked.append(("read", model.__name__))
            return "reads"

        def db_for_write(self, model: type[Any]) -> str | None:
            asked.append(("write", model.__name__))
            return "writes" if model is Place else None

    await db.init(default="sqlite://:memory:", reads="sqlite://:memory:", writes="sqlite://:memory:")
    try:
        for alias in ("default", "reads", "writes"):
            await create_tables(await db.get_connection(alias), models=[Place])
        db.set_router(Router())
        await Place.objects.create(id=1, name="a")
        assert await Place.objects.count() == 0
        assert await Place.objects.count(using="writes") == 1
        assert await Place.objects.count(using="default") == 0
        assert asked == [("write", "Place"), ("read", "Place")]
        await Place.objects.bulk_create([Place(id=n, name=str(n)) for n in range(10, 20)], batch_size=3)
        assert await Place.objects.count(using="writes") == 11
        assert (await Place.objects.get_or_create(id=10, defaults={"name": "x"}))[1] is False
        async with atomic(using="writes"):
            # The open transaction is on another alias than the one for reads.
            assert await Place.objects.count() == 0
            await Place.objects.create(id=2, name="b")
        place = await Place.objects.get(id=2, using="writes")
        place.name = "c"
        await place.save()
        assert await Place.objects.filter(name="c").count(using="writes") == 1
    finally:
        await db.close()


async def test_a_router_may_answer_none_or_half(no_router: None) -> None:
    class OnlyWrites:
        def db_for_write(self, model: type[Any]) -> str | None:
            return None

    async with db.connect("sqlite://:memory:") as handle:
        await create_tables(handle, models=[Place])
        db.set_router(OnlyWrites())
        await Place.objects.create(id=1, name="a")
        assert await Place.objects.count() == 1
        with pytest.raises(TypeError, match="db_for_read"):
            db.set_router(object())
        db.set_router(None)
        assert await Place.objects.count() == 1


async def test_a_routers_wrong_answers_are_errors(no_router: None) -> None:
    class Wrong:
        def db_for_read(self, model: type[Any]) -> Any:
            return 5

        def db_for_write(self, model: type[Any]) -> Any:
            return "nowhere"

    async with db.connect("sqlite://:memory:"):
        db.set_router(Wrong())
        with pytest.raises(TypeError):
            await Place.objects.count()
        with pytest.raises((UnknownAliasError, InterfaceError)):
            await Place.objects.create(id=1, name="a")
