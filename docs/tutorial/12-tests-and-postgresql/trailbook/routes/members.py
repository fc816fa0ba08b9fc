"""Members: list, look at, change, deactivate, their trails and figures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from oxyde import Count, Sum, atomic
from oxyde_admin.auth import hash_password
from trailbook.access import CurrentMember, at_least
from trailbook.errors import Problem, documented, forbidden, missing
from trailbook.models import Favourite, LoginToken, Member, Role, Trail, Visit
from trailbook.paging import Page, PageArgs, RowId, paged
from trailbook.queries import trails
from trailbook.schemas import MemberChange, MemberOut, MemberPrivate, MemberStatistics, TrailOut

router = APIRouter(prefix="/members", tags=["members"])


async def _found(member_id: int) -> Member:
    member = await Member.objects.get_or_none(id=member_id)
    if member is None:
        raise missing("member")
    return member


async def _keep_an_admin(leaving: Member) -> None:
    others = Member.objects.filter(role=Role.ADMIN, active=True).exclude(id=leaving.id)
    if leaving.role is Role.ADMIN and not await others.for_update().all():
        raise Problem(409, "last_admin", "Somebody has to remain who administers.")


@router.get("", responses=documented(401))
async def list_members(
    request: Request, _: CurrentMember, args: Annotated[PageArgs, Query()]
) -> Page[MemberOut]:
    """All members by handle."""
    return await paged(request, Member.objects.order_by("handle", "id"), args, MemberOut)


@router.get("/{member_id}", responses=documented(401, 404))
async def get_member(member_id: RowId, me: CurrentMember) -> MemberPrivate | MemberOut:
    """One member; the address only for the member and administrators."""
    member = await _found(member_id)
    shown = MemberPrivate if at_least(me, Role.ADMIN) or me.id == member.id else MemberOut
    return shown.model_validate(member, from_attributes=True)


@router.patch("/{member_id}", responses=documented(401, 403, 404, 409))
async def change_member(member_id: RowId, given: MemberChange, me: CurrentMember) -> MemberPrivate:
    """Changes what is given; a new password ends every login."""
    changes: dict[str, Any] = given.model_dump(exclude_unset=True)
    admin = at_least(me, Role.ADMIN)
    if not admin and (me.id != member_id or "role" in changes):
        raise forbidden()
    if "password" in changes:
        plain = changes.pop("password").get_secret_value()
        changes |= {"password_hash": await hash_password(plain), "password_seeded": False}
    if "email" in changes:
        changes["email"] = changes["email"].lower()
    async with atomic():
        member = await _found(member_id)
        if changes.get("role", Role.ADMIN) is not Role.ADMIN:
            await _keep_an_admin(member)
        if changes:
            await Member.objects.filter(id=member_id).update(**changes)
        if "password_hash" in changes:
            await LoginToken.objects.filter(member=member).delete()
        return await Member.objects.get(id=member_id, as_=MemberPrivate)


@router.post("/{member_id}/deactivate", responses=documented(401, 403, 404, 409))
async def deactivate(member_id: RowId, me: CurrentMember) -> MemberOut:
    """The member stays but cannot log in; every login ends."""
    if not at_least(me, Role.ADMIN) and me.id != member_id:
        raise forbidden()
    async with atomic():
        member = await _found(member_id)
        await _keep_an_admin(member)
        await LoginToken.objects.filter(member=member).delete()
        await Member.objects.filter(id=member_id).update(active=False)
        return await Member.objects.get(id=member_id, as_=MemberOut)


@router.get("/{member_id}/trails", responses=documented(404))
async def trails_of_member(
    member_id: RowId, request: Request, args: Annotated[PageArgs, Query()]
) -> Page[TrailOut]:
    """What a member wrote, newest first."""
    await _found(member_id)
    return await paged(request, trails().filter(author_id=member_id), args, TrailOut)


@router.get("/{member_id}/statistics", responses=documented(404))
async def statistics(member_id: RowId) -> MemberStatistics:
    """Figures of one member; a statement for each table."""
    member = await _found(member_id)
    written = await Trail.objects.filter(author=member).aggregate(
        trails=Count("*"), views=Sum("views", default=0)
    )
    walked = await Visit.objects.filter(member=member).aggregate(
        visits=Count("*"), minutes=Sum("minutes", default=0)
    )
    said = await Member.objects.filter(id=member_id).aggregate(remarks=Count("remarks"))
    kept = await Favourite.objects.filter(member=member).count()
    return MemberStatistics(**written, **walked, **said, favourites=kept)
