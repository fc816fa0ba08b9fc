"""Large results and Python's cyclic collector: it does not walk over rows that are being read, only over
those that were handed over."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import served
from pydantic import PrivateAttr, model_validator
from servers import Server

from oxyde import Field, Model, _core, db

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = 5000  # more than a driver hands out in one go
MILLS = 300


class Grain(Model):
    """Of the collector's business; without a private attribute it would not be (test_leaf.py)."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=20)
    _weighed: bool = PrivateAttr(default=False)

    class Meta:
        is_table = True
        table_name = "collector_grains"


class Mill(Model):
    """Of which each grain has one, and which has a list of them."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=20)
    flours: list[Flour] = Field(default_factory=list, db_reverse_fk="mill")
    _weighed: bool = PrivateAttr(default=False)

    class Meta:
        is_table = True
        table_name = "collector_mills"


class Flour(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=20)
    mill: Mill | None = None
    sacks: list[Sack] = Field(default_factory=list, db_reverse_fk="flour")
    _weighed: bool = PrivateAttr(default=False)

    class Meta:
        is_table = True
        table_name = "collector_flours"


class Sack(Model):
    id: int | None = Field(default=None, db_pk=True)
    flour: Flour | None = None

    class Meta:
        is_table = True
        table_name = "collector_sacks"


kept: list[Model] = []


class Picky(Model):
    """The same rows, one of which is refused."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=20)

    class Meta:
        is_table = True
        table_name = "collector_grains"

    @model_validator(mode="after")
    def keep(self) -> Picky:
        kept.append(self)
        if self.id == 3000:
            raise ValueError("not this one")
        return self


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, [Grain, Mill, Flour, Sack]) as opened:
        await Mill.objects.bulk_create([{"id": n, "name": f"mill {n}"} for n in range(1, MILLS + 1)])
        flours = [{"id": n, "name": f"flour {n}", "mill_id": n % MILLS + 1} for n in range(1, ROWS + 1)]
        await Flour.objects.bulk_create(flours)
        await Grain.objects.bulk_create([{"id": n, "name": f"grain {n}"} for n in range(1, ROWS + 1)])
        yield opened


@pytest.fixture
def eager() -> Iterator[None]:
    """A collector that is due after every hundred objects."""
    before = gc.get_threshold()
    gc.set_threshold(100, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def read_while_collecting(look: Callable[[], int], query: Any = None) -> tuple[list[Any], list[int]]:
    """All rows, and what was seen as each collection began."""
    seen: list[int] = []

    def begun(phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            seen.append(look())

    gc.collect()
    gc.callbacks.append(begun)
    try:
        return await (query or Grain.objects).all(), seen
    finally:
        gc.callbacks.remove(begun)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there collections are late, when all is handed over")
async def test_no_collection_walks_over_rows_that_are_being_read(
    database: db.AsyncDatabase, eager: None
) -> None:
    rows, seen = await read_while_collecting(lambda: sum(type(o) is Grain for o in gc.get_objects()))
    assert len(rows) == ROWS
    assert seen, "nothing was collected"
    assert max(seen) < 200, "rows of a part that had not begun"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there collections are late, when all is handed over")
async def test_no_collection_visits_rows_through_their_list(database: db.AsyncDatabase, eager: None) -> None:
    def longest() -> int:
        lists = [o for o in gc.get_objects() if type(o) is list and o and type(o[0]) is Grain]
        return max(map(len, lists), default=0)

    rows, walked = await read_while_collecting(longest)
    assert len(rows) == ROWS
    assert walked, "nothing was collected"
    assert max(walked) < 200, "rows of a part that had not begun"
    assert gc.is_tracked(rows), "the list is the caller's now"


def parts_of(flours: list[Flour]) -> list[Any]:
    """What the collector has to see of them."""
    mills = {id(flour.mill): flour.mill for flour in flours if flour.mill is not None}.values()
    lists = [row.__dict__["sacks"] for row in flours] + [mill.__dict__["flours"] for mill in mills]
    rows = [*flours, *mills]
    return [*lists, *rows, *(row.__dict__ for row in rows)]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there collections are late, when all is handed over")
async def test_no_collection_walks_over_lists_and_related_rows_that_are_being_read(
    database: db.AsyncDatabase, eager: None
) -> None:
    def young() -> int:
        return sum(type(o) in (Flour, Mill) or (type(o) is list and not o) for o in gc.get_objects())

    outside = young()
    rows, seen = await read_while_collecting(young, Flour.objects.join("mill"))
    assert len(rows) == ROWS
    assert seen, "nothing was collected"
    assert max(seen) - outside < 600, "rows of a part that had not begun, with their mills and lists"
    assert all(map(gc.is_tracked, parts_of(rows)))


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there only instances are hidden")
async def test_no_collection_walks_over_parents_whose_relations_are_being_read(
    database: db.AsyncDatabase, eager: None
) -> None:
    mills, seen = await read_while_collecting(
        lambda: sum(type(o) is Mill for o in gc.get_objects()), Mill.objects.prefetch("flours")
    )
    assert len(mills) == MILLS
    assert seen, "nothing was collected"
    shown = seen.index(MILLS) if MILLS in seen else 0
    assert 0 in seen[shown:], "they were handed from one statement to the next, and hidden again"
    assert all(map(gc.is_tracked, parts_of([flour for mill in mills for flour in mill.flours])))
    assert all(gc.is_tracked(mill) and gc.is_tracked(mill.__dict__["flours"]) for mill in mills)


async def test_parents_whose_relations_could_not_be_read_are_tracked(
    database: db.AsyncDatabase, eager: None
) -> None:
    parents = [Mill(id=n, name="given up") for n in range(1, 101)]
    links = _core.Links(parents, ("id",), None)
    hidden = not any(map(gc.is_tracked, parents))
    del links
    assert hidden
    assert all(map(gc.is_tracked, parents))
    assert all(gc.is_tracked(mill.__dict__["flours"]) for mill in parents)


async def test_lists_and_related_rows_of_a_result_that_failed_are_tracked(
    database: db.AsyncDatabase, eager: None
) -> None:
    class Sour(Flour):
        @model_validator(mode="after")
        def keep(self) -> Sour:
            kept.append(self)
            if self.id == 3000:
                raise ValueError("not this one")
            return self

        class Meta:
            is_table = True
            table_name = "collector_flours"

    with pytest.raises(ValueError, match="not this one"):
        await Sour.objects.join("mill").order_by("id").all()
    seen = [row for row in kept if isinstance(row, Sour) and row.__dict__.get("mill") is not None]
    assert len(seen) > 2000
    assert all(map(gc.is_tracked, parts_of(seen)))
    kept.clear()


async def test_rows_that_were_handed_over_are_tracked(database: db.AsyncDatabase, eager: None) -> None:
    assert all(map(gc.is_tracked, await Grain.objects.all()))
    assert all(map(gc.is_tracked, await Grain.objects.limit(100).all()))
    assert all([gc.is_tracked(grain) async for grain in Grain.objects.iterator(chunk_size=700)])
    assert len(await Grain.objects.values().all()) == ROWS


async def test_rows_that_a_validator_kept_are_tracked_though_a_later_one_failed(
    database: db.AsyncDatabase, eager: None
) -> None:
    with pytest.raises(ValueError, match="not this one"):
        await Picky.objects.order_by("id").all()
    assert len(kept) == 3000
    assert all(map(gc.is_tracked, kept))
    kept.clear()


async def test_cycles_of_rows_are_collected(database: db.AsyncDatabase, eager: None) -> None:
    rows = await Grain.objects.all()
    gone = [weakref.ref(grain) for grain in rows]
    for grain, other in zip(rows, reversed(rows), strict=True):
        grain.__dict__["other"] = other
    del rows, grain, other
    gc.collect()
    assert [ref for ref in gone if ref() is not None] == []


async def test_a_cycle_through_the_list_is_collected(database: db.AsyncDatabase, eager: None) -> None:
    rows = await Grain.objects.all()
    gone = weakref.ref(rows[0])
    rows[0].__dict__["siblings"] = rows
    del rows
    gc.collect()
    assert gone() is None


async def test_the_collector_stays_as_the_user_has_it(database: db.AsyncDatabase) -> None:
    gc.disable()
    try:
        await Grain.objects.all()
        assert not gc.isenabled()
    finally:
        gc.enable()
    await Grain.objects.all()
    assert gc.isenabled()
