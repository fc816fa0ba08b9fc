"""Queries that several routes begin with, and what they share about trails."""

from __future__ import annotations

from typing import Any

from oxyde import Prefetch, Query
from trailbook.errors import missing
from trailbook.models import Trail, TrailLabel
from trailbook.schemas import TrailDetail, TrailFilters

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


async def trail_detail(trail_id: int) -> TrailDetail:
    """The answer about one trail, or 404."""
    trail = await trails().get_or_none(id=trail_id, as_=TrailDetail)
    if trail is None:
        raise missing("trail")
    return trail
