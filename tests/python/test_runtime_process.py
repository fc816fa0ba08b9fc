"""Fork, and the end of a process that did not close."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parent


def python(code: str, *arguments: str, dev: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs a script of its own; no hang is tolerated."""
    # CPython 3.12 warns of any fork beside threads, of which our workers are some.
    options = ["-X", "dev"] if dev else ["-W", "ignore:This process:DeprecationWarning"]
    head = f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\nfrom runtime_support import *\n"
    script = head + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, *options, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "parcels.db")


def test_exit_without_close_is_quiet(path: str) -> None:
    done = python(
        """
        async def main():
            database = configured(sys.argv[1])
            await database._open()
            await changed(database, "CREATE TABLE parcel (id INTEGER)")
            sys.keep = database
        asyncio.run(main())
        """,
        path,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_exit_without_close_warns_in_development_mode(path: str) -> None:
    done = python(
        """
        async def main():
            database = configured(sys.argv[1], alias="shop")
            await database._open()
            sys.keep = database
        asyncio.run(main())
        """,
        path,
        dev=True,
    )
    assert done.returncode == 0
    assert "ResourceWarning: unclosed database 'shop'" in done.stderr


def test_exit_while_a_worker_runs(path: str) -> None:
    done = python(
        """
        async def main():
            database = configured(sys.argv[1])
            await database._open()
            sys.keep = (database, asyncio.ensure_future(run(database, ENDLESS)))
            await asyncio.sleep(0.05)
            sys.exit(3)
        asyncio.run(main())
        """,
        path,
    )
    assert done.returncode == 3


def test_exit_inside_a_transaction_rolls_back(path: str) -> None:
    code = """
        async def main():
            database = configured(sys.argv[1])
            await database._open()
            await changed(database, "CREATE TABLE parcel (id INTEGER)")
            session = await database._acquire("writer", None)
            await session._run("BEGIN IMMEDIATE")
            await changed(session, "INSERT INTO parcel VALUES (1)")
            sys.keep = (database, session)
            raise KeyboardInterrupt
        asyncio.run(main())
        """
    done = python(code, path)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr
    done = python(
        """
        async def main():
            async with opened(sys.argv[1]) as database:
                print(await value(database, "SELECT count(*) FROM parcel"))
        asyncio.run(main())
        """,
        path,
    )
    assert (done.returncode, done.stdout) == (0, "0\n")


def test_a_child_does_not_use_the_parents_connections(path: str) -> None:
    done = python(
        """
        import os
        database = configured(sys.argv[1])
        async def begin():
            await database._open()
            await changed(database, "CREATE TABLE parcel (id INTEGER)")
        async def child():
            assert not database._is_open
            try:
                await run(database, "SELECT 1")
            except oxyde.InterfaceError as error:
                assert "not connected" in str(error), error
            else:
                raise AssertionError("the child used the parent's connection")
            await database._open()
            await changed(database, "INSERT INTO parcel VALUES (2)")
            await database._close(1)
        async def parent():
            await changed(database, "INSERT INTO parcel VALUES (1)")
            assert await value(database, "SELECT count(*) FROM parcel") == 2
            await database._close(1)
        asyncio.run(begin())
        pid = os.fork()
        if pid == 0:
            try:
                asyncio.run(child())
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        asyncio.run(parent())
        """,
        path,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_child_of_a_busy_parent_exits_normally(path: str) -> None:
    done = python(
        """
        import os
        async def main():
            database = configured(sys.argv[1])
            await database._open()
            session = await database._acquire("writer", None)
            await session._run("BEGIN IMMEDIATE")
            busy = asyncio.ensure_future(run(database, SLOW.format(3000000)))
            await asyncio.sleep(0.02)
            pid = os.fork()
            if pid == 0:
                status = 0
                try:
                    run(session, "SELECT 1").send(None)
                    status = 1
                except oxyde.InterfaceError:
                    pass
                session._release()
                del busy, session, database
                gc.collect()
                os._exit(status)
            assert os.waitpid(pid, 0)[1] == 0
            assert (await busy)[0]["n"] == 3000000
            await session._run("COMMIT")
            session._release()
            await database._close(1)
        asyncio.run(main())
        """,
        path,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_in_memory_database_stays_in_the_parent() -> None:
    done = python(
        """
        import os
        database = configured()
        asyncio.run(database._open())
        pid = os.fork()
        if pid == 0:
            try:
                asyncio.run(database._open())
            except oxyde.InterfaceError as error:
                os._exit(0 if "parent process" in str(error) else 2)
            os._exit(1)
        status = os.waitpid(pid, 0)[1]
        asyncio.run(database._close(1))
        sys.exit(status)
        """
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_four_processes_write_one_file(path: str) -> None:
    done = python(
        """
        import multiprocessing
        def work(name):
            async def main():
                async with opened(sys.argv[1]) as database:
                    async def one(n):
                        await changed(database, "INSERT INTO parcel (ref) VALUES (?)", [f"{name}-{n}"])
                    await asyncio.gather(*map(one, range(250)))
            asyncio.run(main())
        async def begin():
            async with opened(sys.argv[1]) as database:
                await changed(database, "CREATE TABLE parcel (ref TEXT)")
        async def end():
            async with opened(sys.argv[1]) as database:
                assert await value(database, "SELECT count(DISTINCT ref) FROM parcel") == 1000
        asyncio.run(begin())
        context = multiprocessing.get_context("fork")
        children = [context.Process(target=work, args=(n,)) for n in range(4)]
        for child in children:
            child.start()
        for child in children:
            child.join(50)
        assert [child.exitcode for child in children] == [0] * 4
        asyncio.run(end())
        """,
        path,
    )
    assert (done.returncode, done.stderr) == (0, "")
