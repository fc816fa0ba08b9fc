"""join(): related rows from the same statement, as objects, on every server."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fleet import Depot, Licence, Region, Truck, Visit
from fleet_rows import filled_fleet
from servers import Server

from oxyde import FieldLookupError, db, is_loaded


@pytest_asyncio.fixture(autouse=True)
async def fleet(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with filled_fleet(fresh_database) as database:
        yield database


async def test_each_prefix_of_a_path_is_loaded_by_one_statement() -> None:
    with db.capture_queries() as log:
        trucks = await Truck.objects.join("home__region__parent").order_by("id").all()
    assert len(log) == 1
    north, south = trucks[0].home, trucks[2].home
    assert (north.code, north.label, south.label) == ("N4", "North", "South")
    assert north.region is not None and north.region.name == "Germany"
    assert north.region.parent is not None and north.region.parent.name == "Europe"
    assert north.region.parent.parent is None
    assert south.region is None


async def test_a_missing_row_is_none_and_counts_as_loaded() -> None:
    visits = await Visit.objects.join("truck", "berth__depot").order_by("id").all()
    assert [visit.truck and visit.truck.plate for visit in visits] == ["A 1", "A 2", None, "B 1"]
    assert visits[3].berth is None
    assert is_loaded(visits[2], "truck")
    assert is_loaded(visits[3], "berth")
    assert not is_loaded(visits[0].truck, "home")
    first = await Region.objects.join("parent").get(code="EU")
    assert first.parent is None and is_loaded(first, "parent")


async def test_what_is_not_joined_stays_unloaded() -> None:
    truck = await Truck.objects.join("home").get(plate="A 1")
    assert is_loaded(truck, "home") and not is_loaded(truck, "licence") and not is_loaded(truck, "crew")
    assert (truck.licence, truck.crew) == (None, [])
    assert not is_loaded(truck.home, "region") and truck.home.region is None
    assert not is_loaded(await Truck.objects.get(plate="A 1"), "home")


async def test_rows_with_the_same_key_share_one_object() -> None:
    trucks = await Truck.objects.join("home").order_by("id").all()
    assert trucks[0].home is trucks[1].home
    assert trucks[0].home is not trucks[2].home
    again = await Truck.objects.join("home").get(plate="A 1")
    assert again.home == trucks[0].home and again.home is not trucks[0].home


async def test_keys_of_several_columns_and_of_unique_fields() -> None:
    visits = await Visit.objects.join("berth", "truck").order_by("id").all()
    assert visits[0].berth is visits[1].berth
    assert [visit.berth and visit.berth.length for visit in visits] == [10, 10, 20, None]
    assert [visit.truck and visit.truck.id for visit in visits] == [1, 2, None, 3]


async def test_one_to_one_from_both_sides() -> None:
    trucks = await Truck.objects.join("licence").order_by("id").all()
    assert [truck.licence and truck.licence.number for truck in trucks] == ["L1", None, None]
    assert is_loaded(trucks[1], "licence")
    licence = await Licence.objects.join("truck__home").get()
    assert (licence.truck.plate, licence.truck.home.label) == ("A 1", "North")
    # The way there and back again is a way like any other.
    truck = await Truck.objects.join("licence__truck").get(id=1)
    assert truck.licence is not None and truck.licence.truck.plate == "A 1"
    assert truck.licence.truck is not truck


async def test_a_table_is_joined_to_itself() -> None:
    regions = await Region.objects.join("parent__parent").order_by("code").all()
    assert [(r.code, r.parent and r.parent.code) for r in regions] == [("DE", "EU"), ("EU", None)]
    assert regions[0].parent is not None and regions[0].parent.parent is None
    assert is_loaded(regions[0].parent, "parent")


async def test_several_ways_to_one_table_are_joined_each() -> None:
    visit = await Visit.objects.join("truck__home", "berth__depot").get(id=1)
    assert visit.truck is not None and visit.berth is not None
    assert visit.truck.home == visit.berth.depot


async def test_paths_may_be_given_twice_and_as_columns() -> None:
    query = Truck.objects.join("home").join("home", "home__region").join("home__region")
    assert query.sql() == Truck.objects.join("home__region").sql()
    assert query.sql()[0].count("JOIN") == 2


async def test_related_rows_count_as_saved() -> None:
    truck = await Truck.objects.join("home").get(plate="A 1")
    truck.home.label = "Far north"
    await truck.home.save()
    assert (await Depot.objects.get(code="N4")).label == "Far north"
    assert await Depot.objects.count() == 2


async def test_joined_rows_are_let_go_with_their_parents() -> None:
    async def load() -> None:
        assert len(await Truck.objects.join("home__region", "licence").all()) == 3

    def alive() -> int:
        gc.collect()
        return sum(isinstance(found, (Truck, Depot, Region, Licence)) for found in gc.get_objects())

    await load()
    before = alive()
    for _ in range(5):
        await load()
    assert alive() == before


def test_paths_are_checked_at_the_call() -> None:
    with pytest.raises(ValueError, match="name of a relation"):
        Truck.objects.join()
    with pytest.raises(ValueError, match="empty"):
        Truck.objects.join("home", "")
    with pytest.raises(TypeError, match="int"):
        Truck.objects.join(3)
    for path, words in {
        "crew": r"Truck\.crew leads to many rows.*prefetch\('crew'\)",
        "home__trucks": r"Depot\.trucks leads to many rows",
        "plate": r"Truck\.plate is no relation",
        "home_code": r"Truck\.home_code is no relation; did you mean 'home'",
        "hom": r"Truck\.hom does not exist; did you mean 'home'",
        "home__regoin": r"Depot\.regoin does not exist \(in 'home__regoin'\); did you mean 'region'",
        "home__": r"Depot\. does not exist",
        "pk": r"Truck\.pk does not exist",
    }.items():
        with pytest.raises(FieldLookupError, match=words):
            Truck.objects.join(path)


def test_a_query_is_not_changed_by_its_joins() -> None:
    base = Truck.objects.filter(plate="A 1")
    assert "JOIN" in base.join("home").sql()[0]
    assert "JOIN" not in base.sql()[0]


async def test_a_partial_row_has_the_id_of_what_is_joined_to_it() -> None:
    for query in (Truck.objects.only("plate"), Truck.objects.defer("home_code"), Truck.objects.defer("home")):
        truck = await query.join("home__region").get(plate="A 1")
        assert is_loaded(truck, "home_code")
        assert truck.home is not None and truck.home_code == truck.home.code
    truck = await Truck.objects.only("plate").join("licence").get(plate="A 1")
    assert not is_loaded(truck, "home_code") and is_loaded(truck, "licence")
