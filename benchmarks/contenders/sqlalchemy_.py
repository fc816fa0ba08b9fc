"""SQLAlchemy's ORM on asyncio (aiosqlite underneath)."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Select, delete, event, func, insert, select, update
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.jobs import FIRST_BATCH, PRAGMAS, person


class Base(DeclarativeBase):
    """Registry of this module's table."""


class Person(Base):
    """The table of all jobs."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    age: Mapped[int]
    score: Mapped[float]
    active: Mapped[bool]


class Contender:
    """Mapped objects, a session per call, as a web handler would."""

    async def open(self, path: str) -> None:
        self.engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

        @event.listens_for(self.engine.sync_engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            for pragma in PRAGMAS:
                connection.execute(pragma)

        self.session = async_sessionmaker(self.engine, expire_on_commit=False)
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await self.engine.dispose()

    async def rows(self, statement: Select[Any]) -> list[Any]:
        async with self.session() as session:
            return list((await session.scalars(statement)).all())

    async def get(self) -> Person | None:
        async with self.session() as session:
            return await session.get(Person, 500)

    async def all_rows(self) -> list[Person]:
        return await self.rows(select(Person).where(Person.id <= 1000))

    async def filtered(self) -> list[Person]:
        return await self.rows(
            select(Person)
            .where(Person.age >= 30, Person.active.is_(True))
            .order_by(Person.name.desc())
            .limit(100)
        )

    async def in_list(self) -> list[Person]:
        return await self.rows(select(Person).where(Person.id.in_(range(1, 1000, 20))))

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        async with self.session() as session:
            result = await session.execute(select(*Person.__table__.columns).where(Person.id <= 1000))
            return [dict(row) for row in result.mappings()]

    async def count(self) -> int:
        async with self.session() as session:
            return int(
                await session.scalar(select(func.count()).select_from(Person).where(Person.age >= 40)) or 0
            )

    async def aggregate(self) -> list[Any]:
        statement = (
            select(Person.age, func.count(), func.avg(Person.score))
            .where(Person.id <= 1000)
            .group_by(Person.age)
            .order_by(Person.age)
        )
        async with self.session() as session:
            return list((await session.execute(statement)).all())

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = person(self.next)._asdict()
        del values["id"]
        return values

    async def create(self) -> Person:
        async with self.session.begin() as session:
            made = Person(**self.values())
            session.add(made)
        return made

    async def bulk_create(self) -> None:
        async with self.session.begin() as session:
            await session.execute(insert(Person), [self.values() for _ in range(100)])

    async def update_one(self) -> None:
        async with self.session.begin() as session:
            await session.execute(update(Person).where(Person.id == 500).values(score=Person.score + 1.0))

    async def update_many(self) -> None:
        async with self.session.begin() as session:
            await session.execute(update(Person).where(Person.id <= 100).values(score=Person.score + 1.0))

    async def delete_one(self) -> None:
        made = await self.create()
        async with self.session.begin() as session:
            await session.execute(delete(Person).where(Person.id == made.id))

    async def transaction(self) -> None:
        async with self.session.begin() as session:
            found = await session.get(Person, 500)
            assert found is not None
            found.score += 1
            session.add(Person(**self.values()))

    async def gather_gets(self) -> list[Person | None]:
        return list(await asyncio.gather(*(self.get() for _ in range(50))))
