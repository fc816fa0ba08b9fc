"""A foreign key of several columns goes by its name wherever fields do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from fleet import FLEET, Berth, Depot, Visit
from parcels import served
from servers import Server

from oxyde import FieldError, is_loaded


@pytest_asyncio.fixture
async def visit(fresh_database: Server) -> AsyncIterator[Visit]:
    async with served(fresh_database, FLEET):
        await Depot.objects.create(code="N4")
        berth = await Berth.objects.create(depot_code="N4", number=3)
        await Berth.objects.create(depot_code="N4", number=4)
        yield await Visit.objects.create(berth=berth)


IDS = ("berth_depot_code", "berth_number")


async def test_only_and_defer_take_all_its_columns(visit: Visit) -> None:
    named: list[Any] = ["berth", Visit.berth]
    for name in named:
        row = await Visit.objects.only(name).get()
        assert [is_loaded(row, field) for field in (*IDS, "id", "truck_plate")] == [True, True, True, False]
        assert (row.berth_depot_code, row.berth_number) == ("N4", 3)
        row = await Visit.objects.defer(name).get()
        assert [is_loaded(row, field) for field in (*IDS, "truck_plate")] == [False, False, True]
    row = await Visit.objects.only("berth").join("berth").get()
    assert row.berth is not None and row.berth.length == 10
    key = await Berth.objects.only("pk").filter(number=3).get()
    assert (key.depot_code, key.number, is_loaded(key, "length")) == ("N4", 3, False)
    for wrong in ("berth__number__gte", "berth__length"):
        with pytest.raises(FieldError, match=r"Visit"):
            await Visit.objects.only(wrong).all()


async def test_saving_and_refreshing_take_all_its_columns(visit: Visit) -> None:
    visit.berth_number = 4
    await visit.save(update_fields=["berth"])
    other = await Visit.objects.only("id").get()
    await other.refresh(["berth"])
    assert (other.berth_depot_code, other.berth_number) == ("N4", 4)


async def test_a_value_is_asked_for_one_column_at_a_time(visit: Visit) -> None:
    for name in ("berth", "berth__pk"):
        with pytest.raises(FieldError, match=rf"Visit: '{name}' is a key of 2 fields: name them one by one"):
            await Visit.objects.values(name).all()
    with pytest.raises(FieldError, match="Berth: 'pk' is a key of 2 fields"):
        await Berth.objects.values_list("pk").all()
    assert await Visit.objects.values_list(*IDS).all() == [("N4", 3)]
    assert await Visit.objects.order_by("berth").filter(berth=("N4", 3)).count() == 1
