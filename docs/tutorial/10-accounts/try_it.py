"""Registers, logs in and writes through the API."""

import asyncio
from typing import Any

import httpx

from trailbook.app import create_app
from trailbook.models import Label, Member, Role
from trailbook.settings import Settings

PASSWORD = "seven herons"
TRAIL = {"title": "Heron Ridge", "length_km": "12.40", "walking_time": "PT4H30M", "labels": [1, 1]}


async def ask(client: httpx.AsyncClient, method: str, path: str, token: str = "", **more: Any) -> Any:
    """Asks, says what came of it, and gives the answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = await client.request(method, path, headers=headers, **more)
    answer = response.json() if response.content else None
    said = answer["detail"] if response.is_error else ""
    print(f"{method} {path} {response.status_code} {said}".rstrip())
    return answer


async def log_in(client: httpx.AsyncClient, handle: str) -> str:
    """A new member of this name, logged in; the token."""
    email = f"{handle}@club.example"
    await ask(
        client, "POST", "/accounts/register", json={"handle": handle, "email": email, "password": PASSWORD}
    )
    login = await ask(client, "POST", "/accounts/login", json={"email": email, "password": PASSWORD})
    token: str = login["token"]
    return token


async def main() -> None:
    settings = Settings.from_environment()
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://trailbook") as client,
    ):
        marta, aiko = await log_in(client, "marta"), await log_in(client, "aiko")
        me = await ask(client, "GET", "/accounts/me", marta)
        print(sorted(me), me["role"])

        await ask(client, "POST", "/trails", json=TRAIL)
        await ask(client, "POST", "/trails", marta, json=TRAIL)
        await Member.objects.filter(handle="marta").update(role=Role.AUTHOR)
        await Member.objects.filter(handle="aiko").update(role=Role.EDITOR)
        await Label.objects.create(name="Lake", slug="lake")
        trail = await ask(client, "POST", "/trails", marta, json=TRAIL)
        print(trail["slug"], [link["label"]["name"] for link in trail["placed_labels"]])
        await ask(client, "PATCH", "/trails/1", marta, json={"version": 1, "body": "Past the mere."})
        await ask(client, "PATCH", "/trails/1", aiko, json={"version": 1, "body": "Past the lake."})

        await ask(client, "POST", "/trails/1/remarks", marta, json={"body": "Wet in March"})
        print("shown:", await ask(client, "GET", "/trails/1/remarks"))
        await ask(client, "POST", "/remarks/1/approve", marta)
        await ask(client, "POST", "/remarks/1/approve", aiko)
        print("shown:", [remark["body"] for remark in await ask(client, "GET", "/trails/1/remarks")])

        await ask(client, "POST", "/accounts/logout", marta)
        await ask(client, "GET", "/accounts/me", marta)
        for _ in range(6):
            await ask(
                client, "POST", "/accounts/login", json={"email": "marta@club.example", "password": "guess"}
            )


asyncio.run(main())
