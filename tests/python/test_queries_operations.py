"""Random reads, groups, sets and writes give what a plain walk over the rows gives, on every server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from evaluate import aggregate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from market import ROWS, Row, Ware
from market_conditions import as_condition, conditions, truth
from market_expressions import at_path, built, integers, value
from market_home import Home
from servers import Server

from oxyde import Avg, Count, F, Max, Min, Sum, atomic

PROFILE = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
FIELDS = ["code", "title", "stock", "rank", "price", "share", "live", "kind", "made", "due", "at", "lasts",
          "token", "data", "marks", "extra", "maker_id", "maker__name", "maker__rating"]  # fmt: skip
ORDERED = [
    "title",
    "stock",
    "rank",
    "price",
    "share",
    "made",
    "due",
    "at",
    "lasts",
    "maker__name",
    "maker_id",
]
KEYS = ["rank", "stock", "kind", "live", "maker_id", "maker__city", "due__year", "price"]


@pytest.fixture(scope="module")
def home(fresh_database: Server) -> Iterator[Home]:
    home = Home(fresh_database)
    yield home
    home.close()


# --- rows in an order, cut -----------------------------------------------------------------------


class Term(NamedTuple):
    """One term of an order; where NULLs stand is always said."""

    field: str
    down: bool
    nulls_first: bool


class Plan(NamedTuple):
    """A query: `cuts` are slices, one of the other."""

    condition: Any
    terms: list[Term]
    backwards: bool
    cuts: list[tuple[int, int | None]]


# Made once: a strategy that is built anew for each draw costs more than the database.
CONDITIONS = st.none() | conditions(Ware)
TERMS = st.lists(st.builds(Term, st.sampled_from(ORDERED), st.booleans(), st.booleans()), max_size=3)
CUTS = st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 20)), max_size=2)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    cuts = draw(CUTS)
    cuts = [(start, stop if stop is None else start + stop) for start, stop in cuts]
    return Plan(draw(CONDITIONS), draw(TERMS), draw(st.booleans()), cuts)


def as_query(plan: Plan) -> Any:
    query: Any = Ware.objects.query()
    if plan.condition is not None:
        query = query.filter(as_condition(Ware, plan.condition))
    for term in plan.terms:
        nulls = {"nulls_first": True} if term.nulls_first else {"nulls_last": True}
        column = F(term.field)
        query = query.order_by(column.desc(**nulls) if term.down else column.asc(**nulls))
    query = query.order_by("id")
    if plan.backwards:
        query = query.reverse()
    for start, stop in plan.cuts:
        query = query[start:stop]
    return query


def rows_of(plan: Plan) -> list[Row]:
    rows = [row for row in ROWS[Ware] if plan.condition is None or truth(Ware, row, plan.condition) is True]
    for term in reversed(plan.terms):
        held = [row for row in rows if at_path(row, term.field) is not None]
        nulls = [row for row in rows if at_path(row, term.field) is None]
        held.sort(key=lambda row, field=term.field: at_path(row, field), reverse=term.down)  # type: ignore[misc]
        rows = nulls + held if term.nulls_first else held + nulls
    if plan.backwards:
        rows.reverse()
    for start, stop in plan.cuts:
        rows = rows[start:stop]
    return rows


@settings(PROFILE, max_examples=60)
@given(plans(), st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4, unique=True))
def read_examples(home: Home, plan: Plan, fields: list[str]) -> None:
    query, rows = as_query(plan), rows_of(plan)
    run = home.run
    assert [ware.id for ware in run(query.all())] == [row["id"] for row in rows]
    assert run(query.values(*fields).all()) == [{f: at_path(row, f) for f in fields} for row in rows]
    assert run(query.values_list(fields[0], flat=True).all()) == [at_path(row, fields[0]) for row in rows]
    assert run(query.count()) == len(rows)
    assert run(query.exists()) is bool(rows)
    first, last = run(query.values("id").first()), run(query.values("id").last())
    assert (first and first["id"], last and last["id"]) == (
        (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
    )
    stocks = [row["stock"] for row in rows]
    assert run(query.aggregate(n=Count("stock"), low=Min("stock"), high=Max("stock"), all=Sum("stock"))) == {
        "n": aggregate("Count", stocks),
        "low": aggregate("Min", stocks),
        "high": aggregate("Max", stocks),
        "all": aggregate("Sum", stocks),
    }


def test_reads(home: Home) -> None:
    read_examples(home)


def test_models_hold_what_was_stored(home: Home) -> None:
    for ware, row in zip(home.run(Ware.objects.order_by("id").all()), ROWS[Ware], strict=True):
        assert ware.model_dump(include=set(row)) == row


def distinct_values(fields: list[str], rows: list[Row]) -> set[Any]:
    return {tuple(at_path(row, field) for field in fields) for row in rows}


PLAIN = [field for field in FIELDS if field not in ("marks", "extra")]


def test_distinct(home: Home) -> None:
    @PROFILE
    @given(CONDITIONS, st.lists(st.sampled_from(PLAIN), min_size=1, max_size=3, unique=True))
    def examples(condition: Any, fields: list[str]) -> None:
        plan = Plan(condition, [], False, [])
        query = as_query(plan).order_by().values_list(*fields).distinct()
        wanted = distinct_values(fields, rows_of(plan))
        found = home.run(query.all())
        assert len(found) == len(wanted)
        assert set(found) == wanted
        assert home.run(query.count()) == len(wanted)

    examples()


# --- groups ----------------------------------------------------------------------------------------

AGGREGATES = {"Sum": Sum, "Avg": Avg, "Max": Max, "Min": Min, "Count": Count}
FIGURES = {
    "Sum": ["stock", "rank", "price"],
    "Avg": ["rank"],
    "Max": ["stock", "price", "made", "title", "due"],
    "Min": ["stock", "price", "share", "code", "at"],
    "Count": ["title", "stock", "maker_id", "maker__name"],
}


@st.composite
def figures(draw: st.DrawFn) -> tuple[str, str, bool, Any]:
    """Function, field, whether distinct, condition of its filter."""
    name = draw(st.sampled_from(sorted(AGGREGATES)))
    distinct = name in ("Sum", "Count") and draw(st.booleans())
    condition = draw(CONDITIONS) if draw(st.integers(0, 3)) == 0 else None
    return name, draw(st.sampled_from(FIGURES[name])), distinct, condition


def figure(rows: list[Row], drawn: tuple[str, str, bool, Any]) -> Any:
    name, field, distinct, condition = drawn
    if condition is not None:
        rows = [row for row in rows if truth(Ware, row, condition) is True]
    return aggregate(name, [at_path(row, field) for row in rows], distinct)


def as_figure(drawn: tuple[str, str, bool, Any]) -> Any:
    name, field, distinct, condition = drawn
    return AGGREGATES[name](
        field, distinct=distinct, filter=None if condition is None else as_condition(Ware, condition)
    )


def group_key(row: Row, key: str) -> Any:
    if key == "due__year":
        return None if row["due"] is None else row["due"].year
    return at_path(row, key)


def test_groups(home: Home) -> None:
    @PROFILE
    @given(
        CONDITIONS,
        st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True),
        figures(),
        st.integers(0, 4),
    )
    def examples(condition: Any, keys: list[str], drawn: Any, least: int) -> None:
        rows = rows_of(Plan(condition, [], False, []))
        groups: dict[Any, list[Row]] = {}
        for row in rows:
            groups.setdefault(tuple(group_key(row, key) for key in keys), []).append(row)
        wanted = {
            (*key, len(group), figure(group, drawn)) for key, group in groups.items() if len(group) >= least
        }
        query = Ware.objects.query()
        if condition is not None:
            query = query.filter(as_condition(Ware, condition))
        grouped: Any = (
            query.annotate(n=Count("*"), x=as_figure(drawn))
            .group_by(*keys)
            .having(n__gte=least)
            .values_list()
        )
        found = home.run(grouped.all())
        assert len(found) == len(wanted)
        assert set(found) == wanted
        assert home.run(grouped.count()) == len(wanted)
        assert home.run(query.aggregate(x=as_figure(drawn))) == {"x": figure(rows, drawn)}

    examples()


# --- sets --------------------------------------------------------------------------------------------


def test_sets(home: Home) -> None:
    @PROFILE
    @given(conditions(Ware), conditions(Ware), st.sampled_from(PLAIN[:12]))
    def examples(one: Any, other: Any, field: str) -> None:
        left, right = (
            [at_path(row, field) for row in rows_of(Plan(side, [], False, []))] for side in (one, other)
        )
        base = Ware.objects.values_list(field, flat=True)
        first, second = (base.filter(as_condition(Ware, side)) for side in (one, other))
        assert Counter(home.run(first.union_all(second).all())) == Counter(left + right)
        assert Counter(home.run(first.union(second).all())) == Counter({*left, *right})
        assert Counter(home.run(first.intersection(second).all())) == Counter({*left} & {*right})
        assert Counter(home.run(first.difference(second).all())) == Counter({*left} - {*right})
        assert home.run(first.union(second).count()) == len({*left, *right})

    examples()


# --- writes, rolled back -----------------------------------------------------------------------------


class Undo(Exception):
    """Leaves the transaction."""


def test_updates(home: Home) -> None:
    @PROFILE
    @given(plans(), integers().filter(lambda expression: "maker" not in repr(expression)))
    def examples(plan: Plan, expression: Any) -> None:
        rows = rows_of(plan)
        new = {row["id"]: value(row, expression) for row in rows}
        keys = set(new)

        async def change() -> tuple[int, list[Any]]:
            found: list[Any] = []
            n = -1
            try:
                async with atomic():
                    n = await as_query(plan).update(stock=built(expression), title="new")
                    found = await Ware.objects.order_by("id").values_list("id", "stock", "title").all()
                    raise Undo
            except Undo:
                return n, found

        wanted = [
            (row["id"], *((new[row["id"]], "new") if row["id"] in keys else (row["stock"], row["title"])))
            for row in ROWS[Ware]
        ]
        assert home.run(change()) == (len(rows), wanted)

    examples()


def test_deletes(home: Home) -> None:
    @PROFILE
    @given(plans())
    def examples(plan: Plan) -> None:
        gone = {row["id"] for row in rows_of(plan)}

        async def change() -> tuple[int, list[int]]:
            found: list[int] = []
            n = -1
            try:
                async with atomic():
                    n = await as_query(plan).delete()
                    found = await Ware.objects.order_by("id").values_list("id", flat=True).all()
                    raise Undo
            except Undo:
                return n, found

        left = [row["id"] for row in ROWS[Ware] if row["id"] not in gone]
        assert home.run(change()) == (len(gone), left)

    examples()
