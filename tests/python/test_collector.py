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
from pydantic import model_validator
from servers import Server

from oxyde import Field, Model, db

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = 5000  # more than a driver hands out in one go


class Grain(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(max_length=20)

    class Meta:
        is_table = True
        table_name = "collector_grains"


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
    async with served(fresh_database, [Grain]) as opened:
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


async def read_while_collecting(look: Callable[[], int]) -> tuple[list[Grain], list[int]]:
    """All rows, and what was seen as each collection began."""
    seen: list[int] = []

    def begun(phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            seen.append(look())

    gc.collect()
    gc.callbacks.append(begun)
    try:
        return await Grain.objects.all(), seen
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
