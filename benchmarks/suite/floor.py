"""The floor: C programs on the same client libraries doing the same work without Python. They measure
their own slices; what they run is told here, so that no SQL is written twice."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.databases import PRAGMAS, Place
from benchmarks.suite import rows
from benchmarks.suite.apart import Apart
from benchmarks.suite.jobs import Job
from benchmarks.suite.measuring import WrongAnswer
from benchmarks.suite.statements import Statement, Statements

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "benchmarks" / "floor"
BUILT = ROOT / "build" / "bench" / "floor"
ROWS_A_STATEMENT = 1_000  # of 10,000 inserted on servers, in one transaction

# Columns, a letter each: benchmarks/floor/floor.h says which; a capital one holds the parent's key.
USER, POST, POST_OF_USER, TAG_OF_POST = "ittifb", "iiti", "iIti", "Iit"


def program(backend: str) -> Path:
    """Of this database, as new as its sources."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever else wants it
        if not (BUILT / "build.ninja").exists():
            _meson("setup", str(BUILT), str(SOURCES))
        _meson("compile", "-C", str(BUILT))
    found = BUILT / f"floor-{backend}"
    if not found.exists():
        raise RuntimeError(f"{found.name} is not built: its client library has no headers here")
    return found


def _meson(*words: str) -> None:
    """What it printed is told when it fails; Meson and Ninja may lie beside the interpreter."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    meson = shutil.which("meson", path=path)
    if meson is None:
        raise RuntimeError("the floor cannot be built without meson")
    environment = {**os.environ, "PATH": path}
    done = subprocess.run([meson, *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the floor cannot be built:\n{done.stdout}{done.stderr}")


@dataclass(frozen=True)
class Told:
    """A statement of the program: the letters of its columns, its text and values."""

    columns: str
    statement: Statement


@dataclass(frozen=True)
class Shaped:
    """A job of the program: which shape, how many, and the names of its statements."""

    shape: str
    statements: tuple[str, ...]
    number: int = 0


def statements(backend: str, table: str) -> Iterator[tuple[str, Told]]:
    """What it prepares, by name."""
    sql = Statements("$" if backend == "postgres" else "?", table, arrays=backend == "postgres")
    for name in ("get", "filter_800", "filter_simple", "filter_complex", "filter_in", "order_limit"):
        yield name, Told(USER, getattr(sql, name))
    yield "count", Told("i", sql.count)
    yield "aggregate", Told("iifff" if backend == "sqlite" else "infff", sql.aggregate)
    for name in ("join_all", "join_filter"):
        yield name, Told(f"{POST}+{USER}", getattr(sql, name))
    yield "all_users", Told(USER, sql.all_users)
    yield "posts_of_all", Told(POST_OF_USER, sql.posts_of(list(range(1, rows.USERS + 1))))
    two_levels = sql.users_of_two_levels
    users = int(two_levels[1][0])
    yield "users_of_two_levels", Told(USER, two_levels)
    yield "posts_of_two_levels", Told(POST_OF_USER, sql.posts_of(list(range(1, users + 1))))
    yield "tags", Told(TAG_OF_POST, sql.tags_of(list(range(1, users * rows.POSTS_EACH + 1))))
    for number, statement in enumerate(sql.eight):
        yield f"eight_{number}", Told(USER, statement)
    kinds = "".join("itf"[place % 3] for place in range(len(rows.WIDE_FIELDS)))
    yield "wide", Told("i" + kinds, sql.wide)
    yield "documents", Told("ij", sql.documents)
    yield "ledger", Told("innmd", sql.ledger)
    yield "stream", Told("itif", sql.stream)
    row = rows.user(1)[1:]
    key = " RETURNING id" if backend == "postgres" else ""
    yield "insert", Told("", (sql.insert + key, row))
    for number in (100, ROWS_A_STATEMENT):
        yield f"insert_{number}", Told("", sql.insert_many(number, row))
    yield "update_one", Told("", sql.update_one)
    yield "update_many", Told("", sql.update_many)
    yield "delete", Told("", (sql.delete, (1,)))


def jobs(backend: str) -> Iterator[tuple[str, Shaped]]:
    """What it does with them. SQLite inserts many rows with the statement of one, as nothing is nearer."""
    for name in ("get", "filter_800", "filter_simple", "filter_complex", "filter_in", "order_limit"):
        yield name, Shaped("read", (name,))
    for name in ("count", "aggregate", "join_all", "join_filter", "wide", "documents", "ledger"):
        yield name, Shaped("read", (name,))
    yield "prefetch_one", Shaped("prefetch", ("all_users", "posts_of_all"))
    yield "prefetch_two", Shaped("prefetch", ("users_of_two_levels", "posts_of_two_levels", "tags"))
    for number in (10, 50, 100):
        yield f"gather_{number}", Shaped("gather", ("get",), number)
    yield "statements_8", Shaped("rotate", tuple(f"eight_{number}" for number in range(8)))
    yield "stream", Shaped("stream", ("stream",))
    yield "insert_one", Shaped("insert", ("insert",))
    for number, each in ((100, 100), (10_000, ROWS_A_STATEMENT)):
        statement = "insert" if backend == "sqlite" else f"insert_{each}"
        yield f"bulk_{number}", Shaped("bulk", (statement,), number)
    yield "update_one", Shaped("run", ("update_one",))
    yield "update_many", Shaped("run", ("update_many",))
    yield "delete_one", Shaped("insert_delete", ("insert", "delete"))


def written(value: Any) -> str:
    """A value on the pipe: the letter of its kind, and itself."""
    if isinstance(value, bool):
        return f"b{value:d}"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return f"f{value!r}"
    if isinstance(value, list):
        return "a" + ",".join(map(str, value))
    return f"t{value}"


class Floor:
    """The other end of the pipe, in the shape of a contender that measures itself."""

    apart: Apart | None = None

    async def open(self, place: Place) -> None:
        self.apart = Apart("the floor", [str(program(place.backend))])
        self.ask("open", place.path, place.host, place.port, place.user, place.password, place.database)
        for setting in PRAGMAS if place.backend == "sqlite" else ():
            self.ask("setting", setting)
        for name, told in statements(place.backend, place.table):
            text, values = told.statement
            self.ask("statement", name, told.columns, text, *map(written, values))
        for name, shaped in jobs(place.backend):
            self.ask("job", name, shaped.shape, shaped.number, *shaped.statements)

    def ask(self, *fields: Any) -> list[str]:
        """The fields of the answer."""
        if self.apart is None:
            raise RuntimeError("the floor is not open")
        state, *found = self.apart.exchange("\t".join(map(str, fields))).split("\t")
        if state != "ok":
            raise RuntimeError(f"the floor, {' '.join(map(str, fields[:2]))}: {' '.join(found)}")
        return found

    async def attempt(self, job: Job) -> None:
        """Does the job once; every answer is a number of rows."""
        number = int(self.ask("attempt", job.name)[0])
        if number != job.rows:
            raise WrongAnswer(f"{job.name}: {number} rows instead of {job.rows}")

    async def slice(self, job: Job, seconds: float) -> float:
        return float(self.ask("slice", job.name, seconds)[0])

    async def calls(self, job: Job, number: int) -> list[float]:
        return [float(found) for found in self.ask("calls", job.name, number)]

    async def close(self) -> None:
        if self.apart is not None:
            self.ask("close")
            self.apart.end()
