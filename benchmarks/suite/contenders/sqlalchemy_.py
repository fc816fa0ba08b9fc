"""SQLAlchemy's ORM on asyncio (aiosqlite, asyncpg, asyncmy underneath)."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Double,
    ForeignKey,
    Numeric,
    String,
    delete,
    event,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    contains_eager,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)

from benchmarks.databases import POOL, PRAGMAS, Place
from benchmarks.suite import rows
from benchmarks.suite.jobs import IN_KEYS, TWO_LEVEL_USERS


class Base(DeclarativeBase):
    pass


class Link(Base):
    __tablename__ = rows.LINK
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey(f"{rows.POST}.id"))
    tag_id: Mapped[int] = mapped_column(ForeignKey(f"{rows.TAG}.id"))


class Tag(Base):
    __tablename__ = rows.TAG
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]


class Person:
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    age: Mapped[int]
    score: Mapped[float]
    active: Mapped[bool]


class User(Person, Base):
    __tablename__ = rows.USER
    posts: Mapped[list[Post]] = relationship(back_populates="author")


class Post(Base):
    __tablename__ = rows.POST
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey(f"{rows.USER}.id"))
    title: Mapped[str]
    views: Mapped[int]
    author: Mapped[User] = relationship(back_populates="posts")
    tags: Mapped[list[Tag]] = relationship(secondary=rows.LINK)


class Document(Base):
    __tablename__ = rows.DOCUMENT
    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class Entry(Base):
    __tablename__ = rows.LEDGER_TABLE
    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    fee: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    booked: Mapped[datetime]
    due: Mapped[date]


class Streamed(Base):
    __tablename__ = rows.STREAM
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    age: Mapped[int]
    score: Mapped[float]


class Wide(Base):
    __tablename__ = rows.WIDE_TABLE
    id: Mapped[int] = mapped_column(primary_key=True)
    for place, name in enumerate(rows.WIDE_FIELDS):
        locals()[name] = mapped_column((BigInteger, String, Double)[place % 3])
    del place, name


def written_class(table: str) -> Any:
    """The table that is written."""
    return type("Written", (Person, Base), {"__tablename__": table, "__module__": __name__})


class Contender:
    """Mapped objects, a session per call, as a web handler would."""

    user: Any = User
    post: Any = Post
    document: Any = Document
    entry: Any = Entry
    streamed: Any = Streamed
    wide_class: Any = Wide

    async def open(self, place: Place) -> None:
        if place.backend == "sqlite":
            self.engine = create_async_engine(f"sqlite+aiosqlite:///{place.path}")

            @event.listens_for(self.engine.sync_engine, "connect")
            def prepare(connection: Any, _record: Any) -> None:
                for pragma in PRAGMAS:
                    connection.execute(pragma)

        else:
            on_postgres = place.backend == "postgres"
            self.engine = create_async_engine(
                place.url("postgresql+asyncpg" if on_postgres else "mysql+asyncmy"),
                pool_size=POOL,
                max_overflow=0,
                connect_args={"server_settings": {"synchronous_commit": "off"}} if on_postgres else {},
            )
        self.written = self.written_class(place.table)
        self.session = async_sessionmaker(self.engine, expire_on_commit=False)
        if place.backend == "sqlite":
            self.ledger = None  # type: ignore[method-assign,assignment]  # decimals are floats there
        self.next = rows.USERS
        user = self.user
        self.eight = (
            select(user).where(user.id == 500),
            select(user).where(user.id == 500, user.age >= 20),
            select(user).where(user.id == 500, user.score >= 1.5),
            select(user).where(user.id == 500, user.active.is_(True)),
            select(user).where(user.id == 500, user.age <= 69),
            select(user).where(user.id == 500, user.score <= 9999.5),
            select(user).where(user.id == 500, user.name == rows.user(500).name),
            select(user).where(user.id == 500, user.email == rows.user(500).email),
        )
        for number in (10, 50, 100):
            setattr(self, f"gather_{number}", partial(self.gather, number))

    def written_class(self, table: str) -> Any:
        """The table that is written."""
        return written_class(table)

    async def close(self) -> None:
        await self.engine.dispose()

    async def rows(self, statement: Any) -> list[Any]:
        async with self.session() as session:
            return list((await session.scalars(statement)).all())

    async def get(self) -> Any:
        async with self.session() as session:
            return await session.get(self.user, 500)

    async def filter_800(self) -> list[Any]:
        return await self.rows(select(self.user).where(self.user.age >= 30))

    async def filter_simple(self) -> list[Any]:
        return await self.rows(select(self.user).where(self.user.age == 40))

    async def filter_complex(self) -> list[Any]:
        user = self.user
        either = or_((user.age >= 30) & (user.age < 40), user.score >= 1000.0)
        return await self.rows(
            select(user).where(either, user.active.is_(True), ~user.name.startswith("User 0090"))
        )

    async def filter_in(self) -> list[Any]:
        return await self.rows(select(self.user).where(self.user.id.in_(IN_KEYS)))

    async def order_limit(self) -> list[Any]:
        return await self.rows(select(self.user).order_by(self.user.age.desc(), self.user.name).limit(50))

    async def count(self) -> int:
        statement = select(func.count()).select_from(self.user).where(self.user.age >= 30)
        async with self.session() as session:
            return int(await session.scalar(statement) or 0)

    async def aggregate(self) -> Any:
        age, score = self.user.age, self.user.score
        statement = select(func.count(), func.sum(age), func.avg(score), func.min(score), func.max(score))
        async with self.session() as session:
            return (await session.execute(statement.where(self.user.active.is_(True)))).one()

    async def join_all(self) -> list[Any]:
        return await self.rows(select(self.post).options(joinedload(self.post.author)))

    async def join_filter(self) -> list[Any]:
        return await self.rows(
            select(self.post)
            .join(self.post.author)
            .options(contains_eager(self.post.author))
            .where(self.user.age == 40)
        )

    async def prefetch_one(self) -> list[Any]:
        statement = select(self.user).order_by(self.user.id).options(selectinload(self.user.posts))
        return await self.rows(statement)

    async def prefetch_two(self) -> list[Any]:
        deep = selectinload(self.user.posts).selectinload(self.post.tags)
        users = select(self.user).where(self.user.id <= TWO_LEVEL_USERS).order_by(self.user.id)
        return await self.rows(users.options(deep))

    async def gather(self, number: int) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(number))))

    async def statements_8(self) -> list[Any]:
        async with self.session() as session:
            return [(await session.scalars(statement)).one() for statement in self.eight]

    async def wide(self) -> Any:
        async with self.session() as session:
            return await session.get(self.wide_class, 7)

    async def documents(self) -> list[Any]:
        return await self.rows(select(self.document))

    async def ledger(self) -> list[Any]:
        return await self.rows(select(self.entry))

    async def stream(self) -> int:
        number = 0
        async with self.session() as session:
            found = await session.stream_scalars(select(self.streamed).execution_options(yield_per=2000))
            async for _ in found:
                number += 1
        return number

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = rows.user(self.next)._asdict()
        del values["id"]
        return values

    async def insert_one(self) -> Any:
        async with self.session.begin() as session:
            made = self.written(**self.values())
            session.add(made)
        return made

    async def insert_many(self, number: int) -> None:
        async with self.session.begin() as session:
            await session.execute(insert(self.written), [self.values() for _ in range(number)])

    async def bulk_100(self) -> None:
        await self.insert_many(100)

    async def bulk_10000(self) -> None:
        await self.insert_many(10_000)

    async def add_score(self, condition: Any) -> None:
        async with self.session.begin() as session:
            await session.execute(
                update(self.written).where(condition).values(score=self.written.score + 1.0)
            )

    async def update_one(self) -> None:
        await self.add_score(self.written.id == 500)

    async def update_many(self) -> None:
        await self.add_score(self.written.id <= 100)

    async def delete_one(self) -> None:
        made = await self.insert_one()
        async with self.session.begin() as session:
            await session.execute(delete(self.written).where(self.written.id == made.id))
