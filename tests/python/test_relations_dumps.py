"""Dumps of instances that are related to each other: they end, and nothing is written inside itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
import pytest_asyncio
from fleet import FLEET, Depot, Licence, Person, Region, Truck, TruckCrew
from parcels import served
from servers import Server

from oxyde import Model, configure, related


def circle() -> tuple[Depot, Truck, Licence]:
    """A depot, its two trucks, the licence of the first: all know of each other."""
    depot = Depot(code="N4", label="North")
    truck = Truck(id=1, plate="A", home=depot)
    licence = Licence(number="L", truck=truck)
    truck.licence = licence
    depot.trucks = [truck, Truck(id=2, plate="B", home=depot)]
    return depot, truck, licence


def both(instance: pydantic.BaseModel, **options: Any) -> Any:
    """The dump, which is the same in both modes."""
    dumped = instance.model_dump(**options)
    assert (
        json.loads(instance.model_dump_json(**options))
        == dumped
        == instance.model_dump(mode="json", **options)
    )
    return dumped


def test_a_way_back_is_not_written_again() -> None:
    depot, truck, licence = circle()
    dump = both(depot)
    assert [item["plate"] for item in dump["trucks"]] == ["A", "B"]
    assert [item["home"] for item in dump["trucks"]] == [None, None]
    assert [item["home_code"] for item in dump["trucks"]] == ["N4", "N4"]  # the id remains
    assert dump["trucks"][0]["licence"] == {"number": "L", "truck": None, "truck_id": 1}
    dump = both(truck)
    assert [item["plate"] for item in dump["home"]["trucks"]] == ["B"]  # itself is left out
    assert dump["home"]["trucks"][0]["home"] is None
    dump = both(licence)
    assert dump["truck"]["licence"] is None
    assert dump["truck"]["home"]["trucks"][0]["plate"] == "B"


def test_what_is_met_twice_but_not_inside_itself_is_written_twice() -> None:
    region = Region(code="N")
    region.depots = [Depot(code="N4", region=Region(code="S")), Depot(code="N5")]
    region.depots[1].region = region.depots[0].region
    dump = both(region)
    assert [depot["region"]["code"] for depot in dump["depots"]] == ["S", "S"]


def test_an_instance_may_refer_to_itself() -> None:
    region = Region(code="N")
    region.parent = region
    region.children = [region]
    assert both(region) == {
        "code": "N", "name": "", "parent": None, "children": [], "depots": [], "parent_code": "N",
    }  # fmt: skip


def test_arguments_of_a_dump_reach_what_is_related() -> None:
    depot, _, _ = circle()
    assert both(depot, include={"trucks": {"__all__": {"plate"}}}) == {
        "trucks": [{"plate": "A"}, {"plate": "B"}]
    }
    assert both(depot, exclude={"trucks": {0: True, 1: {"crew", "licence", "home"}}})["trucks"] == [
        {"id": 2, "plate": "B", "home_code": "N4"}
    ]
    assert "label" not in both(depot.trucks[0], exclude_defaults=True, exclude={"home": {"label"}})["home"]


def test_instances_inside_other_classes_too() -> None:
    class Page(pydantic.BaseModel):
        items: list[Depot]
        first: Truck

    depot, truck, _ = circle()
    page = Page(items=[depot], first=truck)
    dump = both(page)
    assert dump["items"][0]["trucks"][0]["home"] is None
    assert dump["first"]["home"]["code"] == "N4"
    adapter = pydantic.TypeAdapter(list[Depot])
    assert json.loads(adapter.dump_json([depot, depot])) == adapter.dump_python([depot, depot], mode="json")


def test_an_error_in_a_dump_leaves_nothing_behind() -> None:
    class Odd(Depot):
        @pydantic.field_serializer("label")
        def _fails(self, value: str) -> str:
            raise RuntimeError(value)

    truck = Truck(id=1, plate="A", home=Odd(code="N4", label="no"))
    with pytest.raises(Exception, match="no"):
        truck.model_dump_json()
    truck.home = Depot(code="N4")
    truck.home.trucks = [truck]
    assert both(truck)["home"]["trucks"] == []


def test_what_is_dumped_is_valid_input_and_the_instances_stay_as_they_are() -> None:
    depot, truck, _ = circle()
    again = Depot.model_validate_json(depot.model_dump_json())
    assert [item.plate for item in again.trucks] == ["A", "B"]
    assert depot.trucks[0] is truck and truck.home is depot
    assert "..." in repr(depot)


@pytest_asyncio.fixture
async def backend(fresh_database: Server) -> AsyncIterator[str]:
    async with served(fresh_database, FLEET):
        await Region.objects.create(code="N")
        depot = await Depot.objects.create(code="N4", region_code="N")
        truck = await Truck.objects.create(plate="A", home=depot)
        await Licence.objects.create(number="L", truck=truck)
        yield fresh_database.backend


@pytest.mark.parametrize("rule", ["empty", "raise"])
async def test_loaded_rows_that_are_linked_are_dumped(backend: str, rule: Any) -> None:
    configure(unloaded=rule)
    try:
        depot = await Depot.objects.prefetch("trucks").get(code="N4")
        added = Truck(plate="B", home=depot)
        await added.save()
        await related(depot, "trucks").add(added)  # which now holds what holds it
        assert depot.trucks[1].home is depot
        dump = both(depot)
        assert [truck["plate"] for truck in dump["trucks"]] == ["A", "B"]
        assert dump["trucks"][1]["home"] is None
        assert ("home" in dump["trucks"][0]) is (rule == "empty")
    finally:
        configure(unloaded="empty")


async def test_prefetched_circles_have_an_end(backend: str) -> None:
    ana = await Person.objects.create(name="Ana")
    await TruckCrew.objects.create(truck=await Truck.objects.get(), person=ana)
    models: list[tuple[type[Model], str]] = [
        (Truck, "crew__trucks__crew"),
        (Region, "depots__region__depots"),
    ]
    for model, path in models:
        (row,) = await model.objects.prefetch(path).all()
        assert both(row)
