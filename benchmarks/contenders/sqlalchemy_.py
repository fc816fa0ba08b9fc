"""SQLAlchemy's ORM on asyncio (aiosqlite, asyncpg, asyncmy underneath)."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import ForeignKey, Select, delete, event, func, insert, select, update
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

from benchmarks.databases import Place
from benchmarks.jobs import FIRST_BATCH, POOL, PRAGMAS, person


def classes(table: str, notes: str) -> tuple[Any, Any]:
    """The table of all jobs, and the one that is joined to it."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = table
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        email: Mapped[str]
        age: Mapped[int]
        score: Mapped[float]
        active: Mapped[bool]

    class Note(Base):
        __tablename__ = notes
        id: Mapped[int] = mapped_column(primary_key=True)
        person_id: Mapped[int] = mapped_column(ForeignKey(f"{table}.id"))
        text: Mapped[str]
        person: Mapped[Any] = relationship(Person)

    return Person, Note


class Contender:
    """Mapped objects, a session per call, as a web handler would."""

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
        self.person, self.note = classes(place.table, place.notes)
        self.session = async_sessionmaker(self.engine, expire_on_commit=False)
        self.next = FIRST_BATCH

    async def close(self) -> None:
        await self.engine.dispose()

    async def rows(self, statement: Select[Any]) -> list[Any]:
        async with self.session() as session:
            return list((await session.scalars(statement)).all())

    async def get(self) -> Any:
        async with self.session() as session:
            return await session.get(self.person, 500)

    async def all_rows(self) -> list[Any]:
        return await self.rows(select(self.person).where(self.person.id <= 1000))

    async def filtered(self) -> list[Any]:
        return await self.rows(
            select(self.person)
            .where(self.person.age >= 30, self.person.active.is_(True))
            .order_by(self.person.name.desc())
            .limit(100)
        )

    async def in_list(self) -> list[Any]:
        return await self.rows(select(self.person).where(self.person.id.in_(range(1, 1000, 20))))

    async def rows_as_dicts(self) -> list[dict[str, Any]]:
        async with self.session() as session:
            result = await session.execute(
                select(*self.person.__table__.columns).where(self.person.id <= 1000)
            )
            return [dict(row) for row in result.mappings()]

    async def joined(self) -> list[Any]:
        return await self.rows(select(self.note).options(joinedload(self.note.person)))

    async def count(self) -> int:
        async with self.session() as session:
            return int(
                await session.scalar(
                    select(func.count()).select_from(self.person).where(self.person.age >= 40)
                )
                or 0
            )

    async def aggregate(self) -> list[Any]:
        statement = (
            select(self.person.age, func.count(), func.avg(self.person.score))
            .where(self.person.id <= 1000)
            .group_by(self.person.age)
            .order_by(self.person.age)
        )
        async with self.session() as session:
            return list((await session.execute(statement)).all())

    def values(self) -> dict[str, Any]:
        self.next += 1
        values = person(self.next)._asdict()
        del values["id"]
        return values

    async def create(self) -> Any:
        async with self.session.begin() as session:
            made = self.person(**self.values())
            session.add(made)
        return made

    async def bulk_create(self) -> None:
        async with self.session.begin() as session:
            await session.execute(insert(self.person), [self.values() for _ in range(100)])

    async def update_one(self) -> None:
        async with self.session.begin() as session:
            await session.execute(
                update(self.person).where(self.person.id == 500).values(score=self.person.score + 1.0)
            )

    async def update_many(self) -> None:
        async with self.session.begin() as session:
            await session.execute(
                update(self.person).where(self.person.id <= 100).values(score=self.person.score + 1.0)
            )

    async def delete_one(self) -> None:
        made = await self.create()
        async with self.session.begin() as session:
            await session.execute(delete(self.person).where(self.person.id == made.id))

    async def transaction(self) -> None:
        async with self.session.begin() as session:
            found = await session.get(self.person, 500)
            assert found is not None
            found.score += 1
            session.add(self.person(**self.values()))

    async def gather_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(50))))

    async def pool_gets(self) -> list[Any]:
        return list(await asyncio.gather(*(self.get() for _ in range(100))))
