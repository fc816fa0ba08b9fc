"""Writes and reads trails and regions."""

import asyncio
from datetime import timedelta

from oxyde import IntegrityError, db
from trailbook.models import Facts, Member, Region, Role, Trail


async def main() -> None:
    async with db.connect("sqlite:///trailbook.db"):
        marta = await Member.objects.create(handle="marta", email="marta@club.example", role=Role.AUTHOR)
        north = await Region.objects.create(code="NORTH", name="North")
        fells = await Region.objects.create(code="FELLS", name="Fells", parent=north)
        await Trail.objects.create(
            title="Heron Ridge",
            slug="heron-ridge",
            length_km="12.40",
            walking_time=timedelta(hours=4, minutes=30),
            highlights=["the mere", "the old mill"],
            facts=Facts(water=True, highest_m=611),
            author=marta,
            region=fells,
        )
        await Trail.objects.create(
            title="Mill Round",
            slug="mill-round",
            length_km="4.20",
            walking_time=timedelta(hours=1),
            author=marta,
        )

        for trail in await Trail.objects.join("author", "region__parent").order_by("id").all():
            where = f"{trail.region.name} in {trail.region.parent.name}" if trail.region else "nowhere"
            print(trail.title, "by", trail.author.handle, "-", where)

        high = Trail.objects.filter(region__parent__code="NORTH", facts__highest_m__gte=600)
        for trail in await high.all():
            print(trail.title, trail.facts.highest_m, "m,", trail.walking_time, trail.highlights)

        for member in await Member.objects.prefetch("trails").all():
            print(member.handle, [trail.title for trail in member.trails])

        try:
            await marta.delete()
        except IntegrityError as error:
            print(type(error).__name__)
        await fells.delete()
        print(await Trail.objects.filter(region=None).count(), "without a region")


asyncio.run(main())
