"""Compiled statements: found again by shape, bounded, and never confused."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
from parcels import Parcel, memory

from oxyde import Count, F, Field, Model, Q, _core

P = Parcel.objects


@pytest.fixture(autouse=True)
async def rows() -> AsyncIterator[None]:
    async with memory():
        await P.bulk_create([Parcel(ref=f"A{n}", weight=n) for n in range(5)])
        yield


async def misses(query: Any) -> tuple[int, Any]:
    before = _core.cache_info()["misses"]
    result = await query
    return _core.cache_info()["misses"] - before, result


def refs(found: list[Parcel]) -> list[str]:
    return [row.ref for row in found]


async def test_the_same_shape_compiles_once() -> None:
    assert (await misses(P.filter(weight__gt=1, ref__ne="A9").all()))[0] == 1
    for n in range(4):
        missed, found = await misses(P.filter(weight__gt=n, ref__ne="A9").all())
        assert missed == 0
        assert refs(found) == [f"A{i}" for i in range(n + 1, 5)]


async def test_queries_that_look_alike_are_told_apart() -> None:
    base = P.filter(weight__gte=1)
    assert refs(await base.order_by("-ref").all()) == ["A4", "A3", "A2", "A1"]
    assert refs(await base.order_by("ref").all()) == ["A1", "A2", "A3", "A4"]
    assert refs(await base.order_by("ref").reverse().all()) == ["A4", "A3", "A2", "A1"]
    assert refs(await base.order_by("ref")[:2].all()) == ["A1", "A2"]
    assert refs(await base.order_by("ref")[1:].all()) == ["A2", "A3", "A4"]
    assert refs(await P.filter(weight__lt=1).all()) == ["A0"]
    assert await base.values("ref").order_by("ref").first() == {"ref": "A1"}
    assert await base.values_list("ref").order_by("ref").first() == ("A1",)
    assert await base.values_list("ref", flat=True).order_by("ref").first() == "A1"
    assert await base.count() == 4
    assert await base.exists() is True
    assert await P.filter(weight=1.0).count() == 1
    assert await P.filter(weight=1.5).count() == 0
    assert await P.filter(weight=None).count() == 0
    assert await P.filter(weight=F("weight")).count() == 5
    assert await P.filter(weight=1).count() == 1


async def test_names_of_the_result_belong_to_the_statement() -> None:
    assert await P.filter(id=1).values("id").get() == {"id": 1}
    assert await P.filter(id=1).values("pk").get() == {"pk": 1}
    assert await P.filter(id=1).values(one=F("id")).get() == {"one": 1}
    assert await P.filter(id=1).values(two=F("id")).get() == {"two": 1}


async def test_terms_made_afresh_find_no_stranger() -> None:
    for n in range(50):
        column = ("ref", "weight", "id")[n % 3]
        found = await P.order_by(F(column).desc()).all()
        assert refs(found) == ["A4", "A3", "A2", "A1", "A0"]
        del found
        gc.collect() if n % 10 == 0 else None


async def test_every_subset_of_conditions_gives_its_own_rows() -> None:
    for low in range(5):
        for flag in (True, False):
            query = P.filter(weight__gte=low)
            query = query.filter(Q(ref="A4") | Q(weight=low)) if flag else query.exclude(ref="A4")
            want = {f"A{low}", "A4"} if flag else {f"A{n}" for n in range(low, 4)}
            assert set(refs(await query.all())) == want


async def test_the_cache_is_bounded() -> None:
    before = _core.cache_info()  # of all models of the process
    for n in range(700):
        await (
            P.filter(weight__in=list(range(n % 350 + 1)))
            .annotate(n=Count("*"))
            .values("n", f"extra__k{n}")
            .all()
        )
    info = _core.cache_info()
    assert info["evictions"] > before["evictions"]
    assert info["size"] - before["size"] < 700


async def test_a_model_that_is_gone_takes_its_statements_along() -> None:
    class Passing(Model):
        id: int | None = Field(default=None, db_pk=True)
        ref: str = ""

        class Meta:
            is_table = True
            table_name = "passing"

    from oxyde.models.registry import unregister_table

    for n in range(20):
        Passing.objects.filter(id=n).order_by("ref").sql(dialect="sqlite")
    gone = weakref.ref(Passing)
    unregister_table(Passing)
    del Passing
    for _ in range(3):
        gc.collect()
    assert gone() is None


def test_queries_and_expressions_are_collected() -> None:
    def held() -> int:
        gc.collect()
        return sum(isinstance(o, (_core.Expr, _core.QueryState)) for o in gc.get_objects())

    def work() -> None:
        query = P.filter(Q(weight=1) | ~Q(ref="a"), F("weight") > 2).annotate(n=Count("*")).order_by("-n")
        query.filter(n__gt=2).sql()
        P.filter(weight__in=P.filter(ref="x")).values("id", kg=F("weight") * 2).union(
            P.values("id", "weight")
        )
        with pytest.raises(Exception, match="nope"):
            P.filter(Q(weight=1) & Q(nope=2))

    work()
    before = held()
    for _ in range(200):
        work()
    assert held() <= before + 5
