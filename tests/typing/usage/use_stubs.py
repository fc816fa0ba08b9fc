"""Use of models that have stubs: everything here must be accepted; nothing is executed."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from shop import models
from shop.models import (
    LIMIT,
    Box,
    Code,
    Crate,
    CrateOut,
    CrateState,
    CrateSticker,
    Orchard,
    Pair,
    Position,
    Register,
    Size,
    Sticker,
    Weighs,
    either,
    helper,
    numbers,
    pairs,
)
from shop.stock import Rack, Shelf
from typing_extensions import assert_type

from oxyde import Count, F, Prefetch, Q, Query, Sum, Value
from oxyde.queries import FlatValuesListQuery, Lower, ValuesListQuery, ValuesQuery
from oxyde.typing import Column, Condition, Expression


async def reading() -> None:
    sold = Crate.objects.filter(state=CrateState.SOLD)
    assert_type(sold, models.CrateQuery)
    assert_type(sold.exclude(label="x").order_by("-label").limit(3).offset(1), models.CrateQuery)
    assert_type(sold.distinct().join("orchard").prefetch("stickers"), models.CrateQuery)
    assert_type(sold.prefetch(Prefetch("stickers", Sticker.objects.filter(text="x"))), models.CrateQuery)
    assert_type(sold.select("id", "label").group_by("label").having(n__gt=1), models.CrateQuery)
    assert_type(sold.annotate(n=Count("*")).for_update(skip_locked=True), models.CrateQuery)
    assert_type(sold.union(Crate.objects.filter(weight=1)).none().reverse(), models.CrateQuery)
    assert_type(sold[1:5], models.CrateQuery)
    assert_type(await sold.all(), list[Crate])
    assert_type(await sold.all(mode="dict"), list[dict[str, Any]])
    assert_type(await Crate.objects.all(), list[Crate])
    assert_type(await sold.first(), Crate | None)
    assert_type(await sold.last(), Crate | None)
    assert_type(await Crate.objects.get(id=1), Crate)
    assert_type(await sold.get_or_none(label="x"), Crate | None)
    assert_type(await sold.all(as_=CrateOut), list[CrateOut])
    assert_type(await sold.get(id=1, as_=CrateOut), CrateOut)
    assert_type(await sold.count(), int)
    assert_type(await sold.exists(), bool)
    assert_type(await sold.sum("weight"), Any)
    assert_type(await Crate.objects.max(Crate.price), Any)
    async for crate in sold:
        assert_type(crate, Crate)
    async for crate in Crate.objects.iterator():
        assert_type(crate, Crate)


async def other_shapes() -> None:
    dicts = Crate.objects.values("id", "label")
    assert_type(dicts, ValuesQuery[Crate])
    assert_type(dicts.order_by("label").limit(2), ValuesQuery[Crate])
    assert_type(await dicts.order_by("label").limit(2).all(), list[dict[str, Any]])
    assert_type(await dicts.get(), dict[str, Any])
    assert_type(await dicts.first(), dict[str, Any] | None)
    assert_type(dicts.values_list("id"), ValuesListQuery[Crate])
    tuples = Crate.objects.values_list("id", "label")
    assert_type(await tuples.all(), list[tuple[Any, ...]])
    assert_type(await tuples.values("id").all(), list[dict[str, Any]])
    flat = Crate.objects.filter(weight=1).values_list("label", flat=True)
    assert_type(flat, FlatValuesListQuery[Crate])
    assert_type(await flat.first(), Any)
    maybe: bool = LIMIT > 3
    either_way = Crate.objects.values_list("label", flat=maybe)
    assert_type(either_way, ValuesListQuery[Crate] | FlatValuesListQuery[Crate])
    async for row in dicts:
        assert_type(row, dict[str, Any])
    Crate.objects.values(Crate.label, kg=Crate.weight / 1000, low=Lower("label"))
    await Crate.objects.annotate(n=Count("*"), kg=Sum("weight")).group_by("orchard_id").values("n").all()


def conditions(orchard: Orchard, query: Query[Crate]) -> None:
    Crate.objects.filter(Q(label="a") | ~Q(weight=1), Crate.weight >= 3, label__icontains="x")
    Crate.objects.filter(weight__between=(1, 2)).filter(weight__range=[1, 2])
    Crate.objects.filter(label__in=("a", "b")).filter(label__in={"a"}).filter(label__in=["a"])
    Crate.objects.filter(id__in=Crate.objects.filter(weight=1), orchard__in=Orchard.objects.filter(town="x"))
    Crate.objects.filter(orchard=orchard).filter(orchard=3).filter(orchard_id=3).filter(orchard__isnull=True)
    Crate.objects.filter(orchard__town="x", orchard__crates__weight__gt=3)
    Crate.objects.filter(state="new").filter(state=CrateState.NEW).filter(state__in=["new", CrateState.SOLD])
    Crate.objects.filter(sent__year=2031).filter(sent__month=(2031, 12)).filter(sent__day=[2031, 12, 31])
    Crate.objects.filter(
        sent__date=date(2031, 1, 1), sent__time=time(1), sent__hour=3, sent__gte=datetime.now()
    )
    Crate.objects.filter(due=date(2031, 1, 1), at__minute=3, key=UUID(int=1), price__gte=5, price=Decimal(1))
    Crate.objects.filter(weight=F("defaults"), label=Value("x"), price__lt=Crate.price, weight__gt=query)
    Crate.objects.filter(extra__has_key="a", extra__contains={"a": 1}, extra__size__width__gte=3)
    Crate.objects.filter(marks__contains=["a"], marks__len=2, flags__overlap=["a"], flags__contains={"a"})
    Crate.objects.filter(
        kind="a", kind__startswith="a", active=True, ratio__gt=1, raw=b"x", note=None, price=None
    )
    Crate.objects.filter(client__exact="x").filter(using__startswith="x").filter(defaults__gte=3)
    Crate.objects.order_by("?", "label", "-label", "alias", "orchard__town", Crate.sent.desc(nulls_last=True))
    Crate.objects.order_by(Lower("label"), F("weight").asc())
    Sticker.objects.filter(date=date(2031, 1, 1), date__year=2031, until__gt=date(2031, 1, 1))


async def writing(orchard: Orchard) -> None:
    made = await Crate.objects.create(label="x", state="new", orchard=orchard, extra={"a": 1})
    assert_type(made, Crate)
    assert_type(await Crate.objects.create(instance=made), Crate)
    assert_type(await Crate.objects.create(label="x", orchard=3, orchard_id=3), Crate)
    assert_type(await Crate.objects.create({"client": "x"}, label="x"), Crate)
    assert_type(await Crate.objects.get_or_create(label="x", defaults={"weight": 1}), tuple[Crate, bool])
    assert_type(await Crate.objects.update_or_create(label="x", defaults={}), tuple[Crate, bool])
    assert_type(await Crate.objects.bulk_create([made, {"label": "x"}]), list[Crate])
    assert_type(await Crate.objects.bulk_create([made]), list[Crate])
    crates = [made]
    assert_type(await Crate.objects.bulk_create(crates, ignore_conflicts=True), list[Crate])
    assert_type(await Crate.objects.bulk_update(crates, ["label", Crate.weight]), int)
    query = Crate.objects.filter(id=1)
    assert_type(await query.update(weight=Crate.weight + 1, state="sold", label=None), int)
    assert_type(await query.update(weight=1, returning=True), list[Crate])
    assert_type(await query.update(weight=1, returning=("id", "weight")), list[dict[str, Any]])
    assert_type(await query.increment("weight", by=2), int)
    assert_type(await query.delete(), int)
    assert_type(await query.delete(returning=True), list[Crate])
    assert_type(await made.save(), Crate)
    assert_type(await Crate.newest(), Crate | None)


def instances(orchard: Orchard, shelf: Shelf) -> None:
    crate = Crate(label="x")
    Crate(label="x", state="new", weight=2, orchard=orchard, stickers=[Sticker(text="x")], shelf=shelf)
    Crate(label="x", klass="y", created=datetime.now(), orchard_id=1, extra={}, position=Position(x=1))
    Crate(label="x", class_="y")
    assert_type(crate.id, int | None)
    assert_type(crate.label, str)
    assert_type(crate.state, CrateState)
    assert_type(crate.price, Decimal | None)
    assert_type(crate.due, date | None)
    assert_type(crate.created, datetime | None)
    assert_type(crate.nested, dict[str, list[tuple[int, str]]])
    assert_type(crate.orchard, Orchard | None)
    assert_type(crate.orchard_id, int | None)
    assert_type(crate.shelf_name, str | None)
    assert_type(crate.stickers, list[Sticker])
    assert_type(orchard.crates, list[Crate])
    assert_type(shelf.orchard, Orchard)
    assert_type(crate.gross(), float)
    assert_type(crate.title, str)
    assert_type(crate.doubled, int)
    assert_type(crate.pick("weight"), int)
    assert_type(crate.greet("x"), str)
    assert_type(Crate.zero(), int)
    assert_type(Sticker(text="x").date, date | None)
    crate.label = "y"
    crate.orchard = None
    assert_type(Rack(name="x", height=1, orchard=orchard).height, int)
    print(crate.model_dump(), Crate.model_fields, Crate.LIMIT, CrateSticker(crate=crate, sticker_id=1))


def columns(orchard: Orchard) -> None:
    assert_type(Crate.label, Column[str])
    assert_type(Crate.label == "x", Condition)
    assert_type(Crate.weight >= 3, Condition)
    assert_type(Crate.weight + 1, Expression)
    assert_type((Crate.label == "x") & (Crate.weight < 3) | ~(Crate.price > Crate.weight), Condition)
    assert_type(Crate.orchard == orchard, Condition)
    assert_type(Crate.orchard.is_null(), Condition)
    assert_type(Crate.orchard.town, Column[str])
    Crate.objects.filter(Crate.shelf.orchard.town == "x", Shelf.orchard.town == "x")
    assert_type(CrateSticker.crate.orchard.town, Column[str])
    assert_type(Orchard.crates.any(Crate.weight > 3), Condition)
    assert_type(Crate.created.is_null(), Condition)
    assert_type(Rack.name, Column[str])


async def managers() -> None:
    assert_type(Crate.objects.heavy(3), Query[Crate])
    assert_type(await Crate.counting.how_many(), int)
    assert_type(Crate.counting.filter(weight=1).limit(2), models.CrateQuery)
    assert_type(await Orchard.objects.in_town("x").all(), list[Orchard])
    assert_type(await Orchard.objects.filter(id=1).in_town("x").order_by("town").first(), Orchard | None)
    assert_type(await Shelf.objects.filter(name="x").all(), list[Shelf])
    assert_type(await Rack.objects.get(height=3), Rack)
    Shelf.objects.active()
    Shelf.objects.filter(name="x").active()


async def the_rest(weighs: Weighs) -> None:
    assert_type(helper(1, "x", flag=True), dict[str, int])
    assert_type(either(1), int)
    assert_type(either("x"), str)
    assert_type([n async for n in numbers()], list[int])
    assert_type(list(pairs()), list[int])
    assert_type(Box(content=1).open(), int)
    assert_type(Box(content="x", depth=3).tags, list[str])
    assert_type(Register("x").name, str)
    assert_type(Register("x", limit=2).seen, dict[str, int])
    assert_type(CrateState.NEW.is_open, bool)
    assert_type(models.FIRST, int)
    assert_type(models.TABLE, dict[str, float | int])
    assert_type(models.TYPED, int | None)
    assert_type(weighs.weigh(), float)
    pair: Pair = (1, 2)
    size: Size = {"width": 1}
    position = Position(x=1)
    code: Code = Code("x")
    models.log.info("%s %s %s %s", pair, size, position, code)
