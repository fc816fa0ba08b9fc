"""The jobs: names of methods of the contenders, and how much of the time each gets."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.suite import rows


@dataclass(frozen=True)
class Job:
    """A job, and what it should give back.

    rows: how many rows come back or are written. checked: the answer is a list of as many;
    counted: it is their number.
    single: about one row, so that its slowest calls are looked at, too. rounds: the most slices
    that a contender gets, for jobs of which one call lasts long; 1: the call whose
    answer is looked at is the measured one.
    """

    name: str
    title: str
    rows: int = 1
    checked: bool = False
    counted: bool = False
    single: bool = False
    rounds: int | None = None
    writes: bool = False


def reading(name: str, title: str, number: int, rounds: int | None = None) -> Job:
    """A job that gives a list."""
    return Job(name, title, number, checked=True, rounds=rounds)


def complex_condition(found: rows.User) -> bool:
    """What the complex filter selects."""
    return (30 <= found.age < 40 or found.score >= 1000) and found.active and found.name[:9] != "User 0090"


IN_KEYS = tuple(range(1, rows.USERS, 10))
TWO_LEVEL_USERS = 100
EVERYONE = [rows.user(number) for number in range(1, rows.USERS + 1)]
POSTS_OF_AGE = sum(1 for found in EVERYONE if found.age == 40) * rows.POSTS_EACH

JOBS = (
    Job("get", "get by key", single=True),
    reading("filter_800", "filter, 800 of 1,000 rows", sum(found.age >= 30 for found in EVERYONE)),
    reading("filter_simple", "simple filter, 20 rows", sum(found.age == 40 for found in EVERYONE)),
    reading("filter_complex", "complex filter", sum(map(complex_condition, EVERYONE))),
    reading("filter_in", f"IN filter, {len(IN_KEYS)} keys", len(IN_KEYS)),
    reading("order_limit", "order by two columns, limit 50", 50),
    Job("count", "count with a filter", single=True),
    Job("aggregate", "count, sum, average, least, most", single=True),
    reading("join_all", "join, 20,000 posts with their author", rows.POSTS, rounds=3),
    reading("join_filter", "join with a filter, 400 posts", POSTS_OF_AGE),
    reading("prefetch_one", "prefetch, 1,000 users of 20 posts", rows.USERS, rounds=3),
    reading("prefetch_two", "prefetch, 100 users of 20 posts of 2 tags", TWO_LEVEL_USERS, rounds=5),
    reading("gather_10", "10 concurrent gets", 10),
    reading("gather_50", "50 concurrent gets", 50),
    reading("gather_100", "100 concurrent gets", 100),
    reading("statements_8", "8 statements in rotation", 8),
    Job("wide", "one row of 60 columns", single=True),
    reading("documents", "100 rows with a JSON column", rows.DOCUMENTS),
    reading("ledger", "1,000 rows of decimals and datetimes", rows.LEDGER),
    Job("stream", "stream 1,000,000 rows", rows.STREAMED, counted=True, rounds=1),
    Job("insert_one", "insert one", single=True, writes=True),
    Job("bulk_100", "insert 100", 100, writes=True),
    Job("bulk_10000", "insert 10,000", 10_000, rounds=3, writes=True),
    Job("update_one", "update one", single=True, writes=True),
    Job("update_many", "update 100", 100, writes=True),
    Job("delete_one", "insert and delete one", single=True, writes=True),
)
BY_NAME = {job.name: job for job in JOBS}
