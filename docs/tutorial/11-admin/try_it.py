"""Logs in to the panel and works there, as a browser does."""

import asyncio
from datetime import timedelta

import httpx

from oxyde_admin.auth import hash_password
from trailbook.app import create_app
from trailbook.models import Member, Remark, Role, Trail

PASSWORD = "seven herons"
TRAIL = {"title": "Heron Ridge", "length_km": "12.40", "walking_time": "PT4H30M", "author_id": 1}


async def fill() -> None:
    hashed = await hash_password(PASSWORD)
    aiko = await Member.objects.create(
        handle="aiko", email="aiko@club.example", password_hash=hashed, role=Role.EDITOR
    )
    await Member.objects.create(
        handle="marta", email="marta@club.example", password_hash=hashed, role=Role.AUTHOR
    )
    ridge = await Trail.objects.create(
        title="Heron Ridge", slug="heron-ridge", length_km=12, walking_time=timedelta(hours=3), author=aiko
    )
    await Remark.objects.create(body="Wet in March", trail=ridge, author=aiko)


async def work(client: httpx.AsyncClient, handle: str) -> None:
    login = await client.post("/login", json={"email": f"{handle}@club.example", "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {login.json()['token']}"
    print(handle, "sees", sorted(model["name"] for model in (await client.get("/models")).json()))
    for trail in (await client.get("/trails")).json()["items"]:
        print(" ", trail["title"], trail["pace"], "min/km")
    made = await client.post("/trails", json=TRAIL)
    print("  new:", made.status_code, made.json()["slug"], "by", made.json()["author_id"])
    approved = await client.post("/remarks/-/actions/approve", json={"ids": [1]})
    print("  approve:", approved.status_code, approved.json().get("message", approved.json().get("detail")))


async def main() -> None:
    app = create_app()
    async with app.router.lifespan_context(app):
        await fill()
        for handle in ("aiko", "marta"):
            transport = httpx.ASGITransport(app)
            url = "http://trailbook/admin/api"
            async with httpx.AsyncClient(transport=transport, base_url=url) as client:
                await work(client, handle)


asyncio.run(main())
