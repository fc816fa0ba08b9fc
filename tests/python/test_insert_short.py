"""Rows whose INSERT is known: encoded straight from the instances, as the tree would have them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import pytest_asyncio
from servers import Server

from oxyde import Field, Model, _core, create_tables, db, drop_tables
from oxyde.exceptions import OxydeError

pytestmark = pytest.mark.asyncio


class Grade(Enum):
    FINE = "fine"
    POOR = "poor"


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str | None = Field(default=None, db_type="TEXT")
    amount: int = 0
    price: Decimal = Field(default=Decimal(1), max_digits=12, decimal_places=2)
    packed: datetime | None = None
    due: date | None = None
    share: float | None = None
    open: bool = False
    grade: Grade = Grade.FINE
    extra: dict[str, Any] | None = None
    made: int = Field(default=7, db_default="7")

    class Meta:
        is_table = True


class Label(str):
    """Not exactly a str."""


@pytest_asyncio.fixture(autouse=True)
async def tables(fresh_database: Server) -> AsyncIterator[None]:
    opened = await db.init(default=fresh_database.url)
    try:
        await create_tables(opened, models=[Crate])
        yield
        await drop_tables(opened, models=[Crate])
    finally:
        await db.close()


def drawn(seed: int) -> dict[str, Any]:
    rng = random.Random(seed)
    values: dict[str, Any] = {
        "label": rng.choice([None, "", "a", "é" * 3, "x" * 600, Label("sub")]),
        "amount": rng.choice([0, -1, 2**53, 2**62]),
        "price": rng.choice([Decimal("1.50"), Decimal("0"), Decimal("-12345678.25")]),
        "packed": rng.choice([None, datetime(2024, 2, 29, 12, 30, 1, 5), datetime(1999, 1, 1)]),
        "due": rng.choice([None, date(2024, 2, 29)]),
        "share": rng.choice([None, 0.0, -1.5, 1e300]),
        "open": rng.choice([False, True]),
        "grade": rng.choice(list(Grade)),
        "extra": rng.choice([None, {}, {"a": [1, None, "b"]}]),
        "made": rng.choice([7, 8]),
    }
    return {name: values[name] for name in values if rng.random() < 0.7}


def shown(row: Crate) -> dict[str, Any]:
    return {name: value for name, value in row.__dict__.items() if name != "id"}


def by_id(row: Crate) -> int:
    assert row.id is not None
    return row.id


async def counted(call: Any) -> tuple[int, Any]:
    before = _core.cache_info()["misses"]
    result = await call
    return _core.cache_info()["misses"] - before, result


@pytest.mark.parametrize("seed", range(12))
async def test_known_rows_are_written_as_unknown_ones(seed: int) -> None:
    kinds = [drawn(seed * 10 + n) for n in range(3)]
    rows = [Crate(**kinds[n % 3]) for n in range(9)]
    again = [Crate(**kinds[n % 3]) for n in range(9)]
    first = await Crate.objects.bulk_create(rows)
    missed, second = await counted(Crate.objects.bulk_create(again))
    assert missed == 0
    assert [shown(row) for row in second] == [shown(row) for row in first]
    assert [list(row.__dict__) for row in second] == [list(row.__dict__) for row in first]
    assert [row.model_fields_set for row in second] == [row.model_fields_set for row in first]
    stored = await Crate.objects.order_by("id").all()
    assert [row.__dict__ for row in stored] == [row.__dict__ for row in sorted([*first, *second], key=by_id)]


async def test_none_needs_no_statement_of_its_own() -> None:
    await Crate.objects.create(label="a", amount=1)
    missed, made = await counted(Crate.objects.create(label=None, amount=2))
    assert missed == 0
    assert (await Crate.objects.get(id=made.id)).label is None


async def test_rows_of_other_columns_are_told_apart() -> None:
    await Crate.objects.create(label="a")
    made = await Crate.objects.create(amount=5)
    assert made.amount == 5
    keyed = await Crate.objects.create(id=500, label="k")
    assert keyed.id == 500
    both = await Crate.objects.bulk_create([Crate(label="b"), Crate(label="c")])
    assert [row.label for row in both] == ["b", "c"]


async def test_attributes_in_another_order() -> None:
    row = Crate(label="a", amount=1)
    await Crate.objects.create(instance=row)
    other = Crate(label="b", amount=2)
    values = dict(other.__dict__)
    other.__dict__.clear()
    other.__dict__.update(reversed(values.items()))
    other.__dict__["unknown"] = 1
    missed, made = await counted(Crate.objects.create(instance=other))
    assert missed == 0
    found = await Crate.objects.get(id=made.id)
    assert (found.label, found.amount) == ("b", 2)


async def test_errors_name_the_field_both_times() -> None:
    texts = []
    await Crate.objects.create(label="a", amount=1)
    for known in (False, True):
        row = Crate(label="a", amount=1) if known else Crate(label="a", amount=1, share=1.0)
        row.__dict__["amount"] = 2**70
        with pytest.raises(OxydeError) as caught:
            await Crate.objects.create(instance=row)
        texts.append((type(caught.value), str(caught.value)))
    assert texts[0] == texts[1]
    assert "Crate.amount" in texts[0][1]


async def test_long_texts_outlive_their_row() -> None:
    text = "y" * 5000
    await Crate.objects.create(label="z" * 5000)
    made = await Crate.objects.create(label=text + "1")
    assert (await Crate.objects.get(id=made.id)).label == text + "1"


async def test_rows_whose_dict_is_in_any_way_different() -> None:
    """Values are read where they lie in instances that were made by calling the class."""

    def replaced(row: Crate) -> None:
        object.__setattr__(row, "__dict__", dict(reversed(list(row.__dict__.items()))))

    def grown(row: Crate) -> None:
        row.__dict__["aside"] = 1

    def shrunk(row: Crate) -> None:
        del row.__dict__["share"]

    def swapped(row: Crate) -> None:
        row.__dict__["label"] = row.__dict__.pop("label") + "!"

    changes = [None, replaced, grown, shrunk, swapped, None]
    for _ in range(2):
        rows = [Crate(label=f"l{number}", amount=number, share=number / 2) for number in range(24)]
        for number, row in enumerate(rows):
            change = changes[number % len(changes)]
            if change is not None:
                change(row)
        await Crate.objects.bulk_create(rows)
        found = {row.id: row for row in await Crate.objects.all()}
        for number, row in enumerate(rows):
            change = changes[number % len(changes)]
            stored = found[row.id]
            assert stored.label == f"l{number}" + ("!" if change is swapped else "")
            assert stored.amount == number
            assert stored.share == (None if change is shrunk else number / 2)
