"""The tables."""

from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated

from pydantic import AwareDatetime, EmailStr

from oxyde import Field, Model


def now() -> datetime:
    """This moment, with its zone."""
    return datetime.now(timezone.utc)


Key = Annotated[int | None, Field(default=None, db_pk=True)]
Moment = Annotated[AwareDatetime, Field(default_factory=now)]


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


class Member(Model):
    """Somebody who may log in."""

    id: Key
    handle: str = Field(db_unique=True, min_length=2, max_length=40, pattern=r"^[\w.-]+$")
    email: EmailStr = Field(db_unique=True, max_length=254)
    role: Role = Role.READER
    active: bool = True
    joined: Moment

    class Meta:
        is_table = True
        table_name = "members"


class Trail(Model):
    """A hiking route."""

    id: Key
    title: str = Field(min_length=1, max_length=120)
    body: str = Field(default="", db_type="TEXT")
    difficulty: Difficulty = Difficulty.EASY
    length_km: Decimal = Field(gt=0, max_digits=6, decimal_places=2)

    class Meta:
        is_table = True
        table_name = "trails"
