"""A raw driver plus Pydantic by hand: its rows through model_validate, lists through a TypeAdapter,
which is the faster of Pydantic's ways; what is written goes through a model first.

Jobs that neither bring rows nor take them are the driver's own and are not measured again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from pydantic import BaseModel, Field, Json, TypeAdapter, create_model

from benchmarks.databases import Place
from benchmarks.suite import rows
from benchmarks.suite.contenders.raw import Raw


class NewUser(BaseModel):
    name: str = Field(max_length=100)
    email: str
    age: int
    score: float
    active: bool
    id: int | None = None


class User(BaseModel):
    id: int
    name: str = Field(max_length=100)
    email: str
    age: int
    score: float
    active: bool


class Tag(BaseModel):
    id: int
    label: str


class Post(BaseModel):
    id: int
    author_id: int
    title: str
    views: int


class AuthoredPost(Post):
    author: User


class TaggedPost(Post):
    tags: list[Tag]


class UserWithPosts(User):
    posts: list[Post]


class UserWithTaggedPosts(User):
    posts: list[TaggedPost]


class Document(BaseModel):
    id: int
    data: dict[str, Any]


class DocumentAsText(BaseModel):
    id: int
    data: Json[dict[str, Any]]


class Entry(BaseModel):
    id: int
    amount: Decimal = Field(max_digits=12, decimal_places=2)
    fee: Decimal = Field(max_digits=12, decimal_places=4)
    booked: datetime
    due: date


class Streamed(BaseModel):
    id: int
    name: str
    age: int
    score: float


WIDE_KINDS: dict[str, Any] = {
    name: ((int, str, float)[place % 3], ...) for place, name in enumerate(rows.WIDE_FIELDS)
}
Wide = create_model("Wide", id=(int, ...), **WIDE_KINDS)
WIDE_NAMES = ("id", *rows.WIDE_FIELDS)
USER_NAMES, POST_NAMES = rows.User._fields, rows.Post._fields

USERS = TypeAdapter(list[User])
AUTHORED = TypeAdapter(list[AuthoredPost])
WITH_POSTS = TypeAdapter(list[UserWithPosts])
WITH_TAGGED_POSTS = TypeAdapter(list[UserWithTaggedPosts])
DOCUMENTS = TypeAdapter(list[Document])
DOCUMENTS_AS_TEXT = TypeAdapter(list[DocumentAsText])
STREAMED = TypeAdapter(list[Streamed])
ENTRIES = TypeAdapter(list[Entry])


class ByHand:
    """Validated models from the rows of a raw driver, which is open and stays its owner's."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw

    async def open(self, place: Place) -> None:
        self.sql = self.raw.sql
        for name in ("filter_800", "filter_simple", "filter_complex", "filter_in", "order_limit"):
            setattr(self, name, partial(self.users, *getattr(self.sql, name)))
        for name in ("join_all", "join_filter"):
            setattr(self, name, partial(self.authored, *getattr(self.sql, name)))
        for number in (10, 50, 100):
            setattr(self, f"gather_{number}", partial(self.gather, number))

    async def close(self) -> None:
        """Nothing is its own."""

    async def users(self, sql: str, values: tuple[Any, ...]) -> list[User]:
        return USERS.validate_python([dict(zip(USER_NAMES, row)) for row in await self.raw.rows(sql, values)])

    async def user(self, sql: str, values: tuple[Any, ...]) -> User:
        return User.model_validate(dict(zip(USER_NAMES, await self.raw.row(sql, values))))

    async def get(self) -> User:
        return await self.user(*self.sql.get)

    async def authored(self, sql: str, values: tuple[Any, ...]) -> list[AuthoredPost]:
        found = []
        for row in await self.raw.rows(sql, values):
            values_of_post = dict(zip(POST_NAMES, row))
            values_of_post["author"] = dict(zip(USER_NAMES, row[4:]))
            found.append(values_of_post)
        return AUTHORED.validate_python(found)

    async def prefetch_one(self) -> list[UserWithPosts]:
        users = await self.raw.rows(*self.sql.all_users)
        posts = defaultdict(list)
        for row in await self.raw.rows(*self.sql.posts_of([user[0] for user in users])):
            posts[row[1]].append(dict(zip(POST_NAMES, row)))
        return WITH_POSTS.validate_python(
            [{**dict(zip(USER_NAMES, user)), "posts": posts[user[0]]} for user in users]
        )

    async def prefetch_two(self) -> list[UserWithTaggedPosts]:
        users = await self.raw.rows(*self.sql.users_of_two_levels)
        found = await self.raw.rows(*self.sql.posts_of([user[0] for user in users]))
        tags, posts = defaultdict(list), defaultdict(list)
        for post_id, key, label in await self.raw.rows(*self.sql.tags_of([post[0] for post in found])):
            tags[post_id].append({"id": key, "label": label})
        for post in found:
            posts[post[1]].append({**dict(zip(POST_NAMES, post)), "tags": tags[post[0]]})
        return WITH_TAGGED_POSTS.validate_python(
            [{**dict(zip(USER_NAMES, user)), "posts": posts[user[0]]} for user in users]
        )

    async def gather(self, number: int) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(number))))

    async def statements_8(self) -> list[User]:
        return [await self.user(sql, values) for sql, values in self.sql.eight]

    async def wide(self) -> Any:
        return Wide.model_validate(dict(zip(WIDE_NAMES, await self.raw.row(*self.sql.wide))))

    async def documents(self) -> Any:
        adapter: Any = DOCUMENTS if self.raw.decodes_json else DOCUMENTS_AS_TEXT
        found = await self.raw.rows(*self.sql.documents)
        return adapter.validate_python([{"id": key, "data": data} for key, data in found])

    async def ledger(self) -> list[Entry]:
        names = rows.Entry._fields
        found = await self.raw.rows(*self.sql.ledger)
        return ENTRIES.validate_python([dict(zip(names, row)) for row in found])

    async def stream(self) -> int:
        number, names = 0, rows.Streamed._fields
        async for chunk in self.raw.chunks():
            for _ in STREAMED.validate_python([dict(zip(names, row)) for row in chunk]):
                number += 1
        return number

    def fresh(self) -> NewUser:
        """Validated, as what is to be written should be."""
        return NewUser(**dict(zip(USER_NAMES[1:], self.raw.values())))

    async def insert_one(self) -> NewUser:
        made = self.fresh()
        made.id = await self.raw.insert(self.sql.insert, tuple_of(made))
        return made

    async def insert_many(self, number: int) -> list[NewUser]:
        made = [self.fresh() for _ in range(number)]
        await self.raw.insert_all(self.sql.insert, [tuple_of(user) for user in made])
        return made

    async def bulk_100(self) -> list[NewUser]:
        return await self.insert_many(100)

    async def bulk_10000(self) -> list[NewUser]:
        return await self.insert_many(10_000)

    async def delete_one(self) -> None:
        made = await self.insert_one()
        await self.raw.run(self.sql.delete, (made.id,))


def tuple_of(user: NewUser) -> tuple[Any, ...]:
    """What the statement takes."""
    return (user.name, user.email, user.age, user.score, user.active)
