"""Paths across relations on every server: values, order, keys, changes, columns of classes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
import route_rows
from routes import MODELS, Crate, Grade, Hall, Land, Tag, routes
from servers import Server

from oxyde import (
    Case,
    Coalesce,
    Count,
    Exists,
    F,
    FieldError,
    FieldLookupError,
    FieldLookupValueError,
    Max,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
    _core,
    atomic,
    col,
    configure,
)
from oxyde.queries.functions import Upper

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tables(fresh_database: Server) -> AsyncIterator[None]:
    async with routes(fresh_database):
        yield


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def rows(tables: None) -> None:
    for model in reversed(MODELS):
        if model is Land:
            await Land.objects.update(parent_id=None)
        await model.objects.delete()
    await route_rows.fill()


async def ids(query: Any) -> list[int]:
    found: list[int] = await query.order_by("id").values_list("id", flat=True).all()
    return found


# --- values and order --------------------------------------------------------------------------


async def test_values_go_by_their_paths_and_hold_what_attributes_would() -> None:
    await Crate.objects.filter(id=4).update(sent=datetime(2031, 5, 6, 7), extra={"a": {"b": 5}})
    row = await Crate.objects.values(
        "ref", "hall", "hall_id", "hall__id", "hall__grade", "hall__land__code", "hall__land__parent__code",
        "hall__badge", "sent__year", "extra__a__b", up=F("hall__land__id") + 1,
    ).get(id=4)  # fmt: skip
    assert row == {
        "ref": "r4", "hall": 2, "hall_id": 2, "hall__id": 2, "hall__grade": Grade.B, "hall__land__code": "ne",
        "hall__land__parent__code": "n", "hall__badge": None, "sent__year": 2031, "extra__a__b": 5, "up": 3,
    }  # fmt: skip
    assert await Crate.objects.filter(id=7).values_list(
        "hall__label", "hall__grade", "hall__badge"
    ).get() == (
        None,
        None,
        None,
    )
    assert await Hall.objects.filter(badge="x1").values_list("badge", "badge__number").get() == ("x1", "x1")
    assert await Hall.objects.filter(id=1).values_list("land__parent", flat=True).first() is None
    assert await Crate.objects.filter(hall__badge__isnull=False).count() == 4


async def test_annotations_hold_what_attributes_would() -> None:
    query = Crate.objects.annotate(grade=F("hall__grade"))
    assert [crate.grade for crate in await query.order_by("id").filter(id__in=[1, 4, 7]).all()] == [
        Grade.A,
        Grade.B,
        None,
    ]
    best = await Land.objects.annotate(best=Max("halls__grade")).order_by("id").all()
    assert [land.best for land in best] == [Grade.B, Grade.B, None, Grade.A, None]


async def test_parts_and_keys_at_the_end_of_a_path() -> None:
    await Crate.objects.filter(id=4).update(sent=datetime(2031, 5, 6, 7), extra={"a": {"b": 5}})
    assert await ids(Hall.objects.filter(crates__sent__year=2031)) == [2]
    assert await ids(Hall.objects.filter(crates__sent__hour__gte=7, crates__extra__a__b=5)) == [2]
    assert await ids(Hall.objects.filter(crates__extra__a__b=6)) == []
    assert await ids(Crate.objects.filter(hall__crates__sent__month=(2031, 5))) == [4, 5]


async def test_order_and_distinct_follow_paths() -> None:
    code = Crate.hall.land.code.desc(nulls_last=True)
    ordered = Crate.objects.order_by(code, "hall__label", "-id").filter(hall__label__isnull=False)
    assert await ordered.values_list("id", flat=True).all() == [10, 9, 5, 4, 3, 2, 1]
    assert [crate.id for crate in await ordered.filter(weight=3).all()] == [10, 5]
    assert (await ordered.last()).id == 1
    assert len(await Crate.objects.values("hall__land__code").distinct().all()) == 3
    assert await Crate.objects.values("hall__land__code").distinct().count() == 3
    assert (await Crate.objects.filter(hall__land__isnull=False).latest("hall__land__code", "id")).id == 10


async def test_rows_are_never_multiplied() -> None:
    assert await Hall.objects.filter(crates__weight__isnull=False).count() == 3
    assert len(await Hall.objects.filter(crates__tags__text__in=["p", "q"]).all()) == 3
    assert await Crate.objects.filter(tags__text="p", tags__id=1).count() == 2
    assert await Crate.objects.filter(tags__text="p").filter(tags__text="q").values_list("id").all() == [(1,)]
    assert await Crate.objects.filter(tags__text="p", tags__id=2).exists() is False


# --- relations as values -----------------------------------------------------------------------


async def test_instances_and_keys_are_values_alike() -> None:
    one, two = await Hall.objects.get(id=1), await Hall.objects.get(id=2)
    tag = await Tag.objects.get(id=1)
    for value in (one, 1):
        assert await ids(Crate.objects.filter(hall=value)) == [1, 2, 3]
        assert await ids(Crate.objects.filter(Crate.hall == value)) == [1, 2, 3]
        assert await ids(Crate.objects.filter(F("hall") == value)) == [1, 2, 3]
        assert await ids(Crate.objects.filter(hall__ne=value)) == [4, 5, 6, 9, 10]
        assert await ids(Crate.objects.exclude(hall=value)) == [4, 5, 6, 7, 8, 9, 10]
        assert await ids(Crate.objects.filter(hall__in=[value, two])) == [1, 2, 3, 4, 5]
        assert await ids(Crate.objects.filter(Crate.hall.in_([value, two]))) == [1, 2, 3, 4, 5]
        assert await ids(Crate.objects.filter(Crate.hall.not_in([value, two]))) == [6, 9, 10]
    assert await ids(Crate.objects.filter(tags=tag)) == [1, 9]
    assert await ids(Crate.objects.filter(tags__in=[tag, 4])) == [1, 4, 9]
    assert await ids(Hall.objects.filter(badge__in=["x1", "x3"])) == [1]
    assert await ids(Hall.objects.filter(badge=None)) == [2, 4, 5, 6]
    assert await ids(Hall.objects.filter(badge__hall=one)) == [1]


async def test_queries_are_values_of_relations() -> None:
    halls = Hall.objects.filter(label="b")
    assert await ids(Crate.objects.filter(hall__in=halls)) == [4, 5, 9, 10]
    assert await ids(Crate.objects.filter(hall__in=halls.values("id"))) == [4, 5, 9, 10]
    assert await ids(Hall.objects.filter(crates__in=Crate.objects.filter(weight=3))) == [2, 5]
    assert await ids(Crate.objects.filter(hall=Subquery(halls.order_by("id").values("id").limit(1)))) == [
        4,
        5,
    ]


async def test_an_instance_that_is_not_saved_has_no_key_to_compare() -> None:
    for query in (Crate.objects, Crate.objects.filter(id=1)):
        with pytest.raises(FieldLookupValueError, match="this Hall is not saved"):
            query.filter(hall=Hall(label="x"))
        with pytest.raises(FieldLookupValueError, match="this Hall is not saved"):
            query.filter(hall=Hall(id=1, label="x"))
        with pytest.raises(FieldLookupValueError, match="this Hall is not saved"):
            query.filter(Crate.hall == Hall(label="x"))
        with pytest.raises(FieldLookupValueError, match="this Tag is not saved"):
            query.filter(tags__in=[Tag(text="x")])


# --- columns of classes ------------------------------------------------------------------------


async def test_columns_continue_the_path() -> None:
    query = Crate.objects.filter(Crate.hall.land.code == "ne", Crate.hall.label.contains("b"))
    assert await ids(query.filter(Crate.weight >= 2)) == [4, 5, 10]
    assert await query.order_by(Crate.hall.land.id.desc(), "id").values_list(Crate.hall.land.id).first() == (
        4,
    )
    assert await ids(Crate.objects.filter(Crate.hall.is_null())) == [7, 8]
    assert await ids(Crate.objects.filter(~Crate.hall.is_null() & (Crate.hall.badge != None))) == [  # noqa: E711
        1,
        2,
        3,
        6,
    ]
    assert await ids(Crate.objects.filter(Crate.hall.land.pk == 1)) == [1, 2, 3]
    assert repr(Crate.hall.land.code) == "Crate.hall.land.code"
    assert repr(col(Hall.crates)) == "Hall.crates"


async def test_any_is_about_one_of_many_rows() -> None:
    assert await ids(Hall.objects.filter(Hall.crates.any())) == [1, 2, 3, 5]
    assert await ids(Hall.objects.filter(~Hall.crates.any())) == [4, 6]
    assert await ids(Hall.objects.filter(Hall.crates.any(Crate.weight == 2, Crate.ref == "r2"))) == [1]
    assert await ids(Hall.objects.filter(Hall.crates.any(Q(weight=2) | Q(tags__text="p")))) == [1, 2, 5]
    assert await ids(Hall.objects.filter(Hall.crates.any(~Q(weight__gt=1)))) == [1, 3, 5]
    assert await ids(Hall.objects.filter(Hall.crates.any(Crate.tags.any(Tag.text == "q")))) == [1]
    assert await ids(Hall.objects.filter(Hall.crates.tags.any(Tag.text == "q"))) == [1]
    assert await ids(Crate.objects.filter(Crate.hall.crates.any(Crate.weight == 3))) == [4, 5, 9, 10]
    assert await ids(Hall.objects.filter(Hall.crates.weight == 3)) == [2, 5]
    assert await ids(Land.objects.filter(Land.children.any(Land.children.any()))) == [1]
    with pytest.raises(FieldLookupError, match="which 'hall' is not"):
        Crate.objects.filter(Crate.hall.any())
    with pytest.raises(FieldError, match="Crate has no field 'wight'"):
        Hall.objects.filter(Hall.crates.any(F("wight") > 1))
    with pytest.raises(TypeError, match="any\\(\\) takes conditions"):
        Hall.crates.any(3)
    with pytest.raises(AttributeError, match="Hall has no field 'lable'; did you mean 'label'"):
        Crate.hall.lable  # noqa: B018


# --- changes -----------------------------------------------------------------------------------


async def test_updates_and_deletes_take_exactly_the_rows_of_all() -> None:
    assert await Crate.objects.filter(hall__land__code="n").update(note="x") == 3
    assert await ids(Crate.objects.filter(note="x")) == [1, 2, 3]
    assert await Crate.objects.exclude(hall__label="a").update(note="y", weight=F("weight") + 1) == 7
    assert await ids(Crate.objects.filter(note="y")) == [4, 5, 6, 7, 8, 9, 10]
    assert await Hall.objects.filter(crates__weight=4).update(label="z") == 2
    assert await Crate.objects.filter(hall__crates__weight=4).update(note="w") == 4
    assert await Land.objects.filter(parent__code="n").update(code="child") == 2
    assert await Land.objects.filter(children__isnull=True).update(code="leaf") == 3
    back = await Hall.objects.filter(land__parent__isnull=False).update({"label": "q"}, returning=("id",))
    assert sorted(row["id"] for row in back) == [2, 3, 5]
    assert await Crate.objects.filter(tags__isnull=True, hall__isnull=True).delete() == 1
    gone = await Hall.objects.filter(crates__isnull=True, land__isnull=True).delete(returning=True)
    assert [hall.id for hall in gone] == [4]


async def test_a_new_value_cannot_come_from_a_related_row() -> None:
    with pytest.raises(FieldError, match=r"Crate.note: the new value comes from a related row"):
        await Crate.objects.update(note=F("hall__label"))


# --- one statement for all values ---------------------------------------------------------------


async def test_equal_paths_share_a_statement_and_different_ones_do_not() -> None:
    async def misses(query: Any) -> int:
        before = _core.cache_info()["misses"]
        await query.all()
        after: int = _core.cache_info()["misses"]
        return after - before

    assert await misses(Crate.objects.filter(hall__land__code="n", weight__gt=0)) == 1
    assert await misses(Crate.objects.filter(hall__land__code="s", weight__gt=7)) == 0
    assert await misses(Crate.objects.filter(hall__land__parent__code="s", weight__gt=7)) == 1
    assert await misses(Hall.objects.filter(crates__weight=1, crates__ref="r1")) == 1
    assert await misses(Hall.objects.filter(crates__weight=2, crates__ref="r2")) == 0
    assert await misses(Hall.objects.filter(crates__weight=2).filter(crates__ref="r2")) == 1
    found = [await ids(Hall.objects.filter(crates__ref=ref)) for ref in ("r1", "r4", "r6")]
    assert found == [[1], [2], [3]]


async def test_a_query_outlives_the_plans_it_was_made_with() -> None:
    query = Hall.objects.filter(crates__weight=2, crates__ref="r4", land__code="ne")
    apart = Hall.objects.filter(crates__weight=2, crates__ref="r1")
    configure(unloaded="raise")
    try:
        assert await ids(query) == [2]
        assert await ids(apart) == []
    finally:
        configure(unloaded="empty")
    assert await ids(query) == [2]
    assert await ids(apart) == []


async def test_paths_stand_in_functions_cases_and_conditions_of_aggregates() -> None:
    with pytest.raises(FieldError):
        Crate.objects.annotate(x=Coalesce("hall__lable", Value("-"))).sql()
    size = Case(
        When(hall__land__code="n", then=Value("near")),
        When(tags__text="q", tags__id=2, then=Value("q")),
        default=Value("far"),
    )
    query = Crate.objects.annotate(size=size, label=Upper(Coalesce("hall__label", Value("-")))).order_by("id")
    assert [(crate.size, crate.label) for crate in await query.all()] == [
        ("near", "A"), ("near", "A"), ("near", "A"), ("far", "B"), ("far", "B"), ("far", "-"), ("q", "-"),
        ("far", "-"), ("far", "B"), ("far", "B"),
    ]  # fmt: skip
    assert await query.filter(size="q").count() == 1
    n = Count("*", filter=Q(tags__text="p", tags__id=1) | Q(hall__label="b"))
    assert await Crate.objects.aggregate(n=n) == {"n": 5}
    grouped = (
        Crate.objects.group_by(label=F("hall__label")).annotate(n=Count("*")).having(label__in=["a", "b"])
    )
    assert await grouped.order_by("label").values_list("label", "n").all() == [("a", 3), ("b", 4)]


async def test_combined_queries_and_subqueries_follow_paths() -> None:
    left, right = Crate.objects.filter(hall__label="a"), Crate.objects.filter(tags__text="p")
    assert sorted(crate.id for crate in await left.union(right).all()) == [1, 2, 3, 4, 9]
    assert await ids(left.union(right).filter(hall__land__code="ne")) == [4, 9]
    assert await left.union(right).filter(hall__crates__weight=3).count() == 2
    inner = Crate.objects.filter(hall__land=OuterRef("id"), hall__badge__isnull=False)
    assert await ids(Land.objects.filter(Exists(inner))) == [1, 2]
    assert await ids(Land.objects.filter(halls__crates__in=inner)) == [1, 2]
    alike = Hall.objects.filter(land=OuterRef("id"), crates__ref__gt=OuterRef("code"))
    assert await ids(Land.objects.filter(Exists(alike))) == [
        land["id"]
        for land in route_rows.ROWS[Land]
        if any(
            crate["ref"] > land["code"]
            for hall in route_rows.follow(Land, land, ["halls"])
            for crate in route_rows.follow(Hall, hall, ["crates"])
        )
    ]
    crates = Crate.objects.filter(hall=OuterRef("id"), weight__gt=2)
    nested = Hall.objects.filter(Exists(crates), land=OuterRef("id"))
    assert await ids(Land.objects.filter(Exists(nested))) == [
        land["id"]
        for land in route_rows.ROWS[Land]
        if any((crate["weight"] or 0) > 2 for crate in route_rows.follow(Land, land, ["halls", "crates"]))
    ]
    limited = Crate.objects.filter(hall__label="b").order_by("-id")[:2]
    assert await limited.count() == 2
    assert [crate.id for crate in await limited.join("hall__land").all()] == [10, 9]


async def test_rows_chosen_by_related_ones_can_be_locked() -> None:
    async with atomic():
        locked = await Crate.objects.filter(hall__label="a", tags__text="p").for_update().all()
        assert [crate.id for crate in locked] == [1]


async def test_many_rows_are_refused_where_one_is_needed() -> None:
    for query in (
        Hall.objects.annotate(x=F("crates__weight") + 1),
        Hall.objects.filter(id__gt=F("crates__weight")),
        Hall.objects.distinct("crates__ref"),
    ):
        with pytest.raises(FieldLookupError, match="leads to many rows"):
            query.sql()
    with pytest.raises(FieldLookupError, match="leads to many rows"):
        Crate.objects.filter(Exists(Hall.objects.filter(id=OuterRef("tags__id"))))
