"""The jobs: what each contender does, in the words of an application.

Every contender has its own file or table with the same schema and rows, and a write job ends with
a committed transaction. A commit does not wait for the disk where that can be chosen for a session:
SQLite runs with WAL and synchronous=NORMAL (cache of 10,000 pages, foreign keys on), PostgreSQL with
synchronous_commit=off; otherwise the disk would be measured. MySQL does as the server is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ROWS = 1000
AUTHORS = 100  # persons that the notes are about
FIRST_BATCH = 10_000  # numbers of inserted rows start above
POOL = 10  # connections of everybody who has a pool, on servers


class Person(NamedTuple):
    """One row of the table all jobs work on."""

    id: int
    name: str
    email: str
    age: int
    score: float
    active: bool


class Note(NamedTuple):
    """One row of the table that is joined to the other."""

    id: int
    person_id: int
    text: str


INSERT = "INSERT INTO person (name, email, age, score, active) VALUES (?, ?, ?, ?, ?)"
COLUMNS = "id, name, email, age, score, active"
PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = 10000",
    "PRAGMA busy_timeout = 5000",
)


def joined(notes: str, persons: str) -> str:
    """All notes with the person each is about."""
    columns = ", ".join(f"p.{name}" for name in COLUMNS.split(", "))
    return (
        f"SELECT n.id, n.person_id, n.text, {columns} FROM {notes} AS n "
        f"LEFT JOIN {persons} AS p ON n.person_id = p.id"
    )


def note(number: int) -> Note:
    """The note with this number."""
    return Note(id=number, person_id=number % AUTHORS + 1, text=f"note {number:05d}")


def person(number: int) -> Person:
    """The row with this number; the same for everyone, in every run."""
    return Person(
        id=number,
        name=f"Person {number:05d} Ünal",
        email=f"person{number}@example.org",
        age=18 + number * 7 % 60,
        score=number * 1.25,
        active=number % 3 != 0,
    )


@dataclass(frozen=True)
class Job:
    """A job's name (a method of every contender), what it is, and rows per call."""

    name: str
    title: str
    rows: int = 1


JOBS = (
    Job("get", "get one by key"),
    Job("all_rows", "1,000 rows", ROWS),
    Job("filtered", "filter, 100 of 1,000 rows ordered", 100),
    Job("in_list", "50 keys in a list", 50),
    Job("rows_as_dicts", "1,000 rows as dicts", ROWS),
    Job("joined", f"1,000 rows joined to {AUTHORS}", ROWS),
    Job("count", "count with a filter"),
    Job("aggregate", "grouped aggregate", 60),
    Job("create", "insert one, committed"),
    Job("bulk_create", "insert 100, committed", 100),
    Job("update_one", "update one by key, committed"),
    Job("update_many", "update 100, committed", 100),
    Job("delete_one", "insert and delete one, committed", 2),
    Job("transaction", "transaction: read, update, insert", 3),
    Job("gather_gets", "50 concurrent gets", 50),
)
POOL_JOBS = (Job("pool_gets", f"100 concurrent gets, pool of {POOL}", 100),)
