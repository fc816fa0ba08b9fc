"""Foreign keys in the database: names, actions, order of tables, types, on every server."""

from __future__ import annotations

import datetime
import enum
import ipaddress
import pathlib
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Literal

import pydantic
import pytest
import pytest_asyncio
from fleet import FLEET, Berth, Depot, Licence, Person, Region, Truck, TruckCrew, Visit
from parcels import served
from servers import Server

from oxyde import Field, Model, create_tables, db, drop_tables, execute_raw
from oxyde.exceptions import (
    ForeignKeyViolationError,
    IntegrityError,
    NotNullViolationError,
    UniqueViolationError,
)


@pytest_asyncio.fixture
async def fleet(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, FLEET) as database:
        yield database


@pytest_asyncio.fixture
async def empty(fresh_database: Server) -> AsyncIterator[db.AsyncDatabase]:
    async with served(fresh_database, []) as database:
        yield database


async def constraints(database: db.AsyncDatabase, table: str) -> set[tuple[str, str, str]]:
    """(name or "", on delete, on update) of a table's foreign keys, as the database tells them."""
    if database.backend == "sqlite":
        rows = await execute_raw(f"PRAGMA foreign_key_list({table})")
        (made,) = await execute_raw("SELECT sql FROM sqlite_master WHERE name = ?", [table])
        names = [part.split('"')[1] for part in made["sql"].split("CONSTRAINT ")[1:] if "FOREIGN KEY" in part]
        actions = {row["id"]: (row["on_delete"], row["on_update"]) for row in rows}
        # PRAGMA counts from the last one
        return {(name, *actions[n]) for n, name in enumerate(reversed(names))}
    return {
        (row["n"], row["d"], row["u"])
        for row in await execute_raw(
            "SELECT constraint_name AS n, delete_rule AS d, update_rule AS u"
            " FROM information_schema.referential_constraints WHERE constraint_name LIKE 'fk_" + table + "%%'"
            if database.backend == "postgres"
            else "SELECT constraint_name AS n, delete_rule AS d, update_rule AS u"
            " FROM information_schema.referential_constraints"
            f" WHERE constraint_schema = DATABASE() AND table_name = '{table}'"
        )
    }


async def test_constraints_are_named_after_table_and_column(fleet: db.AsyncDatabase) -> None:
    assert await constraints(fleet, "fleet_regions") == {
        ("fk_fleet_regions_parent_code", "SET NULL", "CASCADE")
    }
    assert await constraints(fleet, "fleet_trucks") == {("fk_fleet_trucks_home_code", "CASCADE", "CASCADE")}
    assert await constraints(fleet, "fleet_visits") == {
        ("fk_fleet_visits_berth_depot_code_berth_number", "RESTRICT", "CASCADE"),
        ("fk_fleet_visits_truck_plate", "RESTRICT", "CASCADE"),
    }


async def test_actions_do_what_they_say(fleet: db.AsyncDatabase) -> None:
    world, north = (
        await Region.objects.create(code="W"),
        await Region.objects.create(code="N", parent_code="W"),
    )
    depot = await Depot.objects.create(code="N4", region=north)
    truck = await Truck.objects.create(plate="A", home=depot)
    await Licence.objects.create(number="L", truck=truck)
    berth = await Berth.objects.create(depot=depot, number=1)
    visit = await Visit.objects.create(berth=berth, truck=truck)
    with pytest.raises(IntegrityError) as caught:
        await north.delete()  # RESTRICT: a depot points at it
    assert isinstance(caught.value, ForeignKeyViolationError)
    await world.delete()  # SET NULL
    await north.refresh()
    assert north.parent_code is None
    with pytest.raises(ForeignKeyViolationError):
        await depot.delete()  # CASCADE would delete what a visit points at
    await visit.delete()
    await depot.delete()
    assert [await model.objects.count() for model in (Truck, Licence, Berth)] == [0, 0, 0]


async def test_a_changed_key_is_followed(fleet: db.AsyncDatabase) -> None:
    await Depot.objects.create(code="N4")
    truck = await Truck.objects.create(plate="A", home_code="N4")
    await Depot.objects.filter(code="N4").update(code="N5")
    await truck.refresh()
    assert truck.home_code == "N5"


async def test_a_foreign_key_must_exist(fleet: db.AsyncDatabase) -> None:
    with pytest.raises(ForeignKeyViolationError):
        await Truck.objects.create(plate="A", home_code="NONE")
    with pytest.raises(NotNullViolationError):
        await Truck.objects.create(plate="A")  # db_nullable=False
    await Depot.objects.create(code="N4")
    truck = await Truck.objects.create(plate="A", home_code="N4")
    await Licence.objects.create(number="1", truck=truck)
    with pytest.raises(UniqueViolationError):
        await Licence.objects.create(number="2", truck=truck)
    await Berth.objects.create(depot_code="N4", number=1)
    with pytest.raises(ForeignKeyViolationError):
        await Visit.objects.create(berth_depot_code="N4", berth_number=2)


async def test_composite_keys_of_foreign_keys(fleet: db.AsyncDatabase) -> None:
    await Depot.objects.create(code="N4")
    truck = await Truck.objects.create(plate="A", home_code="N4")
    ana = await Person.objects.create(name="Ana")
    link = await TruckCrew.objects.create(truck=truck, person=ana)
    with pytest.raises(UniqueViolationError):
        await TruckCrew.objects.create(truck_id=truck.id, person_id=ana.id)
    link.role = "guest"
    await link.save()
    found = await TruckCrew.objects.get(pk=(truck.id, ana.id))
    assert found.role == "guest"
    assert await TruckCrew.objects.in_bulk([(truck.id, ana.id)]) == {(truck.id, ana.id): found}
    assert await found.delete() == 1
    if fleet.backend != "sqlite":  # where only INTEGER PRIMARY KEY implies NOT NULL
        with pytest.raises(NotNullViolationError):
            await execute_raw("INSERT INTO fleet_crew (truck_id, person_id, role) VALUES (1, NULL, 'x')")


async def test_tables_come_in_any_order_and_in_circles(empty: db.AsyncDatabase) -> None:
    class Chief(Model):
        id: int | None = Field(default=None, db_pk=True)
        team: Team | None = None

        class Meta:
            is_table = True
            table_name = "circle_chiefs"

    class Member(Model):
        id: int | None = Field(default=None, db_pk=True)
        team: Team

        class Meta:
            is_table = True
            table_name = "circle_members"

    class Team(Model):
        id: int | None = Field(default=None, db_pk=True)
        chief: Chief | None = Field(default=None, db_on_delete="SET NULL")

        class Meta:
            is_table = True
            table_name = "circle_teams"

    models = [Member, Team, Chief]
    await create_tables(empty, models=models)
    team = await Team.objects.create(instance=Team())
    chief = await Chief.objects.create(team=team)
    team.chief = chief
    await team.save()
    with pytest.raises(ForeignKeyViolationError):
        await Member.objects.create(team_id=99)
    await create_tables(empty, models=models, if_not_exists=True)
    assert (await Team.objects.get()).chief_id == chief.id
    await drop_tables(empty, models=models)
    await create_tables(empty, models=models, if_not_exists=True)
    with pytest.raises(ForeignKeyViolationError):
        await Member.objects.create(team_id=99)
    await create_tables(empty, models=models, if_not_exists=True)
    await drop_tables(empty, models=models)
    await drop_tables(empty, models=models, if_exists=True)


# --- keys of every type -------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


KEYS: dict[str, tuple[Any, dict[str, Any], Any, Any]] = {
    "int": (int, {}, 2**40, 1),
    "serial": (int, {"db_type": "SERIAL"}, 5, 1),
    "smallint": (int, {"db_type": "SMALLINT"}, 5, 1),
    "str": (str, {}, "über", "x"),
    "short": (str, {"max_length": 3}, "abc", "x"),
    "text": (str, {"db_type": "TEXT"}, "long " * 10, "x"),
    "uuid": (uuid.UUID, {}, uuid.UUID(int=7), uuid.UUID(int=8)),
    "decimal": (Decimal, {"max_digits": 8, "decimal_places": 2}, Decimal("1.50"), Decimal("2.25")),
    "enum": (Colour, {}, Colour.RED, Colour.BLUE),
    "date": (datetime.date, {}, datetime.date(2024, 2, 29), datetime.date(2024, 3, 1)),
    "datetime": (
        datetime.datetime,
        {},
        datetime.datetime(2024, 2, 29, 1, 2, 3, 4),
        datetime.datetime(2024, 3, 1),
    ),
    "bytes": (bytes, {"db_type": "VARBINARY(20)"}, b"\x00\xff", b"x"),
    "inet": (ipaddress.IPv4Address, {}, ipaddress.IPv4Address("10.0.0.1"), ipaddress.IPv4Address("10.0.0.2")),
    "literal": (Literal["a", "b"], {}, "a", "b"),
    "path": (pathlib.Path, {}, pathlib.Path("/a/b"), pathlib.Path("/c")),
    "url": (pydantic.AnyUrl, {}, pydantic.AnyUrl("http://a.b/"), pydantic.AnyUrl("http://c.d/")),
    "aware": (
        pydantic.AwareDatetime,
        {},
        datetime.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=datetime.timezone.utc),
        datetime.datetime(2024, 3, 1, tzinfo=datetime.timezone.utc),
    ),
    "time": (datetime.time, {}, datetime.time(1, 2, 3, 4), datetime.time(5)),
    "float": (float, {}, 1.5, 2.5),
    "unsigned": (int, {"db_type": "INTEGER"}, 5, 1),
    "bool": (bool, {}, True, False),
    "timedelta": (datetime.timedelta, {}, datetime.timedelta(days=1), datetime.timedelta(days=2)),
}


@pytest.mark.parametrize("name", KEYS)
async def test_foreign_keys_to_keys_of_every_type(empty: db.AsyncDatabase, name: str) -> None:
    annotation, arguments, value, missing = KEYS[name]
    if name == "bytes" and empty.backend != "mysql":
        arguments = {}
    if name == "text" and empty.backend == "mysql":
        arguments = {"db_type": "VARCHAR(60)"}  # which has no keys on TEXT

    class Owner(Model):
        key: annotation = Field(db_pk=True, **arguments)
        things: list[Thing] = Field(db_reverse_fk="owner")

        class Meta:
            is_table = True
            table_name = f"key_owner_{name}"

    class Thing(Model):
        id: int | None = Field(default=None, db_pk=True)
        owner: Owner
        other: Owner | None = None

        class Meta:
            is_table = True
            table_name = f"key_thing_{name}"

    await create_tables(empty, models=[Thing, Owner])
    owner = await Owner.objects.create(key=value)
    thing = await Thing.objects.create(owner=owner)
    read = await Thing.objects.get(id=thing.id)
    assert (read.owner_key, read.other_key) == (value, None)
    assert type(read.owner_key) is type(value)
    assert await Thing.objects.filter(owner_key=value).count() == 1
    with pytest.raises(ForeignKeyViolationError):
        await Thing.objects.create(owner_key=missing)


async def test_settings_of_the_id_column_reach_the_table(empty: db.AsyncDatabase) -> None:
    class Box(Model):
        id: int | None = Field(default=None, db_pk=True)
        depot: Depot = Field(
            db_column="at",
            db_unique=True,
            db_default="'N4'",
            db_comment="where it is",
            db_on_update="no action",
        )
        region: Region | None = Field(default=None, db_index=True, db_index_name="boxes_by_region")

        class Meta:
            is_table = True
            table_name = "settled_boxes"
            comment = "boxes"

    await create_tables(empty, models=[Box, Depot, Region])
    await Depot.objects.create(code="N4")
    box = await Box.objects.create(instance=Box())
    assert (box.at, (await Box.objects.get(at="N4")).id) == ("N4", box.id)
    with pytest.raises(UniqueViolationError):
        await Box.objects.create(at="N4")
    assert ("fk_settled_boxes_at", "RESTRICT", "NO ACTION") in await constraints(empty, "settled_boxes")
    if empty.backend == "sqlite":
        found = await execute_raw("SELECT name FROM sqlite_master WHERE type = 'index'")
        assert {"name": "boxes_by_region"} in found
    elif empty.backend == "postgres":
        assert {"indexname": "boxes_by_region"} in await execute_raw("SELECT indexname FROM pg_indexes")
    else:
        rows = await execute_raw("SHOW INDEX FROM settled_boxes")
        assert "boxes_by_region" in {row["Key_name"] for row in rows}


async def test_foreign_keys_between_tables_of_a_schema(empty: db.AsyncDatabase) -> None:
    if empty.backend == "sqlite":
        return  # foreign keys do not reach into attached databases

    class Owner(Model):
        id: int | None = Field(default=None, db_pk=True)

        class Meta:
            is_table = True
            schema = "fleet_apart"
            table_name = "owners"

    class Thing(Model):
        id: int | None = Field(default=None, db_pk=True)
        owner: Owner | None = Field(default=None, db_on_delete="CASCADE")

        class Meta:
            is_table = True
            table_name = "things_of_others"

    await execute_raw(
        "DROP SCHEMA IF EXISTS fleet_apart" + (" CASCADE" if empty.backend == "postgres" else "")
    )
    await execute_raw("CREATE SCHEMA fleet_apart")
    try:
        await create_tables(empty, models=[Thing, Owner])
        thing = await Thing.objects.create(owner=await Owner.objects.create(instance=Owner()))
        with pytest.raises(ForeignKeyViolationError):
            await Thing.objects.create(owner_id=99)
        await Owner.objects.filter(id=thing.owner_id).delete()
        assert await Thing.objects.count() == 0
        await drop_tables(empty, models=[Thing, Owner])
    finally:
        await execute_raw(
            "DROP SCHEMA IF EXISTS fleet_apart" + (" CASCADE" if empty.backend == "postgres" else "")
        )


async def test_a_key_that_is_a_foreign_key_is_not_numbered(empty: db.AsyncDatabase) -> None:
    class Owner(Model):
        id: int | None = Field(default=None, db_pk=True)
        profile: Profile | None = Field(db_reverse_fk="owner")

        class Meta:
            is_table = True
            table_name = "profile_owners"

    class Profile(Model):
        owner: Owner = Field(db_pk=True, db_on_delete="CASCADE")
        bio: str = ""

        class Meta:
            is_table = True
            table_name = "profiles"

    await create_tables(empty, models=[Profile, Owner])
    owner = await Owner.objects.create(instance=Owner())
    profile = Profile(owner=owner, bio="x")
    await profile.save()
    profile.bio = "y"
    await profile.save()
    await Profile(owner_id=owner.id, bio="z").save()
    assert [(p.owner_id, p.bio) for p in await Profile.objects.all()] == [(owner.id, "z")]
    with pytest.raises(IntegrityError):
        await execute_raw("INSERT INTO profiles (bio) VALUES ('w')")
