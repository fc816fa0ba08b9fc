"""Migrations, stubs and the seed, through the commands that everybody uses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256

import pytest
import servers

from conftest import HOME, SERVERS

TABLES = (
    "members",
    "profiles",
    "regions",
    "labels",
    "trails",
    "trail_labels",
    "remarks",
    "favourites",
    "visits",
)


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    with servers.fresh_database(request.param) as found:
        yield found


def run(database: servers.Server, *command: str) -> str:
    """`python -m COMMAND` on this database; its output, which must be of a success."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=HOME,
        env={**os.environ, "TRAILBOOK_DATABASE_URL": database.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_migrations_run_from_empty_down_and_up_again(database: servers.Server) -> None:
    run(database, "oxyde", "migrate")
    assert "agree" in run(database, "oxyde", "check")
    run(database, "oxyde", "migrate", "zero")
    run(database, "oxyde", "migrate")
    assert "agree" in run(database, "oxyde", "check")
    run(database, "oxyde", "makemigrations", "--check")


def test_tones_become_colours_and_back(database: servers.Server) -> None:
    run(database, "oxyde", "migrate", "0007")
    with database.admin() as admin:
        for tone in ("green", "odd"):
            admin.rows(f"INSERT INTO labels (name, slug, tone) VALUES ('{tone}', '{tone}', '{tone}')")
        run(database, "oxyde", "migrate", "0008")
        assert admin.rows("SELECT slug, colour FROM labels ORDER BY slug") == [
            ("green", "#2e7d32"),
            ("odd", "#607d8b"),
        ]
        run(database, "oxyde", "migrate")
        run(database, "oxyde", "migrate", "0007")
        assert admin.rows("SELECT slug, tone FROM labels ORDER BY slug") == [
            ("green", "green"),
            ("odd", "grey"),
        ]


def test_the_stubs_are_current(database: servers.Server) -> None:
    assert "up to date" in run(database, "oxyde", "generate-stubs", "--check")


def test_the_seed_twice_gives_the_same_rows(database: servers.Server) -> None:
    def rows() -> dict[str, tuple[int, str]]:
        found = {}
        with database.admin() as admin:
            for table in TABLES:
                names = "id, handle, email, joined" if table == "members" else "*"
                text = sorted(map(repr, admin.rows(f"SELECT {names} FROM {table}")))
                found[table] = (len(text), sha256("\n".join(text).encode()).hexdigest())
        return found

    run(database, "oxyde", "migrate")
    first_login = run(database, "trailbook.seed")
    first = rows()
    assert {table: number for table, (number, _) in first.items()} == {
        "members": 8,
        "profiles": 8,
        "regions": 6,
        "labels": 15,
        "trails": 60,
        "trail_labels": 110,
        "remarks": 200,
        "favourites": 40,
        "visits": 2000,
    }
    second_login = run(database, "trailbook.seed", "--visits", "2500")
    assert rows() | {"visits": first["visits"]} == first
    assert rows()["visits"][0] == 2500
    assert "password" in first_login
    assert first_login != second_login
