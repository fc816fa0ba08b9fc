"""prefetch() through keys of every kind: other types, several columns, unique fields, the model itself."""

from __future__ import annotations

import datetime as dt
import enum
import gc
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from fleet import FLEET, Berth, Depot, Friendship, Licence, Person, Region, Truck, TruckCrew, Visit
from parcels import served
from servers import Server

from oxyde import Field, Model, Prefetch, db, is_loaded
from oxyde._core import Links


class Grade(enum.Enum):
    A = "a"
    B = "b"


DAY = dt.date(2031, 5, 1)
KEYS: dict[str, tuple[Any, list[Any]]] = {
    "int": (int, [n * 1_000_000_007 for n in range(1, 151)]),
    "text": (str, [f"k{n} ü'\\" for n in range(150)]),
    "uuid": (uuid.UUID, [uuid.UUID(int=n * 7) for n in range(150)]),
    "bytes": (bytes, [bytes([n, 0, 255 - n]) for n in range(150)]),
    "decimal": (Decimal, [Decimal(n) / 4 for n in range(150)]),
    "date": (dt.date, [DAY + dt.timedelta(n) for n in range(150)]),
    "datetime": (dt.datetime, [dt.datetime(2031, 5, 1, 1, 2, 3, n * 11) for n in range(150)]),
    "enum": (Grade, list(Grade)),
}


def pair(name: str, type_: Any) -> tuple[Any, Any]:
    """A model with a key of the type, and one with a foreign key to it."""
    sizes: dict[str, Any] = {
        "text": {"max_length": 20},
        "bytes": {"max_length": 8},
        "decimal": {"max_digits": 9, "decimal_places": 2},
    }

    class Base(Model):
        code: type_ = Field(db_pk=True, **sizes.get(name, {}))  # type: ignore[valid-type]
        leaves: list[Leaf] = Field(db_reverse_fk="base")

        class Meta:
            is_table = True
            table_name = f"base_{name}"

    class Leaf(Model):
        id: int | None = Field(default=None, db_pk=True)
        base: Base | None = None

        class Meta:
            is_table = True
            table_name = f"leaf_{name}"

    return Base, Leaf


PAIRS = {name: pair(name, type_) for name, (type_, _) in KEYS.items()}


async def test_keys_of_every_type(fresh_database: Server) -> None:
    # A BLOB is no key on MySQL.
    chosen = [name for name in KEYS if name != "bytes" or fresh_database.backend != "mysql"]
    async with served(fresh_database, [model for name in chosen for model in PAIRS[name]]):
        for name in chosen:
            base, leaf = PAIRS[name]
            keys = KEYS[name][1]
            await base.objects.bulk_create([base(code=key) for key in keys])
            await leaf.objects.bulk_create([leaf(base_code=key) for key in [*keys, *keys]])
            for count in (2, len(keys)):
                found = await base.objects.filter(code__in=keys[:count]).prefetch("leaves__base").all()
                assert len(found) == count, name
                for row in found:
                    assert [one.base_code for one in row.leaves] == [row.code] * 2, name
                    assert row.leaves[0].base.code == row.code, name
                    assert row.leaves[0].base is row.leaves[1].base, name


# --- other keys ----------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def fleet(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, FLEET) as database:
        await Region.objects.create(code="EU")
        await Region.objects.bulk_create([Region(code=code, parent_code="EU") for code in ("NO", "SO")])
        await Depot.objects.bulk_create([Depot(code="N4", region_code="NO"), Depot(code="S1")])
        await Truck.objects.bulk_create([Truck(id=n, plate=f"P{n}", home_code="N4") for n in (1, 2, 3)])
        await Licence.objects.create(number="L2", truck_id=2)
        await Person.objects.bulk_create([Person(id=n, name=f"N{n}") for n in (1, 2, 3)])
        await TruckCrew.objects.bulk_create([TruckCrew(truck_id=1, person_id=n) for n in (2, 1)])
        await Friendship.objects.bulk_create(
            [Friendship(giver_id=a, taker_id=b) for a, b in ((1, 3), (1, 2), (3, 1))]
        )
        await Berth.objects.bulk_create([Berth(depot_code="N4", number=n) for n in (1, 2)])
        await Visit.objects.bulk_create(
            [
                Visit(berth_depot_code="N4", berth_number=n, truck_plate=plate)
                for n, plate in ((2, "P3"), (2, None), (1, "P1"))
            ]
        )
        await Visit.objects.bulk_create([Visit()])
        yield database


async def test_one_to_one_from_both_sides(fleet: db.AsyncDatabase) -> None:
    trucks = await Truck.objects.order_by("id").prefetch("licence__truck").all()
    assert [truck.licence and truck.licence.number for truck in trucks] == [None, "L2", None]
    assert all(is_loaded(truck, "licence") for truck in trucks)
    assert trucks[1].licence is not None
    assert trucks[1].licence.truck.id == 2


async def test_several_columns(fleet: db.AsyncDatabase) -> None:
    berths = await Berth.objects.order_by("number").prefetch("visits__truck", "depot__region").all()
    assert [[visit.id for visit in berth.visits] for berth in berths] == [[3], [1, 2]]
    assert berths[0].depot is berths[1].depot
    assert berths[1].visits[0].truck is not None
    assert berths[1].visits[0].truck.plate == "P3"
    visits = await Visit.objects.order_by("id").prefetch("berth").all()
    assert [visit.berth and visit.berth.number for visit in visits] == [2, 2, 1, None]
    assert visits[0].berth is visits[1].berth
    (_, two) = await Berth.objects.order_by("number").prefetch(Prefetch("visits", limit=1)).all()
    assert [visit.id for visit in two.visits] == [1]


async def test_the_model_itself(fleet: db.AsyncDatabase) -> None:
    top = await Region.objects.prefetch("children__parent", "children__depots__trucks").get(code="EU")
    assert [child.code for child in top.children] == ["NO", "SO"]
    assert top.children[0].parent is top.children[1].parent
    assert top.children[0].parent is not top
    assert [truck.id for truck in top.children[0].depots[0].trucks] == [1, 2, 3]
    people = await Person.objects.order_by("id").prefetch("friends__friends", "trucks").all()
    assert [[friend.id for friend in person.friends] for person in people] == [[3, 2], [], [1]]
    assert [friend.id for friend in people[0].friends[0].friends] == [1]
    # The junction's key is (truck, person): in its order.
    (one, *_) = await Truck.objects.order_by("id").prefetch("crew").all()
    assert [person.id for person in one.crew] == [1, 2]


# --- Links -----------------------------------------------------------------------------------------


def test_links_hold_nothing_after_their_end() -> None:
    trucks = [Truck(id=n, plate=f"P{n}", home_code="N4") for n in range(20)]

    def make() -> None:
        links = Links(trucks, ("home_code",), None)
        assert links.keys == ["N4"]
        assert links.in_doubt() == []
        links.attach("spare", None, True)
        assert trucks[0].spare == []  # type: ignore[attr-defined]

    make()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        make()
    gc.collect()
    assert len(gc.get_objects()) - before < 50


def test_links_refuse_what_they_cannot_use() -> None:
    truck = Truck(id=1, plate="P", home_code="N4")
    with pytest.raises(AttributeError, match=r"Truck\.nothing is not loaded"):
        Links([truck], ("nothing",), None)
    with pytest.raises(TypeError):
        Links([truck], ["id"], None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="no __dict__"):
        Links([3], ("id",), None)
    links = Links([truck], ("id", "home_code"), None)
    assert links.keys == [(1, "N4")]
    with pytest.raises(TypeError, match="attach"):
        links.attach("name", None)  # type: ignore[call-arg]
