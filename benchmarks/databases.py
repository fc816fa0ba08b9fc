"""The databases to measure on, and how each contender gets the same table with the same rows."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from benchmarks.jobs import JOBS, POOL_JOBS, ROWS, Job, note, person

PREFIX = "oxyde_bench_"


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

    @property
    def notes(self) -> str:
        """The table that is joined to the other."""
        return f"{self.table}_note"

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


NOTES = "CREATE TABLE {table} (id BIGINT PRIMARY KEY, person_id BIGINT NOT NULL, text VARCHAR(100) NOT NULL)"


class Unreachable(Exception):
    """The server does not answer."""


class Sqlite:
    """A file for each contender."""

    name = "sqlite"
    title = "SQLite"
    jobs: tuple[Job, ...] = JOBS
    schema = (
        "CREATE TABLE {table} (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, "
        "email VARCHAR(255) NOT NULL, age INTEGER NOT NULL, score REAL NOT NULL, active INTEGER NOT NULL)"
    )

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def version(self) -> str:
        """Of the library that prepares the files; a contender may bundle another."""
        return f"SQLite {sqlite3.sqlite_version}"

    def prepare(self, name: str) -> Place:
        """A fresh table for this contender."""
        place = Place(self.name, "person", path=str(self.folder / f"{name}.db"))
        with sqlite3.connect(place.path) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(self.schema.format(table=place.table))
            db.executemany(
                "INSERT INTO person (name, email, age, score, active) VALUES (?, ?, ?, ?, ?)",
                [person(number)[1:] for number in range(1, ROWS + 1)],
            )
            db.execute(NOTES.format(table=place.notes).replace("BIGINT PRIMARY", "INTEGER PRIMARY"))
            db.executemany(
                f"INSERT INTO {place.notes} VALUES (?, ?, ?)",
                [note(number) for number in range(1, ROWS + 1)],
            )
        db.close()
        return place

    def clean(self, place: Place) -> None:
        """Takes out what a job inserted, so that the next one sees the same rows everywhere.

        In a process of its own: two copies of the SQLite library in one process (a contender may
        bundle its own) would drop each other's file locks.
        """
        code = (
            "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30); "
            f"db.execute('DELETE FROM {place.table} WHERE id > {ROWS}'); db.commit(); db.close()"
        )
        subprocess.run([sys.executable, "-c", code, place.path], check=True)

    def drop(self, place: Place) -> None:
        """The folder goes as a whole."""

    def close(self) -> None:
        """Nothing is open."""


class Server:
    """A table with a prefix for each contender, in the database that the URL names."""

    name: str
    title: str
    schema: str
    jobs: tuple[Job, ...] = JOBS + POOL_JOBS

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

    def run(self, sql: str) -> list[Any]:
        """A statement, on our own connection."""
        with self.db.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def prepare(self, name: str) -> Place:
        """A fresh table for this contender."""
        place = replace(self.place, table=PREFIX + re.sub(r"\W", "_", name))
        self.drop(place)
        self.run(self.schema.format(table=place.table))
        with self.db.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {place.table} (name, email, age, score, active) VALUES (%s, %s, %s, %s, %s)",
                [person(number)[1:] for number in range(1, ROWS + 1)],
            )
            cursor.execute(NOTES.format(table=place.notes))
            cursor.executemany(
                f"INSERT INTO {place.notes} VALUES (%s, %s, %s)",
                [tuple(note(number)) for number in range(1, ROWS + 1)],
            )
        self.clean(place)
        return place

    def clean(self, place: Place) -> None:
        """Takes out what a job inserted, and what it left behind."""
        raise NotImplementedError

    def drop(self, place: Place) -> None:
        """Leaves nothing."""
        for table in (place.notes, place.table):
            self.run(f"DROP TABLE IF EXISTS {table}")

    def close(self) -> None:
        """Of our own connection."""
        self.db.close()


class Postgres(Server):
    """PostgreSQL."""

    name = "postgres"
    title = "PostgreSQL"
    schema = (
        "CREATE TABLE {table} (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
        "name VARCHAR(100) NOT NULL, email VARCHAR(255) NOT NULL, age INTEGER NOT NULL, "
        "score DOUBLE PRECISION NOT NULL, active BOOLEAN NOT NULL)"
    )

    def connect(self) -> Any:
        """Through psycopg."""
        import psycopg

        return psycopg.connect(self.place.url("postgresql"), autocommit=True, connect_timeout=5)

    def version(self) -> str:
        """As the server says."""
        return f"PostgreSQL {self.run('SHOW server_version')[0][0].split()[0]}"

    def clean(self, place: Place) -> None:
        """Vacuumed too: updates leave dead rows."""
        self.run(f"DELETE FROM {place.table} WHERE id > {ROWS}")
        self.run(f"VACUUM (ANALYZE) {place.table}")


class Mysql(Server):
    """MySQL or MariaDB."""

    name = "mysql"
    title = "MySQL"
    schema = (
        "CREATE TABLE {table} (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL, "
        "email VARCHAR(255) NOT NULL, age INTEGER NOT NULL, score DOUBLE NOT NULL, active BOOLEAN NOT NULL) "
        "DEFAULT CHARSET utf8mb4"
    )

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

    def clean(self, place: Place) -> None:
        """The purge goes on in the background."""
        self.run(f"DELETE FROM {place.table} WHERE id > {ROWS}")


SERVERS: dict[str, type[Server]] = {"postgres": Postgres, "mysql": Mysql}
NAMES = ("sqlite", *SERVERS)
DEFAULTS = {
    "postgres": "postgresql://postgres@127.0.0.1:5432/test",
    "mysql": "mysql://root@127.0.0.1:3306/test",
}


def open_database(name: str, url: str | None, folder: Path) -> Any:
    """The database of that name; the URL by argument, environment or default."""
    if name == "sqlite":
        return Sqlite(folder)
    found = url or os.environ.get(f"OXYDE_BENCH_{name.upper()}_URL") or DEFAULTS[name]
    return SERVERS[name](found)
