"""Remarks: who sees them, threads, moderation."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from conftest import World
from trailbook.models import DEEPEST_REPLY, Remark


async def _say(
    client: httpx.AsyncClient, world: World, body: str, parent: int | None = None
) -> dict[str, Any]:
    url = f"/trails/{world.trail.id}/remarks"
    answer = await client.post(url, json={"body": body, "parent_id": parent})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_unapproved_remarks_show_only_to_their_author_and_editors(world: World) -> None:
    remark = await _say(world.as_["reader"], world, "Snow above the hut.")
    assert (remark["approved"], remark["author"]["handle"]) == (False, "reader")

    async def seen_by(client: httpx.AsyncClient) -> tuple[int, int, int]:
        thread = (await client.get(f"/trails/{world.trail.id}/remarks")).json()
        full = (await client.get(f"/trails/{world.trail.id}/full")).json()["remarks"]
        single = await client.get(f"/remarks/{remark['id']}")
        return len(thread), len(full), single.status_code

    hidden, shown = (0, 0, 404), (1, 1, 200)
    for name, client in world.clients().items():
        assert await seen_by(client) == (shown if name in ("reader", "editor", "admin") else hidden), name
    answer = await world.as_["editor"].post(f"/remarks/{remark['id']}/approve")
    assert answer.json()["approved"] is True
    for client in world.clients().values():
        assert await seen_by(client) == shown


async def test_threads_nest_replies(world: World) -> None:
    editor = world.as_["editor"]
    first = await _say(editor, world, "First")
    reply = await _say(editor, world, "Reply", first["id"])
    await _say(editor, world, "Reply to the reply", reply["id"])
    await _say(editor, world, "Second")
    thread = (await editor.get(f"/trails/{world.trail.id}/remarks")).json()

    def outline(nodes: list[dict[str, Any]]) -> list[Any]:
        return [[node["body"], outline(node["replies"])] for node in nodes]

    assert outline(thread) == [["First", [["Reply", [["Reply to the reply", []]]]]], ["Second", []]]
    assert (await editor.get(f"/trails/{world.trail.id}/full")).json()["remarks"] == thread


async def test_threads_end_at_some_depth_and_are_deleted_whole(world: World) -> None:
    parent = None
    for number in range(30):
        parent = (await _say(world.as_["editor"], world, str(number), parent))["id"]
    thread = (await world.as_["editor"].get(f"/trails/{world.trail.id}/remarks")).json()

    def measure(nodes: list[dict[str, Any]]) -> tuple[int, int]:
        below = [measure(node["replies"]) for node in nodes]
        return len(nodes) + sum(n for n, _ in below), 1 + max((depth for _, depth in below), default=0)

    assert measure(thread) == (30, DEEPEST_REPLY + 2)
    assert (await world.as_["editor"].delete(f"/trails/{world.trail.id}")).status_code == 204
    assert await Remark.objects.count() == 0


async def test_a_reply_answers_a_visible_remark_of_the_same_trail(world: World) -> None:
    hidden = await _say(world.as_["author"], world, "Waiting")
    url = f"/trails/{world.trail.id}/remarks"
    for parent in (hidden["id"], 987654):
        answer = await world.as_["reader"].post(url, json={"body": "Re", "parent_id": parent})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_reference")
    made = await world.as_["author"].post(
        "/trails", json={"title": "Other", "length_km": "1", "walking_time": "PT1H"}
    )
    answer = await world.as_["author"].post(
        f"/trails/{made.json()['id']}/remarks", json={"body": "Re", "parent_id": hidden["id"]}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("body", [{}, {"body": "  "}, {"body": "x" * 2001}, {"body": None}, []], ids=str)
async def test_remarks_are_validated(world: World, body: Any) -> None:
    answer = await world.as_["reader"].post(f"/trails/{world.trail.id}/remarks", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_changed_remark_waits_for_approval_again(world: World) -> None:
    remark = await _say(world.as_["reader"], world, "Dry")
    url = f"/remarks/{remark['id']}"
    await world.as_["editor"].post(f"{url}/approve")
    assert (await world.as_["author"].patch(url, json={"body": "Mine now"})).status_code == 403
    assert (await world.as_["author"].delete(url)).status_code == 403
    changed = (await world.as_["reader"].patch(url, json={"body": "Wet"})).json()
    assert (changed["body"], changed["approved"]) == ("Wet", False)
    assert (await world.as_["reader"].delete(url)).status_code == 204
    for client in (world.as_["editor"], world.as_["reader"]):
        assert (await client.get(url)).status_code == 404
        assert (await client.delete(url)).status_code == 404
        assert (await client.patch(url, json={"body": "x"})).status_code == 404
    assert (await world.as_["editor"].post(f"{url}/approve")).status_code == 404


async def test_the_queue_holds_what_waits(world: World) -> None:
    for number in range(3):
        await _say(world.as_["reader"], world, f"Remark {number}")
    queue = (await world.as_["editor"].get("/remarks/queue", params={"per_page": 2})).json()
    assert (queue["total"], queue["pages"]) == (3, 2)
    assert [item["body"] for item in queue["items"]] == ["Remark 0", "Remark 1"]
    await world.as_["editor"].post(f"/remarks/{queue['items'][0]['id']}/approve")
    assert (await world.as_["editor"].get("/remarks/queue")).json()["total"] == 2


async def test_deleting_takes_the_replies(world: World) -> None:
    first = await _say(world.as_["editor"], world, "First")
    await _say(world.as_["editor"], world, "Reply", first["id"])
    await world.as_["editor"].delete(f"/remarks/{first['id']}")
    assert await Remark.objects.count() == 0
