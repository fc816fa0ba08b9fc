"""What requests bring and answers hold."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from trailbook.models import Difficulty, Facts
from trailbook.paging import BIGGEST, PageArgs

Id = Annotated[int, Field(ge=1, le=BIGGEST)]


class MemberName(BaseModel):
    id: int
    handle: str


class RegionOut(BaseModel):
    code: str
    name: str


class RegionNode(RegionOut):
    children: list[RegionNode] = []


class LabelOut(BaseModel):
    id: int
    name: str
    slug: str
    colour: str


class PlacedLabel(BaseModel):
    position: int
    label: LabelOut


class TrailOut(BaseModel):
    id: int
    title: str
    slug: str
    difficulty: Difficulty
    length_km: Decimal
    walking_time: timedelta
    published_on: date | None
    created: AwareDatetime
    updated: AwareDatetime
    views: int
    version: int
    author: MemberName
    region: RegionOut | None
    placed_labels: list[PlacedLabel]


class TrailDetail(TrailOut):
    body: str
    highlights: list[str]
    facts: Facts
    opens: time | None


class TrailFilters(PageArgs):
    region: str | None = None
    difficulty: Difficulty | None = None
    label: str | None = None
    author: Id | None = None
    published: bool | None = None
    length_from: Annotated[Decimal, Field(ge=0, max_digits=8)] | None = None
    length_to: Annotated[Decimal, Field(ge=0, max_digits=8)] | None = None
    published_from: date | None = None
    published_to: date | None = None


class Search(PageArgs):
    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100)]


class Figure(BaseModel):
    region_code: str | None
    year: int
    trails: int
    length_km: Decimal
    views: int
