"""Makes the rows. Each has a name or key that follows from its number, so a second run adds nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Network
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

from oxyde import Q, atomic
from oxyde_admin.auth import hash_password
from trailbook.models import (
    Difficulty,
    Facts,
    Favourite,
    Label,
    Member,
    Profile,
    Region,
    Remark,
    Role,
    Trail,
    TrailLabel,
    Visit,
)
from trailbook.seed import texts
from trailbook.slugs import slugify

TRAILS, REMARKS, VISITS = 60, 200, 2000
CHUNK = 5000
BEGIN = datetime(2024, 4, 1, 8, tzinfo=timezone.utc)
NO_PASSWORD = "!"


async def seed(visits: int = VISITS) -> None:
    """Adds what is missing of the seed's rows."""
    async with atomic():
        members = await _members()
        await _regions()
        labels = await _labels()
        trails = await _trails(members)
        await _links(trails, labels, members)
        await _remarks(trails, members)
    await _visits(trails, members, visits)


async def set_passwords() -> str | None:
    """Gives a new random password to every member who has one of the seed's or none; None if nobody does."""
    password = secrets.token_urlsafe(12)
    hashed = await hash_password(password)
    theirs = Member.objects.filter(handle__in=[handle for handle, *_ in texts.MEMBERS])
    waiting = theirs.filter(Q(password_seeded=True) | Q(password_hash=NO_PASSWORD))
    return password if await waiting.update(password_hash=hashed, password_seeded=True) else None


async def administrator() -> str | None:
    """The address of an administrator whose password is the seed's."""
    admins = Member.objects.filter(role=Role.ADMIN, password_seeded=True)
    found = await admins.first()
    return found.email if found else None


async def _members() -> list[int]:
    rows = [
        Member(
            handle=handle,
            email=f"{role}{number}@trailbook.example",
            password_hash=NO_PASSWORD,
            role=Role(role),
            joined=BEGIN + timedelta(days=number),
            home_network=IPv4Network(f"10.{number}.0.0/16") if number % 2 else None,
        )
        for number, (handle, role, _) in enumerate(texts.MEMBERS)
    ]
    await Member.objects.bulk_create(rows, ignore_conflicts=True)
    ids = dict(await Member.objects.values_list("handle", "id").all())
    profiles = [
        Profile(member_id=ids[handle], bio=bio, avatar=bytes([137, 80, 78, 71, number]))
        for number, (handle, _, bio) in enumerate(texts.MEMBERS)
    ]
    await Profile.objects.bulk_create(profiles, ignore_conflicts=True)
    return [ids[handle] for handle, *_ in texts.MEMBERS]


async def _regions() -> None:
    rows = [Region(code=code, name=name, parent_code=parent) for code, name, parent in texts.REGIONS]
    await Region.objects.bulk_create(rows, ignore_conflicts=True)


async def _labels() -> list[int]:
    slugs: list[str] = []
    for name, _ in texts.LABELS:
        base = slugify(name, "label")
        slugs.append(base if base not in slugs else f"{base}-2")
    rows = [
        Label(name=name, slug=slug, colour=colour)
        for (name, colour), slug in zip(texts.LABELS, slugs, strict=True)
    ]
    await Label.objects.bulk_create(rows, ignore_conflicts=True)
    ids = dict(await Label.objects.filter(slug__in=slugs).values_list("slug", "id").all())
    return [ids[slug] for slug in slugs]


async def _trails(members: list[int]) -> list[int]:
    random = Random(1)
    titles = [f"{place} {kind}" for kind in texts.KINDS for place in texts.PLACES][:TRAILS]
    rows = [_trail(number, title, members, random) for number, title in enumerate(titles)]
    slugs = [row.slug for row in rows]
    await Trail.objects.bulk_create(rows, ignore_conflicts=True)
    ids = dict(await Trail.objects.filter(slug__in=slugs).values_list("slug", "id").all())
    return [ids[slug] for slug in slugs]


def _trail(number: int, title: str, members: list[int], random: Random) -> Trail:
    created = BEGIN + timedelta(days=9 * number, minutes=random.randrange(600))
    length = Decimal(random.randrange(150, 3200)) / 100
    published = (created + timedelta(days=random.randrange(30))).date()
    return Trail(
        title=title,
        slug=slugify(title, "trail"),
        body=" ".join(random.sample(texts.SENTENCES, random.randint(2, 6))),
        difficulty=random.choice(list(Difficulty)),
        length_km=length,
        walking_time=timedelta(minutes=int(length * random.randint(12, 25))),
        highlights=random.sample(texts.HIGHLIGHTS, random.randint(0, 3)),
        facts=Facts(
            water=random.random() < 0.5,
            dogs=random.random() < 0.8,
            highest_m=random.randrange(100, 2900),
            huts=random.sample(texts.HUTS, random.randint(0, 2)),
        ),
        opens=time(random.randint(6, 9), 30) if number % 4 == 0 else None,
        published_on=None if number % 10 == 9 else published,
        created=created,
        updated=created,
        views=random.randrange(5000),
        author_id=random.choice(members[:6]),
        region_code=None if number % 12 == 11 else random.choice(texts.REGIONS)[0],
    )


async def _links(trails: list[int], labels: list[int], members: list[int]) -> None:
    random = Random(2)
    placed = [
        TrailLabel(trail_id=trail, label_id=label, position=position)
        for trail in trails
        for position, label in enumerate(random.sample(labels, random.randint(0, 4)))
    ]
    await TrailLabel.objects.bulk_create(placed, ignore_conflicts=True)
    kept = [
        Favourite(member_id=member, trail_id=trail, created=BEGIN + timedelta(days=600, minutes=number))
        for number, member in enumerate(members)
        for trail in random.sample(trails, 5)
    ]
    await Favourite.objects.bulk_create(kept, ignore_conflicts=True)


async def _remarks(trails: list[int], members: list[int]) -> None:
    """Remarks have no name of their own: the moment, different for each, is what a second run finds."""
    random = Random(3)
    moments = [BEGIN + timedelta(days=2 * number, seconds=number) for number in range(REMARKS)]
    there = dict(await Remark.objects.filter(created__in=moments).values_list("created", "id").all())
    above: dict[int, list[datetime]] = {}
    for number, moment in enumerate(moments):
        trail, author = random.choice(trails), random.choice(members)
        earlier = above.setdefault(trail, [])
        parent = random.choice(earlier) if earlier and random.random() < 0.5 else None
        earlier.append(moment)
        words = " ".join(random.sample(texts.REMARKS, random.randint(1, 2)))
        if moment not in there:
            made = await Remark.objects.create(
                body=words,
                approved=number % 7 != 6,
                created=moment,
                trail_id=trail,
                author_id=author,
                parent_id=there[parent] if parent else None,
            )
            there[moment] = made.id or 0


async def _visits(trails: list[int], members: list[int], number: int) -> None:
    rows = _visit_rows(trails, members, number)
    while chunk := list(islice(rows, CHUNK)):
        await Visit.objects.bulk_create(chunk, ignore_conflicts=True)


def _visit_rows(trails: list[int], members: list[int], number: int) -> Iterator[dict[str, Any]]:
    """The first rows are the same whatever their number."""
    random = Random(4)
    first = date(2024, 5, 1).toordinal()
    for _ in range(number):
        yield {
            "id": UUID(int=random.getrandbits(128), version=4),
            "day": date.fromordinal(first + random.randrange(700)),
            "minutes": random.randrange(30, 600),
            "rating": random.choice((None, 2.5, 3.0, 4.0, 4.5, 5.0)),
            "note": random.choice(texts.NOTES),
            "trail_id": random.choice(trails),
            "member_id": random.choice((None, *members)),
        }
