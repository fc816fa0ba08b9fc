"""Q and conditions: how they combine, what they refuse, how they look."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from parcels import Parcel

from oxyde import F, Q, Sum
from oxyde.queries import Exists, Value


def where(*conditions: object, **lookups: object) -> str:
    text, _ = Parcel.objects.filter(*conditions, **lookups).values("id").sql(dialect="sqlite")
    return text.partition(" WHERE ")[2]


def test_repr_is_the_contracts() -> None:
    assert repr(Q(ref="a", weight=2)) == "Q(ref='a', weight=2)"
    assert repr(~Q(ref="a")) == "~Q(ref='a')"
    assert repr(Q(ref="a") & Q(weight=2)) == "(Q(ref='a') AND Q(weight=2))"
    assert repr(Q(ref="a") | ~Q(weight=2) | Q(id=1)) == "(Q(ref='a') OR ~Q(weight=2) OR Q(id=1))"
    assert repr(Q()) == "Q()"


def test_an_empty_q_vanishes() -> None:
    some = Q(ref="a")
    assert (Q() & some) is some
    assert (some | Q()) is some
    assert repr(~Q()) == "Q()"
    assert repr(Q(Q(), some)) == "Q(Q(ref='a'))"
    assert where(Q()) == ""
    assert where(~Q()) == ""
    assert where(Q(), ref="a") == where(ref="a")


def test_combining_builds_new_objects() -> None:
    a, b = Q(ref="a"), Q(weight=2)
    before = repr(a)
    assert (a & b) is not a
    assert repr(a) == before
    assert repr((a | b) & Q(id=1)) == "((Q(ref='a') OR Q(weight=2)) AND Q(id=1))"
    assert repr(Q(id=1) | (a & b)) == "(Q(id=1) OR (Q(ref='a') AND Q(weight=2)))"
    assert repr(Q(a | b, id=1)) == "Q((Q(ref='a') OR Q(weight=2)), id=1)"  # positional ones first


def test_q_refuses_what_is_no_condition() -> None:
    expressions = (F("weight") + 1, -F("weight"), Sum("weight"), Parcel.weight.desc(), Value(3))
    for wrong in ("ref", 5, None, {"ref": "a"}, *expressions):
        with pytest.raises(ValueError, match=r"Q\(\) takes"):
            Q(wrong)


@pytest.mark.parametrize("wrong", ["ref", 5, None, {"ref": 1}])
def test_other_operands_are_type_errors(wrong: object) -> None:
    with pytest.raises(TypeError):
        Q(ref="a") & wrong
    with pytest.raises(TypeError):
        Q(ref="a") | wrong
    with pytest.raises(TypeError):
        (Parcel.weight > 1) & wrong


def test_conditions_combine_with_q_on_either_side() -> None:
    condition = Parcel.weight > 3
    assert isinstance(condition & Q(ref="a"), Q)
    assert isinstance(Q(ref="a") | condition, Q)
    assert where(condition & Q(ref="a")) == where(condition, Q(ref="a"))
    assert where(condition | Q(ref="a")) == '"weight" > ? OR "ref" = ?'
    assert where(Q(ref="a") | condition) == '"ref" = ? OR "weight" > ?'


def test_a_condition_has_no_truth_value() -> None:
    for condition in (Parcel.weight > 1, ~(F("ref") == "a"), Exists(Parcel.objects.filter(id=1))):
        with pytest.raises(TypeError, match="truth value"):
            bool(condition)
    with pytest.raises(TypeError, match="truth value"):
        bool(Parcel.weight)


def test_ten_thousand_conditions_combine_flat() -> None:
    combined = Q()
    for n in range(10_000):
        combined |= Q(id=n)
    assert where(combined).count("?") == 10_000


def filtered_again(number: int) -> Any:
    query = Parcel.objects.filter()
    for n in range(number):
        query = query.filter(weight__gte=n)
    return query


def joined(number: int) -> Any:
    combined = Q()
    for n in range(number):
        combined |= Q(weight=n)
    return Parcel.objects.filter(combined)


@pytest.mark.parametrize(
    "build",
    [
        filtered_again,
        joined,
        lambda number: Parcel.objects.filter(*[Q(weight=n, ref=str(n)) for n in range(number)]),
        lambda number: Parcel.objects.filter(*[Parcel.weight == n for n in range(number)]),
    ],
)
def test_the_collector_walks_over_no_conditions_of_constants(build: Callable[[int], Any]) -> None:
    build(3)
    gc.collect()
    before = len(gc.get_objects())
    query = build(2000)
    assert len(gc.get_objects()) - before < 150
    assert query.sql(dialect="sqlite")[0].count("?") >= 2000


def test_a_condition_in_a_cycle_is_freed() -> None:
    class Thing:
        pass

    class Own(Q):
        """A class that nobody keeps, and its instance."""

    Own.usual = Own(weight=1)  # type: ignore[attr-defined]
    thing, values = Thing(), [1]
    values.append(Q(weight__in=values, ref=thing))  # type: ignore[arg-type]
    pair = ([], 1)
    pair[0].append(Q(Q(weight=pair), ref=thing))  # type: ignore[attr-defined]
    gone = weakref.ref(thing), weakref.ref(Own)
    del thing, values, pair, Own
    gc.collect()
    assert [each() for each in gone] == [None, None]


def test_an_iterator_serves_more_than_one_query() -> None:
    condition = Q(weight__in=iter([1, 2]))
    assert where(condition) == where(condition) == where(weight__in=[1, 2])


def test_none_compares_as_null() -> None:
    assert where(Parcel.note == None) == '"remark" IS NULL'  # noqa: E711
    assert where(Parcel.note != None) == '"remark" IS NOT NULL'  # noqa: E711
    assert where(note=None) == '"remark" IS NULL'
