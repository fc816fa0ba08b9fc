"""Database servers of one's own: made, started, killed and removed without systemd.

Everything is the standard library, because `scripts/servers` runs before anything is installed.
A server lives in a folder of its own, listens on 127.0.0.1 only and needs little memory. As root,
PostgreSQL and PgBouncer run as the user `postgres`, because they refuse root.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 90
STATE = Path(os.environ.get("OXYDE_SERVERS", f"/var/tmp/oxyde-servers-{os.getuid()}"))


class ServerFailed(Exception):
    """A server did not come up; holds the end of its log."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def state() -> Path:
    """The folder that holds those of all servers."""
    STATE.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o755)
    return STATE


def folder(name: str | None = None) -> Path:
    """A folder that the user `postgres` can reach: of that name, or a new one for the moment."""
    if name is not None:
        made = state() / name
        made.mkdir(exist_ok=True)
    else:
        made = Path(tempfile.mkdtemp(prefix="tmp-", dir=state()))
    made.chmod(0o755)
    return made


def postgres_bin(major: int | None = None, root: str = "/") -> Path:
    """The folder of PostgreSQL's programs on this machine (or in a Debian tree)."""
    base = Path(root) / "usr/lib/postgresql"
    found = sorted((int(path.name), path) for path in base.glob("*") if path.name.isdigit())
    found = [(number, path) for number, path in found if (path / "bin/postgres").exists()]
    if major is not None:
        found = [(number, path) for number, path in found if number == major]
    if not found:
        raise ServerFailed(
            f"no PostgreSQL {major or ''} under {base}; call: scripts/servers install postgres"
        )
    return found[-1][1] / "bin"


@dataclass
class Instance:
    """A server in a folder; `root` is the Debian tree it runs in, `/` for this machine."""

    folder: Path
    port: int
    options: dict[str, str] = field(default_factory=dict)
    root: str = "/"

    name = "server"

    # --- for the kinds ------------------------------------------------------------------

    def prepare(self) -> None:
        """Makes the data folder."""
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def pid_file(self) -> Path:
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def prepared(self) -> bool:
        return (self.folder / "prepared").exists()

    def first_start(self) -> None:
        """What is done once, when the server answers for the first time."""

    def stop_signal(self) -> int:
        return signal.SIGTERM

    def user(self) -> str | None:
        """Whom to run as, when root."""
        return None

    # --- life ---------------------------------------------------------------------------

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def pid(self) -> int | None:
        try:
            pid = int(self.pid_file().read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if alive(pid) else None

    def start(self, *, wait: bool = True) -> None:
        if not self.prepared():
            self.prepare()
            (self.folder / "prepared").touch()
        if self.pid() is None:
            self.spawn()
        if wait:
            self.wait_ready()
            done = self.folder / "first-start"
            if not done.exists():
                self.first_start()
                done.touch()

    def spawn(self) -> None:
        with self.log.open("ab") as log:
            subprocess.run(
                ["setsid", "--fork", *self.command()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=True, **self._as_user(),
            )  # fmt: skip

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        end = time.monotonic() + seconds
        while not self.ready():
            time.sleep(0.1)
            if time.monotonic() > end:
                raise ServerFailed(f"{self.name} on port {self.port} did not start:\n{self.log_tail()}")
            if self.pid() is None and time.monotonic() > end - seconds + 3:
                # A server killed a moment ago may still hold its memory or lock: try again.
                self.spawn()
                time.sleep(1)

    def stop(self, seconds: float = 30) -> None:
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, self.stop_signal())
        if not wait_until(lambda: not alive(pid), seconds):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not alive(pid), 10)

    def kill(self) -> None:
        """kill -9, as a crash would."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not alive(pid), 10)

    def remove(self) -> None:
        self.kill()
        wait_until(lambda: not listens(self.port), 10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
        except OSError:
            return "(no log)"

    def run(self, *command: str, user: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL,
            **(self._as_user() if user else {}),
        )  # fmt: skip
        if done.returncode != 0:
            raise ServerFailed(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def _as_user(self) -> dict[str, object]:
        name = self.user()
        if name is None or os.getuid() != 0:
            return {}
        entry = pwd.getpwnam(name)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def inside(self, path: Path) -> str:
        """The path as the server in its tree sees it."""
        return str(path) if self.root == "/" else "/" + str(path.relative_to(self.root))


class Postgres(Instance):
    """PostgreSQL; anybody on this machine may log in as `postgres`."""

    name = "PostgreSQL"
    hba = "local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def bin(self) -> Path:
        return postgres_bin(root=self.root)

    def user(self) -> str | None:
        return "postgres" if self.root == "/" else None

    def program(self, name: str, *arguments: str) -> list[str]:
        if self.root == "/":
            return [str(self.bin / name), *arguments]
        inner = "/" + str((self.bin / name).relative_to(self.root))
        return ["chroot", "--userspec=postgres:postgres", self.root, inner, *arguments]

    def own(self, path: Path) -> None:
        if os.getuid() == 0:
            if self.root == "/":
                shutil.chown(path, "postgres", "postgres")
            else:
                self.run(
                    "chroot", self.root, "chown", "-R", "postgres:postgres", self.inside(path), user=False
                )

    def prepare(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        self.own(self.folder)
        self.run(*self.program(
            "initdb", "-D", self.inside(self.data), "-U", "postgres", "--auth=trust", "-E", "UTF8",
            "--locale=C.UTF-8" if self.root == "/" else "--locale=C", "--no-sync",
        ))  # fmt: skip
        self.configure()

    def configure(self) -> None:
        settings = {
            "port": str(self.port),
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{self.inside(self.folder)}'",
            "shared_buffers": "32MB",
            "max_connections": "200",
            "fsync": "off",  # a killed process loses nothing by it; only a crash of the machine would
            "max_wal_size": "256MB",
            "max_prepared_transactions": "5",
            "dynamic_shared_memory_type": "mmap",
            "log_min_messages": "warning",
            **self.options,
        }
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in settings.items())
        (self.data / "pg_hba.conf").write_text(self.hba)

    def command(self) -> list[str]:
        return self.program("postgres", "-D", self.inside(self.data))

    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def stop_signal(self) -> int:
        return signal.SIGINT

    def ready(self) -> bool:
        with contextlib.suppress(ServerFailed):
            self.sql("SELECT 1", "postgres")
            return True
        return False

    def first_start(self) -> None:
        self.sql("CREATE DATABASE test", "postgres")

    def sql(self, text: str, database: str = "test") -> str:
        command = [
            str(postgres_bin() / "psql") if self.root == "/" else shutil.which("psql") or "psql",
            "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
            "-U", "postgres", "-d", database, "-c", text,
        ]  # fmt: skip
        return self.run(*command, user=False).stdout.strip()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/test"

    def promote(self) -> None:
        self.sql("SELECT pg_promote()", "postgres")

    def standby(self, folder: Path, port: int) -> Postgres:
        """A streaming replica of this server, not started."""
        replica = Postgres(folder, port, dict(self.options))
        replica.own(folder)
        replica.run(
            *replica.program("pg_basebackup"), "-D", str(replica.data), "-h", "127.0.0.1",
            "-p", str(self.port), "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync",
        )  # fmt: skip
        with (replica.data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {port}\nunix_socket_directories = '{folder}'\nhot_standby = on\n")
        (folder / "prepared").touch()
        (folder / "first-start").touch()
        return replica


class MySQLKind(Instance):
    """What MariaDB and MySQL have in common; root has no password."""

    def pid_file(self) -> Path:
        return self.folder / "pid"

    def variables(self) -> list[str]:
        settings = {
            "datadir": self.inside(self.folder / "data"),
            "socket": self.inside(self.folder / "s"),
            "pid-file": self.inside(self.pid_file()),
            "port": str(self.port),
            "bind-address": "127.0.0.1",
            "innodb-buffer-pool-size": "64M",
            "innodb-flush-log-at-trx-commit": "2",  # a killed process loses nothing by it
            "innodb-flush-method": "nosync",  # only a machine that stops would need it
            "innodb-doublewrite": "OFF",
            "max-allowed-packet": "256M",
            "max-connections": "300",
            "secure-file-priv": "NULL" if self.name == "MySQL" else "",
            **self.options,
        }
        if os.getuid() == 0:
            settings["user"] = "root"
        return [f"--{name}={value}" for name, value in settings.items()]

    def ready(self) -> bool:
        """Whether it sends its greeting; a server that initialises does not listen yet."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as probe:
                return len(probe.recv(64)) > 4
        except OSError:
            return False

    @property
    def url(self) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/test"


class MariaDB(MySQLKind):
    """MariaDB of this machine."""

    name = "MariaDB"

    def program(self, name: str) -> str:
        found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", ""))
        if found is None:
            raise ServerFailed(f"no {name} on this machine; call: scripts/servers install mariadb")
        return found

    def prepare(self) -> None:
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        self.run(
            self.program("mariadb-install-db"), "--no-defaults", f"--datadir={data}",
            "--auth-root-authentication-method=normal", "--skip-name-resolve",
            *(["--user=root"] if os.getuid() == 0 else []),
        )  # fmt: skip
        data.joinpath("test").mkdir(exist_ok=True)  # a database is a folder

    def command(self) -> list[str]:
        # Nobody without a name: he would be taken for every user who has no host of his own.
        init = self.folder / "init.sql"
        init.write_text("DELETE FROM mysql.global_priv WHERE User = '';\nFLUSH PRIVILEGES;\n")
        characters = [
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
        ]  # as Debian has it
        return [
            self.program("mariadbd"),
            "--no-defaults",
            *self.variables(),
            *characters,
            f"--init-file={init}",
        ]


class MySQL(MySQLKind):
    """MySQL out of a Debian tree; `folder` is inside the tree."""

    name = "MySQL"

    def prepare(self) -> None:
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        self.run(*self._mysqld(), "--initialize-insecure", *self.variables(), "--mysqlx=OFF")

    def command(self) -> list[str]:
        return [
            *self._mysqld(),
            *self.variables(),
            "--mysqlx=OFF",
            f"--init-file={self.inside(self._init())}",
        ]

    def variables(self) -> list[str]:
        return [*super().variables(), "--skip-log-bin", "--performance-schema=OFF"]

    def _mysqld(self) -> list[str]:
        return ["chroot", self.root, "/usr/sbin/mysqld", "--no-defaults"]

    def _init(self) -> Path:
        path = self.folder / "init.sql"
        path.write_text("CREATE DATABASE IF NOT EXISTS test;\n")
        return path


class PgBouncer(Instance):
    """PgBouncer in transaction mode in front of a PostgreSQL."""

    name = "PgBouncer"
    target = 5432
    pool_size = 5

    def user(self) -> str | None:
        return "postgres"

    def prepare(self) -> None:
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": str(self.folder),
            "pidfile": str(self.pid_file()),
            "logfile": str(self.log),
            "auth_type": "trust",
            "auth_file": str(self.folder / "users"),
            "pool_mode": "transaction",
            "max_client_conn": "500",
            "default_pool_size": str(self.pool_size),
            "admin_users": "postgres",
            **self.options,
        }
        lines = ["[databases]", f"* = host=127.0.0.1 port={self.target}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        (self.folder / "ini").write_text("\n".join(lines) + "\n")
        (self.folder / "users").write_text('"postgres" ""\n')
        if os.getuid() == 0:
            for path in (self.folder, self.folder / "ini", self.folder / "users"):
                shutil.chown(path, "postgres", "postgres")
            self.log.touch()
            shutil.chown(self.log, "postgres", "postgres")

    def command(self) -> list[str]:
        found = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))
        if found is None:
            raise ServerFailed("no pgbouncer on this machine; call: scripts/servers install pgbouncer")
        return [found, "-q", str(self.folder / "ini")]

    def pid_file(self) -> Path:
        return self.folder / "pid"

    def ready(self) -> bool:
        return listens(self.port)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/test"


def leftovers() -> Sequence[int]:
    """Servers that a killed test run has left in temporary folders."""
    found = []
    for pid_file in [*STATE.glob("tmp-*/pid"), *STATE.glob("tmp-*/data/postmaster.pid")]:
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(pid_file.read_text().split()[0])
            if alive(pid):
                found.append(pid)
    return found
