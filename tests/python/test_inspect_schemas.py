"""Well-known databases: read, written as models, imported, compared, and queried."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import servers
from generated import imported

from oxyde import db
from oxyde.migrations import check_schema, generate_models, inspect_database

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMAS = Path(servers.__file__).parent / "schemas"
_STATEMENT = re.compile(r"(?:[^;$']|'(?:[^']|'')*'|\$\$.*?\$\$)+;", re.S)


def fill(database: servers.Server, name: str) -> None:
    servers.drop_everything(database)
    text = re.sub(r"^--.*$", "", (SCHEMAS / f"{name}.sql").read_text(), flags=re.M)
    with contextlib.closing(servers.Admin(database)) as admin:
        for statement in _STATEMENT.findall(text):
            admin.rows(statement.strip().rstrip(";"))


async def test_chinook(fresh_database: servers.Server, tmp_path: Path) -> None:
    fill(fresh_database, "chinook")
    async with db.connect(fresh_database.url):
        source = generate_models(await inspect_database())
        with imported(source, tmp_path) as models:
            assert await check_schema() == []
            (track,) = await models.Track.objects.join("album__artist").all()
            # PostgreSQL made all names small.
            name = "name" if fresh_database.name == "postgres" else "Name"
            assert getattr(track.album.artist, name) == "First"


@pytest.mark.parametrize("server", ["postgres"], indirect=True)
async def test_pagila(fresh_database: servers.Server, tmp_path: Path) -> None:
    fill(fresh_database, "pagila")
    async with db.connect(fresh_database.url):
        snapshot = await inspect_database()
        source = generate_models(snapshot)
        with imported(source, tmp_path) as models:
            assert await check_schema() == []
            film = await models.Film.objects.join("language").get(rating=models.MpaaRating.G)
            assert (film.title, film.language.name.strip()) == ("ACADEMY DINOSAUR", "English")
            assert film.special_features == ["Trailers", "Deleted Scenes"]
            cast = await models.FilmActor.objects.join("actor", "film").all()
            assert [(each.actor.first_name, each.film.release_year) for each in cast] == [("PENELOPE", 2006)]
            made = await models.Actor.objects.create(first_name="NICK", last_name="WAHLBERG")
            assert made.actor_id == 2


@pytest.mark.parametrize("server", ["mysql", "mariadb"], indirect=True)
async def test_sakila(fresh_database: servers.Server, tmp_path: Path) -> None:
    fill(fresh_database, "sakila")
    async with db.connect(fresh_database.url):
        source = generate_models(await inspect_database())
        with imported(source, tmp_path) as models:
            assert await check_schema() == []
            film = await models.Film.objects.join("language").get(rating=models.FilmRating.G)
            assert (film.title, film.language.name, film.release_year) == (
                "ACADEMY DINOSAUR",
                "English",
                2006,
            )
            cast = await models.FilmActor.objects.join("actor", "film").all()
            assert [(each.actor.first_name, each.film.title) for each in cast] == [
                ("PENELOPE", "ACADEMY DINOSAUR")
            ]
            made = await models.Actor.objects.create(first_name="NICK", last_name="WAHLBERG")
            assert made.actor_id == 2


@pytest.mark.parametrize("server", ["sqlite", "postgres"], indirect=True)
async def test_northwind(fresh_database: servers.Server, tmp_path: Path) -> None:
    fill(fresh_database, "northwind")
    async with db.connect(fresh_database.url):
        source = generate_models(await inspect_database())
        with imported(source, tmp_path) as models:
            assert await check_schema() == []
            (line,) = await models.OrderDetails.objects.join("order__customer", "product").all()
            assert (line.order.customer.CompanyName, line.product.ProductName) == ("Alfreds", "Chai")


def test_checkers_and_formatters_accept_the_source(tmp_path: Path) -> None:
    async def written(server: str, schema: str) -> None:
        with servers.fresh_database(server) as database:
            fill(database, schema)
            async with db.connect(database.url):
                source = generate_models(await inspect_database())
            (tmp_path / f"{schema}.py").write_text(source)

    asyncio.run(written("postgres", "pagila"))
    asyncio.run(written("mysql", "sakila"))
    asyncio.run(written("sqlite", "northwind"))
    files = sorted(str(path) for path in tmp_path.glob("*.py"))
    for command in (
        ["ruff", "format", "--isolated", "--check"],
        ["ruff", "format", "--isolated", "--line-length", "110", "--check"],
        ["mypy", "--strict"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command, *files],
            cwd=ROOT,
            env={**os.environ, "MYPYPATH": str(ROOT / "python")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
