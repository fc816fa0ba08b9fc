"""Writes and reads labels."""

import asyncio
from datetime import timedelta

from oxyde import Count, Prefetch, db
from trailbook.models import Label, Member, Trail, TrailLabel


async def main() -> None:
    async with db.connect("sqlite:///trailbook.db"):
        marta = await Member.objects.create(handle="marta", email="marta@club.example")
        hour = timedelta(hours=1)
        ridge, mill = await Trail.objects.bulk_create(
            [
                Trail(title=title, slug=slug, length_km=km, walking_time=km / 4 * hour, author=marta)
                for title, slug, km in [("Heron Ridge", "heron-ridge", 12), ("Mill Round", "mill-round", 4)]
            ]
        )
        lake = await Label.objects.get(slug="lake")
        steep = await Label.objects.create(name="Steep", slug="steep", colour="#c62828")
        print(lake.name, lake.colour)

        await TrailLabel.objects.create(trail=ridge, label=steep, position=0)
        await TrailLabel.objects.create(trail=ridge, label=lake, position=1)
        await TrailLabel.objects.create(trail=mill, label=lake)

        placed = Prefetch("placed_labels", TrailLabel.objects.join("label").order_by("position"))
        for trail in await Trail.objects.prefetch(placed).order_by("title").all():
            print(trail.title, [link.label.name for link in trail.placed_labels])

        print(await Trail.objects.filter(labels__slug="steep").values_list("title", flat=True).all())
        counted = Label.objects.annotate(uses=Count("trails")).order_by("-uses", "name")
        print(await counted.values_list("name", "uses").all())

        await lake.delete()
        print(await Trail.objects.count(), "trails,", await TrailLabel.objects.count(), "link")


asyncio.run(main())
