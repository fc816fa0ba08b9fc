"""Raw SQL with typed rows: `Model.objects.raw` and `fetch_as`, on every server."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pydantic
import pytest
import pytest_asyncio
from parcels import Berth, Note, Parcel, State, filled
from servers import Server
from typing_extensions import TypedDict

from oxyde import (
    FieldError,
    atomic,
    db,
    execute_raw,
    fetch_as,
    is_loaded,
)
from oxyde.db import AsyncTransaction

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with filled(fresh_database) as opened:
        await Parcel.objects.filter(ref="A3").update(note="fragile", state=State.SENT)
        yield opened


def marked(database: db.AsyncDatabase, sql: str) -> str:
    """`?` as the server writes it; one placeholder."""
    return sql.replace("?", "$1") if database.backend == "postgres" else sql


# --- models ----------------------------------------------------------------------------------------


async def test_rows_are_what_a_query_gives(database: db.AsyncDatabase) -> None:
    rows = await Parcel.objects.raw("SELECT * FROM parcels ORDER BY id")
    assert rows == await Parcel.objects.order_by("id").all()
    assert [type(row.price) for row in rows[1:]] == [Decimal] * 4
    assert rows[3].note == "fragile" and rows[3].state is State.SENT
    assert rows[3].sent == datetime(2031, 1, 4, 12) and rows[3].due == date(2031, 5, 4)
    assert rows[3].extra == {"size": {"width": 3}} and rows[3].marks == ["x", "x", "x"]


async def test_parameters_are_bound(database: db.AsyncDatabase) -> None:
    sql = marked(database, "SELECT * FROM parcels WHERE ref = ?")
    (row,) = await Parcel.objects.raw(sql, ["A2"])
    assert row.weight == 4
    assert await Parcel.objects.raw(sql, ("' OR 1 = 1 --",)) == []


async def test_columns_are_named_like_columns_or_fields(database: db.AsyncDatabase) -> None:
    (by_column,) = await Parcel.objects.raw("SELECT id, remark FROM parcels WHERE ref = 'A3'")
    (by_field,) = await Parcel.objects.raw("SELECT id, remark AS note FROM parcels WHERE ref = 'A3'")
    assert by_column.note == by_field.note == "fragile"


async def test_fields_that_do_not_come_are_unloaded(database: db.AsyncDatabase) -> None:
    (row,) = await Parcel.objects.raw("SELECT id, ref FROM parcels WHERE ref = 'A4'")
    assert is_loaded(row, "ref") and not is_loaded(row, "weight")
    assert row.weight == 0  # its default
    row.ref = "B4"
    await row.save()
    assert (await Parcel.objects.get(ref="B4")).weight == 16  # the unloaded is left alone
    await Parcel.objects.filter(ref="B4").update(ref="A4")


async def test_other_columns_become_attributes(database: db.AsyncDatabase) -> None:
    (row,) = await Parcel.objects.raw(
        "SELECT parcels.*, 2 * weight AS twice, 'x' AS word FROM parcels WHERE ref = 'A4'"
    )
    assert (row.twice, row.word) == (32, "x")
    assert "twice" not in row.model_dump()


async def test_a_row_without_its_key_is_refused(database: db.AsyncDatabase) -> None:
    with pytest.raises(FieldError, match=r"Parcel.*key.*'id'"):
        await Parcel.objects.raw("SELECT ref FROM parcels")
    with pytest.raises(FieldError, match=r"Berth.*'number'"):
        await Berth.objects.create(harbour="a", number=1)
        await Berth.objects.raw("SELECT harbour FROM berths")
    await Note.objects.create(text="n")
    assert [note.text for note in await Note.objects.raw("SELECT text FROM notes")] == ["n"]  # has none
    assert await Parcel.objects.count() == 5


async def test_a_field_that_comes_twice_is_refused(database: db.AsyncDatabase) -> None:
    with pytest.raises(FieldError, match=r"Parcel.*two columns.*'id'"):
        await Parcel.objects.raw("SELECT a.*, b.id FROM parcels a JOIN parcels b ON b.id = a.id")
    with pytest.raises(FieldError, match="'note'"):
        await Parcel.objects.raw("SELECT id, remark, ref AS note FROM parcels")


async def test_rows_are_validated(database: db.AsyncDatabase) -> None:
    with pytest.raises(pydantic.ValidationError, match="weight"):
        await Parcel.objects.raw("SELECT id, -5 AS weight FROM parcels")
    with pytest.raises(pydantic.ValidationError, match="state"):
        await Parcel.objects.raw("SELECT id, 'never' AS state FROM parcels")


async def test_raw_joins_the_transaction_and_takes_a_client(database: db.AsyncDatabase) -> None:
    with pytest.raises(ZeroDivisionError):
        async with atomic():
            await Parcel.objects.filter(ref="A0").update(weight=77)
            (row,) = await Parcel.objects.raw("SELECT id, weight FROM parcels WHERE ref = 'A0'")
            assert row.weight == 77
            raise ZeroDivisionError
    (row,) = await Parcel.objects.raw("SELECT id, weight FROM parcels WHERE ref = 'A0'", client=database)
    assert row.weight == 0
    async with AsyncTransaction(database) as tx:
        await Parcel.objects.filter(ref="A0").update(weight=78, client=tx)
        (row,) = await Parcel.objects.raw("SELECT id, weight FROM parcels WHERE ref = 'A0'", client=tx)
        assert row.weight == 78
        tx.set_rollback()
    assert [row.id for row in await Parcel.objects.raw("SELECT id FROM parcels", using="default")]


async def test_arguments_are_checked_at_the_call() -> None:
    for call in (Parcel.objects.raw, lambda *args: fetch_as(*args, into=int), execute_raw):
        with pytest.raises(TypeError, match="str"):
            call(b"SELECT 1")  # type: ignore[operator]
        with pytest.raises(TypeError, match="params"):
            call("SELECT 1", {"a": 1})  # type: ignore[operator]
    with pytest.raises(pydantic.PydanticSchemaGenerationError):
        fetch_as("SELECT 1", into=object().__class__.__new__)


# --- any class -------------------------------------------------------------------------------------


class Load(pydantic.BaseModel):
    ref: str
    kilos: float = pydantic.Field(alias="weight")
    when: date | None = None


@dataclasses.dataclass
class Pair:
    ref: str
    weight: int


class Entry(TypedDict):
    ref: str
    weight: int


class Row(NamedTuple):
    ref: str
    weight: int


SQL = "SELECT ref, weight FROM parcels WHERE weight > 3 ORDER BY weight"


async def test_pydantic_classes_dataclasses_and_dicts(database: db.AsyncDatabase) -> None:
    assert await fetch_as(SQL, into=Load) == [
        Load(ref=ref, weight=kilos) for ref, kilos in (("A2", 4), ("A3", 9), ("A4", 16))
    ]
    assert await fetch_as(SQL, into=Pair) == [Pair("A2", 4), Pair("A3", 9), Pair("A4", 16)]
    entries = await fetch_as(SQL, into=Entry)
    assert entries[0] == {"ref": "A2", "weight": 4}
    assert await fetch_as(SQL, into=dict[str, Any]) == entries
    by_name = "SELECT ref, weight AS kilos, due AS " + ("`when`" if database.backend == "mysql" else '"when"')
    (load, *_) = await fetch_as(f"{by_name} FROM parcels ORDER BY id", into=Load)
    assert (load.kilos, load.when) == (0.0, date(2031, 5, 1))


async def test_tuples_are_filled_in_order(database: db.AsyncDatabase) -> None:
    assert await fetch_as(SQL, into=Row) == [Row("A2", 4), Row("A3", 9), Row("A4", 16)]
    assert await fetch_as(SQL, into=tuple[str, int]) == [("A2", 4), ("A3", 9), ("A4", 16)]


async def test_scalars_are_validated(database: db.AsyncDatabase) -> None:
    assert await fetch_as("SELECT COUNT(*) FROM parcels", into=int) == [5]
    assert await fetch_as("SELECT ref FROM parcels ORDER BY ref", into=str) == ["A0", "A1", "A2", "A3", "A4"]
    assert await fetch_as("SELECT due FROM parcels WHERE ref = 'A0'", into=date) == [date(2031, 5, 1)]
    assert await fetch_as("SELECT price FROM parcels WHERE ref = 'A1'", into=Decimal) == [Decimal("0.5")]
    prices = await fetch_as(
        "SELECT price FROM parcels WHERE ref IN ('A0', 'A1') ORDER BY ref", into=Decimal | None
    )
    assert prices == [None, Decimal("0.5")]
    assert await fetch_as("SELECT state FROM parcels WHERE ref = 'A3'", into=State) == [State.SENT]
    with pytest.raises(pydantic.ValidationError):
        await fetch_as("SELECT price FROM parcels WHERE ref = 'A0'", into=Decimal)
    with pytest.raises(FieldError, match=r"into=int.*2: 'ref', 'weight'"):
        await fetch_as(SQL, into=int)


async def test_a_table_reads_its_columns_as_queries_do(database: db.AsyncDatabase) -> None:
    rows = await fetch_as("SELECT * FROM parcels ORDER BY id", into=Parcel)
    assert rows == await Parcel.objects.order_by("id").all()


async def test_what_is_missing_is_a_validation_error(database: db.AsyncDatabase) -> None:
    with pytest.raises(pydantic.ValidationError, match="weight"):
        await fetch_as("SELECT ref FROM parcels", into=Pair)


async def test_databases_and_transactions_have_it(database: db.AsyncDatabase) -> None:
    count = "SELECT COUNT(*) FROM parcels"
    assert await database.fetch_as(count, into=int) == [5]
    async with AsyncTransaction(database) as tx:
        await Parcel.objects.filter(ref="A0").update(weight=50, client=tx)
        heavy = marked(database, "SELECT COUNT(*) FROM parcels WHERE weight > ?")
        assert await tx.fetch_as(heavy, [40], into=int) == [1]
        tx.set_rollback()
    async with atomic() as block:
        assert await fetch_as(count, into=int, client=block) == [5]
