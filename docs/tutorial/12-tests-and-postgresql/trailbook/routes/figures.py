"""Figures about trails, and all of them as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from oxyde import Count, Sum
from trailbook.errors import documented
from trailbook.models import Trail
from trailbook.schemas import Figure

router = APIRouter(prefix="/trails", tags=["trails"])
COLUMNS = (
    "id",
    "title",
    "slug",
    "difficulty",
    "length_km",
    "published_on",
    "views",
    "author__handle",
    "region_code",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@router.get("/figures", responses=documented())
async def figures() -> list[Figure]:
    """Published trails by region and year: one grouped query."""
    rows = (
        Trail.objects.filter(published_on__isnull=False)
        .group_by("region_code", year=Trail.published_on.extract("year"))
        .annotate(trails=Count("*"), length_km=Sum("length_km"), views=Sum("views"))
        .order_by("region_code", "year")
    )
    return [Figure(**row) for row in await rows.values().all()]


@router.get("/export.csv", response_class=StreamingResponse, responses=documented())
async def export() -> StreamingResponse:
    """Every trail as CSV, row by row as the database gives them."""
    headers = {"Content-Disposition": 'attachment; filename="trails.csv"'}
    return StreamingResponse(_lines(), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines() -> AsyncIterator[str]:
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    async for row in Trail.objects.order_by("id").values_list(*COLUMNS).iterator():
        writer.writerow([_cell(value) for value in row])
        if line.tell() > 32_768:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


def _cell(value: object) -> object:
    """A value as text; what a spreadsheet would run begins with an apostrophe."""
    text = getattr(value, "value", value)
    return f"'{text}" if isinstance(text, str) and text.lstrip().startswith(FORMULA) else text
