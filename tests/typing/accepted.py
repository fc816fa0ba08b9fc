"""Everything here must pass `mypy --strict` and pyright; nothing is executed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from typing_extensions import TypedDict, assert_type

from oxyde import (
    Avg,
    Count,
    F,
    Field,
    Model,
    PoolSettings,
    Prefetch,
    Q,
    Window,
    atomic,
    col,
    db,
    execute_raw,
    fetch_as,
    related,
)
from oxyde.queries import Column, Query, QueryManager, RelatedManager, RowNumber, RowRange


class Depot(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str = Field(max_length=40, db_unique=True)
    capacity: int = 0

    class Meta:
        is_table = True

    def free(self, used: int = 0) -> int:
        return self.capacity - used


async def reading() -> None:
    assert_type(Depot.objects, QueryManager[Depot])
    assert_type(await Depot.objects.get(label="north"), Depot)
    assert_type(await Depot.objects.get_or_none(id=1), Depot | None)
    assert_type(await Depot.objects.first(), Depot | None)
    assert_type(await Depot.objects.count(), int)
    assert_type(await Depot.objects.filter(label="x").exists(), bool)
    query = Depot.objects.filter(Q(label="a") | ~Q(label="b"), capacity__gte=3).order_by("-label").limit(5)
    assert_type(query, Query[Depot])
    assert_type(await query.all(), list[Depot])
    assert_type(await query[2:4].all(), list[Depot])
    place = Window(RowNumber(), partition_by="label", order_by=["-capacity", Depot.id], frame=RowRange(-1, 0))
    assert_type(await query.annotate(place=place).filter(place=1).all(), list[Depot])


class Tally(TypedDict):
    n: int


async def raw_sql(database: db.AsyncDatabase) -> None:
    assert_type(await Depot.objects.raw("SELECT * FROM depots"), list[Depot])
    assert_type(await fetch_as("SELECT 1", into=int), list[int])
    assert_type(await fetch_as("SELECT COUNT(*) AS n", into=Tally), list[Tally])
    assert_type(await database.fetch_as("SELECT 1", [], into=str), list[str])


async def streams() -> None:
    async for depot in Depot.objects.filter(capacity=1):
        assert_type(depot, Depot)
    rows = Depot.objects.iterator(chunk_size=10)
    assert_type(await rows.__anext__(), Depot)
    await rows.aclose()
    async for row in Depot.objects.values("id"):
        assert_type(row, dict[str, Any])
    async for pair in Depot.objects.values_list("id", "label").iterator():
        assert_type(pair, tuple[Any, ...])


async def relations() -> None:
    chosen = Prefetch("trucks", Depot.objects.filter(capacity=3), limit=2, to_attr="some")
    assert_type(Depot.objects.prefetch("trucks__crew", chosen), Query[Depot])
    assert_type(await Depot.objects.order_by("id").prefetch(chosen).all(), list[Depot])
    trucks = related(await Depot.objects.get(id=1), "trucks")
    assert_type(trucks, RelatedManager[Any])
    assert_type(await trucks.add(1, 2, through_defaults={"role": "x"}), int)
    assert_type(await trucks.set([1]), None)
    assert_type(await trucks.filter(id=1).count(), int)


async def other_shapes() -> None:
    rows = await Depot.objects.values("id", "label").order_by("label").limit(2).all()
    assert_type(rows, list[dict[str, Any]])
    pairs = await Depot.objects.values_list("id", "label").all()
    assert_type(pairs, list[tuple[Any, ...]])
    first = await Depot.objects.values_list("label", flat=True).first()
    assert_type(first, Any)
    one = await Depot.objects.values("id").get(label="x")
    assert_type(one, dict[str, Any])
    await (
        Depot.objects.annotate(n=Count("*"), mean=Avg("capacity"))
        .group_by("label")
        .values("label", "n")
        .all()
    )


async def writing() -> None:
    made = await Depot.objects.create(label="north", capacity=4)
    assert_type(made, Depot)
    assert_type(await made.save(), Depot)
    assert_type(await made.refresh(), Depot)
    assert_type(await made.delete(), int)
    assert_type(await Depot.objects.bulk_create([Depot(label="a"), {"label": "b"}]), list[Depot])
    assert_type(await Depot.objects.filter(id=1).update(capacity=F("capacity") + 1), int)
    assert_type(await Depot.objects.filter(id=1).update(capacity=1, returning=True), list[Depot])
    assert_type(await Depot.objects.filter(id=1).update(capacity=1, returning=("id",)), list[dict[str, Any]])
    assert_type(await Depot.objects.get_or_create(label="x", defaults={"capacity": 1}), tuple[Depot, bool])
    assert_type(await Depot.objects.filter(id=1).delete(), int)


async def columns() -> None:
    assert_type(col(Depot.capacity), Column[int])
    await Depot.objects.filter(col(Depot.capacity) >= 3, col(Depot.label) == "x").all()


class Out(BaseModel):
    id: int
    label: str


async def schemas() -> None:
    assert_type(Depot.schema_class(include=["id"], optional=True, relations={"depot": Out}), type[BaseModel])
    assert_type(await Depot.objects.all(as_=Out), list[Out])
    assert_type(await Depot.objects.filter(id=1).order_by("id").first(as_=Out), Out | None)
    assert_type(await Depot.objects.get(id=1, as_=Out), Out)
    assert_type(await Depot.objects.get_or_none(id=1, as_=Out), Out | None)
    assert_type(await Depot.objects.values("id", "label").all(as_=Out), list[Out])


async def connecting() -> None:
    async with db.connect("sqlite://:memory:", settings=PoolSettings(max_connections=2)):
        async with atomic() as block:
            block.set_rollback()
        assert_type(await execute_raw("SELECT ?", [1]), list[dict[str, Any]])


@atomic
async def decorated(number: int) -> str:
    return str(number)


@atomic(using="ledger", retries=2)
async def decorated_with_options(number: int) -> str:
    return str(number)


async def calls_keep_their_type() -> None:
    assert_type(await decorated(1), str)
    assert_type(await decorated_with_options(1), str)


assert_type(Depot(label="x").free(), int)
