"""What is written to SQLite's log survives the process; handles that share a cache stay apart."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from oxyde import Field, Model, db, execute_raw
from oxyde.exceptions import LockTimeout

# The cache holds ten pages, so pages of the transaction go into the log before its end, some
# of them several times, and its commit writes the checksums of all its frames anew.
SPILLS = """
import asyncio, os, signal, sys
from oxyde import db, execute_raw
from oxyde.db import PoolSettings, transaction

async def main():
    await db.init(default=f"sqlite:///{sys.argv[1]}", settings=PoolSettings(sqlite_cache_size=10))
    await execute_raw("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, pad TEXT)")
    async with transaction.atomic():
        for i in range(60):
            await execute_raw("INSERT INTO t VALUES (?, 0, ?)", [i, "x" * 3000])
    for round in range(int(sys.argv[2])):
        async with transaction.atomic():
            for i in range(180):
                await execute_raw("UPDATE t SET v = ? WHERE id = ?", [round + 1, i % 60])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_a_transaction_larger_than_the_cache_is_there_after_a_kill(tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "spilled.db"
    done = subprocess.run(
        [sys.executable, "-c", SPILLS, str(path), str(rounds)], check=False, capture_output=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    raw = sqlite3.connect(path)
    try:
        assert raw.execute("SELECT v, count(*) FROM t GROUP BY v").fetchall() == [(rounds, 60)]
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        raw.close()


class Shared(Model):
    id: int | None = Field(default=None, db_pk=True)
    n: int = 0

    class Meta:
        is_table = True


# In a process of its own: what goes wrong here is a crash or waits for ever.
SHARED = """
import asyncio, sqlite3, sys
from tests.python.test_sqlite_log import Shared, use_shared

asyncio.run(use_shared(sys.argv[1]))
"""


async def use_shared(url: str) -> None:
    for _ in range(10):  # two handles that open one cache at once may find its schema locked
        try:
            await db.init(default=url)
            break
        except LockTimeout:
            await asyncio.sleep(0.05)
    await execute_raw("CREATE TABLE shared (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    for i in range(1, 31):
        await Shared.objects.create(n=i)
    for i in range(1, 31):
        assert (await Shared.objects.get(id=i)).n == i
    await asyncio.gather(*[Shared.objects.get(id=i) for i in range(1, 31)])
    await db.close()
    print("closed")


@pytest.mark.parametrize("query", ["?cache=shared", "?cache=private", ""])
def test_handles_that_share_a_cache_do_not_share_methods(tmp_path: Path, query: str) -> None:
    code = SHARED
    if query == "" and hasattr(sqlite3, "enable_shared_cache"):  # for all handles of the process
        code = code.replace("asyncio.run", "sqlite3.enable_shared_cache(True)\nasyncio.run")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, f"sqlite:///{tmp_path / 'shared.db'}{query}"],
        check=False,
        capture_output=True,
        timeout=30,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == b"closed\n", done.stderr.decode()
