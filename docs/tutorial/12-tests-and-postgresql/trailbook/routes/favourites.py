"""Favourites: mine, add, remove."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from oxyde import Prefetch
from trailbook.access import CurrentMember
from trailbook.errors import documented, missing
from trailbook.models import Favourite, Trail
from trailbook.paging import Page, PageArgs, RowId, paged
from trailbook.queries import PLACED, the_trail
from trailbook.schemas import FavouriteOut

router = APIRouter(prefix="/favourites", tags=["favourites"])


@router.get("", responses=documented(401))
async def mine(
    request: Request, member: CurrentMember, args: Annotated[PageArgs, Query()]
) -> Page[FavouriteOut]:
    """The trails that you keep, the latest first."""
    kept = Favourite.objects.filter(member=member).order_by("-created", "-trail_id")
    with_trails = kept.prefetch(Prefetch("trail", Trail.objects.prefetch(PLACED)))
    return await paged(request, with_trails, args, FavouriteOut)


@router.put("/{trail_id}", status_code=204, responses=documented(401, 404))
async def add(trail_id: RowId, member: CurrentMember) -> None:
    """Keeps a trail; nothing if it is kept already."""
    await the_trail(trail_id)
    await Favourite.objects.get_or_create(member_id=member.id, trail_id=trail_id)


@router.delete("/{trail_id}", status_code=204, responses=documented(401, 404))
async def remove(trail_id: RowId, member: CurrentMember) -> None:
    """Keeps a trail no longer."""
    if not await Favourite.objects.filter(member=member, trail_id=trail_id).delete():
        raise missing("favourite")
