"""Tables that the tests of the panel share: one of every shape of key, relation and column."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Literal
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, EmailStr, SecretStr, StringConstraints
from pydantic import Field as Constraint

from oxyde import Check, Field, Model


class Grade(str, Enum):
    PLAIN = "plain"
    FINE = "fine"
    ROYAL = "royal"


class Address(BaseModel):
    street: str = Constraint(max_length=60)
    number: int = Constraint(ge=1)


class Depot(Model):
    """A numbered key; target of a foreign key and parent of inlines."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=40, db_unique=True)
    city: str = Field(default="", max_length=40, db_index=True)
    manager_id: int | None = None

    class Meta:
        is_table = True
        table_name = "depots"


class Tag(Model):
    """A text key, which may hold anything."""

    code: str = Field(db_pk=True, max_length=30)
    label: str = Field(max_length=40)

    class Meta:
        is_table = True
        table_name = "tags"


class Parcel(Model):
    """Nearly every kind of column, a required foreign key, an optional one, many-to-many."""

    id: int | None = Field(default=None, db_pk=True)
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9-]+$")] = Field(max_length=12, db_unique=True)
    depot: Depot = Field(db_on_delete="RESTRICT", db_index=True)
    origin: Depot | None = Field(default=None, db_on_delete="SET NULL")
    weight: int = Field(default=0, ge=0)
    price: Decimal = Field(default=Decimal("0.00"), max_digits=10, decimal_places=2)
    ratio: float | None = None
    sent: bool = False
    fragile: bool | None = None
    grade: Grade = Grade.PLAIN
    size: Literal["s", "m", "l"] = "m"
    note: str | None = Field(default=None, db_type="TEXT")
    due: date | None = None
    at: time | None = None
    takes: timedelta | None = None
    packed: datetime | None = None
    seen: AwareDatetime | None = None
    uid: UUID = Field(default_factory=uuid4)
    host: IPv4Address | None = None
    words: list[str] = Field(default_factory=list)
    marks: set[int] = Field(default_factory=set)
    extra: dict[str, object] = Field(default_factory=dict)
    address: Address | None = None
    label: bytes | None = None
    made: datetime = Field(db_default="CURRENT_TIMESTAMP")
    tags: list[Tag] = Field(db_m2m=True, db_through="ParcelTag")

    class Meta:
        is_table = True
        table_name = "parcels"
        constraints = [Check("weight < 100000", name="parcels_not_too_heavy")]


class ParcelTag(Model):
    """A junction with a column of its own."""

    parcel: Parcel = Field(db_pk=True, db_on_delete="CASCADE")
    tag: Tag = Field(db_pk=True, db_on_delete="CASCADE")
    rank: int = 7

    class Meta:
        is_table = True
        table_name = "parcel_tags"


class Event(Model):
    """Child rows of a parcel, for inlines; with a version."""

    id: int | None = Field(default=None, db_pk=True)
    parcel: Parcel = Field(db_on_delete="CASCADE", db_index=True)
    text: str = Field(max_length=80)
    version: int = 0

    class Meta:
        is_table = True
        table_name = "events"


class Shelf(Model):
    """A key of two parts."""

    hall: str = Field(db_pk=True, max_length=10)
    number: int = Field(db_pk=True)
    label: str = Field(default="", max_length=40)

    class Meta:
        is_table = True
        table_name = "shelves"


class Account(Model):
    """A UUID key, a secret, an email address, an excluded field."""

    id: UUID = Field(default_factory=uuid4, db_pk=True)
    email: EmailStr = Field(max_length=120, db_unique=True)
    password_hash: str = Field(default="", max_length=200, exclude=True)
    token: SecretStr = SecretStr("")
    active: bool = True
    roles: list[str] = Field(default_factory=list)
    permissions: list[str] = Field(default_factory=list)
    salary: int = 0

    class Meta:
        is_table = True
        table_name = "accounts"


class Reading(Model):
    """Without a key."""

    sensor: str = Field(max_length=20)
    value: float

    class Meta:
        is_table = True
        table_name = "readings"


class Setting(Model):
    """Its table has the name of a fixed route."""

    name: str = Field(db_pk=True, max_length=40)
    value: str = Field(default="", max_length=40)

    class Meta:
        is_table = True
        table_name = "config"


ALL: tuple[type[Model], ...] = (Depot, Tag, Parcel, ParcelTag, Event, Shelf, Account, Reading, Setting)
