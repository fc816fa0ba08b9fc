"""The databases to measure on, and where in them a contender works.

A commit does not wait for the disk where that can be chosen for a session: SQLite runs with WAL and
synchronous=NORMAL, PostgreSQL with synchronous_commit=off, for everybody; otherwise the disk would be
measured. MySQL does as the server is set: own_servers.py starts one that does not wait either.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

POOL = 10  # connections of everybody who has a pool, on servers
PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = 10000",
    "PRAGMA busy_timeout = 5000",
)


@dataclass(frozen=True)
class Place:
    """Where one contender works: a file or a table of its own, and how to get there."""

    backend: str
    table: str
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    database: str = ""

    def url(self, scheme: str) -> str:
        """The server's address under this scheme."""
        word = f":{quote(self.password, safe='')}" if self.password else ""
        return f"{scheme}://{quote(self.user, safe='')}{word}@{self.host}:{self.port}/{self.database}"


def place_of(backend: str, url: str) -> Place:
    """What a URL says, without a table."""
    parts = urlsplit(url)
    if not parts.hostname or not parts.path.strip("/"):
        raise SystemExit(f"{backend}: a URL with host and database is needed, like {DEFAULTS[backend]}")
    return Place(
        backend,
        table="",
        host=parts.hostname,
        port=parts.port or (5432 if backend == "postgres" else 3306),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")),
    )


class Unreachable(Exception):
    """The server does not answer."""


class Sqlite:
    """Files in a folder, which goes as a whole."""

    name = "sqlite"
    title = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def version(self) -> str:
        """Of the library that prepares the files; a contender may bundle another."""
        return f"SQLite {sqlite3.sqlite_version}"

    def close(self) -> None:
        """Nothing is open."""


class Server:
    """The database that the URL names."""

    name: str
    title: str

    def __init__(self, url: str) -> None:
        self.place = place_of(self.name, url)
        try:
            self.db = self.connect()
        except Exception as error:
            where = f"{self.place.host}:{self.place.port}"
            raise Unreachable(f"{self.title} at {where}: {str(error).strip()}") from error

    def connect(self) -> Any:
        """An ordinary connection that commits by itself."""
        raise NotImplementedError

    def version(self) -> str:
        """As the server says."""
        raise NotImplementedError

    def commits(self) -> str:
        """What a commit waits for."""
        raise NotImplementedError

    def run(self, sql: str) -> list[Any]:
        """A statement, on our own connection."""
        with self.db.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def close(self) -> None:
        """Of our own connection."""
        self.db.close()


class Postgres(Server):
    """PostgreSQL."""

    name = "postgres"
    title = "PostgreSQL"

    def connect(self) -> Any:
        """Through psycopg."""
        import psycopg

        return psycopg.connect(self.place.url("postgresql"), autocommit=True, connect_timeout=5)

    def version(self) -> str:
        """As the server says."""
        return f"PostgreSQL {self.run('SHOW server_version')[0][0].split()[0]}"

    def commits(self) -> str:
        """What a commit waits for."""
        return "synchronous_commit=off"


class Mysql(Server):
    """MySQL or MariaDB."""

    name = "mysql"
    title = "MySQL"

    def connect(self) -> Any:
        """Through PyMySQL."""
        import pymysql

        place = self.place
        return pymysql.connect(
            host=place.host,
            port=place.port,
            user=place.user,
            password=place.password,
            database=place.database,
            autocommit=True,
            connect_timeout=5,
            charset="utf8mb4",
        )

    def version(self) -> str:
        """As the server says, which of the two."""
        text = str(self.run("SELECT VERSION()")[0][0])
        return f"{'MariaDB' if 'MariaDB' in text else 'MySQL'} {text.partition('-')[0]}"

    def commits(self) -> str:
        """What a commit waits for: as the server is set."""
        flush, log = self.run("SELECT @@innodb_flush_log_at_trx_commit, @@log_bin")[0]
        return f"innodb_flush_log_at_trx_commit={flush}, log_bin={log}"


SERVERS: dict[str, type[Server]] = {"postgres": Postgres, "mysql": Mysql, "mysql9": Mysql}
NAMES = ("sqlite", "postgres", "mysql")  # measured unless others are asked for
KNOWN = (*NAMES, "mysql9")
DEFAULTS = {
    "postgres": "postgresql://postgres@127.0.0.1:5432/test",
    "mysql": "mysql://root@127.0.0.1:3306/test",
    "mysql9": "mysql://root@127.0.0.1:3307/test",
}


def backend_of(name: str) -> str:
    """What speaks to it: two servers may be of one kind."""
    return SERVERS[name].name if name in SERVERS else name


def chosen(words: str | None) -> list[str]:
    """Names between commas, each of a database that is known; none without words."""
    names = words.split(",") if words else []
    unknown = sorted(set(names) - set(KNOWN))
    if unknown:
        raise SystemExit(f"unknown databases {', '.join(unknown)}; there are {', '.join(KNOWN)}")
    return names


def open_database(name: str, url: str | None, folder: Path) -> Sqlite | Server:
    """The database of that name; the URL by argument, environment or default."""
    if name == "sqlite":
        return Sqlite(folder)
    found = url or os.environ.get(f"OXYDE_BENCH_{name.upper()}_URL") or DEFAULTS[name]
    return SERVERS[name](found)
