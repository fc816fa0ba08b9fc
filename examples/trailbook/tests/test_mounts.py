"""The panel in five frameworks, over real HTTP: log in, list, change, export, log out."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator

import httpx
import pytest
import servers
from served import served

from conftest import HOME, SERVERS
from trailbook.__main__ import set_up
from trailbook.settings import Settings

UVICORN = ("-m", "uvicorn", "--port", "{port}", "--log-level", "warning")
MOUNTS = {
    "fastapi": (*UVICORN, "mounts.on_fastapi:app"),
    "litestar": (*UVICORN, "mounts.on_litestar:app"),
    "sanic": ("-m", "sanic", "mounts.on_sanic:app", "--port", "{port}", "--single-process", "--no-motd"),
    "quart": (*UVICORN, "mounts.on_quart:app"),
    "falcon": (*UVICORN, "mounts.on_falcon:app"),
}


@pytest.fixture(scope="module", params=SERVERS)
def seeded(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of a seeded database, and an administrator's credentials."""
    with servers.fresh_database(request.param) as found:
        said = asyncio.run(set_up(Settings(database_url=found.url, debug=True), visits=50))
        email, password = re.findall(r"log in as (\S+) with (\S+)", said)[0]
        yield found.url, {"email": email, "password": password}


@pytest.mark.parametrize("framework", MOUNTS)
def test_a_mount_serves_the_panel_and_leaves_its_host_alone(
    seeded: tuple[str, dict[str, str]], framework: str
) -> None:
    url, credentials = seeded
    with served(url, MOUNTS[framework], "/hello") as (base, _), httpx.Client(base_url=base) as client:
        assert client.get("/hello").json() == {"hello": "hikers"}
        assert client.get("/administrator").status_code == 404
        assert client.get("/admin/api/trails").status_code == 401

        session = client.post("/admin/api/-/session", json=credentials)
        assert session.status_code == 200, session.text
        headers = {"X-CSRF-Token": session.json()["csrf"]}

        found = client.get("/admin/api/trails", params={"ordering": "id", "per_page": 2}).json()
        assert (found["total"], len(found["items"])) == (60, 2)
        trail = f"/admin/api/trails/{found['items'][0]['id']}"
        record = client.get(trail)
        locked = {**headers, "If-Match": record.headers["etag"]}
        views = f"Changed in {framework}"
        changed = client.patch(trail, json={"title": views}, headers=locked)
        assert (changed.status_code, changed.json()["title"]) == (200, views)
        assert changed.json()["version"] == record.json()["version"] + 1
        assert client.patch(trail, json={"title": "Late"}, headers=locked).status_code == 412

        export = client.get("/admin/api/trails/export", params={"format": "csv"})
        titles = [row["title"] for row in csv.DictReader(io.StringIO(export.text, newline=""))]
        assert (len(titles), views in titles) == (60, True)
        client.patch(trail, json={"title": record.json()["title"]}, headers=headers)

        assert client.delete("/admin/api/-/session", headers=headers).status_code == 204
        assert client.get("/admin/api/trails").status_code == 401
        assert client.get("/hello").json() == {"hello": "hikers"}


def test_mounts_are_short() -> None:
    for path in (HOME / "mounts").glob("on_*.py"):
        assert len(path.read_text().splitlines()) <= 30, path
