"""Trails: list, search, look at, write, change, publish, delete, count a view."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from oxyde import Q, atomic
from trailbook.access import Author, CurrentMember, Visitor, may_change
from trailbook.errors import documented, missing
from trailbook.models import Role, Trail, now
from trailbook.paging import KeysetArgs, Page, RowId, Stretch, page_size, paged
from trailbook.queries import filtered, place_labels, the_trail, thread, touch, trail_detail, trails
from trailbook.schemas import (
    Publication,
    Search,
    TrailChange,
    TrailDetail,
    TrailFilters,
    TrailFull,
    TrailIn,
    TrailOut,
)
from trailbook.slugs import slugify, with_free_slug

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


@router.get("/{trail_id}/full", responses=documented(404))
async def get_full_trail(trail_id: RowId, member: Visitor) -> TrailFull:
    """One trail with the remarks that you may see."""
    trail = await trail_detail(trail_id)
    return TrailFull(**dict(trail), remarks=await thread(trail_id, member))


@router.post("", status_code=201, responses=documented(401, 403))
async def create_trail(given: TrailIn, member: Author) -> TrailDetail:
    """A new trail with its labels: all of it or nothing."""
    values: dict[str, Any] = given.model_dump(exclude={"labels"})

    async def write(slug: str) -> Trail:
        return await Trail.objects.create(**values, slug=slug, author=member)

    async def create() -> TrailDetail:
        trail = await with_free_slug(slugify(given.title, "trail"), write)
        assert trail.id is not None
        await place_labels(trail.id, given.labels)
        return await trail_detail(trail.id)

    # Two who write the same name at once may be in each other's way on MySQL.
    return await atomic(retries=5).run(create)


@router.patch("/{trail_id}", responses=documented(401, 403, 404, 409))
async def change_trail(trail_id: RowId, given: TrailChange, member: CurrentMember) -> TrailDetail:
    """Changes what is given; the slug stays, so that links stay good."""
    async with atomic():
        trail = await the_trail(trail_id)
        may_change(member, trail.author_id, Role.AUTHOR)
        changes = given.model_dump(exclude_unset=True, exclude={"version"})
        await touch(trail_id, given.version, **changes)
        return await trail_detail(trail_id)


@router.delete("/{trail_id}", status_code=204, responses=documented(401, 403, 404))
async def delete_trail(trail_id: RowId, member: CurrentMember) -> None:
    """Deletes a trail with its remarks, visits and links."""
    trail = await the_trail(trail_id)
    may_change(member, trail.author_id, Role.AUTHOR)
    await trail.delete()


@router.post("/{trail_id}/publish", responses=documented(401, 403, 404, 409))
async def publish(trail_id: RowId, given: Publication, member: CurrentMember) -> TrailDetail:
    """Publishes a trail, today unless a day is given."""
    async with atomic():
        trail = await the_trail(trail_id)
        may_change(member, trail.author_id, Role.AUTHOR)
        await touch(trail_id, published_on=given.on or now().date())
        return await trail_detail(trail_id)


@router.post("/{trail_id}/views", status_code=204, responses=documented(404))
async def count_view(trail_id: RowId) -> None:
    """One more view, added by the database: none is lost however many come at once."""
    if not await Trail.objects.filter(id=trail_id).increment("views"):
        raise missing("trail")
