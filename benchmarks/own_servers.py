"""A MariaDB of the benchmark's own, since only a whole server can be told what PostgreSQL and SQLite
are told for a session: that a commit does not wait for the disk."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

URL = "OXYDE_BENCH_MYSQL_URL"
# For all contenders; the tests' servers go further and never wait for the disk at all.
OPTIONS = {
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-flush-method": "O_DIRECT",
    "innodb-doublewrite": "ON",
    "innodb-buffer-pool-size": "512M",
    "innodb-log-file-size": "512M",
    "query-cache-type": "0",
    "query-cache-size": "0",
    "performance-schema": "OFF",
    "disable-log-bin": "1",
}


def _support() -> Any:
    """The tests' servers, which are not a package."""
    sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))
    import instances

    return instances


def _lock(folder: Path, how: int) -> int:
    """The descriptor that holds it, closed with this process at the latest."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, how)
    except OSError:
        os.close(held)
        raise
    return held


def own_folder(state: Path) -> tuple[Path, int]:
    """A new folder, and the lock that tells others that somebody works in it."""
    while True:
        made = Path(tempfile.mkdtemp(prefix="bench-", dir=state))
        made.chmod(0o755)
        held = _lock(made, fcntl.LOCK_EX)
        if made.exists():
            return made, held
        os.close(held)  # swept between the two


def sweep(state: Path, busy: Callable[[Path], bool]) -> None:
    """Removes the folders of runs that were killed, once their server has gone, too."""
    for left in state.glob("bench-*"):
        with contextlib.suppress(OSError):
            held = _lock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                if not busy(left):
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(held)


def mariadb() -> Any:
    """The server, in a folder that goes with it; started as a child of this process, whose end is its own."""
    instances = _support()
    sweep(instances.state(), lambda folder: instances.MariaDB(folder, 0).pid() is not None)
    made, held = own_folder(instances.state())

    class Own(instances.MariaDB):  # type: ignore[misc, name-defined]
        child: subprocess.Popen[bytes] | None = None

        def spawn(self) -> None:
            self.reap()
            words = self.command()
            if shutil.which("setpriv"):
                words = ["setpriv", "--pdeathsig", "TERM", "--", *words]
            with self.log.open("ab") as log:
                # A session of its own: Ctrl-C is for us, who then stop it.
                self.child = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
                )

        def stop(self, seconds: float = 30) -> None:
            if self.child is not None:
                self.child.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.child.wait(seconds)
            self.reap()
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(held)

        def reap(self) -> None:
            if self.child is not None:
                self.child.kill()
                self.child.wait()

    return Own(made, instances.free_port(), dict(OPTIONS))


@contextlib.contextmanager
def own_servers(names: Collection[str], url: str | None) -> Iterator[None]:
    """While it lasts, MYSQL's URL in the environment, also of child processes, is that of a server of
    our own, unless another was named."""
    if "mysql" not in names or url or os.environ.get(URL):
        yield
        return
    if not shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")):
        print(
            "no mariadbd here for a server of our own (scripts/servers install mariadb, or Debian's "
            f"mariadb-server): the one that runs is measured, as it is set; {URL} names another",
            file=sys.stderr,
        )
        yield
        return
    server = mariadb()
    try:
        server.start()
        os.environ[URL] = server.url
        yield
    finally:
        os.environ.pop(URL, None)
        server.stop()
