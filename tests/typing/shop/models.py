"""Every construct that a stub has to keep."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    NewType,
    Optional,
    Protocol,
    TypeVar,
    overload,
)
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, PositiveInt, PrivateAttr, computed_field, field_validator
from typing_extensions import Self, TypedDict

from oxyde import Field, Index, Model
from oxyde.queries import Query, QueryManager

from .base import ActiveQuery as ActiveQuery  # noqa: PLC0414  # for others
from .base import CountingManager as Counting
from .base import Greets, Timed

if TYPE_CHECKING:
    from .stock import Shelf

__all__ = ["LIMIT", "Crate", "Orchard", "Sticker", "helper"]

LIMIT = 10
NAMES = ["a", "b"]
TABLE = {"a": 1, "b": 2.5}
PATTERN = re.compile("x")
log = logging.getLogger(__name__)
FIRST, SECOND = 1, "two"
FIXED: Final = 3
TYPED: int | None = None
Pair = tuple[int, int]
Key = Annotated[int | None, Field(default=None, db_pk=True)]
Code = NewType("Code", str)
T = TypeVar("T")
Mode = Literal["fast", "slow"]


class CrateState(enum.Enum):
    NEW = "new"
    SOLD = "sold"

    @property
    def is_open(self) -> bool:
        return self is CrateState.NEW


class Position(BaseModel):
    x: int
    y: int = 0


class Size(TypedDict, total=False):
    width: int
    height: int


@dataclass
class Box(Generic[T]):
    content: T
    tags: list[str] = field(default_factory=list)
    depth: int = 1

    def open(self) -> T:
        return self.content


class Weighs(Protocol):
    def weigh(self) -> float: ...


class Register:
    """A helper with state."""

    default = 5

    def __init__(self, name: str, *, limit: int = 3) -> None:
        self.name = name
        self.limit = limit
        self.seen: dict[str, int] = {}

    def __call__(self, value):  # type: ignore[no-untyped-def]
        return value


def traced(function: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> T:
        return function(*args, **kwargs)

    return inner


def helper(a: int, /, b: str = "x", *rest: int, flag: bool = False, **more: str) -> dict[str, int]:
    return {}


def untyped(a, b=3):  # type: ignore[no-untyped-def]
    return a


async def numbers() -> AsyncIterator[int]:
    yield 1


def pairs() -> Iterator[int]:
    yield 1


@overload
def either(value: int) -> int: ...
@overload
def either(value: str) -> str: ...
def either(value: int | str) -> int | str:
    return value


class OrchardQuery(Query["Orchard"]):
    def in_town(self, town: str) -> Self:
        return self.filter(town=town)


class CrateManager(QueryManager["Crate"]):
    def heavy(self, limit: int = 9) -> Query[Crate]:
        return self.filter(weight__gt=limit)


class Orchard(Model):
    id: int | None = Field(default=None, db_pk=True)
    town: str
    opened: date | None = None
    crates: list[Crate] = Field(db_reverse_fk="orchard")

    objects = OrchardQuery.as_manager()

    class Meta:
        is_table = True
        table_name = "orchards"


class Crate(Greets, Timed):
    LIMIT: ClassVar[int] = 7
    model_config = ConfigDict(str_strip_whitespace=True)

    id: Key
    label: str = Field(max_length=40)
    state: CrateState = CrateState.NEW
    weight: PositiveInt = Field(default=1)
    price: Decimal | None = None
    sent: datetime | None = None
    due: Optional[dt.date] = None
    at: time | None = None
    key: UUID = Field(default_factory=uuid4)
    kind: Literal["a", "b"] = "a"
    position: Position | None = None
    extra: dict[str, Any] = {}
    nested: dict[str, list[tuple[int, str]]] = {}
    marks: list[str] = []
    flags: set[str] = Field(default_factory=set)
    active: bool = True
    ratio: float = 0.0
    raw: bytes = b""
    code: Annotated[str, Field(max_length=8)] = "x"
    client: str = ""
    using: str = ""
    defaults: int = 0
    class_: str = Field(default="", alias="klass")
    orchard: Orchard | None = None
    shelf: Shelf | None = None
    stickers: list[Sticker] = Field(db_m2m=True, db_through="CrateSticker")
    _note: str = PrivateAttr(default="")

    objects = CrateManager()  # ty: ignore[invalid-assignment]  # it takes Self for a type of its own
    counting = Counting["Crate"]()

    class Meta:
        is_table = True
        indexes = [Index(("label",))]

    def gross(self, tare: float = 1.5) -> float:
        return self.weight + tare

    @property
    def title(self) -> str:
        return self.label.title()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def doubled(self) -> int:
        return self.weight * 2

    @field_validator("label")
    @classmethod
    def not_blank(cls, value: str) -> str:
        return value

    @classmethod
    async def newest(cls) -> Crate | None:
        return await cls.objects.order_by("-id").first()

    @staticmethod
    def zero() -> int:
        return 0

    @overload
    def pick(self, which: Literal["label"]) -> str: ...
    @overload
    def pick(self, which: Literal["weight"]) -> int: ...
    def pick(self, which: str) -> str | int:
        return self.label if which == "label" else self.weight


class Sticker(Model):
    id: int | None = Field(default=None, db_pk=True)
    text: str
    date: dt.date | None = None
    until: dt.date | None = None

    class Meta:
        is_table = True


class CrateSticker(Model):
    id: int | None = Field(default=None, db_pk=True)
    crate: Crate | None = None
    sticker: Sticker | None = None

    class Meta:
        is_table = True


class CrateOut(BaseModel):
    id: int
    label: str
