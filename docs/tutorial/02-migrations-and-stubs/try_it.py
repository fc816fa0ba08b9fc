"""Writes and reads trails."""

import asyncio

from oxyde import db
from trailbook.models import Trail


async def main() -> None:
    async with db.connect("sqlite:///trailbook.db"):
        await Trail.objects.create(title="Heron Ridge", length_km="12.40")
        for trail in await Trail.objects.order_by("id").all():
            print(trail.model_dump(exclude={"id", "body"}))


asyncio.run(main())
