"""A MariaDB of the benchmark's own, since only a whole server can be told what PostgreSQL and SQLite
are told for a session: that a commit does not wait for the disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
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


def mariadb() -> Any:
    """The server, in a folder that goes with it; started as a child of this process, whose end is its own."""
    instances = _support()

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

        def reap(self) -> None:
            if self.child is not None:
                self.child.kill()
                self.child.wait()

    return Own(instances.folder(), instances.free_port(), dict(OPTIONS))


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
