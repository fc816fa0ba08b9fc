"""Models of every scalar type with rows that are hard to compare, and what their relations lead to."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from servers import Server, drop_everything

from oxyde import Field, Model, create_tables, db

Row = dict[str, Any]


class Kind(enum.Enum):
    TOOL = "tool"
    TOY = "toy"
    FOOD = "food"


class Maker(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str | None = Field(default=None, max_length=40)
    city: str = Field(max_length=20)
    rating: float | None = None
    wares: list[Ware] = Field(db_reverse_fk="maker")

    class Meta:
        is_table = True
        table_name = "market_makers"


class Ware(Model):
    id: int | None = Field(default=None, db_pk=True)
    code: str = Field(db_unique=True, max_length=20)
    title: str | None = Field(default=None, db_column="label text", max_length=60)
    stock: int | None = None
    rank: int = 0
    price: Decimal | None = Field(default=None, max_digits=12, decimal_places=3)
    share: float | None = None
    live: bool | None = None
    kind: Kind | None = None
    made: datetime | None = None
    due: date | None = None
    at: time | None = None
    lasts: timedelta | None = None
    token: UUID | None = None
    data: bytes | None = None
    marks: list[str] | None = None
    extra: dict[str, Any] = {}
    maker: Maker | None = None
    labels: list[Label] = Field(db_m2m=True, db_through="WareLabel")

    class Meta:
        is_table = True
        table_name = "market_wares"


class Label(Model):
    id: int | None = Field(default=None, db_pk=True)
    word: str | None = Field(default=None, max_length=20)
    wares: list[Ware] = Field(db_m2m=True, db_through="WareLabel")

    class Meta:
        is_table = True
        table_name = "market_labels"


class WareLabel(Model):
    id: int | None = Field(default=None, db_pk=True)
    ware: Ware | None = Field(default=None, db_on_delete="CASCADE")
    label: Label | None = None

    class Meta:
        is_table = True
        table_name = "market_ware_labels"


MODELS: list[type[Model]] = [Maker, Label, Ware, WareLabel]

# --- values: stored ones and, below, such as lie beside them ------------------------------------

TITLES = [
    "plain", "Plain", "PLAIN pan", "Éclair", "éclair", "eclair",
    "100%", "100", "a_b", "axb", "a\\b", "a*b?[c]",
    "[c]", "🍎 Apfel", "🍐 apfel", "Ωmega",
    "ωmega", "it's", 'say "hi"', "", " ", "-- x", "/* x */", "Ärger",
]  # fmt: skip
UUIDS = [UUID(int=n << 96 | n) for n in (0, 1, 2**31, 2**32 - 1)]
MOMENTS = [
    datetime(2031, 1, 1), datetime(2030, 12, 31, 23, 59, 59, 999999), datetime(2031, 5, 6, 7, 8, 9),
    datetime(2032, 2, 29, 12), datetime(2031, 12, 29, 1, 2, 3, 4), datetime(1999, 12, 31, 23, 30),
]  # fmt: skip
PRICES = [
    Decimal("0"),
    Decimal("-1.500"),
    Decimal("2.5"),
    Decimal("10"),
    Decimal("9.999"),
    Decimal("123456.789"),
]
SPANS = [timedelta(0), timedelta(days=-1, seconds=5), timedelta(hours=30, microseconds=1)]
DOCUMENTS: list[dict[str, Any]] = [
    {}, {"a": 1}, {"a": "1"}, {"a": None}, {"a": True}, {"a": [1, 2]}, {"a": {"b": 2}}, {"a": 2.5, "b": "x"},
    {"a": {"b": "x", "c": [1, {"d": 3}]}}, {"b": ["x", "y"], "é": 1},
    {"a": "Xylo", "b": False}, {"a": 2, "b": None},
]  # fmt: skip
MARKS = [[], ["x"], ["x", "y"], ["y", "x"], ["x", "x"], ["é", "it's"], ["a,b", '"q"', "{}"], ["null", ""]]


def _some(values: list[Any], number: int, every: int) -> Any:
    """A value of the list for that row; None in each `every`-th."""
    return None if number % every == every - 1 else values[number % len(values)]


def _ware(n: int) -> Row:
    return {
        "id": n + 1,
        "code": f"w{n:02}",
        "title": _some(TITLES, n, 13),
        "stock": _some([0, 1, 1, 7, -7, 2**40, 12], n, 5),
        "rank": n % 4 - 1,
        "price": _some(PRICES, n, 7),
        "share": _some([0.0, 0.5, -2.25, 1e10, 3.0], n, 8),
        "live": _some([True, False], n // 2, 5),
        "kind": _some(list(Kind), n, 6),
        "made": _some(MOMENTS, n, 9),
        "due": _some([moment.date() for moment in MOMENTS], n, 4),
        "at": _some([time(0), time(23, 59, 59, 999999), time(12, 30), time(7, 8, 9)], n, 6),
        "lasts": _some(
            [timedelta(0), timedelta(days=-1, seconds=5), timedelta(hours=30, microseconds=1)], n, 5
        ),
        "token": _some(UUIDS, n, 7),
        "data": _some([b"", b"\0", b"a'b\\", b"\xff\0\xff", "é".encode()], n, 8),
        "marks": _some(MARKS, n, 10),
        "extra": DOCUMENTS[n % len(DOCUMENTS)],
        "maker_id": _some([1, 2, 3, 2], n, 6),
    }


ROWS: dict[type[Model], list[Row]] = {
    Maker: [
        {"id": 1, "name": "Åse & Söhne", "city": "bergen", "rating": 4.5},
        {"id": 2, "name": None, "city": "bergen", "rating": None},
        {"id": 3, "name": "åse & söhne", "city": "oslo", "rating": -1.0},
        {"id": 4, "name": "x", "city": "tromso", "rating": 4.5},
    ],
    Label: [{"id": n, "word": word} for n, word in enumerate(("new", "New", None, "old", "50%"), 1)],
    Ware: [_ware(n) for n in range(26)],
    WareLabel: [
        {"id": n, "ware_id": ware, "label_id": label}
        for n, (ware, label) in enumerate(
            [
                (1, 1),
                (1, 1),
                (1, 2),
                (2, 1),
                (3, 3),
                (4, 4),
                (5, None),
                (None, 2),
                (6, 2),
                (6, 4),
                (9, 5),
                (20, 1),
            ],
            1,
        )
    ],
}

VALUES: dict[type[Model], dict[str, list[Any]]] = {
    Maker: {"id": [1, 2, 9], "name": ["Åse & Söhne", "x", "åse", "Å"], "city": ["bergen", "c", "oslo"],
            "rating": [4.5, -1.0, 0.0]},
    Label: {"id": [1, 3, 4], "word": ["new", "NEW", "50%", "o"]},
    Ware: {
        "id": [1, 13, 26, 99],
        "code": ["w00", "w05", "w2", "w", "x"],
        "title": [*TITLES, "pla", "É", "%", "_", "\\", "*", "?", "[", "🍎", "ΩMEGA", "'", '"', "ä"],
        "stock": [0, 1, 7, -7, 2**40, 2, -1],
        "rank": [-1, 0, 1, 2],
        "price": [*PRICES, Decimal("2.50"), Decimal("9.9991"), Decimal("-2"), 10, 2.5],
        "share": [0.0, 0.5, -2.25, 1e10, 1, -3],
        "live": [True, False],
        "kind": list(Kind),
        "made": [*MOMENTS, datetime(2031, 6, 1)],
        "due": [moment.date() for moment in MOMENTS],
        "at": [time(0), time(23, 59, 59, 999999), time(12, 30), time(8)],
        "lasts": [*SPANS, timedelta(hours=30)],
        "token": [*UUIDS, UUID(int=5)],
        "data": [b"", b"\0", b"a'b\\", b"\xff", b"\xff\0\xff"],
    },
}  # fmt: skip


class Relation(NamedTuple):
    """What a name leads to, and from where to where."""

    target: type[Model]
    many: bool
    walk: Callable[[Row], list[Row]]


def _matching(target: type[Model], here: str, there: str) -> Callable[[Row], list[Row]]:
    return lambda row: [
        other for other in ROWS[target] if row[here] is not None and other[there] == row[here]
    ]


def _linked(target: type[Model], here: str, there: str) -> Callable[[Row], list[Row]]:
    def walk(row: Row) -> list[Row]:
        keys = [link[there] for link in ROWS[WareLabel] if link[here] == row["id"]]
        return [other for key in keys for other in ROWS[target] if other["id"] == key]

    return walk


RELATIONS: dict[type[Model], dict[str, Relation]] = {
    Maker: {"wares": Relation(Ware, True, _matching(Ware, "id", "maker_id"))},
    Ware: {
        "maker": Relation(Maker, False, _matching(Maker, "maker_id", "id")),
        "labels": Relation(Label, True, _linked(Label, "ware_id", "label_id")),
    },
    Label: {"wares": Relation(Ware, True, _linked(Ware, "label_id", "ware_id"))},
}

# Collations under which MySQL and MariaDB compare texts by their characters, as the others do.
BY_CHARACTER = {"mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"}


@asynccontextmanager
async def market(server: Server, collation: str | None = None) -> AsyncIterator[db.AsyncDatabase]:
    """The filled tables on that server; texts collate as the server does by itself, or as named."""
    drop_everything(server)
    if collation is not None:
        server.rows(f"ALTER DATABASE `{server.database}` COLLATE {collation}")
    url = "sqlite://:memory:" if server.backend == "sqlite" else server.url
    url += "" if collation is None else f"?collation={collation}"
    async with db.connect(url) as database:
        await create_tables(database, models=MODELS)
        for model in MODELS:
            await model.objects.bulk_create([{**row} for row in ROWS[model]])  # type: ignore[attr-defined]
        yield database
