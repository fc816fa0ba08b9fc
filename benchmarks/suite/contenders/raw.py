"""What the raw drivers have in common: the jobs, in terms of a few calls that each driver writes in
its own words. A job that is one call is bound to it, without a frame between."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from benchmarks.databases import Place
from benchmarks.suite import rows
from benchmarks.suite.statements import Statements

CHUNK = 2000


class Raw:
    """Rows as the driver gives them; documents are decoded, by the driver where it can be told to."""

    style = "?"
    arrays = False
    decodes_json = False

    async def open(self, place: Place) -> None:
        """Connects, then binds the jobs."""
        self.sql = sql = Statements(self.style, place.table, arrays=self.arrays)
        self.next = rows.USERS
        await self.connect(place)
        self.get = partial(self.row, *sql.get)
        self.wide = partial(self.row, *sql.wide)
        self.count = partial(self.row, *sql.count)
        self.aggregate = partial(self.row, *sql.aggregate)
        for name in ("filter_800", "filter_simple", "filter_complex", "filter_in", "order_limit"):
            setattr(self, name, partial(self.rows, *getattr(sql, name)))
        for name in ("join_all", "join_filter", "ledger"):
            setattr(self, name, partial(self.rows, *getattr(sql, name)))
        self.update_one = partial(self.run, *sql.update_one)
        self.update_many = partial(self.run, *sql.update_many)
        for number in (10, 50, 100):
            setattr(self, f"gather_{number}", partial(self.gather, number))

    async def connect(self, place: Place) -> None:
        """Opens what the calls use."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes it."""
        raise NotImplementedError

    async def row(self, sql: str, values: tuple[Any, ...]) -> Any:
        """The first row."""
        raise NotImplementedError

    async def rows(self, sql: str, values: tuple[Any, ...]) -> Any:
        """All rows."""
        raise NotImplementedError

    async def run(self, sql: str, values: tuple[Any, ...]) -> None:
        """A statement without rows, committed."""
        raise NotImplementedError

    async def insert(self, sql: str, values: tuple[Any, ...]) -> int:
        """One row, committed; its key."""
        raise NotImplementedError

    async def insert_all(self, sql: str, values: list[tuple[Any, ...]]) -> None:
        """Many rows in one transaction."""
        raise NotImplementedError

    def chunks(self) -> AsyncIterator[Any]:
        """Every row of the long table, CHUNK at a time, in bounded memory."""
        raise NotImplementedError

    async def documents(self) -> Any:
        found = await self.rows(*self.sql.documents)
        return found if self.decodes_json else [(key, json.loads(text)) for key, text in found]

    async def stream(self) -> int:
        number = 0
        async for chunk in self.chunks():
            for _ in chunk:
                number += 1
        return number

    def values(self) -> tuple[Any, ...]:
        """Of a row that is not there yet."""
        self.next += 1
        return rows.user(self.next)[1:]

    async def gather(self, number: int) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(number))))

    async def statements_8(self) -> list[Any]:
        return [await self.row(sql, values) for sql, values in self.sql.eight]

    async def prefetch_one(self) -> list[Any]:
        users = await self.rows(*self.sql.all_users)
        posts = defaultdict(list)
        for post in await self.rows(*self.sql.posts_of([user[0] for user in users])):
            posts[post[1]].append(post)
        return [(user, posts[user[0]]) for user in users]

    async def prefetch_two(self) -> list[Any]:
        users = await self.rows(*self.sql.users_of_two_levels)
        found = await self.rows(*self.sql.posts_of([user[0] for user in users]))
        tags, posts = defaultdict(list), defaultdict(list)
        for tag in await self.rows(*self.sql.tags_of([post[0] for post in found])):
            tags[tag[0]].append(tag)
        for post in found:
            posts[post[1]].append((post, tags[post[0]]))
        return [(user, posts[user[0]]) for user in users]

    async def insert_one(self) -> int:
        return await self.insert(self.sql.insert, self.values())

    async def bulk_100(self) -> None:
        await self.insert_all(self.sql.insert, [self.values() for _ in range(100)])

    async def bulk_10000(self) -> None:
        await self.insert_all(self.sql.insert, [self.values() for _ in range(10_000)])

    async def delete_one(self) -> None:
        await self.run(self.sql.delete, (await self.insert_one(),))
