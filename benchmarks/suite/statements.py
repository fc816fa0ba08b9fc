"""The SQL of contenders who write it themselves, as careful people would, for one database."""

from __future__ import annotations

from itertools import count
from typing import Any

from benchmarks.suite import rows
from benchmarks.suite.jobs import IN_KEYS, TWO_LEVEL_USERS

USER_COLUMNS = ", ".join(rows.User._fields)
POST_COLUMNS = ", ".join(rows.Post._fields)
Statement = tuple[str, tuple[Any, ...]]  # text and values


class Statements:
    """style: "?" , "%s" or "$" (numbered). arrays: a list of values travels as one parameter."""

    def __init__(self, style: str, written: str, *, arrays: bool = False) -> None:
        self.style, self.arrays = style, arrays
        select = f"SELECT {USER_COLUMNS} FROM {rows.USER}"
        self.users_of_two_levels = self.say(f"{select} WHERE id <= ? ORDER BY id", TWO_LEVEL_USERS)
        self.all_users = self.say(f"{select} ORDER BY id")
        self.get = self.say(f"{select} WHERE id = ?", 500)
        self.filter_800 = self.say(f"{select} WHERE age >= ?", 30)
        self.filter_simple = self.say(f"{select} WHERE age = ?", 40)
        self.filter_complex = self.say(
            f"{select} WHERE (age >= ? AND age < ? OR score >= ?) AND active = ? AND NOT name LIKE ?",
            30,
            40,
            1000.0,
            True,
            "User 0090%",
        )
        self.filter_in = self.say_listed(f"{select} WHERE id", IN_KEYS)
        self.order_limit = self.say(f"{select} ORDER BY age DESC, name LIMIT 50")
        self.count = self.say(f"SELECT COUNT(*) FROM {rows.USER} WHERE age >= ?", 30)
        self.aggregate = self.say(
            "SELECT COUNT(*), SUM(age), AVG(score), MIN(score), MAX(score) "
            f"FROM {rows.USER} WHERE active = ?",
            True,
        )
        joined = (
            ", ".join(f"p.{name}" for name in rows.Post._fields)
            + ", "
            + ", ".join(f"u.{name}" for name in rows.User._fields)
        )
        join = f"SELECT {joined} FROM {rows.POST} AS p LEFT JOIN {rows.USER} AS u ON u.id = p.author_id"
        self.join_all = self.say(join)
        self.join_filter = self.say(f"{join} WHERE u.age = ?", 40)
        conditions: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("id = ?", (500,)),
            ("id = ? AND age >= ?", (500, 20)),
            ("id = ? AND score >= ?", (500, 1.5)),
            ("id = ? AND active = ?", (500, True)),
            ("id = ? AND age <= ?", (500, 69)),
            ("id = ? AND score <= ?", (500, 9999.5)),
            ("id = ? AND name = ?", (500, rows.user(500).name)),
            ("id = ? AND email = ?", (500, rows.user(500).email)),
        )
        self.eight = tuple(self.say(f"{select} WHERE {text}", *values) for text, values in conditions)
        self.wide = self.say(
            f"SELECT id, {', '.join(rows.WIDE_FIELDS)} FROM {rows.WIDE_TABLE} WHERE id = ?", 7
        )
        self.documents = self.say(f"SELECT id, data FROM {rows.DOCUMENT}")
        self.ledger = self.say(f"SELECT {', '.join(rows.Entry._fields)} FROM {rows.LEDGER_TABLE}")
        self.stream = self.say(f"SELECT {', '.join(rows.Streamed._fields)} FROM {rows.STREAM}")
        self.inserting = f"INSERT INTO {written} (name, email, age, score, active) VALUES "
        self.insert = self.say(self.inserting + "(?, ?, ?, ?, ?)")[0]
        self.update_one = self.say(f"UPDATE {written} SET score = score + ? WHERE id = ?", 1.0, 500)
        self.update_many = self.say(f"UPDATE {written} SET score = score + ? WHERE id <= ?", 1.0, 100)
        self.delete = self.say(f"DELETE FROM {written} WHERE id = ?")[0]

    def say(self, text: str, *values: Any) -> Statement:
        """A text with this database's placeholders."""
        if self.style == "$":
            numbers = count(1)
            return "".join(f"${next(numbers)}" if char == "?" else char for char in text), values
        return text.replace("?", self.style), values

    def say_listed(self, text: str, keys: Any) -> Statement:
        """One whose last condition is membership."""
        if self.arrays:
            return self.say(f"{text} = ANY(?)", list(keys))
        return self.say(f"{text} IN ({','.join('?' * len(keys))})", *keys)

    def insert_many(self, number: int, row: tuple[Any, ...]) -> Statement:
        """Several rows at once; the values are those of the row, so many times."""
        return self.say(self.inserting + ", ".join(["(?, ?, ?, ?, ?)"] * number), *row * number)

    def posts_of(self, users: list[int]) -> Statement:
        """What these users wrote."""
        return self.say_listed(f"SELECT {POST_COLUMNS} FROM {rows.POST} WHERE author_id", users)

    def tags_of(self, posts: list[int]) -> Statement:
        """The tags on these posts, each with the post."""
        return self.say_listed(
            f"SELECT l.post_id, t.id, t.label FROM {rows.LINK} AS l JOIN {rows.TAG} AS t ON t.id = l.tag_id "
            "WHERE l.post_id",
            posts,
        )
