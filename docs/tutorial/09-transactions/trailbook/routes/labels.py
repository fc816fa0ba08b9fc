"""Labels: list, look at, their trails."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from trailbook.errors import documented, missing
from trailbook.models import Label
from trailbook.paging import Page, PageArgs, paged
from trailbook.queries import trails
from trailbook.schemas import LabelOut, TrailOut

router = APIRouter(prefix="/labels", tags=["labels"])


@router.get("", responses=documented())
async def list_labels(request: Request, args: Annotated[PageArgs, Query()]) -> Page[LabelOut]:
    """All labels by name."""
    return await paged(request, Label.objects.order_by("name", "id"), args, LabelOut)


@router.get("/{slug}", responses=documented(404))
async def get_label(slug: str) -> LabelOut:
    """One label."""
    label = await Label.objects.get_or_none(slug=slug, as_=LabelOut)
    if label is None:
        raise missing("label")
    return label


@router.get("/{slug}/trails", responses=documented(404))
async def trails_of_label(slug: str, request: Request, args: Annotated[PageArgs, Query()]) -> Page[TrailOut]:
    """The trails that have this label."""
    label = await get_label(slug)
    return await paged(request, trails().filter(labels__id=label.id), args, TrailOut)
