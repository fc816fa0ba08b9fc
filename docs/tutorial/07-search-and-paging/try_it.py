"""Asks the API for trails."""

import asyncio
from datetime import date, timedelta

import httpx

from oxyde import db
from trailbook.app import create_app
from trailbook.models import Label, Member, Region, Trail, TrailLabel
from trailbook.settings import Settings

PATHS = (
    "/trails?per_page=2",
    "/trails?per_page=2&page=13",
    "/trails?region=FELLS&length_from=10&length_to=12",
    "/trails?label=lake&published_from=2030-03-01",
    "/trails/search?q=100%25",
    "/trails/stretch?per_page=2&after=4",
)
WRONG = ("/trails?length_from=far", "/trails/search?q=x", "/trails/99", "/regions/NOWHERE")


async def fill() -> None:
    marta = await Member.objects.create(handle="marta", email="marta@club.example")
    fells = await Region.objects.create(code="FELLS", name="Fells")
    coast = await Region.objects.create(code="COAST", name="Coast")
    lake = await Label.objects.create(name="Lake", slug="lake")
    trails = await Trail.objects.bulk_create(
        [
            Trail(
                title=f"Trail {number}",
                slug=f"trail-{number}",
                body="100% sun" if number == 7 else "1000 stones",
                length_km=number,
                walking_time=timedelta(minutes=15 * number),
                published_on=date(2030, 1 + number % 4, 1),
                author=marta,
                region=fells if number % 2 else coast,
            )
            for number in range(1, 26)
        ]
    )
    await TrailLabel.objects.bulk_create([TrailLabel(trail=trail, label=lake) for trail in trails[:6]])


async def main() -> None:
    async with db.connect(Settings.from_environment().database_url):
        await fill()
    app = create_app()
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://trailbook") as client,
    ):
        for path in PATHS:
            answer = (await client.get(path)).json()
            titles = [trail["title"] for trail in answer.pop("items")]
            print(path, titles, answer, sep="\n  ")
        for path in WRONG:
            response = await client.get(path)
            print(path, response.status_code, response.json()["detail"])


asyncio.run(main())
