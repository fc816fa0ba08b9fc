"""Reads and writes on SQLite that follow one another: locks are given back at the loop's turn."""

import asyncio
import gc
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from oxyde import Field, Model, atomic, db, execute_raw

LOG_PAGE = 4096 + 24


class Burst(Model):
    id: int | None = Field(default=None, db_pk=True)
    n: int = 0

    class Meta:
        is_table = True


@pytest_asyncio.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "burst.db"
    await db.init(default=f"sqlite:///{path}")
    await execute_raw("CREATE TABLE burst (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    await Burst.objects.bulk_create([Burst(n=i) for i in range(1, 21)])
    try:
        yield path
    finally:
        await db.close()


def another_process(code: str, *args: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


# How another process finds the locks of this one: each of the five that readers take.
HELD = """
import fcntl, struct, sys
held = []
with open(sys.argv[1] + "-shm", "r+b") as file:
    for at in range(120, 128):
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, at, 1, 0)
        if struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK:
            held.append(at)
print(held)
"""
EMPTY = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=0)
print(c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
"""


def log_size(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


async def burst_of_reads(n: int = 200) -> None:
    for i in range(n):
        assert (await Burst.objects.get(id=i % 20 + 1)).id == i % 20 + 1


@pytest.mark.asyncio
async def test_a_burst_keeps_a_lock_and_the_turn_of_the_loop_ends_it(path: Path) -> None:
    for _ in range(20):  # a burst that the loop's turn has cut short keeps none
        await burst_of_reads()
        held = another_process(HELD, path)
        if held != "[]":
            break
    assert held != "[]", "no burst kept anything: what is tested here does not happen"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert another_process(HELD, path) == "[]"
    assert another_process(EMPTY, path) == "0"


@pytest.mark.asyncio
async def test_nothing_is_kept_after_writes_blocks_and_gathered_reads(path: Path) -> None:
    for i in range(50):
        await Burst.objects.create(n=i)
        async with atomic():
            await Burst.objects.filter(id=1).update(n=i)
        await asyncio.gather(*[Burst.objects.get(id=k) for k in range(1, 11)])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert another_process(HELD, path) == "[]"
    assert another_process(EMPTY, path) == "0"


@pytest.mark.asyncio
async def test_gathered_reads_end_with_their_list(path: Path) -> None:
    async def one() -> None:
        await asyncio.gather(*[Burst.objects.get(id=k) for k in range(1, 11)])

    await asyncio.sleep(0.05)
    await one()
    assert another_process(HELD, path) == "[]"


@pytest.mark.asyncio
async def test_a_burst_sees_each_commit_of_others(path: Path) -> None:
    """The other one commits between two reads of one burst, without a turn of the loop."""
    other = sqlite3.connect(path, isolation_level=None)
    try:
        for i in range(500):
            other.execute("UPDATE burst SET n = ? WHERE id = 1", (i,))
            for _ in range(4):
                assert (await Burst.objects.get(id=1)).n == i
            if i % 3 == 0:
                await Burst.objects.filter(id=1).update(n=-i)
                assert (await Burst.objects.get(id=1)).n == -i
                assert other.execute("SELECT n FROM burst WHERE id = 1").fetchone() == (-i,)
    finally:
        other.close()


@pytest.mark.asyncio
async def test_the_log_of_a_loop_that_reads_and_writes_stays_short(path: Path) -> None:
    longest = 0
    for i in range(12000):
        await Burst.objects.create(n=i)
        await Burst.objects.get(id=1)
        if i % 500 == 0:
            longest = max(longest, log_size(path))
    assert longest < 8000 * LOG_PAGE


@pytest.mark.asyncio
async def test_another_process_can_empty_the_log_beside_a_busy_reader(path: Path) -> None:
    """Its writes go on as well: nobody waits for more than the reader's turn."""
    code = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
emptied = 0
for i in range(3000):
    c.execute("UPDATE burst SET n = n + 1 WHERE id = 2")
    if i % 100 == 0:
        emptied += c.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0] == 0
print(emptied, c.execute("SELECT n FROM burst WHERE id = 2").fetchone()[0])
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(path), stdout=subprocess.PIPE
    )
    answer = asyncio.ensure_future(process.communicate())
    seen = 0
    while not answer.done():
        for _ in range(50):
            now = (await Burst.objects.get(id=2)).n
            assert now >= seen
            seen = now
    out, _ = await answer
    assert out.decode().split() == ["30", "3002"]
    assert log_size(path) < 3000 * LOG_PAGE


def test_a_loop_that_is_gone_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "gone.db"

    async def work() -> None:
        await db.init(default=f"sqlite:///{path}")
        await execute_raw("CREATE TABLE burst (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
        await Burst.objects.bulk_create([Burst(n=i) for i in range(1, 21)])
        await burst_of_reads()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(work())
    loop.close()
    del loop
    gc.collect()
    assert another_process(HELD, path) == "[]"
    asyncio.run(burst_of_reads())
    assert another_process(HELD, path) == "[]"
    asyncio.run(db.close())


@pytest.mark.asyncio
async def test_a_read_that_waits_for_a_worker_keeps_nothing(path: Path) -> None:
    await burst_of_reads()
    rows = await execute_raw(
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 300000) "
        "SELECT count(*) AS n FROM c"
    )
    assert rows[0]["n"] == 300000
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert another_process(HELD, path) == "[]"


@pytest.mark.asyncio
async def test_a_burst_that_is_cancelled_keeps_nothing(path: Path) -> None:
    async def endless() -> None:
        while True:
            await Burst.objects.get(id=1)
            await Burst.objects.filter(id=2).update(n=1)

    task = asyncio.create_task(endless())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert another_process(HELD, path) == "[]"
