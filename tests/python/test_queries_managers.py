"""Managers: one per class, every method of Query, custom ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from parcels import Berth, Parcel

from oxyde import Field, Model, create_tables, db
from oxyde.queries import Query, QueryManager


class HeavyManager(QueryManager[Any]):
    def get_query(self) -> Query[Any]:
        return super().get_query().filter(weight__gte=10)

    def filter(self, *conditions: Any, **lookups: Any) -> Query[Any]:
        return super().filter(*conditions, **lookups).order_by("-weight")

    def very(self) -> Query[Any]:
        return self.filter(weight__gte=20)


class BoxQuery(Query[Any]):
    def heavy(self) -> BoxQuery:
        return self.filter(weight__gte=10)

    async def weights(self) -> list[int]:
        return list(await self.order_by("weight").values_list("weight", flat=True).all())


class Box(Model):
    id: int | None = Field(default=None, db_pk=True)
    weight: int = 0

    objects = BoxQuery.as_manager()
    heavy = HeavyManager()

    class Meta:
        is_table = True


class BigBox(Box):
    class Meta:
        is_table = True


@pytest_asyncio.fixture(autouse=True)
async def database() -> AsyncIterator[None]:
    async with db.connect("sqlite://:memory:") as opened:
        await create_tables(opened, models=[Box, BigBox])
        await Box.objects.bulk_create([{"weight": n} for n in (5, 10, 20)])
        yield


async def test_each_class_has_its_own_manager() -> None:
    assert Parcel.objects is Parcel.objects
    assert Parcel.objects is not Berth.objects
    assert (Parcel.objects.model_class, Berth.objects.model_class) == (Parcel, Berth)
    assert (BigBox.objects.model_class, BigBox.heavy.model_class) == (BigBox, BigBox)
    assert (Box.objects.model_class, Box.heavy.model_class) == (Box, Box)
    assert type(BigBox.heavy) is HeavyManager
    assert await BigBox.objects.count() == 0
    assert repr(Box.heavy) == "<HeavyManager of Box>"


def test_every_method_of_query_is_there() -> None:
    for name in dir(Query):
        if not name.startswith("_") and name != "as_manager":
            assert callable(getattr(Parcel.objects, name)), name
            assert getattr(QueryManager, name).__doc__, name
    assert isinstance(Parcel.objects.query(), Query)
    assert isinstance(Parcel.objects[1:3], Query)
    with pytest.raises(AttributeError):
        _ = Parcel.objects.no_such_method  # type: ignore[attr-defined]


async def test_get_query_is_the_base_of_all_calls() -> None:
    assert await Box.heavy.count() == 2
    assert [box.weight for box in await Box.heavy.filter(weight__lte=20).all()] == [20, 10]
    assert await Box.heavy.very().count() == 1
    assert sorted([box.weight for box in await Box.heavy[:3].all()]) == [10, 20]
    assert sorted([box.weight async for box in Box.heavy]) == [10, 20]
    assert await Box.heavy.update(weight=11) == 2
    assert await Box.objects.weights() == [5, 11, 11]
    assert await Box.heavy.delete() == 2
    assert await Box.objects.weights() == [5]


async def test_methods_of_a_query_class_chain() -> None:
    assert await Box.objects.weights() == [5, 10, 20]
    assert await Box.objects.heavy().weights() == [10, 20]
    assert await Box.objects.filter(weight__lte=10).heavy().weights() == [10]
    assert type(Box.objects.order_by("id")) is BoxQuery
    assert await Box.objects.values("weight").heavy().order_by("weight").first() == {"weight": 10}


def test_a_manager_outside_a_class_says_so() -> None:
    with pytest.raises(TypeError, match="no model"):
        QueryManager[Any]().filter(id=1)
