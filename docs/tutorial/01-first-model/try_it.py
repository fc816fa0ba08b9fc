"""Writes and reads trails."""

import asyncio

from pydantic import ValidationError

from oxyde import create_tables, db
from trailbook.models import Trail


async def main() -> None:
    async with db.connect("sqlite://:memory:") as database:
        await create_tables(database)

        ridge = await Trail.objects.create(title="Heron Ridge", length_km="12.40")
        await Trail.objects.create(title="Mill Round", length_km="4.20")
        print("saved with the key", ridge.id)

        for trail in await Trail.objects.filter(length_km__gte=5).all():
            print(trail.title, trail.length_km)

        ridge.title = "Heron Ridge and back"
        await ridge.save()
        print(await Trail.objects.order_by("title").values_list("title", flat=True).all())
        print(await Trail.objects.count(), "trails,", await Trail.objects.sum("length_km"), "km")

        try:
            Trail(title="", length_km=-1)
        except ValidationError as error:
            print([entry["msg"] for entry in error.errors()])


asyncio.run(main())
