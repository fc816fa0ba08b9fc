"""The jobs: what each contender does, in the words of an application.

Every contender has its own database file with the same schema and rows, the same pragmas (WAL,
synchronous=NORMAL, cache of 10,000 pages, foreign keys on) and autocommit durability: a write job
ends with a committed transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ROWS = 1000
FIRST_BATCH = 10_000  # ids of inserted rows start above


class Person(NamedTuple):
    """One row of the table all jobs work on."""

    id: int
    name: str
    email: str
    age: int
    score: float
    active: bool


SCHEMA = """
CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    email VARCHAR(255) NOT NULL,
    age INTEGER NOT NULL,
    score REAL NOT NULL,
    active INTEGER NOT NULL
)
"""
INSERT = "INSERT INTO person (name, email, age, score, active) VALUES (?, ?, ?, ?, ?)"
COLUMNS = "id, name, email, age, score, active"
PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = 10000",
    "PRAGMA busy_timeout = 5000",
)


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
