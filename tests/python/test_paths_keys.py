"""Paths over keys of every form: of several columns, of text, unique fields that are no keys, none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from fleet import FLEET, Berth, Depot, Friendship, Licence, Person, Region, Truck, TruckCrew, Visit
from parcels import served
from servers import Server
from sql_support import where

from oxyde import Count, FieldLookupError, FieldLookupValueError, ManagerError, Model

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Keyless(Model):
    """A row that nothing tells apart."""

    text: str
    depot: Depot | None = None

    class Meta:
        is_table = True
        table_name = "fleet_keyless"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def rows(fresh_database: Server) -> AsyncIterator[None]:
    async with served(fresh_database, [*FLEET, Keyless]):
        north = await Region.objects.create(code="N")
        await Region.objects.create(code="NE", parent=north)
        first = await Depot.objects.create(code="a", label="A", region=north)
        second = await Depot.objects.create(code="b", label="B", region_code="NE")
        trucks = [await Truck.objects.create(plate=f"p{n}", home=first if n else second) for n in range(3)]
        await Licence.objects.create(number="l", truck=trucks[1])
        people = [await Person.objects.create(name=name) for name in "xyz"]
        await TruckCrew.objects.create(truck=trucks[0], person=people[0])
        await TruckCrew.objects.create(truck=trucks[1], person=people[0], role="boss")
        await Friendship.objects.create(giver=people[0], taker=people[1])
        berths = [
            await Berth.objects.create(depot=depot, number=n) for depot in (first, second) for n in (1, 2)
        ]
        await Visit.objects.create(berth=berths[0], truck=trucks[0])
        await Visit.objects.create(berth=berths[3], truck=trucks[1])
        await Visit.objects.create(truck=trucks[1])
        await Keyless.objects.create(text="k", depot=first)
        yield


async def values(query: Any, name: str) -> list[Any]:
    found: list[Any] = await query.order_by(name).values_list(name, flat=True).all()
    return found


async def test_a_foreign_key_of_several_columns_compares_as_a_row() -> None:
    berth = await Berth.objects.get(depot="b", number=2)
    for value in (berth, ("b", 2)):
        assert await values(Visit.objects.filter(berth=value), "id") == [2]
        assert await values(Visit.objects.filter(Visit.berth == value), "id") == [2]
        assert await values(Visit.objects.filter(berth__in=[value, ("a", 1)]), "id") == [1, 2]
        assert await values(Visit.objects.filter(berth__ne=value), "id") == [1]
        assert await values(Visit.objects.exclude(berth=value), "id") == [1, 3]
        assert await values(Visit.objects.filter(Visit.berth.not_in([value])), "id") == [1]
    assert await values(Visit.objects.filter(berth__in=Berth.objects.filter(number=1)), "id") == [1]
    assert await values(Visit.objects.filter(berth=None), "id") == [3]
    assert await values(Visit.objects.filter(berth__isnull=False), "id") == [1, 2]
    assert where(Visit.objects.filter(berth__pk=("a", 1)))[0] == (
        '"berth_depot_code" = $1 AND "berth_number" = $2'
    )
    with pytest.raises(FieldLookupValueError, match="the key is a tuple of 2 values"):
        Visit.objects.filter(berth=3)
    with pytest.raises(FieldLookupError, match=r"'gt' is not allowed for Visit\.berth"):
        Visit.objects.filter(berth__gt=("a", 1))


async def test_paths_cross_keys_of_several_columns() -> None:
    assert where(Visit.objects.filter(berth__depot__code="a"))[0] == '"berth_depot_code" = $1'
    assert await values(Visit.objects.filter(berth__depot__label="B"), "id") == [2]
    assert await values(Visit.objects.filter(berth__length__gte=10), "id") == [1, 2]
    assert await values(Berth.objects.filter(visits__truck__plate="p1"), "number") == [2]
    assert await values(Depot.objects.filter(trucks__crew__name="x"), "code") == ["a", "b"]
    counted = Berth.objects.annotate(n=Count("visits", distinct=True)).order_by("depot", "number")
    assert [berth.n for berth in await counted.all()] == [1, 0, 0, 1]


async def test_a_foreign_key_refers_to_what_it_says() -> None:
    truck = await Truck.objects.get(plate="p1")
    assert await values(Visit.objects.filter(truck=truck), "id") == [2, 3]
    assert await values(Visit.objects.filter(truck="p1"), "id") == [2, 3]
    assert await values(Visit.objects.filter(truck__in=Truck.objects.filter(home="a")), "id") == [2, 3]
    assert where(Visit.objects.filter(truck__plate="p1"))[0] == '"truck_plate" = $1'
    assert await values(Visit.objects.filter(truck__id=truck.id), "id") == [2, 3]
    assert await values(Visit.objects.filter(truck__licence__number="l"), "id") == [2, 3]


async def test_text_keys_compare_as_text() -> None:
    assert await values(Truck.objects.filter(home__gt="a"), "plate") == ["p0"]
    assert await values(Truck.objects.filter(home__region__parent="N"), "plate") == ["p0"]
    assert await values(Region.objects.filter(depots__trucks__plate="p0"), "code") == ["NE"]
    with pytest.raises(FieldLookupValueError, match=r"Truck\.home_code"):
        Truck.objects.filter(home__in=[3])


async def test_many_to_many_in_both_directions() -> None:
    assert await values(Truck.objects.filter(crew__name="x"), "plate") == ["p0", "p1"]
    assert await values(Person.objects.filter(trucks__home__label="A"), "name") == ["x"]
    assert await values(Person.objects.filter(friends__name="y"), "name") == ["x"]
    assert await values(Person.objects.filter(friends__name="x"), "name") == []
    assert await values(Person.objects.filter(trucks__isnull=True), "name") == ["y", "z"]
    assert await values(Person.objects.filter(friends=2), "name") == ["x"]


async def test_rows_without_a_key_are_not_chosen_by_related_rows() -> None:
    assert await Keyless.objects.filter(depot__label="A").count() == 1
    with pytest.raises(ManagerError, match="Keyless has no primary key"):
        await Keyless.objects.filter(depot__label="A").update(text="z")
    assert await Keyless.objects.filter(depot="a").update(text="z") == 1
