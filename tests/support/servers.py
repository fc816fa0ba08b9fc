"""The database servers of the tests: where they are, and databases of one's own on them.

Checks and preparations go through drivers of others (psycopg, PyMySQL, sqlite3), so that what
oxyde says about a server is never taken from oxyde.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import instances

ALL = ("sqlite", "postgres", "mariadb", "mysql")
DEFAULTS = {
    "postgres": "postgresql://postgres@127.0.0.1:5432/test",
    "mariadb": "mysql://root@127.0.0.1:3306/test",
    "mysql": "mysql://root@127.0.0.1:3307/test",
}


class ServerMissing(Exception):
    """A server that the tests need does not answer; says how to start it."""


@dataclass(frozen=True)
class Server:
    """A server by name and URL; SQLite's URL is a folder for its files."""

    name: str
    url: str

    @property
    def backend(self) -> str:
        return "mysql" if self.name in ("mariadb", "mysql") else self.name

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (5432 if self.backend == "postgres" else 3306)

    @property
    def user(self) -> str:
        return unquote(urlsplit(self.url).username or "")

    @property
    def password(self) -> str:
        return unquote(urlsplit(self.url).password or "")

    @property
    def database(self) -> str:
        return unquote(urlsplit(self.url).path.lstrip("/"))

    @property
    def keywords(self) -> str:
        """The address in the keyword form that the C tests read."""
        parts = {"host": self.host, "port": self.port, "user": self.user}
        parts |= {"password": self.password} if self.password else {}
        return " ".join(f"{name}={value}" for name, value in {**parts, "dbname": self.database}.items())

    def on(self, database: str) -> Server:
        """The same server, another database."""
        return replace(self, url=urlunsplit(urlsplit(self.url)._replace(path=f"/{database}")))

    def at(self, port: int, host: str = "127.0.0.1") -> Server:
        """The same server through another address, such as a proxy's."""
        parts = urlsplit(self.url)
        user = parts.netloc.rpartition("@")[0]
        return replace(self, url=urlunsplit(parts._replace(netloc=f"{user}@{host}:{port}")))

    @contextlib.contextmanager
    def admin(self, timeout: float = 10) -> Iterator[Admin]:
        """A connection through somebody else's driver, in autocommit."""
        opened = Admin(self, timeout)
        try:
            yield opened
        finally:
            opened.close()

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement over an admin connection of its own."""
        with self.admin() as admin:
            return admin.rows(sql, params)

    def sessions(self) -> list[tuple[Any, ...]]:
        """Others' sessions in this database: (id, state, statement); open transactions begin with
        `idle in transaction` (PostgreSQL), or are found by `open_transactions`."""
        if self.backend == "postgres":
            return self.rows(
                "SELECT pid, state, query FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            )
        return self.rows(
            "SELECT id, command, info FROM information_schema.processlist "
            "WHERE db = database() AND id <> connection_id()"
        )

    def open_transactions(self) -> list[tuple[Any, ...]]:
        """Others' transactions in this database that are open now: (session, state, statement)."""
        if self.backend == "postgres":
            return [row for row in self.sessions() if str(row[1]).startswith("idle in transaction")]
        return self.rows(
            "SELECT t.trx_mysql_thread_id, p.command, p.info FROM information_schema.innodb_trx t "
            "JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id "
            "WHERE p.db = database() AND p.id <> connection_id()"
        )


class Admin:
    """A connection through psycopg, PyMySQL or sqlite3; placeholders are %s (SQLite: ?)."""

    def __init__(self, server: Server, timeout: float = 10) -> None:
        self.server = server
        # Encryption, where nobody asks for it, is most of what a connection costs.
        plain = "ssl" not in server.url
        if server.backend == "postgres":
            import psycopg

            self._raw: Any = psycopg.connect(
                server.url,
                autocommit=True,
                connect_timeout=max(2, int(timeout)),
                **({"sslmode": "disable"} if plain else {}),
            )
        elif server.backend == "mysql":
            import pymysql

            self._raw = pymysql.connect(
                host=server.host,
                port=server.port,
                user=server.user,
                password=server.password,
                database=server.database or None,
                autocommit=True,
                connect_timeout=max(1, int(timeout)),
                read_timeout=60,
                ssl_disabled=plain,
                client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS,
            )
        else:
            path = server.url.partition("///")[2]
            self._raw = sqlite3.connect(path, timeout=timeout, isolation_level=None)

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self._raw.cursor()
        try:
            cursor.execute(sql, params or None) if self.server.backend != "sqlite" else cursor.execute(
                sql, params
            )
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            cursor.close()

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        return self.rows(sql, params)[0][0]

    def close(self) -> None:
        with contextlib.suppress(Exception):  # the server may be gone, on purpose
            self._raw.close()


def server(name: str) -> Server:
    """The server of that name, not looked at: OXYDE_TEST_<NAME>_URL, scripts/servers, the default."""
    if name == "sqlite":
        return Server("sqlite", "sqlite:///")
    url = os.environ.get(f"OXYDE_TEST_{name.upper()}_URL") or _started().get(name) or DEFAULTS[name]
    return Server(name, url)


def special(name: str) -> Server:
    """One that scripts/servers has started beside the usual ones: pgbouncer, postgres-standby, mysql-tls."""
    url = _started().get(name)
    if url is None:
        raise ServerMissing(f"{name} was not started; see scripts/servers")
    return Server(name.partition("-")[0], url)


def _started() -> dict[str, str]:
    """Where scripts/servers has started or found them."""
    try:
        found: dict[str, str] = json.loads((instances.STATE / "urls.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def chosen() -> list[str]:
    """The servers the tests run on: all, or those in OXYDE_TEST_SERVERS."""
    names = os.environ.get("OXYDE_TEST_SERVERS", ",".join(ALL)).replace(",", " ").split()
    unknown = set(names) - set(ALL)
    if unknown:
        raise ValueError(f"OXYDE_TEST_SERVERS names {unknown}; there are {ALL}")
    return names


_answered: set[Server] = set()


def available(name: str) -> Server:
    """The server, which answers; otherwise ServerMissing with the command to start it."""
    found = server(name)
    if name == "sqlite" or found in _answered:
        return found
    try:
        version = found.rows("SELECT version()")[0][0]
    except Exception as error:
        raise ServerMissing(
            f"{name} does not answer at {found.host}:{found.port} ({error}).\n"
            f"Start it with:  scripts/servers start {name}\n"
            f"or name another one in OXYDE_TEST_{name.upper()}_URL."
        ) from error
    if found.backend == "mysql" and ("MariaDB" in version) != (name == "mariadb"):
        raise ServerMissing(f"{found.host}:{found.port} should be {name} but says {version}")
    _answered.add(found)
    return found


@contextlib.contextmanager
def fresh_database(name: str, folder: Path | str | None = None) -> Iterator[Server]:
    """A database of one's own on that server, dropped at the end. SQLite: a file."""
    found = available(name)
    if name == "sqlite":
        with tempfile.TemporaryDirectory(dir=folder) as made:
            yield Server("sqlite", f"sqlite:///{made}/test.db")
        return
    database = f"oxyde_t_{secrets.token_hex(6)}"
    quote = '"' if found.backend == "postgres" else "`"
    with found.admin() as admin:
        admin.rows(f"CREATE DATABASE {quote}{database}{quote}")
        if found.backend == "postgres":  # only a machine that stops would need the wait for the disk
            admin.rows(f"ALTER DATABASE {quote}{database}{quote} SET synchronous_commit = off")
    try:
        yield found.on(database)
    finally:
        with found.admin() as admin:
            force = " WITH (FORCE)" if found.backend == "postgres" and _pg_major(admin) >= 13 else ""
            admin.rows(f"DROP DATABASE {quote}{database}{quote}{force}")


def _pg_major(admin: Admin) -> int:
    return int(admin.value("SHOW server_version_num")) // 10000


def drop_everything(database: Server) -> None:
    """Empties a database: tables, views, types, functions."""
    if database.backend == "sqlite":
        path = Path(database.url.partition("///")[2])
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return
    with database.admin() as admin:
        if database.backend == "postgres":
            for (schema,) in admin.rows(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
            ):
                admin.rows(f'DROP SCHEMA "{schema}" CASCADE')
            admin.rows("CREATE SCHEMA public")
            return
        admin.rows("SET foreign_key_checks = 0")
        for name, kind in admin.rows(
            "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = database()"
        ):
            admin.rows(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} `{name}`")
