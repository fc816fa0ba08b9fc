"""Windows, on every server, against what Python computes from the same rows."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest
import pytest_asyncio
from parcels import served
from servers import Server

from oxyde import (
    Count,
    F,
    Field,
    FieldError,
    ManagerError,
    Model,
    NotSupportedError,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Sum,
    Window,
    atomic,
)
from oxyde.queries import (
    Avg,
    CumeDist,
    DenseRank,
    FirstValue,
    Lag,
    LastValue,
    Lead,
    Lower,
    Max,
    NthValue,
    Ntile,
    PercentRank,
    Rank,
    RowNumber,
    RowRange,
    ValueRange,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Light(enum.Enum):
    RED = "red"
    GREEN = "green"


class Station(Model):
    id: int | None = Field(default=None, db_pk=True)
    name: str = ""
    readings: list[Reading] = Field(db_reverse_fk="station")

    class Meta:
        is_table = True
        table_name = "stations"


class Reading(Model):
    id: int | None = Field(default=None, db_pk=True)
    place: str = ""
    level: int | None = None
    price: Decimal = Field(default=Decimal(0), max_digits=8, decimal_places=2)
    light: Light = Light.RED
    station: Station | None = None

    class Meta:
        is_table = True
        table_name = "readings"


# (place, level, price); the id is the position.
ROWS: list[tuple[str, int, str]] = [
    ("a", 5, "1.50"),
    ("b", 3, "2.25"),
    ("a", 5, "0.10"),
    ("c", 9, "7.00"),
    ("b", 1, "4.75"),
    ("a", 2, "3.30"),
    ("b", 3, "0.20"),
    ("c", 4, "9.99"),
    ("a", 8, "6.00"),
]
PLACES = ["a", "b", "c"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def rows(fresh_database: Server) -> AsyncIterator[None]:
    async with served(fresh_database, [Station, Reading]):
        await Station.objects.bulk_create([{"id": n + 1, "name": name} for n, name in enumerate(PLACES)])
        await Reading.objects.bulk_create(
            [
                {
                    "id": n + 1,
                    "place": place,
                    "level": level,
                    "price": price,
                    "light": Light.GREEN if level > 4 else Light.RED,
                    "station_id": PLACES.index(place) + 1,
                }
                for n, (place, level, price) in enumerate(ROWS)
            ]
        )
        yield


def by_place(order: Callable[[int], Any], value: Callable[[list[int], int], Any]) -> list[Any]:
    """Per row, in the order of ids: value(ids of the place in that order, position of the row)."""
    out: dict[int, Any] = {}
    ids = sorted(range(len(ROWS)), key=lambda n: ROWS[n][0])
    for _, group in groupby(ids, key=lambda n: ROWS[n][0]):
        ordered = sorted(group, key=order)
        for at, n in enumerate(ordered):
            out[n] = value(ordered, at)
    return [out[n] for n in range(len(ROWS))]


def level(n: int) -> int:
    return ROWS[n][1]


def rank(ids: list[int], at: int) -> int:
    return 1 + sum(level(n) < level(ids[at]) for n in ids)


def by_level(n: int) -> tuple[int, int]:
    return level(n), n


def by_id(n: int) -> int:
    return n


LEVELS: dict[str, Any] = {"partition_by": "place", "order_by": "level"}
IDS: dict[str, Any] = {"partition_by": F("place"), "order_by": ["id"]}

COMPUTED: list[tuple[Window, list[Any]]] = [
    (
        Window(RowNumber(), partition_by="place", order_by=["level", "id"]),
        by_place(by_level, lambda ids, at: at + 1),
    ),
    (
        Window(RowNumber(), partition_by=["place"], order_by=["-level", "-id"]),
        by_place(by_level, lambda ids, at: len(ids) - at),
    ),
    (Window(Rank(), **LEVELS), by_place(by_level, rank)),
    (
        Window(DenseRank(), **LEVELS),
        by_place(by_level, lambda ids, at: 1 + len({level(n) for n in ids if level(n) < level(ids[at])})),
    ),
    (
        Window(PercentRank(), **LEVELS),
        by_place(by_level, lambda ids, at: (rank(ids, at) - 1) / (len(ids) - 1)),
    ),
    (
        Window(CumeDist(), **LEVELS),
        by_place(by_level, lambda ids, at: sum(level(n) <= level(ids[at]) for n in ids) / len(ids)),
    ),
    (Window(Ntile(2), **IDS), by_place(by_id, lambda ids, at: 1 + (at >= (len(ids) + 1) // 2))),
    (
        Window(Lag("level"), **IDS),
        by_place(by_id, lambda ids, at: level(ids[at - 1]) if at else None),
    ),
    (
        Window(Lead("level", 2), **IDS),
        by_place(by_id, lambda ids, at: level(ids[at + 2]) if at + 2 < len(ids) else None),
    ),
    (Window(FirstValue("level"), **IDS), by_place(by_id, lambda ids, at: level(ids[0]))),
    (Window(LastValue("level"), **IDS), by_place(by_id, lambda ids, at: level(ids[at]))),
    (
        Window(LastValue("level"), **IDS, frame=RowRange(None, None)),
        by_place(by_id, lambda ids, at: level(ids[-1])),
    ),
    (
        Window(NthValue("level", 2), **IDS),
        by_place(by_id, lambda ids, at: level(ids[1]) if at else None),
    ),
    (Window(Sum("level"), **IDS), by_place(by_id, lambda ids, at: sum(map(level, ids[: at + 1])))),
    (
        Window(Sum("level"), **IDS, frame=RowRange(-1, 1)),
        by_place(by_id, lambda ids, at: sum(map(level, ids[max(at - 1, 0) : at + 2]))),
    ),
    (
        Window(Sum("level"), **IDS, frame=RowRange(1, None)),
        by_place(by_id, lambda ids, at: sum(map(level, ids[at + 1 :])) if ids[at + 1 :] else None),
    ),
    (
        Window(Sum("level", default=0), **IDS, frame=RowRange(1, None)),
        by_place(by_id, lambda ids, at: sum(map(level, ids[at + 1 :]))),
    ),
    (
        Window(Count("*"), **LEVELS, frame=ValueRange(-2, 0)),
        by_place(by_level, lambda ids, at: sum(0 <= level(ids[at]) - level(n) <= 2 for n in ids)),
    ),
    (
        Window(Count("*"), **LEVELS, frame=ValueRange(None, 0)),
        by_place(by_level, lambda ids, at: sum(level(n) <= level(ids[at]) for n in ids)),
    ),
    (
        Window(Avg("level"), partition_by="place"),
        by_place(by_id, lambda ids, at: sum(map(level, ids)) / len(ids)),
    ),
    (
        Window(Count("*", filter=Q(level__gt=3)), partition_by=Lower("place")),
        by_place(by_id, lambda ids, at: sum(level(n) > 3 for n in ids)),
    ),
    (
        Window(Max("price"), partition_by="station__name"),
        by_place(by_id, lambda ids, at: max(Decimal(ROWS[n][2]) for n in ids)),
    ),
    (
        Window(Sum(F("level") * 2)) + 1,
        [sum(level(n) for n in range(len(ROWS))) * 2 + 1] * len(ROWS),
    ),
    (
        Window(Lag("light"), **IDS),
        by_place(
            by_id,
            lambda ids, at: (Light.GREEN if level(ids[at - 1]) > 4 else Light.RED) if at else None,
        ),
    ),
]


@pytest.mark.parametrize(("window", "expected"), COMPUTED)
async def test_a_window_gives_what_python_computes(window: Any, expected: list[Any]) -> None:
    got = [row["w"] for row in await Reading.objects.order_by("id").values(w=window).all()]
    if expected and isinstance(expected[0], float):
        assert got == pytest.approx(expected)
    else:
        assert got == expected
        assert [type(value) for value in got] == [type(value) for value in expected]


@pytest.mark.parametrize(("window", "expected"), COMPUTED)
async def test_a_condition_on_a_window_chooses_among_its_values(window: Any, expected: list[Any]) -> None:
    wanted = expected[4]
    query = Reading.objects.annotate(w=window)
    if isinstance(wanted, float):
        chosen = query.filter(w__gt=wanted - 1e-6, w__lt=wanted + 1e-6)
        same = [n + 1 for n, value in enumerate(expected) if value == pytest.approx(wanted)]
    elif wanted is None:
        chosen = query.filter(w__isnull=True)
        same = [n + 1 for n, value in enumerate(expected) if value is None]
    else:
        chosen = query.filter(w=wanted)
        same = [n + 1 for n, value in enumerate(expected) if value == wanted]
    assert sorted([row.id for row in await chosen.all()]) == same
    assert await chosen.count() == len(same)
    assert await Reading.objects.filter(id__in=chosen).count() == len(same)


async def test_lag_has_a_default_except_on_mariadb(fresh_database: Server) -> None:
    query = Reading.objects.order_by("id").values(
        w=Window(Lag("light", 1, Light.GREEN), partition_by="place", order_by="id"),
        n=Window(Lag("level", 2, -1), partition_by="place", order_by="id"),
    )
    if fresh_database.name == "mariadb":
        with pytest.raises(NotSupportedError, match="a default in Lag and Lead"):
            await query.all()
        return
    found = await query.all()
    assert [row["n"] for row in found] == by_place(
        by_id, lambda ids, at: level(ids[at - 2]) if at > 1 else -1
    )
    assert [row["w"] for row in found] == by_place(
        by_id, lambda ids, at: Light.GREEN if not at or level(ids[at - 1]) > 4 else Light.RED
    )


async def test_sums_of_decimals_in_a_window_except_on_sqlite(fresh_database: Server) -> None:
    query = Reading.objects.order_by("id").values(w=Window(Sum("price"), partition_by="place", order_by="id"))
    if fresh_database.backend == "sqlite":
        with pytest.raises(NotSupportedError, match="decimals in a window"):
            await query.all()
        return
    expected = by_place(by_id, lambda ids, at: sum(Decimal(ROWS[n][2]) for n in ids[: at + 1]))
    assert [row["w"] for row in await query.all()] == expected


# --- around other clauses -----------------------------------------------------------------


def first_two() -> Any:
    return Reading.objects.annotate(
        n=Window(RowNumber(), partition_by="place", order_by=["-level", "id"])
    ).filter(n__lte=2)


FIRST_TWO = sorted(
    n + 1 for n, at in enumerate(by_place(lambda n: (-level(n), n), lambda ids, at: at)) if at < 2
)


async def test_conditions_on_columns_choose_what_the_window_sees_others_what_it_gave() -> None:
    found = await first_two().filter(level__lt=8).all()
    seen = by_place(
        lambda n: (-level(n), n),
        lambda ids, at: [n for n in ids if level(n) < 8].index(ids[at]) if level(ids[at]) < 8 else 9,
    )
    assert sorted(row.id for row in found) == [n + 1 for n, at in enumerate(seen) if at < 2]
    counted = Reading.objects.annotate(n=Window(RowNumber(), order_by="id"))
    either = await counted.filter(Q(n=1) | Q(level=9)).all()
    assert sorted(row.id for row in either) == [1, 4]
    rest = await counted.exclude(n__gt=1).all()
    assert [(row.id, row.n) for row in rest] == [(1, 1)]


async def test_order_slices_joins_and_prefetches_apply_to_the_chosen_rows() -> None:
    found = await first_two().join("station").order_by("-station__name", "n")[1:4].all()
    assert [(row.station.name, row.n) for row in found] == [("c", 2), ("b", 1), ("b", 2)]
    loaded = await first_two().prefetch("station").order_by("id").all()
    assert [row.id for row in loaded] == FIRST_TWO
    assert [row.station.name for row in loaded] == [ROWS[n - 1][0] for n in FIRST_TWO]
    assert (await first_two().order_by("id").last()).id == FIRST_TWO[-1]
    assert (await first_two().get(n=1, place="b")).level == 3
    assert await first_two().values_list("place", flat=True).distinct().order_by("place").all() == PLACES


async def test_a_prefetched_query_may_be_chosen_by_a_window() -> None:
    stations = await Station.objects.prefetch(Prefetch("readings", first_two())).order_by("id").all()
    assert sorted(row.id for station in stations for row in station.readings) == FIRST_TWO
    only_one = Prefetch("readings", first_two().order_by("n"), limit=1)
    stations = await Station.objects.prefetch(only_one).order_by("id").all()
    assert [[row.n for row in station.readings] for station in stations] == [[1], [1], [1]]


async def test_figures_are_of_the_chosen_rows() -> None:
    levels = [level(n - 1) for n in FIRST_TWO]
    assert await first_two().count() == len(FIRST_TWO)
    assert await first_two().exists()
    assert await first_two().sum("level") == sum(levels)
    assert await first_two().aggregate(top=Max("n"), all=Count("*")) == {"top": 2, "all": len(FIRST_TWO)}
    unfiltered = Reading.objects.annotate(n=Window(RowNumber(), order_by="id"))
    assert await unfiltered.aggregate(last=Max("n")) == {"last": len(ROWS)}


class Undone(Exception):
    pass


async def test_changes_reach_the_chosen_rows() -> None:
    with pytest.raises(Undone):
        async with atomic():
            assert await first_two().update(level=100) == len(FIRST_TWO)
            changed = await Reading.objects.filter(level=100).values_list("id", flat=True).all()
            assert sorted(changed) == FIRST_TWO
            returned = await first_two().update(price=Decimal(7), returning=True)
            assert [row.price for row in returned] == [Decimal(7)] * len(FIRST_TWO)
            numbered = Reading.objects.annotate(n=Window(RowNumber(), order_by="id"))
            assert await numbered.filter(n__gt=3).delete() == len(ROWS) - 3
            assert await Reading.objects.count() == 3
            rest = Reading.objects.annotate(n=Window(RowNumber(), order_by="id")).filter(n=3)
            assert await rest.delete(returning=("id",)) == [{"id": 3}]
            assert await Reading.objects.order_by("id").values_list("id", flat=True).all() == [1, 2]
            raise Undone
    assert await Reading.objects.count() == len(ROWS)


async def test_windows_see_groups() -> None:
    counts = sorted(((sum(row[0] == place for row in ROWS), place) for place in PLACES), reverse=True)
    groups = Reading.objects.group_by("place").annotate(
        n=Count("*"), r=Window(Rank(), order_by=F("n").desc()), whole=Window(Sum(F("n")))
    )
    assert await groups.order_by("r").values("place", "n", "r", "whole").all() == [
        {"place": place, "n": n, "r": at + 1, "whole": len(ROWS)} for at, (n, place) in enumerate(counts)
    ]
    best = {"place": counts[0][1], "n": counts[0][0], "r": 1, "whole": len(ROWS)}
    assert await groups.having(r=1).values().all() == [best]
    assert await groups.values("place", "n", "r", "whole").filter(r=1).all() == [best]
    assert await groups.filter(r__gt=1).values("place").order_by("place").all() == [
        {"place": place} for _, place in sorted(counts[1:], key=lambda pair: pair[1])
    ]
    named = Reading.objects.annotate(n=Count("*"), r=Window(Rank(), order_by=F("n").desc())).values(
        "place", "r"
    )
    assert sorted(row["r"] for row in await named.all()) == [1, 2, 3]


async def test_a_window_over_groups_sees_no_single_rows() -> None:
    for query in (
        first_two().values("place").annotate(c=Count("*")),
        Reading.objects.values("place", c=Count("*"), r=Window(Rank(), order_by="level")),
        Reading.objects.group_by("place").values("place", c=Count("*"), r=Window(Sum("level"))),
    ):
        with pytest.raises(FieldError, match=r"'[nr]' is (over groups|selected but)"):
            query.sql()
    over = Reading.objects.values("place", c=Count("*"), r=Window(Rank(), order_by="place"))
    assert [(row["place"], row["r"]) for row in await over.order_by("place").all()] == [
        (place, at + 1) for at, place in enumerate(PLACES)
    ]


async def test_a_subquery_may_be_chosen_by_a_window_except_on_mariadb(fresh_database: Server) -> None:
    top = Reading.objects.annotate(n=Window(RowNumber(), order_by="-level")).filter(n=1)
    of_each = Subquery(top.filter(station_id=OuterRef("pk")).values("level"))
    query = Station.objects.annotate(top=of_each).order_by("id")
    if fresh_database.name == "mariadb":
        with pytest.raises(NotSupportedError, match="a column of the enclosing query inside a derived table"):
            await query.all()
    else:
        assert [row.top for row in await query.all()] == [
            max(row[1] for row in ROWS if row[0] == place) for place in PLACES
        ]
    assert await Station.objects.filter(readings__in=top).values_list("name", flat=True).all() == ["c"]


async def test_a_window_over_what_related_rows_add_up_to() -> None:
    kg = Station.objects.annotate(kg=Sum("readings__level"), r=Window(Rank(), order_by=F("kg").desc()))
    totals = {place: sum(row[1] for row in ROWS if row[0] == place) for place in PLACES}
    top = max(PLACES, key=lambda place: totals[place])
    assert [(row.name, row.kg) for row in await kg.filter(r=1).all()] == [(top, totals[top])]
    with pytest.raises(FieldError, match="give the window its alias"):
        Station.objects.annotate(x=Window(Sum("readings__level"))).sql()


async def test_combined_queries_may_hold_windows() -> None:
    numbered = Reading.objects.annotate(n=Window(RowNumber(), order_by="id")).filter(n__lte=2)
    both = numbered.values("id").union(Reading.objects.filter(id=9).values("id"))
    assert sorted(row["id"] for row in await both.all()) == [1, 2, 9]


# --- what is refused, and what is said ------------------------------------------------------


def numbered(query: Any) -> Any:
    return query.annotate(n=Window(RowNumber()))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda q: q.filter(Window(RowNumber(), order_by="id") <= 3),
            FieldError,
            "annotate it and filter",
        ),
        (lambda q: q.filter(level__gt=Window(Avg("level"))), FieldError, "annotate it and filter"),
        (
            lambda q: numbered(q).annotate(s=Sum("n")).sql(),
            FieldError,
            "cannot look at a window",
        ),
        (lambda q: numbered(q).annotate(s=Window(Sum("n"))).sql(), FieldError, "another window"),
        (
            lambda q: numbered(q).group_by("n").values().sql(),
            FieldError,
            "'n' cannot be",
        ),
        (
            lambda q: numbered(q).filter(n=1).for_update().sql(),
            ManagerError,
            "cannot be locked",
        ),
        (lambda q: q.annotate(r=Rank()).sql(), TypeError, r"Window\(Rank\(\.\.\.\)"),
        (
            lambda q: q.values(level=Window(RowNumber())).filter(level=1).sql(),
            FieldError,
            "'level' is a field of Reading",
        ),
        (lambda q: Window(Lower("place")), TypeError, "an aggregate or a window function"),
        (lambda q: Window("level"), TypeError, "an aggregate or a window function"),
        (lambda q: Window(Sum("level"), order_by="?"), ValueError, "not random"),
        (lambda q: Window(Sum("level"), frame=3), TypeError, "RowRange or a ValueRange"),
        (lambda q: RowRange(2, 1), ValueError, "ends before it starts"),
        (lambda q: RowRange("a"), TypeError, "start is an int or None"),
        (lambda q: Ntile(0), ValueError, "at least 1"),
        (lambda q: Lag("level", -1), ValueError, "at least 0"),
        (lambda q: NthValue("level", True), TypeError, "n is an int"),
        (lambda q: q.annotate(w=Window(Sum("wieght"))).sql(), FieldError, "Reading has no field 'wieght'"),
    ],
)
async def test_what_cannot_be_is_said(make: Callable[[Any], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make(Reading.objects)


async def test_a_window_is_no_new_value_and_no_figure() -> None:
    with pytest.raises(FieldError, match=r"Reading\.level: a window cannot be the new value"):
        await Reading.objects.update(level=Window(Sum("id")))
    with pytest.raises(FieldError, match="gives one value"):
        await Reading.objects.aggregate(x=Window(Sum("level")))
