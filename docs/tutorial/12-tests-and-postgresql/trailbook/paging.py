"""Pages of lists, by number and by key."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from fastapi import Path, Request
from pydantic import BaseModel, Field

from oxyde import Model, Query

Item = TypeVar("Item", bound=BaseModel)
Row = TypeVar("Row", bound=Model)

BIGGEST = 2**63 - 1
RowId = Annotated[int, Path(ge=1, le=BIGGEST)]
PerPage = Annotated[int | None, Field(ge=1, le=100)]


class PageArgs(BaseModel):
    """Which page; lists with filters add theirs."""

    page: int = Field(default=1, ge=1, le=100_000)
    per_page: PerPage = None


class KeysetArgs(BaseModel):
    """The rows after one key: as fast at the end of a long list as at its beginning."""

    after: int | None = Field(default=None, ge=1, le=BIGGEST)
    per_page: PerPage = None


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    total: int
    page: int
    per_page: int
    pages: int


class Stretch(BaseModel, Generic[Item]):
    """Some rows, and the key to go on from; None at the end."""

    items: list[Item]
    next: int | None


def page_size(request: Request, wanted: int | None) -> int:
    """The size that was asked for, or the one of the settings."""
    default: int = request.app.state.settings.page_size
    return wanted or default


async def paged(request: Request, query: Query[Row], args: PageArgs, as_: type[Item]) -> Page[Item]:
    """A page of the query: one statement for the count, one for the rows, one for each relation."""
    size = page_size(request, args.per_page)
    start = (args.page - 1) * size
    total = await query.count()
    items = await query[start : start + size].all(as_=as_)
    return Page(items=items, total=total, page=args.page, per_page=size, pages=-(-total // size))
