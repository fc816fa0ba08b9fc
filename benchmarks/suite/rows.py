"""The rows of the suite's tables; the same for everyone, in every run."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

USERS = 1_000
POSTS_EACH = 20
POSTS = USERS * POSTS_EACH
TAGS = 50
TAGS_EACH = 2
WIDE = 100
DOCUMENTS = 100
LEDGER = 1_000
STREAMED = 1_000_000
WIDE_FIELDS = tuple(f"c{number:02d}" for number in range(1, 60))  # and the key: 60 columns

PREFIX = "oxyde_suite_"
USER, POST, TAG, LINK = PREFIX + "user", PREFIX + "post", PREFIX + "tag", PREFIX + "post_tag"
WIDE_TABLE, DOCUMENT, LEDGER_TABLE = PREFIX + "wide", PREFIX + "document", PREFIX + "ledger"
STREAM = PREFIX + "stream"


class User(NamedTuple):
    """Of the table that is read and, in a copy for each contender, of the one that is written."""

    id: int
    name: str
    email: str
    age: int
    score: float
    active: bool


class Post(NamedTuple):
    """Twenty by each user."""

    id: int
    author_id: int
    title: str
    views: int


class Tag(NamedTuple):
    """Two on each post."""

    id: int
    label: str


class Link(NamedTuple):
    """A tag on a post."""

    id: int
    post_id: int
    tag_id: int


class Document(NamedTuple):
    """One with a JSON column."""

    id: int
    data: Any


class Entry(NamedTuple):
    """One with decimals, dates and times."""

    id: int
    amount: Decimal
    fee: Decimal
    booked: datetime
    due: date


class Streamed(NamedTuple):
    """One of a million, made by the database itself."""

    id: int
    name: str
    age: int
    score: float


def user(number: int) -> User:
    """Ages are 20 to 69, twenty users of each."""
    return User(
        id=number,
        name=f"User {number:05d} Ünal",
        email=f"user{number}@example.org",
        age=20 + number % 50,
        score=number * 1.25,
        active=number % 3 != 0,
    )


def post(number: int) -> Post:
    """The posts of an author lie apart, as those of real authors do."""
    return Post(number, (number - 1) % USERS + 1, f"Post {number:06d} about something", number * 7 % 1000)


def tag(number: int) -> Tag:
    """A word."""
    return Tag(number, f"tag-{number:02d}")


def link(number: int) -> Link:
    """Which tag is on which post: two different ones each."""
    post_id, which = (number - 1) // TAGS_EACH + 1, (number - 1) % TAGS_EACH
    return Link(number, post_id, (post_id + which * 7) % TAGS + 1)


def wide(number: int) -> tuple[Any, ...]:
    """A key and 59 columns, of three types in turn."""
    kinds = [number * 100 + place for place in range(len(WIDE_FIELDS))]
    return (
        number,
        *(
            value if place % 3 == 0 else f"value {value}" if place % 3 == 1 else value / 4
            for place, value in enumerate(kinds)
        ),
    )


def document(number: int) -> Document:
    """About 200 bytes."""
    data = {
        "title": f"document {number}",
        "numbers": list(range(number % 7, number % 7 + 10)),
        "nested": {"flag": number % 2 == 0, "ratio": number / 8, "none": None},
        "words": ["red", "green", "blå"],
    }
    return Document(number, data)


def document_text(number: int) -> tuple[int, str]:
    """As it is written."""
    found = document(number)
    return found.id, json.dumps(found.data, ensure_ascii=False)


def entry(number: int) -> Entry:
    """Two decimals, a moment to the microsecond, a day."""
    moment = datetime(2024, 1, 1) + timedelta(minutes=number * 61, microseconds=number * 1001)
    return Entry(
        number,
        Decimal(number * 1237 % 1_000_000) / 100,
        Decimal(number * 31 % 10_000) / 10_000,
        moment,
        moment.date() + timedelta(days=30),
    )
