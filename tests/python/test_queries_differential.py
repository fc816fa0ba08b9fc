"""The same random queries mean the same on every server, and what a plain reading of the rows says."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import market_expressions as expressions
import pytest
import servers
from evaluate import LOOKUPS
from hypothesis import HealthCheck, given, settings
from market import ROWS, Label, Maker, Ware
from market_conditions import as_condition, conditions, truth
from market_home import Home
from servers import Server

from oxyde import Coalesce, Value, atomic
from oxyde.queries.functions import Abs, Greatest

PROFILE = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def home(fresh_database: Server) -> Iterator[Home]:
    home = Home(fresh_database)
    yield home
    home.close()


def chosen(model: type, condition: Any) -> list[int]:
    return [row["id"] for row in ROWS[model] if truth(model, row, condition) is True]


@pytest.mark.parametrize("model", [Ware, Maker, Label])
def test_conditions(home: Home, model: Any) -> None:
    @PROFILE
    @given(conditions(model))
    def examples(condition: Any) -> None:
        meant = as_condition(model, condition)
        keys = model.objects.order_by("id").values_list("id", flat=True)
        expected = chosen(model, condition)
        assert home.run(keys.filter(meant).all()) == expected
        assert home.run(keys.exclude(meant).all()) == [
            row["id"] for row in ROWS[model] if row["id"] not in expected
        ]
        assert home.run(model.objects.filter(meant).count()) == len(expected)
        assert home.run(model.objects.filter(meant).exists()) is bool(expected)

    examples()


EXPRESSIONS = {
    "integers": expressions.integers(),
    "decimals": expressions.decimals(),
    "fractions": expressions.fractions(),
    "texts": expressions.texts(),
    "parts": expressions.parts(),
}


@pytest.mark.parametrize("sort", EXPRESSIONS)
def test_expressions(home: Home, sort: str) -> None:
    @PROFILE
    @given(EXPRESSIONS[sort])
    def examples(expression: Any) -> None:
        query = Ware.objects.annotate(x=expressions.built(expression)).order_by("id").values_list("id", "x")
        found = home.run(query.all())
        wanted = [(row["id"], expressions.value(row, expression)) for row in ROWS[Ware]]
        assert found == wanted
        assert [type(x) for _, x in found] == [type(x) for _, x in wanted]

    examples()


# --- what the examples above found, and what they leave out ----------------------------------------


def test_values_of_other_types_do_not_change_a_statement(home: Home) -> None:
    """MySQL gives a prepared statement the types of its first values: one for each list of types."""
    first = Ware.objects.order_by("id")[:1]
    for values in ([Decimal("1.5"), Decimal(2)], ["", "x"], [3, 4], [Decimal(0), Decimal(9)], [0.5, 1.0]):
        query = first.annotate(x=Coalesce(*map(Value, values))).values_list("x", flat=True)
        (found,) = home.run(query.all())
        assert (found, type(found)) == (values[0], type(values[0]))


def test_decimals_without_a_column_are_exact(home: Home) -> None:
    first = Ware.objects.order_by("id")[:1]
    a, b = Value(Decimal("-3")), Value(Decimal("0.7"))
    query = first.values(v=a % b, w=Abs(a) % b, x=a - b, y=(a + b) % b, z=Greatest(a, b))
    assert home.run(query.all()) == [
        dict(zip("vwxyz", map(Decimal, ("0.5", "0.2", "-3.7", "0.5", "0.7")), strict=True))
    ]


def test_containment_of_one_element(home: Home) -> None:
    """An array contains `[1]`; that it contains `1` is said by none of them."""
    keys = Ware.objects.values_list("id", flat=True).order_by("id")
    lists = [row["id"] for row in ROWS[Ware] if row["extra"].get("a") == [1, 2]]
    ones = [row["id"] for row in ROWS[Ware] if row["extra"].get("a") == 1 and row["extra"]["a"] is not True]
    assert lists and ones
    assert home.run(keys.filter(extra__contains={"a": [1]}).all()) == lists
    assert home.run(keys.filter(extra__contains={"a": 1}).all()) == ones
    assert home.run(keys.exclude(extra__contains={"a": 1}).count()) == len(ROWS[Ware]) - len(ones)


@pytest.mark.parametrize(
    ("stored", "value", "holds"),
    [
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": {"c": 1}}}, False),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 1}]}}, True),
        ({"a": [{"b": 1}]}, {"a": {"b": 1}}, False),
        ({"a": {"b": 1, "x": 2}, "y": [1]}, {"a": {"b": 1}}, True),
        ({"7": [1]}, {"7": [1]}, True),
    ],
)
def test_containment_goes_as_deep_as_the_value(home: Home, stored: Any, value: Any, holds: bool) -> None:
    async def found() -> tuple[bool, bool]:
        async with atomic() as block:
            made = await Ware.objects.create(id=77_777, code="deep", extra=stored)
            mine = Ware.objects.filter(id=made.id)
            contains = await mine.filter(extra__contains=value).exists()
            await mine.update(extra=value)
            within = await mine.filter(extra__contained_by=stored).exists()
            block.set_rollback()
        return contains, within

    assert home.run(found()) == (holds, holds)


NEEDLES = ["pla", "PLA", "é", "e", "É", "%", "_", "\\", "*", "?", "[", "🍎", "Ω", "'", '"', " ", "100%", "ä"]
WAYS = ("contains", "startswith", "endswith")


def test_texts_under_the_servers_own_collation(server: Server) -> None:
    """`contains` and its kin see case and accents everywhere; the `i…` family sees no case anywhere,
    and on MySQL and MariaDB no accents, as their collations do."""
    blind = server.backend == "mysql"

    def folded(text: str) -> str:
        marks = unicodedata.normalize("NFD", text.lower())
        return "".join(mark for mark in marks if not unicodedata.combining(mark)) if blind else text.lower()

    with servers.fresh_database(server.name) as database:
        home = Home(database, by_character=False)
        try:
            for needle, lookup, fold in itertools.product(NEEDLES, WAYS, ("", "i")):
                if fold and needle == "🍎" and server.name == "mariadb":
                    continue  # to its default collation all characters past U+FFFF are one
                kept = folded if fold else str
                query = Ware.objects.filter(**{f"title__{fold}{lookup}": needle}).order_by("id")
                assert home.run(query.values_list("title", flat=True).all()) == [
                    row["title"]
                    for row in ROWS[Ware]
                    if row["title"] is not None and LOOKUPS[lookup](kept(row["title"]), kept(needle))
                ], (needle, lookup, fold)
        finally:
            home.close()
