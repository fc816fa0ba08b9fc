"""Figures of trails and visits."""

import asyncio
from datetime import date, timedelta

import httpx

from oxyde import Avg, Count, Max, Sum, db, execute_raw
from trailbook.app import create_app
from trailbook.models import Favourite, Member, Region, Trail, Visit
from trailbook.settings import Settings

INSIDE = """
WITH RECURSIVE inside (code) AS (
    SELECT code FROM regions WHERE code = ?
    UNION ALL
    SELECT regions.code FROM regions JOIN inside ON regions.parent_code = inside.code
)
SELECT count(*) AS trails FROM trails JOIN inside ON trails.region_code = inside.code
"""


async def fill() -> None:
    marta = await Member.objects.get(handle="marta")
    north = await Region.objects.create(code="NORTH", name="North")
    fells = await Region.objects.create(code="FELLS", name="Fells", parent=north)
    trails = await Trail.objects.bulk_create(
        [
            Trail(
                title=f"=Trail {number}",
                slug=f"trail-{number}",
                length_km=number,
                walking_time=timedelta(minutes=15 * number),
                published_on=date(2029 + number % 2, 1, 1),
                views=10 * number,
                author=marta,
                region=fells if number > 2 else north,
            )
            for number in range(1, 6)
        ]
    )
    await Visit.objects.bulk_create(
        [
            Visit(day=date(2030, 1 + number, 1), minutes=30 * number, rating=number, trail=trails[number % 2])
            for number in range(1, 5)
        ]
    )
    await Favourite.objects.create(member=marta, trail=trails[0])


async def main() -> None:
    async with db.connect(Settings.from_environment().database_url):
        print(await Visit.objects.values_list("note", flat=True).all())
        await fill()
        print(await Visit.objects.aggregate(visits=Count("*"), minutes=Sum("minutes"), best=Max("rating")))
        walked = Visit.objects.group_by("trail__title").annotate(walks=Count("*"), mean=Avg("rating"))
        often = walked.having(walks__gte=2).order_by("trail__title")
        print(await often.values_list("trail__title", "walks", "mean").all())
        for code in ("NORTH", "FELLS"):
            print(code, await execute_raw(INSIDE, [code]))
    app = create_app()
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://trailbook") as client,
    ):
        for figure in (await client.get("/trails/figures")).json():
            print(figure)
        print((await client.get("/trails/export.csv")).text)


asyncio.run(main())
