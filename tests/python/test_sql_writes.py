"""UPDATE, DELETE and INSERT: which rows, which values, what comes back."""

from __future__ import annotations

from typing import Any

import pytest
from parcels import Berth, Note, Parcel, State, memory

from oxyde import (
    Count,
    DataError,
    Excluded,
    F,
    Field,
    FieldError,
    ManagerError,
    Model,
    OuterRef,
    Subquery,
    _core,
    create_tables,
)

P = Parcel.objects


def update(
    query: Any, dialect: str = "postgres", returning: Any = None, **values: Any
) -> tuple[str, list[Any]]:
    result: tuple[str, list[Any]] = query.filter()._compile_write("update", values, returning, dialect)
    return result


def delete(query: Any, dialect: str = "postgres", returning: Any = None) -> str:
    return str(query.filter()._compile_write("delete", None, returning, dialect)[0])


def test_update_assigns_by_column_and_type() -> None:
    assert update(P.filter(id=1), note=None, state=State.SENT, weight=F("weight") + 1) == (
        'UPDATE "parcels" SET "remark" = $1, "state" = $2::"state_enum", "weight" = "weight" + $3 '
        'WHERE "id" = $4',
        [None, "sent", 1, 1],
    )


def test_a_quotient_for_an_integer_column_is_cut() -> None:
    assert "TRUNC(" in update(P.filter(id=1), weight=F("weight") / 2)[0]


def test_limited_rows_are_named_by_their_keys() -> None:
    text, params = update(P.order_by("ref")[2:5], "sqlite", weight=0)
    assert text == (
        'UPDATE "parcels" SET "weight" = ? WHERE "id" IN '
        '(SELECT "id" FROM "parcels" AS "u1" ORDER BY "ref" LIMIT ? OFFSET ?)'
    )
    assert params == [0, 3, 2]
    assert '("harbour", "number") IN (SELECT "harbour", "number"' in delete(Berth.objects.limit(1))
    assert "IN (SELECT" not in delete(P.order_by("ref"))


def test_rows_that_cannot_be_named_are_not_changed() -> None:
    with pytest.raises(ManagerError, match="no primary key"):
        delete(Note.objects.limit(1))
    with pytest.raises(ManagerError, match="combined"):
        delete(P.filter(id=1).union(P.filter(id=2)))
    with pytest.raises(ManagerError, match="aggregate"):
        delete(P.annotate(n=Count("*")).filter(n=1))
    with pytest.raises(ManagerError, match="grouped"):
        delete(P.group_by("state"))


def test_returning_names_columns() -> None:
    assert delete(P.filter(id=1), "sqlite", ("id", "note")).endswith('RETURNING "id", "remark"')
    assert '"depot_id"' in delete(P.filter(id=1), "sqlite", True)
    with pytest.raises(FieldError, match="no field 'nope'"):
        delete(P.filter(id=1), "sqlite", ("nope",))


def test_update_refuses_what_it_cannot_write() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        update(P)
    with pytest.raises(FieldError, match="no field 'nope'"):
        update(P, nope=1)
    with pytest.raises(FieldError):
        update(P, sent__year=1)
    with pytest.raises(DataError, match=r"Parcel\.weight"):
        update(P, weight="heavy")
    with pytest.raises(DataError, match=r"Parcel\.weight.*64 bits"):
        update(P, weight=2**63)


def test_a_subquery_in_an_update_sees_the_row() -> None:
    newest = Note.objects.filter(text=OuterRef("ref")).values("rank")[:1]
    assert 'WHERE "text" = "parcels"."ref"' in update(P.filter(id=1), weight=Subquery(newest))[0]


# --- inserts ----------------------------------------------------------------------------


def groups(*rows: Parcel, limit: int = 100) -> list[tuple[tuple[str, ...], list[Parcel]]]:
    return _core.InsertState.groups(Parcel, rows, limit)


def test_the_payload_holds_what_was_given_or_is_not_none() -> None:
    row = Parcel(ref="a", due=None)
    ((fields, rows),) = groups(row)
    assert fields == ("ref", "weight", "due", "state", "extra", "marks")
    assert rows[0] is row


def test_an_untouched_key_is_left_to_the_database() -> None:
    assert "id" not in groups(Parcel(ref="a", id=None))[0][0]
    assert "id" in groups(Parcel(ref="a", id=3))[0][0]


def test_rows_group_by_what_they_write() -> None:
    rows = [Parcel(ref="a"), Parcel(ref="b", note="x"), Parcel(ref="c"), Parcel(ref="d")]
    assert [[row.ref for row in group] for _, group in groups(*rows)] == [["a", "c", "d"], ["b"]]
    assert [[row.ref for row in group] for _, group in groups(*rows, limit=2)] == [["a", "c"], ["b"], ["d"]]


def test_only_instances_of_the_model_are_inserted() -> None:
    with pytest.raises(TypeError, match="instances of Parcel"):
        groups(Berth(harbour="a", number=1))  # type: ignore[arg-type]


async def test_a_conflict_updates_with_old_and_new_values() -> None:
    async with memory():
        await P.create(ref="a", weight=3)
        row = await P.upsert(
            ref="a",
            weight=4,
            unique_fields=["ref"],
            update_fields={"weight": F("weight") + Excluded("weight")},
        )
        assert (row.ref, row.weight) == ("a", 7)


class Tick(Model):
    id: int | None = Field(default=None, db_pk=True)

    class Meta:
        is_table = True
        table_name = "ticks"


async def test_rows_without_values_are_inserted_one_by_one() -> None:
    async with memory() as database:
        await create_tables(database, models=[Tick])
        rows = await Tick.objects.bulk_create([Tick(), Tick(), Tick()])
        assert [row.id for row in rows] == [1, 2, 3]


async def test_the_instance_changed_while_it_is_inserted_does_not_reach_the_statement() -> None:
    async with memory():
        row = Parcel(ref="first" + "x" * 10, note="n" * 5000)
        pending = P.create(instance=row)
        created = await pending
        assert created is row
        assert (await P.get(ref="first" + "x" * 10)).note == "n" * 5000
