"""Streams of many rows: memory stays where it was. OXYDE_TEST_MILLION=1 reads a million of them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from memory import resident
from servers import Server

from oxyde import Field, Model, OperationalError, PoolSettings, atomic, db

ROWS = 1_000_000 if os.environ.get("OXYDE_TEST_MILLION") else 200_000
LIMIT = 16 << 20
NUMBERS = {
    "postgres": "SELECT n, repeat('x', 100) FROM generate_series(1, {rows}) AS s(n)",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) "
    "SELECT n, printf('%.100c', 'x') FROM s",
    "mysql": "SELECT a.n + 1000 * b.n + 1, repeat('x', 100) FROM thousand a, thousand b "
    "WHERE a.n + 1000 * b.n < {rows}",
}


class Line(Model):
    id: int = Field(db_pk=True)
    text: str = Field(max_length=200)

    class Meta:
        is_table = True
        table_name = "lines_of_many"


@pytest.fixture(scope="module")
def many(fresh_database: Server) -> Server:
    backend = fresh_database.backend
    key = "bigint PRIMARY KEY"
    with fresh_database.admin(timeout=300) as admin:
        admin.rows(f"CREATE TABLE lines_of_many (id {key}, text varchar(200) NOT NULL)")
        if backend == "mysql":
            admin.rows("CREATE TABLE digits (n int)")
            admin.rows("INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
            admin.rows("CREATE TABLE thousand (n int)")
            admin.rows(
                "INSERT INTO thousand SELECT a.n + 10 * b.n + 100 * c.n FROM digits a, digits b, digits c"
            )
        select = NUMBERS[backend].format(rows=ROWS)
        admin.rows(f"INSERT INTO lines_of_many (id, text) {select}")
    return fresh_database


@pytest_asyncio.fixture
async def database(many: Server) -> AsyncIterator[db.AsyncDatabase]:
    settings = PoolSettings(max_connections=3, sqlite_cache_size=-1024)
    async with db.connect(many.url, settings=settings) as opened:
        yield opened


async def read(stop: int = ROWS, ask: int = 0) -> tuple[int, int]:
    """Reads in order of the key: how many rows, and how far resident memory grew meanwhile."""
    async for _ in Line.objects.order_by("id")[:10_000]:  # what is made once is made
        pass
    before, most, seen = resident(), 0, 0
    async for line in Line.objects.order_by("id"):
        seen += 1
        assert line.id == seen
        if seen % 20_000 == 0:
            most = max(most, resident())
        if seen == ask:
            assert (await Line.objects.get(id=seen)).text == line.text
        if seen == stop:
            break
    return seen, max(most, resident()) - before


async def test_many_rows_take_little_memory(database: db.AsyncDatabase) -> None:
    seen, grown = await read()
    assert seen == ROWS
    assert grown < LIMIT, f"{grown >> 20} MiB"


async def test_many_rows_in_a_transaction_that_does_other_things(database: db.AsyncDatabase) -> None:
    async with atomic():
        seen, grown = await read(ask=3)
    assert seen == ROWS
    assert grown < LIMIT, f"{grown >> 20} MiB"


async def test_many_rows_over_the_only_connection(many: Server) -> None:
    settings = PoolSettings(max_connections=1, acquire_timeout=20, sqlite_cache_size=-1024)
    async with db.connect(many.url, settings=settings):
        seen, grown = await read(ask=3)
    assert seen == ROWS
    assert grown < LIMIT, f"{grown >> 20} MiB"


async def test_leaving_many_rows_early_does_not_read_them(database: db.AsyncDatabase) -> None:
    for _ in range(20):
        seen, _ = await read(stop=5)
        assert seen == 5
    assert await Line.objects.count() == ROWS
    assert database.stats().size <= 3


async def test_a_file_that_cannot_be_written_is_an_error(
    many: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    settings = PoolSettings(max_connections=1, acquire_timeout=20)
    async with db.connect(many.url, settings=settings) as database:
        seen = 0
        with pytest.raises(OperationalError, match="kept aside"):
            async for line in Line.objects.order_by("id").iterator(chunk_size=100):
                seen += 1
                assert line.id == seen
                if seen == 3:
                    await Line.objects.get(id=1)
        assert seen >= 100
        assert await Line.objects.count() == ROWS
        assert database.stats().busy == 0
