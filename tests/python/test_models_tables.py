"""create_tables and drop_tables, and the round trip of every scalar type, on SQLite."""

from __future__ import annotations

import enum
import ipaddress
import pathlib
import uuid
from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

import pydantic
import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Check, Field, Index, Model, atomic, create_tables, db, drop_tables, execute_raw
from oxyde.db.schema import describe_tables
from oxyde.exceptions import (
    CheckViolationError,
    DataError,
    FieldError,
    ProgrammingError,
    UniqueViolationError,
)


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Position(pydantic.BaseModel):
    x: int = pydantic.Field(0, alias="ex")
    inner: list[date] = []


class Everything(Model):
    id: int | None = Field(default=None, db_pk=True)
    flag: bool = True
    number: int = 0
    ratio: float = 0.0
    text: str = ""
    raw: bytes = b""
    at: datetime | None = None
    aware: pydantic.AwareDatetime | None = None
    day: date | None = None
    clock: time | None = None
    span: timedelta | None = None
    uid: uuid.UUID | None = None
    price: Decimal | None = None
    mood: Mood = Mood.GOOD
    level: Level = Field(default=Level.LOW, db_type="INTEGER")
    choice: Literal["a", "b"] = "a"
    host: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None
    net: ipaddress.IPv6Network | None = None
    path: pathlib.Path | None = None
    link: pydantic.HttpUrl | None = None
    secret: pydantic.SecretStr | None = None
    doc: dict[str, Any] = {}
    position: Position | None = None
    numbers: list[int | None] = []
    days: set[date] = set()
    grid: tuple[tuple[float, ...], ...] = ()
    moods: list[Mood] = []
    anything: Any = None
    as_text: Decimal = Field(default=Decimal("0.10"), db_type="TEXT")

    class Meta:
        is_table = True
        table_name = "table_everything"


VALUES: dict[str, list[Any]] = {
    "flag": [True, False],
    "number": [0, -1, 2**63 - 1, -(2**63)],
    "ratio": [0.1, -1e308, 5e-324, 1 / 3],
    "text": ["", "grün \U0001f600", "line\nbreak", "x" * 5000],
    "raw": [b"", b"\x00\xff" * 700],
    "at": [datetime(2031, 5, 6, 7, 8, 9, 123456), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)],
    "aware": [datetime(2031, 5, 6, 7, 8, 9, 1, tzinfo=timezone(timedelta(hours=2)))],
    "day": [date(2031, 5, 6), date(1, 1, 1)],
    "clock": [time(23, 59, 59, 999999), time(0)],
    "span": [timedelta(days=-3, microseconds=1), timedelta(days=9999)],
    "uid": [uuid.UUID(int=2**128 - 1)],
    "price": [Decimal("-12.5000"), Decimal("0"), Decimal("123456789012345678901234567890.12")],
    "mood": list(Mood),
    "level": list(Level),
    "choice": ["b"],
    "host": [ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1")],
    "net": [ipaddress.IPv6Network("2001:db8::/32")],
    "path": [pathlib.Path("/srv/x.txt")],
    "link": [pydantic.HttpUrl("https://example.org/a?b=1")],
    "secret": [pydantic.SecretStr("pw")],
    "doc": [{"a": [1, 2.5, None, True, {"b": "ü"}]}, {}],
    "position": [Position(ex=4, inner=[date(2031, 1, 1)]), None],
    "numbers": [[1, None, 3], []],
    "days": [{date(2031, 1, 1), date(2030, 1, 1)}, set()],
    "grid": [((1.5, 2.0), (3.0, 4.0)), ()],
    "moods": [[Mood.BAD, Mood.GOOD]],
    "anything": [{"k": [1]}, "text", 3, None],
    "as_text": [Decimal("1.50")],
}


class Base(Model):
    id: int | None = Field(default=None, db_pk=True)

    class Meta:
        is_table = False


class Article(Base):
    code: str = Field(db_unique=True, max_length=8, db_comment="code")
    price: Decimal = Field(default=Decimal("9.90"), max_digits=6, decimal_places=2)
    shelf: str = Field(default="it's", db_index=True)
    stock: int = Field(default=0, db_column="in_stock")
    created: datetime = Field(db_default="CURRENT_TIMESTAMP")

    class Meta:
        is_table = True
        table_name = "table_articles"
        unique_together = [("shelf", "stock")]
        indexes = [
            Index(("shelf", "stock"), where="in_stock > 0"),
            Index(["code"], name="by_code", unique=True),
        ]
        constraints = [Check("in_stock >= 0")]


@pytest_asyncio.fixture
async def database() -> AsyncIterator[db.AsyncDatabase]:
    async with db.connect("sqlite://:memory:") as handle:
        yield handle


async def names(kind: str) -> set[str]:
    found = await execute_raw("SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL", [kind])
    return {row["name"] for row in found}


async def test_tables_have_their_constraints_indexes_and_defaults(database: db.AsyncDatabase) -> None:
    await create_tables(database, models=[Article])
    assert await names("table") == {"table_articles"}
    assert {"table_articles_shelf_in_stock_idx", "table_articles_shelf_idx", "by_code"} <= await names(
        "index"
    )
    await execute_raw("INSERT INTO table_articles (code) VALUES ('A')")
    article = await Article.objects.get(code="A")
    assert (article.id, article.price, article.shelf, article.stock) == (1, Decimal("9.90"), "it's", 0)
    with pytest.raises(UniqueViolationError):
        await Article.objects.create(code="B")
    with pytest.raises(CheckViolationError):
        await Article.objects.create(code="B", stock=-1)


async def test_an_existing_table_is_an_error_unless_allowed(database: db.AsyncDatabase) -> None:
    await create_tables(database, models=[Article])
    with pytest.raises(ProgrammingError, match="already exists"):
        await create_tables(database, models=[Everything, Article])
    assert await names("table") == {"table_articles"}
    await create_tables(database, models=[Everything, Article], if_not_exists=True)
    assert await names("table") == {"table_articles", "table_everything"}


async def test_dropped_tables_are_gone(database: db.AsyncDatabase) -> None:
    await create_tables(database, models=[Article])
    await drop_tables(database, models=[Article])
    assert await names("table") == set()
    await drop_tables(database, models=[Article])
    with pytest.raises(ProgrammingError, match="no such table"):
        await drop_tables(database, models=[Article], if_exists=False)


async def test_a_transaction_can_be_given(database: db.AsyncDatabase) -> None:
    with pytest.raises(RuntimeError, match="undo"):
        async with atomic() as block:
            await create_tables(block, models=[Article])
            raise RuntimeError("undo")
    assert await names("table") == set()
    async with atomic() as block:
        await create_tables(block, models=[Article])
        await drop_tables(block, models=[Article])
    await create_tables(database, models=[])
    assert await names("table") == set()


@pytest_asyncio.fixture
async def everything(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    """The table of all types on each server."""
    async with served(fresh_database, [Everything]) as handle:
        yield handle


def fits(value: Any, backend: str) -> bool:
    """VARCHAR(255) for str on servers, years from 1000 on MySQL; the rest is refused, not cut."""
    if backend == "mysql" and getattr(value, "year", 1000) < 1000:
        return False
    return backend == "sqlite" or not isinstance(value, str) or len(value) <= 255


@pytest.mark.parametrize("name", list(VALUES))
async def test_values_come_back_as_they_went(everything: db.AsyncDatabase, name: str) -> None:
    values = [value for value in VALUES[name] if fits(value, everything.backend)]
    for value in VALUES[name]:
        if value not in values:
            with pytest.raises(DataError):
                await Everything.objects.create(**{name: value})
    for value in values:
        saved = await Everything.objects.create(**{name: value})
        loaded = await Everything.objects.get(pk=saved.id)
        for found in (getattr(saved, name), getattr(loaded, name)):
            assert found == value
            assert type(found) is type(value)
        assert loaded == saved
    loaded = await Everything.objects.order_by("-id").first()
    assert loaded is not None
    await loaded.save()
    assert getattr(await Everything.objects.get(pk=loaded.id), name) == values[-1]


async def test_a_decimal_keeps_its_scale(database: db.AsyncDatabase) -> None:
    await create_tables(database, models=[Everything])
    saved = await Everything.objects.create(price=Decimal("1.500"))
    assert str((await Everything.objects.get(pk=saved.id)).price) == "1.500"


def test_a_table_may_be_described_twice_only_without_contradiction() -> None:
    class Same(Model):
        id: int | None = Field(default=None, db_pk=True)
        code: str = Field(db_unique=True, max_length=8, db_comment="code")

        class Meta:
            is_table = True
            table_name = "table_articles"

    class Other(Model):
        id: int | None = Field(default=None, db_pk=True)
        code: int

        class Meta:
            is_table = True
            table_name = "table_articles"

    assert len(describe_tables([Same, Article])[0]["columns"]) == 6
    with pytest.raises(FieldError, match="differently"):
        describe_tables([Other, Article])


def test_an_index_that_would_be_a_second_one_is_left_out_with_a_warning() -> None:
    class Doubled(Model):
        a: int = Field(db_unique=True, db_index=True)

        class Meta:
            is_table = True

    with pytest.warns(UserWarning, match=r"Doubled\.a: db_index is left out"):
        assert describe_tables([Doubled])[0]["indexes"] == []
