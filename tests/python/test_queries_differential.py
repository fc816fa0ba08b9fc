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
from market_expressions import at_path
from market_home import Home
from servers import Server

from oxyde import Coalesce, F, Value, atomic
from oxyde.queries.functions import Abs, Ceil, Concat, Floor, Greatest, Mod, Power, Round, Sqrt

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
    kinds = ([Decimal("1.5"), Decimal(2)], [3, 4], ["", "x"], [Decimal(0), Decimal(9)], [0.5, 1.0], ["y", ""])
    for values in kinds:
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


def test_arithmetic_keeps_pythons_precedence(home: Home) -> None:
    rows = [row for row in ROWS[Ware] if row["stock"] is not None and row["rank"] is not None]
    forms = {
        "a": lambda s, r, i: (s + 1) * 2 - r * 3,
        "b": lambda s, r, i: s - (r - i) - 1,
        "c": lambda s, r, i: s - (r + i),
        "d": lambda s, r, i: s * (r - i),
        "e": lambda s, r, i: -(s - r) * i,
        "f": lambda s, r, i: 5 - (s // 3 - r % 3),
        "g": lambda s, r, i: i / 2 / 4 - i / (2 / 0.5),
    }
    drawn = {name: form(F("stock"), F("rank"), F("id")) for name, form in forms.items()}
    query = Ware.objects.filter(id__in=[row["id"] for row in rows]).order_by("id").values(**drawn)
    assert home.run(query.all()) == [
        {name: form(row["stock"], row["rank"], row["id"]) for name, form in forms.items()} for row in rows
    ]


def test_quotients_of_decimals_keep_their_digits(home: Home) -> None:
    """Where a quotient ends, it ends at the same digit everywhere."""
    rows = [row for row in ROWS[Ware] if row["price"] is not None]
    query = Ware.objects.filter(id__in=[row["id"] for row in rows]).order_by("id")
    found = home.run(query.values("id", x=F("price") / 1024, y=Value(Decimal(1)) / Decimal(4096)).all())
    assert found == [{"id": row["id"], "x": row["price"] / 1024, "y": Decimal(1) / 4096} for row in rows]


NUMBERS = [
    (Round(Value(2.5)), 3.0),
    (Round(Value(-0.5)), -1.0),
    (Round(Value(0.125), 2), 0.13),
    (Round(Value(Decimal("-2.5"))), Decimal(-3)),
    (Round(Value(Decimal("2.45")), 1), Decimal("2.5")),
    (Round(Value(25), -1), 30),
    (Ceil(Value(-1.5)), -1),
    (Ceil(Value(Decimal("1.2"))), 2),
    (Floor(Value(-1.5)), -2),
    (Floor(Value(Decimal("1.2"))), 1),
    (Sqrt(Value(16)), 4.0),
    (Power(Value(2), Value(3)), 8.0),
    (Mod(Value(-7), Value(3)), 2),
    (Mod(Value(7), Value(-3)), -2),
    (Abs(Value(-7)), 7),
]


@pytest.mark.parametrize(("expression", "value"), NUMBERS, ids=str)
def test_functions_of_numbers(home: Home, expression: Any, value: Any) -> None:
    (found,) = home.run(
        Ware.objects.order_by("id")[:1].annotate(x=expression).values_list("x", flat=True).all()
    )
    assert (found, type(found)) == (value, type(value))


def test_a_separator_stands_between_what_is_there(home: Home) -> None:
    texts = Concat("title", "maker__city", Value("x"), separator=" - ")
    found = home.run(Ware.objects.order_by("id").only("id").annotate(x=texts).all())
    assert [ware.x for ware in found] == [
        " - ".join(t for t in (row["title"], at_path(row, "maker__city"), "x") if t is not None)
        for row in ROWS[Ware]
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
