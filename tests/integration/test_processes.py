"""Loops, threads, forks and exits with connections to real servers."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import servers
import torture
from torture import Account, World

from oxyde import PoolSettings, db, execute_raw

CALLS = ("read_rows", "write_item", "transfer", "many_at_once", "raw_endless", "transfer_with_savepoints")


async def some_of_everything(server: servers.Server) -> None:
    async with torture.world_of(server) as world:
        for name in CALLS:
            await torture.SCENARIOS[name](world, world.token())
        await torture.sound(world)


def run(loop: asyncio.AbstractEventLoop, work: Awaitable[Any]) -> Any:
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def test_uvloop(empty_database: servers.Server) -> None:
    uvloop = pytest.importorskip("uvloop")
    run(uvloop.new_event_loop(), some_of_everything(empty_database))


def test_one_handle_in_loop_after_loop(empty_database: servers.Server) -> None:
    prepare(empty_database)
    handle = db.AsyncDatabase(empty_database.url, settings=PoolSettings(max_connections=3))
    try:
        for _ in range(4):

            async def work() -> None:
                await handle.ensure_connected()
                rows = await asyncio.gather(*(Account.objects.get(id=number % 6) for number in range(12)))
                assert [row.id for row in rows] == [number % 6 for number in range(12)]

            run(asyncio.new_event_loop(), work())
        run(asyncio.new_event_loop(), handle.disconnect())
    finally:
        db.unregister_connection("default")


def test_one_handle_in_several_threads(empty_database: servers.Server) -> None:
    prepare(empty_database)
    handle = db.AsyncDatabase(
        empty_database.url, settings=PoolSettings(max_connections=3, acquire_timeout=20)
    )
    run(asyncio.new_event_loop(), handle.connect())
    failures: list[BaseException] = []

    async def work(name: int) -> None:
        world = World(empty_database, handle)
        world.tokens = name * 100_000
        for number in range(30):
            token = world.token()
            world.answer(await execute_raw(world.echo(), [token]), token)
            assert (await Account.objects.get(id=number % 6)).id == number % 6
            await torture.SCENARIOS["transfer"](world, world.token())

    def thread(name: int) -> None:
        try:
            run(asyncio.new_event_loop(), work(name))
        except BaseException as error:
            failures.append(error)

    try:
        threads = [threading.Thread(target=thread, args=(name,)) for name in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)
            assert not each.is_alive(), "a thread hangs"
        if failures:
            raise failures[0]
        run(asyncio.new_event_loop(), handle.disconnect())
        run(asyncio.new_event_loop(), torture.books_balance(World(empty_database, handle)))
        assert len(empty_database.rows("SELECT token FROM ledger")) == 120
    finally:
        db.unregister_connection("default")


def prepare(server: servers.Server) -> None:
    async def nothing() -> None:
        async with torture.world_of(server):
            pass

    run(asyncio.new_event_loop(), nothing())


# --- processes --------------------------------------------------------------------------------------


def script(server: servers.Server, body: str, *options: str) -> subprocess.Popen[str]:
    head = f"""
        import asyncio, os, sys
        from oxyde import PoolSettings, atomic, db, execute_raw
        URL = {server.url!r}
        SLOW = {SLOW[server.backend]!r}
    """
    text = textwrap.dedent(head) + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, *options, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


SLOW = {
    "postgres": "SELECT pg_sleep(60)::text",
    "mysql": "SELECT SLEEP(60)",
    "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10000000000) "
    "SELECT count(*) FROM c",
}


def finish(process: subprocess.Popen[str], seconds: float = 20) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the process hangs: {out}{err}") from None
    return process.returncode, out, err


def test_exit_without_close(empty_database: servers.Server) -> None:
    body = """
        async def main():
            await db.init(default=URL)
            await execute_raw("SELECT 1")
            async with db.connect(URL, name="second"):
                pass
            print("done")
        asyncio.run(main())
        sys.exit(7)
    """
    assert finish(script(empty_database, body)) == (7, "done\n", "")
    code, _, words = finish(script(empty_database, body, "-X", "dev"))
    assert code == 7
    assert "ResourceWarning" in words


def test_exit_in_the_middle_of_a_statement(empty_database: servers.Server) -> None:
    code, out, _ = finish(
        script(
            empty_database,
            """
            async def main():
                await db.init(default=URL)
                async with atomic():
                    task = asyncio.create_task(execute_raw(SLOW))
                    await asyncio.sleep(0.2)
                    print("leaving", flush=True)
                    raise SystemExit(3)
            asyncio.run(main())
            """,
        )
    )
    assert (code, out) == (3, "leaving\n")


def test_keyboard_interrupt(empty_database: servers.Server) -> None:
    process = script(
        empty_database,
        """
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        async def main():
            await db.init(default=URL)
            print("running", flush=True)
            async with atomic():
                await execute_raw(SLOW)
        asyncio.run(main())
        """,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    code, _, words = finish(process)
    assert code in (130, -signal.SIGINT)
    assert "KeyboardInterrupt" in words
    if empty_database.backend != "sqlite":
        assert wait(lambda: not empty_database.sessions()), empty_database.sessions()


def wait(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_fork_leaves_the_parents_connections_alone(empty_database: servers.Server) -> None:
    code, out, words = finish(
        script(
            empty_database,
            """
            import warnings
            warnings.simplefilter("ignore", DeprecationWarning)

            async def one():
                (row,) = await execute_raw("SELECT 41 + 1 AS v")
                assert row["v"] == 42

            async def parent():
                await db.init(default=(URL, PoolSettings(max_connections=2)))
                await asyncio.gather(*(one() for _ in range(6)))

            async def child():
                handle = await db.get_connection(ensure_connected=False)
                assert handle.connected is False
                await asyncio.gather(*(one() for _ in range(6)))
                await db.close()

            loop = asyncio.new_event_loop()
            loop.run_until_complete(parent())
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    asyncio.new_event_loop().run_until_complete(child())
                    code = 0
                finally:
                    sys.stderr.flush()
                    os._exit(code)
            status = os.waitpid(pid, 0)[1]
            assert status == 0, status

            async def again():
                await asyncio.wait_for(asyncio.gather(*(one() for _ in range(6))), 10)
                await db.close()

            loop.run_until_complete(again())
            print("both")
            """,
        )
    )
    assert (code, out) == (0, "both\n"), words


def test_fork_inside_a_block(empty_database: servers.Server) -> None:
    code, out, words = finish(
        script(
            empty_database,
            """
            import warnings
            warnings.simplefilter("ignore", DeprecationWarning)
            from oxyde import InterfaceError

            async def main():
                await db.init(default=URL)
                await db.execute_script("CREATE TABLE forked (a int)")
                async with atomic() as block:
                    await execute_raw("INSERT INTO forked VALUES (1)")
                    pid = os.fork()
                    if pid == 0:
                        code = 1
                        try:
                            await execute_raw("INSERT INTO forked VALUES (2)")
                        except InterfaceError:
                            code = 0
                        finally:
                            os._exit(code)
                    assert os.waitpid(pid, 0)[1] == 0
                    await execute_raw("INSERT INTO forked VALUES (3)")
                rows = await execute_raw("SELECT a FROM forked ORDER BY a")
                assert rows == [{"a": 1}, {"a": 3}], rows
                print("kept")
                await db.close()
            asyncio.run(main())
            """,
        )
    )
    assert (code, out) == (0, "kept\n"), words
