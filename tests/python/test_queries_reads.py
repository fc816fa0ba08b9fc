"""Reading terminals on every server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from parcels import Berth, Note, Parcel, State, filled
from servers import Server

from oxyde import (
    Avg,
    Coalesce,
    Count,
    F,
    FieldLookupError,
    ManagerError,
    Max,
    Min,
    MultipleObjectsReturned,
    NotFoundError,
    NotSupportedError,
    Q,
    Sum,
    db,
    execute_raw,
    is_loaded,
)
from oxyde.db import AsyncTransaction
from oxyde.queries.functions import Now


@pytest_asyncio.fixture(autouse=True)
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with filled(fresh_database) as opened:
        yield opened


async def refs(query: Any) -> list[str]:
    return list(await query.order_by("ref").values_list("ref", flat=True).all())


async def test_all_gives_models_dicts_or_tuples() -> None:
    query = Parcel.objects.filter(ref="A1")
    (row,) = await query.all()
    assert type(row) is Parcel
    assert (row.ref, row.weight, row.price, row.state) == ("A1", 1, Decimal("0.5"), State.NEW)
    assert row.sent == datetime(2031, 1, 2, 12)
    assert row.due == date(2031, 5, 2)
    assert (await query.all(mode="dict"))[0]["due"] == date(2031, 5, 2)
    assert (await query.all(mode="list"))[0][:3] == (2, "A1", 1)
    assert type((await query.values("id").all(mode="models"))[0]) is Parcel
    with pytest.raises(ValueError, match="mode"):
        query.all(mode="rows")  # type: ignore[call-overload]


async def test_ten_thousand_conditions_run() -> None:
    either, each, nested = Q(), Q(), F("weight") == -1
    for n in range(10_000):
        either |= Q(weight=1000 + n)
        each &= Q(weight__ne=1000 + n)
        nested = nested | (F("weight") == 1000 + n)
    assert await refs(Parcel.objects.filter(either | Q(ref="A1"))) == ["A1"]
    assert await Parcel.objects.filter(each).count() == 5
    assert await refs(Parcel.objects.exclude(each & ~Q(ref="A1"))) == ["A1"]
    assert await refs(Parcel.objects.filter(nested | (F("ref") == "A3"))) == ["A3"]


async def test_now_is_utc_and_as_naive_as_what_it_meets() -> None:
    def is_now(moment: datetime) -> bool:
        return abs(datetime.now(timezone.utc) - moment.replace(tzinfo=timezone.utc)) < timedelta(minutes=1)

    one = Parcel.objects.filter(ref="A1")
    alone = await one.annotate(x=Now()).values_list("x", flat=True).get()
    assert alone.tzinfo is timezone.utc and is_now(alone)
    assert await one.filter(sent__gt=Now()).update(sent=Now()) == 1
    stored = (await one.get()).sent
    assert stored is not None and stored.tzinfo is None and is_now(stored)
    beside = await one.annotate(x=Coalesce(Now(), "sent")).values_list("x", flat=True).get()
    assert beside.tzinfo is None and is_now(beside)


async def test_get_wants_exactly_one_row() -> None:
    assert (await Parcel.objects.get(ref="A3")).weight == 9
    assert (await Parcel.objects.filter(weight=9).get()).ref == "A3"
    assert (await Parcel.objects.get(Parcel.weight == 9, Q(ref="A3"))).id == 4
    with pytest.raises(NotFoundError, match=r"^Parcel matching query not found$"):
        await Parcel.objects.get(ref="none")
    with pytest.raises(MultipleObjectsReturned, match=r"^Query for Parcel returned multiple objects$"):
        await Parcel.objects.get(depot_id=0)
    assert await Parcel.objects.get_or_none(ref="none") is None
    with pytest.raises(MultipleObjectsReturned):
        await Parcel.objects.get_or_none(depot_id=0)


async def test_get_narrows_a_limit_and_never_widens_it() -> None:
    assert (await Parcel.objects.filter(depot_id=0).order_by("ref").limit(1).get()).ref == "A0"
    with pytest.raises(NotFoundError):
        await Parcel.objects.limit(0).get()


async def test_first_and_last_go_by_key_without_an_order() -> None:
    first, last = await Parcel.objects.first(), await Parcel.objects.last()
    assert first is not None and last is not None
    assert (first.ref, last.ref) == ("A0", "A4")
    assert await Parcel.objects.filter(id=99).first() is None
    assert await Parcel.objects.filter(id=99).last() is None
    heavy = await Parcel.objects.order_by("-weight").first()
    light = await Parcel.objects.order_by("-weight").last()
    assert heavy is not None and light is not None
    assert (heavy.weight, light.weight) == (16, 0)
    assert await Parcel.objects.order_by("weight").reverse().values_list("weight", flat=True).last() == 0
    with db.capture_queries() as log:
        await Parcel.objects.first()
        await Parcel.objects.order_by("?").last()
    by_key, random = (event.sql.partition(" ORDER BY ")[2] for event in log)
    assert by_key.startswith(('"id" ', "`id` "))
    assert random.startswith("RAND")
    assert "DESC" not in random


async def test_last_of_a_slice_is_the_slices_last_row() -> None:
    query = Parcel.objects.order_by("ref").values_list("ref", flat=True)
    assert await query[1:3].last() == "A2"
    assert await query[3:99].last() == "A4"
    assert await query[9:].last() is None
    assert await query.limit(2).last() == "A1"
    assert await query[1:3].first() == "A1"


async def test_first_without_key_and_order_still_answers() -> None:
    await Note.objects.bulk_create([Note(text="a", rank=1), Note(text="b", rank=2)])
    first = await Note.objects.first()
    assert first is not None and first.text == "b"
    assert (await Note.objects.order_by().first()) is not None
    with pytest.raises(FieldLookupError, match="primary key"):
        await Note.objects.order_by().last()


async def test_earliest_and_latest() -> None:
    assert (await Parcel.objects.earliest("due")).ref == "A0"
    assert (await Parcel.objects.latest("due")).ref == "A4"
    with pytest.raises(NotFoundError):
        await Parcel.objects.filter(id=99).earliest("due")
    with pytest.raises(ValueError, match="ordering"):
        Parcel.objects.latest()
    await Note.objects.bulk_create([Note(text="a", rank=1), Note(text="b", rank=2)])
    assert ((await Note.objects.earliest()).text, (await Note.objects.latest()).text) == ("b", "a")


async def test_in_bulk_gives_rows_by_key() -> None:
    found = await Parcel.objects.in_bulk([1, 3, 77])
    assert {key: row.ref for key, row in found.items()} == {1: "A0", 3: "A2"}
    assert len(await Parcel.objects.in_bulk()) == 5
    assert await Parcel.objects.in_bulk([]) == {}
    assert list(await Parcel.objects.in_bulk(["A1"], field_name="ref")) == ["A1"]
    with pytest.raises(ValueError, match="unique"):
        await Parcel.objects.in_bulk([1], field_name="weight")
    assert await Parcel.objects.values("ref").in_bulk([1]) == {1: {"ref": "A0"}}
    assert await Parcel.objects.values_list("ref").in_bulk([1]) == {1: ("A0",)}
    assert await Parcel.objects.values_list("ref", flat=True).in_bulk([1]) == {1: "A0"}
    everything = await Parcel.objects.values().in_bulk([1])
    assert set(everything[1]) == set(Parcel.model_fields)


async def test_in_bulk_takes_composite_keys() -> None:
    await Berth.objects.bulk_create([Berth(harbour="N", number=n, depth=n) for n in range(3)])
    found = await Berth.objects.in_bulk([("N", 1), ("N", 2), ("S", 1)])
    assert {key: row.depth for key, row in found.items()} == {("N", 1): 1, ("N", 2): 2}
    assert (await Berth.objects.get(pk=("N", 2))).depth == 2


async def test_in_bulk_takes_more_keys_than_a_statement_has_parameters() -> None:
    assert len(await Parcel.objects.in_bulk(range(100_000))) == 5


async def test_count_and_exists_cover_the_rows_of_all() -> None:
    assert await Parcel.objects.count() == 5
    assert await Parcel.objects.filter(depot_id=0).count() == 3
    assert await Parcel.objects.order_by("ref")[1:3].count() == 2
    assert await Parcel.objects.values("depot_id").distinct().count() == 2
    assert await Parcel.objects.group_by("depot_id").values("depot_id").count() == 2
    small, big = Parcel.objects.filter(weight__lt=2), Parcel.objects.filter(weight__gt=8)
    assert await small.union(big).count() == 4
    assert await Parcel.objects.filter(ref="A1").exists() is True
    assert await Parcel.objects.filter(ref="none").exists() is False
    assert await Parcel.objects.order_by("ref")[9:].exists() is False


async def test_none_sends_nothing() -> None:
    query = Parcel.objects.none()
    with db.capture_queries() as log:
        assert await query.all() == []
        assert await query.first() is None
        assert await query.last() is None
        assert await query.count() == 0
        assert await query.exists() is False
        assert await query.sum("weight") is None
        assert await query.update(weight=1) == 0
        assert await query.delete() == 0
        with pytest.raises(NotFoundError):
            await query.get()
        assert [row async for row in query] == []
    assert log == []


async def test_figures() -> None:
    assert await Parcel.objects.sum("weight") == 30
    assert await Parcel.objects.avg(Parcel.weight) == 6.0
    assert await Parcel.objects.max("price") == Decimal(2)
    assert await Parcel.objects.min(F("weight") + 1) == 1
    assert await Parcel.objects.filter(id=99).sum("weight") is None
    assert await Parcel.objects.order_by("ref")[1:3].sum("weight") == 5
    assert await Parcel.objects.values("depot_id").sum("depot_id") == 2
    assert await Parcel.objects.values("depot_id").distinct().sum("depot_id") == 1


async def test_an_average_is_the_nearest_double() -> None:
    three = Parcel.objects.filter(weight__in=[0, 1, 4])
    assert await three.avg("weight") == 5 / 3
    assert await three.filter(weight__gt=0).avg(F("weight") * 3 + 1) == 8.5
    found = (
        await three.annotate(mean=Avg("weight")).group_by("depot_id").having(mean__gt=0).values("mean").all()
    )
    assert all(type(row["mean"]) is float for row in found)


async def test_each_value_counts_once_where_distinct_is_asked_for() -> None:
    depots = {
        "count": Count("depot_id", distinct=True),
        "total": Sum("depot_id", distinct=True),
        "mean": Avg("depot_id", distinct=True),
        "most": Max("depot_id", distinct=True),
        "some": Count("depot_id", distinct=True, filter=Q(weight__gte=16)),
        "all": Count("depot_id"),
    }
    found = await Parcel.objects.aggregate(**depots)
    assert found == {"count": 2, "total": 1, "mean": 0.5, "most": 1, "some": 1, "all": 5}
    groups = Parcel.objects.annotate(**depots).group_by("depot_id").order_by("depot_id")
    assert await groups.values_list("count", "total", "some", "all").all() == [(1, 0, 1, 3), (1, 1, 0, 2)]


async def test_aggregate_gives_a_dict() -> None:
    figures = await Parcel.objects.aggregate(
        Sum("weight"),
        Max("due"),
        n=Count("*"),
        odd=Count("*", filter=Q(depot_id=1)),
        none=Avg("price", filter=Q(id=99)),
    )
    assert figures == {"weight__sum": 30, "due__max": date(2031, 5, 5), "n": 5, "odd": 2, "none": None}
    assert await Parcel.objects.aggregate(least=Min("weight", filter=Q(id=99), default=-1)) == {"least": -1}
    with pytest.raises(ValueError):
        Parcel.objects.aggregate()
    with pytest.raises(TypeError):
        Parcel.objects.aggregate("weight")  # type: ignore[arg-type]


async def test_values_give_dicts_tuples_and_scalars() -> None:
    query = Parcel.objects.filter(ref="A2")
    assert await query.values("id", "ref").all() == [{"id": 3, "ref": "A2"}]
    assert await query.values("ref", kg=F("weight") / 1000).all() == [{"ref": "A2", "kg": 0.004}]
    assert await query.values_list("id", "ref").all() == [(3, "A2")]
    assert await query.values_list("ref", flat=True).all() == ["A2"]
    assert await query.values("id").values_list().all() == [(3,)]
    assert (await query.values().all())[0]["state"] is State.NEW
    assert list((await query.values().all())[0]) == list(Parcel.model_fields)
    with pytest.raises(ValueError, match="one column"):
        await query.values_list(flat=True).all()


async def test_partial_models_know_what_they_lack() -> None:
    row = await Parcel.objects.only("ref").get(ref="A1")
    assert (row.id, row.ref) == (2, "A1")
    assert row.weight == 0
    assert is_loaded(row, "ref")
    assert not is_loaded(row, "weight")
    row = await Parcel.objects.defer("weight").get(ref="A1")
    assert row.due == date(2031, 5, 2)
    assert row.weight == 0


async def test_annotations_are_attributes() -> None:
    row = await Parcel.objects.annotate(double=F("weight") * 2).get(ref="A2")
    assert row.double == 8  # type: ignore[attr-defined]
    assert "double" not in row.model_dump()
    assert row == await Parcel.objects.get(ref="A2")


async def test_groups() -> None:
    rows = await (
        Parcel.objects.annotate(n=Count("*"), kg=Sum("weight"))
        .group_by("depot_id")
        .having(kg__gte=1)
        .order_by("-kg")
        .values("depot_id", "n", "kg")
        .all()
    )
    assert rows == [{"depot_id": 0, "n": 3, "kg": 20}, {"depot_id": 1, "n": 2, "kg": 10}]


async def test_fetch_gives_plain_rows() -> None:
    query = Parcel.objects.filter(weight__lt=2).order_by("ref").only("ref")
    assert [row["ref"] for row in await query.fetch_all()] == ["A0", "A1"]
    assert (await query.fetch_one())["ref"] == "A0"
    assert await query.values_list("ref").fetch_all() == [("A0",), ("A1",)]
    assert [type(row) for row in await query.values_list("ref").fetch_rows()] == [dict, dict]
    assert [type(row) for row in await query.values("ref").fetch_models()] == [Parcel, Parcel]


async def test_clients_may_be_positional_in_fetch(database: db.AsyncDatabase) -> None:
    assert len(await Parcel.objects.query().fetch_all(database)) == 5


async def test_sets_combine_rows() -> None:
    small, big = Parcel.objects.filter(weight__lte=4), Parcel.objects.filter(weight__gte=4)
    assert await refs(small.union(big)) == ["A0", "A1", "A2", "A3", "A4"]
    assert len(await small.union_all(big).all()) == 6
    assert await refs(small.intersection(big)) == ["A2"]
    assert await refs(small.difference(big)) == ["A0", "A1"]
    assert [type(row) for row in await small.intersection(big).all()] == [Parcel]


async def test_client_and_using_exclude_each_other(database: db.AsyncDatabase) -> None:
    with pytest.raises(ManagerError, match="Provide either 'client' or 'using', not both"):
        await Parcel.objects.all(using="default", client=database)
    with pytest.raises(TypeError):
        await Parcel.objects.all(client="default")
    with pytest.raises(KeyError, match="ledger"):
        await Parcel.objects.all(using="ledger")
    assert len(await Parcel.objects.all(client=database)) == 5


async def test_an_operation_works_as_a_task_and_in_gather() -> None:
    task = asyncio.create_task(Parcel.objects.count())
    counts = await asyncio.gather(task, Parcel.objects.count(), Parcel.objects.filter(id=1).count())
    assert counts == [5, 5, 1]
    assert await asyncio.wait_for(Parcel.objects.count(), 5) == 5


async def test_what_is_never_awaited_never_runs() -> None:
    for operation in (Parcel.objects.filter(ref="A1").delete(), Parcel.objects.create(ref="new")):
        operation.close()
    assert await Parcel.objects.count() == 5


async def test_explain_shows_the_plan(database: db.AsyncDatabase) -> None:
    assert "parcels" in await Parcel.objects.filter(weight__gte=1).explain()
    assert isinstance(await Parcel.objects.filter(id=1, extra={"a": 1}).explain(), str)
    if database.backend == "sqlite":
        for wrong in ({"format": "json"}, {"analyze": True}):
            with pytest.raises(NotSupportedError):
                await Parcel.objects.explain(**wrong)
    else:
        assert "parcels" in str(await Parcel.objects.explain(format="json"))
        assert "parcels" in await Parcel.objects.explain(analyze=True)
    with pytest.raises(ValueError):
        await Parcel.objects.explain(format="xml")


async def test_distinct_tells_decimals_apart_by_value() -> None:
    await Parcel.objects.delete()
    await Parcel.objects.bulk_create(
        [{"ref": f"D{n}", "price": Decimal(p)} for n, p in enumerate(("1.5", "1.50"))]
    )
    assert await Parcel.objects.values_list("price", flat=True).distinct().all() == [Decimal("1.5")]


async def test_figures_of_a_slice_are_those_of_its_rows() -> None:
    assert await Parcel.objects.order_by("-weight").limit(2).sum("weight") == 25
    assert await Parcel.objects.order_by("weight").limit(2).max("weight") == 1


async def test_raw_statements_go_to_the_named_client(database: db.AsyncDatabase) -> None:
    async with AsyncTransaction(database) as tx:
        await execute_raw("UPDATE parcels SET weight = 99 WHERE ref = 'A0'", client=tx)
        tx.set_rollback(True)
    assert await execute_raw("SELECT ref FROM parcels WHERE weight = 99") == []


async def test_raw_rows_are_dicts(database: db.AsyncDatabase) -> None:
    mark = "$1" if database.backend == "postgres" else "?"
    text = f"SELECT ref, weight FROM parcels WHERE weight > {mark} ORDER BY ref"
    assert await execute_raw(text, [8]) == [
        {"ref": "A3", "weight": 9},
        {"ref": "A4", "weight": 16},
    ]
    assert await execute_raw("UPDATE parcels SET weight = 1 WHERE ref = 'A0'") == []
    assert await execute_raw("  ") == []
    for wrong in ("A0", {"a": 1}, 5):
        with pytest.raises(TypeError):
            execute_raw("SELECT ?", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        execute_raw(b"SELECT 1")  # type: ignore[arg-type]
