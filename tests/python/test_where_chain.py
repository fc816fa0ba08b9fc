"""filter() after filter(): a call costs the same however many came before, and no query sees another's."""

import gc
import random

import pytest

from oxyde import Count, Field, Model, Q, Window
from oxyde.queries import RowNumber

LONGEST_COPY = 64  # references; what a call copies stays far below any number of calls


class ChainRow(Model):
    id: int | None = Field(default=None, db_pk=True)
    a: int = 0
    b: int = 0

    class Meta:
        is_table = True
        table_name = "chain_row"


def chained(number, query=None):
    query = ChainRow.objects.filter() if query is None else query
    for value in range(number):
        query = query.filter(a=value)
    return query


def values(query):
    return [condition.data[-1] for condition in query._where_]


@pytest.mark.parametrize("number", [0, 1, 31, 32, 33, 64, 65, 1_000, 10_000])
def test_it_reads_as_one_call_with_all_conditions(number):
    together = ChainRow.objects.filter(*(Q(a=value) for value in range(number)))
    assert chained(number).sql(dialect="postgres") == together.sql(dialect="postgres")


def test_no_call_copies_all_that_came_before():
    """Of each query's own references, none leads to many conditions at once."""
    query, longest, known = ChainRow.objects.filter(), 0, set()
    for value in range(3_000):
        query = query.filter(a=value) if value % 3 else query.filter(Q(a=value), b__gt=value)
        for held in gc.get_referents(query):
            if isinstance(held, tuple) and id(held) not in known:
                longest = max(longest, len(held))
    assert 1 < longest <= LONGEST_COPY
    assert len(query._where_) == 4_000


def test_reading_a_query_does_not_show_in_it_or_in_those_built_from_it():
    early = chained(100)
    late = chained(100, early)
    before = early.sql(dialect="postgres"), late.sql(dialect="postgres")
    assert len(early._where_) == 100
    assert len(late._where_) == 200
    again = early.filter(b=1)
    assert len(again._where_) == 101
    assert (early.sql(dialect="postgres"), late.sql(dialect="postgres")) == before


def test_branches_keep_their_own_conditions():
    """Random trees of queries, read at random moments, against plain lists."""
    chance = random.Random(7)
    for _ in range(20):
        grown = [(ChainRow.objects.filter(), [])]
        for _ in range(400):
            query, expected = chance.choice(grown[-12:])
            count = chance.choice((1, 1, 1, 2, 5, 40))
            fresh = [chance.randrange(1_000_000) for _ in range(count)]
            query = query.filter(*(Q(a=value) for value in fresh)) if count > 1 else query.filter(a=fresh[0])
            grown.append((query, expected + fresh))
            if chance.random() < 0.1:
                seen, wanted = chance.choice(grown)
                assert seen.sql(dialect="postgres")[1] == wanted
        for query, expected in grown:
            assert query.sql(dialect="postgres")[1] == expected


@pytest.mark.parametrize("kind", ["update", "delete"])
def test_writes_choose_by_all_of_them(kind):
    long, together = chained(200), ChainRow.objects.filter(*(Q(a=value) for value in range(200)))
    arg = {"b": 1} if kind == "update" else None
    one, other = (query._compile_write(kind, arg, None, "postgres") for query in (long, together))
    assert one == other
    assert len(one[1]) >= 200


def test_having_windows_sets_and_subqueries_see_all_of_them():
    def shapes(query):
        grouped = query.group_by("b").annotate(n=Count("*")).filter(n__gt=5).filter(n__lt=9)
        yield grouped.values("b", "n")
        yield query.annotate(n=Window(RowNumber(), order_by="id")).filter(n=2).filter(a__gt=-1)
        yield query.union(query.filter(b=1))
        yield ChainRow.objects.filter(id__in=query.values("id"))
        yield query.exclude(b=3)
        yield query.filter(b=1).order_by("id")[3:7]

    long, together = chained(150), ChainRow.objects.filter(*(Q(a=value) for value in range(150)))
    for one, other in zip(shapes(long), shapes(together), strict=True):
        assert one.sql(dialect="postgres") == other.sql(dialect="postgres")
        assert len(one.sql(dialect="postgres")[1]) >= 150


def test_a_window_that_lies_far_back_is_found():
    query = ChainRow.objects.annotate(n=Window(RowNumber(), order_by="id")).filter(n=2)
    assert chained(100, query)._by_window
    assert not chained(100)._by_window


def test_a_combined_query_starts_without_conditions():
    combined = chained(100).union(chained(50))
    assert combined._where_ is None
    assert len(combined.filter(a=1)._where_) == 1


def test_a_long_chain_goes_away_without_deep_recursion():
    query = chained(200_000)
    del query
    gc.collect()
