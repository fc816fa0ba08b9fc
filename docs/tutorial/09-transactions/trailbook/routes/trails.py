"""Trails: list, search, look at."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from oxyde import Q
from trailbook.errors import documented
from trailbook.paging import KeysetArgs, Page, RowId, Stretch, page_size, paged
from trailbook.queries import filtered, trail_detail, trails
from trailbook.schemas import (
    Search,
    TrailDetail,
    TrailFilters,
    TrailOut,
)

router = APIRouter(prefix="/trails", tags=["trails"])


@router.get("", responses=documented())
async def list_trails(request: Request, given: Annotated[TrailFilters, Query()]) -> Page[TrailOut]:
    """Trails that all filters keep, newest first."""
    return await paged(request, filtered(given), given, TrailOut)


@router.get("/stretch", responses=documented())
async def stretch(request: Request, given: Annotated[KeysetArgs, Query()]) -> Stretch[TrailOut]:
    """Trails after a key, newest first, without counting."""
    size = page_size(request, given.per_page)
    rows = trails() if given.after is None else trails().filter(id__lt=given.after)
    items = await rows[: size + 1].all(as_=TrailOut)
    return Stretch(items=items[:size], next=items[size - 1].id if len(items) > size else None)


@router.get("/search", responses=documented())
async def search(request: Request, given: Annotated[Search, Query()]) -> Page[TrailOut]:
    """Trails with this text, as it is, in title or body."""
    found = trails().filter(Q(title__icontains=given.q) | Q(body__icontains=given.q))
    return await paged(request, found, given, TrailOut)


@router.get("/{trail_id}", responses=documented(404))
async def get_trail(trail_id: RowId) -> TrailDetail:
    """One trail."""
    return await trail_detail(trail_id)
