"""A Q that grows by thousands of parts: what it means, what it costs, how deep it gets."""

import random

import pytest

from oxyde import Field, Model, Q


class Crate(Model):
    id: int | None = Field(default=None, db_pk=True)
    weight: int

    class Meta:
        is_table = True


def sql(condition, dialect="postgres"):
    return Crate.objects.filter(condition).sql(dialect=dialect)


def depth(part):
    return 1 + max((depth(arg) for arg in part.args if isinstance(arg, Q)), default=0)


def nodes(part):
    return [part, *(node for arg in part.args if isinstance(arg, Q) for node in nodes(arg))]


@pytest.mark.parametrize("word", ["OR", "AND"])
def test_the_sql_is_that_of_one_flat_group(word):
    condition, number = Q(), 5_000
    for weight in range(number):
        condition = condition | Q(weight=weight) if word == "OR" else condition & Q(weight=weight)
    text, parameters = sql(condition)
    assert parameters == list(range(number))
    conditions = text.partition(" WHERE ")[2]
    names = {part.rpartition(" = ")[0] for part in conditions.split(f" {word} ")}
    assert len(names) == 1 and "(" not in conditions
    inside = repr(condition)
    assert inside == "(" + f" {word} ".join(f"Q(weight={weight})" for weight in range(number)) + ")"


def test_no_part_has_many_parts_and_none_is_deep():
    condition = Q()
    for weight in range(40_000):
        condition |= Q(weight=weight)
    assert max(len(node.args) for node in nodes(condition)) <= 129
    assert depth(condition) <= 20
    assert len(sql(condition)[1]) == 40_000


def test_joined_from_both_sides_and_in_pieces_the_parts_stay_in_order():
    drawn = random.Random(7)
    for kind in ("or", "and"):
        condition, wanted = Q(weight=0), [0]
        for _ in range(600):
            piece = [drawn.randrange(1_000) for _ in range(drawn.choice((1, 1, 2, 200)))]
            other = Q(weight=piece[0])
            for weight in piece[1:]:
                other = other | Q(weight=weight) if kind == "or" else other & Q(weight=weight)
            before = drawn.random() < 0.3
            first, last = (other, condition) if before else (condition, other)
            condition = first | last if kind == "or" else first & last
            wanted = piece + wanted if before else wanted + piece
        assert sql(condition)[1] == wanted
        assert depth(condition) <= 20


def test_what_was_there_before_stays_what_it_was():
    grown = Q()
    for weight in range(300):
        grown |= Q(weight=weight)
    before = sql(grown)
    assert len(sql(grown | Q(weight=-1))[1]) == 301
    assert sql(~(grown | Q(weight=-2)))[1][-1] == -2
    assert len(sql((grown | Q(weight=-1)) & Q(weight=5))[1]) == 302
    assert sql(grown) == before
