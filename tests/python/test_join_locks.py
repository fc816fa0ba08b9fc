"""Locks of joined rows: which tables, in which words, and what others then wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from fleet import Depot, Truck, Visit
from fleet_rows import filled_fleet
from servers import Server

from oxyde import FieldLookupError, LockTimeout, NotSupportedError, atomic, db


@pytest_asyncio.fixture
async def fleet(fresh_database: Server) -> AsyncIterator[str]:
    async with filled_fleet(fresh_database):
        yield fresh_database.name


def lock(query: Any, dialect: str) -> str:
    """The text from the lock on."""
    text = str(query.sql(dialect=dialect)[0])
    at = [text.find(word) for word in (" FOR ", " LOCK ") if word in text]
    return text[min(at) + 1 :] if at else ""


def test_the_base_table_is_locked_by_default() -> None:
    query = Truck.objects.join("home").for_update()
    assert lock(query, "postgres") == 'FOR UPDATE OF "fleet_trucks"'
    assert lock(query, "mysql") == "FOR UPDATE OF `fleet_trucks`"
    assert lock(query, "mariadb") == "FOR UPDATE"
    assert lock(query, "sqlite") == ""
    shared = Truck.objects.join("home").for_share(nowait=True)
    assert lock(shared, "postgres") == 'FOR SHARE OF "fleet_trucks" NOWAIT'
    assert lock(shared, "mariadb") == "LOCK IN SHARE MODE NOWAIT"


def test_of_names_joined_relations() -> None:
    query = Truck.objects.join("home__region").for_update(of=("self", "home"), skip_locked=True)
    assert lock(query, "postgres") == 'FOR UPDATE OF "fleet_trucks", "home" SKIP LOCKED'
    assert lock(query, "mysql") == "FOR UPDATE OF `fleet_trucks`, `home` SKIP LOCKED"
    assert lock(query, "sqlite") == ""
    with pytest.raises(NotSupportedError, match="mariadb"):
        query.sql(dialect="mariadb")
    nested = Truck.objects.join("home__region").for_update(of="home__region", no_key=True)
    assert lock(nested, "postgres") == 'FOR NO KEY UPDATE OF "home_region"'
    assert lock(nested, "mysql") == "FOR UPDATE OF `home_region`"


def test_of_names_nothing_else() -> None:
    joined = Truck.objects.join("home__region")
    for name in ("licence", "home__region__parent", "hom", "plate", ""):
        with pytest.raises(FieldLookupError, match=rf"of='{name}' names no joined relation of Truck"):
            joined.for_update(of=("self", name)).sql()
    with pytest.raises(FieldLookupError, match=r"add \.join\('home'\)"):
        Truck.objects.for_update(of="home").sql()


def test_rows_that_are_always_there_are_joined_inside_to_be_locked() -> None:
    """PostgreSQL locks no row on the outer side of a join."""
    joined = Truck.objects.join("home__region")
    assert " LEFT JOIN " in joined.sql()[0] and " INNER JOIN " not in joined.sql()[0]
    text = joined.for_update(of="home").sql()[0]
    assert 'INNER JOIN "fleet_depots" AS "home"' in text and 'LEFT JOIN "fleet_regions"' in text
    assert " INNER JOIN " not in joined.for_update(of="home__region").sql()[0]
    assert " INNER JOIN " not in Visit.objects.join("truck").for_update(of="truck").sql()[0]


async def is_locked(query: Any) -> bool:
    """Whether somebody else would have to wait for these rows."""

    async def ask() -> None:
        async with atomic():
            await query.for_update(nowait=True).all()

    try:
        await asyncio.create_task(ask())
    except LockTimeout:
        return True
    return False


async def test_others_wait_for_what_is_locked(fleet: str) -> None:
    joined = Truck.objects.filter(id=1).join("home")
    truck, depot = Truck.objects.filter(id=1), Depot.objects.filter(code="N4")
    async with atomic():
        (row,) = await joined.for_update().all()
        assert row.home.label == "North"
        if fleet != "sqlite":
            assert await is_locked(truck)
            assert await is_locked(depot) == (fleet == "mariadb")
    if fleet == "mariadb":
        with pytest.raises(NotSupportedError):
            await joined.for_update(of="home").all()
        return
    async with atomic():
        (row,) = await joined.for_update(of="home").all()
        assert row.home.label == "North"
        if fleet != "sqlite":
            assert await is_locked(depot) and not await is_locked(truck)
    async with atomic():
        assert await joined.for_update(of=("self", "home")).exists()
        if fleet != "sqlite":
            assert await is_locked(depot) and await is_locked(truck)


async def test_rows_that_are_only_counted_are_not_locked(fleet: str) -> None:
    query = Truck.objects.for_update()
    with db.capture_queries() as log:
        async with atomic():
            assert await query.exists()
            assert await query.count() == 3
            assert await query[:2].count() == 2
    locking = ["FOR UPDATE" in event.sql for event in log if event.operation == "SELECT"]
    assert locking == [fleet != "sqlite", False, False]


async def test_rows_that_may_be_missing_are_locked_where_the_server_can(fleet: str) -> None:
    query = Visit.objects.join("truck").order_by("id").for_update(of=("self", "truck"))
    if fleet in ("postgres", "mariadb"):
        with pytest.raises(NotSupportedError):
            await query.all()
    else:
        assert [visit.truck is None for visit in await query.all()] == [False, False, True, False]
    if fleet != "mariadb":
        there = await query.filter(truck__id__isnull=False).all()
        assert [visit.truck is None for visit in there] == [False, False, False]
