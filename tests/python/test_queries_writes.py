"""Writing terminals on every server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import pydantic
import pytest
import pytest_asyncio
from parcels import Berth, Note, Parcel, State, filled
from servers import Server

from oxyde import (
    DeadlockError,
    Excluded,
    F,
    Field,
    FieldError,
    ManagerError,
    Model,
    MultipleObjectsReturned,
    UniqueViolationError,
    Value,
    atomic,
    create_tables,
    db,
    execute_raw,
    is_saved,
)
from oxyde.models.registry import unregister_table
from oxyde.queries import Case, When


@pytest_asyncio.fixture(autouse=True)
async def database(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with filled(fresh_database) as opened:
        yield opened


calls: list[Any] = []


class Hooked(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(db_unique=True)

    class Meta:
        is_table = True

    async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        calls.append(("pre", is_create, update_fields, self.id))
        if self.name == "refused":
            raise RuntimeError("refused")
        self.name = self.name.strip()

    async def post_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        calls.append(("post", is_create, update_fields, self.id))


# --- create --------------------------------------------------------------------------


async def test_create_returns_the_stored_instance() -> None:
    made = await Parcel.objects.create(ref="N1", price="1.50", sent="2031-01-01T00:00:00")
    assert made.id == 6
    assert is_saved(made)
    assert (made.price, made.sent) == (Decimal("1.50"), datetime(2031, 1, 1))
    assert await Parcel.objects.get(id=6) == made


async def test_create_takes_a_mapping_or_an_instance() -> None:
    assert (await Parcel.objects.create({"ref": "N1"}, weight=3)).weight == 3
    instance = Parcel(ref="N2")
    assert await Parcel.objects.create(instance=instance) is instance
    assert instance.id is not None
    for wrong in ({}, {"instance": instance, "ref": "N3"}, {"instance": Note(text="x")}):
        with pytest.raises(ManagerError):
            Parcel.objects.create(**wrong)
    with pytest.raises(TypeError):
        Parcel.objects.create([("ref", "N3")])  # type: ignore[arg-type]


async def test_create_validates_before_it_sends() -> None:
    with pytest.raises(pydantic.ValidationError):
        await Parcel.objects.create(ref="N1", weight=-1)
    instance = Parcel(ref="N1")
    instance.weight = -1
    with pytest.raises(pydantic.ValidationError):
        await Parcel.objects.create(instance=instance)
    assert await Parcel.objects.count() == 5


async def test_create_reports_conflicts_by_class(database: db.AsyncDatabase) -> None:
    with pytest.raises(UniqueViolationError) as caught:
        await Parcel.objects.create(ref="A1")
    error = caught.value
    assert "A1" not in str(error), "values stay out of messages"
    told = {
        "sqlite": (2067, None, None, "parcels", "ref"),
        "postgres": ("23505", "23505", "parcels_ref_key", "parcels", None),
        "mariadb": (1062, "23000", "ref", None, None),
        "mysql": (1062, "23000", "ref", "parcels", None),
    }[database.flavor or ""]
    assert (error.code, error.sqlstate, error.constraint, error.table, error.column) == told


async def test_create_runs_hooks_around_the_insert(database: db.AsyncDatabase) -> None:
    await create_tables(database, models=[Hooked])
    calls.clear()
    made = await Hooked.objects.create(name=" x ")
    assert made.name == "x"
    assert calls == [("pre", True, None, None), ("post", True, None, made.id)]
    with pytest.raises(RuntimeError):
        await Hooked.objects.create(name="refused")
    assert await Hooked.objects.count() == 1


# --- bulk_create ----------------------------------------------------------------------


async def test_bulk_create_fills_instances_in_order() -> None:
    rows = await Parcel.objects.bulk_create(
        [Parcel(ref="N1"), {"ref": "N2", "weight": "7"}, Parcel(id=50, ref="N3")]
    )
    assert [row.ref for row in rows] == ["N1", "N2", "N3"]
    assert [row.weight for row in rows] == [0, 7, 0]
    assert rows[2].id == 50
    assert all(is_saved(row) for row in rows)
    for row in rows:
        assert await Parcel.objects.get(id=row.id) == row


async def test_bulk_create_checks_its_arguments() -> None:
    assert await Parcel.objects.bulk_create([]) == []
    for wrong in (5, "row", Note(text="x")):
        with pytest.raises(ManagerError):
            Parcel.objects.bulk_create([wrong])  # type: ignore[list-item]
    for size in (0, -1):
        with pytest.raises(ValueError):
            Parcel.objects.bulk_create([Parcel(ref="x")], batch_size=size)
    with pytest.raises(ValueError):
        Parcel.objects.bulk_create([Parcel(ref="x")], ignore_conflicts=True, update_conflicts=True)
    with pytest.raises(pydantic.ValidationError):
        Parcel.objects.bulk_create([{"ref": "x", "weight": -1}])


async def test_bulk_create_of_several_statements_is_all_or_nothing() -> None:
    rows = [Parcel(ref=f"N{n}") for n in range(10)] + [Parcel(ref="A1")]
    with pytest.raises(UniqueViolationError):
        await Parcel.objects.bulk_create(rows, batch_size=2)
    assert await Parcel.objects.count() == 5


async def test_bulk_create_takes_more_rows_than_a_statement() -> None:
    rows = await Parcel.objects.bulk_create([Parcel(ref=f"N{n}") for n in range(8_000)])
    assert len({row.id for row in rows}) == 8_000
    assert await Parcel.objects.count() == 8_005


async def test_bulk_create_can_skip_conflicts() -> None:
    rows = [Parcel(ref="A1", weight=5), Parcel(ref="N1")]
    assert await Parcel.objects.bulk_create(rows, ignore_conflicts=True) == rows
    assert rows[1].id is None
    assert await Parcel.objects.count() == 6
    assert (await Parcel.objects.get(ref="A1")).weight == 1


async def test_bulk_create_can_update_conflicts() -> None:
    rows = [Parcel(ref="A1", weight=5), Parcel(ref="N1", weight=6)]
    made = await Parcel.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["ref"],
        update_fields={"weight": F("weight") + Excluded("weight")},
    )
    assert [(row.ref, row.weight) for row in made] == [("A1", 6), ("N1", 6)]
    assert made[0].id == 2


# --- upsert -----------------------------------------------------------------------------


async def test_upsert_inserts_or_updates() -> None:
    made = await Parcel.objects.upsert(ref="N1", weight=4, unique_fields=["ref"])
    assert (made.id, made.weight) == (6, 4)
    again = await Parcel.objects.upsert(ref="N1", weight=9, unique_fields=["ref"])
    assert (again.id, again.weight) == (6, 9)
    summed = await Parcel.objects.upsert(
        ref="N1", weight=4, unique_fields=["ref"], update_fields={"weight": F("weight") + Excluded("weight")}
    )
    assert summed.weight == 13
    kept = await Parcel.objects.upsert(ref="N1", weight=99, unique_fields=["ref"], update_fields=[])
    assert kept.weight == 13


async def test_upsert_finds_the_unique_fields() -> None:
    assert (await Parcel.objects.upsert(ref="A1", weight=7)).id == 2
    assert (await Parcel.objects.upsert(id=2, ref="B1")).ref == "B1"
    assert (await Berth.objects.upsert(harbour="N", number=1, depth=4)).depth == 4
    assert (await Berth.objects.upsert(harbour="N", number=1, depth=5)).depth == 5
    assert await Berth.objects.count() == 1
    with pytest.raises(ManagerError):
        await Note.objects.upsert(text="x")
    with pytest.raises(ManagerError, match="weight"):
        await Parcel.objects.upsert(ref="A1", weight=1, unique_fields=["weight"])
    with pytest.raises(ManagerError):
        await Parcel.objects.upsert()
    with pytest.raises(FieldError):
        await Parcel.objects.upsert(ref="A1", unique_fields=["reff"])


class Twofold(Model):
    id: int | None = Field(default=None, db_pk=True)
    left: int = Field(db_unique=True)
    right: int = Field(db_unique=True)

    class Meta:
        is_table = True
        table_name = "writes_twofold"


unregister_table(Twofold)


async def test_upsert_asks_which_of_several_unique_fields_is_meant(database: db.AsyncDatabase) -> None:
    await create_tables(database, models=[Twofold])
    with pytest.raises(ManagerError, match="several unique constraints fit"):
        await Twofold.objects.upsert(left=1, right=2)
    assert (await Twofold.objects.upsert(left=1, right=2, unique_fields=["left"])).right == 2
    assert (await Twofold.objects.upsert(left=1, right=3, unique_fields=["left"])).right == 3
    assert await Twofold.objects.count() == 1


# --- get_or_create, update_or_create ------------------------------------------------------


async def test_get_or_create() -> None:
    row, created = await Parcel.objects.get_or_create(ref="A1", defaults={"weight": 5})
    assert (row.weight, created) == (1, False)
    row, created = await Parcel.objects.get_or_create(
        ref__exact="N1", weight__gte=0, defaults={"weight": lambda: 5}
    )
    assert (row.ref, row.weight, created) == ("N1", 5, True)
    row, created = await Parcel.objects.get_or_create(ref="N2", defaults={"ref": "N3"})
    assert (row.ref, created) == ("N3", True)
    with pytest.raises(MultipleObjectsReturned):
        await Parcel.objects.get_or_create(depot_id=0)


async def test_get_or_create_survives_a_race() -> None:
    # The lookup misses because of weight; the insert then meets the unique ref.
    with pytest.raises(UniqueViolationError):
        await Parcel.objects.get_or_create(ref="A1", weight=77)
    async with atomic():
        with pytest.raises(UniqueViolationError):
            await Parcel.objects.get_or_create(ref="A1", weight=77)
        await Parcel.objects.create(ref="N1")
    assert await Parcel.objects.filter(ref="N1").exists()


class Rivalled(Model):
    """Somebody else writes a row of the same name just before it is inserted."""

    id: int | None = Field(default=None, db_pk=True)
    name: str = Field(db_unique=True)
    rank: int = 0

    class Meta:
        is_table = True

    async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        if is_create and self.rank != 1:
            await Rivalled.objects.create(name=self.name, rank=1)


async def test_get_or_create_takes_the_row_of_who_was_first(database: db.AsyncDatabase) -> None:
    await create_tables(database, models=[Rivalled])
    row, created = await Rivalled.objects.get_or_create(name="a", defaults={"rank": 2})
    assert (row.rank, created) == (1, False)
    assert is_saved(row)
    assert await Rivalled.objects.count() == 1


async def test_update_or_create_changes_the_row_of_who_was_first(database: db.AsyncDatabase) -> None:
    if database.backend != "postgres":
        pytest.skip("there nobody else can insert between the locking read and the insert")

    class Overtaken(Model):
        id: int | None = Field(default=None, db_pk=True)
        name: str = Field(db_unique=True)
        rank: int

        class Meta:
            is_table = True
            table_name = "writes_overtaken"

        async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
            if is_create:
                await execute_raw(
                    "INSERT INTO writes_overtaken (name, rank) VALUES ($1, 1)", [self.name], client=database
                )

    unregister_table(Overtaken)
    await create_tables(database, models=[Overtaken])
    row, created = await Overtaken.objects.update_or_create(name="a", defaults={"rank": 2})
    assert (row.rank, created) == (2, False)
    assert await Overtaken.objects.values_list("name", "rank").all() == [("a", 2)]


async def test_update_or_create_by_many_at_once_creates_one(
    database: db.AsyncDatabase, server: Server
) -> None:
    tasks = [Parcel.objects.update_or_create(ref="N1", defaults={"weight": n}) for n in range(8)]
    done = await asyncio.gather(*tasks, return_exceptions=True)
    lost = [result for result in done if isinstance(result, BaseException)]
    # Who reads a row that is not there and then writes it may be told by MySQL to begin anew.
    assert not lost or (server.backend == "mysql" and {type(error) for error in lost} == {DeadlockError})
    assert [result[1] for result in done if not isinstance(result, BaseException)].count(True) == 1
    assert await Parcel.objects.filter(ref="N1").count() == 1


async def test_update_or_create(database: db.AsyncDatabase) -> None:
    with db.capture_queries() as log:
        row, created = await Parcel.objects.update_or_create(ref="A1", defaults={"weight": 5})
    assert (row.weight, created) == (5, False)
    found = [event.sql for event in log if event.operation == "SELECT"]
    assert ("FOR UPDATE" in found[0]) is (database.backend != "sqlite")
    assert (await Parcel.objects.get(ref="A1")).weight == 5
    row, created = await Parcel.objects.update_or_create(
        ref="N1", defaults={"weight": 5}, create_defaults={"weight": 6}
    )
    assert (row.weight, created) == (6, True)
    await create_tables(database, models=[Hooked])
    calls.clear()
    await Hooked.objects.update_or_create(name="a", defaults={"name": "b"})
    assert [(call[0], call[1]) for call in calls] == [("pre", True), ("post", True)]
    calls.clear()
    await Hooked.objects.update_or_create(name="b", defaults={"name": "c"})
    assert [call[:3] for call in calls] == [("pre", False, {"name"}), ("post", False, {"name"})]
    calls.clear()
    _, created = await Hooked.objects.update_or_create(name="c")
    assert (created, calls) == (False, [])


# --- update, increment, delete ---------------------------------------------------------------


async def test_update_counts_matched_rows() -> None:
    assert await Parcel.objects.filter(depot_id=0).update(weight=F("weight") + 1) == 3
    assert await Parcel.objects.filter(depot_id=0).update(weight=F("weight")) == 3
    assert await Parcel.objects.sum("weight") == 33
    assert await Parcel.objects.update(note="all") == 5
    assert (
        await Parcel.objects.filter(id=1).update(note=None, state=State.SENT, extra={"a": [1]}, marks=["q"])
        == 1
    )
    row = await Parcel.objects.get(id=1)
    assert (row.note, row.state, row.extra, row.marks) == (None, State.SENT, {"a": [1]}, ["q"])
    assert await Parcel.objects.filter(id=1).update({"weight": 3}, ref="Z") == 1
    assert (
        await Parcel.objects.filter(id=1).update(weight=Case(When(ref="Z", then=Value(8)), default=Value(9)))
        == 1
    )
    assert (await Parcel.objects.get(id=1)).weight == 8


async def test_update_sees_old_values_only() -> None:
    rows = Parcel.objects.order_by("id").values_list("weight", "depot_id")
    before = await rows.all()
    assert await Parcel.objects.update(weight=F("depot_id"), depot_id=F("weight")) == 5
    assert await rows.all() == [(depot, weight) for weight, depot in before]
    assert await Parcel.objects.update(depot_id=F("weight") + 1, weight=F("weight") + F("depot_id")) == 5
    assert await rows.all() == [(depot + weight, depot + 1) for weight, depot in before]


async def test_a_quotient_is_cut_toward_zero() -> None:
    await Note.objects.bulk_create([Note(text="a", rank=7), Note(text="b", rank=-7)])
    ranks = Note.objects.order_by("text").values_list("rank", flat=True)
    await Note.objects.update(rank=F("rank") / 2)
    assert await ranks.all() == [3, -3]
    await Note.objects.update(rank=F("rank") * Decimal("1.6"))  # 4.8: no fraction is rounded either
    assert await ranks.all() == [4, -4]
    row = await Parcel.objects.upsert(
        ref="A1", weight=9, unique_fields=["ref"], update_fields={"weight": Excluded("weight") / 2}
    )
    assert row.weight == 4
    row.__dict__["weight"] = F("weight") / 3 + 0.8
    assert await Parcel.objects.bulk_update([row], ["weight"]) == 1
    assert await Parcel.objects.filter(ref="A1").values_list("weight", flat=True).get() == 2


async def test_update_validates_and_checks_names() -> None:
    with pytest.raises(pydantic.ValidationError):
        Parcel.objects.update(weight=-1)
    with pytest.raises(FieldError, match=r"wieght.*weight"):
        Parcel.objects.update(wieght=1)
    with pytest.raises(ValueError):
        Parcel.objects.update()
    with pytest.raises(ManagerError):
        Parcel.objects.group_by("depot_id").values("depot_id").update(weight=1)
    with pytest.raises(ManagerError):
        Parcel.objects.query().union(Parcel.objects.query()).delete()
    assert await Parcel.objects.sum("weight") == 30


async def test_update_acts_on_the_rows_of_all() -> None:
    assert await Parcel.objects.order_by("-weight").limit(2).update(note="heavy") == 2
    rows = await Parcel.objects.filter(note="heavy").order_by("ref").values_list("ref", flat=True).all()
    assert rows == ["A3", "A4"]
    await Note.objects.bulk_create([Note(text="a"), Note(text="b")])
    with pytest.raises(ManagerError):
        await Note.objects.limit(1).update(rank=1)


async def test_update_gives_rows_back() -> None:
    rows = await Parcel.objects.filter(id__in=[1, 2]).update(weight=50, returning=True)
    assert sorted((type(row), row.ref, row.weight) for row in rows) == [
        (Parcel, "A0", 50),
        (Parcel, "A1", 50),
    ]
    pairs = await Parcel.objects.filter(id=1).update(weight=60, returning=("id", "weight"))
    assert pairs == [{"id": 1, "weight": 60}]
    with pytest.raises(FieldError):
        Parcel.objects.update(weight=1, returning=("idd",))
    with pytest.raises(ValueError):
        Parcel.objects.update(weight=1, returning=())


async def test_increment() -> None:
    assert await Parcel.objects.filter(ref="A1").increment("weight") == 1
    assert await Parcel.objects.filter(ref="A1").increment("weight", by=-2) == 1
    assert await Parcel.objects.filter(ref="A1").increment(Parcel.price, by=Decimal("0.25")) == 1
    row = await Parcel.objects.get(ref="A1")
    assert (row.weight, row.price) == (0, Decimal("0.75"))


async def test_delete_gives_every_row_back() -> None:
    gone = await Parcel.objects.filter(id__in=[1, 2, 3]).delete(returning=["ref"])
    assert sorted(row["ref"] for row in gone) == ["A0", "A1", "A2"]
    assert await Parcel.objects.count() == 2


async def test_delete() -> None:
    gone = await Parcel.objects.filter(ref="A0").delete(returning=True)
    assert [row.ref for row in gone] == ["A0"]
    assert await Parcel.objects.order_by("-weight").limit(1).delete(returning=["ref"]) == [{"ref": "A4"}]
    assert await Parcel.objects.filter(depot_id=1).delete() == 2
    assert await Parcel.objects.delete() == 1
    assert await Parcel.objects.count() == 0


# --- bulk_update -----------------------------------------------------------------------------


async def test_bulk_update_writes_each_rows_own_values() -> None:
    rows = await Parcel.objects.order_by("id").all()
    for row in rows:
        row.weight += 100
        row.note = f"note {row.id}"
        row.extra = {"n": row.id}
        row.due = None
    assert await Parcel.objects.bulk_update(rows, ["weight", "note", "extra", "due"]) == 5
    assert await Parcel.objects.order_by("id").all() == rows


async def test_bulk_update_in_batches_and_with_expressions() -> None:
    rows = await Parcel.objects.order_by("id").all()
    rows[0].__dict__["weight"] = F("weight") + 7
    rows[1].weight = 3
    assert await Parcel.objects.bulk_update(rows, ["weight"], batch_size=2) == 5
    assert await Parcel.objects.order_by("id").values_list("weight", flat=True).all() == [7, 3, 4, 9, 16]


async def test_bulk_update_runs_the_validators_of_a_value_once() -> None:
    class Growing(Model):
        id: int | None = Field(default=None, db_pk=True)
        size: Annotated[int, pydantic.AfterValidator(lambda value: value + 1)] = 0

        class Meta:
            is_table = True
            table_name = "growing"

    await create_tables(await db.get_connection(), models=[Growing])
    unregister_table(Growing)
    row = await Growing.objects.create(size=1)
    row.size = 10
    await Growing.objects.bulk_update([row], ["size"])
    assert row.size == 11
    assert await execute_raw("SELECT size FROM growing") == [{"size": 11}]


async def test_bulk_update_takes_composite_keys() -> None:
    rows = await Berth.objects.bulk_create([Berth(harbour="N", number=n) for n in range(3)])
    for row in rows:
        row.depth = row.number * 2
    assert await Berth.objects.bulk_update(rows, ["depth"]) == 3
    assert await Berth.objects.order_by("number").values_list("depth", flat=True).all() == [0, 2, 4]


async def test_bulk_update_checks_its_arguments() -> None:
    row = await Parcel.objects.get(ref="A1")
    assert await Parcel.objects.bulk_update([], ["weight"]) == 0
    with pytest.raises(ManagerError):
        Parcel.objects.bulk_update([row], [])
    with pytest.raises(ManagerError):
        Parcel.objects.bulk_update([Parcel(ref="x")], ["weight"])
    with pytest.raises(ManagerError):
        Note.objects.bulk_update([Note(text="x")], ["rank"])
    with pytest.raises(FieldError):
        Parcel.objects.bulk_update([row], ["id"])
    with pytest.raises(FieldError):
        Parcel.objects.bulk_update([row], ["wieght"])
    row.weight = -1
    with pytest.raises(pydantic.ValidationError):
        await Parcel.objects.bulk_update([row], ["weight"])
