"""Updates and deletes whose statement is known: as the tree would have them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from servers import Server

from oxyde import F, Field, Model, Q, _core, create_tables, db, drop_tables
from oxyde.exceptions import OxydeError

pytestmark = pytest.mark.asyncio

EITHER = Q(id__gte=0) | Q(id__lt=0)  # true, and no plain comparison: the tree is built


class Vat(Model):
    id: int | None = Field(default=None, db_pk=True)
    side: str = Field(max_length=10)
    number: int = 0
    label: str | None = Field(default=None, max_length=700)
    amount: int = 0
    share: float = 0.0
    price: Decimal = Field(default=Decimal(1), max_digits=12, decimal_places=2)
    filled: datetime | None = None
    open: bool = False
    extra: dict[str, Any] | None = None

    class Meta:
        is_table = True


@pytest_asyncio.fixture(autouse=True)
async def tables(fresh_database: Server) -> AsyncIterator[None]:
    opened = await db.init(default=fresh_database.url)
    try:
        await create_tables(opened, models=[Vat])
        await Vat.objects.bulk_create([Vat(side=side, number=n) for side in "ab" for n in range(8)])
        yield
        await drop_tables(opened, models=[Vat])
    finally:
        await db.close()


async def misses(call: Any) -> tuple[int, Any]:
    before = _core.cache_info()["misses"]
    result = await call
    return _core.cache_info()["misses"] - before, result


def drawn_changes(rng: random.Random) -> dict[str, Any]:
    values: dict[str, list[Any]] = {
        "label": [None, "", "a", "é" * 3, "x" * 600],
        "amount": [
            0,
            -7,
            2**40,
            F("number") + 1,
            F("amount") - 2,
            F("amount") * 3,
            F("number") + F("amount"),
        ],
        "share": [0.0, -1.5, 1e30, F("share") + 1.0, F("share") + 1, F("amount") * 0.5, F("share") - 2.5],
        "price": [Decimal("1.50"), Decimal("-345678.25"), F("price") + 1],
        "filled": [None, datetime(2024, 2, 29, 12, 30, 1)],
        "open": [False, True],
        "extra": [None, {}, {"a": [1, None, "b"]}],
    }
    names = rng.sample(list(values), rng.randint(1, 4))
    return {name: rng.choice(values[name]) for name in names}


def drawn_lookups(rng: random.Random) -> dict[str, Any]:
    lookups: dict[str, list[Any]] = {
        "number": [0, 3, 7],
        "number__gt": [0, 3, 3.5],
        "number__lte": [2, 6],
        "number__ne": [1, 4],
        "amount__gte": [-7, 0, 1],
        "open": [False, True],
        "label": ["a", ""],
        "price__lt": [Decimal("1.5"), 2],
    }
    names = rng.sample(list(lookups), rng.choice([0, 1, 1, 2]))
    return {name: rng.choice(lookups[name]) for name in names}


async def rows_of(side: str) -> list[dict[str, Any]]:
    rows = await Vat.objects.filter(side=side).order_by("number").all()
    return [{k: v for k, v in row.__dict__.items() if k not in ("id", "side")} for row in rows]


@pytest.mark.parametrize("seed", range(6))
async def test_known_changes_do_what_unknown_ones_do(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(20):
        changes, lookups = drawn_changes(rng), drawn_lookups(rng)
        for _ in range(2):  # the second time it is known
            short = await Vat.objects.filter(side="a", **lookups).update(**changes)
            tree = await Vat.objects.filter(side="b", **lookups).filter(EITHER).update(**changes)
            assert short == tree
        assert await rows_of("a") == await rows_of("b"), (changes, lookups)
    for lookups in ({"number": 2}, {"number": 5}, {"number__gt": 3, "open": False}):
        short = await Vat.objects.filter(side="a", **lookups).delete()
        assert short == await Vat.objects.filter(side="b", **lookups).filter(EITHER).delete()
    assert await rows_of("a") == await rows_of("b")


async def test_a_known_change_compiles_nothing() -> None:
    await Vat.objects.filter(number=1, side="a").update(amount=1, share=F("share") + 1.0)
    missed, changed = await misses(
        Vat.objects.filter(number=2, side="b").update(amount=5, share=F("share") + 2.5)
    )
    assert (missed, changed) == (0, 1)
    row = await Vat.objects.get(number=2, side="b")
    assert (row.amount, row.share) == (5, 2.5)
    await Vat.objects.filter(number=3, side="a").delete()
    missed, changed = await misses(Vat.objects.filter(number=4, side="b").delete())
    assert (missed, changed) == (0, 1)
    assert not await Vat.objects.filter(number=4, side="b").exists()


async def test_changes_that_look_alike_are_told_apart() -> None:
    one = Vat.objects.filter(number=1, side="a")

    async def amounts(**changes: Any) -> tuple[Any, ...]:
        await one.update(amount=10, share=4.0, label="a")
        await one.update(**changes)
        row = await one.get()
        return row.amount, row.share, row.label

    for _ in range(2):
        assert await amounts(amount=F("amount") + 2) == (12, 4.0, "a")
        assert await amounts(amount=F("amount") - 2) == (8, 4.0, "a")
        assert await amounts(amount=F("amount") * 2) == (20, 4.0, "a")
        assert await amounts(amount=F("number") + 2) == (3, 4.0, "a")
        assert await amounts(amount=2 - F("number")) == (1, 4.0, "a")
        assert await amounts(amount=F("id") * 0 + 2) == (2, 4.0, "a")
        assert await amounts(share=F("share") + 2) == (10, 6.0, "a")
        assert await amounts(share=F("share") + 2.5) == (10, 6.5, "a")
        assert await amounts(share=F("amount") * 0.25) == (10, 2.5, "a")
        assert await amounts(label=None) == (10, 4.0, None)
        assert await amounts(label="b") == (10, 4.0, "b")
        assert await amounts(label="b", amount=1) == (1, 4.0, "b")
        assert await amounts(amount=1, label="b") == (1, 4.0, "b")


async def test_returning_is_another_statement() -> None:
    for n in range(4):
        one = Vat.objects.filter(number=n, side="a")
        assert await one.update(amount=n) == 1
        (row,) = await one.update(amount=n + 1, returning=True)
        assert (row.number, row.amount) == (n, n + 1)
        assert await one.update(amount=n, returning=["amount"]) == [{"amount": n}]
        (row,) = await one.delete(returning=True)
        assert row.amount == n
        assert await one.delete() == 0


async def test_limits_and_other_conditions_choose_keys() -> None:
    side = Vat.objects.filter(side="a")
    for n in range(2):
        assert await side.update(amount=n) == 8
        assert await side.order_by("number").limit(2).update(amount=n + 5) == 2
        assert await side.filter(amount=n + 5).count() == 2
        assert await side.filter(number__in=[1, 2]).update(amount=n + 9) == 2
        assert await side.filter(amount=n + 9).count() == 2


async def test_errors_name_the_field_both_times() -> None:
    texts = []
    for n in (2**63 - 1, 2**63 - 1, 1):
        row = Vat(id=1, side="a", number=n)
        row.__dict__["number"] = n * 4
        try:
            await row.save(update_fields=["number"])
        except OxydeError as error:
            texts.append((type(error), str(error)))
    assert len(texts) == 2
    assert texts[0] == texts[1]
    assert "Vat.number" in texts[0][1]


async def test_rows_are_saved_and_deleted_again_and_again() -> None:
    rows = await Vat.objects.filter(side="b").order_by("number").all()
    for n, row in enumerate(rows):
        row.label = None if n % 2 else f"row {n}"
        row.amount = n
        await row.save()
    assert [(r["label"], r["amount"]) for r in await rows_of("b")] == [
        (None if n % 2 else f"row {n}", n) for n in range(8)
    ]
    for n, row in enumerate(rows):
        assert await row.delete() == 1
        assert len(await rows_of("b")) == 7 - n
        assert await row.delete() == 0
