"""Misuse of models that have stubs: each marked line must be rejected, and no other."""

from __future__ import annotations

from shop.models import Crate, CrateState, Orchard, Sticker
from shop.stock import Rack, Shelf


async def reading() -> None:
    Crate.objects.filter(label=5)  # wrong
    Crate.objects.filter(weight=1).exclude(label=5)  # wrong
    Crate.objects.filter(state="newish")  # wrong
    Crate.objects.filter(label__in=[1])  # wrong
    Crate.objects.filter(label__icontains=3)  # wrong
    Crate.objects.filter(weight__between=3)  # wrong
    Crate.objects.filter(weight__isnull="x")  # wrong
    Crate.objects.filter(sent__month=3)  # wrong
    Crate.objects.filter(orchard=Sticker(text="x"))  # wrong
    Crate.objects.filter(created__gt=3)  # wrong
    Crate.objects.filter(marks__len="x")  # wrong
    Crate.objects.order_by(5)  # wrong
    Crate.objects.values(5)  # wrong
    Crate.objects.limit("x")  # wrong
    Crate.objects.no_such()  # wrong
    await Crate.objects.get(label=5)  # wrong
    await Crate.objects.get_or_none(label=5)  # wrong
    found: Crate = await Crate.objects.first()  # wrong
    rows: list[Crate] = await Crate.objects.values("id").order_by("id").all()  # wrong
    Shelf.objects.filter(name=3)  # wrong
    Orchard.objects.in_town(3)  # wrong
    print(found, rows)


async def writing() -> None:
    await Crate.objects.create(label=5)  # wrong
    await Crate.objects.create(label="x", lable="y")  # wrong
    await Crate.objects.create(label="x", state="newish")  # wrong
    await Crate.objects.filter(id=1).update(lable="x")  # wrong
    await Crate.objects.filter(id=1).update(weight="x")  # wrong
    await Crate.objects.filter(id=1).update(orchard__town="x")  # wrong
    await Crate.objects.get_or_create(label=5)  # wrong
    number: str = await Crate.objects.filter(id=1).update(weight=1)  # wrong
    print(number)


def instances() -> None:
    Crate()  # wrong
    Crate(label=5)  # wrong
    Crate(label="x", lable="y")  # wrong
    Crate(label="x", state="newish")  # wrong
    Crate(label="x", orchard=3)  # wrong
    Rack(name="x")  # wrong
    crate = Crate(label="x", state=CrateState.NEW)
    crate.label = 5  # wrong
    crate.labl  # wrong  # noqa: B018
    text: str = crate.weight  # wrong
    text = crate.gross()  # wrong
    print(text)


def columns() -> None:
    print(Crate.label >= 5)  # wrong
    print(Crate.labl)  # wrong
    print(Crate.orchard.twon)  # wrong
    print(Crate.orchard.town > 5)  # wrong
    print(Crate.weight < "x")  # wrong
