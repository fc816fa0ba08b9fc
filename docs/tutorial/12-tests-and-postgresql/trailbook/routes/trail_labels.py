"""The labels of a trail: replace them, add one, remove one."""

from __future__ import annotations

from fastapi import APIRouter

from oxyde import Max, atomic
from trailbook.access import CurrentMember, may_change
from trailbook.errors import documented, missing
from trailbook.models import Label, Member, Role, TrailLabel
from trailbook.paging import RowId
from trailbook.queries import place_labels, the_trail, touch, trail_detail
from trailbook.schemas import Labels, TrailDetail

router = APIRouter(prefix="/trails/{trail_id}/labels", tags=["trails"])


async def _changing(trail_id: int, member: Member) -> None:
    trail = await the_trail(trail_id)
    may_change(member, trail.author_id, Role.AUTHOR)
    await touch(trail_id)


@router.put("", responses=documented(401, 403, 404, 409))
async def replace_labels(trail_id: RowId, label_ids: Labels, member: CurrentMember) -> TrailDetail:
    """These labels in this order, and no others."""
    async with atomic():
        await _changing(trail_id, member)
        await TrailLabel.objects.filter(trail_id=trail_id).delete()
        await place_labels(trail_id, label_ids)
        return await trail_detail(trail_id)


@router.post("/{label_id}", responses=documented(401, 403, 404, 409))
async def add_label(trail_id: RowId, label_id: RowId, member: CurrentMember) -> TrailDetail:
    """One more label, behind the others; nothing if it is there."""
    async with atomic():
        await _changing(trail_id, member)
        if not await Label.objects.filter(id=label_id).exists():
            raise missing("label")
        links = TrailLabel.objects.filter(trail_id=trail_id)
        if not await links.filter(label_id=label_id).exists():
            last = (await links.aggregate(last=Max("position", default=-1)))["last"]
            await place_labels(trail_id, [label_id], last + 1)
        return await trail_detail(trail_id)


@router.delete("/{label_id}", responses=documented(401, 403, 404, 409))
async def remove_label(trail_id: RowId, label_id: RowId, member: CurrentMember) -> TrailDetail:
    """One label less; 404 if it was none of this trail's."""
    async with atomic():
        await _changing(trail_id, member)
        if not await TrailLabel.objects.filter(trail_id=trail_id, label_id=label_id).delete():
            raise missing("label")
        return await trail_detail(trail_id)
