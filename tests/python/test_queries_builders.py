"""Builders: new queries, checked arguments, slices that compose."""

from __future__ import annotations

from typing import Any

import pytest
from parcels import Berth, Note, Parcel

from oxyde import Count, F, FieldError, FieldLookupError, ManagerError, Q, Sum, Value
from oxyde.queries import Length, Query


def sql(query: Any) -> str:
    text, _ = query.sql(dialect="sqlite")
    return str(text)


def tail(query: Any) -> str:
    return sql(query.values("id")).partition('"parcels"')[2].strip()


def tail_of_select(query: Any) -> str:
    return sql(query).removeprefix("SELECT ").partition(" FROM ")[0]


def test_builders_leave_their_receiver_alone() -> None:
    base = Parcel.objects.filter(weight__gte=1)
    before = base.sql()
    for other in (
        base.filter(ref="a"),
        base.exclude(ref="a"),
        base.order_by("ref"),
        base.limit(3),
        base[2:4],
        base.values("id"),
        base.annotate(n=Length("ref")),
        base.distinct(),
        base.none(),
        base.union(base),
    ):
        assert other is not base
        assert type(other) is Query
    assert base.sql() == before


def test_filter_checks_names_lookups_and_values_at_the_call() -> None:
    with pytest.raises(FieldError, match=r"Parcel has no field 'wieght'.*weight"):
        Parcel.objects.filter(wieght=1)
    with pytest.raises(FieldLookupError):
        Parcel.objects.filter(ref__foo=1)
    with pytest.raises(FieldLookupError, match="weight"):
        Parcel.objects.filter(weight="heavy")
    with pytest.raises(TypeError):
        Parcel.objects.filter("weight > 3")
    for method in (Parcel.objects.exclude, Parcel.objects.get, Parcel.objects.get_or_none):
        with pytest.raises(FieldError):
            method(wieght=1)
        with pytest.raises(FieldLookupError):
            method(weight="heavy")


def test_other_names_are_checked_when_compiled() -> None:
    query = Parcel.objects.order_by("size").values("id", "size")
    with pytest.raises(FieldError):
        query.sql()
    assert "AS" in sql(query.annotate(size=Length("ref")))


@pytest.mark.parametrize("method", ["limit", "offset"])
def test_row_numbers_are_checked(method: str) -> None:
    with pytest.raises(ValueError, match=rf"{method}\(\).*-1"):
        getattr(Parcel.objects, method)(-1)
    for wrong in ("3", 2.0, None, True):
        with pytest.raises(TypeError):
            getattr(Parcel.objects, method)(wrong)


def test_the_last_limit_wins() -> None:
    assert Parcel.objects.limit(3).limit(5).values("id").sql()[1] == [5]
    assert Parcel.objects.limit(3).limit(0).values("id").sql()[1] == [0]
    assert Parcel.objects.offset(3).offset(1).values("id").sql()[1] == [1]
    assert Parcel.objects.offset(3).offset(0).values("id").sql()[1] == []


@pytest.mark.parametrize(
    ("cut", "limit", "offset"),
    [
        (lambda q: q[10:20][2:4], 2, 12),
        (lambda q: q.limit(3)[1:9], 2, 1),
        (lambda q: q[5:], -1, 5),
        (lambda q: q[7], 1, 7),
        (lambda q: q[10:20].limit(3), 3, 10),
        (lambda q: q[10:20].limit(30), 10, 10),
        (lambda q: q[10:20].offset(4), 6, 14),
        (lambda q: q[:4][4:], 0, 4),
        (lambda q: q[3:2], 0, 3),
        (lambda q: q[:], -1, 0),
    ],
)
def test_slices_compose(cut: Any, limit: int, offset: int) -> None:
    query = cut(Parcel.objects)
    assert (query._limit, query._offset) == (limit, offset)


def test_slices_refuse_what_they_cannot_do() -> None:
    for wrong in (slice(-1, None), slice(None, -1), -1, slice(0, 4, 2)):
        with pytest.raises(ValueError):
            Parcel.objects[wrong]
    for other in ("a", None, 1.5, slice("a", None)):
        with pytest.raises(TypeError):
            Parcel.objects.query()[other]


def test_order_and_reverse_cannot_follow_a_slice() -> None:
    for method in ("order_by", "reverse"):
        with pytest.raises(ValueError, match="slice"):
            getattr(Parcel.objects[1:3], method)()
    assert "ORDER BY" in sql(Parcel.objects.limit(3).order_by("ref"))


def test_orders_accumulate_and_clear() -> None:
    query = Parcel.objects.order_by("ref").order_by("-weight")
    assert tail(query) == 'ORDER BY "ref", "weight" DESC'
    assert tail(query.reverse()) == 'ORDER BY "ref" DESC, "weight"'
    assert tail(query.reverse().reverse()) == tail(query)
    assert tail(query.order_by()) == ""
    assert sql(Note.objects.query()).endswith('ORDER BY "rank" DESC')
    assert "ORDER BY" not in sql(Note.objects.order_by())


def test_order_terms_of_every_form() -> None:
    assert tail(Parcel.objects.order_by("?")) == "ORDER BY RANDOM()"
    assert tail(Parcel.objects.order_by(F("ref"))) == 'ORDER BY "ref"'
    assert (
        tail(Parcel.objects.order_by(Parcel.weight.desc(nulls_last=True)))
        == 'ORDER BY "weight" DESC NULLS LAST'
    )
    for wrong in (5, None, Q(ref="a")):
        with pytest.raises(TypeError):
            Parcel.objects.order_by(wrong)
    with pytest.raises(ValueError):
        Parcel.objects.order_by("-")
    with pytest.raises(ValueError):
        Parcel.weight.asc(nulls_first=True, nulls_last=True)


def test_selections_need_a_field() -> None:
    for method in ("select", "only", "defer"):
        with pytest.raises(ValueError, match=method):
            getattr(Parcel.objects, method)()
    with pytest.raises(TypeError, match="values"):
        Parcel.objects.values(F("weight") + 1)


def test_flat_takes_one_field() -> None:
    with pytest.raises(ValueError, match="one field"):
        Parcel.objects.values_list("id", "ref", flat=True)


def test_later_modes_replace_earlier_ones() -> None:
    query = Parcel.objects.values("ref", kg=F("weight") / 1000)
    assert tail_of_select(query.values("id")) == '"id"'
    assert tail_of_select(query.values_list("id", "weight")) == '"id", "weight"'
    assert tail_of_select(query.only("ref")) == '"id", "ref"'
    assert query.only("ref")._mode == query.select("ref")._mode == Parcel.objects.query()._mode
    assert tail_of_select(query.select("ref")) == '"id", "ref"'
    assert '"weight"' not in tail_of_select(query.defer("weight"))
    assert tail_of_select(query.values_list()) == tail_of_select(query)
    assert tail_of_select(Parcel.objects.defer("ref").values("ref")) == '"ref"'


def test_annotations_are_expressions() -> None:
    for method in ("annotate", "values"):
        with pytest.raises(TypeError, match=r"Value\(\.\.\.\)"):
            getattr(Parcel.objects, method)(five=5)
        with pytest.raises(TypeError, match="Subquery"):
            getattr(Parcel.objects, method)(five=Parcel.objects.query())
    assert 'AS "five"' in sql(Parcel.objects.annotate(five=Value(5)).values("id", "five"))


def test_aliases_annotated_after_values_join_it() -> None:
    query = Parcel.objects.values("id").annotate(n=Length("ref")).annotate(m=Length("note"))
    assert query._fields == ("id", "n", "m")


def test_grouping_needs_values_mode() -> None:
    query = Parcel.objects.annotate(n=Count("*")).group_by("depot_id")
    with pytest.raises(TypeError, match=r"group_by\(\).*values\(\)"):
        query.sql()
    with pytest.raises(ValueError):
        Parcel.objects.group_by()
    assert 'GROUP BY "depot_id" HAVING' in sql(query.having(n__gte=2).values("depot_id", "n"))
    with pytest.raises(TypeError):
        query.having("n > 2")


def test_a_new_alias_may_name_a_group() -> None:
    text = sql(Parcel.objects.group_by(kind=Length("ref")).annotate(n=Count("*")).values())
    assert "GROUP BY" in text
    assert 'AS "kind"' in text


def test_locks_are_checked() -> None:
    with pytest.raises(ValueError):
        Parcel.objects.for_update(nowait=True, skip_locked=True)
    assert Parcel.objects.for_update(skip_locked=True).sql()[0].endswith("FOR UPDATE SKIP LOCKED")
    assert Parcel.objects.for_share().sql()[0].endswith("FOR SHARE")
    assert "FOR" not in sql(Parcel.objects.for_update())
    with pytest.raises(ManagerError):
        Parcel.objects.for_update().union(Parcel.objects.query())
    with pytest.raises(ManagerError):
        Parcel.objects.query().union(Parcel.objects.query()).for_update()


def test_sets_take_queries() -> None:
    for method in ("union", "union_all", "intersection", "difference"):
        with pytest.raises(ValueError):
            getattr(Parcel.objects, method)()
        with pytest.raises(TypeError):
            getattr(Parcel.objects, method)("parcels")
        assert sql(getattr(Parcel.objects.values("id"), method)(Parcel.objects.values("id")))
    with pytest.raises(FieldError):
        Parcel.objects.values("id").union(Berth.objects.values("harbour", "number")).sql()


def test_loading_needs_a_path() -> None:
    for method in ("join", "prefetch"):
        with pytest.raises(ValueError):
            getattr(Parcel.objects, method)()


def test_a_query_is_no_collection() -> None:
    query = Parcel.objects.query()
    with pytest.raises(TypeError):
        iter(query)
    with pytest.raises(TypeError):
        iter(Parcel.objects)
    with pytest.raises(TypeError):
        len(query)  # type: ignore[arg-type]
    assert not hasattr(query, "__await__")


def test_sql_speaks_three_dialects() -> None:
    query = Parcel.objects.filter(ref="a").values("id")
    assert query.sql() == query.sql(dialect="postgresql")
    assert query.sql()[0] == 'SELECT "id" FROM "parcels" WHERE "ref" = $1'
    assert query.sql(dialect="mysql")[0] == "SELECT `id` FROM `parcels` WHERE `ref` = ?"
    assert query.sql(dialect="sqlite") == ('SELECT "id" FROM "parcels" WHERE "ref" = ?', ["a"])
    with pytest.raises(ValueError):
        query.sql(dialect="oracle")


def test_aggregates_name_themselves() -> None:
    assert Sum("weight").default_alias == "weight__sum"
    with pytest.raises(TypeError, match="name"):
        _ = Sum(F("weight") + 1).default_alias
    with pytest.raises(ValueError):
        Count("*", distinct=True)
