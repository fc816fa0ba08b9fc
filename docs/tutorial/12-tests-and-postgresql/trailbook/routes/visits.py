"""Visits: list, create, import, write by key."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Body, Query, Request

from oxyde import atomic
from trailbook.access import CurrentMember, Editor, may_change
from trailbook.errors import documented
from trailbook.models import Visit
from trailbook.paging import Page, paged
from trailbook.schemas import Imported, VisitFilters, VisitIn, VisitOut, VisitRow

router = APIRouter(prefix="/visits", tags=["visits"])
Rows = Annotated[list[VisitRow], Body(min_length=1, max_length=5000)]


@router.get("", responses=documented(401))
async def list_visits(
    request: Request, _: CurrentMember, given: Annotated[VisitFilters, Query()]
) -> Page[VisitOut]:
    """Visits that all filters keep, the latest day first."""
    conditions: dict[str, Any] = {
        "trail_id": given.trail,
        "member_id": given.member,
        "day__gte": given.day_from,
        "day__lte": given.day_to,
    }
    rows = Visit.objects.filter(**{name: value for name, value in conditions.items() if value is not None})
    return await paged(request, rows.order_by("-day", "id"), given, VisitOut)


@router.post("", status_code=201, responses=documented(401))
async def create_visit(given: VisitIn, member: CurrentMember) -> VisitOut:
    """A visit of yours."""
    visit = await Visit.objects.create(**given.model_dump(), member=member)
    return VisitOut.model_validate(visit, from_attributes=True)


@router.post("/import", status_code=201, responses=documented(401, 403, 409))
async def import_visits(given: Rows, _: Editor) -> Imported:
    """Many visits: all of them or none. Of rows with the same key the last one counts."""
    once = {row.id or uuid4(): row for row in given}
    visits = [Visit(**row.model_dump(exclude={"id"}), id=key) for key, row in once.items()]
    async with atomic():
        await Visit.objects.bulk_create(visits)
    return Imported(rows=len(visits))


@router.put("/{visit_id}", responses=documented(401, 403))
async def write_visit(visit_id: UUID, given: VisitIn, member: CurrentMember) -> VisitOut:
    """The visit with this key, new or changed: safe to send again."""
    async with atomic():
        there = await Visit.objects.get_or_none(id=visit_id)
        if there is not None:
            may_change(member, there.member_id or 0)
        owner = there.member_id if there else member.id
        visit = await Visit.objects.upsert(
            id=visit_id, **given.model_dump(), member_id=owner, unique_fields=["id"]
        )
    return VisitOut.model_validate(visit, from_attributes=True)
