"""Deviations, truth, texts and lists over rows, JSON objects, on every server, against Python."""

from __future__ import annotations

import enum
import statistics
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import Count, F, Field, FieldError, Model, NotSupportedError, Q, Value, Window
from oxyde.queries import ArrayAgg, BoolAnd, BoolOr, JSONObject, StdDev, StringAgg, Variance

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Shade(enum.Enum):
    DARK = "dark"
    PALE = "pale"


class Basket(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = ""
    fruits: list[Fruit] = Field(db_reverse_fk="basket")

    class Meta:
        is_table = True
        table_name = "baskets"


class Fruit(Model):
    id: int | None = Field(default=None, db_pk=True)
    kind: str = Field(default="", max_length=20)
    weight: int = 0
    price: Decimal | None = Field(default=None, max_digits=8, decimal_places=2)
    ratio: float = 0.0
    ripe: bool = False
    shade: Shade = Shade.DARK
    picked: date | None = None
    seen: datetime | None = None
    code: UUID | None = None
    extra: dict[str, Any] = {}
    basket: Basket | None = None

    class Meta:
        is_table = True
        table_name = "fruits"


FRUITS: list[dict[str, Any]] = [
    {
        "id": n + 1,
        "kind": kind,
        "weight": weight,
        "price": None if price is None else Decimal(price),
        "ratio": weight / 7,
        "ripe": weight > 3,
        "shade": Shade.PALE if weight % 2 else Shade.DARK,
        "picked": date(2031, 5, n + 1),
        "seen": datetime(2031, 5, n + 1, 12, 30, 15, 250000 * (n % 2)),
        "code": UUID(int=n + 1),
        "extra": {"n": n},
        "basket_id": basket,
    }
    for n, (kind, weight, price, basket) in enumerate(
        [
            ("äpple", 5, "1.50", 1),
            ("plum", 2, None, 1),
            ("pear", 9, "0.05", 2),
            ("plum", 4, "12.30", 2),
            ("fig", 4, "3.00", 2),
        ]
    )
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def rows(fresh_database: Server) -> AsyncIterator[None]:
    async with served(fresh_database, [Basket, Fruit]):
        await Basket.objects.bulk_create([{"id": n, "name": f"b{n}"} for n in (1, 2, 3)])
        await Fruit.objects.bulk_create(FRUITS)
        yield


def of(name: str, basket: int | None = None) -> list[Any]:
    return [fruit[name] for fruit in FRUITS if basket in (None, fruit["basket_id"])]


@pytest.mark.parametrize("field", ["weight", "price", "ratio"])
async def test_deviation_and_variance_are_those_of_the_population(fresh_database: Server, field: str) -> None:
    figures = Fruit.objects.aggregate(d=StdDev(field), v=Variance(field))
    if fresh_database.backend == "sqlite":
        with pytest.raises(NotSupportedError, match="StdDev"):
            await figures
        return
    found = await figures
    values = [float(value) for value in of(field) if value is not None]
    assert found == {
        "d": pytest.approx(statistics.pstdev(values)),
        "v": pytest.approx(statistics.pvariance(values)),
    }
    assert [type(value) for value in found.values()] == [float, float]


async def test_truth_over_rows() -> None:
    ripe = await Fruit.objects.aggregate(every=BoolAnd("ripe"), some=BoolOr("ripe"))
    assert ripe == {"every": all(of("ripe")), "some": any(of("ripe"))}
    compared = await Fruit.objects.aggregate(every=BoolAnd(F("weight") > 1), none=BoolOr(F("weight") > 100))
    assert compared == {"every": True, "none": False}
    assert await Fruit.objects.filter(id=0).aggregate(x=BoolAnd("ripe")) == {"x": None}
    groups = Fruit.objects.group_by("basket_id").annotate(every=BoolAnd("ripe")).order_by("basket_id")
    assert [row["every"] for row in await groups.values("basket_id", "every").all()] == [
        all(of("ripe", 1)),
        all(of("ripe", 2)),
    ]


async def test_texts_one_after_another(fresh_database: Server) -> None:
    joined = await Fruit.objects.aggregate(x=StringAgg("kind", ", "))
    assert sorted(joined["x"].split(", ")) == sorted(of("kind"))
    assert await Fruit.objects.filter(id=1).aggregate(x=StringAgg("kind", " $'% ")) == {"x": "äpple"}
    chosen = await Fruit.objects.aggregate(
        x=StringAgg("kind", "|", filter=Q(weight__gt=100), default="none"),
        y=StringAgg("kind", "|", filter=Q(kind="plum")),
    )
    assert chosen == {"x": "none", "y": "plum|plum"}
    ordered = Fruit.objects.aggregate(x=StringAgg("kind", "/", ["-weight", "kind"]))
    if fresh_database.backend == "sqlite":
        with pytest.raises(NotSupportedError, match="order or DISTINCT inside StringAgg"):
            await ordered
        return
    fruits = sorted(FRUITS, key=lambda fruit: (-fruit["weight"], fruit["kind"]))
    assert await ordered == {"x": "/".join(fruit["kind"] for fruit in fruits)}
    once = await Fruit.objects.aggregate(x=StringAgg("kind", "/", distinct=True))
    assert sorted(once["x"].split("/")) == sorted(set(of("kind")))


async def test_long_texts_are_not_cut() -> None:
    long = Fruit.objects.annotate(whole=StringAgg("kind", "-" * 2000))
    assert len((await long.values("whole").all())[0]["whole"]) == sum(map(len, of("kind"))) + 4 * 2000


@pytest.mark.parametrize("field", ["id", "kind", "weight", "price", "ripe", "picked", "seen", "code"])
async def test_lists_hold_what_the_field_holds(field: str) -> None:
    found = await Fruit.objects.aggregate(x=ArrayAgg(field))
    assert sorted(found["x"], key=repr) == sorted(of(field), key=repr)
    assert await Fruit.objects.filter(id=0).aggregate(x=ArrayAgg(field)) == {"x": None}


async def test_lists_of_floats_and_enums(fresh_database: Server) -> None:
    if fresh_database.backend == "sqlite":
        with pytest.raises(NotSupportedError, match="floats in ArrayAgg"):
            await Fruit.objects.aggregate(x=ArrayAgg("ratio"))
    else:
        found = await Fruit.objects.aggregate(x=ArrayAgg("ratio"))
        assert sorted(found["x"]) == sorted(of("ratio"))
    with pytest.raises(FieldError, match=r"the enum members of Fruit\.shade"):
        await Fruit.objects.aggregate(x=ArrayAgg("shade"))
    with pytest.raises(FieldError, match=r"the enum members of Fruit\.shade"):
        await Basket.objects.annotate(x=ArrayAgg("fruits__shade")).all()


async def test_lists_in_order_where_the_server_has_it(fresh_database: Server) -> None:
    query = Fruit.objects.aggregate(x=ArrayAgg("id", order_by=F("weight").desc()), n=Count("*"))
    if fresh_database.backend != "postgres":
        with pytest.raises(NotSupportedError, match="inside ArrayAgg"):
            await query
        return
    assert (await query)["x"][0] == 3


async def test_over_related_rows() -> None:
    baskets = Basket.objects.order_by("id").annotate(
        kinds=StringAgg("fruits__kind", ","), ids=ArrayAgg("fruits__id"), ripe=BoolOr("fruits__ripe")
    )
    found = await baskets.all()
    assert [sorted(row.kinds.split(",")) if row.kinds else None for row in found] == [
        sorted(of("kind", 1)),
        sorted(of("kind", 2)),
        None,
    ]
    assert [row.ids and sorted(row.ids) for row in found] == [of("id", 1), of("id", 2), None]
    assert [row.ripe for row in found] == [any(of("ripe", 1)), any(of("ripe", 2)), None]
    groups = (
        Basket.objects.annotate(late=F("id") > 1)
        .group_by("late")
        .annotate(ripe=BoolAnd("fruits__ripe"), kinds=StringAgg("fruits__kind", ","))
    )
    rows = await groups.order_by("late").values("late", "ripe", "kinds").all()
    assert [(row["late"], row["ripe"]) for row in rows] == [(False, False), (True, True)]
    assert sorted(rows[1]["kinds"].split(",")) == sorted(of("kind", 2))
    with pytest.raises(NotSupportedError, match="related rows of a whole group"):
        Basket.objects.group_by("name").annotate(x=ArrayAgg("fruits__id")).values().sql()


async def test_a_window_of_truth() -> None:
    some = Window(BoolOr("ripe"), partition_by="basket")
    found = await Fruit.objects.order_by("id").values("id", some=some).all()
    assert [row["some"] for row in found] == [any(of("ripe", fruit["basket_id"])) for fruit in FRUITS]


async def test_objects_of_values() -> None:
    made = JSONObject(
        kind="kind",
        kg="weight",
        ripe="ripe",
        extra="extra",
        text=Value("x"),
        none=Value(None),
        part="ratio",
        price="price",
    )
    found = await Fruit.objects.order_by("id").values("id", made=made).all()
    assert found == [
        {
            "id": fruit["id"],
            "made": {
                "kind": fruit["kind"],
                "kg": fruit["weight"],
                "ripe": fruit["ripe"],
                "extra": fruit["extra"],
                "text": "x",
                "none": None,
                "part": fruit["ratio"],
                "price": None if fruit["price"] is None else float(fruit["price"]),
            },
        }
        for fruit in FRUITS
    ]
    assert (await Fruit.objects.annotate(made=JSONObject(a="id")).get(id=1)).made == {"a": 1}
    assert await Fruit.objects.values(made=JSONObject()).first() == {"made": {}}


@pytest.mark.parametrize(
    ("aggregate", "words"),
    [
        (StdDev("kind"), "StdDev takes numbers, not a value of kind 'string'"),
        (BoolAnd("weight"), "BoolAnd takes truth values"),
        (StringAgg("weight", ","), "StringAgg takes texts"),
    ],
)
async def test_values_of_the_wrong_kind_are_refused(aggregate: Any, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        Fruit.objects.annotate(x=aggregate).sql()


async def test_a_separator_is_a_text() -> None:
    with pytest.raises(TypeError, match="separator"):
        StringAgg("kind", 3)  # type: ignore[arg-type]
