"""Queries that several routes begin with, and what they share about trails."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from oxyde import F, Prefetch, Q, Query
from trailbook.access import at_least
from trailbook.errors import Problem, missing
from trailbook.models import Member, Remark, Role, Trail, TrailLabel, now
from trailbook.schemas import RemarkNode, RemarkOut, TrailDetail, TrailFilters

PLACED = Prefetch("placed_labels", TrailLabel.objects.order_by("position", "label_id"))


def trails() -> Query[Trail]:
    """Trails, newest first, with their labels in the order in which they were placed."""
    return Trail.objects.order_by("-id").prefetch(PLACED)


def filtered(given: TrailFilters) -> Query[Trail]:
    """Trails that all the given filters keep."""
    conditions: dict[str, Any] = {
        "region_code": given.region,
        "difficulty": given.difficulty,
        "labels__slug": given.label,
        "author_id": given.author,
        "length_km__gte": given.length_from,
        "length_km__lte": given.length_to,
        "published_on__gte": given.published_from,
        "published_on__lte": given.published_to,
        "published_on__isnull": None if given.published is None else not given.published,
    }
    return trails().filter(**{name: value for name, value in conditions.items() if value is not None})


async def the_trail(trail_id: int) -> Trail:
    """The trail with this key, or 404."""
    trail = await Trail.objects.get_or_none(id=trail_id)
    if trail is None:
        raise missing("trail")
    return trail


async def trail_detail(trail_id: int) -> TrailDetail:
    """The answer about one trail, or 404."""
    trail = await trails().get_or_none(id=trail_id, as_=TrailDetail)
    if trail is None:
        raise missing("trail")
    return trail


async def touch(trail_id: int, version: int | None = None, /, **changes: object) -> None:
    """Writes the changes, the time and the next version; a `version` that is over is 409."""
    rows = Trail.objects.filter(id=trail_id)
    if version is not None:
        rows = rows.filter(version=version)
    moment: datetime = now()
    if not await rows.update({**changes, "updated": moment, "version": F("version") + 1}):
        raise Problem(409, "stale", "Somebody else changed this trail; read it again.")


async def place_labels(trail_id: int, label_ids: Iterable[int], first: int = 0) -> None:
    """Links labels in this order; an id that is there twice counts once."""
    once = dict.fromkeys(label_ids)
    await TrailLabel.objects.bulk_create(
        [
            TrailLabel(trail_id=trail_id, label_id=label_id, position=position)
            for position, label_id in enumerate(once, first)
        ]
    )


def visible_remarks(member: Member | None) -> Query[Remark]:
    """Remarks that this member may see: the approved, their own, and for editors all."""
    if at_least(member, Role.EDITOR):
        return Remark.objects.order_by("id")
    shown = Q(approved=True) | (Q(author_id=member.id) if member else Q(approved=True))
    return Remark.objects.filter(shown).order_by("id")


async def thread(trail_id: int, member: Member | None) -> list[RemarkNode]:
    """The remarks of a trail, each with its replies; two statements however many there are.

    A reply to what is not visible stands by itself.
    """
    nodes: dict[int | None, RemarkNode] = {}
    top: list[RemarkNode] = []
    for remark in await visible_remarks(member).filter(trail_id=trail_id).all(as_=RemarkOut):
        node = nodes[remark.id] = RemarkNode(**dict(remark))
        parent = nodes.get(remark.parent_id)
        (parent.replies if parent else top).append(node)
    return top
