"""The tables."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, EmailStr, HttpUrl

from oxyde import Check, Field, Index, Model


def now() -> datetime:
    """This moment, with its zone."""
    return datetime.now(timezone.utc)


DEEPEST_REPLY = 10
Key = Annotated[int | None, Field(default=None, db_pk=True)]
Moment = Annotated[AwareDatetime, Field(default_factory=now)]
Slug = Annotated[str, Field(min_length=1, max_length=120, db_unique=True)]


class Role(str, Enum):
    """What a member may do, from least to most."""

    READER = "reader"
    AUTHOR = "author"
    EDITOR = "editor"
    ADMIN = "admin"


class Difficulty(str, Enum):
    """How hard a trail is."""

    EASY = "easy"
    MODERATE = "moderate"
    HARD = "hard"
    EXPERT = "expert"


class Facts(BaseModel):
    """What else is known of a trail."""

    water: bool = False
    dogs: bool = True
    highest_m: int | None = None
    huts: list[str] = []


class Member(Model):
    """Somebody who may log in."""

    id: Key
    handle: str = Field(db_unique=True, min_length=2, max_length=40, pattern=r"^[\w.-]+$")
    email: EmailStr = Field(db_unique=True, max_length=254)
    password_hash: str = Field(exclude=True, max_length=255)
    # The password came from the seed: fine for a trial, not for a server that others reach.
    password_seeded: bool = Field(default=False, exclude=True)
    role: Role = Role.READER
    active: bool = True
    joined: Moment
    home_network: IPv4Network | IPv6Network | None = None
    profile: Profile | None = Field(db_reverse_fk="member")
    trails: list[Trail] = Field(db_reverse_fk="author")
    remarks: list[Remark] = Field(db_reverse_fk="author")

    class Meta:
        is_table = True
        table_name = "members"


class Profile(Model):
    """What a member says of themselves."""

    member: Member = Field(db_pk=True, db_on_delete="CASCADE")
    bio: str = Field(default="", max_length=2000)
    avatar: bytes | None = None
    homepage: HttpUrl | None = None

    class Meta:
        is_table = True
        table_name = "profiles"


class Region(Model):
    """A part of the country, inside another one or not."""

    code: str = Field(db_pk=True, min_length=2, max_length=8, pattern=r"^[A-Z0-9-]+$")
    name: str = Field(min_length=1, max_length=80)
    parent: Region | None = Field(default=None, db_on_delete="SET NULL")
    children: list[Region] = Field(db_reverse_fk="parent")
    trails: list[Trail] = Field(db_reverse_fk="region")

    class Meta:
        is_table = True
        table_name = "regions"
        unique_together = [("parent", "name")]


class Label(Model):
    """A word that trails are found by."""

    id: Key
    name: str = Field(min_length=1, max_length=40)
    slug: Slug
    colour: str = Field(default="#607d8b", pattern="^#[0-9a-f]{6}$", max_length=7)
    trails: list[Trail] = Field(db_m2m=True, db_through="TrailLabel")

    class Meta:
        is_table = True
        table_name = "labels"


class Trail(Model):
    """A hiking route and what its author tells of it."""

    id: Key
    title: str = Field(min_length=1, max_length=120)
    slug: Slug
    body: str = Field(default="", db_type="TEXT", max_length=20_000)
    difficulty: Difficulty = Difficulty.EASY
    length_km: Decimal = Field(gt=0, max_digits=6, decimal_places=2)
    walking_time: timedelta
    highlights: list[str] = Field(default_factory=list, max_length=20)
    facts: Facts = Field(default_factory=Facts)
    opens: time | None = None
    published_on: date | None = None
    created: Moment
    updated: Moment
    views: int = Field(default=0, ge=0)
    version: int = 1
    author: Member = Field(db_on_delete="RESTRICT", db_index=True)
    region: Region | None = Field(default=None, db_on_delete="SET NULL")
    labels: list[Label] = Field(db_m2m=True, db_through="TrailLabel")
    placed_labels: list[TrailLabel] = Field(db_reverse_fk="trail")
    remarks: list[Remark] = Field(db_reverse_fk="trail")

    class Meta:
        is_table = True
        table_name = "trails"
        indexes = [Index(("region", "published_on"))]
        # SQLite keeps decimals as text: adding 0 makes a number of them, everywhere.
        constraints = [Check("length_km + 0 > 0", name="trails_have_length")]


class TrailLabel(Model):
    """A label of a trail, and where among its labels it stands."""

    trail: Trail = Field(db_pk=True, db_on_delete="CASCADE")
    label: Label = Field(db_pk=True, db_on_delete="CASCADE", db_index=True)
    position: int = 0

    class Meta:
        is_table = True
        table_name = "trail_labels"


class Remark(Model):
    """What a member says of a trail, or of another remark."""

    id: Key
    body: str = Field(min_length=1, max_length=2000)
    approved: bool = False
    created: Moment
    trail: Trail = Field(db_on_delete="CASCADE", db_index=True)
    author: Member = Field(db_on_delete="CASCADE", db_index=True)
    parent: Remark | None = Field(default=None, db_on_delete="CASCADE", db_index=True)

    async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        """Puts a reply that would be too deep beside what it answers.

        MySQL and MariaDB delete at most fifteen levels of rows with the row they hang on.
        """
        above: list[int] = []
        at = self.parent_id
        while at is not None and len(above) <= DEEPEST_REPLY:
            above.append(at)
            at = await Remark.objects.filter(id=at).values_list("parent_id", flat=True).first()
        if len(above) > DEEPEST_REPLY:
            self.parent_id = above[1]

    class Meta:
        is_table = True
        table_name = "remarks"


class Favourite(Model):
    """A trail that a member wants to find again."""

    member: Member = Field(db_pk=True, db_on_delete="CASCADE")
    trail: Trail = Field(db_pk=True, db_on_delete="CASCADE", db_index=True)
    created: Moment

    class Meta:
        is_table = True
        table_name = "favourites"


class Visit(Model):
    """A walk over a trail on some day."""

    id: UUID = Field(default_factory=uuid4, db_pk=True)
    day: date
    minutes: int = Field(gt=0, le=100_000)
    rating: float | None = Field(default=None, ge=0, le=5)
    note: str = Field(default="", max_length=500)
    trail: Trail = Field(db_on_delete="CASCADE", db_index=True)
    member: Member | None = Field(default=None, db_on_delete="SET NULL", db_index=True)

    class Meta:
        is_table = True
        table_name = "visits"
        indexes = [Index(("day", "id"))]


class LoginToken(Model):
    """A login of the API; only the digest of the token is kept."""

    digest: str = Field(db_pk=True, max_length=64)
    expires: AwareDatetime
    address: IPv4Address | IPv6Address | None = None
    member: Member = Field(db_on_delete="CASCADE", db_index=True)

    class Meta:
        is_table = True
        table_name = "login_tokens"
