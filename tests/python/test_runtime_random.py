"""Random work on loops that are closed under it: no connection is lost, nobody waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import uvloop
import wire_support
from runtime_support import changed, configured, run, value

from oxyde import Field, Model, _core
from oxyde.exceptions import OxydeError

ROWS = 40
# How long a run may take, and what it draws from; a seed of `new` is another one each time, and printed.
SECONDS = float(os.environ.get("OXYDE_TEST_RANDOM_SECONDS", "0.6"))
SEED = os.environ.get("OXYDE_TEST_RANDOM_SEED", "5")
# Longer than this nobody waits for a connection, whatever happened to who had it.
PATIENCE = 5.0


class Crate(Model):
    id: int = Field(db_pk=True)
    ref: str

    class Meta:
        is_table = True
        table_name = "random_crates"


class Worker:
    """One thread's loops, one after the other, on a database that others use, too."""

    def __init__(self, database: _core.Database, name: str, seed: int) -> None:
        self.database, self.name = database, name
        self.random = random.Random(seed)
        self.problems: list[str] = []
        self.current: list[Any] = []
        self.ending = False
        self.kept: list[Any] = []
        self.done = 0

    # --- what a task does

    async def read(self) -> None:
        n = self.random.randrange(ROWS)
        assert await value(self.database, f"SELECT ref FROM random_crates WHERE id = {n}") == f"c{n}"

    async def gathered(self) -> None:
        ns = [self.random.randrange(ROWS) for _ in range(self.random.randrange(2, 8))]
        found = await asyncio.gather(*(self.get(n) for n in ns))
        assert [[(c.id, c.ref) for c in rows] for rows in found] == [[(n, f"c{n}")] for n in ns]

    def get(self, n: int) -> _core.Operation[Any]:
        return _core.operation(
            _core.DO_SELECT, Crate.objects.filter(id=n), _core.SINK_LIST, client=self.database
        )

    async def slow(self) -> None:
        seconds = self.random.choice([0.005, 0.02, 0.08])
        if self.name != "sqlite":
            await run(self.database, wire_support.sleep(self.name, seconds))
            return
        rows = int(seconds * 5e6)
        many = f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {rows})"
        assert await value(self.database, f"{many} SELECT count(*) AS n FROM c") == rows

    async def streamed(self) -> None:
        query = Crate.objects.order_by("id")
        seen = 0
        async for crate in query.iterator(chunk_size=7, client=self.database):
            assert (crate.id, crate.ref) == (seen, f"c{seen}")
            seen += 1
            if self.random.random() < 0.05:
                await asyncio.sleep(0.002)
            if self.random.random() < 0.01:
                return
        assert seen == ROWS

    async def transaction(self) -> None:
        session = await self.database._acquire("writer", None)
        me = asyncio.current_task()
        self.database._bind_task(me, session)
        try:
            await session._run("BEGIN")
            for _ in range(self.random.randrange(3)):
                n = self.random.randrange(ROWS)
                assert await changed(session, f"UPDATE random_crates SET n = n + 1 WHERE id = {n}") == 1
                await asyncio.sleep(self.random.choice([0, 0.003]))
            await session._run(self.random.choice(["COMMIT", "ROLLBACK"]))
        finally:
            self.database._bind_task(me, None)
            session._release()

    # --- a loop's life

    async def task(self) -> None:
        while not self.ending:
            work = self.random.choice(
                [self.read, self.read, self.gathered, self.slow, self.streamed, self.transaction]
            )
            began = time.monotonic()
            try:
                if self.random.random() < 0.2:
                    await asyncio.wait_for(work(), self.random.choice([0.001, 0.005, 0.03]))
                else:
                    await work()
                self.done += 1
            except asyncio.TimeoutError:
                pass
            except OxydeError as error:
                if not self.is_expected(error):
                    raise
            took = time.monotonic() - began
            assert took < PATIENCE, f"{work.__name__} took {took:.1f} s: {self.database._stats()}"

    def is_expected(self, error: OxydeError) -> bool:
        """Transactions of several tasks may meet on the same rows."""
        return any(word in str(error).lower() for word in ("deadlock", "locked", "serializ"))

    def noted(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            self.problems.append(f"{type(error).__name__}: {error}")

    async def life(self) -> None:
        for _ in range(self.random.randrange(1, 6)):
            task = asyncio.ensure_future(self.task())
            task.add_done_callback(self.noted)
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            self.current.append(task)
            if self.random.random() < 0.5:
                self.kept.append(task)
        await asyncio.sleep(self.random.choice([0, 0.001, 0.01, 0.05, 0.15]))

    async def orderly(self) -> None:
        await self.life()
        self.ending = True  # wait_for() of Python 3.11 may swallow a cancel
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=PATIENCE)
        if any(not task.done() for task in tasks):
            self.problems.append(f"a cancelled task goes on: {self.database._stats()}")

    def one_loop(self) -> None:
        self.ending = False
        loop = uvloop.new_event_loop() if self.random.random() < 0.3 else asyncio.new_event_loop()
        loop.set_exception_handler(lambda _, context: self.complain(context))
        orderly = self.random.random() < 0.4
        try:
            loop.run_until_complete(self.orderly() if orderly else self.life())
        finally:
            loop.close()
        self.current.clear()
        if self.random.random() < 0.3:
            self.kept.clear()
        if self.random.random() < 0.2:
            gc.collect()

    def complain(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if any(w in str(context.get("message")) for w in ("it is pending", "never retrieved")):
            return  # a task inside of wait_for(): that is what is tried here
        if not (isinstance(error, OxydeError) and self.is_expected(error)):
            self.problems.append(f"{context.get('message')}: {error!r}")

    def work(self, seconds: float) -> None:
        # On a busy machine every loop of a short run may be closed before its tasks have done anything.
        end = time.monotonic() + seconds
        try:
            while not self.problems and time.monotonic() < end + (0 if self.done else PATIENCE):
                self.one_loop()
        except BaseException as error:
            self.problems.append(f"{type(error).__name__}: {error}")


async def prepare(database: _core.Database) -> None:
    await database._open()
    with contextlib.suppress(OxydeError):
        await run(database, "DROP TABLE random_crates")
    await run(
        database,
        "CREATE TABLE random_crates (id bigint PRIMARY KEY, ref varchar(20) NOT NULL, n bigint NOT NULL)",
    )
    rows = ", ".join(f"({n}, 'c{n}', 0)" for n in range(ROWS))
    await run(database, f"INSERT INTO random_crates VALUES {rows}")


async def nothing_is_lost(database: _core.Database, most: int) -> None:
    """As many connections as the pool may have can be held at once, now."""
    held = []
    for _ in range(most):
        held.append(await asyncio.wait_for(database._acquire("writer", None), PATIENCE))
    for session in held:
        session._release()
    end = time.monotonic() + PATIENCE
    while database._stats()["busy"] or database._stats()["waiting"]:
        assert time.monotonic() < end, database._stats()
        await asyncio.sleep(0.005)


# wait_for() and gather() on a loop that is closed leave coroutines that nobody awaits.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["sqlite", *(n for n in wire_support.NAMES if n != "mysql")])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("most", [1, 3])
def test_random_work_on_loops_that_are_closed_under_it(
    name: str, threads: int, most: int, tmp_path: Path
) -> None:
    seed = random.randrange(2**32) if SEED == "new" else int(SEED)
    print(f"OXYDE_TEST_RANDOM_SEED={seed}")
    if name == "sqlite":
        database = configured(tmp_path / "crates.db", max=most, min=0)
    else:
        database = wire_support.configured(
            name, max=most, min=0, share_max=random.Random(seed).choice([1, 8])
        )
    asyncio.run(prepare(database))
    workers = [Worker(database, name, seed + n) for n in range(threads)]
    others = [threading.Thread(target=w.work, args=(SECONDS,)) for w in workers[1:]]
    for thread in others:
        thread.start()
    workers[0].work(SECONDS)
    for thread in others:
        thread.join(SECONDS + 5 * PATIENCE)
        assert not thread.is_alive()
    try:
        assert not [problem for w in workers for problem in w.problems], f"seed {seed}"
        asyncio.run(nothing_is_lost(database, 1 if name == "sqlite" else most))
        assert any(w.done for w in workers)
    except BaseException:
        print("AT END", database._stats())
        raise
    finally:
        asyncio.run(database._close(5))
