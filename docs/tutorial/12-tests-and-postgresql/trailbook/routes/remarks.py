"""Remarks: threads, writing, changing, moderation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from trailbook.access import CurrentMember, Editor, Visitor, may_change
from trailbook.errors import Problem, documented, missing
from trailbook.models import Member, Remark
from trailbook.paging import Page, PageArgs, RowId, paged
from trailbook.queries import the_trail, thread, visible_remarks
from trailbook.schemas import RemarkChange, RemarkIn, RemarkNode, RemarkOut

router = APIRouter(tags=["remarks"])


async def _shown(remark_id: int, member: Member | None) -> RemarkOut:
    remark = await visible_remarks(member).get_or_none(id=remark_id, as_=RemarkOut)
    if remark is None:
        raise missing("remark")
    return remark


async def _own(remark_id: int, member: Member) -> RemarkOut:
    remark = await _shown(remark_id, member)
    may_change(member, remark.author.id)
    return remark


@router.get("/trails/{trail_id}/remarks", responses=documented(404))
async def get_thread(trail_id: RowId, member: Visitor) -> list[RemarkNode]:
    """The remarks of a trail that you may see, each with its replies."""
    await the_trail(trail_id)
    return await thread(trail_id, member)


@router.post("/trails/{trail_id}/remarks", status_code=201, responses=documented(401, 404))
async def create_remark(trail_id: RowId, given: RemarkIn, member: CurrentMember) -> RemarkOut:
    """A new remark, to be approved by an editor."""
    await the_trail(trail_id)
    if given.parent_id is not None:
        parents = visible_remarks(member).filter(id=given.parent_id, trail_id=trail_id)
        if not await parents.exists():
            raise Problem(422, "unknown_reference", "The remark that is answered is not one of this trail.")
    remark = await Remark.objects.create(
        body=given.body, trail_id=trail_id, author=member, parent_id=given.parent_id
    )
    return RemarkOut.model_validate(remark, from_attributes=True)


@router.get("/remarks/queue", responses=documented(401, 403))
async def queue(request: Request, _: Editor, args: Annotated[PageArgs, Query()]) -> Page[RemarkOut]:
    """What waits for approval, oldest first."""
    return await paged(request, Remark.objects.filter(approved=False).order_by("id"), args, RemarkOut)


@router.get("/remarks/{remark_id}", responses=documented(404))
async def get_remark(remark_id: RowId, member: Visitor) -> RemarkOut:
    """One remark, if you may see it."""
    return await _shown(remark_id, member)


@router.patch("/remarks/{remark_id}", responses=documented(401, 403, 404))
async def change_remark(remark_id: RowId, given: RemarkChange, member: CurrentMember) -> RemarkOut:
    """Another text, which has to be approved again."""
    await _own(remark_id, member)
    await Remark.objects.filter(id=remark_id).update(body=given.body, approved=False)
    return await _shown(remark_id, member)


@router.delete("/remarks/{remark_id}", status_code=204, responses=documented(401, 403, 404))
async def delete_remark(remark_id: RowId, member: CurrentMember) -> None:
    """Deletes a remark with its replies."""
    await _own(remark_id, member)
    await Remark.objects.filter(id=remark_id).delete()


@router.post("/remarks/{remark_id}/approve", responses=documented(401, 403, 404))
async def approve(remark_id: RowId, member: Editor) -> RemarkOut:
    """Shows a remark to everybody."""
    await Remark.objects.filter(id=remark_id).update(approved=True)
    return await _shown(remark_id, member)
