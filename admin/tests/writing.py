"""What the tests of writing share."""

from __future__ import annotations

from typing import Any

from client import Answer, Client


async def make(client: Client, model: str, **data: Any) -> dict[str, Any]:
    """Creates a record through the panel and gives it as it was answered."""
    answer = await client.post(f"/api/{model}", data)
    assert answer.status == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def places(answer: Answer) -> list[list[Any]]:
    """Where the errors of an answer are."""
    return [entry["loc"] for entry in answer.json()["errors"]]


def kinds(answer: Answer) -> set[str]:
    """Of which types they are."""
    return {entry["type"] for entry in answer.json()["errors"]}


async def a_parcel(client: Client, code: str = "A-1", **data: Any) -> dict[str, Any]:
    """A parcel in a depot of its own."""
    depot = await make(client, "depots", name=f"depot of {code}")
    return await make(client, "parcels", code=code, depot_id=depot["id"], **data)
