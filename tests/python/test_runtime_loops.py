"""Several loops, one after the other and at once; uvloop; loops that are closed under a statement."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
import wire_support
from runtime_support import ENDLESS, SLOW, changed, configured, is_quiet, opened, run, until, value

from oxyde import Field, Model, PoolTimeoutError, _core
from oxyde.exceptions import OxydeError

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "parcels.db"


@pytest.fixture(params=["asyncio", "uvloop"])
def run_loop(request: pytest.FixtureRequest) -> Run:
    return asyncio.run if request.param == "asyncio" else uvloop.run


async def create(database: _core.Database) -> None:
    await changed(database, "CREATE TABLE parcel (id INTEGER PRIMARY KEY, ref TEXT)")


def test_reads_writes_and_cancels_on_either_loop(file: Path, run_loop: Run) -> None:
    async def main() -> None:
        async with opened(file) as database:
            await create(database)
            await asyncio.gather(
                *(changed(database, "INSERT INTO parcel (ref) VALUES (?)", [str(n)]) for n in range(200))
            )
            assert await value(database, SLOW.format(200_000)) == 200_000
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(run(database, ENDLESS), 0.02)
            await is_quiet(database)
            assert await value(database, "SELECT count(*) FROM parcel") == 200

    run_loop(main())


@pytest.mark.parametrize("path", [":memory:", "file"])
def test_a_handle_moves_from_loop_to_loop(path: str, file: Path, run_loop: Run) -> None:
    database = configured(path if path == ":memory:" else file)

    async def begin() -> None:
        await database._open()
        await create(database)

    async def work() -> None:
        await changed(database, "INSERT INTO parcel (ref) VALUES ('a')")
        assert await value(database, SLOW.format(100_000)) == 100_000

    async def end() -> None:
        assert await value(database, "SELECT count(*) FROM parcel") == 5
        await database._close(1)

    run_loop(begin())
    for _ in range(5):
        run_loop(work())
    run_loop(end())


def test_one_handle_in_several_threads_loops_at_once(file: Path) -> None:
    database = configured(file)
    errors: list[BaseException] = []

    async def begin() -> None:
        await database._open()
        await create(database)

    async def one(name: str) -> None:
        for n in range(25):
            await changed(database, "INSERT INTO parcel (ref) VALUES (?)", [f"{name}-{n}"])
            await run(database, "SELECT count(*) FROM parcel")

    async def many(name: str) -> None:
        await asyncio.gather(*(one(f"{name}-{n}") for n in range(10)))

    def thread(name: str, runner: Run) -> None:
        try:
            runner(many(name))
        except BaseException as error:
            errors.append(error)

    async def end() -> None:
        await is_quiet(database)
        assert await value(database, "SELECT count(DISTINCT ref) FROM parcel") == 4 * 10 * 25
        await database._close(1)

    asyncio.run(begin())
    threads = [
        threading.Thread(target=thread, args=(str(n), asyncio.run if n % 2 else uvloop.run)) for n in range(4)
    ]
    for started in threads:
        started.start()
    for started in threads:
        started.join(60)
    assert not errors
    asyncio.run(end())


def test_a_writer_of_one_thread_waits_for_that_of_another(file: Path) -> None:
    database = configured(file)
    held, release = threading.Event(), threading.Event()

    async def begin() -> None:
        await database._open()
        await create(database)

    async def hold() -> None:
        session = await database._acquire("writer", None)
        await session._run("BEGIN IMMEDIATE")
        await changed(session, "INSERT INTO parcel (ref) VALUES ('held')")
        held.set()
        await asyncio.to_thread(release.wait, 10)
        await session._run("COMMIT")
        session._release()

    async def wait() -> None:
        task = asyncio.create_task(value(database, "SELECT 1"))
        assert await task == 1
        writing = asyncio.create_task(changed(database, "INSERT INTO parcel (ref) VALUES ('late')"))
        await asyncio.sleep(0.05)
        assert not writing.done()
        release.set()
        assert await asyncio.wait_for(asyncio.shield(writing), 10) == 1
        await database._close(1)

    asyncio.run(begin())
    holder = threading.Thread(target=lambda: asyncio.run(hold()))
    holder.start()
    assert held.wait(10)
    asyncio.run(wait())
    holder.join(10)


@pytest.mark.parametrize("path", [":memory:", "file"])
def test_a_loop_closed_under_a_statement_frees_its_connection(path: str, file: Path) -> None:
    database = configured(path if path == ":memory:" else file, max=2)

    async def begin() -> None:
        await database._open()
        await create(database)
        await changed(database, "INSERT INTO parcel (ref) VALUES ('kept')")

    async def leave() -> None:
        # Nobody cancels this task: the loop is stopped and closed under it.
        asyncio.get_running_loop().stop()
        await run(database, ENDLESS)

    async def end() -> None:
        assert await value(database, "SELECT count(*) FROM parcel") == 1
        await is_quiet(database)
        await database._close(1)

    asyncio.run(begin())
    loop = asyncio.new_event_loop()
    task = loop.create_task(leave())
    loop.run_forever()
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task, loop
    gc.collect()
    asyncio.run(asyncio.wait_for(end(), 20))


def test_a_loop_closed_inside_a_transaction_rolls_it_back(file: Path) -> None:
    database = configured(file)

    async def begin() -> None:
        await database._open()
        await create(database)

    async def leave() -> None:
        session = await database._acquire("writer", None)
        await session._run("BEGIN IMMEDIATE")
        await changed(session, "INSERT INTO parcel (ref) VALUES ('never')")
        asyncio.get_running_loop().stop()
        await asyncio.sleep(60)

    async def end() -> None:
        await changed(database, "INSERT INTO parcel (ref) VALUES ('kept')")
        assert [row["ref"] for row in await run(database, "SELECT ref FROM parcel")] == ["kept"]
        await database._close(1)

    asyncio.run(begin())
    loop = asyncio.new_event_loop()
    task = loop.create_task(leave())
    loop.run_forever()
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task, loop
    gc.collect()
    asyncio.run(asyncio.wait_for(end(), 20))


def test_loops_that_are_gone_leave_nothing_behind(file: Path) -> None:
    database = configured(file)

    async def work() -> None:
        await database._open()
        assert await value(database, SLOW.format(50_000)) == 50_000

    async def end() -> None:
        await database._close(1)

    asyncio.run(work())
    gc.collect()
    before = descriptors()
    for _ in range(20):
        asyncio.run(work())
    gc.collect()
    assert descriptors() <= before + 2
    asyncio.run(end())


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("name", wire_support.NAMES)
def test_an_idle_connection_keeps_no_loops_that_are_gone(name: str, file: Path) -> None:
    """Its hub had an heir, which had one, and so on: one connection kept all that came after its loop."""
    idle, busy = wire_support.configured(name), configured(file)

    async def work() -> None:
        await busy._open()
        assert await value(busy, "SELECT 1") == 1

    async def end() -> None:
        assert await value(idle, "SELECT 1") == 1
        await idle._close(1)
        await busy._close(1)

    asyncio.run(idle._open())
    asyncio.run(work())
    gc.collect()
    before = descriptors()
    for _ in range(20):
        asyncio.run(work())
        gc.collect()
    assert descriptors() <= before
    asyncio.run(end())


def test_closed_loops_have_no_descriptors(file: Path, run_loop: Run) -> None:
    """Whoever keeps a closed loop, be it garbage in a cycle, keeps nothing of ours open."""
    database, kept = configured(file), []

    async def work() -> None:
        kept.append(asyncio.get_running_loop())
        await database._open()
        assert await value(database, "SELECT 1") == 1

    run_loop(work())
    run_loop(work())
    before = descriptors()
    for _ in range(20):
        run_loop(work())
    assert descriptors() <= before
    assert len(kept) == 22
    run_loop(database._close(1))


@pytest.mark.parametrize("name", wire_support.NAMES)
def test_the_end_of_an_idle_connection_is_heard_of_by_the_next_loop(name: str) -> None:
    idle = wire_support.configured(name)

    async def begin() -> int:
        await idle._open()
        return int(await value(idle, wire_support.own_id(name)))

    async def listen(number: int) -> None:
        async with wire_support.opened(name) as other:
            await run(other, wire_support.kill(name, number))
            await until(lambda: idle._stats()["closed"] == 1)
        await idle._close(1)

    asyncio.run(listen(asyncio.run(begin())))


def ticks() -> int:
    """Looks at the pools that the loop will be woken for."""
    loop: Any = asyncio.get_running_loop()
    return sum("_tick" in repr(handle) for handle in loop._scheduled)


async def wait_shortly(database: _core.Database, times: int) -> None:
    """So many times in vain for the only connection."""
    held = await database._acquire("writer", 30)
    for _ in range(times):
        with pytest.raises(PoolTimeoutError):
            await database._acquire("writer", 0.01)
    held._release()


def test_short_waits_leave_no_timers_behind(tmp_path: Path) -> None:
    """Each wait wants an early look at the pools; the late one that is set already stays the only one."""

    async def main() -> int:
        async with opened(tmp_path / "t.db", max=1) as database:
            await wait_shortly(database, 1)
            before = ticks()  # databases of closed loops have theirs
            await wait_shortly(database, 30)
            return ticks() - before

    assert asyncio.run(main()) <= 8


def test_short_waits_leave_no_timers_behind_beside_many_databases(tmp_path: Path) -> None:
    """Of which each wanted an earlier look than the one before."""

    async def main() -> int:
        async with contextlib.AsyncExitStack() as stack:
            for n in range(12):
                path = tmp_path / f"{n}.db"
                await wait_shortly(
                    await stack.enter_async_context(opened(path, max=1, min=0, idle_timeout=25 - n)), 1
                )
            database = await stack.enter_async_context(opened(tmp_path / "t.db", max=1))
            await wait_shortly(database, 1)
            before = ticks()
            await wait_shortly(database, 30)
            return ticks() - before

    assert asyncio.run(main()) <= 8


def test_loops_that_take_turns_are_told_apart(file: Path) -> None:
    """Also where one is made in the place in memory of another."""
    database = configured(file)

    async def begin() -> None:
        await database._open()
        await create(database)

    async def seen() -> asyncio.AbstractEventLoop:
        assert await value(database, "SELECT 1") == 1
        operation: Any = _core.raw_operation("SELECT 1 AS n", None, client=database)
        loop = operation.get_loop()
        assert loop is asyncio.get_running_loop()
        assert await operation is not None
        return asyncio.get_running_loop()

    loops = [asyncio.new_event_loop() for _ in range(3)]
    loops[0].run_until_complete(begin())
    for _ in range(20):
        for loop in loops:
            assert loop.run_until_complete(seen()) is loop
    for loop in loops[1:]:
        loop.close()
    for _ in range(50):
        other = asyncio.new_event_loop()
        assert other.run_until_complete(seen()) is other
        other.close()
        del other
    loops[0].run_until_complete(database._close(1.0))
    loops[0].close()


def test_an_operation_outside_of_a_loop_is_refused_after_one_ran(file: Path) -> None:
    database = configured(file)

    async def main() -> None:
        await database._open()
        assert await value(database, "SELECT 1") == 1

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    operation: Any = _core.raw_operation("SELECT 1", None, client=database)
    with pytest.raises(Exception, match="no asyncio event loop is running here"):
        operation.send(None)
    found: list[BaseException] = []

    def elsewhere() -> None:
        other: Any = _core.raw_operation("SELECT 1", None, client=database)
        try:
            other.send(None)
        except Exception as error:
            found.append(error)

    async def beside() -> None:
        assert await value(database, "SELECT 1") == 1
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        await database._close(1.0)

    loop.run_until_complete(beside())
    loop.close()
    assert [type(error).__name__ for error in found] == ["InterfaceError"]


@pytest.mark.parametrize("name", ["sqlite", *wire_support.NAMES])
@pytest.mark.parametrize("waits", ["for nothing of ours", "for a statement"])
def test_a_transaction_ends_with_the_loop_that_was_closed_under_it(
    name: str, waits: str, file: Path, run_loop: Run
) -> None:
    """The task still exists: the database knows whose transaction it is."""
    database = configured(file, max=1) if name == "sqlite" else wire_support.configured(name, max=1)
    pause = ENDLESS if name == "sqlite" else wire_support.sleep(name, 30)

    async def begin() -> None:
        session = await database._acquire("writer", None)
        database._bind_task(asyncio.current_task(), session)
        await session._run("BEGIN")
        if waits == "for a statement":
            await session._fetch(pause)
        await asyncio.sleep(30)

    async def after() -> None:
        assert await asyncio.wait_for(value(database, "SELECT 1 AS n"), 5) == 1
        await is_quiet(database)
        await database._close(5)

    run_loop(database._open())
    loop = asyncio.new_event_loop()
    task = loop.create_task(begin())
    loop.run_until_complete(asyncio.sleep(0.2))
    loop.close()
    run_loop(after())
    task._log_destroy_pending = False  # type: ignore[attr-defined]


async def test_a_connection_that_is_being_closed_has_no_holder(file: Path) -> None:
    """Another thread that asks looks through the holders' connections, and closing takes its time."""
    seen: list[tuple[int, int]] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            stats = database._stats()
            seen.append((stats["busy"], len(stats["holders"])))

    async with opened(file, max=1) as database:
        session = await database._acquire("writer", None)
        await session._execute("CREATE TABLE crate (content BLOB)")
        many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000)"
        await session._execute(f"INSERT INTO crate {many} SELECT zeroblob(1000) FROM c")
        watcher = threading.Thread(target=look)
        watcher.start()
        await until(lambda: (1, 1) in seen)
        session._release(reuse=False)  # the last one: SQLite writes everything into the file
        over.set()
        watcher.join()
    assert set(seen) <= {(1, 1), (0, 0)}


# --- a loop that is closed while another one, in another thread, waits for what it has ------------


class Beside:
    """A coroutine on a loop of its own in a thread of its own, and what came of it."""

    def __init__(self, work: Coroutine[Any, Any, Any], runner: Run) -> None:
        self.found: Any = None
        self._thread = threading.Thread(target=self._run, args=(work, runner))
        self._thread.start()

    def _run(self, work: Coroutine[Any, Any, Any], runner: Run) -> None:
        try:
            self.found = runner(work)
        except BaseException as error:
            self.found = error

    def result(self) -> Any:
        self._thread.join(30)
        assert not self._thread.is_alive()
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


def alone(name: str, file: Path) -> _core.Database:
    """A handle on one connection."""
    return configured(file, max=1, min=0) if name == "sqlite" else wire_support.configured(name, max=1, min=0)


def waiting(database: _core.Database, number: int) -> None:
    end = time.monotonic() + 10
    while database._stats()["waiting"] != number:
        assert time.monotonic() < end, database._stats()
        time.sleep(0.002)


async def first_read(database: _core.Database) -> Any:
    return await asyncio.wait_for(value(database, "SELECT 1 AS n"), 10)


async def finish(database: _core.Database) -> None:
    await is_quiet(database)
    await database._close(5)


@pytest.mark.parametrize("name", ["sqlite", *wire_support.NAMES])
def test_a_queued_read_goes_on_when_the_loop_that_opened_its_connection_is_closed(
    name: str, file: Path, run_loop: Run
) -> None:
    database = alone(name, file)

    async def begin() -> None:
        await database._open()
        session = await database._acquire("writer", None)
        session._release(reuse=False)
        await until(lambda: database._stats()["size"] == 0)

    run_loop(begin())
    loop = asyncio.new_event_loop()
    task = loop.create_task(value(database, "SELECT 1 AS n"))
    loop.run_until_complete(asyncio.sleep(0))
    waiting(database, 1)  # for the connection that this loop opens, if it turns
    beside = Beside(first_read(database), run_loop)
    waiting(database, 2)
    loop.close()
    began = time.monotonic()
    assert beside.result() == 1
    assert time.monotonic() - began < 3
    run_loop(finish(database))
    task._log_destroy_pending = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["sqlite", *wire_support.NAMES])
@pytest.mark.parametrize("seen", ["when it queued", "later"])
def test_a_queued_read_goes_on_when_the_loop_of_a_transaction_is_closed(
    name: str, seen: str, file: Path, run_loop: Run
) -> None:
    """Also where the read was alone when it began to wait: the other loop is new."""
    database = alone(name, file)
    held = threading.Event()

    async def begin() -> None:
        session = await database._acquire("writer", None)
        database._bind_task(asyncio.current_task(), session)
        await session._run("BEGIN")
        held.set()
        await asyncio.sleep(30)

    async def wait_for_the_next() -> Any:
        """The connection goes from this loop to the other one, which is next, and then is wanted here."""
        session = await database._acquire("writer", None)
        held.set()
        await until(lambda: bool(database._stats()["waiting"] == 1))
        read = asyncio.create_task(first_read(database))
        await until(lambda: bool(database._stats()["waiting"] == 2))
        session._release()
        return await read

    run_loop(database._open())
    loop = asyncio.new_event_loop()
    if seen == "later":
        beside = Beside(wait_for_the_next(), run_loop)
        assert held.wait(10)
        held.clear()
    task = loop.create_task(begin())
    while not held.is_set():
        loop.run_until_complete(asyncio.sleep(0.01))
    if seen == "when it queued":
        beside = Beside(first_read(database), run_loop)
    waiting(database, 1)
    loop.close()
    began = time.monotonic()
    assert beside.result() == 1
    assert time.monotonic() - began < 3
    run_loop(finish(database))
    task._log_destroy_pending = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", wire_support.NAMES)
def test_closing_goes_on_when_the_loop_of_a_statement_is_closed(name: str, run_loop: Run) -> None:
    database = wire_support.configured(name, max=1)
    run_loop(database._open())
    loop = asyncio.new_event_loop()
    task = loop.create_task(run(database, wire_support.sleep(name, 20)))
    loop.run_until_complete(asyncio.sleep(0.05))
    assert database._stats()["busy"] == 1
    beside = Beside(database._close(15), run_loop)
    time.sleep(0.1)
    loop.close()
    began = time.monotonic()
    assert beside.result() is None
    assert time.monotonic() - began < 3
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_loops_look_for_others_only_while_they_wait(file: Path) -> None:
    """And not at all while there is one loop."""
    database = configured(file, max=1)

    async def main(wait: bool) -> int:
        held = await database._acquire("writer", None)
        read = asyncio.create_task(value(database, "SELECT 1 AS n")) if wait else None
        await asyncio.sleep(0.02)
        loop: Any = asyncio.get_running_loop()
        soon = loop.time() + 1
        ticks = sum("_tick" in repr(handle) and handle.when() < soon for handle in loop._scheduled)
        held._release()
        if read is not None:
            assert await read == 1
        return ticks

    asyncio.run(database._open())
    assert asyncio.run(main(True)) == 0
    other = asyncio.new_event_loop()
    assert other.run_until_complete(value(database, "SELECT 1 AS n")) == 1
    assert asyncio.run(main(False)) == 0
    assert asyncio.run(main(True)) == 1
    other.close()
    asyncio.run(finish(database))


@pytest.mark.parametrize("name", ["sqlite", *wire_support.NAMES])
@pytest.mark.parametrize("has", ["a slot", "a session"])
def test_a_kept_task_of_a_closed_loop_keeps_no_connection(name: str, has: str, file: Path) -> None:
    """It was given a connection in the loop's last turn, or holds one, and never goes on."""
    database = alone(name, file)
    kept: list[asyncio.Task[Any]] = []

    async def hold() -> None:
        session = await database._acquire("writer", None)
        asyncio.get_running_loop().stop()
        if has == "a session":
            await session._run("BEGIN")
            await asyncio.sleep(30)
        kept.append(asyncio.create_task(value(database, "SELECT 1 AS n")))
        await until(lambda: bool(database._stats()["waiting"] == 1))
        asyncio.get_running_loop().stop()
        session._release()

    asyncio.run(database._open())
    loop = asyncio.new_event_loop()
    kept.append(loop.create_task(hold()))
    while database._stats()["busy"] == 0:
        loop.run_forever()
    if has == "a slot":
        loop.run_forever()
    else:
        loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()
    assert not kept[-1].done()
    try:
        assert asyncio.run(first_read(database)) == 1
        asyncio.run(finish(database))
    finally:
        for task in kept:
            task._log_destroy_pending = False  # type: ignore[attr-defined]


class Parcel(Model):
    id: int = Field(db_pk=True)
    ref: str

    class Meta:
        is_table = True
        table_name = "loop_parcels"


async def is_lent_once(database: _core.Database) -> None:
    """A handle on one connection lends it to one at a time."""
    session = await asyncio.wait_for(database._acquire("writer", None), 5)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(database._acquire("writer", None), 0.05)
    session._release()


@pytest.mark.parametrize("name", ["sqlite", *wire_support.NAMES])
def test_a_stream_of_a_closed_loop_ends_once_when_another_loop_begins_with_it(name: str, file: Path) -> None:
    """To drop it was what made the new loop known, and that ended all the old one had, the stream, too."""
    database = alone(name, file)
    kept: list[Any] = []

    async def begin() -> None:
        await database._open()
        with contextlib.suppress(OxydeError):
            await run(database, "DROP TABLE loop_parcels")
        await run(database, "CREATE TABLE loop_parcels (id bigint PRIMARY KEY, ref varchar(20) NOT NULL)")
        rows = ", ".join(f"({n}, 'p{n}')" for n in range(200))
        await run(database, f"INSERT INTO loop_parcels VALUES {rows}")
        stream = Parcel.objects.order_by("id").iterator(chunk_size=5, client=database).__aiter__()
        assert (await stream.__anext__()).ref == "p0"
        kept.append(stream)

    async def drop() -> None:
        kept.clear()
        await is_lent_once(database)
        await finish(database)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    asyncio.run(drop())


@pytest.mark.parametrize("name", ["sqlite", *wire_support.NAMES])
def test_a_session_of_a_closed_loop_ends_once_when_another_loop_begins_with_it(name: str, file: Path) -> None:
    database = alone(name, file)
    kept: list[Any] = []

    async def hold() -> None:
        await database._open()
        kept.append(asyncio.current_task())
        kept.append(await database._acquire("writer", None))
        await kept[1]._run("BEGIN")
        asyncio.get_running_loop().stop()
        await asyncio.sleep(30)

    async def drop() -> None:
        kept.pop()
        await is_lent_once(database)
        await finish(database)

    loop = asyncio.new_event_loop()
    task = loop.create_task(hold())
    loop.run_forever()
    loop.close()
    asyncio.run(drop())
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_loop_that_is_asked_for_while_it_becomes_known_is_known_once(file: Path) -> None:
    """As by the finalizer of something that the collector finds just then."""
    database = alone("sqlite", file)
    kept: list[Any] = []
    watched: list[int] = []

    class Loop(asyncio.SelectorEventLoop):
        def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
            watched.append(fd)
            for session in kept:
                session._release()
            super().add_reader(fd, callback, *args)

    async def hold() -> None:
        await database._open()
        kept.append(await database._acquire("writer", None))

    asyncio.run(hold())
    loop = Loop()
    loop.run_until_complete(is_lent_once(database))
    loop.run_until_complete(finish(database))
    loop.close()
    assert len(watched) == 1
