"""Regions: the tree, one, its trails."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from trailbook.errors import documented, missing
from trailbook.models import Region
from trailbook.paging import Page, PageArgs, paged
from trailbook.queries import trails
from trailbook.schemas import RegionNode, RegionOut, TrailOut

router = APIRouter(prefix="/regions", tags=["regions"])


@router.get("", responses=documented())
async def tree() -> list[RegionNode]:
    """All regions, those inside others below them; one statement."""
    rows = await Region.objects.order_by("name", "code").all()
    nodes = {row.code: RegionNode(code=row.code, name=row.name) for row in rows}
    top: list[RegionNode] = []
    for row in rows:
        siblings = nodes[row.parent_code].children if row.parent_code else top
        siblings.append(nodes[row.code])
    return top


@router.get("/{code}", responses=documented(404))
async def get_region(code: str) -> RegionOut:
    """One region."""
    region = await Region.objects.get_or_none(code=code, as_=RegionOut)
    if region is None:
        raise missing("region")
    return region


@router.get("/{code}/trails", responses=documented(404))
async def trails_of_region(code: str, request: Request, args: Annotated[PageArgs, Query()]) -> Page[TrailOut]:
    """The trails of one region."""
    await get_region(code)
    return await paged(request, trails().filter(region_code=code), args, TrailOut)
