"""The tables of the sweeps, filled once: a million rows of six columns, one row, and wide rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import databases
from benchmarks.databases import Place
from benchmarks.suite.rows import user
from benchmarks.suite.stages import PERSON, creating

PREFIX = "oxyde_scaling_"
MANY, FEW, ONE = PREFIX + "many", PREFIX + "few", PREFIX + "one"
SEEDS = 1_000  # rows of FEW, whose square fills MANY
WIDTHS = (1, 10, 50, 100, 500)
WIDE_ROWS = 100
DIALECTS = ("sqlite", "postgres", "mysql")


def wide_table(width: int) -> str:
    """Its name."""
    return f"{PREFIX}wide_{width}"


def wide_columns(width: int) -> tuple[str, ...]:
    """Names beside the key; whole numbers, since 500 of them fit in a page of every database."""
    return tuple(f"c{number:03d}" for number in range(1, width))


def schemas() -> dict[str, dict[str, str]]:
    """Table -> column -> kind."""
    wide = {wide_table(width): {"id": "key", **dict.fromkeys(wide_columns(width), "int")} for width in WIDTHS}
    return {FEW: PERSON, ONE: PERSON, MANY: PERSON, **wide}


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """All rows but the many."""
    return {
        FEW: [tuple(user(number)) for number in range(1, SEEDS + 1)],
        ONE: [tuple(user(1))],
        **{
            wide_table(width): [
                (number, *(number * 1_000 + place for place in range(1, width)))
                for number in range(1, WIDE_ROWS + 1)
            ]
            for width in WIDTHS
        },
    }


def filling(number: int) -> str:
    """So many rows, made where they are."""
    key = f"(a.id - 1) * {SEEDS} + b.id"
    return (
        f"INSERT INTO {MANY} ({', '.join(PERSON)}) "
        f"SELECT {key}, b.name, b.email, a.age, b.score, a.active "
        f"FROM {FEW} AS a CROSS JOIN {FEW} AS b WHERE {key} <= {number}"
    )


def inserting(table: str, mark: str) -> str:
    """One row, with the driver's mark for a value."""
    columns = schemas()[table]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"


def analysing(dialect: str) -> Iterable[str]:
    """The statements after which the server knows its tables."""
    if dialect == "sqlite":
        return ("ANALYZE",)
    verb = "VACUUM (ANALYZE)" if dialect == "postgres" else "ANALYZE TABLE"
    return [f"{verb} {table}" for table in schemas()]


class Stage:
    """A database with the tables in it, until it is closed."""

    def __init__(self, name: str, url: str | None, folder: Path, many: int) -> None:
        self.database = databases.open_database(name, url, folder)
        self.place = Place(name, MANY, path=str(folder / "scaling.db"))
        if isinstance(self.database, databases.Server):
            self.place = replace(self.database.place, table=MANY)
            self.fill_server(self.database, many)
        else:
            self.fill_file(many)

    def fill_file(self, many: int) -> None:
        """Through Python's own module, closed before anybody else opens the file."""
        with closing(sqlite3.connect(self.place.path)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            for table, columns in schemas().items():
                db.execute(creating(table, columns, 0))
            for table, found in contents().items():
                db.executemany(inserting(table, "?"), found)
            db.execute(filling(many))
            db.commit()
            for statement in analysing("sqlite"):
                db.execute(statement)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fill_server(self, server: databases.Server, many: int) -> None:
        """Through the driver that prepares tables."""
        self.drop(server)
        for table, columns in schemas().items():
            server.run(creating(table, columns, DIALECTS.index(self.place.backend)))
        with server.db.cursor() as cursor:
            for table, found in contents().items():
                cursor.executemany(inserting(table, "%s"), found)
        server.run(filling(many))
        for statement in analysing(self.place.backend):
            server.run(statement)

    def version(self) -> str:
        """As the database says."""
        return str(self.database.version())

    def drop(self, server: databases.Server) -> None:
        """Leaves nothing."""
        for table in schemas():
            server.run(f"DROP TABLE IF EXISTS {table}")

    def close(self) -> None:
        """A file goes with its folder."""
        if isinstance(self.database, databases.Server):
            self.drop(self.database)
        self.database.close()
