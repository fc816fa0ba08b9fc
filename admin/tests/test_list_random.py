"""Walking by position under random orders over random rows, on every database (contract, 7.1)."""

from __future__ import annotations

import random
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any

import depots
from everywhere import ON_ALL
from reading import listed

from oxyde_admin.site import AdminSite

ROWS = 40
ORDERS = 25

FIELDS = [
    "id", "code", "depot", "origin", "weight", "price", "ratio", "sent", "fragile", "grade", "size",
    "note", "due", "at", "takes", "packed", "seen", "uid", "host", "depot__city", "origin__name",
    "origin__manager_id",
]  # fmt: skip


def pick(chance: random.Random, *values: Any) -> Any:
    """One of the values, or none at all."""
    return None if chance.random() < 0.3 else chance.choice(values)


async def random_parcels(chance: random.Random) -> None:
    homes = [
        await depots.Depot.objects.create(
            name=f"D{i}", city=chance.choice("abÄ"), manager_id=pick(chance, 1, 2)
        )
        for i in range(4)
    ]
    moment = datetime(2031, 5, 6, 7, 8, 9)
    for i in range(ROWS):
        await depots.Parcel.objects.create(
            code=f"{chance.choice('ABC')}-{i}",
            depot=chance.choice(homes),
            origin=pick(chance, *homes),
            weight=chance.randrange(3),
            price=chance.choice([Decimal("9"), Decimal("10.00"), Decimal("-1.5")]),
            ratio=pick(chance, 0.1, 1e300, -0.5),
            sent=chance.random() < 0.5,
            fragile=pick(chance, True, False),
            grade=chance.choice(list(depots.Grade)),
            size=chance.choice("sml"),
            note=pick(chance, "", "a", "Ä", "a b", "'\"\\%_"),
            due=pick(chance, date(2031, 1, 1), date(1999, 1, 1)),
            at=pick(chance, time(1), time(1, 0, 0, 1)),
            takes=pick(chance, timedelta(days=-1), timedelta(microseconds=1)),
            packed=pick(chance, moment, moment + timedelta(microseconds=1)),
            seen=pick(chance, moment.replace(tzinfo=timezone.utc), datetime(2000, 1, 1, tzinfo=timezone.utc)),
            uid=uuid.UUID(int=chance.randrange(5)),
            host=pick(chance, IPv4Address("10.0.0.2"), IPv4Address("10.0.0.10")),
        )


def random_order(chance: random.Random) -> str:
    names = chance.sample(FIELDS, chance.randint(1, 4))
    return ",".join(chance.choice(["", "-"]) + name for name in names)


async def ids(panel: AdminSite, **arguments: Any) -> tuple[list[int], Any]:
    """The keys of a page, and the page."""
    found = await listed(panel, depots.Parcel, fields="id", count="none", **arguments)
    return [item["id"] for item in found.items], found


@ON_ALL
async def test_every_row_once_and_back_again(panel: AdminSite) -> None:
    chance = random.Random(20310506)
    await random_parcels(chance)
    for _ in range(ORDERS):
        ordering, size = random_order(chance), chance.randint(3, 11)
        whole, _ = await ids(panel, ordering=ordering, per_page=100)
        assert len(set(whole)) == ROWS
        part, found = await ids(panel, ordering=ordering, per_page=size)
        pages = [part]
        while found.next:
            part, found = await ids(panel, ordering=ordering, per_page=size, after=found.next)
            pages.append(part)
        assert [key for page in pages for key in page] == whole, ordering
        for expected in reversed(pages[:-1]):
            part, found = await ids(panel, ordering=ordering, per_page=size, before=found.prev)
            assert part == expected, ordering
        assert found.prev is None, ordering
