"""join() beside everything else that a query may have, on every server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from fleet import Depot, Region, Truck, Visit
from fleet_rows import filled_fleet
from servers import Server

from oxyde import Count, F, FieldError, Prefetch, Sum, db, is_loaded
from oxyde.queries.functions import Upper


@pytest_asyncio.fixture(autouse=True)
async def fleet(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with filled_fleet(fresh_database) as database:
        yield database


def label(truck: Truck | None) -> str | None:
    return None if truck is None or truck.home is None else truck.home.label


JOINED = Truck.objects.join("home__region")


async def test_every_terminal_of_models_brings_related_rows() -> None:
    query = JOINED.order_by("id")
    rows = [
        (await query.all())[0],
        await query.first(),
        await query.get(plate="A 1"),
        await query.get_or_none(plate="A 1"),
        await query.earliest("plate"),
        (await query.fetch_models())[0],
        (await query.values("id").all(mode="models"))[0],
        (await query.in_bulk([1]))[1],
        (await query.in_bulk(["A 1"], field_name="plate"))["A 1"],
    ]
    assert [label(row) for row in rows] == ["North"] * len(rows)
    last = await query.last()
    assert last is not None and (last.plate, label(last), last.home.region) == ("B 1", "South", None)
    assert label(await query.latest("plate")) == "South"
    everything = await query.in_bulk()
    assert everything[1].home is everything[2].home


async def test_a_relation_twice_in_a_path_is_joined_twice() -> None:
    await Region.objects.create(code="N1", parent_code="DE")
    row = await Region.objects.join("parent__parent").get(code="N1")
    assert row.parent is not None and row.parent.parent is not None
    assert (row.parent.code, row.parent.parent.code) == ("DE", "EU")


async def test_join_adds_nothing_to_dicts_and_tuples() -> None:
    plain = Truck.objects.order_by("id")
    joined = JOINED.order_by("id")
    assert await joined.values().all() == await plain.values().all()
    assert await joined.values_list("plate").all() == [("A 1",), ("A 2",), ("B 1",)]
    assert await joined.values_list("plate", flat=True).all() == ["A 1", "A 2", "B 1"]
    assert await joined.fetch_rows() == await plain.fetch_rows()
    assert "JOIN" not in joined.values("plate").sql()[0]


async def test_figures_are_those_of_the_rows() -> None:
    assert (await JOINED.count(), await JOINED.exists()) == (3, True)
    assert await JOINED.filter(plate__startswith="A").aggregate(n=Count("*"), total=Sum("id")) == {
        "n": 2,
        "total": 3,
    }
    assert await JOINED.order_by("id")[1:].count() == 2
    assert await JOINED.distinct().count() == 3
    assert await JOINED.order_by("id")[:2].sum("id") == 3
    assert await JOINED.none().all() == []


async def test_slices_and_distinct_rows() -> None:
    rows = await JOINED.order_by("id")[1:3].all()
    assert [(row.plate, label(row)) for row in rows] == [("A 2", "North"), ("B 1", "South")]
    rows = await JOINED.distinct().order_by("plate").all()
    assert [(row.plate, label(row)) for row in rows] == [("A 1", "North"), ("A 2", "North"), ("B 1", "South")]


async def test_partial_rows_have_whole_related_rows() -> None:
    truck = await JOINED.only("plate").order_by("id").first()
    assert truck is not None and truck.plate == "A 1"
    assert is_loaded(truck, "id") and is_loaded(truck, "home_code")  # what the join leans on comes along
    assert is_loaded(truck, "home") and truck.home.label == "North"
    assert truck.home.region is not None and truck.home.region.name == "Germany"
    deferred = await JOINED.defer("plate").get(id=3)
    assert not is_loaded(deferred, "plate") and label(deferred) == "South"


async def test_annotations_stand_beside_related_rows() -> None:
    rows: list[Any] = await JOINED.annotate(loud=Upper("plate"), twice=F("id") * 2).order_by("-twice").all()
    assert [(row.loud, row.twice, label(row)) for row in rows] == [
        ("B 1", 6, "South"),
        ("A 2", 4, "North"),
        ("A 1", 2, "North"),
    ]


async def test_beside_own_aggregates_nothing_is_loaded() -> None:
    query = JOINED.annotate(n=Count("*")).order_by("id")
    rows: list[Any] = await query.all()
    assert [(row.plate, row.n, row.home) for row in rows] == [
        ("A 1", 1, None),
        ("A 2", 1, None),
        ("B 1", 1, None),
    ]
    assert '"home"' not in query.sql()[0]
    assert await JOINED.group_by("home_code").annotate(n=Count("*")).order_by("home_code").values().all() == [
        {"home_code": "N4", "n": 2},
        {"home_code": "S1", "n": 1},
    ]


async def test_combined_rows_hydrate_as_the_left_model() -> None:
    left, right = JOINED.filter(id=1), JOINED.filter(id__gte=3)
    rows = await left.union(right).order_by("-home__label", "id").all()
    assert [(row.plate, label(row)) for row in rows] == [("B 1", "South"), ("A 1", "North")]
    rows = await left.union_all(JOINED.filter(plate__startswith="A")).order_by("id").all()
    assert [row.plate for row in rows] == ["A 1", "A 1", "A 2"]
    assert rows[0].home is rows[2].home
    assert (await left.union(right).count(), await left.union(right).exists()) == (2, True)
    with pytest.raises(FieldError, match="same number of columns"):
        left.union(Truck.objects.query()).sql()


async def test_combined_rows_are_filtered_and_joined_afterwards() -> None:
    both = JOINED.filter(id=1).union(JOINED.filter(id=3))
    assert [(row.plate, label(row)) for row in await both.filter(plate="B 1").all()] == [("B 1", "South")]
    plain = Truck.objects.filter(id=1).union(Truck.objects.filter(id=3))
    rows = await plain.join("home").order_by("id").all()
    assert [(row.plate, label(row)) for row in rows] == [("A 1", "North"), ("B 1", "South")]


async def test_a_joined_query_as_value_selects_its_key() -> None:
    depots = Depot.objects.join("region").filter(label="North")
    assert await Truck.objects.filter(home_code__in=depots).count() == 2


async def test_columns_with_another_name_and_long_paths() -> None:
    """PostgreSQL cuts names off after 63 bytes; these are longer."""
    path = "truck__home__region__parent__parent__parent__parent__parent__parent"
    query = Visit.objects.join(path).order_by("id")
    rows = await query.all()
    assert rows[0].truck is not None
    region = rows[0].truck.home.region
    assert region is not None and region.parent is not None
    assert (region.name, region.parent.name, region.parent.parent) == ("Germany", "Europe", None)
    combined = await query.filter(id=1).union(query.filter(id=2)).filter(id=2).all()
    assert combined[0].truck is not None and combined[0].truck.home.region == region


async def test_a_statement_is_compiled_once_for_each_set_of_joins() -> None:
    for _ in range(2):
        assert is_loaded(await Truck.objects.join("home").get(id=1), "home")
        assert not is_loaded(await Truck.objects.get(id=1), "home")
        assert not is_loaded(await Truck.objects.join("licence").get(id=1), "home")
        both = await Truck.objects.join("licence", "home").get(id=1)
        assert is_loaded(both, "home") and is_loaded(both, "licence")
        assert both.licence is not None and both.licence.number == "L1"


async def test_many_rows_share_few() -> None:
    await Region.objects.bulk_create([Region(code=f"R{n}", name=f"region {n}") for n in range(40)])
    await Depot.objects.bulk_create(
        [
            Depot(code=f"D{n}", label=f"depot {n}", region_code=f"R{n % 40}" if n % 7 else None)
            for n in range(900)
        ]
    )
    rows = await Depot.objects.filter(code__startswith="D").join("region").all()
    regions = {row.code: row for row in await Region.objects.all()}
    assert len(rows) == 900
    for row in rows:
        n = int(row.code[1:])
        assert (row.region is None) == (n % 7 == 0)
        assert row.region is None or row.region.model_dump() == regions[f"R{n % 40}"].model_dump()
    assert len({id(row.region) for row in rows}) == 41


async def test_order_and_conditions_share_the_join() -> None:
    query = JOINED.filter(home__label="North").order_by("-home__label", "-id")
    assert query.sql()[0].count("JOIN") == 2
    assert [row.plate for row in await query.all()] == ["A 2", "A 1"]
    rows = await JOINED.order_by("-home__label", "id").all()
    assert [label(row) for row in rows] == ["South", "North", "North"]
    assert [
        row.plate for row in await JOINED.filter(home__region__parent__name="Europe").order_by("id").all()
    ] == [
        "A 1",
        "A 2",
    ]


async def test_writes_touch_the_rows_of_the_base_only() -> None:
    assert await JOINED.filter(plate__startswith="A").update(home_code="S1") == 2
    assert await JOINED.order_by("-id").limit(1).update(home_code="N4") == 1
    assert [label(row) for row in await JOINED.order_by("id").all()] == ["South", "South", "North"]
    await Depot.objects.create(code="X1", region_code="EU")
    assert await Depot.objects.join("region").filter(code="X1").delete() == 1
    assert (await Depot.objects.count(), await Region.objects.count()) == (2, 2)


async def test_streams_bring_related_rows() -> None:
    labels = [label(truck) async for truck in JOINED.order_by("id").iterator(chunk_size=2)]
    assert labels == ["North", "North", "South"]


async def test_prefetches_go_on_from_joined_rows_and_join_themselves() -> None:
    trucks = await JOINED.prefetch("home__trucks").order_by("id").all()
    assert [[t.plate for t in truck.home.trucks] for truck in trucks] == [
        ["A 1", "A 2"],
        ["A 1", "A 2"],
        ["B 1"],
    ]
    newest = Prefetch("trucks", JOINED.order_by("-id"), limit=1)
    depots = await Depot.objects.order_by("code").join("region").prefetch(newest).all()
    assert [[(t.plate, label(t)) for t in depot.trucks] for depot in depots] == [
        [("A 2", "North")],
        [("B 1", "South")],
    ]
    assert depots[0].region is not None and depots[0].region.name == "Germany"
    region = depots[0].trucks[0].home.region
    assert region is not None and region.name == "Germany"


async def test_updates_across_relations_take_joined_queries() -> None:
    assert await JOINED.filter(home__label="North").update(plate=F("plate")) == 2
    assert await JOINED.filter(home__region__parent__name="Europe").exclude(licence=None).count() == 1


async def test_one_row_per_value_brings_its_related_rows() -> None:
    query = JOINED.distinct("home_code").order_by("home_code", "id")
    assert [(row.plate, label(row)) for row in await query.all()] == [("A 1", "North"), ("B 1", "South")]
    assert [label(row) for row in await query.limit(1).all()] == ["North"]


async def test_distinct_rows_and_groups_are_ordered_by_joined_columns() -> None:
    rows = await JOINED.distinct().order_by("-home__label", "-id").all()
    assert [row.plate for row in rows] == ["B 1", "A 2", "A 1"]
    rows = await JOINED.annotate(n=Count("*")).order_by("home__label", "id").all()
    assert [row.plate for row in rows] == ["A 1", "A 2", "B 1"]


async def test_counts_of_related_rows_do_not_take_the_joined_ones_away() -> None:
    rows: list[Any] = await JOINED.annotate(crewed=Count("crew")).order_by("id").all()
    assert [(row.crewed, label(row)) for row in rows] == [(0, "North"), (0, "North"), (0, "South")]


async def test_paths_are_given_as_columns() -> None:
    query = Truck.objects.join(Truck.home.region).order_by(Truck.home.label.desc(), "id")  # type: ignore[union-attr]
    assert [label(row) for row in await query.all()] == ["South", "North", "North"]


async def test_all_set_operations_bring_related_rows() -> None:
    def labels(rows: list[Truck]) -> list[str | None]:
        return [label(row) for row in rows]

    last, first = JOINED.order_by("-id").limit(2), JOINED.order_by("id").limit(1)
    assert labels(await last.union(first).order_by("id").all()) == ["North", "North", "South"]
    twice = JOINED.filter(id=1).union_all(JOINED.filter(id=1))
    assert labels(await twice.distinct().all()) == ["North"]
    assert labels(await JOINED.intersection(JOINED.filter(id__lt=3)).order_by("id").all()) == ["North"] * 2
    assert labels(await JOINED.difference(JOINED.filter(id__lt=3)).all()) == ["South"]


async def test_saving_and_refreshing_keeps_what_was_joined() -> None:
    truck = await JOINED.only("plate").get(id=1)
    truck.plate = "A 1b"
    await truck.save()
    assert label(truck) == "North"
    whole = await JOINED.get(id=1)
    assert (whole.plate, whole.home_code) == ("A 1b", "N4")
    await whole.refresh()
    assert label(whole) == "North"
    whole.home_code = "S1"
    assert whole.home is None and not is_loaded(whole, "home")
