"""Labels: list, create, look at, delete, their trails."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from oxyde import atomic
from trailbook.access import Editor
from trailbook.errors import documented, missing
from trailbook.models import Label
from trailbook.paging import Page, PageArgs, RowId, paged
from trailbook.queries import trails
from trailbook.schemas import LabelIn, LabelOut, TrailOut
from trailbook.slugs import slugify, with_free_slug

router = APIRouter(prefix="/labels", tags=["labels"])


@router.get("", responses=documented())
async def list_labels(request: Request, args: Annotated[PageArgs, Query()]) -> Page[LabelOut]:
    """All labels by name."""
    return await paged(request, Label.objects.order_by("name", "id"), args, LabelOut)


@router.post("", status_code=201, responses=documented(401, 403))
async def create_label(given: LabelIn, _: Editor) -> LabelOut:
    """A new label; its slug follows from its name."""
    values: dict[str, Any] = given.model_dump()

    async def write(slug: str) -> Label:
        return await Label.objects.create(**values, slug=slug)

    async def create() -> Label:
        return await with_free_slug(slugify(given.name, "label"), write)

    return LabelOut.model_validate(await atomic(retries=5).run(create), from_attributes=True)


@router.get("/{slug}", responses=documented(404))
async def get_label(slug: str) -> LabelOut:
    """One label."""
    label = await Label.objects.get_or_none(slug=slug, as_=LabelOut)
    if label is None:
        raise missing("label")
    return label


@router.delete("/{label_id}", status_code=204, responses=documented(401, 403, 404))
async def delete_label(label_id: RowId, _: Editor) -> None:
    """Deletes a label; trails stay."""
    if not await Label.objects.filter(id=label_id).delete():
        raise missing("label")


@router.get("/{slug}/trails", responses=documented(404))
async def trails_of_label(slug: str, request: Request, args: Annotated[PageArgs, Query()]) -> Page[TrailOut]:
    """The trails that have this label."""
    label = await get_label(slug)
    return await paged(request, trails().filter(labels__id=label.id), args, TrailOut)
