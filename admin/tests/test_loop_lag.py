"""Nothing holds the event loop noticeably: other requests are answered meanwhile (contract, 14)."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import depots
import pytest
from client import Client
from loop_lag import watched_loop

from oxyde_admin.auth import hash_password, verify_password
from oxyde_admin.http.reply import HEAVY, json_response

LONGEST = 0.05
"""Seconds; the contract's promise."""
SHARE = 0.5
"""On a machine that does other things too everything waits: then of the time that the work takes."""
TRIES = 6


async def holds(work: Callable[[], Awaitable[None]]) -> bool:
    """Whether the work holds the loop, in each of several tries."""
    for _ in range(TRIES):
        begun = time.perf_counter()
        async with watched_loop() as lag:
            await work()
        if lag.longest < max(LONGEST, SHARE * (time.perf_counter() - begun)):
            return False
    return True


async def test_a_page_of_large_texts(client: Client) -> None:
    depot = await depots.Depot.objects.create(name="d")
    text = "\u00e4\n\u6771" + "x" * 200_000
    await depots.Parcel.objects.bulk_create(
        [depots.Parcel(code=f"P-{n}", depot_id=depot.id, note=text) for n in range(100)]
    )

    async def page() -> None:
        answer = await client.request("GET", "/api/parcels", query={"per_page": 100})
        assert answer.status == 200
        answers.append(answer)

    answers: list[Any] = []
    assert not await holds(page)
    items = answers[0].json()["items"]
    assert len(items) == 100 and {item["note"] for item in items} == {text}


async def test_passwords() -> None:
    stored = await hash_password("correct horse")

    async def hashing() -> None:
        await hash_password("correct horse")

    async def verifying() -> None:
        assert await verify_password("correct horse", stored)

    assert not await holds(hashing)
    assert not await holds(verifying)


async def test_that_a_held_loop_is_noticed() -> None:
    async def holding() -> None:
        time.sleep(3 * LONGEST)  # noqa: ASYNC251 (that is what it is about)

    assert await holds(holding)


@pytest.mark.parametrize(
    "content",
    [
        {"text": '\u00e4"\\\n' * HEAVY, "after": [1, None]},
        [[n, str(n), {"a": n / 8, "\u00e4": "\ud800"}] for n in range(100_000)],
        {f"name {n}": ["x" * n, {}, []] for n in range(1_000)},
        [{"deep": {"deeper": ["y" * HEAVY, {"z": "w" * HEAVY}]}}, True],
    ],
    ids=["one text", "many rows", "many names", "deep"],
)
async def test_heavy_answers_are_the_same_json(content: Any) -> None:
    response = await json_response(content)
    assert isinstance(response.body, bytes) and len(response.body) > HEAVY
    assert json.loads(response.body) == content
