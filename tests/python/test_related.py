"""related(): queries over the related rows, and links that come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from fleet import FLEET, Berth, Depot, Friendship, Licence, Person, Region, Truck, TruckCrew, Visit
from parcels import served
from servers import Server

from oxyde import (
    FieldError,
    FieldLookupError,
    ForeignKeyViolationError,
    ManagerError,
    Model,
    UniqueViolationError,
    db,
    execute_raw,
    is_loaded,
    related,
)
from oxyde.queries import RelatedManager

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, FLEET) as opened:
        if opened.backend == "postgres":  # whose sequences do not notice the keys that rows are given
            for table in ("fleet_people", "fleet_trucks"):
                await execute_raw(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 100)")
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(database: db.AsyncDatabase) -> db.AsyncDatabase:
    """Two regions, two depots, three trucks of N4, three people; truck 1 is driven by 1 and 2."""
    for model in reversed(FLEET):
        await model.objects.delete()
    await Region.objects.bulk_create([Region(code=code) for code in ("NO", "SO")])
    await Depot.objects.bulk_create([Depot(code="N4", region_code="NO"), Depot(code="S1")])
    await Truck.objects.bulk_create([Truck(id=n, plate=f"P{n}", home_code="N4") for n in (1, 2, 3)])
    await Person.objects.bulk_create(
        [Person(id=n, name=name) for n, name in enumerate(("Ana", "Bo", "Cy"), 1)]
    )
    await TruckCrew.objects.bulk_create([TruckCrew(truck_id=1, person_id=n) for n in (1, 2)])
    return database


async def share_crew() -> None:
    """The drivers of truck 1 drive truck 2 as well: what changes the one leaves the other."""
    await TruckCrew.objects.bulk_create([TruckCrew(truck_id=2, person_id=n) for n in (1, 2)])


async def crew_of(truck: int) -> list[tuple[int, str]]:
    return (
        await TruckCrew.objects.filter(truck_id=truck)
        .order_by("person_id")
        .values_list("person_id", "role")
        .all()
    )


# --- queries ----------------------------------------------------------------------------------


async def test_it_is_a_query_over_the_related_rows(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.get(id=1)
    crew = related(truck, "crew")
    assert isinstance(crew, RelatedManager)
    assert crew.model_class is Person
    assert repr(crew) == "<RelatedManager of Truck.crew>"
    assert await crew.order_by("-name").values_list("name", flat=True).all() == ["Bo", "Ana"]
    assert await crew.count() == 2
    assert (await crew.get(name="Bo")).id == 2
    assert await crew.filter(name="Cy").exists() is False
    assert [person.id for person in await crew.order_by("id")[1:].all()] == [2]
    assert sorted([person.id async for person in crew]) == [1, 2]
    assert len(await crew[:1].all()) == 1
    assert await crew.exclude(name="Bo").update(name="Ann") == 1
    assert (await Person.objects.get(id=1)).name == "Ann"
    north = await Region.objects.get(code="NO")
    assert await related(north, "depots").values_list("code", flat=True).all() == ["N4"]
    depot = await Depot.objects.get(code="N4")
    assert [truck.id for truck in await related(depot, "trucks").order_by("id").all()] == [1, 2, 3]
    assert await related(depot, Depot.trucks).count() == 3  # type: ignore[arg-type]
    assert await related(depot, "trucks").filter(id=3).delete() == 1
    assert await Truck.objects.count() == 2
    ana = await Person.objects.get(id=1)
    assert [truck.id for truck in await related(ana, "trucks").prefetch("crew").all()] == [1]


async def test_a_relation_to_the_model_itself(fleet: db.AsyncDatabase) -> None:
    ana = await Person.objects.get(id=1)
    assert await related(ana, "friends").add(2, 3) == 2
    assert await related(ana, "friends").order_by("id").values_list("id", flat=True).all() == [2, 3]
    bo = await Person.objects.get(id=2)
    assert await related(bo, "friends").all() == []  # one direction only
    assert await Friendship.objects.filter(giver=ana).count() == 2
    north = await Region.objects.get(code="NO")
    assert await related(north, "children").add("SO") == 1
    assert (await Region.objects.get(code="SO")).parent_code == "NO"  # type: ignore[attr-defined]


# --- many-to-many --------------------------------------------------------------------------------


async def test_add_links_what_is_not_linked_yet(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.get(id=1)
    cy = await Person.objects.get(id=3)
    crew = related(truck, "crew")
    assert await crew.add(2, cy, 1, cy, "3", through_defaults={"role": "mechanic"}) == 1
    assert await crew_of(1) == [(1, "driver"), (2, "driver"), (3, "mechanic")]
    assert await crew.add() == 0
    assert await crew.add(cy) == 0


async def test_remove_ends_links(fleet: db.AsyncDatabase) -> None:
    await share_crew()
    truck = await Truck.objects.get(id=1)
    crew = related(truck, "crew")
    assert await crew.remove(1, 3) == 1
    assert await crew_of(1) == [(2, "driver")]
    assert await crew_of(2) == [(1, "driver"), (2, "driver")]
    assert await crew.remove() == 0
    assert await Person.objects.count() == 3


async def test_set_leaves_the_rest(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.get(id=1)
    await TruckCrew.objects.filter(person_id=2).update(role="boss")
    await related(truck, "crew").set([2, 3], through_defaults={"role": "guest"})
    assert await crew_of(1) == [(2, "boss"), (3, "guest")]
    await share_crew()
    await related(truck, "crew").set(iter(()))
    assert await crew_of(1) == []
    assert await crew_of(2) == [(1, "driver"), (2, "driver")]


async def test_clear_removes_all(fleet: db.AsyncDatabase) -> None:
    await share_crew()
    truck = await Truck.objects.get(id=1)
    assert await related(truck, "crew").clear() == 2
    assert await related(truck, "crew").clear() == 0
    assert await crew_of(2) == [(1, "driver"), (2, "driver")]


async def test_create_links_the_new_row(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.get(id=2)
    crew = related(truck, "crew")
    dee = await crew.create(name="Dee", through_defaults={"role": "guest"})
    assert dee.id is not None
    assert await crew_of(2) == [(dee.id, "guest")]
    eve, created = await crew.get_or_create(name="Eve")
    assert created
    assert await crew.get_or_create(name="Eve") == (eve, False)
    ana, created = await crew.get_or_create(name="Ana")  # there is one, who is not of this crew
    assert created
    assert ana.id != 1
    flo, created = await crew.update_or_create(name="Flo", defaults={"name": "Flora"})
    assert (created, flo.name) == (True, "Flora")
    _, created = await crew.update_or_create(name="Flora", defaults={"name": "Flo"})
    assert not created
    gus, hal = await crew.bulk_create([Person(name="Gus"), {"name": "Hal"}])
    assert [number for number, _ in await crew_of(2)] == [
        dee.id, eve.id, ana.id, flo.id, gus.id, hal.id,
    ]  # fmt: skip


async def test_upsert_links_the_row_that_was_there_and_the_new_one(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.get(id=2)
    crew = related(truck, "crew")
    before = [number for number, _ in await crew_of(2)]
    ana = await crew.upsert(id=1, name="Anna")  # of another crew so far
    zoe = await crew.upsert(id=77, name="Zoe", through_defaults={"role": "guest"})
    again = await crew.upsert(id=77, name="Zoë")
    assert (ana.name, zoe.name, again.name) == ("Anna", "Zoe", "Zoë")
    assert [number for number, _ in await crew_of(2)] == sorted({*before, 1, 77})
    assert dict(await crew_of(2))[77] == "guest"

    south = await Depot.objects.get(code="S1")
    trucks = related(south, "trucks")
    taken = await trucks.upsert(id=1, plate="new plate", update_fields=["plate"])
    made = await trucks.upsert({"id": 90, "plate": "U 1"})
    given = await trucks.upsert(instance=Truck(id=91, plate="U 2", home_code="N4"), unique_fields=["id"])
    assert [row.home_code for row in (taken, made, given)] == ["S1"] * 3
    rows = (
        await Truck.objects.filter(id__in=[1, 90, 91]).order_by("id").values_list("plate", "home_code").all()
    )
    assert rows == [("new plate", "S1"), ("U 1", "S1"), ("U 2", "S1")]
    with pytest.raises(ManagerError, match="no junction that through_defaults"):
        await trucks.upsert(id=92, plate="U 3", through_defaults={"role": "x"})
    assert not await Truck.objects.filter(id=92).exists()


async def test_junction_errors_undo_everything(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.get(id=1)
    crew = related(truck, "crew")
    with pytest.raises(ForeignKeyViolationError):
        await crew.set([3, 99])
    assert await crew_of(1) == [(1, "driver"), (2, "driver")]
    with pytest.raises(FieldError, match="TruckCrew has no field 'rule'; did you mean 'role'"):
        await crew.create(name="Dee", through_defaults={"rule": "guest"})
    with pytest.raises(ManagerError, match="through_defaults cannot set 'person', which makes the link"):
        await crew.add(3, through_defaults={"person": 1})
    assert await Person.objects.count() == 3


async def test_no_hooks_of_the_junction_run(fleet: db.AsyncDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hook(self: Model, **_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(TruckCrew, "pre_save", hook)
    monkeypatch.setattr(TruckCrew, "pre_delete", hook)
    truck = await Truck.objects.get(id=1)
    await related(truck, "crew").set([3])
    assert await related(truck, "crew").clear() == 1


async def test_new_rows_are_created_with_their_own_hooks(
    fleet: db.AsyncDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, bool]] = []

    async def before(self: Any, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        calls.append((getattr(self, "name", "") or self.plate, is_create))
        if calls[-1][0] == "stop":
            raise RuntimeError("stopped")

    monkeypatch.setattr(Person, "pre_save", before)
    monkeypatch.setattr(Truck, "pre_save", before)
    truck, depot = await Truck.objects.get(id=1), await Depot.objects.get(code="N4")
    crew, trucks = related(truck, "crew"), related(depot, "trucks")
    await crew.create(name="Dee")
    await crew.get_or_create(name="Eve")
    await crew.get_or_create(name="Eve")
    await crew.update_or_create(name="Eve", defaults={"name": "Eva"})
    await trucks.create(plate="P9")
    assert calls == [("Dee", True), ("Eve", True), ("Eva", False), ("P9", True)]
    with pytest.raises(RuntimeError, match="stopped"):
        await crew.create(name="stop")
    assert len(await crew_of(1)) == 4
    calls.clear()
    await crew.bulk_create([Person(name="Flo")])  # as everywhere: many rows, no hooks
    await crew.add(3)
    await crew.set([1])
    await trucks.add(2)
    await crew.clear()
    assert calls == []


# --- reverse ----------------------------------------------------------------------------------------


async def test_reverse_links_are_the_foreign_keys_of_the_rows(fleet: db.AsyncDatabase) -> None:
    south = await Depot.objects.get(code="S1")
    two = await Truck.objects.get(id=2)
    trucks = related(south, "trucks")
    assert await trucks.add(two, 3) == 2
    assert await trucks.add(two, 3, 1) == 1
    assert two.home_code == "S1"  # type: ignore[attr-defined]
    assert await Truck.objects.filter(home_code="S1").count() == 3
    new = await trucks.create(plate="P9")
    assert new.home_code == "S1"
    assert (await trucks.get_or_create(plate="P8"))[0].home_code == "S1"
    made = await trucks.bulk_create([Truck(plate="P7", home_code="N4"), {"plate": "P6"}])
    assert [truck.home_code for truck in made] == ["S1", "S1"]
    assert await trucks.count() == 7


async def test_a_foreign_key_that_cannot_be_null_stays(fleet: db.AsyncDatabase) -> None:
    north = await Depot.objects.get(code="N4")
    trucks = related(north, "trucks")
    for change in (trucks.remove(1), trucks.clear(), trucks.set([1])):
        with pytest.raises(ManagerError, match=r"Truck\.home_code is NOT NULL"):
            await change
    await trucks.set([1, 2, 3])
    assert await trucks.count() == 3
    with pytest.raises(ManagerError, match="no junction"):
        await trucks.add(1, through_defaults={})


async def test_reverse_links_end_with_null(fleet: db.AsyncDatabase) -> None:
    north = await Region.objects.get(code="NO")
    depot = await Depot.objects.get(code="N4")
    depots = related(north, "depots")
    assert await depots.remove(depot, "S1") == 1
    assert depot.region_code is None  # type: ignore[attr-defined]
    await depots.set([depot, "S1"])
    assert depot.region_code == "NO"  # type: ignore[attr-defined]
    await depots.set(["S1"])
    assert await depots.values_list("code", flat=True).all() == ["S1"]
    assert await depots.add("S1") == 0
    assert await depots.clear() == 1
    assert await Depot.objects.filter(region_code=None).count() == 2


async def test_composite_keys(fleet: db.AsyncDatabase) -> None:
    depot = await Depot.objects.get(code="N4")
    await Berth.objects.bulk_create([Berth(depot=depot, number=n) for n in (1, 2)])
    berth = await Berth.objects.get(number=1)
    visits = related(berth, "visits")
    one = await visits.create(truck_plate="P1")
    assert (one.berth_depot_code, one.berth_number) == ("N4", 1)
    other = await Visit.objects.create(truck_plate="P2")
    assert await visits.add(other, one) == 1
    assert await visits.remove(one) == 1
    assert [visit.id for visit in await visits.all()] == [other.id]
    assert (one.berth_depot_code, one.berth_number) == (None, None)


async def test_one_to_one(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.prefetch("licence").get(id=1)
    licence = related(truck, "licence")
    made = await licence.create(number="L1")
    assert made.truck_id == 1
    assert truck.licence is made
    with pytest.raises(UniqueViolationError):
        await licence.create(number="L2")
    assert await Licence.objects.count() == 1


# --- loaded relations -----------------------------------------------------------------------------------


async def test_a_loaded_list_is_brought_up_to_date(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.prefetch("crew").get(id=1)
    held = truck.crew
    ana, bo = held
    cy = await Person.objects.get(id=3)
    crew = related(truck, "crew")
    await crew.add(cy, 2)
    assert held == [ana, bo, cy]
    assert held[2] is cy
    await crew.remove(1)
    assert held == [bo, cy]
    await crew.set([1, bo])
    assert [person.id for person in held] == [2, 1]
    assert held[0] is bo
    dee = await crew.create(name="Dee")
    assert held[2] is dee
    await crew.clear()
    assert truck.crew is held
    assert held == []
    unloaded = await Truck.objects.get(id=1)
    await related(unloaded, "crew").add(cy)
    assert not is_loaded(unloaded, "crew")
    assert unloaded.crew == []


async def test_rows_of_a_loaded_list_know_their_foreign_key(fleet: db.AsyncDatabase) -> None:
    north = await Region.objects.prefetch("depots").get(code="NO")
    (depot,) = north.depots
    await related(north, "depots").add("S1")
    assert [row.code for row in north.depots] == ["N4", "S1"]
    assert north.depots[1].region_code == "NO"  # type: ignore[attr-defined]
    await related(north, "depots").clear()
    assert depot.region_code is None  # type: ignore[attr-defined]
    assert north.depots == []


async def test_the_foreign_key_of_a_given_row_is_not_stale(fleet: db.AsyncDatabase) -> None:
    south = await Depot.objects.get(code="S1")
    truck = await Truck.objects.join("home").get(id=1)
    assert truck.home is not None
    await related(south, "trucks").add(truck)
    assert truck.home_code == "S1"
    assert truck.home is None
    assert not is_loaded(truck, "home")
    await truck.save()
    assert await related(south, "trucks").count() == 1


# --- transactions ------------------------------------------------------------------------------------------


async def test_each_change_is_one_transaction(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.get(id=1)
    crew = related(truck, "crew")
    changes: list[tuple[str, Any]] = [
        ("add", [3]), ("remove", [1]), ("create", [{"name": "Dee"}]), ("clear", []), ("set", [[3]]),
    ]  # fmt: skip
    for method, arguments in changes:
        with db.capture_queries() as log:
            await getattr(crew, method)(*arguments, client=fleet)
        ids = {event.transaction_id for event in log if event.operation in ("SELECT", "INSERT", "DELETE")}
        assert len(ids) == 1, method
        assert ids != {None}, method
    async with db.AsyncTransaction(fleet) as tx:
        await related(truck, "crew").add(1, client=tx)
        tx.set_rollback()
    assert await crew_of(1) == [(3, "driver")]


# --- what cannot be --------------------------------------------------------------------------------


async def test_wrong_arguments(fleet: db.AsyncDatabase) -> None:
    truck = await Truck.objects.get(id=1)
    for name, text in {
        "home": r"Truck\.home is a foreign key",
        "plate": "Truck has no relation 'plate'",
        "cruw": "Truck has no relation 'cruw'; did you mean 'crew'",
    }.items():
        with pytest.raises(FieldLookupError, match=text):
            related(truck, name)
    with pytest.raises(ManagerError, match=r"save\(\) the Truck first"):
        related(Truck(id=1, plate="P1", home_code="N4"), "crew")
    with pytest.raises(TypeError, match="table model"):
        related(object(), "crew")
    crew = related(truck, "crew")
    with pytest.raises(ManagerError, match=r"save\(\) the Person first"):
        await crew.add(Person(id=3, name="Cy"))
    with pytest.raises(TypeError, match="not a Truck"):
        await crew.add(truck)
    with pytest.raises(TypeError, match="not None"):
        await crew.remove(None)
    with pytest.raises(TypeError, match="not str"):
        await crew.set("12")
    with pytest.raises(pydantic.ValidationError):
        await crew.add("Ana")
    assert await crew_of(1) == [(1, "driver"), (2, "driver")]
