"""A module without tables: it gets no stub."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel

from oxyde import Field, Model
from oxyde.queries import Query, QueryManager

TAny = TypeVar("TAny", bound=BaseModel)


class Timed(Model):
    created: datetime | None = Field(default=None, db_default="CURRENT_TIMESTAMP")


class Greets:
    """A mix-in that is no model."""

    def greet(self, name: str = "you") -> str:
        return f"hello {name}"


class ActiveQuery(Query[TAny]):
    def active(self) -> ActiveQuery[TAny]:
        return self.filter(active=True)


class CountingManager(QueryManager[TAny]):
    async def how_many(self) -> int:
        return await self.get_query().count()
