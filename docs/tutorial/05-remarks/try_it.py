"""Writes and reads remarks."""

import asyncio
from datetime import timedelta

from oxyde import Count, Prefetch, db
from trailbook.models import Member, Remark, Trail


async def fill() -> None:
    marta = await Member.objects.create(handle="marta", email="marta@club.example")
    aiko = await Member.objects.create(handle="aiko", email="aiko@club.example")
    hour = timedelta(hours=1)
    ridge = await Trail.objects.create(
        title="Heron Ridge", slug="heron-ridge", length_km=12, walking_time=4 * hour, author=marta
    )
    await Trail.objects.create(
        title="Mill Round", slug="mill-round", length_km=4, walking_time=hour, author=marta
    )
    wet = await Remark.objects.create(body="Wet in March", trail=ridge, author=aiko, approved=True)
    reply = await Remark.objects.create(body="How wet?", trail=ridge, author=marta, parent=wet, approved=True)
    await Remark.objects.create(body="Buy my boots", trail=ridge, author=aiko)
    for number in range(12):
        reply = await Remark.objects.create(
            body=f"Wetter still ({number})", trail=ridge, author=aiko, parent=reply, approved=True
        )


def show(remarks: list[Remark], parent_id: int | None = None, depth: int = 0) -> None:
    for remark in remarks:
        if remark.parent_id == parent_id:
            print("  " * depth + f"{remark.author.handle}: {remark.body}")
            show(remarks, remark.id, depth + 1)


async def main() -> None:
    async with db.connect("sqlite:///trailbook.db"):
        await fill()

        approved = Prefetch("remarks", Remark.objects.filter(approved=True).join("author").order_by("id"))
        for trail in await Trail.objects.prefetch(approved).order_by("id").all():
            print(trail.title, len(trail.remarks))
            show(trail.remarks)

        counted = Trail.objects.annotate(said=Count("remarks")).order_by("-said").limit(1)
        for trail in await counted.all():
            print(trail.title, trail.said)

        first = await Remark.objects.order_by("id").first()
        if first:
            print(await first.delete(), "deleted,", await Remark.objects.count(), "left")


asyncio.run(main())
