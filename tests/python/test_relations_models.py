"""Relations as models declare them: id fields, both ends, what is created and stored."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fleet import FLEET, Berth, Depot, Friendship, Licence, Person, Region, Truck, TruckCrew, Visit
from parcels import served
from servers import Server

from oxyde import _core, db
from oxyde.models._relations import RelationSpec, relation_of


def test_the_id_field_comes_after_the_declared_ones() -> None:
    assert list(Truck.model_fields) == ["id", "plate", "home", "licence", "crew", "home_code"]
    assert list(Berth.model_fields) == ["depot", "number", "length", "visits", "depot_code"]
    assert Berth._db_meta.pk_fields == ("depot_code", "number")


@pytest.mark.parametrize(
    ("model", "name", "spec"),
    [
        (Truck, "home", RelationSpec(_core.REL_FORWARD, Depot, (("home_code", "code"),), nullable=False)),
        (Depot, "region", RelationSpec(_core.REL_FORWARD, Region, (("region_code", "code"),))),
        (Depot, "trucks", RelationSpec(_core.REL_REVERSE_MANY, Truck, (("code", "home_code"),))),
        (Truck, "licence", RelationSpec(_core.REL_REVERSE_ONE, Licence, (("id", "truck_id"),))),
        (Region, "children", RelationSpec(_core.REL_REVERSE_MANY, Region, (("code", "parent_code"),))),
        (
            Truck,
            "crew",
            RelationSpec(_core.REL_MANY, Person, (("id", "truck_id"),), TruckCrew, (("person_id", "id"),)),
        ),
        (
            Person,
            "trucks",
            RelationSpec(_core.REL_MANY, Truck, (("id", "person_id"),), TruckCrew, (("truck_id", "id"),)),
        ),
        (
            Person,
            "friends",
            RelationSpec(_core.REL_MANY, Person, (("id", "giver_id"),), Friendship, (("taker_id", "id"),)),
        ),
        (
            Visit,
            "berth",
            RelationSpec(
                _core.REL_FORWARD, Berth, (("berth_depot_code", "depot_code"), ("berth_number", "number"))
            ),
        ),
        (
            Berth,
            "visits",
            RelationSpec(
                _core.REL_REVERSE_MANY,
                Visit,
                (("depot_code", "berth_depot_code"), ("number", "berth_number")),
            ),
        ),
        (Visit, "truck", RelationSpec(_core.REL_FORWARD, Truck, (("truck_plate", "plate"),))),
        (Truck, "plate", None),
        (Truck, "nothing", None),
    ],
)
def test_both_ends_are_found(model: type, name: str, spec: RelationSpec | None) -> None:
    assert relation_of(model, name) == spec


@pytest_asyncio.fixture
async def fleet(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, FLEET) as database:
        yield database


async def test_rows_are_written_and_read_by_id(fleet: db.AsyncDatabase) -> None:
    north = await Depot.objects.create(code="N4", label="North")
    truck = await Truck.objects.create(plate="A 1", home=north)
    assert truck.home_code == "N4"
    assert truck.home is north
    read = await Truck.objects.get(home_code="N4")
    assert (read.home_code, read.home, read.licence, read.crew) == ("N4", None, None, [])
    assert read.crew is not (await Truck.objects.get(home_code="N4")).crew
    berth = await Berth.objects.create(depot=north, number=3)
    visit = await Visit.objects.create(berth=berth, truck=truck)
    found = await Visit.objects.get(pk=visit.id)
    assert (found.berth_depot_code, found.berth_number, found.truck_plate) == ("N4", 3, "A 1")
    assert (await Berth.objects.get(pk=("N4", 3))).length == 10
