"""`dates()`, `datetimes()` and `contains()`, on every server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

import pytest
import pytest_asyncio
from parcels import MODELS, Berth, Note, Parcel, served
from servers import Server

from oxyde import Count, FieldError, FieldLookupError, ManagerError, Window, db
from oxyde.queries import RowNumber

pytestmark = pytest.mark.asyncio(loop_scope="module")

SENT = [
    datetime(2030, 12, 31, 23, 59, 59),
    datetime(2031, 1, 1),
    datetime(2031, 1, 1, 10, 5, 7, 999999),
    datetime(2031, 1, 1, 10, 59, 0),
    datetime(2031, 3, 15, 0, 0, 1),
    None,
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def rows(fresh_database: Server) -> AsyncIterator[None]:
    async with served(fresh_database, MODELS):
        await Parcel.objects.bulk_create(
            [
                {"id": n + 1, "ref": f"r{n}", "weight": n % 3, "sent": sent, "due": sent and sent.date()}
                for n, sent in enumerate(SENT)
            ]
        )
        await Berth.objects.bulk_create([{"harbour": "Kiel", "number": n, "depth": n} for n in range(1, 4)])
        yield


@pytest.mark.parametrize("field", ["due", "sent", Parcel.due])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("year", [date(2030, 1, 1), date(2031, 1, 1)]),
        ("month", [date(2030, 12, 1), date(2031, 1, 1), date(2031, 3, 1)]),
        ("week", [date(2030, 12, 30), date(2031, 3, 10)]),
        ("day", [date(2030, 12, 31), date(2031, 1, 1), date(2031, 3, 15)]),
    ],
)
async def test_dates_once_and_in_order(field: Any, kind: str, expected: list[date]) -> None:
    found = await Parcel.objects.dates(field, kind)
    assert found == expected
    assert {type(value) for value in found} == {date}
    assert await Parcel.objects.order_by("ref").dates(field, kind, "DESC") == expected[::-1]
    assert await Parcel.objects.filter(sent__year=2030).dates(field, kind) == expected[:1]
    assert await Parcel.objects.none().dates(field, kind) == []


async def test_datetimes_down_to_the_second() -> None:
    assert await Parcel.objects.datetimes("sent", "hour") == [
        datetime(2030, 12, 31, 23),
        datetime(2031, 1, 1),
        datetime(2031, 1, 1, 10),
        datetime(2031, 3, 15),
    ]
    seconds = await Parcel.objects.datetimes("sent", "second", order="DESC")
    assert seconds == sorted((sent.replace(microsecond=0) for sent in SENT if sent), reverse=True)


async def test_what_dates_cannot_be_asked_is_said() -> None:
    with pytest.raises(ValueError, match="kind is one of year, month, week, day, not 'hour'"):
        Parcel.objects.dates("due", "hour")
    with pytest.raises(ValueError, match="order is 'ASC' or 'DESC'"):
        Parcel.objects.dates("due", "day", "up")
    with pytest.raises(ValueError, match="cannot follow a slice"):
        Parcel.objects.limit(3).dates("due", "day")
    with pytest.raises(ValueError, match="cannot follow group_by"):
        Parcel.objects.group_by("due").values("due").dates("due", "day")
    with pytest.raises(FieldError, match="Parcel has no field 'do'"):
        Parcel.objects.dates("do", "day")
    with pytest.raises(FieldLookupError, match="no part"):
        await Parcel.objects.dates("weight", "day")
    with pytest.raises(FieldLookupError, match="no part 'hour'"):
        await Parcel.objects.datetimes("due", "hour")


async def test_contains_asks_for_exactly_the_rows_of_all() -> None:
    parcels = await Parcel.objects.order_by("id").all()
    queries = [
        Parcel.objects,
        Parcel.objects.filter(weight=1),
        Parcel.objects.exclude(sent=None),
        Parcel.objects.order_by("-id")[1:3],
        Parcel.objects.order_by("-id").limit(2),
        Parcel.objects.order_by("id").distinct("weight"),
        Parcel.objects.filter(weight=1).union(Parcel.objects.filter(id=1)),
        Parcel.objects.annotate(n=Window(RowNumber(), partition_by="weight", order_by="id")).filter(n=2),
        Parcel.objects.none(),
    ]
    for query in queries:
        keys = {row.id for row in await query.all()}
        for parcel in parcels:
            with db.capture_queries() as log:
                assert await query.contains(parcel) is (parcel.id in keys), query.sql()
            assert len(log) <= 1
    berth = await Berth.objects.get(number=2)
    assert await Berth.objects.filter(depth__gt=1).contains(berth)
    assert not await Berth.objects.filter(depth__gt=2).contains(berth)
    assert not await Berth.objects.order_by("number")[:1].contains(berth)


async def test_what_contains_cannot_be_asked_is_said() -> None:
    with pytest.raises(TypeError, match="takes a Parcel, not Berth"):
        Parcel.objects.contains(Berth(harbour="x", number=1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Parcel\.id is None"):
        Parcel.objects.contains(Parcel(ref="new"))
    with pytest.raises(TypeError, match=r"before values\(\)"):
        Parcel.objects.values("id").contains(Parcel(id=1, ref="x"))  # type: ignore[arg-type]
    with pytest.raises(ManagerError, match="Note has no primary key"):
        Note.objects.contains(Note(text="x"))
    counted = Parcel.objects.annotate(n=Count("*"))
    assert await counted.contains(Parcel(id=1, ref="x"))
