"""What requests bring and answers hold. No class here has a password's hash."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, EmailStr, Field, SecretStr, StringConstraints

from trailbook.models import Difficulty, Facts, Role
from trailbook.paging import BIGGEST, PageArgs

Id = Annotated[int, Field(ge=1, le=BIGGEST)]
Handle = Annotated[str, StringConstraints(min_length=2, max_length=40, pattern=r"^[\w.-]+$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Body = Annotated[str, StringConstraints(max_length=20_000)]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Highlight = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Length = Annotated[Decimal, Field(gt=0, max_digits=6, decimal_places=2)]
WalkingTime = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=30))]
Labels = Annotated[list[Id], Field(max_length=50)]
Password = Annotated[SecretStr, Field(min_length=8, max_length=200)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
Network = IPv4Network | IPv6Network


class Given(BaseModel):
    """The base of what requests bring: a name that is not known is an error."""

    model_config = ConfigDict(extra="forbid")


class Registration(Given):
    handle: Handle
    email: EmailStr
    password: Password


class Credentials(Given):
    email: EmailStr
    password: SecretStr


class Login(BaseModel):
    token: str
    expires: datetime


class MemberName(BaseModel):
    id: int
    handle: str


class MemberOut(MemberName):
    role: Role
    active: bool
    joined: AwareDatetime


class MemberPrivate(MemberOut):
    """What members see of themselves, and administrators of all."""

    email: str
    home_network: Network | None


class MemberChange(Given):
    """Only what is given changes; the role is the administrators' to give."""

    handle: Handle = ""
    email: EmailStr = ""
    home_network: Network | None = None
    password: Password = SecretStr("")
    role: Role = Role.READER


class MemberStatistics(BaseModel):
    trails: int
    views: int
    remarks: int
    favourites: int
    visits: int
    minutes: int


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


class LabelIn(Given):
    name: Word
    colour: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")] = "#607d8b"


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


class TrailIn(Given):
    title: Title
    body: Body = ""
    difficulty: Difficulty = Difficulty.EASY
    length_km: Length
    walking_time: WalkingTime
    highlights: Annotated[list[Highlight], Field(max_length=20)] = []
    facts: Facts = Facts()
    opens: time | None = None
    region_code: Annotated[str, StringConstraints(max_length=8)] | None = None
    labels: Labels = []


class TrailChange(Given):
    """Only what is given changes, if `version` is still the trail's."""

    version: Id
    title: Title = ""
    body: Body = ""
    difficulty: Difficulty = Difficulty.EASY
    length_km: Length = Decimal(1)
    walking_time: WalkingTime = timedelta(hours=1)
    highlights: Annotated[list[Highlight], Field(max_length=20)] = []
    facts: Facts = Facts()
    opens: time | None = None
    region_code: Annotated[str, StringConstraints(max_length=8)] | None = None


class Publication(Given):
    on: date | None = None


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


class RemarkOut(BaseModel):
    id: int
    body: str
    approved: bool
    created: AwareDatetime
    trail_id: int
    parent_id: int | None
    author: MemberName


class RemarkNode(RemarkOut):
    replies: list[RemarkNode] = []


class RemarkIn(Given):
    body: Said
    parent_id: Id | None = None


class RemarkChange(Given):
    body: Said


class TrailFull(TrailDetail):
    remarks: list[RemarkNode]


class FavouriteOut(BaseModel):
    created: AwareDatetime
    trail: TrailOut


class VisitOut(BaseModel):
    id: UUID
    day: date
    minutes: int
    rating: float | None
    note: str
    trail_id: int
    member_id: int | None


class VisitIn(Given):
    day: date
    minutes: Annotated[int, Field(gt=0, le=100_000)]
    rating: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] | None = None
    note: Annotated[str, StringConstraints(max_length=500)] = ""
    trail_id: Id


class VisitRow(VisitIn):
    """A row of an import, which may bring its key and somebody else."""

    id: UUID | None = None
    member_id: Id | None = None


class VisitFilters(PageArgs):
    trail: Id | None = None
    member: Id | None = None
    day_from: date | None = None
    day_to: date | None = None


class Imported(BaseModel):
    rows: int
