"""SQLModel: Pydantic models on SQLAlchemy, which does not validate what it loads."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Optional

from sqlalchemy import JSON
from sqlalchemy.orm import registry
from sqlmodel import Column, Field, Numeric, Relationship, SQLModel

from benchmarks.suite import rows
from benchmarks.suite.contenders import sqlalchemy_


class Base(SQLModel, registry=registry()):
    pass


class Person(Base):
    name: str = Field(max_length=100)
    email: str
    age: int
    score: float
    active: bool


class Link(Base, table=True):
    __tablename__ = rows.LINK
    id: Optional[int] = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key=f"{rows.POST}.id")
    tag_id: int = Field(foreign_key=f"{rows.TAG}.id")


class Tag(Base, table=True):
    __tablename__ = rows.TAG
    id: Optional[int] = Field(default=None, primary_key=True)
    label: str


class User(Person, table=True):
    __tablename__ = rows.USER
    id: Optional[int] = Field(default=None, primary_key=True)
    posts: list["Post"] = Relationship(back_populates="author")


class Post(Base, table=True):
    __tablename__ = rows.POST
    id: Optional[int] = Field(default=None, primary_key=True)
    author_id: int = Field(foreign_key=f"{rows.USER}.id")
    title: str
    views: int
    author: User = Relationship(back_populates="posts")
    tags: list[Tag] = Relationship(link_model=Link)


class Document(Base, table=True):
    __tablename__ = rows.DOCUMENT
    id: Optional[int] = Field(default=None, primary_key=True)
    data: dict[str, Any] = Field(sa_column=Column(JSON))


class Entry(Base, table=True):
    __tablename__ = rows.LEDGER_TABLE
    id: Optional[int] = Field(default=None, primary_key=True)
    amount: Decimal = Field(sa_column=Column(Numeric(12, 2)))
    fee: Decimal = Field(sa_column=Column(Numeric(12, 4)))
    booked: datetime
    due: date


class Streamed(Base, table=True):
    __tablename__ = rows.STREAM
    id: Optional[int] = Field(default=None, primary_key=True)
    name: str
    age: int
    score: float


WIDE: dict[str, Any] = {name: (int, str, float)[place % 3] for place, name in enumerate(rows.WIDE_FIELDS)}
Wide: Any = type(Base)(
    "Wide",
    (Base,),
    {
        "__module__": __name__,
        "__tablename__": rows.WIDE_TABLE,
        "__annotations__": {"id": Optional[int], **WIDE},
        "id": Field(default=None, primary_key=True),
    },
    table=True,
)


class Contender(sqlalchemy_.Contender):
    """SQLModel's objects, in SQLAlchemy's session, which SQLModel's own wraps."""

    user = User
    post = Post
    document = Document
    entry = Entry
    streamed = Streamed
    wide_class = Wide

    def written_class(self, table: str) -> Any:
        class Written(Person, table=True):
            __tablename__ = table
            id: Optional[int] = Field(default=None, primary_key=True)

        return Written
