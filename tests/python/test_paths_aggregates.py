"""Aggregates over many rows, on every server, against what Python counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
import route_rows
from route_rows import ROWS, Row, follow
from routes import Crate, Grade, Hall, Land, Tag, routes
from servers import Server

from oxyde import Avg, Count, F, FieldError, FieldLookupError, Max, Min, OuterRef, Q, Subquery, Sum, atomic

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def rows(fresh_database: Server) -> AsyncIterator[None]:
    async with routes(fresh_database):
        await route_rows.fill()
        await Crate.objects.filter(weight__gt=1).update(price=F("weight") * Decimal("1.25"))
        yield


def weights(rows: list[Row]) -> list[int]:
    return [row["weight"] for row in rows if row["weight"] is not None]


def total(values: list[Any]) -> Any:
    return sum(values) if values else None


def mean(values: list[int]) -> float | None:
    return sum(values) / len(values) if values else None


EACH: list[tuple[type, Any, Callable[[Row], Any]]] = [
    (Hall, Count("crates"), lambda row: len(follow(Hall, row, ["crates"]))),
    (Hall, Count("crates", distinct=True), lambda row: len(follow(Hall, row, ["crates"]))),
    (Hall, Count("crates__weight"), lambda row: len(weights(follow(Hall, row, ["crates"])))),
    (
        Hall,
        Count("crates__weight", distinct=True),
        lambda row: len(set(weights(follow(Hall, row, ["crates"])))),
    ),
    (Hall, Sum("crates__weight"), lambda row: total(weights(follow(Hall, row, ["crates"])))),
    (
        Hall,
        Sum("crates__weight", distinct=True),
        lambda row: total(sorted(set(weights(follow(Hall, row, ["crates"]))))),
    ),
    (Hall, Sum("crates__weight", default=0), lambda row: sum(weights(follow(Hall, row, ["crates"])))),
    (Hall, Avg("crates__weight"), lambda row: mean(weights(follow(Hall, row, ["crates"])))),
    (Hall, Max("crates__weight"), lambda row: max(weights(follow(Hall, row, ["crates"])), default=None)),
    (
        Hall,
        Min("crates__weight", default=9),
        lambda row: min(weights(follow(Hall, row, ["crates"])), default=9),
    ),
    (
        Hall,
        Sum(F("crates__weight") * 2 + F("id")),
        lambda row: total([2 * w + row["id"] for w in weights(follow(Hall, row, ["crates"]))]),
    ),
    (
        Hall,
        Count("crates", filter=Q(crates__weight__gte=2)),
        lambda row: len([w for w in weights(follow(Hall, row, ["crates"])) if w >= 2]),
    ),
    (
        Hall,
        Count("crates", filter=Q(crates__weight__gte=2, label="a") | Q(crates__tags__text="p")),
        lambda row: len(
            [
                crate
                for crate in follow(Hall, row, ["crates"])
                if ((crate["weight"] or 0) >= 2 and row["label"] == "a")
                or any(tag["text"] == "p" for tag in follow(Crate, crate, ["tags"]))
            ]
        ),
    ),
    (Hall, Count("crates__tags"), lambda row: len(follow(Hall, row, ["crates", "tags"]))),
    (
        Hall,
        Count("crates__tags", distinct=True),
        lambda row: len({tag["id"] for tag in follow(Hall, row, ["crates", "tags"])}),
    ),
    (
        Hall,
        Count("crates__tags", filter=Q(crates__weight=1)),
        lambda row: len(
            [
                tag
                for crate in follow(Hall, row, ["crates"])
                if crate["weight"] == 1
                for tag in follow(Crate, crate, ["tags"])
            ]
        ),
    ),
    (Crate, Count("tags"), lambda row: len(follow(Crate, row, ["tags"]))),
    (Crate, Count("hall__crates"), lambda row: len(follow(Crate, row, ["hall", "crates"]))),
    (
        Crate,
        Count("hall__land__children"),
        lambda row: len(follow(Crate, row, ["hall", "land", "children"])),
    ),
    (Tag, Count("crates__hall"), lambda row: len([c for c in follow(Tag, row, ["crates"]) if c["hall_id"]])),
    (
        Land,
        Max("children__children__code"),
        lambda row: max((r["code"] for r in follow(Land, row, ["children", "children"])), default=None),
    ),
    (
        Land,
        Sum("halls__crates__weight"),
        lambda row: total(weights(follow(Land, row, ["halls", "crates"]))),
    ),
]


@pytest.mark.parametrize(("model", "aggregate", "expected"), EACH)
async def test_each_row_has_its_own(model: Any, aggregate: Any, expected: Callable[[Row], Any]) -> None:
    found = await model.objects.annotate(x=aggregate).values_list("id", "x").order_by("id").all()
    assert found == [(row["id"], expected(row)) for row in ROWS[model]]
    models = await model.objects.annotate(x=aggregate).order_by("id").all()
    assert [row.x for row in models] == [value for _, value in found]


async def test_several_do_not_multiply_each_other() -> None:
    query = Hall.objects.annotate(
        crates_=Count("crates"), tags=Count("crates__tags"), weight=Sum("crates__weight"), one=Count("badge")
    )
    found = (
        await query.filter(land__code__ne="s").order_by("id").values("id", "crates_", "tags", "weight").all()
    )
    # An aggregate of own rows makes one whole of dicts; models have their key as group.
    assert [set(row) for row in found] == [{"id", "crates_", "tags", "weight"}] * 5
    models = await query.order_by("id").all()
    for model, row in zip(models, ROWS[Hall], strict=True):
        crates = follow(Hall, row, ["crates"])
        assert (model.crates_, model.tags) == (len(crates), len(follow(Hall, row, ["crates", "tags"])))
        assert model.weight == total(weights(crates))
        assert model.one == len(follow(Hall, row, ["badge"]))


async def test_conditions_and_order_by_them() -> None:
    query = Hall.objects.annotate(n=Count("crates")).filter(n__gte=2).order_by("-n", "id")
    assert [(hall.id, hall.n) for hall in await query.all()] == [(1, 3), (2, 2), (5, 2)]
    assert await query.count() == 3
    assert await Hall.objects.annotate(n=Count("crates")).having(n=0).values_list("id").order_by(
        "id"
    ).all() == [
        (4,),
        (6,),
    ]
    assert await Hall.objects.order_by(Count("crates").desc(), "id").values_list("id", flat=True).first() == 1
    assert await Hall.objects.filter(Count("crates") > 2).values_list("id", flat=True).all() == [1]


def grouped(key: str, of: Callable[[list[Row]], Any]) -> list[tuple[Any, Any]]:
    keys = sorted({row[key] for row in ROWS[Hall]}, key=lambda value: (value is not None, value))
    return [(value, of([row for row in ROWS[Hall] if row[key] == value])) for value in keys]


def crates_of(halls: list[Row]) -> list[Row]:
    return [crate for hall in halls for crate in follow(Hall, hall, ["crates"])]


GROUPED: list[tuple[Any, Callable[[list[Row]], Any]]] = [
    (Count("crates"), lambda halls: len(crates_of(halls))),
    (Sum("crates__weight"), lambda halls: total(weights(crates_of(halls)))),
    (Sum("crates__weight", default=7), lambda halls: total(weights(crates_of(halls))) or 7),
    (Max("crates__weight"), lambda halls: max(weights(crates_of(halls)), default=None)),
    (Min("crates__weight"), lambda halls: min(weights(crates_of(halls)), default=None)),
    (Avg("crates__weight"), lambda halls: mean(weights(crates_of(halls)))),
    (Avg("crates__weight", default=0.5), lambda halls: mean(weights(crates_of(halls))) or 0.5),
    (Count("crates__weight", distinct=True), lambda halls: len(set(weights(crates_of(halls))))),
    (
        Sum("crates__weight", distinct=True),
        lambda halls: total(list(set(weights(crates_of(halls))))),
    ),
    (
        Count("crates__tags", distinct=True),
        lambda halls: len({t["id"] for c in crates_of(halls) for t in follow(Crate, c, ["tags"])}),
    ),
    (
        Count("crates__tags__text", distinct=True, filter=Q(crates__weight__lt=3)),
        lambda halls: len(
            {
                t["text"]
                for c in crates_of(halls)
                if c["weight"] is not None and c["weight"] < 3
                for t in follow(Crate, c, ["tags"])
                if t["text"] is not None
            }
        ),
    ),
]


@pytest.mark.parametrize(("aggregate", "of"), GROUPED)
@pytest.mark.parametrize("key", ["land_id", "label"])
async def test_groups_have_all_related_rows_of_their_rows(
    aggregate: Any, of: Callable[[list[Row]], Any], key: str
) -> None:
    query = Hall.objects.annotate(x=aggregate, k=Count("*")).group_by(key).values_list(key, "x")
    found = sorted(await query.all(), key=lambda row: (row[0] is not None, row[0]))
    assert found == grouped(key, of)
    whole = await Hall.objects.aggregate(x=aggregate)
    assert whole == {"x": of(ROWS[Hall])}
    some = await Hall.objects.filter(land__code="ne").aggregate(x=aggregate)
    assert some == {"x": of([row for row in ROWS[Hall] if row["land_id"] in (2, 4)])}
    sliced = await Hall.objects.order_by("id")[1:3].aggregate(x=aggregate)
    assert sliced == {"x": of(ROWS[Hall][1:3])}


@pytest.mark.parametrize("key", ["land_id", "label"])
async def test_every_related_row_weighs_the_same_and_null_is_a_group(key: str) -> None:
    """A mean is none of the means of the rows, and NULL equals NULL where groups are found again."""
    async with atomic() as block:
        for number, hall in enumerate(await Hall.objects.order_by("id").all()):
            more = [
                Crate(id=100 * number + n, ref=f"more {number} {n}", hall_id=hall.id, weight=10 * number)
                for n in range(number)
            ]
            await Crate.objects.bulk_create(more)
        groups: dict[Any, list[int]] = {}
        for hall in await Hall.objects.prefetch("crates").all():
            found = [crate.weight for crate in hall.crates if crate.weight is not None]
            groups.setdefault(getattr(hall, key), []).extend(found)
        query = Hall.objects.group_by(key).annotate(
            mean=Avg("crates__weight"),
            kinds=Count("crates__weight", distinct=True),
            n=Count("crates__weight"),
        )
        assert None in groups and len(groups[None]) > 1
        assert {row[0]: row[1:] for row in await query.values_list(key, "mean", "kinds", "n").all()} == {
            group: (pytest.approx(mean(of)), len(set(of)), len(of)) for group, of in groups.items()
        }
        block.set_rollback()


async def test_groups_by_paths_and_conditions_on_them() -> None:
    query = Hall.objects.group_by("land__code").annotate(n=Count("crates"), a=Avg("crates__weight"))
    found = await query.having(n__gt=1).order_by("land__code").values("land__code", "n", "a").all()
    assert found == [{"land__code": "n", "n": 3, "a": 1.5}, {"land__code": "ne", "n": 5, "a": 2.25}]
    by_grade = await Hall.objects.group_by("grade").annotate(n=Count("crates")).values("grade", "n").all()
    assert {row["grade"]: row["n"] for row in by_grade} == {Grade.A: 5, Grade.B: 3}


async def test_aggregates_of_own_rows_take_paths_to_one() -> None:
    query = Crate.objects.group_by("hall__label").annotate(n=Count("*"), top=Max("hall__land__code"))
    found = {row["hall__label"]: (row["n"], row["top"]) for row in await query.values().all()}
    assert found == {"a": (3, "n"), "b": (4, "ne"), None: (3, "ne")}
    assert await Crate.objects.max("hall__land__code") == "ne"
    assert await Crate.objects.filter(hall__land__code="n").sum("weight") == 3
    assert await Hall.objects.sum("crates__weight") == 12
    with_label = Crate.objects.annotate(n=Count("*"), label=F("hall__label")).order_by(
        "hall__land__code", "id"
    )
    with pytest.raises(FieldError):
        Crate.objects.annotate(hall=F("hall__label")).sql()
    assert [(row.id, row.n, row.label) for row in await with_label.filter(hall__grade="b").all()] == [
        (4, 1, "b"),
        (5, 1, "b"),
        (6, 1, None),
    ]


async def test_an_aggregate_may_be_taken_of_the_aggregates_of_rows() -> None:
    query = Hall.objects.annotate(n=Count("crates"))
    assert await query.aggregate(most=Max("n"), mean=Avg("n")) == {"most": 3, "mean": pytest.approx(8 / 6)}


async def test_subqueries_see_paths_of_the_query_around() -> None:
    heavier = Crate.objects.filter(weight__gt=OuterRef("weight"), hall__land=OuterRef("hall__land_id"))
    query = Crate.objects.annotate(next=Subquery(heavier.order_by("weight", "id").values("ref").limit(1)))
    found = dict(await query.values_list("ref", "next").all())
    assert {ref: other for ref, other in found.items() if other} == {"r1": "r2", "r4": "r5", "r9": "r10"}


async def test_one_aggregate_follows_one_way() -> None:
    with pytest.raises(FieldLookupError, match="one aggregate for each"):
        Land.objects.annotate(x=Sum(F("halls__id") + F("children__id"))).sql()
    with pytest.raises(FieldError, match="neither grouped by nor an aggregate"):
        Crate.objects.group_by("hall").values("hall__label").sql()


async def test_rows_may_be_grouped_by_what_each_has_of_many_others() -> None:
    query = Hall.objects.annotate(n=Count("crates")).group_by("n").annotate(k=Count("*"), last=Max("id"))
    found = await query.having(k__gte=1).order_by("n").values_list("n", "k", "last").all()
    counts = [(len(follow(Hall, row, ["crates"])), row["id"]) for row in ROWS[Hall]]
    expected = sorted({n for n, _ in counts})
    assert found == [
        (n, len([1 for m, _ in counts if m == n]), max(i for m, i in counts if m == n)) for n in expected
    ]
    assert await query.filter(n__gt=1).order_by("n").values_list("n", flat=True).all() == [2, 3]
    with pytest.raises(FieldError, match="the aggregate 'k' cannot be grouped by"):
        Hall.objects.annotate(k=Count("*")).group_by("k").values("k").sql()


@pytest.mark.parametrize("aggregate", [Sum, Avg, Max, Min])
async def test_rows_have_no_sum_their_fields_have(aggregate: Any) -> None:
    words = (
        rf"{aggregate.__name__}\('crates'\): 'crates' names rows of Crate, .* name one of .*crates__weight"
    )
    with pytest.raises(FieldError, match=words):
        Hall.objects.annotate(x=aggregate("crates")).sql()
    with pytest.raises(FieldError, match=words):
        Hall.objects.group_by("label").annotate(x=aggregate("crates")).values().sql()
